// Package rebuild makes the wheels of a lock from their locked sources: jobs in,
// outcomes out.
//
// A [Job] is one wheel row to build. [Run.Build] finds a target that this machine
// can build it for, builds it as often as asked and requires equal bytes, extends
// recipes by what backends ask for while they run, and compares each wheel with the
// published ones. A job that fails becomes a [Failure] and stops no other. Then
// [Run.Apply] puts files into the wheelhouse and hashes into the lock's rows.
//
// The package prints nothing and states nothing: the caller hears of progress by
// [Events], and makes statements of the outcomes.
package rebuild

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A Builder runs one recipe once: a *build.Builder or a fake.
type Builder interface {
	Build(context.Context, build.Job) (*build.Result, error)
	Metadata(context.Context, build.Job) ([]byte, error)
	CanBuild(ctx context.Context, t tags.Target, tag string, native bool) error
	Variations(ctx context.Context, rec *lock.Recipe, place string) (build.Variations, []build.NotVaried)
}

// Files finds locked files.
type Files interface {
	// Get returns the path of a file with exactly that hash. places are paths
	// below the wheelhouse where it may lie.
	Get(ctx context.Context, project, file, sha256 string, places ...string) (string, error)
	// Source is the index: for what no lock names yet.
	Source() (recipe.Source, error)
}

// Events hears of what happens, while it happens and from several goroutines.
type Events interface {
	// Extended: the backend of a job asked for more, and the recipe pins it now.
	Extended(j *Job, requires []string)
	// Begin: a job is begun.
	Begin(j *Job)
	// Done: the i-th of n jobs has come to its end. o is nil where it was not
	// built: it cannot be here, or need not be any more.
	Done(i, n int, j *Job, o *Outcome)
}

// A Run builds the jobs of one lock. Its fields up to Finding are set by the
// caller and not changed while it runs.
type Run struct {
	Builder Builder
	Files   Files
	Events  Events
	Lock    *lock.Lock // recipes and rows are changed in it
	Dir     string     // for the wheels until Apply has put them away; the caller removes it
	Check   int        // how often each is built, with equal bytes; at least 1
	Jobs    int        // at a time; 0: one a processor
	Memory  int64      // bytes that all builds at a time may take, as reckoned; 0: unlimited
	// TakeUpstream is policy.wheels = "build-unless-reproducible": a published
	// file that installs the same bytes is locked in the place of ours.
	TakeUpstream bool
	// Supersede builds again with the tools that are here what a recipe says was built
	// with others.
	Supersede bool
	// KeepCrates puts the Rust crates that wheels were built with into the wheelhouse.
	KeepCrates bool
	Settings   recipe.Settings // the user's, which the lock's recipes follow
	// Finding says whether an error is about the package rather than about this
	// machine or the index, and what to do about it.
	Finding func(error) (hint string, ok bool)

	mu       sync.Mutex        // guards Lock (recipes that grow) and what follows
	made     map[string]string // path of a tool's wheel that was built in this run, by its hash
	Outcomes []*Outcome        // in the order of the lock, once Build has returned
	Failures []Failure
	ended    int // jobs
}

// An Outcome is what a job led to. Where it failed, Failure is set and what was not
// reached is empty.
type Outcome struct {
	Job     *Job
	Target  tags.Target // it was built for
	Recipe  lock.Recipe
	Result  *build.Result
	SHA256  string
	Size    int64
	Content string
	Times   int // built with the same bytes
	// What was different in each build but the first, and what of a wish could not be.
	Varied    build.Variations
	NotVaried []build.NotVaried
	Compared  []Compared
	Failure   *Failure
	// Why is what the recipe assumes that the planned one did not; "" where the
	// planned one came closest to what is published.
	Why string
	// Seed is set for a build tool whose published wheel differs from ours and was used
	// to build it: it cannot be replaced.
	Seed      bool
	Vendored  []byte // list of the crates that it was built with, likewise; nil: none
	Container []byte // text of the recipe's container, to be kept as evidence; nil: none

	// Superseded is why the bytes may be others than those that the lock had: the
	// toolchain of then is gone. "" where it is not.
	Superseded string

	Against *Compared // of Again: the locked file, where what was built is another

	Locked string // of Reproduce: the locked file, built or proven by what was built

	anyTools bool       // the recipe's toolchain need not be the one here
	row      lock.Wheel // as it stood when the job began, by the recipe that it has now
}

// Seconds is how long the build took.
func (o *Outcome) Seconds() float64 {
	if o.Result == nil {
		return 0
	}
	return o.Result.Elapsed.Seconds()
}

// Compared is our wheel beside one published one.
type Compared struct {
	Upstream lock.Upstream // a row of the lock, or one to be added
	Path     string
	Result   *compare.Result
}

// Same reports whether the published file installs what ours does.
func (c *Compared) Same() bool { return c.Result.Verdict != compare.Differs }

// Words of failures, as build statements have them.
const (
	BuildError         = "build-error"
	NotReproducible    = "not-reproducible"
	UnlockedDependency = "unlocked-dependency"
	ToolchainGone      = "toolchain-gone" // never stated: it is a fact about a machine
)

// A Failure is a row that was not built.
type Failure struct {
	Package, Version string
	Targets          []string
	Word             string // one of the words; "" where it was not tried
	Why              string
	Log              []byte // of the build, if there was one
	// Elsewhere is set when nothing is wrong but that this machine cannot do it.
	Elsewhere bool
	Hint      string
	// DependsOn is what a wheel that is not reproducible depends on; empty where it
	// differs with nothing varied.
	DependsOn []build.Variations
}

// tailLines of a log are enough to see what went wrong, mostly.
const tailLines = 12

// Text is Why with the end of the log, or all of it.
func (f *Failure) Text(whole bool) string {
	lines := strings.Split(strings.TrimRight(string(f.Log), "\n"), "\n")
	if len(lines) > tailLines && !whole {
		lines = lines[len(lines)-tailLines:]
	}
	log := strings.Join(lines, "\n")
	if strings.TrimSpace(log) == "" {
		return f.Why
	}
	return f.Why + "\n" + log
}

// A NoRecipeError is a row whose recipe the lock does not hold.
type NoRecipeError struct {
	Digest, Package, Version string
}

func (e *NoRecipeError) Error() string {
	return fmt.Sprintf("the lock has no recipe %s for %s %s", e.Digest, e.Package, e.Version)
}

// Hint is what mends it.
func (e *NoRecipeError) Hint() string { return "wheellock lock" }
