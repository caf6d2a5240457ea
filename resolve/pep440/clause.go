package pep440

import (
	"fmt"
	"slices"
	"strings"
)

// A Specifier is one clause, such as >=1.0 or ==2.*. Version is as written,
// without white space around it.
type Specifier struct{ Op, Version string }

// String is operator and version without space between.
func (s Specifier) String() string { return s.Op + s.Version }

// InvalidSpecifierError is the error of ParseSpecifiers: Clause is not one.
type InvalidSpecifierError struct{ Clause, Reason string }

func (e *InvalidSpecifierError) Error() string {
	return fmt.Sprintf("invalid version specifier %s: %s", quoted(e.Clause), e.Reason)
}

// operators are tried in this order: a longer one before its beginning.
var operators = [...]string{"===", "==", "!=", "~=", "<=", ">=", "<", ">"}

// clause is a Specifier that has been understood.
type clause struct {
	Specifier
	set       Set
	pre, said bool // it names a pre-release; it names a version at all
}

// parseClause reads one clause, without white space around it.
func parseClause(s string) (clause, error) {
	c := clause{}
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			c.Op = op
			break
		}
	}
	if c.Op == "" {
		return c, &InvalidSpecifierError{s, "expected an operator, one of ~= == != <= >= < > ==="}
	}
	c.Version = trimSpace(s[len(c.Op):])
	if c.Op == "===" {
		return c, c.arbitrary(s)
	}
	body, wildcard := strings.CutSuffix(c.Version, ".*")
	var p parts
	if !scan(body, &p) {
		return c, &InvalidSpecifierError{s, "expected a version after " + c.Op}
	}
	if reason := misfit(c.Op, &p, wildcard); reason != "" {
		return c, &InvalidSpecifierError{s, reason}
	}
	c.said = true
	c.set = clauseSet(c.Op, &p, wildcard)
	c.pre = p.isPrerelease() && c.Op != "!="
	return c, nil
}

// identity is the clause without the version's trailing zeros, "==1" for
// "==1.0": clauses that mean the same have the same.
func (c clause) identity() string {
	var p parts
	if c.Op == "===" || !scan(c.Version, &p) { // it ends in .*
		return c.String()
	}
	if c.Op != "~=" { // where the zeros say what may grow
		p.many = p.release()[:p.trimmed()]
	}
	return c.Op + p.String()
}

// arbitrary completes a === clause: it matches one string, in any case. As a
// set it holds the versions whose normal form that string is.
func (c *clause) arbitrary(s string) error {
	if strings.ContainsFunc(c.Version, func(r rune) bool { return isSpace(r) || r == ';' || r == ')' }) {
		return &InvalidSpecifierError{s, "white space, ';' and ')' cannot stand in the version of ==="}
	}
	v, err := Parse(c.Version)
	if err != nil {
		return nil // a legacy string: no version is equal to it
	}
	c.pre, c.said = v.IsPrerelease(), true
	if v.String() != strings.ToLower(c.Version) {
		return nil
	}
	lo, zeros := v.Key(), v.zeros()
	if zeros > 0 { // else nothing lies between the key and its first spelling
		lo = v.spelling()
	}
	c.set = between(cut{key: lo}, cut{key: string(appendInt([]byte(v.Key()), zeros+1))})
	return nil
}

// misfit says why op does not go with the version, or "".
func misfit(op string, p *parts, wildcard bool) string {
	equality := op == "==" || op == "!="
	switch {
	case wildcard && !equality:
		return ".* goes only with == and !="
	case wildcard && (p.isPrerelease() || p.post != "" || p.local != ""):
		return ".* cannot follow a pre-release, post-release, development release or local label"
	case p.local != "" && !equality:
		return "a local label goes only with == and !="
	case op == "~=" && len(p.release()) < 2:
		return "~= needs a release of at least two numbers"
	}
	return ""
}

// clauseSet is the set of one clause other than ===.
func clauseSet(op string, p *parts, wildcard bool) Set {
	switch op {
	case ">=":
		return from(p.cut())
	case "<=":
		return between(cut{}, p.afterLocals())
	case "<":
		if p.isPrerelease() {
			return between(cut{}, p.cut())
		}
		q := *p
		q.dev = "0"
		return between(cut{}, q.cut())
	case ">":
		return from(p.afterPosts())
	case "~=":
		return between(p.cut(), nextRelease(p, len(p.release())-1))
	}
	var set Set
	switch {
	case wildcard:
		q := *p
		q.dev = "0"
		set = between(q.cut(), nextRelease(p, len(p.release())))
	case p.local != "":
		set = between(p.cut(), cut{p.cut().key + string([]byte{above}), p.zeros()})
	default:
		set = between(p.cut(), p.afterLocals())
	}
	if op == "!=" {
		return set.Complement()
	}
	return set
}

// cut is the place just below the version.
func (p *parts) cut() cut { return cut{string(p.appendKey(make([]byte, 0, 24))), p.zeros()} }

// afterLocals is the place above the version's local variants, which is just
// below the first development release of the next post-release.
func (p *parts) afterLocals() cut {
	q := *p
	q.local = ""
	switch {
	case q.dev != "":
		q.dev = increment(q.dev)
	case q.post != "":
		q.post, q.dev = increment(q.post), "0"
	default:
		q.post, q.dev = "0", "0"
	}
	return q.cut()
}

// afterPosts is the place where > begins: above local variants and, unless the
// version is itself a post-release or development release, above its post-releases.
func (p *parts) afterPosts() cut {
	switch {
	case p.dev != "" || p.post != "":
		return p.afterLocals()
	case p.pre != 0:
		q := *p
		q.preNum, q.dev = increment(q.preNum), "0"
		return q.cut()
	}
	return cut{string(append(p.appendRelease(nil), above)), p.zeros()}
}

// nextRelease is the place below everything of the release after the first n
// numbers of p's: 1.2.3 with n = 2 gives 1.3.dev0.
func nextRelease(p *parts, n int) cut {
	q := parts{epoch: p.epoch, dev: "0"}
	q.many = slices.Clone(p.release()[:n])
	q.many[n-1] = increment(q.many[n-1])
	return q.cut()
}
