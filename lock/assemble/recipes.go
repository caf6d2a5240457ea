package assemble

import (
	"slices"

	"github.com/freedomofpress/wheellock/lock"
)

// recipes carries over the recipes that kept rows name, and the build
// requirements that those name, which may be built by recipes themselves. A
// row whose recipe cannot be carried whole forgets it, and with it the hash.
func (a *assembler) recipes() {
	for i := range a.l.Packages {
		a.rows(&a.l.Packages[i])
	}
	for i := 0; i < len(a.l.Recipes); i++ { // grows while it is walked
		for _, b := range a.l.Recipes[i].BuildRequires {
			a.buildPackage(b)
		}
	}
}

func (a *assembler) rows(p *lock.Package) {
	for i := range p.Wheels {
		w := &p.Wheels[i]
		if w.Recipe == "" || a.l.Recipe(w.Recipe) != nil {
			continue
		}
		r := a.opt.Prev.Recipe(w.Recipe)
		if r == nil {
			w.Recipe = ""
			if w.Origin == lock.OriginBuilt {
				w.Size, w.SHA256, w.Content = 0, "", ""
			}
			continue
		}
		a.l.Recipes = append(a.l.Recipes, *r)
	}
}

// buildPackage carries over the block of one build requirement.
func (a *assembler) buildPackage(b lock.BuildRequire) {
	same := func(p lock.Package) bool {
		return p.Group == lock.GroupBuild && p.Name == b.Name && p.Version == b.Version
	}
	if slices.ContainsFunc(a.l.Packages, same) {
		return
	}
	i := slices.IndexFunc(a.opt.Prev.Packages, same)
	if i < 0 {
		return
	}
	p, ok := a.narrow(a.opt.Prev, &a.opt.Prev.Packages[i])
	if !ok {
		return
	}
	a.rows(&p)
	a.l.Packages = append(a.l.Packages, p)
}

// narrow copies a build requirement for the targets that are left. Where none
// is left it serves all: its recipe still fixes the interpreter that ran it, and
// the wheel made with it is still right.
func (a *assembler) narrow(prev *lock.Lock, p *lock.Package) (lock.Package, bool) {
	c := *p
	left := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(t string) bool { return a.l.Target(t) == nil })
	}
	c.Targets = left(prev.TargetsOf(p))
	c.Wheels, c.Upstream, c.TargetDependencies = nil, nil, nil
	if len(c.Targets) == 0 {
		if len(p.Wheels) == 0 {
			return c, false
		}
		w := p.Wheels[0]
		w.Targets = nil
		c.Wheels = []lock.Wheel{w}
		return c, true
	}
	for _, w := range p.Wheels {
		if w.Targets = left(prev.WheelTargets(p, &w)); len(w.Targets) > 0 {
			c.Wheels = append(c.Wheels, w)
		}
	}
	for _, u := range p.Upstream {
		if u.Targets = left(prev.UpstreamTargets(p, &u)); len(u.Targets) > 0 {
			c.Upstream = append(c.Upstream, u)
		}
	}
	for t, ds := range p.TargetDependencies {
		if slices.Contains(c.Targets, t) {
			if c.TargetDependencies == nil {
				c.TargetDependencies = map[string][]string{}
			}
			c.TargetDependencies[t] = ds
		}
	}
	return c, true
}
