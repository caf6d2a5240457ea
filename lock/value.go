package lock

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cursor reads one value in its only spelling. It stops at the first thing
// that is not as expected and remembers what that was.
type cursor struct {
	s    string
	want string // "" while all is well
}

// value begins to read "key = ..." if the current line has that key.
func (p *parser) value(key string) (*cursor, bool) {
	if p.err != nil || p.eof || !strings.HasPrefix(p.cur, key) || !strings.HasPrefix(p.cur[len(key):], " = ") {
		return nil, false
	}
	return &cursor{s: p.cur[len(key)+3:]}, true
}

// done ends the line that value began.
func (p *parser) done(key string, c *cursor) {
	if c.want == "" && c.s != "" {
		c.want = "the end of the line"
	}
	if c.want != "" {
		p.fail(hintRestore, "reading %q: expected %s, found %q", key, c.want, clip(c.s))
		return
	}
	p.advance()
}

func (c *cursor) expect(lit string) {
	if c.want != "" {
		return
	}
	if !strings.HasPrefix(c.s, lit) {
		c.want = "`" + lit + "`"
		return
	}
	c.s = c.s[len(lit):]
}

// take consumes lit if it comes next.
func (c *cursor) take(lit string) bool {
	if c.want != "" || !strings.HasPrefix(c.s, lit) {
		return false
	}
	c.s = c.s[len(lit):]
	return true
}

// str reads a basic string.
func (c *cursor) str() string {
	if c.want != "" {
		return ""
	}
	if !strings.HasPrefix(c.s, `"`) {
		c.want = "a string in double quotes"
		return ""
	}
	v, rest, ok := strings.Cut(c.s[1:], `"`)
	if ok && strings.IndexByte(v, '\\') < 0 {
		c.s = rest
		return v
	}
	return c.escaped()
}

// escaped reads a string with escapes. Escapes of what needs none are refused
// later, by the comparison with the writer's bytes.
func (c *cursor) escaped() string {
	var b strings.Builder
	s := c.s[1:]
	for s != "" {
		switch s[0] {
		case '"':
			c.s = s[1:]
			return b.String()
		case '\\':
			r, n := unescape(s)
			if n == 0 {
				c.s, c.want = s, `one of the escapes \" \\ \uXXXX \UXXXXXXXX`
				return ""
			}
			b.WriteRune(r)
			s = s[n:]
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	c.want = "a closing quote"
	return ""
}

func unescape(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	width := 0
	switch s[1] {
	case '"', '\\':
		return rune(s[1]), 2
	case 'u':
		width = 4
	case 'U':
		width = 8
	}
	if width == 0 || len(s) < 2+width {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[2:2+width], 16, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return 0, 0
	}
	return rune(n), 2 + width
}

func (c *cursor) num() int64 {
	if c.want != "" {
		return 0
	}
	n := 0
	for n < len(c.s) && c.s[n] >= '0' && c.s[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(c.s[:n], 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != c.s[:n] {
		c.want = "a decimal number without sign or leading zero"
		return 0
	}
	c.s = c.s[n:]
	return v
}

func (c *cursor) strings() []string {
	c.expect("[")
	if c.take("]") {
		return nil
	}
	var list []string
	for c.want == "" {
		list = append(list, c.str())
		if c.take("]") {
			return list
		}
		c.expect(", ")
	}
	return nil
}

// name reads a key of an inline table.
func (c *cursor) name() string {
	if c.want != "" || strings.HasPrefix(c.s, `"`) {
		return c.str()
	}
	n := 0
	for n < len(c.s) && bareKey(c.s[n:n+1]) {
		n++
	}
	if n == 0 {
		c.want = "a key"
	}
	name := c.s[:n]
	c.s = c.s[n:]
	return name
}

// pairs reads an inline table, calling value for each key.
func (c *cursor) pairs(value func(key string)) {
	c.expect("{ ")
	for c.want == "" {
		k := c.name()
		c.expect(" = ")
		value(k)
		if c.take(" }") {
			return
		}
		c.expect(", ")
	}
}

func (p *parser) str(key string, dst *string) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	*dst = c.str()
	p.done(key, c)
}

func (p *parser) num(key string, dst *int64) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	*dst = c.num()
	p.done(key, c)
}

func (p *parser) list(key string, dst *[]string) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	*dst = c.strings()
	p.done(key, c)
}

func (p *parser) time(key string, dst **time.Time) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	t, ok := parseTime(c.s)
	if ok {
		*dst, c.s = &t, ""
	} else {
		c.want = "an instant such as 2026-11-15T00:00:00Z"
	}
	p.done(key, c)
}

// hashes reads { sha256 = "...", content = "..." }; content nil: not allowed.
func (p *parser) hashes(sha256, content *string) {
	c, ok := p.value("hashes")
	if !ok {
		return
	}
	c.expect("{ ")
	if c.take("sha256 = ") {
		*sha256 = c.str()
		if content != nil && c.take(", content = ") {
			*content = c.str()
		}
	} else {
		c.expect("sha256 = ")
	}
	c.expect(" }")
	p.done("hashes", c)
}

func (p *parser) table(key string, dst *map[string]string) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	m := map[string]string{}
	c.pairs(func(k string) { m[k] = c.str() })
	*dst = m
	p.done(key, c)
}

func (p *parser) lists(key string, dst *map[string][]string) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	m := map[string][]string{}
	c.pairs(func(k string) { m[k] = c.strings() })
	*dst = m
	p.done(key, c)
}

func (p *parser) sets(key string, dst *[][]string) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	c.expect("[")
	for !c.take("]") && c.want == "" {
		if len(*dst) > 0 {
			c.expect(", ")
		}
		*dst = append(*dst, c.strings())
	}
	p.done(key, c)
}

func (p *parser) epoch(key string, dst **Epoch) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	e := &Epoch{}
	c.expect("{ value = ")
	e.Value = c.num()
	c.expect(", from = ")
	e.From = c.str()
	c.expect(" }")
	*dst = e
	p.done(key, c)
}

func (p *parser) buildRequires(key string, dst *[]BuildRequire) {
	c, ok := p.value(key)
	if !ok {
		return
	}
	c.expect("[")
	for !c.take("]") && c.want == "" {
		if len(*dst) > 0 {
			c.expect(", ")
		}
		var r BuildRequire
		c.expect("{ name = ")
		r.Name = c.str()
		c.expect(", version = ")
		r.Version = c.str()
		c.expect(", sha256 = ")
		r.SHA256 = c.str()
		c.expect(" }")
		*dst = append(*dst, r)
	}
	p.done(key, c)
}
