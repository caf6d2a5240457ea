package merge

import (
	"maps"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// block merges one version of a package for some targets; why says what is in
// conflict.
func (m *merger) block(k id, targets []string) (x *block, why string) {
	b, o, t := m.base.blocks[k], m.ours.blocks[k], m.theirs.blocks[k]
	switch {
	case o == nil && t == nil:
		return b, "" // only where another conflict stands already
	case o == nil:
		return t, ""
	case t == nil:
		return o, ""
	}
	if b == nil {
		b = &block{}
	}
	x = &block{p: o.p, deps: map[string][]string{}, rows: map[string]lock.Wheel{}, upstream: map[string]lock.Upstream{}, compared: map[[2]string]bool{}}
	fail := func(s string) {
		if why == "" {
			why = s
		}
	}
	fail(x.source(b, o, t))
	if x.p.RequiresPython, why = text(b.p.RequiresPython, o.p.RequiresPython, t.p.RequiresPython, "requires-python", why); why != "" {
		return x, why
	}
	x.p.Groups = groups(b, o, t)
	for _, target := range targets {
		x.deps[target] = union(b.deps[target], o.deps[target], t.deps[target])
		if _, there := o.deps[target]; !there {
			x.deps[target] = t.deps[target]
		} else if _, there := t.deps[target]; !there {
			x.deps[target] = o.deps[target]
		}
		ours, theirs := at(o.rows, target), at(t.rows, target)
		if ours == nil && theirs == nil {
			continue
		}
		w, bad := row(at(b.rows, target), ours, theirs)
		fail(bad)
		x.rows[target] = w
	}
	x.share(targets)
	for _, file := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(keys(o.upstream), keys(t.upstream))))) {
		ours, inOurs := o.upstream[file]
		theirs, inTheirs := t.upstream[file]
		switch {
		case !inTheirs:
			x.upstream[file] = ours
		case !inOurs:
			x.upstream[file] = theirs
		default:
			u, bad := published(b.upstream[file], ours, theirs)
			fail(bad)
			x.upstream[file] = u
		}
		for _, target := range targets {
			of := [2]string{file, target}
			if has(b.compared[of], o.compared[of], t.compared[of]) {
				x.compared[of] = true
			}
		}
	}
	return x, why
}

func at(rows map[string]lock.Wheel, target string) *lock.Wheel {
	w, ok := rows[target]
	if !ok {
		return nil
	}
	return &w
}

func text(base, ours, theirs, what, why string) (string, string) {
	s, ok := three(base, ours, theirs)
	if !ok && why == "" {
		why = "two values of " + what
	}
	return s, why
}

// groups: nil means that the default group needs it, and every other may.
func groups(b, o, t *block) []string {
	if g, ok := three(b.p.Groups, o.p.Groups, t.p.Groups); ok {
		return g
	}
	if len(o.p.Groups) == 0 || len(t.p.Groups) == 0 {
		return nil
	}
	return union(nil, o.p.Groups, t.p.Groups)
}

// source merges where the bytes come from.
func (x *block) source(b, o, t *block) string {
	type source struct {
		sdist    *lock.File
		archives []lock.Archive
		vcs      *lock.VCS
	}
	of := func(p lock.Package) source { return source{p.Sdist, p.Archives, p.VCS} }
	s, ok := three(of(b.p), of(o.p), of(t.p))
	if !ok && o.p.Sdist != nil && t.p.Sdist != nil && o.p.Sdist.Name == t.p.Sdist.Name && o.p.Sdist.SHA256 == t.p.Sdist.SHA256 &&
		equal(o.p.Archives, t.p.Archives) && equal(o.p.VCS, t.p.VCS) {
		f := *o.p.Sdist
		f.Size = max(f.Size, t.p.Sdist.Size) // an index need not tell it
		s, ok = source{&f, o.p.Archives, o.p.VCS}, true
	}
	x.p.Sdist, x.p.Archives, x.p.VCS = s.sdist, s.archives, s.vcs
	if !ok {
		return "two sources"
	}
	return ""
}

// share gives a pure wheel that one side built to the targets that the other
// side added: it is built once and serves all that take it.
func (x *block) share(targets []string) {
	for _, t := range targets {
		w := x.rows[t]
		if !w.Missing() || !strings.HasSuffix(w.Name, "-none-any.whl") {
			continue
		}
		for _, u := range targets {
			if have := x.rows[u]; !have.Missing() && have.Name == w.Name && have.Origin == w.Origin && (w.Recipe == "" || w.Recipe == have.Recipe) {
				x.rows[t] = have
				break
			}
		}
	}
}

// builds adds the recipes that rows name, the build requirements that those
// name, and the build requirements that the sides agree to keep.
func (m *merger) builds() {
	for _, k := range m.buildIDs() {
		_, b := m.base.blocks[k]
		_, o := m.ours.blocks[k]
		_, t := m.theirs.blocks[k]
		if has(b, o, t) {
			m.buildPackage(k)
		}
	}
	used := map[string]bool{}
	for i := 0; i < len(m.out.Packages); i++ { // grows while it is walked
		for _, w := range m.out.Packages[i].Wheels {
			m.recipe(w.Recipe, used)
		}
	}
	for _, s := range []*side{m.ours, m.theirs} {
		for k, b := range s.blocks {
			if k.group == "" && m.why[k.name] != "" {
				for _, w := range b.rows {
					m.recipe(w.Recipe, used)
				}
			}
		}
	}
}

func (m *merger) buildIDs() []id {
	var list []id
	for _, s := range []*side{m.ours, m.theirs} {
		for k := range s.blocks {
			if k.group == lock.GroupBuild && !slices.Contains(list, k) {
				list = append(list, k)
			}
		}
	}
	slices.SortFunc(list, func(a, b id) int { return slices.Compare([]string{a.name, a.version}, []string{b.name, b.version}) })
	return list
}

// recipe takes one in, with what it needs, which may be built by others.
func (m *merger) recipe(digest string, used map[string]bool) {
	if digest == "" || used[digest] {
		return
	}
	used[digest] = true
	o, t := m.ours.lock.Recipe(digest), m.theirs.lock.Recipe(digest)
	if o == nil {
		o = t
	}
	if o == nil {
		return // Check says so
	}
	r := *o
	if t != nil && !equal(o.ExpectTags, t.ExpectTags) {
		var base []string
		if b := m.base.lock.Recipe(digest); b != nil {
			base = b.ExpectTags
		}
		r.ExpectTags, _ = three(base, o.ExpectTags, t.ExpectTags)
		if _, ok := three(base, o.ExpectTags, t.ExpectTags); !ok {
			r.ExpectTags = union(nil, o.ExpectTags, t.ExpectTags)
		}
	}
	m.out.Recipes = append(m.out.Recipes, r)
	for _, b := range r.BuildRequires {
		k := id{b.Name, b.Version, lock.GroupBuild}
		p := m.buildPackage(k)
		for _, w := range p {
			m.recipe(w.Recipe, used)
		}
	}
}

// buildPackage takes a build requirement in, once, and gives its rows.
func (m *merger) buildPackage(k id) []lock.Wheel {
	for i := range m.out.Packages {
		if idOf(&m.out.Packages[i]) == k {
			return m.out.Packages[i].Wheels
		}
	}
	o, t := m.ours.blocks[k], m.theirs.blocks[k]
	if o == nil && t == nil {
		return nil
	}
	var ours, theirs, base []string
	for _, x := range []struct {
		b    *block
		list *[]string
	}{{o, &ours}, {t, &theirs}, {m.base.blocks[k], &base}} {
		if x.b != nil {
			*x.list = keys(x.b.rows)
		}
	}
	left := func(list []string) []string {
		return slices.DeleteFunc(list, func(t string) bool { return m.out.Target(t) == nil })
	}
	targets := left(union(base, ours, theirs))
	if o == nil {
		targets = left(slices.Clone(theirs))
	} else if t == nil {
		targets = left(slices.Clone(ours))
	}
	b, why := m.block(k, targets)
	if why != "" {
		m.conflict(k.name+build, "%s: %s", k.version, why)
		return nil
	}
	if len(targets) == 0 {
		// Its recipe fixes the interpreter that ran it: it is right for any target.
		for _, t := range slices.Sorted(slices.Values(slices.Concat(ours, theirs))) {
			w := at(b.rows, t)
			if w == nil {
				continue
			}
			for _, x := range m.out.Targets {
				b.rows[x.Name] = *w
				targets = append(targets, x.Name)
			}
			break
		}
	}
	p := b.assemble(targets)
	m.out.Packages = append(m.out.Packages, p)
	return p.Wheels
}
