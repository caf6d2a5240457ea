// Package resolve answers, for each target, which version of every package
// `pip install` would choose there, or explains in sentences why nothing can be.
//
// # The answer
//
// For one target a version of a package is usable if one of its files is: a
// wheel whose tags fit the target's Python, libc and architecture, or an sdist.
// Files are left out, each with a reason, when their Requires-Python excludes
// the target (PEP 440, upper bounds too), when they are newer than
// [Request.ExcludeNewer], or when [Request.NoBinary] or OnlyBinary say so.
// Then, as in pip:
//
//   - the newest version that all requirements allow is taken;
//   - pre-releases are taken when a requirement in force names one ("a>=2rc1"),
//     when no final release matches all requirements in force, or when
//     [Request.Prereleases] allows them;
//   - yanked releases (PEP 592) are taken only when a requirement in force pins
//     them with == or ===, and nothing else matches;
//   - an extra that a version does not have is a warning;
//   - markers are evaluated once for each target.
//
// With [Request.Locked] nothing that is locked moves where a solution keeps it
// all, but for what the request itself no longer allows there. Else nothing goes
// back to an older version where there is a solution without that, and of the
// rest as little as possible moves. Else what goes back is no older than in the
// answer without a lock (a package of long ago that did not yet need this or that
// would often move the fewest), and each that can stay, or stay as new, without
// taking another further back does; [Pin.Back] says which do not, and why. The
// packages of [Request.Upgrade] go first, each as far as any solution goes.
//
// # Several targets
//
// Each target is first solved alone. With [Choice.Ready] it is then solved again
// with versions in front on which work was done; that counts as alone from there.
// [Choice.Versions] says what follows. Under "newest" nothing. Under "bounded" and
// "fewest" versions are brought together:
//
//  1. the targets are solved in turn, oldest Python first and then the other way
//     round, each with the versions of those before it in front;
//  2. for each package that still has several versions, one for all of its
//     targets is tried, then one for each two of its versions: first where
//     nothing else has to move, then by a search with the version given;
//  3. what was held back for nothing is let go.
//
// A step is kept if it makes the whole weigh less: builds from source beyond one
// of each package, then versions beyond one, then how far the pins lie behind
// what the targets have alone. Whatever comes out was found by the solver. A
// locked version that the target has alone does not move, no target leaves a
// version with a fitting wheel for one without, and under "bounded" no pin was
// uploaded more than [Choice.BoundedBy] before the one that the target has alone.
// [Alignment] says what that cost, pin by pin.
//
// # Metadata
//
// The dependencies of a version on a target are those of the wheel that would
// be installed there. Where none fits they come, in this order, from a wheel of
// the same version for another platform, from static fields of the sdist, from
// [Request.UserMetadata]. A version whose dependencies cannot be known is
// searched as if it had none; if the answer rests on it, Resolve refuses with
// [*UnknownMetadataError] rather than take an older version that pip would not.
//
// # How
//
// Pages and metadata are read once and shared by all targets, which are solved
// side by side (see resolve/solver). While the search decides one package,
// what it will probably ask for next is already being read. None of that shows
// in the answer, which depends only on the request and on what the index says.
//
// # Explanations
//
// [*ConflictError] has one derivation for each target, equal ones merged (they
// may differ in what the target has, "needs glibc 2.28, target has 2.23"), and
// the smallest changes under which a solution was found. Each was tried, on
// all targets of the explanation and on those that had a solution, and says
// what to type or to write:
//
//	no solution for bookworm and trixie:
//	  1. requirements.in:1 asks for app>=2.
//	  2. requirements.in:2 asks for lib<3.
//	  3. app 2.0 and 2.1 need lib>=3.
//	  These cannot all hold.
//	What would work:
//	  wheellock add 'app>=1.0'
//	      instead of app>=2 (requirements.in:1); gives app 1.0
//	  wheellock add 'lib<4'
//	      instead of lib<3 (requirements.in:2); gives lib 3.1
//
// Tried are, in this order: each requirement of the proof with one clause less,
// then without any, tightened again around what came out; without an extra; a
// pre-release or a yanked release by name; wheels or sdists that a setting
// forbids; a later cut-off; another target; two groups solved apart; without
// an override; without the requirement, by a marker where only some targets
// are in trouble; and where packages contradict each other, an override.
package resolve
