// Package recipe writes down how each package of a lock is to be built so that,
// where that is possible at all, the bytes of the published wheel come out.
//
// A recipe fixes what a wheel's bytes depend on: source, backend, build
// requirements by hash, interpreter, SOURCE_DATE_EPOCH, umask and path. The
// source says some of it ([build-system], PEP 517 and 518). The rest is read off
// the published wheel, of which the last kilobytes suffice:
//
//   - The zip's times. All equal: that is the epoch. Unequal: none was set, and
//     the newest time in the sdist stands in, except for backends that without
//     an epoch keep the sdist's own times or constants (flit, poetry-core from
//     2.0): there setting one would change the bytes, and none is set.
//   - The mode of the WHEEL file, which the backend wrote under the publisher's
//     umask: 0664 means 002. Backends that normalise modes, and wheels made on
//     Windows, tell nothing: 022.
//   - WHEEL's Generator names the backend and its version. "bdist_wheel (0.37.1)"
//     is the version of the project wheel, which setuptools before 70.1 used.
//   - The upload time: what was published more than a day later was not in the
//     publisher's environment.
//   - METADATA: parentheses in Requires-Dist come from wheel before 0.39, also
//     where setuptools wrote the rest; a licence without a License-File line
//     from setuptools up to 56.2.0.
//
// For example click 8.5.1, a py3-none-any wheel by "flit 3.12.0" whose 22
// members all have the time 2026-11-06 06:25:42, gets
//
//	backend = "flit_core.buildapi"
//	build-requires = [{ name = "flit-core", version = "3.12.0", sha256 = "..." }]
//	python = "cp311"
//	epoch = { value = 1793946342, from = "upstream-zip" }
//	umask = "022"
//	build-path = "/build/click-8.5.1"
//	expect-tags = ["py3-none-any"]
//
// and its digest is the published wheel's, once built. Without a published wheel
// there is nothing to reproduce: the epoch is the sdist's newest time, and build
// requirements are the newest that the lock allows.
//
// A pure wheel is built once, by the newest Python that takes it; a native one
// by each target. Build requirements become packages of group "build" in the
// lock, pinned by hash, origin upstream. What a backend's hooks ask for is known
// only while building: see [Extend].
package recipe

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
)

// DefaultGrace is how long after the published wheel a build requirement may
// have been uploaded: clocks differ and releases of several projects overlap.
const DefaultGrace = 24 * time.Hour

// DefaultJobs is how many packages are planned side by side.
const DefaultJobs = 8

// MaxRequires is the most build requirements that one source may name.
const MaxRequires = 200

// Options of Plan.
type Options struct {
	Prev  *lock.Lock    // the lock before; packages that did not change keep its recipes. nil: none
	Jobs  int           // 0: DefaultJobs
	Grace time.Duration // 0: DefaultGrace
	Notes *[]Note       // where remarks go, in a fixed order; nil: nowhere
	// BuildTools is policy.build-requirements = "build": build tools get recipes too.
	BuildTools bool
	// Settings are the user's; a recipe of before that does not follow them is made anew,
	// and its wheel is to be built again.
	Settings Settings
}

// Note is a remark on how a recipe was come by, for people.
type Note struct {
	Package, Version string
	Target           string // that builds it
	Text             string // "no published wheel: the newest build requirements are used"
}

// PackageError says why a package got no recipe.
type PackageError struct {
	Package, Version, Target string
	Err                      error
}

func (e *PackageError) Error() string {
	return fmt.Sprintf("planning the build of %s %s for %s: %s", e.Package, e.Version, e.Target, e.Why())
}

// Why is the cause in one line. Of a conflict it has the facts alone: the ways
// out that the resolver found are about requirements of the source, which nobody
// but its author can change.
func (e *PackageError) Why() string {
	var conflict *resolve.ConflictError
	if !errors.As(e.Err, &conflict) {
		return e.Err.Error()
	}
	var facts []string
	for _, x := range conflict.Explanations {
		if len(x.Facts) == 1 {
			facts = append(facts, x.Facts...)
			continue
		}
		for i, f := range x.Facts {
			facts = append(facts, fmt.Sprintf("(%d) %s", i+1, f))
		}
	}
	return "its build requirements cannot be met: " + strings.TrimSuffix(strings.Join(facts, " "), ".")
}

// Unwrap gives the cause.
func (e *PackageError) Unwrap() error { return e.Err }

// IncompleteError lists the packages for which no recipe was found. The lock
// that Plan filled is sound: their rows stay without a recipe, as wheels still
// to be built may.
type IncompleteError struct{ Packages []*PackageError }

func (e *IncompleteError) Error() string {
	lines := make([]string, len(e.Packages))
	for i, p := range e.Packages {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors of the packages.
func (e *IncompleteError) Unwrap() []error {
	errs := make([]error, len(e.Packages))
	for i, p := range e.Packages {
		errs[i] = p
	}
	return errs
}
