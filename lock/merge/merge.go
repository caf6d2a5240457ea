package merge

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
)

// Stale is the requires-digest of a lock that must be resolved again. It is no
// digest of any inputs.
const Stale = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Conflict is what cannot be merged: a package, or a part of the lock's head.
type Conflict struct {
	Name string // of a package, "targets" or "conflicts" of the head
	Why  string // "1.16.0 and 1.17.0 on bookworm"
}

func (c Conflict) String() string { return c.Name + ": " + c.Why }

// Result is the outcome of a merge.
type Result struct {
	Lock      *lock.Lock // nil: there are conflicts
	Text      []byte     // canonical, or with conflict markers
	Conflicts []Conflict // sorted by name; empty: it is clean
	Stale     bool       // `wheellock lock` has to resolve it again
}

// Merge merges the changes that ours and theirs made to base; a nil base is an
// empty lock. All three are locks that Check has passed. It is symmetric but for
// the order of the sides in the text of a conflict.
func Merge(base, ours, theirs *lock.Lock) *Result {
	if base == nil {
		base = &lock.Lock{}
	}
	a, b, c := ours.Format(), base.Format(), theirs.Format()
	switch {
	case bytes.Equal(a, c), bytes.Equal(b, c):
		return &Result{Lock: ours, Text: a, Stale: ours.RequiresDigest == Stale}
	case bytes.Equal(a, b):
		return &Result{Lock: theirs, Text: c, Stale: theirs.RequiresDigest == Stale}
	}
	m := &merger{base: newSide(base), ours: newSide(ours), theirs: newSide(theirs), why: map[string]string{}}
	m.head()
	for _, name := range m.names() {
		m.name(name)
	}
	m.builds()
	m.out.Sort()
	return m.result()
}

type merger struct {
	base, ours, theirs *side
	out                lock.Lock
	why                map[string]string // conflicts by name; those of the head begin with "#"
}

const headTargets, headConflicts = "#targets", "#conflicts"

func (m *merger) conflict(name, format string, args ...any) {
	if m.why[name] == "" {
		m.why[name] = fmt.Sprintf(format, args...)
	}
}

// head merges all that is not a package.
func (m *merger) head() {
	b, o, t := m.base.lock, m.ours.lock, m.theirs.lock
	m.out.Version, m.out.CreatedBy = o.Version, o.CreatedBy
	m.out.RequiresDigest, _ = three(b.RequiresDigest, o.RequiresDigest, t.RequiresDigest)
	if m.moved(m.ours) && m.moved(m.theirs) && !m.agree() {
		m.out.RequiresDigest = Stale
	}
	m.out.ExcludeNewer = cutoff(b.ExcludeNewer, o.ExcludeNewer, t.ExcludeNewer)
	var ok bool
	if m.out.Conflicts, ok = three(b.Conflicts, o.Conflicts, t.Conflicts); !ok {
		m.conflict(headConflicts, "the conflicting groups changed on both sides")
	}
	m.targets()
}

func (m *merger) targets() {
	for _, name := range allOf(m, func(s *side) []string { return targetNames(s.lock) }) {
		b, o, t := m.base.lock.Target(name), m.ours.lock.Target(name), m.theirs.lock.Target(name)
		x, ok := three(b, o, t)
		if !ok {
			m.conflict(headTargets, "target %s changed on both sides", name)
			x = cmp.Or(o, t)
		}
		if x != nil {
			m.out.Targets = append(m.out.Targets, *x)
		}
	}
	if len(m.out.Targets) == 0 {
		m.conflict(headTargets, "each side removed the targets that the other kept")
		m.out.Targets = slices.Clone(m.ours.lock.Targets)
	}
}

func targetNames(l *lock.Lock) []string {
	var names []string
	for _, t := range l.Targets {
		names = append(names, t.Name)
	}
	return names
}

// moved reports whether a side asks for, or pins, something else than the base.
func (m *merger) moved(s *side) bool {
	return s.lock.RequiresDigest != m.base.lock.RequiresDigest || !equal(s.pins, m.base.pins) || !equal(s.lock.Targets, m.base.lock.Targets)
}

func (m *merger) agree() bool {
	return m.ours.lock.RequiresDigest == m.theirs.lock.RequiresDigest && equal(m.ours.pins, m.theirs.pins) &&
		equal(m.ours.lock.Targets, m.theirs.lock.Targets)
}

// cutoff takes the later of two: a file that one side locked must not lie behind
// it.
func cutoff(base, ours, theirs *time.Time) *time.Time {
	x, ok := three(base, ours, theirs)
	if !ok && ours != nil && theirs != nil && theirs.After(*ours) {
		return theirs
	}
	if !ok && ours == nil {
		return theirs
	}
	return x
}

// allOf joins what the three sides have, sorted.
func allOf(m *merger, of func(*side) []string) []string {
	list := slices.Concat(of(m.base), of(m.ours), of(m.theirs))
	slices.Sort(list)
	return slices.Compact(list)
}

func (m *merger) names() []string {
	return allOf(m, func(s *side) []string {
		var names []string
		for k := range s.blocks {
			if k.group != lock.GroupBuild {
				names = append(names, k.name)
			}
		}
		return names
	})
}

// name merges the pins of a name, then the blocks of the versions that are left.
func (m *merger) name(name string) {
	in := map[string]map[string][]string{} // version -> target -> variants
	var on []string                        // targets in conflict
	var what string
	for _, t := range m.out.Targets {
		for _, v := range m.out.Variants() {
			at := cell{t.Name, v.Name, name}
			version, ok := three(m.base.pins[at], m.ours.pins[at], m.theirs.pins[at])
			if !ok {
				what = cmp.Or(what, fmt.Sprintf("%s and %s on ", orRemoved(m.ours.pins[at]), orRemoved(m.theirs.pins[at])))
				on = append(on, t.Name)
			}
			if version == "" {
				continue
			}
			if in[version] == nil {
				in[version] = map[string][]string{}
			}
			in[version][t.Name] = append(in[version][t.Name], v.Name)
		}
	}
	if len(on) > 0 {
		m.conflict(name, "%s%s", what, strings.Join(slices.Compact(on), ", "))
	}
	for _, version := range keys(in) {
		targets := keys(in[version])
		b, why := m.block(id{name, version, ""}, targets)
		if why != "" {
			m.conflict(name, "%s: %s", version, why)
		}
		if m.why[name] != "" {
			continue
		}
		p := b.assemble(targets)
		m.out.SetVariants(&p, in[version])
		m.out.Packages = append(m.out.Packages, p)
	}
	if m.why[name] != "" {
		m.out.Packages = slices.DeleteFunc(m.out.Packages, func(p lock.Package) bool { return p.Name == name && p.Group == "" })
	}
}

func orRemoved(version string) string { return cmp.Or(version, "removed") }

func (m *merger) result() *Result {
	r := &Result{Stale: m.out.RequiresDigest == Stale}
	for n, why := range m.why {
		r.Conflicts = append(r.Conflicts, Conflict{strings.TrimPrefix(n, "#"), why})
	}
	slices.SortFunc(r.Conflicts, func(a, b Conflict) int { return strings.Compare(a.String(), b.String()) })
	if len(r.Conflicts) > 0 {
		r.Text = m.marked()
		return r
	}
	if err := m.out.Check(); err != nil {
		// No rule above made this; a lock that breaks the rules is not written.
		r.Conflicts = []Conflict{{"wheels.lock", err.Error()}}
		r.Text = Whole(m.ours.lock.Format(), m.theirs.lock.Format())
		return r
	}
	r.Lock, r.Text = &m.out, m.out.Format()
	return r
}
