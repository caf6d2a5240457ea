package resolve

import (
	"context"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// provider answers the solver's questions about one target.
type provider struct {
	*view
	direct      map[string]bool
	constraints map[string][]*need // that hold on the target
	roots       []*need            // that hold on the target
	lenient     bool               // take what is not permitted rather than nothing
	forbade     bool               // something was ruled out only for not being permitted
	refused     map[string]map[int]string
	tries       map[string]int
	ahead       map[string]int
	bursts      map[string]solver.Set // what was asked for ahead, by searches that share this
	rather      map[string]*Rather    // see wouldRather
	aim         aim
	limits      *limits // of locked packages; nil: none
	fresh       bool    // as if nothing were locked
}

// kind says what is wrong with versions that could be used but must not be.
type kind int

const (
	unusable kind = iota // no file fits, or it cannot be believed
	preRelease
	yanked
)

// ruledOut is the cause of an exclusion.
type ruledOut struct {
	project *projectView
	kind    kind
}

func newProvider(v *view, roots, constraints []*need) *provider {
	p := &provider{view: v, direct: map[string]bool{}, constraints: map[string][]*need{},
		refused: map[string]map[int]string{}, tries: map[string]int{}, ahead: map[string]int{},
		bursts: map[string]solver.Set{}, rather: map[string]*Rather{}}
	for _, n := range roots {
		p.roots = append(p.roots, n)
		p.direct[n.name] = true
	}
	for _, n := range constraints {
		p.constraints[n.name] = append(p.constraints[n.name], n)
	}
	return p
}

// Versions implements solver.Provider.
func (p *provider) Versions(_ context.Context, name string) (solver.Universe, error) {
	proj, err := p.project(name)
	if err != nil {
		return solver.Universe{}, err
	}
	u := solver.Universe{N: len(proj.releases), Rank: p.rank(proj)}
	u.Firm = u.Rank == 0
	if slices.Contains(p.req.Upgrade, name) {
		u.Rank = -1 // what is to move goes first; the others make room
	}
	for _, c := range p.constraints[name] {
		if out := solver.FullSet(u.N).AndNot(proj.setOf(c)); !out.IsEmpty() {
			u.Exclusions = append(u.Exclusions, solver.Exclusion{Set: out, Cause: c})
		}
	}
	if i, ok := p.aim.only[name]; ok {
		u.Exclusions = append(u.Exclusions, solver.Exclusion{Set: solver.FullSet(u.N).AndNot(solver.SetOf(u.N, i)), Cause: &p.aim})
	}
	if p.limits != nil {
		out, err := p.limits.outside(p.of(proj))
		if err != nil {
			return u, err
		}
		if !out.IsEmpty() {
			u.Exclusions = append(u.Exclusions, solver.Exclusion{Set: out, Cause: &p.aim})
		}
	}
	return u, nil
}

// rank says how early a package is decided. Whoever bounds a requirement means
// that version to be had: it goes before those that may be anything, or their
// newest would take it further back than its bound does.
func (p *provider) rank(proj *project) int {
	if !p.direct[proj.name] {
		return 2
	}
	for _, n := range p.roots {
		if n.name == proj.name && len(proj.releases) > 0 && !proj.setOf(n).Has(len(proj.releases)-1) {
			return 0
		}
	}
	return 1
}

// permission is what the needs in force on a package permit (see the package comment).
type permission struct {
	joint        solver.Set // what all of them admit
	pre, yanked  bool
	preferNotPre bool // take a pre-release only after every final release
}

// permit works out what labels, which are all needs, permit.
func (p *provider) permit(pv *projectView, labels []any) permission {
	perm := permission{joint: solver.FullSet(len(pv.releases))}
	namesPre, pinned := false, false
	take := func(n *need) {
		perm.joint = perm.joint.And(pv.setOf(n))
		namesPre = namesPre || n.namesPre
		pinned = pinned || n.pinned
	}
	for _, l := range labels {
		take(l.(*need))
	}
	for _, c := range p.constraints[pv.name] {
		take(c)
	}
	perm.pre = p.req.Prereleases || namesPre
	perm.preferNotPre = p.req.PreferFinal && !p.req.Prereleases
	if !perm.pre || pinned {
		finals, sound := false, false
		for i := perm.joint.Newest(); i >= 0; i = perm.joint.Below(i) {
			c := p.candidate(pv, i)
			if !c.usable() {
				continue
			}
			if !pv.releases[i].pre {
				finals = true
			}
			if !c.yanked {
				sound = true
			}
			if finals && sound {
				break
			}
		}
		perm.pre = perm.pre || !finals
		perm.yanked = pinned && !sound
	}
	return perm
}

// class of a version: the lowest is taken first.
func (p *provider) class(pv *projectView, perm permission, i int) (class int, why kind) {
	pre, c := pv.releases[i].pre, p.candidate(pv, i)
	switch {
	case c.yanked && !perm.yanked:
		return 3, yanked
	case pre && !perm.pre:
		return 2, preRelease
	case pre && perm.preferNotPre:
		return 1, preRelease
	}
	return 0, unusable
}

// Choose implements solver.Provider.
func (p *provider) Choose(_ context.Context, name string, allowed solver.Set, labels []any) (solver.Choice, error) {
	proj, err := p.project(name)
	if err != nil {
		return solver.Choice{}, err
	}
	pv := p.of(proj)
	perm := p.permit(pv, labels)
	n := len(pv.releases)
	out := [3]solver.Set{solver.NewSet(n), solver.NewSet(n), solver.NewSet(n)}
	if i := p.preferred(pv); i >= 0 && allowed.Has(i) && p.aim.admits(pv, i) {
		if c := p.candidate(pv, i); c.usable() && !c.yanked {
			if ok, err := p.believable(pv, i, allowed); err != nil || ok {
				return solver.Choice{Version: i}, err
			}
		}
	}
	if i, err := p.aimed(pv, perm, allowed); err != nil || i >= 0 {
		return solver.Choice{Version: i}, err
	}
	most := 1
	if p.lenient {
		most = 3
	}
	for class := 0; class <= most; class++ {
		for i := p.first(name, allowed); i >= 0; i = p.after(name, allowed, i) {
			if !p.aim.admits(pv, i) || !p.candidate(pv, i).usable() {
				out[unusable].Add(i)
				continue
			}
			if k, _ := p.class(pv, perm, i); k != class {
				continue
			}
			ok, err := p.believable(pv, i, allowed)
			if err != nil || ok {
				return solver.Choice{Version: i}, err
			}
			out[unusable].Add(i)
		}
	}
	c := solver.Choice{Version: -1}
	for i := allowed.Newest(); i >= 0; i = allowed.Below(i) {
		if k, why := p.class(pv, perm, i); k > most && !out[unusable].Has(i) {
			out[why].Add(i)
		}
	}
	for k, set := range out {
		if !set.IsEmpty() {
			if kind(k) != unusable {
				p.forbade, c.Later = true, true
			}
			c.Exclusions = append(c.Exclusions, solver.Exclusion{Set: set, Cause: &ruledOut{pv, kind(k)}})
		}
	}
	return c, nil
}

func (p *provider) lowest(name string) bool {
	return slices.Contains(p.req.Nearest, name) || p.req.Strategy == Lowest || p.req.Strategy == LowestDirect && p.direct[name]
}

func (p *provider) first(name string, s solver.Set) int {
	if p.lowest(name) {
		return s.Oldest()
	}
	return s.Newest()
}

func (p *provider) after(name string, s solver.Set, i int) int {
	if p.lowest(name) {
		return s.Above(i)
	}
	return s.Below(i)
}

// preferred is the locked version that comes before all others.
func (p *provider) preferred(pv *projectView) int {
	if p.fresh {
		return -1
	}
	return p.lockedIndex(pv)
}

func (v *view) lockedIndex(p *projectView) int {
	if text, ok := v.locked[p.name]; ok {
		return p.index(text)
	}
	return -1
}

// index is the place of a version; -1: there is no such release.
func (p *project) index(text string) int {
	version, err := pep440.Parse(text)
	if err != nil {
		return -1
	}
	i, ok := slices.BinarySearchFunc(p.releases, version, func(r *release, v pep440.Version) int { return r.version.Compare(v) })
	if ok {
		return i
	}
	return -1
}

// believable reads what version i says about itself, and reports whether it
// can be selected.
func (p *provider) believable(pv *projectView, i int, allowed solver.Set) (bool, error) {
	p.tries[pv.name]++
	if k := p.tries[pv.name]; k >= 3 && k >= p.ahead[pv.name] && !p.lowest(pv.name) {
		step := min(k, maxBurst)
		p.ahead[pv.name] = k + step/2
		p.burst(pv, allowed, i, step)
	}
	if _, ok := p.refused[pv.name][i]; ok {
		return false, nil
	}
	_, refused, err := p.readFacts(pv, i)
	if err != nil || refused == "" {
		return err == nil, err
	}
	if p.refused[pv.name] == nil {
		p.refused[pv.name] = map[int]string{}
	}
	p.refused[pv.name][i] = refused
	return false, nil
}

// Dependencies implements solver.Provider.
func (p *provider) Dependencies(_ context.Context, name solver.Name, i int) ([]solver.Dependency, error) {
	proj, err := p.project(name.Package)
	if err != nil {
		return nil, err
	}
	f, _, err := p.readFacts(p.of(proj), i)
	if err != nil {
		return nil, err
	}
	return p.dependencies(p.needsOf(f, name.Extra))
}

// dependencies turns needs into what the solver understands.
func (p *provider) dependencies(needs []*need) ([]solver.Dependency, error) {
	needs = p.overridden(needs)
	for _, n := range needs {
		p.follow(n)
	}
	var deps []solver.Dependency
	for _, n := range needs {
		proj, err := p.project(n.name)
		if err != nil {
			return nil, err
		}
		deps = append(deps, solver.Dependency{Name: solver.Name{Package: n.name}, Set: proj.setOf(n), Label: n})
		for _, e := range n.extras {
			deps = append(deps, solver.Dependency{Name: solver.Name{Package: n.name, Extra: e}, Label: n})
		}
	}
	return deps, nil
}
