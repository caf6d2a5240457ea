package pyproject

import (
	"bytes"
	"strings"
)

// array is an array in a file, ready to be spliced.
type array struct {
	src      []byte
	from, to int // from the opening bracket to after the closing one
	elems    []span
	nl       string
}

func newArray(src []byte, from, to int) array {
	return array{src, from, to, elements(src, from, to), newline(src)}
}

// newline is the line end that the file uses.
func newline(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// alone reports whether an element begins its line.
func (a array) alone(k int) bool {
	s := a.elems[k].from
	return s > 0 && skipBlank(a.src, lineStart(a.src, s)) == s && lineStart(a.src, s) > a.from
}

// comma gives the offset of the comma after element k, -1: there is none.
func (a array) comma(k int) int {
	if i := skipSpace(a.src, a.elems[k].to); i < a.to && a.src[i] == ',' {
		return i
	}
	return -1
}

// style gives the quote character of the elements.
func (a array) style() byte {
	for _, e := range a.elems {
		if c := a.src[e.from]; c == '\'' || c == '"' {
			return c
		}
	}
	return '"'
}

// replace puts text in the place of element k.
func (a array) replace(k int, text string) []byte {
	return splice(a.src, a.elems[k].from, a.elems[k].to, text)
}

// insert puts text before element k, or at the end where k is their number.
// The array keeps its way: one line or many, a comma at the end or none,
// comments where they are.
func (a array) insert(k int, text string) []byte {
	n := len(a.elems)
	switch {
	case n == 0:
		return a.first(text)
	case k == n && a.alone(n-1):
		return a.appendLine(text)
	case k == n:
		if c := a.comma(n - 1); c >= 0 {
			return splice(a.src, c+1, c+1, " "+text+",")
		}
		return splice(a.src, a.elems[n-1].to, a.elems[n-1].to, ", "+text)
	case a.alone(k) && k > 0:
		// After the line of the element before it: a comment above k is k's.
		at := lineEnd(a.src, a.comma(k-1))
		if at <= lineStart(a.src, a.elems[k].from) {
			return splice(a.src, at, at, a.indent(k)+text+","+a.nl)
		}
	case a.alone(k):
		at := lineEnd(a.src, a.from)
		return splice(a.src, at, at, a.indent(k)+text+","+a.nl)
	}
	return splice(a.src, a.elems[k].from, a.elems[k].from, text+", ")
}

// first fills an empty array: over several lines, since the next one comes.
func (a array) first(text string) []byte {
	inner := a.src[a.from+1 : a.to-1]
	if len(bytes.TrimSpace(inner)) == 0 {
		return splice(a.src, a.from, a.to, "["+a.nl+"    "+text+","+a.nl+"]")
	}
	at := a.to - 1 // comments inside: before the bracket's line
	if start := lineStart(a.src, at); skipBlank(a.src, start) == at {
		at = start
	}
	return splice(a.src, at, at, "    "+text+","+a.nl)
}

func (a array) appendLine(text string) []byte {
	last := a.elems[len(a.elems)-1]
	closing := a.to - 1
	if c := a.comma(len(a.elems) - 1); c >= 0 {
		at := lineEnd(a.src, c)
		if at > closing {
			return splice(a.src, c+1, c+1, a.nl+a.indent(len(a.elems)-1)+text+",")
		}
		return splice(a.src, at, at, a.indent(len(a.elems)-1)+text+","+a.nl)
	}
	at := lineEnd(a.src, last.to)
	if at > closing { // the bracket is on the same line
		return splice(a.src, last.to, last.to, ","+a.nl+a.indent(len(a.elems)-1)+text)
	}
	out := splice(a.src, at, at, a.indent(len(a.elems)-1)+text+a.nl)
	return splice(out, last.to, last.to, ",")
}

// indent is the white space before an element.
func (a array) indent(k int) string {
	s := a.elems[k].from
	return string(a.src[lineStart(a.src, s):s])
}

// remove takes element k away, with its comma, and with its line and the
// comment on that line where it has one of its own.
func (a array) remove(k int) []byte {
	n := len(a.elems)
	e := a.elems[k]
	comma := a.comma(k)
	end := e.to
	if comma >= 0 {
		end = comma + 1
	}
	eol := lineEnd(a.src, end)
	own := a.alone(k) && eol <= a.to-1 && (k == n-1 || eol <= a.elems[k+1].from)
	switch {
	case own && (comma >= 0 || k == 0):
		return splice(a.src, lineStart(a.src, e.from), eol, "")
	case own: // the last without a comma: the one before it loses its own
		out := splice(a.src, lineStart(a.src, e.from), eol, "")
		c := a.comma(k - 1)
		return splice(out, c, c+1, "")
	case n == 1:
		return splice(a.src, e.from, end, "")
	case k < n-1:
		return splice(a.src, e.from, skipBlank(a.src, comma+1), "")
	case comma >= 0:
		return splice(a.src, a.comma(k-1)+1, end, "")
	default:
		return splice(a.src, a.elems[k-1].to, end, "")
	}
}

// place says where text belongs by name: in order if the names were in order,
// else at the end.
func place(names []string, name string) int {
	if len(names) < 2 {
		return len(names)
	}
	at := len(names)
	for i, n := range names {
		if i > 0 && names[i-1] > n {
			return len(names)
		}
		if n > name && at == len(names) {
			at = i
		}
	}
	return at
}

func splice(src []byte, from, to int, text string) []byte {
	var b strings.Builder
	b.Grow(len(src) + len(text))
	b.Write(src[:from])
	b.WriteString(text)
	b.Write(src[to:])
	return []byte(b.String())
}
