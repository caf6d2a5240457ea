package rebuild

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// placeAll takes the jobs out that this machine cannot do, before any is begun.
func (r *Run) placeAll(ctx context.Context, jobs []*Job) ([]*Job, error) {
	var here []*Job
	for _, j := range jobs {
		rec := r.Lock.Recipe(j.Row.Recipe)
		if rec == nil {
			return nil, &NoRecipeError{j.Row.Recipe, j.Package.Name, j.Package.Version}
		}
		var no *build.NoPlaceError
		target, err := r.place(ctx, j, rec)
		if errors.As(err, &no) {
			r.elsewhere(j, no)
			continue
		}
		if err != nil {
			return nil, err
		}
		j.target = target
		here = append(here, j)
	}
	return here, nil
}

// place picks the target that the row is built for: the newest of its targets
// that this machine can build for by the recipe's Python.
func (r *Run) place(ctx context.Context, j *Job, rec *lock.Recipe) (tags.Target, error) {
	kind := j.Package.KindOf(j.Row)
	var first error
	names := r.Lock.WheelTargets(j.Package, j.Row)
	for k := len(names) - 1; k >= 0; k-- {
		t, err := Target(r.Lock, names[k])
		if err != nil {
			return t, err
		}
		if t.PythonTag() != rec.Python && kind == lock.Pure {
			continue
		}
		if err := r.Builder.CanBuild(ctx, t, rec.Python, kind == lock.Native); err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		return t, nil
	}
	if first == nil {
		first = &build.NoPlaceError{Target: names[0], Why: "no target of the lock has the recipe's Python " + rec.Python}
	}
	return tags.Target{}, first
}

// Target is the environment of a locked target.
func Target(l *lock.Lock, name string) (tags.Target, error) {
	t := l.Target(name)
	if t == nil {
		return tags.Target{}, fmt.Errorf("target %s is not in the lock", name)
	}
	return tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
}

func (r *Run) elsewhere(j *Job, no *build.NoPlaceError) {
	r.untried(j, Failure{Why: no.Why + "\n- " + strings.Join(no.Ways, "\n- "), Elsewhere: true, Hint: no.Hint()})
}

// untried records why a job was not even begun.
func (r *Run) untried(j *Job, f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Package, f.Version, f.Targets = j.Package.Name, j.Package.Version, r.Lock.WheelTargets(j.Package, j.Row)
	r.Failures = append(r.Failures, f)
}
