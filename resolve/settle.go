package resolve

import (
	"errors"
	"maps"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Bounds of settling. What is not found within them is not found on any
// machine: the answer must not depend on how fast it is.
const (
	maxTrial = 3000 // conflicts of one search for a solution that moves less
	maxRaise = 16   // searches for a newer version of one package of Request.Upgrade
)

// settle solves for a target that has locked versions (see the package comment).
// The search prefers what is locked, but package by package: what it decides
// first may drive another from its place although a solution with both exists.
// So it is asked for less and less:
//
//  1. that everything stays, but for what the request itself no longer allows
//     where it is locked;
//  2. that nothing goes back; then each pin that moved is put back in turn, the
//     user's own first, where a solution has it together with all that stay;
//  3. that nothing is older than in the answer without any lock. Without that
//     bound some package of long ago, which did not yet need this or that, would
//     be the answer that moves least. From there each pin that went back, and
//     then each that moved, is brought home in turn where a solution has it, all
//     that stay, and nothing else further back.
//
// Before that each package of Request.Upgrade is raised as far as any solution
// goes, and stays there.
func (v *view) settle(p *provider) (*provider, *solver.Solution, error) {
	t := &settling{view: v, p: p, at: map[string]int{}, homes: map[string]home{}, lost: map[string]bool{}}
	if len(v.locked) == 0 {
		err := t.must(p)
		return t.p, t.sol, err
	}
	for _, step := range []func() (bool, error){t.raiseAll, t.keep, t.forward, t.back} {
		if done, err := step(); err != nil || done {
			return t.p, t.sol, err
		}
	}
	return t.p, t.sol, nil
}

// settling is the best answer so far.
type settling struct {
	*view
	p     *provider
	sol   *solver.Solution
	at    map[string]int // versions of upgraded packages, which later trials keep
	homes map[string]home
	lost  map[string]bool // went back, and no solution has them as new as locked
}

// limits bound what a search may take of locked packages.
type limits struct {
	home  func(name string) (home, bool, error)
	stay  func(name string) bool        // these stay at home if they can; nil: none
	floor func(name string, h home) int // of the others, the oldest that may be taken
}

// outside is what the limits forbid of a package.
func (l *limits) outside(pv *projectView) (solver.Set, error) {
	n := len(pv.releases)
	h, locked, err := l.home(pv.name)
	switch {
	case err != nil || !locked:
		return solver.NewSet(n), err
	case h.at >= 0 && l.stay != nil && l.stay(pv.name):
		return solver.FullSet(n).AndNot(solver.SetOf(n, h.at)), nil
	}
	out := solver.NewSet(n)
	for i := range min(n, l.floor(pv.name, h)) {
		out.Add(i)
	}
	return out, nil
}

// asking is a provider for one more search.
func (t *settling) asking() *provider {
	q := newProvider(t.view, t.p.roots, nil)
	q.constraints, q.bursts = t.p.constraints, t.p.bursts
	q.aim.only = maps.Clone(t.at)
	return q
}

// must searches without a bound.
func (t *settling) must(q *provider) error {
	sol, err := q.run(solver.Options{})
	if err == nil {
		t.p, t.sol = q, sol
	}
	return err
}

// try searches, and keeps what it finds.
func (t *settling) try(q *provider) (found bool, err error) {
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

// within is try for a solution within limits.
func (t *settling) within(stay func(string) bool, floor func(string, home) int) (bool, error) {
	q := t.asking()
	q.limits = &limits{t.home, stay, floor}
	return t.try(q)
}

// locked is the floor of what must not go back.
func locked(_ string, h home) int { return h.floor }

// keep looks for a solution in which nothing moves.
func (t *settling) keep() (done bool, err error) {
	found, err := t.within(func(string) bool { return true }, func(string, home) int { return 0 })
	if err != nil || !found {
		return false, err
	}
	return true, t.wouldRather()
}

// forward looks for a solution in which nothing goes back.
func (t *settling) forward() (done bool, err error) {
	if found, err := t.within(nil, locked); err != nil || !found {
		return false, err
	}
	return true, t.putBack()
}

// back takes what can be had.
func (t *settling) back() (done bool, err error) {
	q := t.asking()
	q.fresh = true
	err = t.must(q)
	if errors.As(err, new(*solver.NoSolution)) {
		t.p = t.asking() // a lock may hold what would not be taken anew, such as a pre-release
		err = t.must(t.p)
	}
	if err != nil {
		return false, err
	}
	fresh := t.sol.Versions
	if _, err := t.within(nil, func(name string, h home) int {
		if i, ok := fresh[name]; ok && (h.floor == 0 || i < h.floor) {
			return i
		}
		return h.floor
	}); err != nil {
		return false, err
	}
	older, err := t.list(func(i int, h home) bool { return i < h.floor })
	if err != nil {
		return false, err
	}
	for _, name := range older {
		now := t.sol.Versions
		found, err := t.within(nil, func(n string, h home) int {
			if n == name {
				return h.floor
			}
			return notBelow(now, n, h)
		})
		if err != nil {
			return false, err
		}
		t.lost[name] = !found
	}
	return true, t.putBack()
}

// notBelow is the floor of what went back: where it is now.
func notBelow(now map[string]int, name string, h home) int {
	if i, ok := now[name]; ok && (h.floor == 0 || i < h.floor) {
		return i
	}
	return h.floor
}

// putBack undoes moves that are not needed.
func (t *settling) putBack() error {
	moved, err := t.list(func(i int, h home) bool { return h.at >= 0 && i != h.at })
	if err != nil {
		return err
	}
	for _, name := range moved {
		if t.lost[name] {
			continue
		}
		now, stay := t.sol.Versions, map[string]bool{name: true}
		for n, i := range now {
			h, locked, err := t.home(n)
			if err != nil {
				return err
			}
			stay[n] = stay[n] || locked && h.at == i
		}
		_, err := t.within(func(n string) bool { return stay[n] },
			func(n string, h home) int { return notBelow(now, n, h) })
		if err != nil {
			return err
		}
	}
	return nil
}

// list gives the locked packages of the answer that are in some state, those
// that the user asks for first.
func (t *settling) list(is func(i int, h home) bool) ([]string, error) {
	var direct, others []string
	for name, i := range t.sol.Versions {
		h, locked, err := t.home(name)
		switch {
		case err != nil:
			return nil, err
		case !locked || !is(i, h):
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
