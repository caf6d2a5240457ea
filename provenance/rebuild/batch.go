package rebuild

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock"
)

// Build builds the jobs side by side. A job that fails does not stop the others;
// only the environment's failures and an interrupt end the run.
func (r *Run) Build(ctx context.Context, jobs []*Job) error {
	n := r.Jobs
	if n == 0 {
		n = runtime.NumCPU()
	}
	jobs, err := r.placeAll(ctx, jobs)
	if err != nil {
		return err
	}
	first, rest := newestFirst(jobs)
	if err := r.batch(ctx, first, n, filepath.Join(r.Dir, "1")); err != nil {
		return err
	}
	rest = slices.DeleteFunc(rest, func(j *Job) bool {
		return slices.ContainsFunc(r.Outcomes, func(o *Outcome) bool {
			return o.Job.same(j) && o.Failure == nil && !o.Result.Native
		})
	})
	if err := r.batch(ctx, rest, n, filepath.Join(r.Dir, "2")); err != nil {
		return err
	}
	// In the order of the lock, whatever finished first.
	slices.SortStableFunc(r.Outcomes, func(a, b *Outcome) int {
		if c := strings.Compare(a.Job.Package.Name, b.Job.Package.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Job.Package.Version+a.Job.Row.Name+a.Target.Name, b.Job.Package.Version+b.Job.Row.Name+b.Target.Name)
	})
	return r.settle()
}

// batch builds jobs side by side.
func (r *Run) batch(ctx context.Context, jobs []*Job, n int, work string) error {
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(n)
	for k, j := range jobs {
		g.Go(func() error {
			o, err := r.one(ctx, j, filepath.Join(work, fmt.Sprint(k)))
			if err != nil {
				return err
			}
			i := done.Add(1)
			r.mu.Lock()
			defer r.mu.Unlock()
			if o != nil {
				r.Outcomes = append(r.Outcomes, o)
				r.Events.Done(int(i), len(jobs), o)
			}
			return nil
		})
	}
	return g.Wait()
}

// newestFirst holds back the jobs of sources of which nobody knows yet whether
// they are pure, but for the one with the newest Python: if that comes out pure,
// it serves all targets and the others need not be built.
func newestFirst(jobs []*Job) (first, rest []*Job) {
	for _, j := range jobs {
		newer := func(k *Job) bool {
			c := k.target.Version().Compare(j.target.Version())
			return k.same(j) && k != j && (c > 0 || c == 0 && k.Row.Name < j.Row.Name)
		}
		if j.Package.KindOf(j.Row) == lock.Unknown && slices.ContainsFunc(jobs, newer) {
			rest = append(rest, j)
			continue
		}
		first = append(first, j)
	}
	return first, rest
}

// settle points the outcomes at the lock's own packages and rows, which from now
// on nothing replaces.
func (r *Run) settle() error {
	for _, o := range r.Outcomes {
		p, w := o.Job.live(r.Lock)
		if p == nil {
			return fmt.Errorf("%s %s is gone from the lock", o.Job.Package.Name, o.Job.Package.Version)
		}
		o.Job.Package, o.Job.Row = p, w
		if r.Lock.Recipe(o.row.Recipe) == nil {
			// Another row of the same recipe needed more and has a new one; this
			// wheel was made by the old, so it stays.
			r.Lock.Recipes = append(r.Lock.Recipes, o.Recipe)
		}
	}
	return nil
}
