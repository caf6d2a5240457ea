package merge

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// InConflict reports whether a text has conflict markers.
func InConflict(b []byte) bool {
	return strings.HasPrefix(string(b), "<<<<<<<") || strings.Contains(string(b), "\n<<<<<<<")
}

// Read reads a lock with conflict markers, ours or those of git's own merge, as
// far as its two sides agree: to be resolved again, not to be used. What they
// do not agree on is left out: a version, a hash, a recipe. names are the
// packages in conflict, sorted. file is its name in messages; an error is a
// *lock.Error.
func Read(file string, b []byte) (l *lock.Lock, names []string, err error) {
	ours, err := lock.ParseDraft(file, pick(b, true))
	if err != nil {
		return nil, nil, err
	}
	theirs, err := lock.ParseDraft(file, pick(b, false))
	if err != nil {
		return nil, nil, err
	}
	m := &merger{base: newSide(&lock.Lock{}), ours: newSide(ours), theirs: newSide(theirs), why: map[string]string{}}
	out := &lock.Lock{RequiresDigest: Stale, ExcludeNewer: cutoff(nil, ours.ExcludeNewer, theirs.ExcludeNewer)}
	if equal(ours.Conflicts, theirs.Conflicts) {
		out.Conflicts = ours.Conflicts
	}
	for _, name := range allOf(m, func(s *side) []string { return targetNames(s.lock) }) {
		if t, ok := three(nil, ours.Target(name), theirs.Target(name)); ok && t != nil {
			out.Targets = append(out.Targets, *t)
		}
	}
	ids := keysOf(m)
	for _, k := range ids {
		p, agreed := m.agreed(k, out)
		if p != nil {
			out.Packages = append(out.Packages, *p)
		}
		if !agreed && !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	for _, s := range []*side{m.ours, m.theirs} {
		for _, r := range s.lock.Recipes {
			if out.Recipe(r.Digest) == nil {
				out.Recipes = append(out.Recipes, r)
			}
		}
	}
	out.Sort()
	return out, names, nil
}

// agreed gives what the sides agree on for one block, and whether that is all.
func (m *merger) agreed(k id, out *lock.Lock) (*lock.Package, bool) {
	o, t := m.ours.blocks[k], m.theirs.blocks[k]
	s := m.ours
	if o == nil {
		s = m.theirs
	}
	var targets []string
	for _, x := range out.Targets {
		if o != nil && o.p.Covers(x.Name) || t != nil && t.p.Covers(x.Name) {
			targets = append(targets, x.Name)
		}
	}
	if len(targets) == 0 {
		return nil, false
	}
	b, why := m.block(k, targets)
	p := b.assemble(targets)
	if why != "" {
		// The version may be right; none of its files is to be believed.
		p.Sdist, p.Archives, p.VCS, p.Wheels, p.Upstream = nil, nil, nil, nil, nil
	}
	if k.group == "" && equal(m.ours.lock.Conflicts, m.theirs.lock.Conflicts) {
		in := map[string][]string{}
		for _, x := range targets {
			for _, v := range out.Variants() {
				if from := s.blocks[k]; s.lock.In(&from.p, x, v.Name) {
					in[x] = append(in[x], v.Name)
				}
			}
		}
		out.SetVariants(&p, in)
	}
	return &p, why == "" && o != nil && t != nil && equal(o, t)
}

func keysOf(m *merger) []id {
	var list []id
	for _, s := range []*side{m.ours, m.theirs} {
		for k := range s.blocks {
			if !slices.Contains(list, k) {
				list = append(list, k)
			}
		}
	}
	slices.SortFunc(list, func(a, b id) int {
		return slices.Compare([]string{a.name, a.version, a.group}, []string{b.name, b.version, b.group})
	})
	return list
}

// pick gives one side of a text with markers, with the empty lines that the
// grammar wants: a merge by lines may have lost or doubled some.
func pick(b []byte, ours bool) []byte {
	const common, left, base, right = 0, 1, 2, 3
	at := common
	var out strings.Builder
	for _, line := range strings.Split(string(b), "\n") {
		switch {
		case strings.HasPrefix(line, "<<<<<<<"):
			at = left
			continue
		case strings.HasPrefix(line, "|||||||"):
			at = base
			continue
		case line == markMiddle && at != common:
			at = right
			continue
		case strings.HasPrefix(line, ">>>>>>>"):
			at = common
			continue
		case line == "", at == base, at == left && !ours, at == right && ours:
			continue
		}
		if line == "[[targets]]" || line == "[[packages]]" || line == "[[recipes]]" {
			out.WriteByte('\n')
		}
		out.WriteString(line + "\n")
	}
	return []byte(out.String())
}
