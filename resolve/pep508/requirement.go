package pep508

import (
	"errors"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// A Requirement is one dependency specifier.
type Requirement struct {
	Name       string            // as written; Canonical is the normal form
	Extras     []string          // as written, sorted, each once
	Specifiers pep440.Specifiers // no clauses: any version
	URL        string            // of a direct reference, or ""
	Marker     *Marker           // nil: in every environment
}

// Parse reads one requirement. Its error is a *SyntaxError.
func Parse(s string) (Requirement, error) {
	p, err := newParser(s)
	if err != nil {
		return Requirement{}, err
	}
	return p.requirement()
}

// MustParse is Parse for tables and tests; it panics on an error.
func MustParse(s string) Requirement {
	r, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}

// Canonical is the name in normal form.
func (r Requirement) Canonical() string { return NormalizeName(r.Name) }

// CanonicalExtras is the extras in normal form (PEP 685), sorted, each once; nil if there are none.
func (r Requirement) CanonicalExtras() []string {
	var out []string
	for _, extra := range r.Extras {
		out = append(out, NormalizeName(extra))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// String is the normal form, with name and extras as they were written. A
// direct reference keeps the blank that must end its address.
func (r Requirement) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if len(r.Extras) > 0 {
		b.WriteString("[" + strings.Join(r.Extras, ",") + "]")
	}
	b.WriteString(r.Specifiers.String())
	if r.URL != "" {
		b.WriteString(" @ " + r.URL)
		if r.Marker != nil {
			b.WriteByte(' ')
		}
	}
	if r.Marker != nil {
		b.WriteString("; " + r.Marker.String())
	}
	return b.String()
}

func (p *parser) requirement() (r Requirement, err error) {
	p.blanks()
	if r.Name = p.identifier(); r.Name == "" {
		return r, p.fail("expected a package name")
	}
	p.blanks()
	if r.Extras, err = p.extras(); err != nil {
		return r, err
	}
	p.blanks()
	if p.take("@") {
		r.URL, err = p.url()
	} else {
		r.Specifiers, err = p.specifiers()
	}
	if err != nil || p.atEnd() {
		return r, err
	}
	if !p.take(";") {
		return r, p.fail(p.expected(r))
	}
	if r.Marker, err = p.marker(); err != nil {
		return r, err
	}
	if !p.atEnd() {
		return r, p.fail("expected 'and', 'or' or the end of the marker")
	}
	return r, nil
}

// expected says what could stand where the marker or the end was looked for.
func (p *parser) expected(r Requirement) string {
	switch {
	case r.URL != "":
		return "expected ';' or the end after the address"
	case !r.Specifiers.IsEmpty():
		return "expected ',', ';' or the end after the version specifier"
	}
	return "expected a version specifier such as >=1.0, ';' or the end"
}

func (p *parser) extras() ([]string, error) {
	open := p.pos
	if !p.take("[") {
		return nil, nil
	}
	var extras []string
	p.blanks()
	for extra := p.identifier(); extra != ""; extra = p.identifier() {
		extras = append(extras, extra)
		p.blanks()
		if !p.take(",") {
			break
		}
		p.blanks()
		if rest := p.rest(); rest == "" || !isAlphanumeric(rest[0]) {
			return nil, p.fail("expected the name of an extra after ','")
		}
	}
	p.blanks()
	if p.take("]") {
		slices.Sort(extras)
		return slices.Compact(extras), nil
	}
	if p.atEnd() {
		return nil, p.failAt(open, "'[' is not closed")
	}
	return nil, p.fail("expected ',' or ']' in the list of extras")
}

// url reads the address behind "@" and the blanks around it. Blanks end it, so
// that a ';' that belongs to a marker needs one before it.
func (p *parser) url() (string, error) {
	p.blanks()
	start := p.pos
	url := p.until(func(r rune) bool { return r == ' ' || r == '\t' })
	if url == "" {
		return "", p.fail("expected an address after '@'")
	}
	// The grammar of the reference would let a line feed through, and so a
	// second line into every line-based file that shows the address.
	if i := strings.IndexFunc(url, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return "", p.failAt(start+i, "an address cannot hold control characters")
	}
	p.blanks()
	return url, nil
}

// specifiers reads the version specifiers, in parentheses or not, and the blanks behind.
func (p *parser) specifiers() (none pep440.Specifiers, err error) {
	open := p.pos
	parenthesis := p.take("(")
	p.blanks()
	start := p.pos
	p.clauses(nil)
	list, err := pep440.ParseSpecifiers(p.input[start:p.pos])
	if err != nil {
		return none, p.invalid(start, err)
	}
	p.blanks()
	if parenthesis && !p.take(")") {
		if p.atEnd() {
			return none, p.failAt(open, "'(' is not closed")
		}
		return none, p.fail("expected ',' or ')' in the version specifier")
	}
	p.blanks()
	return list, nil
}

// invalid finds the clause in a list from start that is wrong. Where each alone
// is right, it is what stands behind the comma of a ===.
func (p *parser) invalid(start int, err error) error {
	p.pos = start
	failed := p.clauses(func(at int) error {
		if _, err := pep440.ParseSpecifier(p.input[at:p.pos]); err != nil {
			return p.failAt(at, reason(err))
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return p.failAt(start, reason(err))
}

// clauses moves past a list of clauses, each of which but === is shown to check,
// unless that is nil, with the place where it starts.
func (p *parser) clauses(check func(start int) error) error {
	for {
		start := p.pos
		operator := p.operator()
		if operator == "" {
			return nil
		}
		p.spaces()
		p.until(func(r rune) bool {
			return isSpace(r) || r == ';' || r == ')' || r == ',' && operator != "==="
		})
		if check != nil && operator != "===" {
			if err := check(start); err != nil {
				return err
			}
		}
		p.blanks()
		if !p.take(",") {
			return nil
		}
		p.blanks()
	}
}

// operators are tried in this order: a longer one before its beginning.
var operators = [...]string{"===", "==", "~=", "!=", "<=", ">=", "<", ">"}

// operator reads a comparison operator; "" if none comes next.
func (p *parser) operator() string {
	for _, op := range operators {
		if p.take(op) {
			return op
		}
	}
	return ""
}

// reason is what pep440 found wrong with a clause.
func reason(err error) string {
	var invalid *pep440.InvalidSpecifierError
	if errors.As(err, &invalid) {
		return "invalid version specifier: " + invalid.Reason
	}
	return err.Error()
}
