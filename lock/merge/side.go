package merge

import (
	"slices"

	"github.com/freedomofpress/wheellock/lock"
)

// cell is a place that holds one version.
type cell struct{ target, variant, name string }

// id is a block of a lock.
type id struct{ name, version, group string }

// side is one of the three locks, with target lists spelled out.
type side struct {
	lock   *lock.Lock
	pins   map[cell]string
	blocks map[id]*block
}

// block is a package with everything by target.
type block struct {
	p        lock.Package // the fields that are the same for every target
	deps     map[string][]string
	rows     map[string]lock.Wheel
	upstream map[string]lock.Upstream
	compared map[[2]string]bool // file and target
}

func newSide(l *lock.Lock) *side {
	s := &side{lock: l, pins: map[cell]string{}, blocks: map[id]*block{}}
	variants := l.Variants()
	for i := range l.Packages {
		p := &l.Packages[i]
		b := &block{p: *p, deps: map[string][]string{}, rows: map[string]lock.Wheel{}, upstream: map[string]lock.Upstream{}, compared: map[[2]string]bool{}}
		s.blocks[idOf(p)] = b
		for _, t := range l.TargetsOf(p) {
			b.deps[t] = p.DependenciesOn(t)
			if w := l.WheelFor(p, t); w != nil {
				row := *w
				row.Targets = nil
				b.rows[t] = row
			}
			for _, v := range variants {
				if p.Group != lock.GroupBuild && l.In(p, t, v.Name) {
					s.pins[cell{t, v.Name, p.Name}] = p.Version
				}
			}
		}
		for _, u := range p.Upstream {
			for _, t := range l.UpstreamTargets(p, &u) {
				b.compared[[2]string{u.Name, t}] = true
			}
			u.Targets = nil
			b.upstream[u.Name] = u
		}
	}
	return s
}

func idOf(p *lock.Package) id { return id{p.Name, p.Version, p.Group} }

// assemble puts a block together again for some targets.
func (b *block) assemble(targets []string) lock.Package {
	p := b.p
	p.Targets = slices.Clone(targets)
	p.Dependencies, p.TargetDependencies = nil, map[string][]string{}
	p.Wheels, p.Upstream = nil, nil
	for _, t := range targets {
		p.TargetDependencies[t] = b.deps[t]
		w, ok := b.rows[t]
		if !ok {
			continue
		}
		i := slices.IndexFunc(p.Wheels, func(x lock.Wheel) bool { x.Targets = nil; return equal(x, w) })
		if i < 0 {
			i = len(p.Wheels)
			p.Wheels = append(p.Wheels, w)
		}
		p.Wheels[i].Targets = append(p.Wheels[i].Targets, t)
	}
	for name, u := range b.upstream {
		for _, t := range targets {
			if b.compared[[2]string{name, t}] {
				u.Targets = append(u.Targets, t)
			}
		}
		if len(u.Targets) > 0 {
			p.Upstream = append(p.Upstream, u)
		}
	}
	return p
}
