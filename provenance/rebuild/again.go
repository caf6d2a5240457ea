package rebuild

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
)

// Again builds jobs that have a hash again, each by the recipe that the lock has, as
// often as Check says, and compares with what is published, as a second builder does
// who states what came out, whatever it is. [Outcome.Agrees] tells whether it is what is
// locked. The lock's rows are not changed; recipes may grow, so that r.Lock has to be a
// copy.
func (r *Run) Again(ctx context.Context, jobs []*Job) error {
	jobs, err := r.placeAll(ctx, jobs)
	if err != nil {
		return err
	}
	r.stages(jobs)
	return r.each(ctx, jobs, r.again)
}

func (r *Run) again(ctx context.Context, j *Job, dir string) (*Outcome, error) {
	o, err := r.asLocked(ctx, j, dir, BuildError)
	if err != nil || o == nil || o.Failure != nil {
		return o, err
	}
	if err := r.compare(ctx, o); err != nil {
		return nil, err
	}
	if err := r.repeat(ctx, o, dir); err != nil {
		return r.without(ctx, o, err)
	}
	return o, r.against(ctx, o)
}

// asLocked builds a job once by the recipe that the lock has, and no other: where its
// backend asks for more, that is a failure with the given word. The results are those
// of one.
func (r *Run) asLocked(ctx context.Context, j *Job, dir, word string) (*Outcome, error) {
	rec, err := r.recipe(j)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Job: j, Target: j.target, Recipe: rec, row: *j.Row}
	res, err := r.run(ctx, o, filepath.Join(dir, "0"), build.Varied{})
	if err != nil {
		return r.without(ctx, o, err)
	}
	if err := o.take(res); err != nil {
		return nil, err
	}
	o.Times = 1
	if o.Recipe.Digest != rec.Digest {
		// A statement of it would be of a recipe that nobody has locked.
		o.Recipe = rec
		r.fail(o, Failure{Word: word, Why: "its backend asks for more than the locked recipe pins", Log: res.Log,
			Hint: "wheellock build " + j.Package.Name})
	}
	return o, nil
}

// against compares with the locked file that came out different, where it can be had:
// who is told of a difference wants to know which.
func (r *Run) against(ctx context.Context, o *Outcome) error {
	if o.Failure != nil || o.row.Origin != lock.OriginBuilt || o.Agrees() {
		return nil
	}
	p := o.Job.Package
	path, err := r.Files.Get(ctx, p.Name, o.row.Name, o.row.SHA256, r.wheelPlaces(p, o.row.Name)...)
	if err != nil {
		return ctx.Err()
	}
	res, err := compare.Wheels(o.Result.Path, path)
	if err != nil {
		return fmt.Errorf("comparing with the locked %s: %w", o.row.Name, err)
	}
	o.Against = &Compared{Upstream: lock.Upstream{Name: o.row.Name, SHA256: o.row.SHA256}, Path: path, Result: res}
	return nil
}

// Agrees reports whether what was built is what is locked: its bytes, or where a
// published file is locked, what it installs.
func (o *Outcome) Agrees() bool {
	if o.Failure != nil {
		return false
	}
	if o.row.Origin != lock.OriginUpstream {
		return o.SHA256 == o.row.SHA256
	}
	for k := range o.Compared {
		if c := &o.Compared[k]; c.Upstream.SHA256 == o.row.SHA256 {
			return c.Same()
		}
	}
	return false
}
