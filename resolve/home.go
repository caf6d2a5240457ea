package resolve

import (
	"slices"
	"sort"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// raiseAll moves the packages of Request.Upgrade.
func (t *settling) raiseAll() (done bool, err error) {
	if len(t.req.Upgrade) == 0 {
		return false, nil
	}
	if err := t.must(t.p); err != nil {
		return false, err
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(t.req.Upgrade))) {
		if _, stays := t.locked[name]; stays {
			continue // it moves on other targets
		}
		if err := t.raise(name); err != nil {
			return false, err
		}
	}
	return false, nil
}

// raise moves a package to the newest version (the oldest, for one of
// Request.Nearest) that any solution has.
func (t *settling) raise(name string) error {
	for range maxRaise {
		i, there := t.sol.Versions[name]
		if !there || !t.higher(name, i) {
			break
		}
		q := t.asking()
		q.aim.admit = func(pv *projectView, k int) bool { return pv.name != name || q.better(name, k, i) }
		found, err := t.try(q)
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
	allowed := t.p.own(pv)
	for k := allowed.Newest(); k >= 0; k = allowed.Below(k) {
		if t.p.better(name, k, i) && t.plain(pv, k) && (!pv.releases[k].pre || pv.releases[i].pre) {
			return true
		}
	}
	return false
}

// own is what the request itself allows of a package.
func (p *provider) own(pv *projectView) solver.Set {
	set := solver.FullSet(len(pv.releases))
	for _, n := range slices.Concat(p.overridden(p.roots), p.constraints[pv.name]) {
		if n.name == pv.name {
			set = set.And(pv.set(n.spec))
		}
	}
	return set
}

// home is where a package is locked.
type home struct {
	at    int // the version; -1: it can no longer be taken, or the request itself does not allow it
	floor int // the first version that is not older; 0: the request allows none such
}

// home finds where a package is locked.
func (t *settling) home(name string) (h home, locked bool, err error) {
	text, ok := t.locked[name]
	if !ok {
		return h, false, nil
	}
	if h, ok := t.homes[name]; ok {
		return h, true, nil
	}
	proj, err := t.project(name)
	if err != nil {
		return h, true, err
	}
	pv := t.of(proj)
	own := t.p.own(pv)
	if h.at = t.lockedIndex(pv); h.at >= 0 && (!own.Has(h.at) || !t.plain(pv, h.at)) {
		h.at = -1
	}
	if was, err := pep440.Parse(text); err == nil {
		first := sort.Search(len(pv.releases), func(i int) bool { return pv.releases[i].version.Compare(was) >= 0 })
		for k := first; k < len(pv.releases); k++ {
			if own.Has(k) && t.plain(pv, k) && (!pv.releases[k].pre || was.IsPrerelease()) {
				h.floor = first
				break
			}
		}
	}
	t.homes[name] = h
	return h, true, nil
}
