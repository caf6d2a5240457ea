package resolve

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Reasons that the user's own settings give.
const (
	onlyBinaryReason = "only-binary: sdists are not used"
	noBinaryReason   = "no-binary: wheels are not used"
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
			why = onlyBinaryReason
		case !v.pythonFits(d.file.RequiresPython):
			why = pythonReason(d.file.RequiresPython, v.python)
		case d.late != "":
			why = d.late
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

// wheelReason is why a wheel cannot be used. The cut-off comes after what no
// other cut-off would help with.
func (v *view) wheelReason(p *projectView, w *wheel) string {
	switch {
	case p.noBinary:
		return noBinaryReason
	case !v.pythonFits(w.file.RequiresPython):
		return pythonReason(w.file.RequiresPython, v.python)
	case v.rank(w.tags) < 0:
		return v.misfit(w).reason
	case w.late != "":
		return w.late
	case w.file.Yanked:
		return yankedReason(w.file.YankedReason)
	}
	return ""
}

// misfit is why the target cannot take a wheel with such tags, and how far off
// it is. Each release repeats the tags of the one before.
type misfit struct {
	reason string
	away   int
}

func (v *view) misfit(w *wheel) misfit {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, ok := v.misfits[w.tags]
	if !ok {
		list, err := tags.ParseTags(w.tags)
		if err != nil {
			m.reason = "its name cannot be read"
		} else {
			m.reason, m.away = v.target.Misfit(tags.WheelName{Tags: list})
		}
		v.misfits[w.tags] = m
	}
	return m
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
// comes nearest to fitting. hidden means that it is the user's cut-off, and
// nothing else.
func (v *view) nearest(p *projectView, i int) (reason string, hidden bool) {
	r := p.releases[i]
	reason, best := "has no file", 1<<30
	consider := func(why string, away int) {
		if why != "" && (away < best || away == best && why < reason) {
			reason, best = why, away
		}
	}
	for _, d := range r.sdists {
		switch {
		case p.onlyBinary:
			consider(onlyBinaryReason, 2)
		case !v.pythonFits(d.file.RequiresPython):
			consider(pythonReason(d.file.RequiresPython, v.python), 1)
		case d.late != "":
			consider(d.late, 0)
		}
	}
	for _, w := range r.wheels {
		why, away := v.wheelReason(p, w), 1
		switch {
		case why != "" && why == w.late:
			away = 0
		case p.noBinary:
			away = 2
		case v.pythonFits(w.file.RequiresPython) && v.rank(w.tags) < 0:
			away = 3
			away += v.misfit(w).away
		}
		consider(why, away)
	}
	return reason, best == 0
}

// whyNot is why release i cannot be used, as a sentence in an explanation says it.
func (v *view) whyNot(p *projectView, i int) string {
	reason, _ := v.nearest(p, i)
	r := p.releases[i]
	if len(r.wheels) > 0 && len(r.sdists) == 0 && v.rank(r.wheels[0].tags) < 0 && !strings.HasPrefix(reason, "uploaded") && reason != noBinaryReason {
		return "no wheel fits: " + reason
	}
	return reason
}
