package rebuild

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/lock"
)

// Build builds the jobs side by side. A job that fails does not stop the others;
// only the environment's failures and an interrupt end the run.
func (r *Run) Build(ctx context.Context, jobs []*Job) error {
	jobs, err := r.placeAll(ctx, jobs)
	if err != nil {
		return err
	}
	newestFirst(jobs)
	r.stages(jobs)
	if err := r.each(ctx, jobs, r.one); err != nil {
		return err
	}
	return r.settle()
}

// each does a step for each job, as many at a time as there are processors and
// memory, each after those that it waits for.
func (r *Run) each(ctx context.Context, jobs []*Job, step func(context.Context, *Job, string) (*Outcome, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := &queue{waiting: slices.Clone(jobs), done: map[*Job]bool{}, room: r.Memory}
	q.changed.L = &q.mu
	// Long ones first: what is left at the end is short, and all processors work.
	for _, j := range jobs {
		j.weight = r.weigh(j)
	}
	slices.SortStableFunc(q.waiting, func(a, b *Job) int { return cmp.Compare(b.weight, a.weight) })
	stop := context.AfterFunc(ctx, func() { q.mu.Lock(); q.ended = true; q.mu.Unlock(); q.changed.Broadcast() })
	defer stop()
	var wg sync.WaitGroup
	for range min(cmp.Or(r.Jobs, runtime.NumCPU()), len(jobs)) {
		wg.Go(func() {
			for {
				j := q.take()
				if j == nil {
					return
				}
				if err := r.step(ctx, j, len(jobs), slices.Index(jobs, j), step); err != nil {
					cancel(err)
				}
				q.finish(j)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// In the order of the lock, whatever finished first.
	slices.SortStableFunc(r.Outcomes, func(a, b *Outcome) int {
		return cmp.Or(strings.Compare(a.Job.Package.Name, b.Job.Package.Name),
			strings.Compare(a.Job.Package.Version+a.Job.Row.Name+a.Target.Name, b.Job.Package.Version+b.Job.Row.Name+b.Target.Name))
	})
	return nil
}

// step does one job, unless a wheel that came out in the meantime serves its
// targets too, or something that it needs did not come out.
func (r *Run) step(ctx context.Context, j *Job, n, k int, step func(context.Context, *Job, string) (*Outcome, error)) error {
	var o *Outcome
	var err error
	if why := r.lacking(j); why != "" {
		r.untried(j, Failure{Why: why, Hint: "wheellock build --missing, once that is built"})
	} else if !r.served(j) {
		r.Events.Begin(j)
		o, err = step(ctx, j, filepath.Join(r.Dir, fmt.Sprint(k)))
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended++
	if o != nil {
		r.Outcomes = append(r.Outcomes, o)
	}
	r.Events.Done(r.ended, n, j, o)
	return nil
}

// newestFirst holds back the jobs of sources of which nobody knows yet whether
// they are pure, but for the one with the newest Python: if that comes out pure,
// it serves all targets and the others need not be built.
func newestFirst(jobs []*Job) {
	for _, j := range jobs {
		if j.Package.KindOf(j.Row) != lock.Unknown {
			continue
		}
		for _, k := range jobs {
			c := k.target.Version().Compare(j.target.Version())
			if k.same(j) && k != j && (c > 0 || c == 0 && k.Row.Name < j.Row.Name) {
				j.after = append(j.after, k)
			}
		}
	}
}

// served reports whether a job was held back for one that came out pure.
func (r *Run) served(j *Job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.Outcomes, func(o *Outcome) bool {
		return o.Job.same(j) && slices.Contains(j.after, o.Job) && o.Failure == nil && !o.Result.Native
	})
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
		o.noteTools()
		o.noteCrates()
		if r.Lock.Recipe(o.row.Recipe) == nil {
			// Its toolchain is known now; or another row of the same recipe needed more
			// and has a new one, and this wheel was made by the old, so it stays.
			r.Lock.Recipes = append(r.Lock.Recipes, o.Recipe)
		}
	}
	return nil
}
