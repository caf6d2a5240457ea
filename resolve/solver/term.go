package solver

// Name names a package. With an Extra it names the switch "this extra of the
// package is wanted", which has the single version 0 and whose dependencies
// are those that the extra adds to the selected version of the package.
type Name struct {
	Package string
	Extra   string
}

// String returns "package" or "package[extra]".
func (n Name) String() string {
	if n.Extra == "" {
		return n.Package
	}
	return n.Package + "[" + n.Extra + "]"
}

// Root is the name of the package that stands for the whole request.
var Root = Name{}

// A Term is a statement about one package: it is selected in Set (Positive),
// or it is not selected in Set.
type Term struct {
	Name     Name
	Positive bool
	Set      Set

	pkg *pkg
}

func (t Term) negate() Term { t.Positive = !t.Positive; return t }

// both returns the term that says t and u.
func (t Term) both(u Term) Term {
	switch {
	case t.Positive && u.Positive:
		t.Set = t.Set.And(u.Set)
	case t.Positive:
		t.Set = t.Set.AndNot(u.Set)
	case u.Positive:
		t.Positive, t.Set = true, u.Set.AndNot(t.Set)
	default:
		t.Set = t.Set.Or(u.Set)
	}
	return t
}

// either returns the term that says t or u.
func (t Term) either(u Term) Term {
	switch {
	case t.Positive && u.Positive:
		t.Set = t.Set.Or(u.Set)
	case t.Positive:
		t.Positive, t.Set = false, u.Set.AndNot(t.Set)
	case u.Positive:
		t.Set = t.Set.AndNot(u.Set)
	default:
		t.Set = t.Set.And(u.Set)
	}
	return t
}

// always reports whether t is true whatever is selected.
func (t Term) always() bool { return !t.Positive && t.Set.IsEmpty() }

// never reports whether t cannot be true.
func (t Term) never() bool { return t.Positive && t.Set.IsEmpty() }

// An Incompatibility is a set of terms, one a package, that must not all be
// true. Exactly one of Cause and Left, Right says why.
type Incompatibility struct {
	Terms []Term

	// Cause is what the provider gave: the Label of a dependency, or the
	// Cause of an exclusion. Dependency is set for the former.
	Cause      any
	Dependency *Dependency
	// Left and Right are the two that this one was derived from.
	Left, Right *Incompatibility

	contradicted int // decision level at which a term became false; -1: none
}

// Derived reports whether it follows from two others.
func (i *Incompatibility) Derived() bool { return i.Left != nil }

// Term returns the term about a package.
func (i *Incompatibility) Term(n Name) (Term, bool) {
	for _, t := range i.Terms {
		if t.Name == n {
			return t, true
		}
	}
	return Term{}, false
}

// hopeless reports whether i forbids the request itself.
func (i *Incompatibility) hopeless() bool {
	return len(i.Terms) == 0 || len(i.Terms) == 1 && i.Terms[0].Name == Root && i.Terms[0].Positive
}

// resolve returns what follows from a and b, both of which speak of p: if
// not (x and A) and not (y and B), then not ((x or y) and A and B).
func resolve(a, b *Incompatibility, p *pkg) *Incompatibility {
	terms := make([]Term, 0, len(a.Terms)+len(b.Terms)-1)
	add := func(t, u Term, same bool) {
		switch {
		case !same:
		case t.pkg == p:
			t = t.either(u)
		default:
			t = t.both(u)
		}
		if !t.always() {
			terms = append(terms, t)
		}
	}
	for _, t := range a.Terms {
		u, ok := b.termOf(t.pkg)
		add(t, u, ok)
	}
	for _, u := range b.Terms {
		if _, ok := a.termOf(u.pkg); !ok {
			add(u, u, false)
		}
	}
	return &Incompatibility{Terms: terms, Left: a, Right: b, contradicted: -1}
}

func (i *Incompatibility) termOf(p *pkg) (Term, bool) {
	for _, t := range i.Terms {
		if t.pkg == p {
			return t, true
		}
	}
	return Term{}, false
}
