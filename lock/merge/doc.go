// Package merge joins two branches' changes of one wheels.lock.
//
// A lock is merged by what it means, not by its lines. The units are:
//
//   - a pin: the version of a name on a target (and, where groups conflict, in a
//     variant). A pin that one side changed is taken from that side. Changed to
//     two versions, or changed here and removed there, is a conflict.
//   - the row to install for a version and target. A hash that one side filled
//     in stays where the other side still plans the same build: the same source
//     and recipe. Two hashes, or two recipes, are a conflict and never a pick:
//     one of the builds, or one of the machines, is not what it seems.
//   - a source, an archive, a published file: by hash, in the same way.
//   - targets, and the declared conflicts of groups: as a whole.
//
// Lists that name no targets are spelled out first: a package added here does
// not come to cover a target that was added there without anybody having looked.
// Recipes and build requirements follow from the rows that name them. The later
// one of two cut-offs is taken: files of both sides lie before it.
//
// # What a clean merge cannot know
//
// Each side is a solution of its own inputs; put together they need not be one
// of the joined inputs: the one side's new package may need what the other side
// removed. A lock does not hold the bounds that would tell. So where both sides
// changed what they ask for or what they pin, the result's requires-digest is
// [Stale], which no inputs have: `lock --check` and every other verb then ask for
// `wheellock lock`, which keeps all pins and hashes that still fit.
//
// # Conflicts
//
// The text of a conflict is the merged lock in canonical form, in which only the
// blocks of the names in conflict stand twice, between git's usual markers:
//
//	<<<<<<< ours
//	[[packages]]
//	name = "six"
//	version = "1.16.0"
//	...
//	=======
//	[[packages]]
//	name = "six"
//	version = "1.17.0"
//	...
//	>>>>>>> theirs
//
// [Read] reads such a text, or what git's own merge makes, so that the names in
// conflict can be resolved again while all else keeps its pins and hashes.
package merge
