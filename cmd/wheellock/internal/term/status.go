package term

import (
	"fmt"
	"io"
	"sync"
)

// A Status is a line at the foot of a terminal that says what is being done now. On
// what is no terminal it is never seen, and lines are printed as they come. It is safe
// for concurrent use.
type Status struct {
	mu   sync.Mutex
	w    io.Writer
	live bool
	text string
}

// NewStatus makes an empty status line for a stream; live says that the stream is a
// terminal (Style.Live).
func NewStatus(w io.Writer, live bool) *Status { return &Status{w: w, live: live} }

// Set changes the line, cut at the width of a page; "" takes it away.
func (s *Status) Set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := []rune(Line(text)); len(r) >= Width {
		text = string(r[:Width-2]) + "…" // one column less, or some terminals wrap
	} else {
		text = string(r)
	}
	if !s.live || text == s.text {
		return
	}
	s.text = text
	fmt.Fprint(s.w, clear+text)
}

// clear goes back to the first column and empties the line.
const clear = "\r\x1b[K"

// Print writes a whole line above the status.
func (s *Status) Print(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live && s.text != "" {
		fmt.Fprint(s.w, clear)
	}
	fmt.Fprintln(s.w, line)
	if s.live && s.text != "" {
		fmt.Fprint(s.w, s.text)
	}
}
