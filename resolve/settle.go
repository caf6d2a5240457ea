package resolve

import (
	"errors"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Bounds of settling. What is not found within them is not found on any
// machine: the answer must not depend on how fast it is.
const (
	maxTrial = 3000 // conflicts of one search for a solution that moves less
	maxRaise = 16   // searches for a newer version of one package of Request.Upgrade
)

// settle makes the answer one that moves no locked pin without need. The search
// prefers what is locked, but package by package: what it decides first may
// drive another from its place although a solution with both exists.
//
// First each package of Request.Upgrade is raised as far as any solution goes.
// Then, with those where they are: is there a solution that moves nothing else?
// If not, each pin that moved is put back in turn, the user's own first, where
// a solution has it together with all that stay.
func (v *view) settle(p *provider, sol *solver.Solution) (*provider, *solver.Solution, error) {
	if len(v.locked) == 0 {
		return p, sol, nil
	}
	t := &settling{view: v, p: p, sol: sol, at: map[string]int{}}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(v.req.Upgrade))) {
		if _, stays := v.locked[name]; stays {
			continue // it moves on other targets
		}
		if err := t.raise(name); err != nil {
			return nil, nil, err
		}
	}
	err := t.putBack()
	return t.p, t.sol, err
}

// settling is the best answer so far.
type settling struct {
	*view
	p   *provider
	sol *solver.Solution
	at  map[string]int // versions of upgraded packages, which later trials keep
}

// try searches with more asked for than the request does, and keeps what it
// finds.
func (t *settling) try(ask func(*provider)) (found bool, err error) {
	q := newProvider(t.view, t.p.roots, nil)
	q.constraints = t.p.constraints
	q.aim.only = map[string]int{}
	for name, i := range t.at {
		q.aim.only[name] = i
	}
	ask(q)
	sol, err := q.run(solver.Options{MaxConflicts: maxTrial})
	if errors.As(err, new(*solver.NoSolution)) || errors.As(err, new(*solver.LimitError)) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.p, t.sol = q, sol
	return true, nil
}

// raise moves a package to the newest version (the oldest, for one of
// Request.Nearest) that any solution has.
func (t *settling) raise(name string) error {
	for range maxRaise {
		i, there := t.sol.Versions[name]
		if !there || !t.higher(name, i) {
			break
		}
		found, err := t.try(func(q *provider) {
			q.aim.admit = func(pv *projectView, k int) bool { return pv.name != name || q.better(name, k, i) }
		})
		if err != nil {
			return err
		}
		if !found {
			break
		}
	}
	if i, there := t.sol.Versions[name]; there {
		t.at[name] = i
	}
	return nil
}

func (p *provider) better(name string, k, than int) bool {
	if p.lowest(name) {
		return k < than
	}
	return k > than
}

// higher reports whether a better version is worth a search: one that the
// target can use and the request itself allows.
func (t *settling) higher(name string, i int) bool {
	proj, err := t.project(name)
	if err != nil {
		return false
	}
	pv := t.of(proj)
	allowed := solver.FullSet(len(pv.releases))
	for _, n := range slices.Concat(t.p.roots, t.p.constraints[name]) {
		if n.name == name {
			allowed = allowed.And(proj.set(n.spec))
		}
	}
	for k := allowed.Newest(); k >= 0; k = allowed.Below(k) {
		if t.p.better(name, k, i) && t.plain(pv, k) && (!pv.releases[k].pre || pv.releases[i].pre) {
			return true
		}
	}
	return false
}

// putBack undoes moves that are not needed.
func (t *settling) putBack() error {
	moved, err := t.moved()
	if err != nil || len(moved) == 0 {
		return err
	}
	found, err := t.try(func(q *provider) { q.hold = func(string) bool { return true } })
	if err != nil || found {
		return err
	}
	for _, name := range moved {
		stay := map[string]bool{name: true}
		for n := range t.sol.Versions {
			if i, err := t.lockedAt(n); err != nil {
				return err
			} else if i >= 0 && i == t.sol.Versions[n] {
				stay[n] = true
			}
		}
		if _, err := t.try(func(q *provider) { q.hold = func(n string) bool { return stay[n] } }); err != nil {
			return err
		}
	}
	return nil
}

// moved lists the packages that are not where they were locked, those that the
// user asks for first.
func (t *settling) moved() ([]string, error) {
	var direct, others []string
	for name, i := range t.sol.Versions {
		k, err := t.lockedAt(name)
		switch {
		case err != nil:
			return nil, err
		case k < 0 || k == i:
		case t.p.direct[name]:
			direct = append(direct, name)
		default:
			others = append(others, name)
		}
	}
	slices.Sort(direct)
	slices.Sort(others)
	return append(direct, others...), nil
}

// lockedAt is the locked version of a package, -1 where none is locked or it
// can no longer be used.
func (t *settling) lockedAt(name string) (int, error) {
	if _, ok := t.locked[name]; !ok {
		return -1, nil
	}
	proj, err := t.project(name)
	if err != nil {
		return -1, err
	}
	return t.keepable(t.of(proj)), nil
}

// keepable is the locked version where nothing but other requirements speaks
// against it, else -1.
func (v *view) keepable(pv *projectView) int {
	if i := v.lockedIndex(pv); i >= 0 && v.plain(pv, i) {
		return i
	}
	return -1
}
