package resolve

import (
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// maxOverruled bounds the names for which an override is tried.
const maxOverruled = 4

// overrides tries to do without each override of the proof.
func (r *relaxer) overrides() {
	tried := map[string]bool{}
	for _, i := range r.group[0].leaves {
		n, ok := i.Cause.(*need)
		if !ok || n.override == "" || tried[n.override+n.name] {
			continue
		}
		tried[n.override+n.name] = true
		req := *r.req
		text := ""
		req.Overrides = slices.DeleteFunc(slices.Clone(req.Overrides), func(o Requirement) bool {
			if o.Origin == n.override && o.Canonical() == n.name {
				text = o.Requirement.String()
				return true
			}
			return false
		})
		if g, ok := r.works(trial{req: &req}); ok {
			r.add("remove the override "+text, "it stands at "+n.override+g.gives(n.name))
		}
	}
}

// overrule is the last resort where packages contradict each other: a version
// that one of them wants, against what another says.
func (r *relaxer) overrule() {
	x := r.group[0]
	sets := map[string][]solver.Set{}
	var names []string
	for _, i := range x.leaves {
		n, ok := i.Cause.(*need)
		if !ok || n.root || n.constraint || n.override != "" || n.spec.IsEmpty() {
			continue
		}
		pv := x.projectView(n.name)
		if pv == nil || pv.missing {
			continue
		}
		if sets[n.name] == nil {
			names = append(names, n.name)
		}
		sets[n.name] = append(sets[n.name], pv.set(n.spec))
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), maxOverruled)] {
		if r.overruled(x.projectView(name), sets[name]) {
			return
		}
	}
}

// overruled tries the newest final version that some need admits, or any has.
func (r *relaxer) overruled(pv *projectView, sets []solver.Set) bool {
	want := sets[0]
	for _, s := range sets[1:] {
		want = want.Or(s)
	}
	if want.IsEmpty() {
		want = solver.FullSet(len(pv.releases))
	}
	for k := want.Newest(); k >= 0; k = want.Below(k) {
		c := r.group[0].candidate(pv, k)
		if pv.releases[k].pre || !c.usable() || c.yanked {
			continue
		}
		spec, err := pep440.ParseSpecifiers("==" + pv.releases[k].text)
		if err != nil {
			return false
		}
		q := pep508.Requirement{Name: pv.name, Specifiers: spec}
		req := *r.req
		req.Overrides = append(slices.Clone(req.Overrides), Requirement{Requirement: q})
		if _, ok := r.works(trial{req: &req}); ok {
			r.add(`overrides = ["`+q.String()+`"]`, "in the configuration, against what a package says of itself: test it")
			return true
		}
		return false
	}
	return false
}
