// Package archive reads wheels and source distributions strictly, and unpacks
// them where nothing can escape.
//
// # Wheels
//
// A wheel is a zip (APPNOTE 6.3.10) with a NAME-VERSION.dist-info folder that
// holds WHEEL, METADATA and RECORD (PEP 427, PyPA binary distribution format
// 1.0). Two readers that disagree about a zip are how a reviewed file and an
// installed file come to differ, so this package has its own reader of the
// container and refuses what could be read in two ways:
//
//   - a name twice, or twice but for letter case or Unicode normalisation;
//   - a name that is empty, absolute, has a "." or ".." part, a backslash, a
//     drive letter or a control character;
//   - symbolic links, devices and encrypted members;
//   - methods other than stored and deflated;
//   - members whose bytes overlap, and a local header that says something else
//     than the central directory;
//   - members that unpack to more than [MaxRatio] times their size.
//
// Published wheels are sloppy in ways that harm nobody who only reads them, so
// there are two levels. [Read] checks the above, the local headers when a
// member is opened. [Audit] also reads every byte: nothing may stand before the
// first member, between members or after the end record, every CRC must be
// right, and RECORD must list exactly the wheel's files with the right hashes.
//
// # The content hash
//
// [Wheel.Content] is the SHA-256, in hex, of one line a file, sorted bytewise:
//
//	SHA256 644|755 NAME\n
//
// 755 when any executable bit is set. Folders, RECORD and its signatures
// (RECORD.jws, RECORD.p7s) are left out. Two wheels with the same content hash
// install the same files; what may differ is times, order and deflate. A wheel
// of one empty file, not executable, a.py, has the content
//
//	sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 644 a.py\n")
package archive

import (
	"fmt"
	"io/fs"
)

// Caps on what comes from outside. A wheel or sdist past one of them is refused
// with a [*Error] whose Kind is [TooBig].
const (
	MaxArchive   = 4 << 30  // bytes of a wheel or of a compressed sdist
	MaxEntries   = 200_000  // members of one archive; the largest real wheels have about 30,000
	MaxName      = 4096     // bytes of a member's name (PATH_MAX)
	MaxDepth     = 64       // parts of a member's name
	MaxFile      = 2 << 30  // bytes of one member, unpacked
	MaxTotal     = 8 << 30  // bytes of all members together, unpacked
	MaxDirectory = 64 << 20 // bytes of a zip's central directory
	MaxExtra     = 4096     // bytes of one member's extra field
	MaxText      = 16 << 20 // bytes of WHEEL, METADATA, RECORD or entry_points.txt
	MaxRatio     = 250      // unpacked to packed bytes of a member larger than RatioFree
	RatioFree    = 16 << 20 // bytes that a member may unpack to whatever its ratio
)

// Level says how much of a wheel is checked when it is opened.
type Level int

const (
	Read  Level = iota // what every reader must refuse
	Audit              // and every byte accounted for, RECORD exact
)

// Kind classes a refusal, for callers that act on it.
type Kind string

const (
	NotZip       Kind = "not-zip"       // no readable zip or tar at all
	Truncated    Kind = "truncated"     // the archive ends too early
	BadName      Kind = "bad-name"      // "..", absolute, backslash, control character ...
	Duplicate    Kind = "duplicate"     // one name twice
	Collision    Kind = "collision"     // two names equal but for case or normalisation
	Link         Kind = "link"          // a symbolic link in a wheel; a link that leads outside in an sdist
	Special      Kind = "special"       // a device, pipe or socket
	Encrypted    Kind = "encrypted"     // an encrypted member
	Method       Kind = "method"        // neither stored nor deflated
	Bomb         Kind = "bomb"          // unpacks to too many times its size
	TooBig       Kind = "too-big"       // past a cap of this package
	Overlap      Kind = "overlap"       // two members share bytes
	HeaderDiffer Kind = "header-differ" // local header and central directory disagree
	Surplus      Kind = "surplus"       // bytes that belong to no member
	Checksum     Kind = "checksum"      // CRC or size of a member is wrong
	NoDistInfo   Kind = "no-dist-info"  // not exactly one .dist-info folder, or WHEEL or METADATA missing
	BadRecord    Kind = "bad-record"    // RECORD missing, malformed, or it lists other files or hashes
	BadField     Kind = "bad-field"     // WHEEL or entry_points.txt malformed
	NoRoot       Kind = "no-root"       // an sdist without exactly one top folder
)

// Error is the refusal of an archive.
type Error struct {
	File string // the archive, as the caller named it
	Name string // the member, "" when the archive as a whole is refused
	Kind Kind
	Msg  string
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("reading %s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("reading %s: member %q: %s", e.File, e.Name, e.Msg)
}

// Perm is the permission part of a mode that umask lets through, as open(2)
// would have it for a new file or folder.
func Perm(mode, umask fs.FileMode) fs.FileMode { return mode.Perm() &^ umask.Perm() }
