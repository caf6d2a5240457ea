package pep440

import (
	"strings"
	"unicode"
)

// parts is a version taken apart. Numbers are decimal without leading zeros.
type parts struct {
	epoch  string
	few    [6]string // the release, if many is nil
	count  int       // how many of few
	many   []string
	pre    byte // 'a', 'b', 'c' (rc), or 0
	preNum string
	post   string // "" if there is none
	dev    string // "" if there is none
	local  string // as written, without the plus sign
}

// release is the numbers of the release. They lie in the struct itself where
// they are few, so that parsing a version allocates only what it returns.
func (p *parts) release() []string {
	if p.many != nil {
		return p.many
	}
	return p.few[:p.count]
}

// addRelease puts a number behind the release.
func (p *parts) addRelease(n string) {
	switch {
	case p.many != nil:
		p.many = append(p.many, n)
	case p.count == len(p.few):
		p.many = append(append([]string(nil), p.few[:]...), n)
	default:
		p.few[p.count] = n
		p.count++
	}
}

func (p *parts) isPrerelease() bool { return p.pre != 0 || p.dev != "" }

// scan takes s apart into p, which is zero; it reports false if s, without surrounding white space,
// is no version. The grammar is that of the standard's appendix.
func scan(s string, p *parts) bool {
	c := cursor{s: s}
	c.word("v")
	c.release(p)
	if p.count == 0 {
		return false
	}
	c.pre(p)
	c.post(p)
	c.dev(p)
	if !c.local(p) {
		return false
	}
	return c.i == len(s)
}

// cursor walks over a version string.
type cursor struct {
	s string
	i int
}

func isDigit(b byte) bool     { return '0' <= b && b <= '9' }
func isSeparator(b byte) bool { return b == '.' || b == '-' || b == '_' }

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// digits reads a run of digits, which may be empty.
func (c *cursor) digits() string {
	start := c.i
	for c.i < len(c.s) && isDigit(c.s[c.i]) {
		c.i++
	}
	return c.s[start:c.i]
}

// word reads w in any case.
func (c *cursor) word(w string) bool {
	if len(c.s)-c.i < len(w) {
		return false
	}
	for j := range len(w) {
		if lower(c.s[c.i+j]) != w[j] {
			return false
		}
	}
	c.i += len(w)
	return true
}

// separator reads an optional separator.
func (c *cursor) separator() {
	if c.i < len(c.s) && isSeparator(c.s[c.i]) {
		c.i++
	}
}

// release reads the epoch and the release.
func (c *cursor) release(p *parts) {
	p.epoch = "0"
	first := c.digits()
	if first == "" {
		return
	}
	if c.i < len(c.s) && c.s[c.i] == '!' {
		p.epoch = trimZeros(first)
		c.i++
		if first = c.digits(); first == "" {
			return
		}
	}
	p.addRelease(trimZeros(first))
	for c.i+1 < len(c.s) && c.s[c.i] == '.' && isDigit(c.s[c.i+1]) {
		c.i++
		p.addRelease(trimZeros(c.digits()))
	}
}

// preWords are tried in this order: a longer word before its beginning.
var preWords = [...]struct {
	word   string
	letter byte
}{
	{"alpha", 'a'}, {"a", 'a'}, {"beta", 'b'}, {"b", 'b'},
	{"preview", 'c'}, {"pre", 'c'}, {"c", 'c'}, {"rc", 'c'},
}

// pre reads an optional pre-release.
func (c *cursor) pre(p *parts) {
	start := c.i
	c.separator()
	for _, w := range preWords {
		if c.word(w.word) {
			p.pre = w.letter
			p.preNum = c.number()
			return
		}
	}
	c.i = start
}

// number reads the optional separator and number behind a word. The separator
// belongs to the word even where no number follows it: "1.0a-" is a version.
func (c *cursor) number() string {
	c.separator()
	return trimZeros(c.digits())
}

// post reads an optional post-release, of which "-1" is the short form.
func (c *cursor) post(p *parts) {
	if c.i+1 < len(c.s) && c.s[c.i] == '-' && isDigit(c.s[c.i+1]) {
		c.i++
		p.post = trimZeros(c.digits())
		return
	}
	start := c.i
	c.separator()
	if c.word("post") || c.word("rev") || c.word("r") {
		p.post = c.number()
		return
	}
	c.i = start
}

// dev reads an optional development release.
func (c *cursor) dev(p *parts) {
	start := c.i
	c.separator()
	if c.word("dev") {
		p.dev = c.number()
		return
	}
	c.i = start
}

func isLabel(b byte) bool { b = lower(b); return isDigit(b) || 'a' <= b && b <= 'z' }

// local reads an optional local label; it reports false if it is malformed.
func (c *cursor) local(p *parts) bool {
	if c.i == len(c.s) || c.s[c.i] != '+' {
		return true
	}
	c.i++
	start := c.i
	for {
		label := c.i
		for c.i < len(c.s) && isLabel(c.s[c.i]) {
			c.i++
		}
		if c.i == label {
			return false
		}
		if c.i == len(c.s) || !isSeparator(c.s[c.i]) {
			break
		}
		c.i++
	}
	p.local = c.s[start:c.i]
	return true
}

// isSpace is white space as the reference implementation's regular expressions
// have it: Unicode's, and the four ASCII information separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func trimSpace(s string) string { return strings.TrimFunc(s, isSpace) }
