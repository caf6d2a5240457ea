package pep508

import (
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// A Marker is a parsed environment marker. It is immutable; a nil Marker holds everywhere.
type Marker struct{ root list }

// list is terms with "and" or "or" between them: joins[i] stands behind terms[i].
type list struct {
	terms []term
	joins []string
}

// term is a comparison, or a list in parentheses.
type term struct {
	comparison *comparison
	group      *list
}

// operand is a variable, or a quoted string.
type operand struct {
	value    string // name of the variable, or the string's text
	variable bool
}

type comparison struct {
	left, right operand
	op          string
	// spec is operator and right operand as a specifier, if they are to be
	// compared as versions and are the same in all environments.
	spec pep440.Specifiers
}

// variables is every marker variable by its spellings; PEP 345's dotted names
// and python_implementation are the older ones.
var variables = func() map[string]string {
	names := map[string]string{"python_implementation": "platform_python_implementation"}
	for name := range strings.FieldsSeq(`os_name sys_platform platform_machine platform_python_implementation
		platform_release platform_system platform_version python_version python_full_version
		implementation_name implementation_version extra extras dependency_groups`) {
		names[name] = name
	}
	for name := range strings.FieldsSeq(`os.name sys.platform platform.version platform.machine platform.python_implementation`) {
		names[name] = strings.ReplaceAll(name, ".", "_")
	}
	return names
}()

// ParseMarker reads a marker. Its error is a *SyntaxError.
func ParseMarker(s string) (*Marker, error) {
	p, err := newParser(s)
	if err != nil {
		return nil, err
	}
	m, err := p.marker()
	if err == nil && !p.atEnd() {
		return nil, p.fail("expected 'and', 'or' or the end of the marker")
	}
	return m, err
}

// MustParseMarker is ParseMarker for tables and tests; it panics on an error.
func MustParseMarker(s string) *Marker {
	m, err := ParseMarker(s)
	if err != nil {
		panic(err)
	}
	return m
}

// And is the marker that holds where m and n do; either may be nil.
func (m *Marker) And(n *Marker) *Marker { return join(m, "and", n) }

func join(m *Marker, word string, n *Marker) *Marker {
	switch {
	case m == nil:
		return n
	case n == nil:
		return m
	}
	return &Marker{list{terms: []term{{group: &m.root}, {group: &n.root}}, joins: []string{word}}}
}

func (p *parser) marker() (*Marker, error) {
	root, err := p.list()
	if err != nil {
		return nil, err
	}
	return &Marker{*root}, nil
}

func (p *parser) list() (*list, error) {
	l := &list{}
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		l.terms = append(l.terms, t)
		switch {
		case p.keyword("and"):
			l.joins = append(l.joins, "and")
		case p.keyword("or"):
			l.joins = append(l.joins, "or")
		default:
			return l, nil
		}
	}
}

func (p *parser) term() (term, error) {
	p.blanks()
	open := p.pos
	if !p.take("(") {
		c, err := p.comparison()
		return term{comparison: c}, err
	}
	if p.depth++; p.depth > MaxDepth {
		return term{}, p.failAt(open, "parentheses nest too deep")
	}
	group, err := p.list()
	if err != nil {
		return term{}, err
	}
	if !p.take(")") {
		if p.atEnd() {
			return term{}, p.failAt(open, "'(' is not closed")
		}
		return term{}, p.fail("expected 'and', 'or' or ')'")
	}
	p.depth--
	p.blanks()
	return term{group: group}, nil
}

func (p *parser) comparison() (*comparison, error) {
	c := &comparison{}
	var err error
	if c.left, err = p.operand(); err != nil {
		return nil, err
	}
	p.blanks()
	if c.op, err = p.markerOperator(); err != nil {
		return nil, err
	}
	p.blanks()
	if c.right, err = p.operand(); err != nil {
		return nil, err
	}
	p.blanks()
	c.normalize()
	return c, nil
}

// normalize brings names of extras and groups to their normal form, and
// prepares the comparison with a version.
func (c *comparison) normalize() {
	isExtra := func(o operand) bool { return o.variable && o.value == "extra" }
	switch {
	case isExtra(c.left) && !c.right.variable:
		c.right.value = NormalizeName(c.right.value)
	case !c.left.variable && (isExtra(c.right) || c.right.variable && setValued(c.right.value)):
		c.left.value = NormalizeName(c.left.value)
	}
	if c.left.variable && versionValued(c.left.value) {
		c.spec, _ = pep440.ParseSpecifier(c.op + c.right.value) // none: compared as text
	}
}

func (p *parser) operand() (operand, error) {
	rest := p.rest()
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return operand{}, p.fail("the quoted string has no end")
		}
		text, err := unquote(rest[1 : 1+end])
		if err != nil {
			return operand{}, p.fail(err.Error())
		}
		p.pos += end + 2
		return operand{value: text}, nil
	}
	n := 0
	for n < len(rest) && (isWord(rest[n]) || rest[n] == '.') {
		n++
	}
	if name, ok := variables[rest[:n]]; ok {
		p.pos += n
		return operand{value: name, variable: true}, nil
	}
	if n > 0 {
		return operand{}, p.fail("expected a marker variable or a quoted string, not " + shorten(rest[:n]))
	}
	return operand{}, p.fail("expected a marker variable or a quoted string")
}

func (p *parser) markerOperator() (string, error) {
	if p.keyword("in") {
		return "in", nil
	}
	if p.keyword("not") {
		if !p.blanks() || !p.keyword("in") {
			return "", p.fail("expected 'in' after 'not'")
		}
		return "not in", nil
	}
	if op := p.operator(); op != "" {
		return op, nil
	}
	return "", p.fail("expected an operator, one of <= < != == >= > ~= === in, not in")
}

// String is the normal form: double quotes, one blank between words, and only
// the parentheses that were written around more than one term.
func (m *Marker) String() string {
	if m == nil {
		return ""
	}
	var b strings.Builder
	m.root.format(&b, true)
	return b.String()
}

// Equal reports whether m and n have the same normal form.
func (m *Marker) Equal(n *Marker) bool { return m.String() == n.String() }

func (l *list) format(b *strings.Builder, first bool) {
	if len(l.terms) == 1 {
		l.terms[0].format(b, first)
		return
	}
	if !first {
		b.WriteByte('(')
	}
	for i, t := range l.terms {
		t.format(b, false)
		if i < len(l.joins) {
			b.WriteString(" " + l.joins[i] + " ")
		}
	}
	if !first {
		b.WriteByte(')')
	}
}

func (t term) format(b *strings.Builder, first bool) {
	if t.group != nil {
		t.group.format(b, first)
		return
	}
	c := t.comparison
	b.WriteString(c.left.String() + " " + c.op + " " + c.right.String())
}

func (o operand) String() string {
	if o.variable {
		return o.value
	}
	return quote(o.value)
}

// Mentions reports whether a variable stands in m, such as "extra".
func (m *Marker) Mentions(variable string) bool { return m != nil && m.root.mentions(variable) }

func (l *list) mentions(variable string) bool {
	for _, t := range l.terms {
		if t.group != nil && t.group.mentions(variable) {
			return true
		}
		if c := t.comparison; c != nil && (c.left == operand{variable, true} || c.right == operand{variable, true}) {
			return true
		}
	}
	return false
}
