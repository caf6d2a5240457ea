package solver

import (
	"context"
	"sort"
)

// Options bound a search.
type Options struct {
	// MaxConflicts ends the search with a *LimitError; 0: no limit.
	MaxConflicts int
	// Forbidden are whole solutions that are not wanted.
	Forbidden []map[string]int
}

// Solve finds a version for everything that root needs. The error is
// *NoSolution, *LimitError, the context's, or the provider's.
func Solve(ctx context.Context, p Provider, root []Dependency, o Options) (*Solution, error) {
	s := &search{ctx: ctx, provider: p, options: o, byName: map[Name]*pkg{}}
	r := s.newPkg(Root, Universe{N: 1})
	s.add(&Incompatibility{Terms: []Term{{Name: Root, Set: r.full, pkg: r}}})
	s.derive(Term{Name: Root, Positive: true, Set: r.full, pkg: r}, r.incompats[0])
	r.decided = 0
	deps, err := s.learnDependencies(r, nil, 0, root)
	if err != nil {
		return nil, err
	}
	r.deps[0] = deps
	for _, f := range o.Forbidden {
		if err := s.forbid(f); err != nil {
			return nil, err
		}
	}
	next := r
	for next != nil {
		if err := s.propagate(next); err != nil {
			return nil, err
		}
		if next, err = s.decide(); err != nil {
			return nil, err
		}
	}
	return s.solution(), nil
}

// pkg is what the search knows about a package.
type pkg struct {
	name      Name
	base      *pkg // of an extra: its package
	n         int
	full      Set
	rank      int
	firm      bool
	order     int // when it was first heard of
	conflicts int
	clashes   int
	early     bool // it is decided before others
	late      bool // it is decided after others

	// The state: selected in allowed (positive), or not selected outside of it.
	positive bool
	allowed  Set
	count    int // of allowed
	decided  int // version, or -1
	banned   Set // by exclusions
	history  []assignment

	incompats []*Incompatibility         // that speak of it
	needs     []*Incompatibility         // dependencies on it
	deps      map[int][]*Incompatibility // by version: its own dependencies
	merged    map[mergeKey][]*Incompatibility
}

type mergeKey struct {
	extra, target *pkg
	label         any
}

// assignment is a step of the search, with the package's state after it.
type assignment struct {
	index    int // on the trail
	level    int
	term     Term
	cause    *Incompatibility // nil for a decision
	positive bool
	allowed  Set
}

type search struct {
	ctx       context.Context
	provider  Provider
	options   Options
	packages  []*pkg
	byName    map[Name]*pkg
	trail     []*pkg
	level     int
	conflicts int
	quiet     []*Incompatibility // marked as contradicted, oldest first
}

func (s *search) newPkg(n Name, u Universe) *pkg {
	p := &pkg{name: n, n: u.N, full: FullSet(u.N), rank: u.Rank, firm: u.Firm, order: len(s.packages), decided: -1,
		deps: map[int][]*Incompatibility{}, merged: map[mergeKey][]*Incompatibility{}}
	p.allowed, p.count, p.banned = p.full, u.N, NewSet(u.N)
	s.packages = append(s.packages, p)
	s.byName[n] = p
	for _, e := range u.Exclusions {
		s.exclude(p, e)
	}
	return p
}

// lookup returns the package of that name, asking the provider the first time.
func (s *search) lookup(n Name) (*pkg, error) {
	if p := s.byName[n]; p != nil {
		return p, nil
	}
	if n.Extra == "" {
		u, err := s.provider.Versions(s.ctx, n.Package)
		if err != nil {
			return nil, err
		}
		return s.newPkg(n, u), nil
	}
	base, err := s.lookup(Name{Package: n.Package})
	if err != nil {
		return nil, err
	}
	p := s.newPkg(n, Universe{N: 1, Rank: base.rank})
	p.base = base
	s.add(&Incompatibility{Terms: []Term{
		{Name: n, Positive: true, Set: p.full, pkg: p},
		{Name: base.name, Set: base.full, pkg: base}}})
	return p, nil
}

func (s *search) add(i *Incompatibility) {
	i.contradicted = -1
	for _, t := range i.Terms {
		t.pkg.incompats = append(t.pkg.incompats, i)
	}
}

// forbid rules out one combination of versions.
func (s *search) forbid(versions map[string]int) error {
	i := &Incompatibility{}
	names := make([]string, 0, len(versions))
	for n := range versions {
		names = append(names, n)
	}
	sort.Strings(names) // for the order in which packages are first heard of
	for _, n := range names {
		p, err := s.lookup(Name{Package: n})
		if err != nil {
			return err
		}
		i.Terms = append(i.Terms, Term{Name: p.name, Positive: true, Set: SetOf(p.n, versions[n]), pkg: p})
	}
	s.add(i)
	return nil
}

func (s *search) exclude(p *pkg, e Exclusion) {
	p.banned = p.banned.Or(e.Set)
	s.add(&Incompatibility{Terms: []Term{{Name: p.name, Positive: true, Set: e.Set, pkg: p}}, Cause: e.Cause})
}

// derive notes that t is true because of cause.
func (s *search) derive(t Term, cause *Incompatibility) {
	p := t.pkg
	if t.Positive {
		p.positive, p.allowed = true, p.allowed.And(t.Set)
	} else {
		p.allowed = p.allowed.AndNot(t.Set)
	}
	p.count = p.allowed.Count()
	p.history = append(p.history, assignment{index: len(s.trail), level: s.level, term: t, cause: cause,
		positive: p.positive, allowed: p.allowed})
	s.trail = append(s.trail, p)
}

// backtrack forgets everything that was found out after a level.
func (s *search) backtrack(level int) {
	for len(s.trail) > 0 {
		p := s.trail[len(s.trail)-1]
		last := p.history[len(p.history)-1]
		if last.level <= level {
			break
		}
		s.trail = s.trail[:len(s.trail)-1]
		p.history = p.history[:len(p.history)-1]
		if last.cause == nil {
			p.decided = -1
		}
		p.positive, p.allowed = false, p.full
		if k := len(p.history); k > 0 {
			p.positive, p.allowed = p.history[k-1].positive, p.history[k-1].allowed
		}
		p.count = p.allowed.Count()
	}
	for len(s.quiet) > 0 {
		i := s.quiet[len(s.quiet)-1]
		if i.contradicted >= 0 && i.contradicted <= level {
			break
		}
		i.contradicted = -1
		s.quiet = s.quiet[:len(s.quiet)-1]
	}
	s.level = level
}

func (s *search) solution() *Solution {
	sol := &Solution{Versions: map[string]int{}, Extras: map[string][]string{}, Needs: map[string][]any{}, Conflicts: s.conflicts}
	for _, p := range s.packages {
		switch {
		case p.decided < 0 || p.name == Root:
		case p.base != nil:
			sol.Extras[p.name.Package] = append(sol.Extras[p.name.Package], p.name.Extra)
			sort.Strings(sol.Extras[p.name.Package])
		default:
			sol.Versions[p.name.Package] = p.decided
			sol.Needs[p.name.Package] = s.needs(p)
		}
	}
	return sol
}
