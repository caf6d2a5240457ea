package resolve

import "github.com/freedomofpress/wheellock/resolve/solver"

// aim is what a search for one target is to come to, beyond what is required.
// The zero value asks for nothing.
type aim struct {
	only   map[string]int                    // the one version of a package that may be taken
	prefer map[string][]int                  // versions tried before the newest, in this order
	admit  func(pv *projectView, i int) bool // nil: every version may be taken
}

func (a *aim) admits(pv *projectView, i int) bool {
	if v, ok := a.only[pv.name]; ok && v != i {
		return false
	}
	return a.admit == nil || a.admit(pv, i)
}

// aimed is the first of the preferred versions that can be taken without asking
// for leave (as a pre-release or a yanked release would); -1 if none can.
func (p *provider) aimed(pv *projectView, perm permission, allowed solver.Set) (int, error) {
	for _, i := range p.aim.prefer[pv.name] {
		if !allowed.Has(i) || !p.aim.admits(pv, i) || !p.plain(pv, i) {
			continue
		}
		if class, _ := p.class(pv, perm, i); class > 0 {
			continue
		}
		ok, err := p.believable(pv, i, allowed)
		if err != nil {
			return -1, err
		}
		if !ok {
			continue
		}
		// A preference is no reason to rest on what nobody can read.
		if f, _, err := p.readFacts(pv, i); err != nil || !f.unknown {
			return i, err
		}
	}
	return -1, nil
}

// plain reports whether a version can be used without any "but".
func (v *view) plain(pv *projectView, i int) bool {
	c := v.candidate(pv, i)
	return c.usable() && !c.yanked
}
