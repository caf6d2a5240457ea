package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// merger puts recipes and build requirements into a lock. It works on copies
// until finish.
type merger struct {
	l, prev *lock.Lock
	recipes map[string]lock.Recipe
	builds  map[[2]string]*build // by name and version
	assign  map[[2]int]string    // package and row -> recipe
}

// build is a package of group "build".
type build struct {
	requiresPython string
	sdist          *lock.File
	wheels         map[string]lock.Wheel    // by target
	upstream       map[string]lock.Upstream // by hash: published files that ours are compared with
	deps           map[string]map[string]bool
}

func newMerger(l, prev *lock.Lock) *merger {
	m := &merger{l: l, prev: prev, recipes: map[string]lock.Recipe{}, builds: map[[2]string]*build{}, assign: map[[2]int]string{}}
	return m
}

// keep adopts the recipes that rows have, or had in the lock before, and lists
// the rows that need one.
func (m *merger) keep(targets map[string]tags.Target, settings Settings) []need {
	var needs []need
	for i := range m.l.Packages {
		p := &m.l.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for j := range p.Wheels {
			w := &p.Wheels[j]
			if w.Recipe == "" && w.Origin != lock.OriginBuilt {
				continue
			}
			n := need{pkg: i, row: j, native: native(w.Name)}
			for _, name := range m.l.WheelTargets(p, w) {
				n.all = append(n.all, targets[name])
			}
			n.target = builder(n.all, n.native)
			if digest := m.known(p, w, n, settings.For(p.Name, p.Version)); digest != "" {
				m.assign[[2]int{i, j}] = digest
				continue
			}
			needs = append(needs, n)
		}
	}
	return needs
}

// known finds the recipe that a row has or had, and adopts it with what it needs,
// if it follows the setting.
func (m *merger) known(p *lock.Package, w *lock.Wheel, n need, s Setting) string {
	s.Name = p.Name
	if w.Recipe != "" && m.followed(p, w, s) {
		for _, from := range []*lock.Lock{m.l, m.prev} {
			if from != nil && m.adopt(from, w.Recipe, n, !w.Missing()) {
				return w.Recipe
			}
		}
	}
	if m.prev == nil {
		return ""
	}
	for i := range m.prev.Packages {
		q := &m.prev.Packages[i]
		if q.Name != p.Name || q.Version != p.Version || q.Group != p.Group || p.Sdist == nil || q.Sdist == nil || q.Sdist.SHA256 != p.Sdist.SHA256 {
			continue
		}
		old := m.prev.WheelFor(q, n.target.Name)
		if old == nil || old.Recipe == "" || native(old.Name) != n.native {
			continue
		}
		if r := m.prev.Recipe(old.Recipe); r != nil && !s.stale(r) && m.adopt(m.prev, old.Recipe, n, false) {
			return old.Recipe
		}
	}
	return ""
}

// held is one locked file of a build requirement.
type held struct {
	from   *lock.Lock
	pkg    *lock.Package
	wheel  lock.Wheel
	target string // that it was locked for
}

// adopt takes a recipe over, provided that its build requirements are locked for
// a target that the lock still has and clash with nothing adopted before. Where
// their target is gone they move to the row's, if they fit it; for a wheel that
// is built already (force) they move in any case, since its recipe is evidence.
func (m *merger) adopt(from *lock.Lock, digest string, n need, force bool) bool {
	r := from.Recipe(digest)
	if r == nil {
		return false
	}
	names := []string{n.target.Name}
	for _, t := range m.l.Targets {
		names = append(names, t.Name)
	}
	for _, t := range names {
		if hs := requiresHeld(from, r, t); len(hs) == len(r.BuildRequires) && m.carry(hs, t) {
			m.recipes[digest] = *r
			return true
		}
	}
	hs := requiresHeld(from, r, "")
	if len(hs) != len(r.BuildRequires) {
		return false
	}
	for _, h := range hs {
		w, err := tags.ParseWheelName(h.wheel.Name)
		if _, fits := n.target.Best(w); (err != nil || !fits) && !force {
			return false
		}
	}
	if !m.carry(hs, n.target.Name) {
		return false
	}
	m.recipes[digest] = *r
	return true
}

// requiresHeld finds the files of r's build requirements for a target, or for
// any when target is "".
func requiresHeld(from *lock.Lock, r *lock.Recipe, target string) []held {
	var out []held
	for _, b := range r.BuildRequires {
		for i := range from.Packages {
			q := &from.Packages[i]
			if q.Group != lock.GroupBuild || q.Name != b.Name || q.Version != b.Version {
				continue
			}
			for _, w := range q.Wheels {
				for _, t := range from.WheelTargets(q, &w) {
					if w.SHA256 == b.SHA256 && (target == t || target == "") {
						out = append(out, held{from, q, w, t})
						break
					}
				}
				if len(out) > 0 && out[len(out)-1].pkg == q {
					break
				}
			}
		}
	}
	return out
}

// carry copies build requirements for one target, all or none.
func (m *merger) carry(hs []held, target string) bool {
	for _, h := range hs {
		b := m.builds[[2]string{h.pkg.Name, h.pkg.Version}]
		if b == nil {
			continue
		}
		if w, there := b.wheels[target]; there && w.SHA256 != h.wheel.SHA256 {
			return false
		}
	}
	for _, h := range hs {
		b := m.build(h.pkg.Name, h.pkg.Version)
		b.requiresPython, b.sdist = h.pkg.RequiresPython, h.pkg.Sdist
		w := h.wheel
		w.Targets = nil
		m.carryRecipe(h, &w)
		for _, u := range h.pkg.Upstream {
			if b.upstream == nil {
				b.upstream = map[string]lock.Upstream{}
			}
			b.upstream[u.SHA256] = u
		}
		b.wheels[target] = w
		b.depend(target, h.pkg.DependenciesOn(h.target))
	}
	return true
}

func (m *merger) build(name, version string) *build {
	key := [2]string{name, version}
	if m.builds[key] == nil {
		m.builds[key] = &build{wheels: map[string]lock.Wheel{}, deps: map[string]map[string]bool{}}
	}
	return m.builds[key]
}

// depend adds dependencies on a target. Two recipes may ask for one version with
// different extras; the lock then names what any of them needs.
func (b *build) depend(target string, deps []string) {
	if b.deps[target] == nil {
		b.deps[target] = map[string]bool{}
	}
	for _, d := range deps {
		b.deps[target][d] = true
	}
}

// add completes a planned recipe by its pins and returns its digest. A version
// that the lock holds for the target already, by an older recipe, keeps its file:
// a target installs one file of a version.
func (m *merger) add(p planned, target string) (string, error) {
	r := p.recipe
	if p.pins == nil { // it has them already, or needs none
		return m.recipe(r), nil
	}
	r.BuildRequires = nil
	for _, pin := range p.pins {
		b, err := m.pin(pin, target)
		if err != nil {
			return "", err
		}
		r.BuildRequires = append(r.BuildRequires, b)
	}
	slices.SortFunc(r.BuildRequires, func(a, b lock.BuildRequire) int { return strings.Compare(a.Name, b.Name) })
	return m.recipe(r), nil
}

func (m *merger) pin(pin resolve.Pin, target string) (lock.BuildRequire, error) {
	version := pin.Version.String()
	if pin.Wheel == nil || pin.Wheel.SHA256 == "" {
		return lock.BuildRequire{}, fmt.Errorf("build requirement %s %s has no published wheel", pin.Name, version)
	}
	b := m.build(pin.Name, version)
	if b.requiresPython == "" {
		b.requiresPython = pin.RequiresPython
	}
	if b.sdist == nil && pin.Sdist != nil && pin.Sdist.SHA256 != "" {
		b.sdist = &lock.File{Name: pin.Sdist.Name, Size: pin.Sdist.Size, SHA256: pin.Sdist.SHA256}
	}
	w, there := b.wheels[target]
	if !there {
		w = lock.Wheel{Name: pin.Wheel.Name, Origin: lock.OriginUpstream, Size: pin.Wheel.Size, SHA256: pin.Wheel.SHA256}
		b.wheels[target] = w
	}
	b.depend(target, pin.Dependencies)
	return lock.BuildRequire{Name: pin.Name, Version: version, SHA256: w.SHA256}, nil
}

// recipe files a recipe under its digest; targets that agree share it, and
// expect what any of them does.
func (m *merger) recipe(r lock.Recipe) string {
	r.Digest = r.ComputeDigest()
	if old, ok := m.recipes[r.Digest]; ok {
		all := map[string]bool{}
		for _, t := range slices.Concat(old.ExpectTags, r.ExpectTags) {
			all[t] = true
		}
		r.ExpectTags = sortedKeys(all)
	}
	m.recipes[r.Digest] = r
	return r.Digest
}

// finish writes everything into the lock.
func (m *merger) finish() {
	used := map[string]bool{}
	for key, digest := range m.assign {
		m.l.Packages[key[0]].Wheels[key[1]].Recipe = digest
		used[digest] = true
	}
	for _, b := range m.builds {
		for _, w := range b.wheels {
			used[w.Recipe] = true
		}
	}
	m.l.Packages = slices.DeleteFunc(m.l.Packages, func(p lock.Package) bool { return p.Group == lock.GroupBuild })
	m.l.Recipes = nil
	for digest, r := range m.recipes {
		if used[digest] {
			m.l.Recipes = append(m.l.Recipes, r)
		}
	}
	for key, b := range m.builds {
		m.l.Packages = append(m.l.Packages, b.pkg(key[0], key[1]))
	}
	m.l.Sort()
}

// pkg makes the lock's block of a build requirement.
func (b *build) pkg(name, version string) lock.Package {
	p := lock.Package{Name: name, Version: version, Group: lock.GroupBuild, RequiresPython: b.requiresPython, Sdist: b.sdist,
		TargetDependencies: map[string][]string{}}
	p.Targets = sortedKeys(b.wheels)
	rows := map[string]*lock.Wheel{}
	for _, t := range p.Targets {
		w := b.wheels[t]
		if rows[w.Name] == nil {
			rows[w.Name] = &w
		}
		rows[w.Name].Targets = append(rows[w.Name].Targets, t)
		if len(b.deps[t]) > 0 {
			p.TargetDependencies[t] = sortedKeys(b.deps[t])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		p.Wheels = append(p.Wheels, *rows[name])
	}
	for _, sum := range sortedKeys(b.upstream) {
		u := b.upstream[sum]
		for _, t := range p.Targets {
			if b.wheels[t].SHA256 == sum && !slices.Contains(u.Targets, t) {
				u.Targets = append(u.Targets, t)
			}
		}
		p.Upstream = append(p.Upstream, u)
	}
	return p
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sortTimes(ts []time.Time) { slices.SortFunc(ts, time.Time.Compare) }
