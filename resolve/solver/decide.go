package solver

import "math/bits"

// conflictStep is how often a package must be part of a conflict before it is
// decided earlier than its rank says; each doubling moves it up again. Without
// it a package that is decided early, with many versions, is tried version by
// version against one that is decided late.
const conflictStep = 5

// clashLimit is how often a package may find each of its versions at odds with
// packages that were decided before it, until it is decided before them: with
//
//	a 1, 2     b 1     b 2.0 to 2.9 need a 1
//
// the search would otherwise keep a 2 and go down to b 1.
const clashLimit = 5

// firmLimit is clashLimit against a package that is firm.
const firmLimit = 50

// bump counts the packages of a conflict.
func (s *search) bump(i *Incompatibility) {
	for _, t := range i.Terms {
		t.pkg.conflicts++
	}
}

// before is the order of decisions: what has one version left costs nothing;
// then what is often in conflict; then the provider's rank; then what was heard of first.
func before(p, q *pkg) bool {
	if a, b := p.count == 1, q.count == 1; a != b {
		return a
	}
	if p.early != q.early {
		return p.early
	}
	if p.late != q.late {
		return q.late
	}
	if a, b := bits.Len(uint(p.conflicts/conflictStep)), bits.Len(uint(q.conflicts/conflictStep)); a != b {
		return a > b
	}
	if p.rank != q.rank {
		return p.rank < q.rank
	}
	return p.order < q.order
}

// next returns the package to decide; nil when all are. An extra is decided
// when its package is.
func (s *search) next(later map[*pkg]Choice) *pkg {
	var best *pkg
	for _, p := range s.packages {
		if _, waits := later[p]; waits || !p.positive || p.decided >= 0 {
			continue
		}
		if p.base != nil {
			if p.base.decided >= 0 {
				return p
			}
			continue
		}
		if best == nil || before(p, best) {
			best = p
		}
	}
	return best
}

// decide selects a version of one package, or finds that it cannot be. It
// returns the package that changed; nil when nothing is left to decide.
func (s *search) decide() (*pkg, error) {
	var later map[*pkg]Choice
	var first *pkg // of those that wait
	for {
		p := s.next(later)
		if p == nil {
			if first == nil {
				return nil, nil
			}
			return s.excludeAll(first, later[first].Exclusions), nil
		}
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		if !p.allowed.Disjoint(p.banned) {
			return p, nil // ruled out on a way that was given up: to be drawn again
		}
		c := Choice{}
		if p.base == nil {
			var err error
			if c, err = s.provider.Choose(s.ctx, p.name.Package, p.allowed, s.needs(p)); err != nil {
				return nil, err
			}
		}
		switch {
		case c.Version >= 0:
			return s.selectVersion(p, c.Version)
		case !c.Later:
			return s.excludeAll(p, c.Exclusions), nil
		}
		if later == nil {
			later, first = map[*pkg]Choice{}, p
		}
		later[p] = c
	}
}

func (s *search) excludeAll(p *pkg, list []Exclusion) *pkg {
	for _, e := range list {
		s.exclude(p, e)
	}
	return p
}

// selectVersion decides p, unless that is known to be impossible.
func (s *search) selectVersion(p *pkg, version int) (*pkg, error) {
	clash, err := s.open(p, version)
	if err != nil {
		return nil, err
	}
	if clash != nil {
		return s.clashed(p, clash), nil
	}
	s.level++
	p.decided = version
	s.derive(Term{Name: p.name, Positive: true, Set: SetOf(p.n, version), pkg: p}, nil)
	return p, nil
}

// clashed counts a clash of p with packages decided before it, and undoes
// their decisions if it was one too many. It returns what to propagate.
func (s *search) clashed(p *pkg, i *Incompatibility) *pkg {
	p.clashes++
	limit := clashLimit
	for _, t := range i.Terms {
		if t.pkg != p && t.pkg.firm && !p.firm {
			limit = firmLimit
		}
	}
	if p.early || p.clashes < limit {
		return p
	}
	level := s.level
	for _, t := range i.Terms {
		q := t.pkg
		if q == p || q.name == Root || q.base != nil || q.decided < 0 || q.early {
			continue
		}
		q.late = true
		level = min(level, q.history[len(q.history)-1].level-1)
	}
	if level == s.level {
		return p
	}
	p.early = true
	s.backtrack(level)
	return p
}

// open learns what follows from selecting a version, and returns what is known
// to make that impossible, if something does: propagation will rule it out.
func (s *search) open(p *pkg, version int) (clash *Incompatibility, err error) {
	owner, extra, chosen := p, (*pkg)(nil), version
	if p.base != nil {
		owner, extra, version = p.base, p, p.base.decided
	}
	if _, ok := p.deps[version]; !ok {
		deps, err := s.provider.Dependencies(s.ctx, p.name, version)
		if err != nil {
			return nil, err
		}
		if p.deps[version], err = s.learnDependencies(owner, extra, version, deps); err != nil {
			return nil, err
		}
	}
	for _, i := range p.deps[version] {
		if s.wouldClash(i, p, chosen) {
			return i, nil
		}
	}
	return nil, nil
}

func (s *search) wouldClash(i *Incompatibility, p *pkg, version int) bool {
	for _, t := range i.Terms {
		if t.pkg == p {
			if t.Set.Has(version) != t.Positive {
				return false
			}
		} else if relate(t) != satisfied {
			return false
		}
	}
	return true
}

// learnDependencies turns the dependencies of a version of p (or of what an
// extra adds to it) into incompatibilities.
func (s *search) learnDependencies(p, extra *pkg, version int, deps []Dependency) ([]*Incompatibility, error) {
	var all []*Incompatibility
	for k := range deps {
		d := &deps[k]
		target, err := s.lookup(d.Name)
		if err != nil {
			return nil, err
		}
		set := d.Set
		if target.base != nil {
			set = target.full
		}
		if target == p && set.Has(version) || target == extra {
			continue
		}
		all = append(all, s.learnDependency(p, extra, target, version, set, d))
	}
	return all, nil
}

func (s *search) learnDependency(p, extra, target *pkg, version int, set Set, d *Dependency) *Incompatibility {
	key := mergeKey{extra, target, d.Label}
	for _, i := range p.merged[key] {
		if i.Dependency.Set.Equal(d.Set) {
			for k, t := range i.Terms {
				if t.pkg == p {
					i.Terms[k].Set = t.Set.Or(SetOf(p.n, version))
				}
			}
			// It speaks of more than when it was found to be false.
			i.contradicted = -1
			return i
		}
	}
	terms := []Term{{Name: p.name, Positive: true, Set: SetOf(p.n, version), pkg: p}}
	if extra != nil {
		terms = append(terms, Term{Name: extra.name, Positive: true, Set: extra.full, pkg: extra})
	}
	if target != p && !set.IsEmpty() {
		terms = append(terms, Term{Name: target.name, Set: set, pkg: target})
	}
	i := &Incompatibility{Terms: terms, Cause: d.Label, Dependency: d}
	s.add(i)
	p.merged[key] = append(p.merged[key], i)
	if target != p {
		target.needs = append(target.needs, i)
	}
	return i
}

// needs returns the labels of the dependencies on p that are in force.
func (s *search) needs(p *pkg) []any {
	var labels []any
	for _, i := range p.needs {
		inForce := true
		for _, t := range i.Terms {
			if t.pkg != p && (t.pkg.decided < 0 || !t.Set.Has(t.pkg.decided)) {
				inForce = false
			}
		}
		if inForce {
			labels = append(labels, i.Cause)
		}
	}
	return labels
}
