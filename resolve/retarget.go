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

// otherTarget looks for the nearest target that has a solution: among those
// given, or the group's with another Python or a newer system.
func (r *relaxer) otherTarget(list []tags.Target) {
	t := r.group[0].target
	for _, u := range append(list, r.otherPythons(t)...) {
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

// strangers are the targets of the catalogue for another architecture or
// another C library.
func strangers(t tags.Target) []tags.Target {
	var out []tags.Target
	for _, c := range tags.Catalogue() {
		if c.OS() == t.OS() && c.Python == t.Python && c.Platform != t.Platform {
			out = append(out, c)
		}
	}
	return append(out, neighbours(t)...)
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
var systemBound = regexp.MustCompile(`(?:needs|and) (glibc|musl|macOS) (\d+)\.(\d+)`)

// otherPythons are targets of the same platform with the Pythons that the
// reasons of the proof ask for, or with a global interpreter lock where the
// target has none; and the same Python on a system as new as they ask for.
func (r *relaxer) otherPythons(t tags.Target) []tags.Target {
	pythons := r.pythonsMissed()
	if plain, free := strings.CutSuffix(t.Python, "t"); free {
		pythons = append([]string{plain}, pythons...)
	}
	var names []string
	for _, p := range pythons[:min(len(pythons), maxTargets)] {
		names = append(names, p+"@"+t.Platform)
	}
	r.eachReason(func(reason string) {
		if m := systemBound.FindStringSubmatch(reason); m != nil && len(names) < 2*maxTargets {
			os := map[string]string{"glibc": "manylinux", "musl": "musllinux", "macOS": "macosx"}[m[1]]
			names = append(names, t.Python+"@"+os+"_"+m[2]+"_"+m[3]+"_"+t.Arch())
		}
	})
	var out []tags.Target
	for _, n := range names {
		if u, err := tags.Lookup(n); err == nil && u.Check() == nil && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// pythonsMissed are the Pythons that the reasons of the proof ask for, those
// nearest to the target's first.
func (r *relaxer) pythonsMissed() []string {
	t := r.group[0].target
	var pythons []string
	r.eachReason(func(reason string) {
		m := pythonBound.FindStringSubmatch(reason)
		if m == nil {
			return
		}
		python := m[2]
		if m[1] == "<" {
			python = fmt.Sprintf("3.%d", minor(python)-1)
		}
		if !slices.Contains(pythons, python) && python != t.Python {
			pythons = append(pythons, python)
		}
	})
	distance := func(p string) int { return max(minor(p)-minor(t.Python), minor(t.Python)-minor(p)) }
	slices.SortStableFunc(pythons, func(a, b string) int { return distance(a) - distance(b) })
	return pythons
}

// eachReason goes through why versions in the proof cannot be used.
func (r *relaxer) eachReason(do func(reason string)) {
	x := r.group[0]
	for _, i := range x.leaves {
		if c, ok := i.Cause.(*ruledOut); ok && c.kind == unusable {
			for k := i.Terms[0].Set.Newest(); k >= 0; k = i.Terms[0].Set.Below(k) {
				do(x.reason(c.project, k))
			}
		}
	}
}
