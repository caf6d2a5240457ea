// Package term knows the terminal: whether there is one, how wide it is, which
// colours are wanted, and how to lay text out in columns.
package term

import (
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Width is the width, in columns, of every page that does not go to a terminal,
// and the widest that a table of ours gets: longer lines read badly.
const Width = 80

// Style says how text is to look on one stream. The zero value is plain text.
type Style struct {
	Color bool
	// Live is set when the stream is a terminal on which a line can be redrawn.
	Live bool
}

// Mode is the value of --color.
type Mode string

// The modes of --color.
const (
	Auto   Mode = "auto"
	Always Mode = "always"
	Never  Mode = "never"
)

// For returns the style of w. NO_COLOR (https://no-color.org) and TERM=dumb turn
// colours off unless mode is Always.
func For(w io.Writer, mode Mode, getenv func(string) string) Style {
	f, ok := w.(*os.File)
	live := ok && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb"
	s := Style{Live: live, Color: live && getenv("NO_COLOR") == ""}
	switch mode {
	case Always:
		s.Color = true
	case Never:
		s.Color = false
	}
	return s
}

// IsTerminal reports whether somebody sits at the other end of f.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// The kinds of emphasis. They say what a text means, not how it looks.
const (
	Heading = "1"    // bold
	Good    = "32"   // green
	Todo    = "33"   // yellow
	Bad     = "31;1" // red, bold
	Faint   = "2"    // dim
	Command = "36"   // cyan
)

// Paint returns text in the given emphasis, or unchanged where there is no
// colour.
func (s Style) Paint(kind, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + kind + "m" + text + "\x1b[0m"
}

// Len is the number of columns that text takes: escape sequences count nothing.
func Len(text string) int {
	n := 0
	for {
		i := strings.Index(text, "\x1b[")
		if i < 0 {
			return n + utf8.RuneCountInString(text)
		}
		n += utf8.RuneCountInString(text[:i])
		j := strings.IndexByte(text[i:], 'm')
		if j < 0 {
			return n
		}
		text = text[i+j+1:]
	}
}

// Pad fills text with spaces up to width columns.
func Pad(text string, width int) string {
	if n := width - Len(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// Wrap breaks text at spaces so that no line is wider than width where a word
// allows it; lines after the first begin with indent.
func Wrap(text string, width int, indent string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && strings.TrimSpace(line) != "" && Len(line)+1+Len(word) > width {
			lines = append(lines, line)
			line = indent + word
			continue
		}
		if line == "" {
			line = word
		} else {
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Columns lays rows out in left-aligned columns, two spaces apart, and drops the
// space at the end of a line.
func Columns(rows [][]string, gap int) []string {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Len(c))
		}
	}
	var out []string
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			if i == len(r)-1 {
				b.WriteString(c)
				break
			}
			b.WriteString(Pad(c, widths[i]+gap))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}

// Clean replaces control characters, so that a name from outside cannot move
// the cursor, forge a line, or be read in another order than it is written.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return '\ufffd'
		}
		return r
	}, text)
}

// Line is Clean for what has to stay within a line, as a file's name: line ends
// and runs of white space become one space.
func Line(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }
