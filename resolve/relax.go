package resolve

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Bounds of the search for what would work: it is a courtesy, not the answer.
const (
	maxRelaxed       = 6   // requirements tried
	relaxedConflicts = 300 // in one try
)

// works tries the smallest changes: each requirement that the proof rests on
// without its bound, then without it; and a newer Python, if one was missed.
func (x *explainer) works(leaves []*solver.Incompatibility) []change {
	var found []change
	for _, n := range x.blamed(leaves) {
		where := ""
		if n.origin != "" {
			where = " (" + n.origin + ")"
		}
		if !n.spec.IsEmpty() {
			free := *n
			free.spec, free.namesPre, free.pinned = pep440.Specifiers{}, false, false
			if got, ok := x.try(x.view, n, &free); ok {
				c := change{what: fmt.Sprintf("%s without its bound %s%s", n.name, n.spec, where)}
				if at := got[n.name]; at != "" {
					c.gives = []string{at}
				}
				found = append(found, c)
				continue
			}
		}
		if len(n.extras) > 0 {
			bare := *n
			bare.extras = nil
			if _, ok := x.try(x.view, n, &bare); ok {
				found = append(found, change{what: fmt.Sprintf("%s without its extras%s", n.name, where)})
				continue
			}
		}
		if _, ok := x.try(x.view, n, nil); ok {
			found = append(found, change{what: fmt.Sprintf("no %s%s", n.name, where)})
		}
	}
	if python := x.missedPython(leaves); python != "" {
		t := x.target
		t.Python, t.FullVersion, t.ABI = python, "", ""
		if t.Check() == nil {
			if _, ok := x.try(newView(x.store, t), nil, nil); ok {
				found = append(found, change{what: "a target with Python " + python})
			}
		}
	}
	return found
}

// blamed returns the requirements of the user in a proof; those with a bound first.
func (x *explainer) blamed(leaves []*solver.Incompatibility) []*need {
	var list []*need
	for _, i := range leaves {
		if n, ok := i.Cause.(*need); ok && (n.root || n.constraint) && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b *need) int {
		if a.spec.IsEmpty() != b.spec.IsEmpty() {
			if a.spec.IsEmpty() {
				return 1
			}
			return -1
		}
		return 0
	})
	return list[:min(len(list), maxRelaxed)]
}

// try solves with one requirement replaced, or left out if by is nil.
func (x *explainer) try(v *view, n, by *need) (map[string]string, bool) {
	change := func(list []*need) []*need {
		var out []*need
		for _, m := range list {
			switch {
			case m != n:
				out = append(out, m)
			case by != nil:
				out = append(out, by)
			}
		}
		return out
	}
	var constraints []*need
	for _, list := range x.provider.constraints {
		constraints = append(constraints, list...)
	}
	slices.SortFunc(constraints, func(a, b *need) int { return slices.Compare([]string{a.name, a.text}, []string{b.name, b.text}) })
	roots := change(x.provider.roots)
	if len(roots) == 0 {
		return nil, false
	}
	q := newProvider(v, roots, change(constraints))
	sol, err := q.run(solver.Options{MaxConflicts: relaxedConflicts})
	if err != nil {
		return nil, false
	}
	got := map[string]string{}
	for name, i := range sol.Versions {
		if p, err := v.project(name); err == nil {
			got[name] = p.releases[i].text
		}
	}
	return got, true
}

var pythonBound = regexp.MustCompile(`needs Python (3\.\d+)`)

// missedPython is the lowest Python above the target's that versions in the proof need.
func (x *explainer) missedPython(leaves []*solver.Incompatibility) string {
	best := ""
	for _, i := range leaves {
		c, ok := i.Cause.(*ruledOut)
		if !ok || c.kind != unusable {
			continue
		}
		set := i.Terms[0].Set
		for k := set.Newest(); k >= 0; k = set.Below(k) {
			reason := x.provider.refused[c.project.name][k]
			if reason == "" {
				reason = x.whyNot(c.project, k)
			}
			m := pythonBound.FindStringSubmatch(reason)
			if m == nil || pep440.MustParse(m[1]).Compare(x.python) <= 0 {
				continue
			}
			if best == "" || pep440.MustParse(m[1]).Compare(pep440.MustParse(best)) < 0 {
				best = m[1]
			}
		}
	}
	return best
}
