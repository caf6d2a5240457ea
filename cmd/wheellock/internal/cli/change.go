package cli

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/assemble"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// change is what a verb wants to be other than it is locked. The zero value
// keeps everything that may stay.
type change struct {
	all     bool                  // nothing stays because it is locked
	upgrade []string              // these packages move
	on      map[string][]string   // of some of them: the targets on which they do; else on all
	nearest []string              // of the upgrade these move no further than they must
	ask     []resolve.Requirement // bounds of this call
	early   []string              // the cut-off does not bind these
	forward bool                  // what is locked and must move, moves to something newer
	fresh   bool                  // a cooldown is counted from now
	cutoff  string                // of this call, in place of the configuration's exclude-newer
	heirs   map[string]string     // a target that takes over what another one has locked

	hashes map[string]resolve.Allowed // no other files of these packages: an import's
}

// moves reports whether a package may leave its version on a target.
func (c *change) moves(name, target string) bool {
	on, some := c.on[name]
	return c.all || slices.Contains(c.upgrade, name) && (!some || slices.Contains(on, target))
}

// apply puts the change and what is locked into the request. It returns the
// cut-off for the lock, nil for none.
//
// The cut-off of an unchanged project is the one that its lock has: the same
// inputs give the same bytes tomorrow. What is locked already it does not hide,
// or a fix that was taken early would be lost with the next lock. Only an
// instant that lies before the lock's says: nothing newer, whatever is locked.
func (c *change) apply(req *resolve.Request, p *pyproject.Project, l *lock.Lock, now time.Time) (*time.Time, error) {
	at, err := c.instant(p, l, now)
	if err != nil {
		return nil, err
	}
	req.Upgrade, req.Nearest, req.Early = c.upgrade, c.nearest, c.early
	req.Constraints = append(req.Constraints, c.ask...)
	for name, a := range c.hashes {
		if req.Hashes == nil {
			req.Hashes = map[string]resolve.Allowed{}
		}
		req.Hashes[name] = a
	}
	if at != nil {
		req.ExcludeNewer = *at
	}
	if l == nil {
		return at, nil
	}
	if at != nil && !c.back(p, l, *at, now) {
		req.Kept = files(l)
	}
	req.Locked = assemble.RequestLocked(l)
	for heir, old := range c.heirs {
		req.Locked[heir] = req.Locked[old]
		delete(req.Locked, old)
	}
	for t, pins := range req.Locked {
		for name := range pins {
			if c.moves(name, t) {
				delete(pins, name)
			}
		}
	}
	// With other inputs than the lock's something may have to go back.
	if c.forward && l.RequiresDigest == p.RequiresDigest() {
		req.Constraints = append(req.Constraints, floors(req.Locked)...)
	}
	return at, nil
}

// floors are the requirements that keep what is locked from going back: to move
// one package, the search would take any old version of another that did not
// yet need it.
func floors(locked map[string]map[string]string) []resolve.Requirement {
	var list []resolve.Requirement
	for _, t := range slices.Sorted(maps.Keys(locked)) {
		for _, name := range slices.Sorted(maps.Keys(locked[t])) {
			public, _, _ := strings.Cut(locked[t][name], "+")
			if r, err := pep508.Parse(name + ">=" + public); err == nil {
				list = append(list, resolve.Requirement{Requirement: r, Origin: lock.FileName, Targets: []string{t}, Firm: true})
			}
		}
	}
	return list
}

func (c *change) instant(p *pyproject.Project, l *lock.Lock, now time.Time) (*time.Time, error) {
	if c.cutoff == "" && l != nil && !c.fresh && l.RequiresDigest == p.RequiresDigest() {
		return l.ExcludeNewer, nil
	}
	at, has, err := c.config(p).Cutoff(now)
	if err != nil || !has {
		return nil, err
	}
	return &at, nil
}

func (c *change) config(p *pyproject.Project) pyproject.Config {
	cfg := p.Config
	if c.cutoff != "" {
		cfg.ExcludeNewer = c.cutoff
	}
	return cfg
}

// back reports whether an instant, not a cooldown, lies before the lock's.
func (c *change) back(p *pyproject.Project, l *lock.Lock, at, now time.Time) bool {
	later, has, err := c.config(p).Cutoff(now.Add(48 * time.Hour))
	now, _, _ = c.config(p).Cutoff(now)
	if cooldown := err == nil && has && later.After(now); cooldown {
		return false
	}
	return l.ExcludeNewer == nil || at.Before(*l.ExcludeNewer)
}

// files are the names of all published files that a lock names.
func files(l *lock.Lock) map[string]bool {
	names := map[string]bool{}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Sdist != nil {
			names[p.Sdist.Name] = true
		}
		for _, u := range p.Upstream {
			names[u.Name] = true
		}
		for j := range p.Wheels {
			if p.Wheels[j].Origin == lock.OriginUpstream {
				names[p.Wheels[j].Name] = true
			}
		}
	}
	return names
}
