package resolve

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// maxTargets bounds the targets that are tried in the place of one.
const maxTargets = 8

// otherTarget looks for the nearest target that has a solution: of the
// catalogue, or the same platform with another Python.
func (r *relaxer) otherTarget() {
	t := r.group[0].target
	for _, u := range append(neighbours(t), r.otherPythons(t)...) {
		g, ok := r.works(trial{target: &u})
		if !ok {
			continue
		}
		means := describe(u) + " instead of " + joinWords(r.names()) + r.givesBlamed(g)
		if len(r.group) == 1 {
			r.add("wheellock target replace "+t.Name+" "+u.Name, means)
		} else {
			r.add("take the target "+u.Name, means)
		}
		return
	}
}

func describe(t tags.Target) string {
	s := "Python " + t.Python
	if libc, major, minor := t.Libc(); libc != "" {
		s += fmt.Sprintf(" and %s %d.%d", libc, major, minor)
	}
	return s
}

// givesBlamed says what came out for the packages that could not be used.
func (r *relaxer) givesBlamed(g got) string {
	for _, i := range r.group[0].leaves {
		if c, ok := i.Cause.(*ruledOut); ok && c.kind == unusable && len(g[c.project.name]) > 0 {
			return g.gives(c.project.name)
		}
	}
	return ""
}

// neighbours are the targets of the catalogue that differ from t in Python or
// libc only, nearest first; of equally near ones the newer.
func neighbours(t tags.Target) []tags.Target {
	libc, _, _ := t.Libc()
	type near struct {
		tags.Target
		away int
	}
	var list []near
	for _, c := range tags.Catalogue() {
		if c.Arch() != t.Arch() {
			if u, err := tags.Lookup(c.Name + "-" + t.Arch()); err == nil {
				c = u
			}
		}
		other, _, _ := c.Libc()
		if c.OS() != t.OS() || c.Arch() != t.Arch() || other != libc || c.Python == t.Python && c.Platform == t.Platform ||
			c.PythonTag()[:2] != t.PythonTag()[:2] {
			continue
		}
		away := 4 * (minor(c.Python) - minor(t.Python))
		if away < 0 {
			away = -away + 1
		}
		_, _, a := c.Libc()
		_, _, b := t.Libc()
		list = append(list, near{c, away + max(a-b, b-a)})
	}
	slices.SortStableFunc(list, func(a, b near) int { return a.away - b.away })
	var out []tags.Target
	for _, n := range list[:min(len(list), maxTargets)] {
		out = append(out, n.Target)
	}
	return out
}

func minor(python string) int {
	n := 0
	_, rest, _ := strings.Cut(python, ".")
	fmt.Sscanf(rest, "%d", &n)
	return n
}

var pythonBound = regexp.MustCompile(`needs (?:Python|CPython) (<)?(3\.\d+)`)

// otherPythons are targets of the same platform with the Pythons that the
// reasons of the proof ask for, and with a global interpreter lock where the
// target has none.
func (r *relaxer) otherPythons(t tags.Target) []tags.Target {
	var pythons []string
	if plain, free := strings.CutSuffix(t.Python, "t"); free {
		pythons = append(pythons, plain)
	}
	x := r.group[0]
	for _, i := range x.leaves {
		c, ok := i.Cause.(*ruledOut)
		if !ok || c.kind != unusable {
			continue
		}
		set := i.Terms[0].Set
		for k := set.Newest(); k >= 0; k = set.Below(k) {
			m := pythonBound.FindStringSubmatch(x.reason(c.project, k))
			if m == nil {
				continue
			}
			python := m[2]
			if m[1] == "<" {
				python = fmt.Sprintf("3.%d", minor(python)-1)
			}
			if !slices.Contains(pythons, python) && python != t.Python {
				pythons = append(pythons, python)
			}
		}
	}
	distance := func(p string) int { return max(minor(p)-minor(t.Python), minor(t.Python)-minor(p)) }
	slices.SortStableFunc(pythons, func(a, b string) int { return distance(a) - distance(b) })
	var out []tags.Target
	for _, p := range pythons[:min(len(pythons), maxTargets)] {
		name := p + "@" + t.Platform
		if u, err := tags.Lookup(name); err == nil && u.Check() == nil {
			out = append(out, u)
		}
	}
	return out
}
