package recipe

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// before finds the recipe by which another version of a package was built in the
// lock before: what was found out for it by trying holds for the next one, mostly.
// The lock is the only memory.
func (m *merger) before(p *lock.Package) *lock.Recipe {
	if m.prev == nil {
		return nil
	}
	for i := range m.prev.Packages {
		q := &m.prev.Packages[i]
		if q.Name != p.Name || q.Version == p.Version || q.Group != p.Group {
			continue
		}
		for _, w := range q.Wheels {
			// A row without hash was not built: nothing was found out.
			if r := m.prev.Recipe(w.Recipe); r != nil && !w.Missing() {
				return r
			}
		}
	}
	return nil
}

// remember takes over what a published wheel cannot tell, and the recipe of the
// version before had.
func (inf *inferred) remember(old *lock.Recipe, m *material) {
	if old == nil || m.clues == nil {
		return
	}
	switch {
	case inf.epoch == nil && old.Epoch != nil:
		// Without an epoch its build came out with the hour in it.
		inf.epoch = sourceEpoch(m.times)
		delete(inf.env, "TZ")
	case slices.ContainsFunc(slices.Concat(old.Config["--build-option"], old.Config["--global-option"]), func(v string) bool { return strings.HasPrefix(v, pythonTag) }):
		inf.python = m.clues.python
	}
	// Its env is of the wheel's own times, of the switches, or of a setting: each is
	// asked anew.
	// The same wheel beside the same setuptools: setuptools leaves no trace of its
	// own version before 70.1.
	was := map[string]string{}
	for _, b := range old.BuildRequires {
		was[b.Name] = b.Version
	}
	if m.clues.made != "bdist-wheel" || was["wheel"] != m.clues.version || was["setuptools"] == "" {
		return
	}
	v, err := pep440.Parse(was["setuptools"])
	if err != nil {
		return
	}
	for _, r := range m.sys.Requires {
		if pep508.NormalizeName(r.Name) == "setuptools" && !r.Specifiers.Contains(v, pep440.PreAllow) {
			return
		}
	}
	if allows(inf.pins["setuptools"], v) {
		inf.also("setuptools", "=="+v.String())
	}
}

// allows reports whether a pin lets a version through.
func allows(pin string, v pep440.Version) bool {
	s, err := pep440.ParseSpecifiers(pin)
	return pin == "" || err == nil && s.Contains(v, pep440.PreAllow)
}
