package resolve

import (
	"fmt"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// pins turns what was selected into the answer for the target.
func (v *view) pins(p *provider, sol *solver.Solution) (TargetSolution, []UnknownMetadata, error) {
	t := TargetSolution{Target: v.target}
	var unknown []UnknownMetadata
	names := make([]string, 0, len(sol.Versions))
	for name := range sol.Versions {
		names = append(names, name)
	}
	slices.Sort(names)
	reads := map[string][]*need{}
	for _, name := range names {
		proj, err := v.project(name)
		if err != nil {
			return t, nil, err
		}
		pv := v.of(proj)
		i := sol.Versions[name]
		f, _, err := v.readFacts(pv, i)
		if err != nil {
			return t, nil, err
		}
		c, r := v.candidate(pv, i), pv.releases[i]
		if f.unknown {
			unknown = append(unknown, UnknownMetadata{Name: name, Version: r.text, File: c.sdist.file.Name})
		}
		reads[name] = v.needsOf(f, "")
		var extras []string
		for _, e := range sol.Extras[name] {
			if !slices.Contains(f.extras, e) && !f.unknown {
				t.Warnings = append(t.Warnings, fmt.Sprintf("%s %s has no extra %q", name, r.text, e))
				continue
			}
			extras = append(extras, e)
			reads[name] = append(reads[name], v.needsOf(f, e)...)
		}
		pin := v.pin(p, pv, i, f, sol.Needs[name], reads[name])
		pin.Extras = extras
		pin.Rather = p.rather[name]
		t.Pins = append(t.Pins, pin)
	}
	who := map[*need][]string{}
	for _, pin := range t.Pins {
		for _, n := range reads[pin.Name] {
			who[n] = append(who[n], pin.Name+" "+pin.Version.String())
		}
	}
	v.blocked(p, t.Pins, sol.Needs, who)
	if err := v.goneBack(p, t.Pins, sol.Needs, who); err != nil {
		return t, nil, err
	}
	t.Warnings = append(t.Warnings, v.timeless(p, t.Pins, sol.Needs)...)
	groups := reach(p.roots, reads)
	for i := range t.Pins {
		t.Pins[i].Groups = groups[t.Pins[i].Name]
	}
	v.withoutLocals(&t)
	slices.Sort(t.Warnings)
	return t, unknown, nil
}

func (v *view) pin(p *provider, pv *projectView, i int, f *facts, labels []any, reads []*need) Pin {
	c, r := v.candidate(pv, i), pv.releases[i]
	pin := Pin{Name: pv.name, Version: r.version, RequiresPython: f.requiresPython,
		Direct: p.direct[pv.name], Newer: v.newer(p, pv, i, labels)}
	for _, n := range reads {
		if n.name != pv.name {
			pin.Dependencies = append(pin.Dependencies, n.name)
		}
	}
	slices.Sort(pin.Dependencies)
	pin.Dependencies = slices.Compact(pin.Dependencies)
	if c.wheel != nil {
		pin.Wheel = clone(c.wheel.file)
	} else if w := v.stand(pv, r); w != nil {
		pin.Inferred = w.file.Name
	}
	if c.sdist != nil {
		pin.Sdist = clone(c.sdist.file)
	}
	if _, ok := v.req.Direct[pv.name]; ok && pin.Wheel != nil {
		pin.URL = pin.Wheel.URL
	} else if ok && pin.Sdist != nil {
		pin.URL = pin.Sdist.URL
	}
	if pin.RequiresPython == "" && pin.Wheel != nil {
		pin.RequiresPython = pin.Wheel.RequiresPython
	} else if pin.RequiresPython == "" && pin.Sdist != nil {
		pin.RequiresPython = pin.Sdist.RequiresPython
	}
	for _, w := range r.wheels {
		if v.req.Hashes[pv.name].forbids(w.file) == "" {
			pin.Wheels = append(pin.Wheels, *w.file)
		}
	}
	wheel, sdist := pin.Wheel, pin.Sdist
	pin.Refused = func() []Refusal {
		list := v.refusals(pv, r)
		if c.yanked {
			// A release that is used although it is yanked is no refusal.
			list = slices.DeleteFunc(list, func(x Refusal) bool {
				return wheel != nil && x.File == wheel.Name || sdist != nil && x.File == sdist.Name
			})
		}
		return list
	}
	return pin
}

func clone(f *index.File) *index.File {
	g := *f
	return &g
}

// newer finds the newest version above i that the needs in force admit and
// only the target refuses. What the cut-off hides is not counted: it is the
// user's own wish, and would be said of almost every package.
func (v *view) newer(p *provider, pv *projectView, i int, labels []any) *Newer {
	perm := p.permit(pv, labels)
	for k := perm.joint.Newest(); k > i; k = perm.joint.Below(k) {
		r, c := pv.releases[k], v.candidate(pv, k)
		if r.pre && !p.req.Prereleases || c.yanked {
			continue
		}
		reason := p.refused[pv.name][k]
		if reason == "" && !c.usable() {
			if r.hidden() {
				continue
			}
			reason, _ = v.nearest(pv, k)
		}
		if reason != "" {
			return &Newer{Version: r.version, Reason: reason}
		}
	}
	return nil
}

// hidden reports whether the user's settings show no file of a release.
func (r *release) hidden() bool {
	return !slices.ContainsFunc(r.wheels, func(w *wheel) bool { return w.late == "" }) &&
		!slices.ContainsFunc(r.sdists, func(d *sdist) bool { return d.late == "" })
}

// reach returns the groups whose requirements lead to each package.
func reach(roots []*need, reads map[string][]*need) map[string][]string {
	groups := map[string][]string{}
	var walk func(group, name string)
	walk = func(group, name string) {
		if slices.Contains(groups[name], group) {
			return
		}
		groups[name] = append(groups[name], group)
		for _, n := range reads[name] {
			walk(group, n.name)
		}
	}
	for _, n := range roots {
		walk(n.group, n.name)
	}
	for name := range groups {
		slices.Sort(groups[name])
	}
	return groups
}
