package recipe

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Under the policy build-requirements = "build" each build tool gets a recipe of its
// own, and so do the tools that it is built with, until nothing new is needed. A tool
// stays pinned by the hash of the published wheel, which is its own seed: once it was
// built and came out the same, that file is proven, and the recipes that name it
// hold. One that comes out otherwise takes the published one's place in them, see
// [Fill]. So no tool waits for a hash, and a true cycle needs no rule of its own.

// MaxTools is the most build tools that one lock may have planned.
const MaxTools = 2000

// toolNeed is one published wheel of a tool, to be built for a target.
type toolNeed struct {
	key    [2]string
	file   lock.Wheel
	serves []tags.Target
	target tags.Target
}

// tools plans all build tools that have no recipe yet. Those that cannot be planned
// are used as they were published, and a note says why.
func (m *merger) tools(ctx context.Context, pl *planner, targets map[string]tags.Target, opt Options) error {
	tried := map[[3]string]bool{}
	for {
		todo, err := m.toolsToDo(ctx, pl, tried, targets)
		if err != nil {
			return err
		}
		if len(todo) == 0 {
			return nil
		}
		if len(tried) > MaxTools {
			return fmt.Errorf("more than %d build tools are needed", MaxTools)
		}
		results := make([]planned, len(todo))
		var g errgroup.Group
		g.SetLimit(max(1, orDefault(opt.Jobs, DefaultJobs)))
		for i, n := range todo {
			g.Go(func() error {
				results[i] = pl.one(ctx, m.toolPackage(n), need{target: n.target, all: n.serves, native: native(n.file.Name)})
				return nil
			})
		}
		g.Wait()
		for i, n := range todo {
			err := results[i].err
			if err != nil && fatal(ctx, err) {
				return &PackageError{Package: n.key[0], Version: n.key[1], Target: n.target.Name, Err: err}
			}
			digest := ""
			if err == nil {
				digest, err = m.add(results[i], n.target.Name)
			}
			if err != nil {
				if opt.Notes != nil {
					why := (&PackageError{Package: n.key[0], Version: n.key[1], Target: n.target.Name, Err: err}).Why()
					*opt.Notes = append(*opt.Notes, Note{Package: n.key[0], Version: n.key[1], Target: n.target.Name,
						Text: "a build tool that is used as it was published: " + why})
				}
				continue
			}
			m.assignTool(n, digest)
		}
	}
}

// toolsToDo lists, sorted, the files of tools that were not looked at yet.
func (m *merger) toolsToDo(ctx context.Context, pl *planner, tried map[[3]string]bool, targets map[string]tags.Target) (todo []toolNeed, err error) {
	for key, b := range m.builds {
		for _, t := range sortedKeys(b.wheels) {
			w := b.wheels[t]
			id := [3]string{key[0], key[1], w.SHA256}
			if w.Recipe != "" || w.Origin != lock.OriginUpstream || tried[id] {
				continue
			}
			tried[id] = true
			if b.sdist == nil {
				// Tools are resolved as wheels only, so the solution names no source.
				if b.sdist, err = pl.sdistOf(ctx, key[0], key[1]); err != nil {
					return nil, err
				}
			}
			n := toolNeed{key: key, file: w}
			for _, other := range sortedKeys(b.wheels) {
				if b.wheels[other].SHA256 == w.SHA256 {
					n.serves = append(n.serves, targets[other])
				}
			}
			n.target = builder(n.serves, native(w.Name))
			todo = append(todo, n)
		}
	}
	slices.SortFunc(todo, func(a, b toolNeed) int {
		return slices.Compare([]string{a.key[0], a.key[1], a.file.Name}, []string{b.key[0], b.key[1], b.file.Name})
	})
	return todo, nil
}

// sdistOf finds the source of a version; nil where none with a hash is published.
func (pl *planner) sdistOf(ctx context.Context, name, version string) (*lock.File, error) {
	page, err := pl.src.Page(ctx, name)
	if err != nil {
		return nil, err
	}
	want, err := pep440.Parse(version)
	if err != nil {
		return nil, err
	}
	var out *lock.File
	for _, f := range page.Files {
		s, err := tags.ParseSdistName(f.Name)
		if err != nil || s.Version.Compare(want) != 0 || f.SHA256 == "" || out != nil && s.Ext != ".tar.gz" {
			continue
		}
		out = &lock.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256}
	}
	return out, nil
}

// toolPackage is a tool as a package whose wheel is to be reproduced.
func (m *merger) toolPackage(n toolNeed) *lock.Package {
	return &lock.Package{Name: n.key[0], Version: n.key[1], Group: lock.GroupBuild, Sdist: m.builds[n.key].sdist,
		Upstream: []lock.Upstream{untried(n.file)}, Wheels: []lock.Wheel{{Name: n.file.Name, Origin: lock.OriginBuilt}}}
}

func untried(w lock.Wheel) lock.Upstream {
	return lock.Upstream{Name: w.Name, Size: w.Size, SHA256: w.SHA256, Verdict: lock.VerdictUntried}
}

// assignTool gives the rows of a tool's file its recipe.
func (m *merger) assignTool(n toolNeed, digest string) {
	b := m.builds[n.key]
	for t, w := range b.wheels {
		if w.SHA256 == n.file.SHA256 {
			w.Recipe = digest
			b.wheels[t] = w
		}
	}
	if b.upstream == nil {
		b.upstream = map[string]lock.Upstream{}
	}
	b.upstream[n.file.SHA256] = untried(n.file)
}

// plainTools takes the recipes from tools that are used as they were published,
// where the policy does not ask for more.
func (m *merger) plainTools() {
	for _, b := range m.builds {
		for t, w := range b.wheels {
			if w.Origin == lock.OriginUpstream && w.Recipe != "" {
				delete(b.upstream, w.SHA256)
				w.Recipe = ""
				b.wheels[t] = w
			}
		}
	}
}

// carryRecipe adopts the recipe of a tool's row from the lock that it is taken from,
// with the tools that it needs in turn. The row loses it where that fails.
func (m *merger) carryRecipe(h held, w *lock.Wheel) {
	if w.Recipe == "" {
		return
	}
	r := h.from.Recipe(w.Recipe)
	if r == nil {
		w.Recipe = ""
		return
	}
	if _, there := m.recipes[w.Recipe]; there {
		return
	}
	m.recipes[w.Recipe] = *r
	hs := requiresHeld(h.from, r, "")
	ok := len(hs) == len(r.BuildRequires)
	for _, need := range hs {
		ok = ok && m.l.Target(need.target) != nil && m.carry([]held{need}, need.target)
	}
	if !ok {
		delete(m.recipes, w.Recipe)
		w.Recipe = ""
	}
}

// Fill puts our own wheel of a build tool into the recipes that name the published
// one, whose digests change. It refuses, and says so, where the tool itself was built
// with the published file, by however many steps: then that file is a seed, without
// which nothing could be built, and stays.
func Fill(l *lock.Lock, name, version, published, ours string) (filled bool) {
	old := lock.BuildRequire{Name: name, Version: version, SHA256: published}
	for _, p := range l.Packages {
		if p.Group != lock.GroupBuild || p.Name != name || p.Version != version {
			continue
		}
		for _, w := range p.Wheels {
			if w.SHA256 == published && reaches(l, w.Recipe, old, map[string]bool{}) {
				return false
			}
		}
	}
	changed := map[string]string{}
	for i := range l.Recipes {
		r := &l.Recipes[i]
		k := slices.Index(r.BuildRequires, old)
		if k < 0 {
			continue
		}
		was := r.Digest
		r.BuildRequires = slices.Clone(r.BuildRequires)
		r.BuildRequires[k].SHA256 = ours
		r.Digest = r.ComputeDigest()
		changed[was] = r.Digest
	}
	for i := range l.Packages {
		for k := range l.Packages[i].Wheels {
			w := &l.Packages[i].Wheels[k]
			if now := changed[w.Recipe]; now != "" {
				w.Recipe = now
			}
		}
	}
	return true
}

// reaches reports whether a recipe needs a file, itself or through the recipes of
// what it needs.
func reaches(l *lock.Lock, digest string, file lock.BuildRequire, seen map[string]bool) bool {
	r := l.Recipe(digest)
	if r == nil || seen[digest] {
		return false
	}
	seen[digest] = true
	for _, b := range r.BuildRequires {
		if b == file {
			return true
		}
		for _, p := range l.Packages {
			if p.Group != lock.GroupBuild || p.Name != b.Name || p.Version != b.Version {
				continue
			}
			for _, w := range p.Wheels {
				if w.SHA256 == b.SHA256 && reaches(l, w.Recipe, file, seen) {
					return true
				}
			}
		}
	}
	return false
}
