package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// maxAttempts is how often a question is asked again after a wrong answer.
const maxAttempts = 5

// dialogue is an interview on a terminal. The first thing that goes wrong ends
// it: later questions are not asked, and err says why.
type dialogue struct {
	ctx   context.Context
	lines <-chan string // what is typed, closed at its end
	out   io.Writer
	style term.Style
	err   error
}

// readLines reads in the background: an interrupted verb must not wait for the
// Enter key.
func readLines(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}

func (d *dialogue) say(format string, args ...any) {
	if d.err == nil {
		fmt.Fprintf(d.out, format+"\n", args...)
	}
}

// ask asks until take has no objection to the answer. Enter answers with the
// default.
func (d *dialogue) ask(question, byDefault string, take func(answer string) error) {
	for n := 0; d.err == nil; n++ {
		if n == maxAttempts {
			d.err = invalid("wheellock init --help", "no usable answer to: %s", question)
			return
		}
		fmt.Fprintf(d.out, "%s [%s] ", question, byDefault)
		select {
		case <-d.ctx.Done():
			fmt.Fprintln(d.out)
			d.err = d.ctx.Err()
		case line, ok := <-d.lines:
			if !ok {
				fmt.Fprintln(d.out)
				d.err = invalid("wheellock init --help", "the answers ended before the last question: nothing was written")
				return
			}
			answer := strings.TrimSpace(line)
			if answer == "" {
				answer = byDefault
			}
			err := take(answer)
			if err == nil {
				return
			}
			fmt.Fprintln(d.out, d.style.Paint(term.Bad, term.Clean(err.Error())))
		}
	}
}
