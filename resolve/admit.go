package resolve

import (
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// exclusions tries to admit what the proof says cannot be used: by a later
// cut-off, sdists or wheels, a pre-release or a yanked release asked for by
// name, and last another target.
func (r *relaxer) exclusions() {
	late, target := false, false
	done := map[string]bool{}
	for _, i := range r.group[0].leaves {
		c, ok := i.Cause.(*ruledOut)
		if !ok {
			continue
		}
		set := i.Terms[0].Set
		switch key := c.project.name; {
		case c.kind == preRelease && !done["pre "+key]:
			done["pre "+key] = true
			r.admitPre(c.project, set)
		case c.kind == yanked && !done["yanked "+key]:
			done["yanked "+key] = true
			r.admitYanked(c.project, set)
		case c.kind == unusable:
			for k := set.Newest(); k >= 0; k = set.Below(k) {
				switch reason := r.group[0].reason(c.project, k); {
				case strings.HasPrefix(reason, onlyBinaryReason) && !done["only "+key]:
					done["only "+key] = true
					r.admitFiles(key, true)
				case strings.HasPrefix(reason, noBinaryReason) && !done["no "+key]:
					done["no "+key] = true
					r.admitFiles(key, false)
				case strings.HasPrefix(reason, "uploaded "):
					late = true
				default:
					target = true
				}
			}
		}
	}
	if late {
		r.admitLater()
	}
	if target {
		r.otherTarget(neighbours(r.group[0].target))
	}
}

// reason is why release i cannot be used on the target.
func (x *explainer) reason(pv *projectView, i int) string {
	if why := x.provider.refused[pv.name][i]; why != "" {
		return why
	}
	return x.whyNot(pv, i)
}

// asks is the first requirement of the request on a name; nil if there is none.
func (r *relaxer) asks(name string) *need {
	for _, n := range r.group[0].provider.roots {
		if n.name == name {
			return n
		}
	}
	return nil
}

// pin asks for a version by name, beside or in the place of what is asked for.
func (r *relaxer) pin(pv *projectView, k int, op, means string) bool {
	old := r.asks(pv.name)
	if old == nil {
		old = &need{root: true}
	}
	q, err := old.parsed()
	if err != nil {
		q = pep508.Requirement{Name: pv.name}
	}
	if q.Specifiers, err = pep440.ParseSpecifiers(op + pv.releases[k].text); err != nil {
		return false
	}
	by, t := old.like(q), trial{}
	t.by = by
	if r.asks(pv.name) != nil {
		t.of = old
		means = "instead of " + old.text + at(old) + "; " + means
	}
	if _, ok := r.works(t); !ok {
		return false
	}
	r.add(r.write(by, by.text), means)
	return true
}

func (r *relaxer) admitPre(pv *projectView, set solver.Set) {
	for k, n := set.Newest(), 0; k >= 0 && n < 2; k, n = set.Below(k), n+1 {
		if r.pin(pv, k, ">=", "takes the pre-release "+pv.releases[k].text) {
			return
		}
	}
}

func (r *relaxer) admitYanked(pv *projectView, set solver.Set) {
	for k, n := set.Newest(), 0; k >= 0 && n < 2; k, n = set.Below(k), n+1 {
		if r.pin(pv, k, "==", "takes the release although it is "+r.group[0].whyYanked(pv, solver.SetOf(len(pv.releases), k))) {
			return
		}
	}
}

// admitFiles lifts only-binary or no-binary for one package.
func (r *relaxer) admitFiles(name string, only bool) {
	req := *r.req
	list, word, what := &req.NoBinary, "no-binary", "uses its wheels"
	if only {
		list, word, what = &req.OnlyBinary, "only-binary", "builds it from its sdist"
	}
	all := slices.Contains(*list, All)
	*list = slices.DeleteFunc(slices.Clone(*list), func(s string) bool { return s == All || pep508.NormalizeName(s) == name })
	if g, ok := r.works(trial{req: &req}); ok {
		what += g.gives(name)
		if all {
			name = All
		}
		r.add("take "+name+" out of "+word, what)
	}
}

// admitLater lifts the cut-off as far as is needed.
func (r *relaxer) admitLater() {
	req := *r.req
	req.ExcludeNewer = time.Time{}
	if _, ok := r.works(trial{req: &req}); !ok {
		return
	}
	for _, at := range r.uploads() {
		req.ExcludeNewer = at
		if g, ok := r.works(trial{req: &req}); ok {
			r.add("exclude-newer = "+at.Format(time.RFC3339), "in the configuration, instead of "+
				r.req.ExcludeNewer.UTC().Format(time.RFC3339)+r.givesLate(g))
			return
		}
	}
}

// uploads are the instants after which the releases that the proof misses were
// all there, earliest first.
func (r *relaxer) uploads() []time.Time {
	var list []time.Time
	r.eachLate(func(pv *projectView, k int) {
		for _, w := range pv.releases[k].wheels {
			list = append(list, w.file.Uploaded)
		}
		for _, d := range pv.releases[k].sdists {
			list = append(list, d.file.Uploaded)
		}
	})
	for i, at := range list {
		list[i] = at.UTC().Truncate(time.Second).Add(time.Second)
	}
	slices.SortFunc(list, time.Time.Compare)
	list = slices.CompactFunc(list, time.Time.Equal)
	list = slices.DeleteFunc(list, func(at time.Time) bool { return !at.After(r.req.ExcludeNewer) })
	const most = 6
	if len(list) > most {
		// Evenly spread, with the last one.
		var some []time.Time
		for i := 1; i <= most; i++ {
			some = append(some, list[i*len(list)/most-1])
		}
		list = some
	}
	return list
}

func (r *relaxer) eachLate(do func(pv *projectView, k int)) {
	for _, i := range r.group[0].leaves {
		if c, ok := i.Cause.(*ruledOut); ok && c.kind == unusable {
			for k := i.Terms[0].Set.Newest(); k >= 0; k = i.Terms[0].Set.Below(k) {
				if _, hidden := r.group[0].nearest(c.project, k); hidden {
					do(c.project, k)
				}
			}
		}
	}
}

func (r *relaxer) givesLate(g got) string {
	s := ""
	done := map[string]bool{}
	r.eachLate(func(pv *projectView, _ int) {
		if !done[pv.name] {
			s += g.gives(pv.name)
		}
		done[pv.name] = true
	})
	return s
}
