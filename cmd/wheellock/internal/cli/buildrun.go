package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// buildRun is one run of the verb build: jobs in, files, rows and statements out.
type buildRun struct {
	*session
	library *library
	lock    *lock.Lock
	check   int

	mu       sync.Mutex // guards lock (recipes that grow) and what follows
	outcomes []*outcome
	built    []builtWheel
	failed   []failedWheel
}

// An outcome is what a job led to.
type outcome struct {
	job      *buildJob
	target   tags.Target // it was built for
	recipe   lock.Recipe
	result   *build.Result
	sha256   string
	size     int64
	content  string
	times    int
	compared []compared
	failed   string // one word, set when it was tried and did not work
	why      string
	row      lock.Wheel
}

// compared is our wheel beside one published one.
type compared struct {
	up     lock.Upstream // a row of the lock, or one to be added
	path   string
	result *compare.Result
}

// builder makes the builder for this machine.
func (s *session) builder() *build.Builder {
	s.builderOnce.Do(func() {
		cache, err := s.cache()
		if err != nil {
			cache = os.TempDir()
		}
		bwrap, _ := exec.LookPath("bwrap")
		s.theBuilder = &build.Builder{
			Cache: filepath.Join(cache, "build"), Bwrap: bwrap, Time: s.Limits.Build,
			Interpreters: &build.Interpreters{Search: s.interpreterFolders()},
		}
	})
	return s.theBuilder
}

// interpreterFolders lists where Pythons may be: the system's own first, since a
// distribution's interpreter is what a target of its name has; then PATH; then
// what version managers keep.
func (s *session) interpreterFolders() []string {
	out := []string{"/usr/bin", "/usr/local/bin"}
	for _, d := range filepath.SplitList(s.Getenv("PATH")) {
		if filepath.IsAbs(d) {
			out = append(out, d)
		}
	}
	home := s.Getenv("HOME")
	root := s.Getenv("PYENV_ROOT")
	if root == "" && home != "" {
		root = filepath.Join(home, ".pyenv")
	}
	for _, pattern := range []string{
		filepath.Join(root, "versions", "*", "bin"),
		filepath.Join(home, ".local", "share", "uv", "python", "*", "bin"),
	} {
		found, _ := filepath.Glob(pattern)
		sort.Strings(found)
		out = append(out, found...)
	}
	return out
}

// all builds the jobs side by side. A job that fails does not stop the others;
// only the environment's failures and an interrupt end the run.
func (r *buildRun) all(ctx context.Context, jobs []*buildJob) error {
	if err := durable.MkdirAll(r.builder().Cache, 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(r.builder().Cache, ".out-")
	if err != nil {
		return err
	}
	r.temp = append(r.temp, work)
	n := r.jobs
	if n == 0 {
		n = runtime.NumCPU()
	}
	if jobs, err = r.placeAll(ctx, jobs); err != nil {
		return err
	}
	first, rest := newestFirst(jobs)
	if err := r.batch(ctx, first, n, filepath.Join(work, "1")); err != nil {
		return err
	}
	rest = slices.DeleteFunc(rest, func(j *buildJob) bool {
		return slices.ContainsFunc(r.outcomes, func(o *outcome) bool {
			return o.job.same(j) && o.failed == "" && !o.result.Native
		})
	})
	if err := r.batch(ctx, rest, n, filepath.Join(work, "2")); err != nil {
		return err
	}
	// In the order of the lock, whatever finished first.
	slices.SortStableFunc(r.outcomes, func(a, b *outcome) int {
		if c := strings.Compare(a.job.pkg.Name, b.job.pkg.Name); c != 0 {
			return c
		}
		return strings.Compare(a.job.pkg.Version+a.job.row.Name+a.target.Name, b.job.pkg.Version+b.job.row.Name+b.target.Name)
	})
	return r.settle()
}

// batch builds jobs side by side.
func (r *buildRun) batch(ctx context.Context, jobs []*buildJob, n int, work string) error {
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
				r.outcomes = append(r.outcomes, o)
				r.progress(i, len(jobs), o)
			}
			return nil
		})
	}
	return g.Wait()
}

// newestFirst holds back the jobs of sources of which nobody knows yet whether
// they are pure, but for the one with the newest Python: if that comes out pure,
// it serves all targets and the others need not be built.
func newestFirst(jobs []*buildJob) (first, rest []*buildJob) {
	for _, j := range jobs {
		newer := func(k *buildJob) bool {
			c := k.target.Version().Compare(j.target.Version())
			return k.same(j) && k != j && (c > 0 || c == 0 && k.row.Name < j.row.Name)
		}
		if j.pkg.KindOf(j.row) == lock.Unknown && slices.ContainsFunc(jobs, newer) {
			rest = append(rest, j)
			continue
		}
		first = append(first, j)
	}
	return first, rest
}

// same reports whether two jobs are for one version of one package.
func (j *buildJob) same(k *buildJob) bool {
	return j.pkg.Name == k.pkg.Name && j.pkg.Version == k.pkg.Version
}

// settle points the outcomes at the lock's own packages and rows, which from now
// on nothing replaces.
func (r *buildRun) settle() error {
	for _, o := range r.outcomes {
		p, w := o.job.live(r.lock)
		if p == nil {
			return fmt.Errorf("%s %s is gone from the lock", o.job.pkg.Name, o.job.pkg.Version)
		}
		o.job.pkg, o.job.row = p, w
		if r.lock.Recipe(o.row.Recipe) == nil {
			// Another row of the same recipe needed more and has a new one; this
			// wheel was made by the old, so it stays.
			r.lock.Recipes = append(r.lock.Recipes, o.recipe)
		}
	}
	return nil
}

// recipe is the one that the job's row has now.
func (r *buildRun) recipe(j *buildJob) (lock.Recipe, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, w := j.live(r.lock); w != nil {
		if rec := r.lock.Recipe(w.Recipe); rec != nil {
			return *rec, nil
		}
	}
	return lock.Recipe{}, finding("wheellock lock", "the lock has no recipe %s for %s %s", j.row.Recipe, j.pkg.Name, j.pkg.Version)
}

func (r *buildRun) progress(i int64, n int, o *outcome) {
	if r.quiet || r.noProgress || r.json && !r.errStyle.Live {
		return
	}
	state := fmt.Sprintf("%.1f s", o.seconds())
	if o.failed != "" {
		state = "failed"
	}
	fmt.Fprintf(r.Err, "[%d/%d] %s %s for %s  %s\n", i, n, o.job.pkg.Name, o.job.pkg.Version, o.target.Name, state)
}

func (o *outcome) seconds() float64 {
	if o.result == nil {
		return 0
	}
	return o.result.Elapsed.Seconds()
}

// one builds one row. The error is for failures that end the run; a finding
// about this package is an outcome with failed set.
func (r *buildRun) one(ctx context.Context, j *buildJob, dir string) (*outcome, error) {
	rec, err := r.recipe(j)
	if err != nil {
		return nil, err
	}
	o := &outcome{job: j, target: j.target, recipe: rec, row: *j.row}
	o.row.Recipe = rec.Digest
	var no *build.NoPlaceError
	if err := r.repeat(ctx, o, dir); err != nil {
		if errors.As(err, &no) {
			r.elsewhere(j, no)
			return nil, nil
		}
		var bad *build.Error
		var arch *archive.Error
		if errors.As(err, &bad) {
			why, hint := r.because(bad)
			r.fail(o, "build-error", why, hint)
			return o, nil
		}
		if errors.As(err, &arch) {
			r.fail(o, "build-error", err.Error(), "the source is not one that a build may unpack: wheellock remove "+j.pkg.Name+", or another version")
			return o, nil
		}
		var unplanned *recipe.PackageError
		if e := classify(err); errors.As(err, &unplanned) && ctx.Err() == nil && e.Code == Finding {
			// What its backend asks for cannot be had: the others still can be built.
			r.fail(o, "build-error", err.Error(), e.Hint)
			return o, nil
		}
		return nil, err
	}
	if o.failed != "" {
		return o, nil
	}
	why, err := r.unlocked(j.pkg, o.result.Path, r.lock.WheelTargets(j.pkg, j.row))
	if err != nil {
		return nil, err
	}
	if why != "" {
		r.fail(o, "unlocked-dependency", why, unlockedHint)
		return o, nil
	}
	return o, r.compare(ctx, o)
}

// because says why a build did not work: in a sentence where its log tells, then
// the end of the log, or with --verbose all of it.
func (r *buildRun) because(bad *build.Error) (why, hint string) {
	name, _, _ := strings.Cut(bad.Package, " ")
	head := "building " + bad.Package + ": " + bad.Why
	cause, hint := bad.Diagnosis()
	if cause != "" {
		head += ": " + cause
	}
	if hint == "" {
		hint = "wheellock build " + name + " --verbose"
	}
	_, log, _ := strings.Cut(bad.Error(), "\n")
	if r.verbose {
		log = string(bad.Log)
	}
	if strings.TrimSpace(log) == "" {
		return head, hint
	}
	return head + "\n" + strings.TrimRight(log, "\n"), hint
}

// placeAll takes the jobs out that this machine cannot do, before any is begun.
func (r *buildRun) placeAll(ctx context.Context, jobs []*buildJob) ([]*buildJob, error) {
	var here []*buildJob
	for _, j := range jobs {
		rec := r.lock.Recipe(j.row.Recipe)
		if rec == nil {
			return nil, finding("wheellock lock", "the lock has no recipe %s for %s %s", j.row.Recipe, j.pkg.Name, j.pkg.Version)
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
func (r *buildRun) place(ctx context.Context, j *buildJob, rec *lock.Recipe) (tags.Target, error) {
	kind := j.pkg.KindOf(j.row)
	var first error
	names := r.lock.WheelTargets(j.pkg, j.row)
	for k := len(names) - 1; k >= 0; k-- {
		t, err := r.target(names[k])
		if err != nil {
			return t, err
		}
		if t.PythonTag() != rec.Python && kind == lock.Pure {
			continue
		}
		if err := r.builder().CanBuild(ctx, t, rec.Python, kind == lock.Native); err != nil {
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

// target is the environment of a locked target.
func (s *session) target(name string) (tags.Target, error) {
	t := s.locked.Target(name)
	if t == nil {
		return tags.Target{}, usage("target %s is not in the lock; it covers %s", name, strings.Join(targetNames(s.locked), ", "))
	}
	return tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
}

// repeat builds check times and requires equal bytes.
func (r *buildRun) repeat(ctx context.Context, o *outcome, dir string) error {
	for n := range r.check {
		res, err := r.run(ctx, o, filepath.Join(dir, fmt.Sprint(n)), n)
		if err != nil {
			return err
		}
		hash, err := mirror.HashFile(res.Path)
		if err != nil {
			return err
		}
		if n == 0 {
			info, err := os.Stat(res.Path)
			if err != nil {
				return err
			}
			o.result, o.sha256, o.size = res, hash, info.Size()
			if o.content, err = archive.Content(res.Path); err != nil {
				return err
			}
		} else if hash != o.sha256 {
			d, err := compare.Wheels(res.Path, o.result.Path)
			if err != nil {
				return err
			}
			r.fail(o, "not-reproducible", fmt.Sprintf("build %d came out different from build 1:\n%s", n+1, strings.Join(d.Lines, "\n")),
				`what differs is said above: tell the project, or take the published wheel with policy.wheels = "upstream"`)
			return nil
		}
		o.times = n + 1
	}
	return nil
}

// run is one build; where the backend asks for more than the recipe pins, the
// recipe is extended and the build begins again.
func (r *buildRun) run(ctx context.Context, o *outcome, dir string, variation int) (*build.Result, error) {
	var res *build.Result
	err := r.attempt(ctx, o, dir, func(j build.Job) (err error) {
		j.Variation = variation
		res, err = r.builder().Build(ctx, j)
		return err
	})
	return res, err
}

// attempt prepares a job and gives it to work, again after each time that the
// backend asked for more.
func (r *buildRun) attempt(ctx context.Context, o *outcome, dir string, work func(build.Job) error) error {
	p := o.job.pkg
	sdist, err := r.library.get(ctx, p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for n := 0; ; n++ {
		reqs, err := r.requirements(ctx, &o.recipe)
		if err != nil {
			return err
		}
		err = work(build.Job{
			Name: p.Name, Version: p.Version, Recipe: &o.recipe, Sdist: sdist, Requires: reqs, Target: o.target, Into: dir,
		})
		var more *build.RequiresError
		if !errors.As(err, &more) || n == 3 {
			return err
		}
		if err := r.extend(ctx, o, more.Requires); err != nil {
			return err
		}
	}
}

// extend pins what the backend asked for. All rows of the recipe get the new one.
func (r *buildRun) extend(ctx context.Context, o *outcome, requires []string) error {
	client, err := r.library.client()
	if err != nil {
		return err
	}
	now, err := r.recipe(o.job)
	if err != nil {
		return err
	}
	if now.Digest != o.recipe.Digest { // another row of the same recipe asked first
		o.recipe, o.row.Recipe = now, now.Digest
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	digest, err := recipe.Extend(ctx, client, r.lock, o.recipe.Digest, o.target, requires)
	if err != nil {
		return err
	}
	r.say("%s %s: its backend also asks for %s; the recipe pins it now", o.job.pkg.Name, o.job.pkg.Version, strings.Join(requires, ", "))
	o.recipe = *r.lock.Recipe(digest)
	o.row.Recipe = digest
	return nil
}

// requirements fetches the wheels that the recipe pins.
func (r *buildRun) requirements(ctx context.Context, rec *lock.Recipe) ([]build.Requirement, error) {
	var out []build.Requirement
	for _, b := range rec.BuildRequires {
		r.mu.Lock()
		file := r.wheelName(b)
		r.mu.Unlock()
		path, err := r.library.get(ctx, b.Name, file, b.SHA256)
		if err != nil {
			return nil, fileError("fetching build requirement "+b.Name+" "+b.Version, err)
		}
		out = append(out, build.Requirement{Name: b.Name, Version: b.Version, SHA256: b.SHA256, Path: path})
	}
	return out, nil
}

// wheelName finds the locked file of a build requirement.
func (r *buildRun) wheelName(b lock.BuildRequire) string {
	for _, p := range r.lock.Packages {
		for _, w := range p.Wheels {
			if w.SHA256 == b.SHA256 {
				return w.Name
			}
		}
	}
	return b.Name + "-" + b.Version
}

// compare sets the verdict against each published wheel that the row's targets
// would take.
func (r *buildRun) compare(ctx context.Context, o *outcome) error {
	p := o.job.pkg
	targets := r.lock.WheelTargets(p, &o.row)
	for k := range p.Upstream {
		up := &p.Upstream[k]
		if !overlap(r.lock.UpstreamTargets(p, up), targets) {
			continue
		}
		path, err := r.library.get(ctx, p.Name, up.Name, up.SHA256, r.wheelPlaces(p, up.Name)...)
		if err != nil {
			return fileError("fetching upstream's "+up.Name, err)
		}
		res, err := compare.Wheels(o.result.Path, path)
		if err != nil {
			return fileError("comparing with upstream's "+up.Name, err)
		}
		o.compared = append(o.compared, compared{up: *up, path: path, result: res})
	}
	return r.compareNamesake(ctx, o)
}

// compareNamesake also looks for a published file of exactly the name that was
// built: an installer would take another one on the target, but ours may be the
// same as this one (pure where upstream also has native files).
func (r *buildRun) compareNamesake(ctx context.Context, o *outcome) error {
	p := o.job.pkg
	if slices.ContainsFunc(o.compared, func(c compared) bool { return c.up.Name == o.result.File || c.same() }) {
		return nil
	}
	client, err := r.library.client()
	if err != nil {
		return err
	}
	page, err := client.Page(ctx, p.Name)
	if err != nil {
		// Nothing rests on it; offline builds do without.
		return nil
	}
	for _, f := range page.Files {
		if f.Name != o.result.File || f.SHA256 == "" {
			continue
		}
		path, err := client.Fetch(ctx, f)
		if err != nil {
			return fileError("fetching upstream's "+f.Name, err)
		}
		res, err := compare.Wheels(o.result.Path, path)
		if err != nil {
			return fileError("comparing with upstream's "+f.Name, err)
		}
		o.compared = append(o.compared, compared{path: path, result: res, up: lock.Upstream{
			Name: f.Name, Size: f.Size, SHA256: f.SHA256, Targets: r.lock.WheelTargets(p, &o.row), Verdict: lock.VerdictUntried,
		}})
	}
	return nil
}

func (c *compared) same() bool { return c.result.Verdict != compare.Differs }

func (r *buildRun) wheelPlaces(p *lock.Package, file string) []string {
	places := []string{mirror.Wheel(file, mirror.AnyFolder)}
	for _, t := range r.lock.TargetsOf(p) {
		places = append(places, mirror.Wheel(file, t))
	}
	return places
}

func (r *buildRun) elsewhere(j *buildJob, no *build.NoPlaceError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, failedWheel{
		Package: j.pkg.Name, Version: j.pkg.Version, Targets: r.lock.WheelTargets(j.pkg, j.row),
		Why: no.Why + "\n- " + strings.Join(no.Ways, "\n- "), Elsewhere: true, Hint: no.Hint(),
	})
}

func (r *buildRun) fail(o *outcome, word, why, hint string) {
	o.failed, o.why = word, why
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, failedWheel{
		Package: o.job.pkg.Name, Version: o.job.pkg.Version, Targets: r.lock.WheelTargets(o.job.pkg, o.job.row),
		Why: why, Hint: hint,
	})
}
