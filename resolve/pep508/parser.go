package pep508

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxLength is the longest requirement or marker, in bytes, that is looked at.
	MaxLength = 64 << 10
	// MaxDepth is how deep parentheses of a marker may nest.
	MaxDepth = 100
)

// parser walks over one requirement or marker.
type parser struct {
	input string
	pos   int
	depth int
}

// newParser refuses what no requirement can be.
func newParser(s string) (*parser, error) {
	p := &parser{input: s}
	if len(s) > MaxLength {
		return nil, &SyntaxError{s[:MaxLength], MaxLength, "input is too long"}
	}
	if !utf8.ValidString(s) {
		for p.pos < len(s) {
			r, size := utf8.DecodeRuneInString(s[p.pos:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			p.pos += size
		}
		return nil, p.fail("input is not UTF-8")
	}
	return p, nil
}

func (p *parser) fail(msg string) error { return p.failAt(p.pos, msg) }

func (p *parser) failAt(pos int, msg string) error {
	return &SyntaxError{Input: p.input, Offset: pos, Msg: msg}
}

func (p *parser) rest() string { return p.input[p.pos:] }

func (p *parser) atEnd() bool { return p.pos == len(p.input) }

// blanks skips blanks and tabs and reports whether there were any.
func (p *parser) blanks() bool {
	start := p.pos
	for !p.atEnd() && (p.input[p.pos] == ' ' || p.input[p.pos] == '\t') {
		p.pos++
	}
	return p.pos > start
}

// take reads text if it comes next.
func (p *parser) take(text string) bool {
	if strings.HasPrefix(p.rest(), text) {
		p.pos += len(text)
		return true
	}
	return false
}

// keyword reads a word that ends there.
func (p *parser) keyword(word string) bool {
	rest := p.rest()
	if !strings.HasPrefix(rest, word) || len(rest) > len(word) && isWord(rest[len(word)]) {
		return false
	}
	p.pos += len(word)
	return true
}

// identifier reads a name; "" if none comes next.
func (p *parser) identifier() string {
	rest := p.rest()
	if rest == "" || !isAlphanumeric(rest[0]) {
		return ""
	}
	n := 1
	for n < len(rest) && (isAlphanumeric(rest[n]) || isJoiner(rest[n])) {
		n++
	}
	for rest[n-1] == '.' || rest[n-1] == '-' {
		n--
	}
	p.pos += n
	return rest[:n]
}

// isSpace is what ends a specifier: wider than the blanks between words.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// spaces skips white space of any kind, as may stand behind an operator.
func (p *parser) spaces() {
	p.pos = len(p.input) - len(strings.TrimLeftFunc(p.rest(), isSpace))
}

// until reads up to the first character for which stop holds.
func (p *parser) until(stop func(rune) bool) string {
	rest := p.rest()
	n := strings.IndexFunc(rest, stop)
	if n < 0 {
		n = len(rest)
	}
	p.pos += n
	return rest[:n]
}
