package rebuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// takeUpstream is the way out where a build cannot be had.
const takeUpstream = `take the published wheel with policy.wheels = "upstream"`

// maxAsks is how often a backend may ask for more than the recipe pins.
const maxAsks = 3

// one builds one row. The error is for failures that end the run; a finding
// about this package is an outcome with Failure set. Both are nil where the job
// can only be done elsewhere.
func (r *Run) one(ctx context.Context, j *Job, dir string) (*Outcome, error) {
	rec, err := r.recipe(j)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Job: j, Target: j.target, Recipe: rec, row: *j.Row}
	o.row.Recipe = rec.Digest
	o.anyTools = r.Supersede || j.Row.Missing()
	if res, err := r.run(ctx, o, filepath.Join(dir, "0"), build.Varied{}); err != nil {
		return r.without(ctx, o, err)
	} else if err := o.take(res); err != nil {
		return nil, err
	}
	o.Times = 1
	why, err := Unlocked(r.Lock, j.Package, o.Result.Path, r.Lock.WheelTargets(j.Package, j.Row))
	if err != nil {
		return nil, err
	}
	if why != "" {
		r.fail(o, Failure{Word: UnlockedDependency, Why: why, Hint: UnlockedHint, Log: o.Result.Log})
		return o, nil
	}
	if err := r.compare(ctx, o); err != nil {
		return nil, err
	}
	if err := r.search(ctx, o, dir); err != nil {
		return nil, err
	}
	if err := r.copyContainer(ctx, o); err != nil {
		return nil, err
	}
	if err := r.repeat(ctx, o, dir); err != nil {
		return r.without(ctx, o, err)
	}
	r.tool(o)
	return o, nil
}

// without is what one returns for a wheel that was not built.
func (r *Run) without(ctx context.Context, o *Outcome, err error) (*Outcome, error) {
	var no *build.NoPlaceError
	if errors.As(err, &no) {
		r.elsewhere(o.Job, no)
		return nil, nil
	}
	var tree *build.TreeError
	if errors.As(err, &tree) {
		r.elsewhere(o.Job, &build.NoPlaceError{Target: o.Target.Name, Why: tree.Error(), Ways: []string{tree.Fix}})
		return nil, nil
	}
	var gone *build.GoneError
	if errors.As(err, &gone) {
		// Nothing was tried, so there is nothing to state.
		r.fail(o, Failure{Word: ToolchainGone, Why: gone.Error(), Hint: gone.Hint()})
		return nil, nil
	}
	f := r.failure(ctx, o.Job, err)
	if f == nil {
		return nil, err
	}
	r.fail(o, *f)
	return o, nil
}

// failure makes a failure of an error that is a finding about the package; nil of
// any other.
func (r *Run) failure(ctx context.Context, j *Job, err error) *Failure {
	var bad *build.Error
	if errors.As(err, &bad) {
		return because(bad)
	}
	var arch *archive.Error
	if errors.As(err, &arch) {
		return &Failure{Word: BuildError, Why: err.Error(),
			Hint: "the source is not one that a build may unpack: wheellock remove " + j.Package.Name + ", or another version"}
	}
	var unplanned *recipe.PackageError
	if errors.As(err, &unplanned) && ctx.Err() == nil {
		// What its backend asks for cannot be had: the others still can be built.
		if hint, ok := r.Finding(err); ok {
			return &Failure{Word: BuildError, Why: err.Error(), Hint: hint}
		}
	}
	return nil
}

// because says why a build did not work, in a sentence where its log tells.
func because(bad *build.Error) *Failure {
	name, _, _ := strings.Cut(bad.Package, " ")
	f := &Failure{Word: BuildError, Why: "building " + bad.Package + ": " + bad.Why, Log: bad.Log}
	cause, hint := bad.Diagnosis()
	if cause != "" {
		f.Why += ": " + cause
	}
	if f.Hint = hint; hint == "" {
		f.Hint = "wheellock build " + name + " --verbose"
	}
	return f
}

func (r *Run) fail(o *Outcome, f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Package, f.Version, f.Targets = o.Job.Package.Name, o.Job.Package.Version, r.Lock.WheelTargets(o.Job.Package, o.Job.Row)
	o.Failure = &f
	r.Failures = append(r.Failures, f)
}

// repeat builds again until it has been built as often as asked, each time under
// another variation, and requires equal bytes.
func (r *Run) repeat(ctx context.Context, o *Outcome, dir string) error {
	if r.Check < 2 {
		return nil
	}
	o.Varied, o.NotVaried = r.Builder.Variations(ctx, &o.Recipe, o.Result.Place)
	for n := 1; n < r.Check; n++ {
		v := &variety{run: r, o: o, dir: dir, round: n, trials: map[build.Variations]*trial{}}
		differs, err := v.differs(ctx, o.Varied)
		if err != nil {
			return err
		}
		if differs {
			f, err := v.explain(ctx, o.Varied)
			if err == nil {
				r.fail(o, f)
			}
			return err
		}
		o.Times = n + 1
	}
	return nil
}

// run is one build; where the backend asks for more than the recipe pins, the
// recipe is extended and the build begins again.
func (r *Run) run(ctx context.Context, o *Outcome, dir string, v build.Varied) (*build.Result, error) {
	var res *build.Result
	err := r.attempt(ctx, o, dir, func(j build.Job) (err error) {
		j.Vary = v
		res, err = r.Builder.Build(ctx, j)
		return err
	})
	if err == nil {
		err = r.contain(ctx, o, res)
	}
	return res, err
}

// Metadata asks the backend of one row for its METADATA, built for t in dir. No
// wheel is made where the backend can do without.
func (r *Run) Metadata(ctx context.Context, j *Job, t tags.Target, dir string) (text []byte, err error) {
	rec, err := r.recipe(j)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Job: j, Target: t, Recipe: rec, row: *j.Row}
	err = r.attempt(ctx, o, dir, func(job build.Job) (err error) {
		text, err = r.Builder.Metadata(ctx, job)
		return err
	})
	return text, err
}

// attempt prepares a job and gives it to work, again after each time that the
// backend asked for more.
func (r *Run) attempt(ctx context.Context, o *Outcome, dir string, work func(build.Job) error) error {
	p := o.Job.Package
	sdist, err := r.Files.Get(ctx, p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for n := 0; ; n++ {
		reqs, err := r.requirements(ctx, &o.Recipe)
		if err != nil {
			return err
		}
		rec := o.Recipe
		if o.anyTools {
			rec.Toolchain = nil
		}
		err = work(build.Job{
			Name: p.Name, Version: p.Version, Recipe: &rec, Sdist: sdist, Requires: reqs, Target: o.Target, Into: dir,
		})
		var more *build.RequiresError
		if !errors.As(err, &more) || n == maxAsks {
			return err
		}
		if err := r.extend(ctx, o, more.Requires); err != nil {
			return err
		}
	}
}

// extend pins what the backend asked for. All rows of the recipe get the new one.
func (r *Run) extend(ctx context.Context, o *Outcome, requires []string) error {
	source, err := r.Files.Source()
	if err != nil {
		return err
	}
	now, err := r.recipe(o.Job)
	if err != nil {
		return err
	}
	if now.Digest != o.Recipe.Digest { // another row of the same recipe asked first
		o.Recipe, o.row.Recipe = now, now.Digest
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	digest, err := recipe.Extend(ctx, source, r.Lock, o.Recipe.Digest, o.Target, requires)
	if err != nil {
		return err
	}
	if r.Events != nil {
		r.Events.Extended(o.Job, requires)
	}
	o.Recipe = *r.Lock.Recipe(digest)
	o.row.Recipe = digest
	return nil
}

// recipe is the one that the job's row has now.
func (r *Run) recipe(j *Job) (lock.Recipe, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, w := j.live(r.Lock); w != nil {
		if rec := r.Lock.Recipe(w.Recipe); rec != nil {
			return *rec, nil
		}
	}
	return lock.Recipe{}, &NoRecipeError{j.Row.Recipe, j.Package.Name, j.Package.Version}
}

// requirements fetches the wheels that the recipe pins.
func (r *Run) requirements(ctx context.Context, rec *lock.Recipe) ([]build.Requirement, error) {
	var out []build.Requirement
	for _, b := range rec.BuildRequires {
		path, err := r.toolFile(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("fetching build requirement %s %s: %w", b.Name, b.Version, err)
		}
		out = append(out, build.Requirement{Name: b.Name, Version: b.Version, SHA256: b.SHA256, Path: path})
	}
	return out, nil
}

// wheelName finds the locked file of a build requirement.
func (r *Run) wheelName(b lock.BuildRequire) string {
	for _, p := range r.Lock.Packages {
		for _, w := range p.Wheels {
			if w.SHA256 == b.SHA256 {
				return w.Name
			}
		}
	}
	return b.Name + "-" + b.Version
}
