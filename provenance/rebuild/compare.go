package rebuild

import (
	"context"
	"fmt"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// compare sets the verdict against each published wheel that the row's targets
// would take.
func (r *Run) compare(ctx context.Context, o *Outcome) error {
	p := o.Job.Package
	targets := r.Lock.WheelTargets(p, &o.row)
	for k := range p.Upstream {
		up := &p.Upstream[k]
		if !overlap(r.Lock.UpstreamTargets(p, up), targets) {
			continue
		}
		path, err := r.Files.Get(ctx, p.Name, up.Name, up.SHA256, r.wheelPlaces(p, up.Name)...)
		if err != nil {
			return fmt.Errorf("fetching upstream's %s: %w", up.Name, err)
		}
		if err := o.compareWith(*up, path); err != nil {
			return err
		}
	}
	return r.compareNamesake(ctx, o)
}

func (o *Outcome) compareWith(up lock.Upstream, path string) error {
	res, err := compare.Wheels(o.Result.Path, path)
	if err != nil {
		return fmt.Errorf("comparing with upstream's %s: %w", up.Name, err)
	}
	o.Compared = append(o.Compared, Compared{Upstream: up, Path: path, Result: res})
	return nil
}

// compareNamesake also looks for a published file of exactly the name that was
// built: an installer would take another one on the target, but ours may be the
// same as this one (pure where upstream also has native files).
func (r *Run) compareNamesake(ctx context.Context, o *Outcome) error {
	p := o.Job.Package
	if slices.ContainsFunc(o.Compared, func(c Compared) bool { return c.Upstream.Name == o.Result.File || c.Same() }) {
		return nil
	}
	source, err := r.Files.Source()
	if err != nil {
		return err
	}
	page, err := source.Page(ctx, p.Name)
	if err != nil {
		// Nothing rests on it; offline builds do without.
		return nil
	}
	for _, f := range page.Files {
		if f.Name != o.Result.File || f.SHA256 == "" {
			continue
		}
		path, err := source.Fetch(ctx, f)
		if err != nil {
			return fmt.Errorf("fetching upstream's %s: %w", f.Name, err)
		}
		if err := o.compareWith(lock.Upstream{
			Name: f.Name, Size: f.Size, SHA256: f.SHA256, Targets: r.Lock.WheelTargets(p, &o.row), Verdict: lock.VerdictUntried,
		}, path); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) wheelPlaces(p *lock.Package, file string) []string {
	places := []string{mirror.Wheel(file, mirror.AnyFolder)}
	for _, t := range r.Lock.TargetsOf(p) {
		places = append(places, mirror.Wheel(file, t))
	}
	return places
}

// Closest is the published file that comes closest to ours; nil where there was none.
func (o *Outcome) Closest() *Compared {
	var out *Compared
	for k := range o.Compared {
		if c := &o.Compared[k]; out == nil || c.Same() {
			out = c
		}
	}
	return out
}
