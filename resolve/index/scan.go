package index

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth caps nesting in the parts of a page that are skipped.
const maxDepth = 64

// scanner reads JSON (RFC 8259) from a string, in one pass and without
// reflection: a page can have thousands of files, and parsing pages is most of
// the work of a run with a cold cache. It refuses what the RFC refuses.
// Strings without escapes are parts of the input.
type scanner struct {
	s string
	i int
}

func (p *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", p.i, fmt.Sprintf(format, args...))
}

// space skips white space and returns the next byte, 0 at the end.
func (p *scanner) space() byte {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return c
		}
	}
	return 0
}

func (p *scanner) byte(want byte) error {
	if c := p.space(); c != want || p.i >= len(p.s) {
		return p.errorf("want %q", want)
	}
	p.i++
	return nil
}

// object calls member for each key, with the scanner before its value, which
// member must read.
func (p *scanner) object(member func(key string) error) error {
	if err := p.byte('{'); err != nil {
		return err
	}
	if p.space() == '}' {
		p.i++
		return nil
	}
	for {
		p.space()
		key, err := p.str()
		if err != nil {
			return err
		}
		if err := p.byte(':'); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if p.space() == '}' {
			p.i++
			return nil
		}
		if err := p.byte(','); err != nil {
			return err
		}
	}
}

// array calls element with the scanner before each value.
func (p *scanner) array(element func() error) error {
	if err := p.byte('['); err != nil {
		return err
	}
	if p.space() == ']' {
		p.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.space() == ']' {
			p.i++
			return nil
		}
		if err := p.byte(','); err != nil {
			return err
		}
	}
}

// str reads a string.
func (p *scanner) str() (string, error) {
	if p.space() != '"' {
		return "", p.errorf("want a string")
	}
	start := p.i + 1
	ascii := true
	for i := start; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.i = i + 1
			if s := p.s[start:i]; ascii || utf8.ValidString(s) {
				return s, nil
			}
			return "", p.errorf("string is not UTF-8")
		case c == '\\':
			return p.escaped(start, i)
		case c < 0x20:
			p.i = i
			return "", p.errorf("control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.i = len(p.s)
	return "", p.errorf("string without an end")
}

// escaped reads the rest of a string whose first backslash is at i. The
// escapes themselves are strconv's work, once JSON's own have been checked.
func (p *scanner) escaped(start, i int) (string, error) {
	var b strings.Builder
	b.WriteString(p.s[start:i])
	for i < len(p.s) {
		c := p.s[i]
		switch {
		case c == '"':
			p.i = i + 1
			if !utf8.ValidString(b.String()) {
				return "", p.errorf("string is not UTF-8")
			}
			return b.String(), nil
		case c < 0x20:
			p.i = i
			return "", p.errorf("control character in a string")
		case c != '\\':
			b.WriteByte(c)
			i++
			continue
		}
		n, err := unescape(&b, p.s[i:])
		if err != nil {
			p.i = i
			return "", p.errorf("%v", err)
		}
		i += n
	}
	p.i = len(p.s)
	return "", p.errorf("string without an end")
}

// unescape writes the character that s, which begins with a backslash, stands
// for, and returns how many bytes of s say so.
func unescape(b *strings.Builder, s string) (int, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("escape without an end")
	}
	if k := strings.IndexByte(`"\/bfnrt`, s[1]); k >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[k])
		return 2, nil
	}
	r, err := hex4(s)
	if err != nil {
		return 0, err
	}
	if r < 0xd800 || r > 0xdfff {
		b.WriteRune(r)
		return 6, nil
	}
	low, err := hex4(s[6:])
	if r > 0xdbff || err != nil || low < 0xdc00 || low > 0xdfff {
		return 0, fmt.Errorf("half a surrogate pair")
	}
	b.WriteRune((r-0xd800)<<10 + (low - 0xdc00) + 0x10000)
	return 12, nil
}

func hex4(s string) (rune, error) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, fmt.Errorf("unknown escape")
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil || strings.ContainsAny(s[2:6], "+-_") {
		return 0, fmt.Errorf("unknown escape")
	}
	return rune(n), nil
}

// word reads true, false or null where one of them comes.
func (p *scanner) word() (string, bool) {
	p.space()
	for _, w := range [...]string{"false", "true", "null"} {
		if strings.HasPrefix(p.s[p.i:], w) {
			p.i += len(w)
			return w, true
		}
	}
	return "", false
}

// number reads a number and returns its text.
func (p *scanner) number() (string, error) {
	p.space()
	start := p.i
	digits := func() int {
		from := p.i
		for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i - from
	}
	at := func(set string) bool { return p.i < len(p.s) && strings.IndexByte(set, p.s[p.i]) >= 0 }
	if at("-") {
		p.i++
	}
	if at("0") {
		p.i++
	} else if digits() == 0 {
		return "", p.errorf("want a value")
	}
	if at(".") {
		p.i++
		if digits() == 0 {
			return "", p.errorf("number without digits after its point")
		}
	}
	if at("eE") {
		p.i++
		if at("+-") {
			p.i++
		}
		if digits() == 0 {
			return "", p.errorf("number without an exponent")
		}
	}
	return p.s[start:p.i], nil
}

// skip reads any value.
func (p *scanner) skip(depth int) error {
	if depth > maxDepth {
		return p.errorf("nested too deeply")
	}
	switch p.space() {
	case '{':
		return p.object(func(string) error { return p.skip(depth + 1) })
	case '[':
		return p.array(func() error { return p.skip(depth + 1) })
	case '"':
		_, err := p.str()
		return err
	}
	if _, ok := p.word(); ok {
		return nil
	}
	_, err := p.number()
	return err
}

// end checks that nothing follows.
func (p *scanner) end() error {
	if p.space(); p.i < len(p.s) {
		return p.errorf("something follows the value")
	}
	return nil
}
