package rebuild

import (
	"context"
	"fmt"

	"github.com/freedomofpress/wheellock/lock"
)

// OtherBytes is the word of a failure where what was built is not what is locked.
const OtherBytes = "other-bytes"

// Reproduce builds each job once by the recipe that the lock has, compares with
// nothing, and requires that the locked file comes out: its bytes, or where the lock
// holds a published file that was proven by its content, that content. The lock is not
// changed. What each outcome locks is at [Outcome.Locked].
func (r *Run) Reproduce(ctx context.Context, jobs []*Job) error {
	jobs, err := r.placeAll(ctx, jobs)
	if err != nil {
		return err
	}
	r.stages(jobs)
	return r.each(ctx, jobs, r.reproduce)
}

func (r *Run) reproduce(ctx context.Context, j *Job, dir string) (*Outcome, error) {
	o, err := r.asLocked(ctx, j, dir, OtherBytes)
	if err != nil || o == nil || o.Failure != nil {
		return o, err
	}
	res := o.Result
	if o.SHA256 == j.Row.SHA256 {
		o.Locked = res.Path
		return o, nil
	}
	if j.Row.Origin == lock.OriginUpstream && j.Row.Content != "" && o.Content == j.Row.Content {
		o.Locked, err = r.Files.Get(ctx, j.Package.Name, j.Row.Name, j.Row.SHA256, r.wheelPlaces(j.Package, j.Row.Name)...)
		if err != nil {
			return nil, fmt.Errorf("fetching upstream's %s, whose content is what was built: %w", j.Row.Name, err)
		}
		return o, nil
	}
	r.fail(o, Failure{Word: OtherBytes, Log: res.Log,
		Why:  fmt.Sprintf("%s came out with sha256 %s, the lock has %s (%s)", res.File, o.SHA256, j.Row.SHA256, j.Row.Name),
		Hint: "wheellock build " + j.Package.Name + " tells what differs from the published wheel; compare NEW OLD tells of any two files"})
	return o, nil
}
