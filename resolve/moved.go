package resolve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Back says that a pin is older than it was locked, which nobody wants.
type Back struct {
	From pep440.Version
	Why  string // "boto3 1.7.84 needs jmespath<1.0.0"; "" if it is no single requirement
}

// Rather is a newer version that somebody who asks for a package might expect,
// and what would have to move for it.
type Rather struct {
	Version pep440.Version
	Moves   []string // "urllib3 from 2.6.3 to 1.26.20", sorted
}

// goneBack fills in Pin.Back. The reason is the one requirement that stands
// against the locked version, if it is one: what that needs of a package that
// did not go back itself; of one that went back for such a reason; what somebody
// needs of it; or what else it needs. So a chain of reasons has an end.
func (v *view) goneBack(p *provider, pins []Pin, needs map[string][]any, who map[*need][]string) error {
	at := map[string]*Pin{}
	for k := range pins {
		pin := &pins[k]
		at[pin.Name] = pin
		if was, err := pep440.Parse(v.locked[pin.Name]); err == nil && pin.Version.Compare(was) < 0 {
			pin.Back = &Back{From: was}
		}
	}
	unmet := map[*Pin][]*need{}
	for k := range pins {
		if pins[k].Back != nil {
			if err := v.unmet(p, &pins[k], at, unmet); err != nil {
				return err
			}
		}
	}
	explain := func(tell func(pin *Pin) string) (some bool) {
		for k := range pins {
			if pin := &pins[k]; pin.Back != nil && pin.Back.Why == "" {
				pin.Back.Why = tell(pin)
				some = some || pin.Back.Why != ""
			}
		}
		return some
	}
	owing := func(is func(other *Pin) bool) func(*Pin) string {
		return func(pin *Pin) string {
			for _, n := range unmet[pin] {
				if other := at[n.name]; is(other) {
					return fmt.Sprintf("%s %s needs %s, and that is %s now", pin.Name, pin.Back.From, n.wants(), other.Version)
				}
			}
			return ""
		}
	}
	explain(owing(func(other *Pin) bool { return other.Back == nil }))
	for explain(owing(func(other *Pin) bool { return other.Back != nil && other.Back.Why != "" })) {
	}
	explain(func(pin *Pin) string {
		proj, err := v.project(pin.Name)
		if err != nil {
			return ""
		}
		pv := v.of(proj)
		if by := p.against(pv, v.lockedIndex(pv), needs[pin.Name], who); len(by) > 0 {
			return by[0]
		}
		return ""
	})
	explain(owing(func(*Pin) bool { return true }))
	return nil
}

// unmet finds what the locked version of a pin needs and has no more, or says
// why that version cannot be used at all.
func (v *view) unmet(p *provider, pin *Pin, at map[string]*Pin, unmet map[*Pin][]*need) error {
	proj, err := v.project(pin.Name)
	if err != nil {
		return err
	}
	pv := v.of(proj)
	i := v.lockedIndex(pv)
	if i < 0 {
		pin.Back.Why = "it is no longer on the index"
		return nil
	}
	if !v.candidate(pv, i).usable() {
		pin.Back.Why, _ = v.nearest(pv, i)
		return nil
	}
	f, refused, err := v.readFacts(pv, i)
	if err != nil || refused != "" {
		pin.Back.Why = refused
		return err
	}
	for _, e := range append([]string{""}, pin.Extras...) {
		for _, n := range p.overridden(v.needsOf(f, e)) {
			if other, ok := at[n.name]; ok && !n.spec.Contains(other.Version, pep440.PreAllow) {
				unmet[pin] = append(unmet[pin], n)
			}
		}
	}
	return nil
}

// maxRather bounds the packages for which a newer version is sought.
const maxRather = 4

// wouldRather finds what the packages that are asked for, and not locked yet,
// could be if what is locked made room: nothing moves for them, but whoever
// asks for one expects the newest.
func (t *settling) wouldRather() error {
	if len(t.req.Upgrade) > 0 {
		return nil
	}
	p, sol := t.p, t.sol
	defer func() { t.p, t.sol = p, sol }()
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(sol.Versions)) {
		_, known := t.locked[name]
		if known || !p.direct[name] || tried == maxRather || !t.higher(name, sol.Versions[name]) {
			continue
		}
		tried++
		q := t.asking()
		q.aim.admit = func(pv *projectView, k int) bool { return pv.name != name || q.better(name, k, sol.Versions[name]) }
		if found, err := t.try(q); err != nil {
			return err
		} else if !found {
			continue
		}
		r, err := t.compare(name)
		if err != nil {
			return err
		}
		if len(r.Moves) > 0 {
			p.rather[name] = &r
		}
	}
	return nil
}

// compare says what moved in the answer with another version of a package.
func (t *settling) compare(name string) (r Rather, err error) {
	for n, i := range t.sol.Versions {
		proj, err := t.project(n)
		if err != nil {
			return r, err
		}
		if n == name {
			r.Version = proj.releases[i].version
		} else if was, ok := t.locked[n]; ok && t.lockedIndex(t.of(proj)) != i {
			r.Moves = append(r.Moves, fmt.Sprintf("%s from %s to %s", n, was, proj.releases[i].text))
		}
	}
	slices.Sort(r.Moves)
	return r, nil
}
