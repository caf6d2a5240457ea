package pep440

import (
	"slices"
	"strings"
)

// Pre says whether pre-releases and development releases may match.
type Pre int

const (
	// PreAuto follows the standard's recommendation: pre-releases match if a
	// clause names one or if nothing else matches. A version that is judged
	// alone has no alternatives, so that Contains takes it.
	PreAuto Pre = iota
	// PreAllow treats them like other versions.
	PreAllow
	// PreForbid refuses them, even those that a clause names.
	PreForbid
)

// Specifiers is a comma-separated list of clauses, all of which must hold. The
// zero value has no clause and takes any version. It is immutable.
type Specifiers struct{ list *specifiers }

type specifiers struct {
	clauses   []clause
	set       Set  // of all clauses
	arbitrary bool // one of them is ===
}

// ParseSpecifiers reads a list such as ">=1.0, !=1.5.*, <2". The empty string
// and empty places between commas are allowed. The error is an *InvalidSpecifierError.
func ParseSpecifiers(s string) (Specifiers, error) {
	list := &specifiers{set: Full()}
	for text := range strings.SplitSeq(s, ",") {
		text = trimSpace(text)
		if text == "" {
			continue
		}
		if len(text) > MaxLength {
			return Specifiers{}, &InvalidSpecifierError{text, "it is too long"}
		}
		c, err := parseClause(text)
		if err != nil {
			return Specifiers{}, err
		}
		list.add(c)
	}
	return list.wrap(), nil
}

func (l *specifiers) add(c clause) {
	l.clauses = append(l.clauses, c)
	l.set = l.set.Intersect(c.set)
	l.arbitrary = l.arbitrary || c.Op == "==="
}

func (l *specifiers) wrap() Specifiers {
	if len(l.clauses) == 0 {
		return Specifiers{}
	}
	return Specifiers{l}
}

// ParseSpecifier reads exactly one clause, with white space around it. A comma
// in it can only belong to the string behind ===.
func ParseSpecifier(s string) (Specifiers, error) {
	list := &specifiers{set: Full()}
	if len(s) > MaxLength {
		return Specifiers{}, &InvalidSpecifierError{s, "it is too long"}
	}
	c, err := parseClause(trimSpace(s))
	if err != nil {
		return Specifiers{}, err
	}
	list.add(c)
	return list.wrap(), nil
}

// MustParseSpecifiers is ParseSpecifiers for tables and tests; it panics on an error.
func MustParseSpecifiers(s string) Specifiers {
	list, err := ParseSpecifiers(s)
	if err != nil {
		panic(err)
	}
	return list
}

func (s Specifiers) clauses() []clause {
	if s.list == nil {
		return nil
	}
	return s.list.clauses
}

// Clauses returns the clauses in the order in which they were written.
func (s Specifiers) Clauses() []Specifier {
	var out []Specifier
	for _, c := range s.clauses() {
		out = append(out, c.Specifier)
	}
	return out
}

// IsEmpty reports a list without clauses.
func (s Specifiers) IsEmpty() bool { return s.list == nil }

// And is the list with the clauses of both.
func (s Specifiers) And(t Specifiers) Specifiers {
	list := &specifiers{set: Full()}
	for _, c := range s.clauses() {
		list.add(c)
	}
	for _, c := range t.clauses() {
		list.add(c)
	}
	return list.wrap()
}

// sorted is the clauses in the order of their text, without repeats: of those
// that mean the same (==1.0 and ==1) the first stays.
func (s Specifiers) sorted() []clause {
	clauses := slices.Clone(s.clauses())
	slices.SortStableFunc(clauses, func(a, b clause) int {
		return strings.Compare(a.Specifier.String(), b.Specifier.String())
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(clauses, func(c clause) bool {
		identity := c.identity()
		repeat := seen[identity]
		seen[identity] = true
		return repeat
	})
}

// String is the clauses as written, sorted, without spaces and repeats: "!=1.5,<2,>=1".
func (s Specifiers) String() string {
	if len(s.clauses()) == 1 {
		return s.list.clauses[0].Specifier.String()
	}
	var b strings.Builder
	for i, c := range s.sorted() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.Op)
		b.WriteString(c.Version)
	}
	return b.String()
}

// Equal reports whether s and t have the same clauses, up to order, repeats and spelling of versions.
func (s Specifiers) Equal(t Specifiers) bool {
	return slices.EqualFunc(s.sorted(), t.sorted(), func(a, b clause) bool { return a.identity() == b.identity() })
}

// Set is the set of the versions that satisfy every clause, whatever is said
// about pre-releases: s.Set().Contains(v) is s.Contains(v, PreAllow).
func (s Specifiers) Set() Set {
	if s.list == nil {
		return Full()
	}
	return s.list.set
}

// Contains reports whether v satisfies every clause. It does not allocate.
// A === clause is compared with v's normal form.
func (s Specifiers) Contains(v Version, pre Pre) bool {
	if pre == PreForbid && v.IsPrerelease() {
		return false
	}
	return s.Set().Contains(v)
}

// ContainsString is Contains for a string that need not be a version. One that
// is none satisfies the empty list, and === with that very string.
func (s Specifiers) ContainsString(text string, pre Pre) bool {
	v, err := Parse(text)
	if err == nil && pre == PreForbid && v.IsPrerelease() {
		return false
	}
	return s.holds(text, v)
}

// holds is ContainsString for a text that is v, or that is no version if v is invalid.
func (s Specifiers) holds(text string, v Version) bool {
	if s.list == nil {
		return true
	}
	if !s.list.arbitrary {
		return s.list.set.Contains(v)
	}
	for _, c := range s.list.clauses {
		if c.Op == "===" {
			//lint:ignore SA6005 packaging compares lower(), which folds less than EqualFold
			if strings.ToLower(text) != strings.ToLower(c.Version) {
				return false
			}
		} else if !c.set.Contains(v) {
			return false
		}
	}
	return true
}

// Prereleases reports whether a clause itself opts in to pre-releases by
// naming one, other than with !=. said is false if no clause names a version
// (none at all, or only === with a string that is none).
func (s Specifiers) Prereleases() (allowed, said bool) {
	for _, c := range s.clauses() {
		allowed = allowed || c.pre
		said = said || c.said
	}
	return allowed, said
}

// Filter returns those of texts that satisfy every clause, in their order. With
// PreAuto, pre-releases are among them if a clause names one, or else if
// no other version satisfies the list.
func (s Specifiers) Filter(texts []string, pre Pre) []string {
	if allowed, _ := s.Prereleases(); pre == PreAuto && allowed {
		pre = PreAllow
	}
	var all, others []string // others: without pre-releases
	final := false
	for _, text := range texts {
		v, err := Parse(text)
		if !s.holds(text, v) {
			continue
		}
		all = append(all, text)
		if err != nil || !v.IsPrerelease() {
			others = append(others, text)
			final = final || err == nil
		}
	}
	if pre == PreAllow || pre == PreAuto && !final {
		return all
	}
	return others
}
