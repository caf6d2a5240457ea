package recipe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Extend adds requirements that a backend's hook (get_requires_for_build_wheel)
// asked for, on the target that builds, to the recipe with the given digest. What
// the recipe pins stays as it is; the new ones are resolved with the cut-off
// that Plan used, and pinned. Every row of that recipe gets the new one, whose
// digest is returned; it is the old one when the recipe has all of it already.
//
// It changes l only when it succeeds. A requirement that contradicts a pin is a
// *resolve.ConflictError in a [*PackageError].
func Extend(ctx context.Context, src Source, l *lock.Lock, recipeDigest string, target tags.Target, requirements []string) (newDigest string, err error) {
	pl := &planner{src: src, solve: resolve.Resolve, cutoff: l.ExcludeNewer}
	return pl.extend(ctx, l, recipeDigest, target, requirements)
}

func (pl *planner) extend(ctx context.Context, l *lock.Lock, digest string, target tags.Target, requirements []string) (string, error) {
	r := l.Recipe(digest)
	if r == nil {
		return "", fmt.Errorf("extending a recipe: %s is not in the lock", digest)
	}
	p := packageOf(l, digest)
	if p == nil {
		return "", fmt.Errorf("extending a recipe: no wheel is built by %s", digest)
	}
	fail := func(err error) (string, error) {
		return "", &PackageError{Package: p.Name, Version: p.Version, Target: target.Name, Err: err}
	}
	if len(requirements) > MaxRequires {
		return fail(fmt.Errorf("its hook asks for %d requirements, at most %d are read", len(requirements), MaxRequires))
	}
	var asked []pep508.Requirement
	for _, text := range requirements {
		req, err := pep508.Parse(text)
		if err != nil {
			return fail(fmt.Errorf("its hook asks for %q: %w", text, err))
		}
		asked = append(asked, req)
	}
	roots, err := forTarget(asked, target)
	if err != nil {
		return fail(err)
	}
	inf, err := pl.again(ctx, p, target)
	if err != nil {
		return fail(err)
	}
	for _, b := range r.BuildRequires {
		roots = append(roots, pep508.Requirement{Name: b.Name})
		inf.pins[b.Name] = "==" + b.Version
	}
	if len(roots) == 0 {
		return digest, nil
	}
	// The pins are the recipe's own now: they are not let go. The recipe may hold
	// requirements of a later date than the publisher's, so the cut-off may move.
	var pins []resolve.Pin
	if pins, err = pl.try(ctx, target, roots, inf.pins, inf.cutoff); impossible(err) && !inf.cutoff.IsZero() {
		pins, err = pl.try(ctx, target, roots, inf.pins, time.Time{})
	}
	if err != nil {
		return fail(err)
	}
	return replace(l, digest, planned{recipe: *r, pins: pins}, target.Name)
}

// again infers once more what Plan did: the cut-off, and pins for projects that
// the recipe does not hold yet.
func (pl *planner) again(ctx context.Context, p *lock.Package, t tags.Target) (inferred, error) {
	page, err := pl.src.Page(ctx, p.Name)
	if err != nil {
		return inferred{}, err
	}
	inf := inferred{pins: map[string]string{}}
	if published := publishedFor(page, p, t); len(published) > 0 {
		c, err := pl.read(ctx, published[0])
		if fatal(ctx, err) {
			return inf, err
		}
		if err == nil {
			inf.cutoff = c.uploaded
			inf.backend(c, metadata.BuildSystem{Backend: "setuptools.build_meta"}, t)
		}
	}
	return inf, nil
}

func packageOf(l *lock.Lock, digest string) *lock.Package {
	for i := range l.Packages {
		if slices.ContainsFunc(l.Packages[i].Wheels, func(w lock.Wheel) bool { return w.Recipe == digest }) {
			return &l.Packages[i]
		}
	}
	return nil
}

// replace exchanges one recipe of l for a new one.
func replace(l *lock.Lock, old string, p planned, target string) (string, error) {
	m := newMerger(l, nil)
	for i := range l.Packages {
		q := &l.Packages[i]
		if q.Group == lock.GroupBuild {
			for _, t := range l.TargetsOf(q) {
				m.carry([]held{{l, q, *l.WheelFor(q, t), t}}, t)
			}
		}
	}
	for _, r := range l.Recipes {
		if r.Digest != old {
			m.recipes[r.Digest] = r
		}
	}
	delete(m.recipes, old) // a tool's, carried with its row
	digest, err := m.add(p, target)
	if err != nil {
		return "", err
	}
	for _, b := range m.builds {
		for t, w := range b.wheels {
			if w.Recipe == old {
				w.Recipe = digest
				b.wheels[t] = w
			}
		}
	}
	for i := range l.Packages {
		for j, w := range l.Packages[i].Wheels {
			switch w.Recipe {
			case "":
			case old:
				m.assign[[2]int{i, j}] = digest
			default:
				m.assign[[2]int{i, j}] = w.Recipe
			}
		}
	}
	m.finish()
	return digest, nil
}
