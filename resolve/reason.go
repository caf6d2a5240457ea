package resolve

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// pythonReason says which part of a Requires-Python excludes a Python: "needs
// Python 3.10", "needs Python <3.12", or the whole of it.
func pythonReason(spec string, python pep440.Version) string {
	s, err := pep440.ParseSpecifiers(spec)
	if err != nil {
		return "needs Python " + spec
	}
	var bad []string
	for _, c := range s.Clauses() {
		one, err := pep440.ParseSpecifiers(c.Op + c.Version)
		if err == nil && !one.Contains(python, pep440.PreAllow) {
			if c.Op == ">=" {
				bad = append(bad, c.Version)
			} else {
				bad = append(bad, c.Op+c.Version)
			}
		}
	}
	if len(bad) == 0 {
		return "needs Python " + spec
	}
	return "needs Python " + strings.Join(bad, ",")
}

// refusals says of each file of a release that the target cannot use why not.
func (v *view) refusals(p *projectView, r *release) []Refusal {
	var list []Refusal
	for _, w := range r.wheels {
		if why := v.wheelReason(p, w); why != "" {
			list = append(list, Refusal{w.file.Name, why})
		}
	}
	for k, d := range r.sdists {
		why := ""
		switch {
		case p.onlyBinary:
			why = "only-binary: sdists are not used"
		case d.late != "":
			why = d.late
		case !v.pythonFits(d.file.RequiresPython):
			why = pythonReason(d.file.RequiresPython, v.python)
		case d.file.Yanked:
			why = yankedReason(d.file.YankedReason)
		case k > 0:
			why = "another sdist of this version is used"
		}
		if why != "" {
			list = append(list, Refusal{d.file.Name, why})
		}
	}
	slices.SortFunc(list, func(a, b Refusal) int { return strings.Compare(a.File, b.File) })
	return list
}

func (v *view) wheelReason(p *projectView, w *wheel) string {
	switch {
	case p.noBinary:
		return "no-binary: wheels are not used"
	case w.late != "":
		return w.late
	case !v.pythonFits(w.file.RequiresPython):
		return pythonReason(w.file.RequiresPython, v.python)
	case v.rank(w.tags) < 0:
		name, err := tags.ParseWheelName(w.file.Name)
		if err != nil {
			return "its name cannot be read"
		}
		return v.target.Why(name)
	case w.file.Yanked:
		return yankedReason(w.file.YankedReason)
	}
	return ""
}

func yankedReason(why string) string {
	why = strings.Join(strings.Fields(why), " ")
	if len(why) > 80 {
		why = why[:80] + "..."
	}
	if why == "" {
		return "yanked"
	}
	return "yanked: " + why
}

// nearest is why a whole release cannot be used: the reason of the file that
// comes nearest to fitting, and that there is no sdist to build from.
func (v *view) nearest(p *projectView, i int) string {
	r := p.releases[i]
	list := v.refusals(p, r)
	if len(list) == 0 {
		return "has no file"
	}
	best := list[0].Reason
	for _, x := range list[1:] {
		if a, b := distance(x.Reason), distance(best); a < b || a == b && x.Reason < best {
			best = x.Reason
		}
	}
	if distance(best) >= 2 && distance(best) <= 5 && len(r.sdists) == 0 {
		return "no wheel fits: " + best + "; and there is no sdist"
	}
	return best
}

// distance orders reasons by how near the file is to fitting.
func distance(reason string) int {
	switch {
	case strings.HasPrefix(reason, "uploaded"), strings.HasPrefix(reason, "has no upload"):
		return 0
	case strings.HasPrefix(reason, "no-binary"), strings.HasPrefix(reason, "only-binary"):
		return 1
	case strings.HasPrefix(reason, "needs glibc"), strings.HasPrefix(reason, "needs musl"), strings.HasPrefix(reason, "needs macOS"):
		return 2
	case strings.HasPrefix(reason, "needs Python") && !strings.Contains(reason, "("):
		return 1
	case strings.HasPrefix(reason, "needs Python"):
		return 3
	}
	return 4
}
