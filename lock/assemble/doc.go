// Package assemble makes a lock of a solution: the only place where the words
// of the resolver become those of wheels.lock.
//
// A package that has one version on several targets becomes one block; with two
// versions it becomes two, each with its targets. The rows to install follow
// the policy:
//
//   - "upstream": the published wheel that an installer would take on the target;
//     where none fits, a row to be built.
//   - "build" and "build-unless-reproducible": a row to be built. A package
//     without a source keeps its published wheel, with origin "upstream": it
//     cannot be built, and the work order says so.
//
// A package is pure where all its published wheels are for any platform; then
// one row to be built serves all targets that take the same published file. A
// package with other wheels is native, one without wheels is unknown until it
// was built: both get a row for each target. The name of such a row is the one
// that the build is expected to give: pure, upstream's in normal spelling;
// native, upstream's Python and ABI with the platform as the build itself says
// it, so that cp37-abi3 stays cp37-abi3:
//
//	MarkupSafe-3.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
//	markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl
//
// Each target's best published wheel is also listed as upstream, to be compared
// with. What the previous lock knew stays where it is still true: hashes of
// built wheels, verdicts, recipes and their build requirements stay with a
// package whose version and source did not change.
package assemble
