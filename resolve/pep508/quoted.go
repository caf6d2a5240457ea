package pep508

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The operands of a marker are Python string literals, with Python's escapes.

// errLiteral is a quoted string that is no Python string.
var errLiteral = errors.New("invalid quoted string")

// unquote reads what stands between the quotes.
func unquote(s string) (string, error) {
	if strings.ContainsAny(s, "\x00") {
		return "", errLiteral
	}
	if !strings.ContainsAny(s, "\\\r\n") {
		return s, nil
	}
	var b strings.Builder
	for s != "" {
		switch s[0] {
		case '\r', '\n':
			return "", errLiteral
		case '\\':
			text, n, ok := unescape(s[1:])
			if !ok {
				return "", errLiteral
			}
			b.WriteString(text)
			s = s[1+n:]
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String(), nil
}

// simpleEscapes are the escapes of one character.
var simpleEscapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f",
	'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\n': "", '\r': "",
}

// unescape reads what follows a backslash: its text, and how many bytes it took.
func unescape(s string) (text string, n int, ok bool) {
	if s == "" {
		return "", 0, false
	}
	if text, ok := simpleEscapes[s[0]]; ok {
		if strings.HasPrefix(s, "\r\n") {
			return text, 2, true
		}
		return text, 1, true
	}
	switch c := s[0]; {
	case c == 'x':
		return code(s, 1, 3, 16)
	case c == 'u':
		return code(s, 1, 5, 16)
	case c == 'U':
		return code(s, 1, 9, 16)
	case c == 'N': // a character by its Unicode name
		return "", 0, false
	case '0' <= c && c <= '7':
		n := 1
		for n < 3 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		return code(s, 0, n, 8)
	}
	return "\\", 0, true // Python keeps the backslash of an unknown escape
}

// code reads the character whose number stands in s[start:end].
func code(s string, start, end, base int) (string, int, bool) {
	if len(s) < end {
		return "", 0, false
	}
	n, err := strconv.ParseUint(s[start:end], base, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return "", 0, false
	}
	return string(rune(n)), end, true
}

// quote writes s so that unquote reads it: in double quotes, or in single ones
// if it holds double ones. The reference escapes nothing, and so writes
// some values in a way that it cannot read back; those are escaped here.
func quote(s string) string {
	mark := `"`
	if strings.Contains(s, `"`) {
		mark = "'"
	}
	both := mark == "'" && strings.Contains(s, "'")
	var b strings.Builder
	b.WriteString(mark)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == 0:
			b.WriteString(`\x00`)
		case both && c == '\'':
			b.WriteString(`\x27`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(mark)
	return b.String()
}
