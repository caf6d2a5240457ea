// Package verify says whether a project is what it was locked, logged, signed
// and mirrored to be. It is CI's one check, and uses no network: what it reads
// is the lock, the proof beside it, and the wheelhouse's folder. A finding says
// what happened, whether to stop, who acts, and with which command.
//
// # Classes
//
// The worst finding decides the class of the report:
//
//	OK          nothing was found
//	INCOMPLETE  work is left (to build, log, sign, mirror): exit 0, or 1 for a release
//	STALE       what is there is not the newest word: exit 1
//	EXPIRED     a key that is needed for what is left to do has run out: exit 1
//	TAMPERED    two things that must agree do not: exit 1
//
// The kinds of findings, with the class, stop and actor of each, are the table
// in kinds.go; their ids never change.
//
// # What backs what
//
// A hash in the lock counts only if a statement backs it, in the log as the
// proof has it, and signed by a key that held the role at its place:
//
//	source         a source statement: package, file name, hash, size
//	wheel, built   a build statement: package, file name, hash, size, content, recipe and
//	               source, for one of the wheel's targets (a pure wheel: for any target)
//	wheel, upstream
//	               an upstream statement; and, unless the policy takes published wheels as
//	               they are, a build statement by the locked recipe whose comparison with
//	               exactly this file says bytes or content
//	compared file  an upstream statement, and a build statement with the same verdict and causes
//	the whole lock a lock statement for exactly its bytes
//
// No file of the lock can so be changed without a statement that says so. What
// no statement about a file backs (dependencies, requires-python, the targets) is
// backed by the lock statement alone. A lock that is ahead of its log is normal
// while work is going on: `wheellock add` needs no keys and states nothing. So
//
//   - a file of which the log has never heard, and a row that is still to be built,
//     leave the project INCOMPLETE;
//   - a file whose name or hash the log knows otherwise is TAMPERED, and so is a
//     hash of a built wheel that nobody stated, since whoever builds states;
//   - a lock with nothing left to build or to state, but without a lock statement,
//     was edited after the last signature: it is never green ("lock-changed"). If
//     the inputs changed, too (their digest is none of a stated lock's, whose bytes
//     the wheelhouse keeps), it is ahead of its log as any other: two branches were
//     merged, or something was removed.
//
// A missing proof leaves a project INCOMPLETE, unless the lock has hashes of built
// wheels that no pending statement backs: then there was a proof ("proof-missing").
//
// # The wheelhouse
//
// The checkpoint in log/ must be signed by the log, every other signature on it by
// a witness that a root names (a line that nobody can check could be changed
// unseen), and be the proof's or continue it. The roots must be the proof's, byte
// for byte, and follow one another. A log of at most MaxFsck statements is read
// whole, so that a changed byte in any tile, bundle or index file is found; of a
// larger one the tiles on the path of the proof's statements are read. What the
// log holds beyond the proof, at most MaxTail statements, is looked through for
// withdrawals and newer builds.
//
// Every file below sdists/ and wheels/ is hashed and compared with the lock and
// with sha256sums.txt, both ways; the list with its note signature, its OpenPGP
// signature and its publish statement; files named by their hash with their name;
// index pages with what the list gives. Of a wheelhouse behind an address only the
// proof is checked.
//
// Expired keys make nothing red that they signed before: expiry is a finding only
// where a pending statement can no longer be appended.
//
// # Witnesses and freshness
//
// The proof's checkpoint must be cosigned by as many witnesses (distinct keys that
// hold the role) as the configuration asks for and, where the wheelhouse has the
// policy whose hash the proof's newest root names, by that policy's quorum. Where the
// policy is not at hand (the proof has only its hash), by as many as the root itself
// asks for; with fewer than all, whether that is the quorum is said not to be known.
// How long ago they did is nobody's business here: an old release stays green. Who asks
// whether this is the log as it is now (Input.Fresh) gets a finding where the quorum
// has cosigned the wheelhouse's checkpoint (or else the proof's) longer than MaxAge
// ago, or not at all, and a warning 30 days before a root or role runs out.
package verify
