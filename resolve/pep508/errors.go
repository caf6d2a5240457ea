package pep508

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A SyntaxError says what is wrong in a requirement or marker, and where:
// Offset counts bytes from the beginning of Input and may be its length.
type SyntaxError struct {
	Input  string
	Offset int
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at column %d of %s", e.Msg, e.column()+1, shorten(e.Input))
}

// shorten quotes s, cut if it is long.
func shorten(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%.*q...", most, s)
	}
	return fmt.Sprintf("%q", s)
}

// column counts characters before the place.
func (e *SyntaxError) column() int {
	return utf8.RuneCountInString(e.Input[:min(max(e.Offset, 0), len(e.Input))])
}

// maxCaret is how many characters of a long input Caret shows before and after
// the place.
const maxCaret = 100

// Caret is two lines without a last line feed: the input, and a caret under the
// place. What a terminal would act on is shown as "?" or a blank.
func (e *SyntaxError) Caret() string {
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, e.Input)
	at := e.column()
	if text := []rune(line); len(text) > 2*maxCaret {
		from := max(0, min(at, len(text))-maxCaret)
		line, at = string(text[from:min(len(text), at+maxCaret)]), at-from
	}
	return line + "\n" + strings.Repeat(" ", at) + "^"
}

// An UndefinedComparisonError is an operator that has no meaning for its
// operands, such as ~= between texts.
type UndefinedComparisonError struct{ Left, Op, Right string }

func (e *UndefinedComparisonError) Error() string {
	return fmt.Sprintf("marker compares %q %s %q, which is not defined", e.Left, e.Op, e.Right)
}

// An UndefinedNameError is a marker variable that the environment does not have.
type UndefinedNameError struct{ Name string }

func (e *UndefinedNameError) Error() string {
	return fmt.Sprintf("marker uses %q, which is not defined here", e.Name)
}
