package pep440

import (
	"slices"
	"strings"
)

// String is the set in the words of specifiers, for an explanation: ">=2,<3",
// "==1.2.3", ">=1,!=1.5.*"; alternatives are joined by " || ". The empty set is
// "(none)" and the full one "*". Where no clause says what is meant, "!" in
// front of one stands for its opposite: "!>=2" is what lies below 2, the
// pre-releases of 2 included. A version alone and a version with its local
// variants read alike.
func (a Set) String() string {
	if a.IsEmpty() {
		return "(none)"
	}
	if a.IsFull() {
		return "*"
	}
	var runs []string
	for rest := a.cuts; len(rest) > 0; {
		var run string
		run, rest = describeRun(rest)
		runs = append(runs, run)
	}
	return strings.Join(runs, " || ")
}

// decode takes the cut's key apart, with the zeros as they were written.
func (c cut) decode() (p *parts, rest string) {
	p, rest = decode(c.key)
	for range c.zeros {
		p.addRelease("0")
	}
	return p, rest
}

// describeRun describes the first interval of cuts and those that follow it
// after gaps that a != clause can name; it returns the cuts beyond.
func describeRun(cuts []cut) (text string, rest []cut) {
	lo := cuts[0]
	var holes []string
	for cuts = cuts[1:]; len(cuts) > 1; cuts = cuts[2:] {
		hole := describeEquality(cuts[0], cuts[1])
		if hole == "" {
			break
		}
		if strings.HasPrefix(hole, "=") {
			hole = "=" + hole // the opposite of ===
		}
		holes = append(holes, "!="+hole)
	}
	if len(cuts) > 0 && len(holes) == 0 {
		if equal := describeEquality(lo, cuts[0]); equal != "" {
			return "==" + equal, cuts[1:]
		}
	}
	var clauses []string
	if lo.key != "" {
		clauses = append(clauses, describeLower(lo))
	}
	if len(cuts) > 0 {
		clauses = append(clauses, describeUpper(cuts[0]))
		cuts = cuts[1:]
	}
	return strings.Join(append(clauses, holes...), ","), cuts
}

// describeEquality is what to put behind == for [lo, hi), or "" if there is
// nothing: a version, a prefix "1.2.*", or "=1.0" for one spelling.
func describeEquality(lo, hi cut) string {
	if lo.key == "" {
		lo.key = leastKey
		return describeVersion(lo, hi) // no prefix: "<1" reads better than "==0.*"
	}
	if version := describeVersion(lo, hi); version != "" {
		return version
	}
	if p, rest := lo.decode(); rest == "" {
		return describePrefix(p, hi.key)
	}
	return ""
}

// describeVersion is describeEquality without prefixes.
func describeVersion(lo, hi cut) string {
	p, rest := lo.decode()
	if rest != "" && rest[0] == above {
		return ""
	}
	if spelled := describeSpelling(p, lo.key, rest, hi.key); spelled != "" {
		return spelled
	}
	exact := hi.key == lo.key+string([]byte{above})
	if rest == "" && (exact || p.local == "" && hi.key == p.afterLocals().key) {
		return p.String()
	}
	return ""
}

// describeSpelling recognises the interval of a === clause.
func describeSpelling(p *parts, lo, rest, hi string) string {
	key := strings.TrimSuffix(lo, rest)
	if len(rest) > 1 || len(hi) != len(key)+1 || !strings.HasPrefix(hi, key) || hi[len(key)] == above {
		return "" // more than 190 zeros are left to the general form
	}
	zeros := 0
	if rest != "" {
		zeros = int(rest[0]) - 1
	}
	if int(hi[len(key)])-1 != zeros+1 {
		return ""
	}
	for range zeros {
		p.addRelease("0")
	}
	return "=" + p.String()
}

// describePrefix recognises [1.2.dev0, 1.3.dev0).
func describePrefix(p *parts, hi string) string {
	q, rest := decode(hi)
	if rest != "" || !isBase(p) || !isBase(q) || p.epoch != q.epoch {
		return ""
	}
	release := slices.Clone(q.release())
	last := len(release) - 1
	if release[last] == "0" {
		return ""
	}
	release[last] = decrement(release[last])
	prefix := &parts{epoch: q.epoch, many: release}
	if !slices.Equal(release[:prefix.trimmed()], p.release()[:p.trimmed()]) {
		return ""
	}
	return prefix.String() + ".*"
}

// isBase reports a version N(.N)*.dev0, the least of its release.
func isBase(p *parts) bool {
	return p.dev == "0" && p.pre == 0 && p.post == "" && p.local == ""
}

// describeLower is [lo, ...) as a clause.
func describeLower(lo cut) string {
	p, rest := lo.decode()
	switch {
	case strings.HasPrefix(rest, string([]byte{above})):
		if p.isExact(lo) {
			return "!<=" + p.String()
		}
		return ">" + p.String()
	case rest != "":
		return "!<" + p.String()
	case p.post == "0" && p.dev == "0" && p.local == "":
		return "!<=" + p.before()
	case p.post != "" && p.dev == "0" && p.local == "":
		return ">" + p.before()
	case isBase(p):
		p.dev = ""
		return "!<" + p.String()
	}
	return ">=" + p.String()
}

// describeUpper is (..., hi) as a clause.
func describeUpper(hi cut) string {
	p, rest := hi.decode()
	switch {
	case strings.HasPrefix(rest, string([]byte{above})):
		if p.isExact(hi) {
			return "<=" + p.String()
		}
		return "!>" + p.String()
	case rest != "":
		return "<=" + p.String()
	case p.post != "" && p.dev == "0" && p.local == "":
		return "<=" + p.before()
	case isBase(p):
		p.dev = ""
		return "<" + p.String()
	case p.isPrerelease() && p.local == "":
		return "<" + p.String()
	}
	return "!>=" + p.String()
}

// isExact reports whether a cut that ends in above lies above one version, not
// above a release with all its post-releases.
func (p *parts) isExact(at cut) bool { return at.key != p.afterPosts().key }

// before is the version whose local variants end at p, a post-release's .dev0.
func (p *parts) before() string {
	q := *p
	q.dev = ""
	if q.post == "0" {
		q.post = ""
	} else {
		q.post = decrement(q.post)
	}
	return q.String()
}
