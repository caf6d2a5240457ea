package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Source is where pages and files come from: *index.Client or a fake. One that
// also has OpenRange, as the client does, is spared whole downloads of wheels.
type Source = resolve.Source

// Plan gives every wheel row of l that is to be built a recipe, and adds the
// recipes and the packages of group "build" that they need. targets are those of
// l, by name. Rows that have a recipe keep it; rows of a package that opt.Prev
// has with the same source take the one they had. The result does not depend on
// the order of anything, and l is sorted.
//
// The error is an [*IncompleteError] where some packages cannot be planned,
// all others being done; a *[PackageError] around an error of the index or the
// context otherwise, l being left as it was but for its order.
func Plan(ctx context.Context, src Source, l *lock.Lock, targets []tags.Target, opt Options) error {
	pl := &planner{src: src, solve: resolve.Resolve, grace: opt.Grace, cutoff: l.ExcludeNewer, settings: opt.Settings}
	return pl.plan(ctx, l, targets, opt)
}

// need is one row to be planned.
type need struct {
	pkg, row int           // in l.Packages and its Wheels
	target   tags.Target   // that builds
	native   bool          // by the row's name
	all      []tags.Target // that the row serves
	before   *lock.Recipe  // of another version of the package, in the lock before; nil: none
}

// planned is the outcome for one need; BuildRequires of the recipe are still to
// be filled from pins.
type planned struct {
	recipe lock.Recipe
	pins   []resolve.Pin
	notes  []string
	err    error
}

func (pl *planner) plan(ctx context.Context, l *lock.Lock, targets []tags.Target, opt Options) error {
	byName := map[string]tags.Target{}
	for _, t := range targets {
		byName[t.Name] = t
	}
	for _, t := range l.Targets {
		if _, ok := byName[t.Name]; !ok {
			return fmt.Errorf("planning builds: target %s of the lock is not given", t.Name)
		}
	}
	l.Sort() // so that what clashes is settled the same way whatever the order
	m := newMerger(l, opt.Prev)
	needs := m.keep(byName, opt.Settings)

	results := make([]planned, len(needs))
	var g errgroup.Group
	g.SetLimit(max(1, orDefault(opt.Jobs, DefaultJobs)))
	for i, n := range needs {
		g.Go(func() error {
			results[i], results[i].err = planned{}, ctx.Err()
			if results[i].err == nil {
				n.before = m.before(&l.Packages[n.pkg])
				results[i] = pl.one(ctx, &l.Packages[n.pkg], n)
			}
			return nil
		})
	}
	g.Wait()

	incomplete := &IncompleteError{}
	for i, n := range needs {
		err := results[i].err
		if err == nil {
			continue
		}
		p := &l.Packages[n.pkg]
		pe := &PackageError{Package: p.Name, Version: p.Version, Target: n.target.Name, Err: err}
		if fatal(ctx, err) {
			return pe
		}
		incomplete.Packages = append(incomplete.Packages, pe)
	}
	for i, n := range needs {
		p := &l.Packages[n.pkg]
		if opt.Notes != nil {
			for _, text := range results[i].notes {
				*opt.Notes = append(*opt.Notes, Note{Package: p.Name, Version: p.Version, Target: n.target.Name, Text: text})
			}
		}
		if results[i].err != nil {
			continue
		}
		digest, err := m.add(results[i], n.target.Name)
		if err != nil {
			return &PackageError{Package: p.Name, Version: p.Version, Target: n.target.Name, Err: err}
		}
		m.assign[[2]int{n.pkg, n.row}] = digest
	}
	if !opt.BuildTools {
		m.plainTools()
	} else if err := m.tools(ctx, pl, byName, opt); err != nil {
		return err
	}
	m.finish()
	if len(incomplete.Packages) > 0 {
		return incomplete
	}
	return nil
}

// fatal reports whether an error is the index's or the caller's doing, or a lie
// about a file, so that going on with other packages makes no sense.
func fatal(ctx context.Context, err error) bool {
	var unavailable *index.UnavailableError
	var page *index.PageError
	var hash *index.HashError
	return ctx.Err() != nil || errors.As(err, &hash) || errors.As(err, &unavailable) || errors.As(err, &page)
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// builder chooses the target that builds a row: for a pure wheel the newest
// Python, with the newest libc among equals; for a native one that serves several
// (the stable ABI) the oldest, since what it builds runs on the others.
func builder(serves []tags.Target, native bool) tags.Target {
	return slices.MaxFunc(serves, func(a, b tags.Target) int {
		c := slices.Compare(minor(a), minor(b))
		if c == 0 {
			_, am, an := a.Libc()
			_, bm, bn := b.Libc()
			c = (am*1000 + an) - (bm*1000 + bn)
		}
		if native {
			c = -c
		}
		if c == 0 {
			c = strings.Compare(b.Name, a.Name)
		}
		return c
	})
}

// minor is the target's Python without the patch release, which changes no bytes
// that a build makes.
func minor(t tags.Target) []string {
	v := t.Version().Release()
	out := make([]string, 0, 2)
	for _, n := range v[:min(2, len(v))] {
		out = append(out, fmt.Sprintf("%8s", n))
	}
	return out
}

// native reports whether a wheel's file name has a platform.
func native(file string) bool { return !strings.HasSuffix(file, "-any.whl") }
