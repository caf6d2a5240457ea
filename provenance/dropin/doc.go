// Package dropin speaks the file formats of teams that keep wheels as SecureDrop
// does: one list of checksums, signed with OpenPGP, beside a folder of wheels and
// source archives, and a build-requirements.txt made from it.
//
// # The list
//
//	# a comment
//	f61384bcc80318821d1116891a82bb0ff18a9a4035c7c4eff72aced45ab590b5  Mako-1.2.2-py3-none-any.whl
//
// is what sha256sum writes: a hash, a blank, a blank or an asterisk, a file's name.
// Any order is taken, since lists were in a locale's order for years. Two hashes for
// one name are an error.
//
// # build-requirements.txt
//
// BuildRequirements gives the bytes that the team's own script gives:
//
//  1. Names and versions in file order: each name==version line of a
//     requirements.txt; or of a poetry.lock each package that is relevant, which is
//     one named in [project] dependencies or [tool.poetry.dependencies], or a
//     dependency of one that is relevant when one pass forward comes to it: what a
//     package needs that becomes relevant behind the pass is lost. Markers and
//     extras are not looked at. pyqt5, sip and colorama are always left out.
//  2. For each, every .whl of the list, in the list's order, whose name in lower case
//     begins with NAME-VERSION or NAME_WITH_UNDERSCORES-VERSION.
//  3. One line a package: NAME==VERSION and " --hash=sha256:HEX" for each.
//
// A package that has no wheel is missing: then there is no text.
//
// Strict gives the same text where nothing is wrong, and differs so:
//
//   - 1.1 is not 1.10, and charset-normalizer is Charset_Normalizer: names and versions
//     are read, not compared as text;
//   - what a relevant package needs is relevant wherever it stands;
//   - a marker is evaluated for a target, or without one, kept on the line;
//   - the source in the list, .tar.gz or .zip, must be the one whose hash the
//     requirements have: a wheel that was built from another is refused;
//   - one line stands for one wheel. Of several the target's best is taken; where that
//     does not decide, both are named.
//
// # A folder
//
// Check compares lists with a folder both ways. A Git LFS pointer counts as the file
// that it names: its oid is the file's SHA-256.
package dropin
