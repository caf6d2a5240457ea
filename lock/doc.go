// Package lock holds wheels.lock: what a project allows, by hash, for every
// target. It has the types, the canonical writer, the strict reader, the rules
// that go beyond the grammar, and the difference of two locks.
//
// # The format
//
// A lock is TOML in exactly one spelling. [Lock.Format] writes that spelling
// and [Parse] accepts nothing else, so that reading and writing give the same
// bytes, one meaning has one hash, and a diff shows only what changed:
//
//	lock-version = "1"
//	created-by = "wheellock"
//	requires-digest = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
//	exclude-newer = 2026-11-15T00:00:00Z
//
//	[[targets]]
//	name = "bookworm"
//	python = "3.11"
//	platform = "manylinux_2_36_x86_64"
//
//	[[packages]]
//	name = "six"
//	version = "1.17.0"
//	dependencies = []
//	[packages.sdist]
//	name = "six-1.17.0.tar.gz"
//	size = 34031
//	hashes = { sha256 = "ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81" }
//	[[packages.wheels]]
//	name = "six-1.17.0-py2.py3-none-any.whl"
//	origin = "built"
//
// The spelling, in full:
//
//   - Lines end in one line feed, the last one too. There are no comments, no
//     trailing blanks, and one empty line before each [[targets]], [[packages]]
//     and [[recipes]] and nowhere else.
//   - Keys come in the order of the fields of the types in this package. A key
//     whose value is empty is absent, but for dependencies and build-requires,
//     which are always there.
//   - Strings are basic strings of printable ASCII. The quote and the backslash
//     are escaped by a backslash, every other character outside of 0x20 to 0x7e
//     as \uXXXX or \UXXXXXXXX with capital digits. So no control character
//     and no bidirectional mark can hide in a lock.
//   - Lists are sorted, hold nothing twice, and stand on one line.
//   - Targets are sorted by name; packages by (name, version, group), all
//     three as text; wheels by (name, targets), upstream files
//     by name, recipes by digest.
//   - "targets" is absent where it would name all: in a package all targets of
//     the lock, in a wheel or upstream file all targets of its package. So a new
//     target that needs nothing new changes no package.
//   - Hashes are SHA-256, 64 lower-case hexadecimal digits.
//
// # Groups
//
// A package is keyed by name, version and group. Group is "build" for a build
// requirement and absent for all that is installed. Among the latter, "groups"
// names the dependency groups that need the package, where the default group
// does not: a package that dev and docs share is one block with
// groups = ["dev", "docs"], and once the default group needs it too the list
// goes away. One target has one version of an installed name, whatever the
// groups, unless groups conflict; of a build requirement it may have several,
// one a recipe.
//
// # Addresses and commits
//
// A file that comes from an address stands in its own row as always, and its
// address beside it; a source that was made from a commit (see provenance/vcs)
// has the commit. Both come before [packages.sdist]:
//
//	[[packages.archive]]
//	name = "tool-1.0-py3-none-any.whl"
//	url = "https://files.example/tool-1.0-py3-none-any.whl"
//
//	[packages.vcs]
//	type = "git"
//	url = "https://git.example/ours"
//	commit-id = "0123456789012345678901234567890123456789"
//	subdirectory = "py"
//
// Addresses hold no user information (but the login of ssh) and no fragment. A
// package from a commit has no archive.
//
// # Conflicting groups
//
// Groups that cannot be installed together are declared as sets, which the lock
// repeats as conflicts = [["gpu", "cpu"]]; within a set the earlier groups are
// preferred. A variant is a largest legal choice: all groups that conflict with
// none, and of the others as many as can be together. The main variant takes
// the preferred ones; the name of another lists those of its groups that the
// main one lacks, joined by "+" ("cpu"; with a second set "cpu+mysql"). Each
// variant is a solution of its own for the default group and its groups, made
// to differ from the main one as little as it can.
//
// A package that all variants install says nothing of them. Else, where the
// main one installs it, not-with lists the variants that do not; where it does
// not, only-with lists those that do. Where that differs from target to target,
// say because a marker keeps the conflict from one of them,
// target-only-with and target-not-with say it for each target; a target that
// neither names is in all variants:
//
//	conflicts = [["gpu", "cpu"]]
//
//	[[packages]]
//	name = "numpy"
//	version = "1.26.4"
//	only-with = ["cpu"]
//	dependencies = []
//
//	[[packages]]
//	name = "numpy"
//	version = "2.1.0"
//	not-with = ["cpu"]
//	dependencies = []
//
// A selection of groups installs from the first variant that holds all of them:
// the main one, then by number of groups in the name, then by name. So for a
// target and a legal selection there is exactly one version of a name.
//
// # Dependencies
//
// Dependencies are normalised names after markers were applied, so they can
// differ from target to target. "dependencies" has what all targets of the
// package share and "target-dependencies" what only some of them add.
//
// # Wheels
//
// For each package and each target of it there is exactly one wheel row: the
// file to install. A row of origin "built" without size and hashes is still to
// be built, which is legal until release. Sizes of files that came from an
// index may be absent, since not every index tells them; the hash never is.
package lock
