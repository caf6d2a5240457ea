// Package index keeps, for every package, the numbers of all statements about
// it, so that a client can hold the complete history of one package in its hand
// without downloading the log.
//
// # Entries
//
// An entry is a text: the name, then one line a statement, ascending, of its
// number (log index), its kind and the version it is about:
//
//	markupsafe
//	17 source 3.0.2
//	18 build 3.0.2
//	4711 withdraw 3.0.2
//
// The name is that of the statement's "package NAME VERSION" line. Statements
// without such a line stand under "_" and their kind, with "-" for the version:
// _root, _lock, _publish ... (a package name cannot begin with "_"). Statements
// of kind index stand nowhere. An entry only ever grows at its end.
//
// # The list
//
// The entries sorted by name (bytes) are the leaves of a Merkle tree as in
// RFC 6962: leaf hash SHA-256(0x00 || entry), node hash SHA-256(0x01 || left ||
// right). A statement of kind index at log index P names, with the fields
//
//	entries 2
//	index sha256:…
//
// how many entries the list of all statements before P has, and its root hash.
// It is written when 256 leaves follow the last one ([Index.Due]); it may come
// earlier, never later. So presence is an ordinary inclusion proof, and absence
// the presence of two neighbours in the list.
//
// # Files
//
//	index/list          wheellock-index/v1
//	                    leaves 257            the P of the index statement, plus 1
//	                    _root 13 mXr…=        name, bytes of the entry, leaf hash (base64)
//	                    markupsafe 47 Q2f…=
//	index/entry/NAME    the entry
//
// An entry file may be longer than the list says, when a writer died before it
// replaced the list: only so many bytes count. All of it can be made again from
// the log, and no reader believes it before it has the root hash from a
// statement.
package index

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// Interval is how many leaves may follow an index statement before the next one.
const Interval = 256

// Caps on what comes from outside.
const (
	MaxEntrySize  = 64 << 20 // bytes of one entry
	MaxListSize   = 1 << 30  // bytes of index/list
	MaxNameLength = 128      // bytes of a name
)

// A Line is one statement in an entry.
type Line struct {
	Number  int64  // log index
	Kind    string // "build"
	Version string // "3.0.2", or "-" where the statement names none
}

// An Entry is everything that was stated about one name.
type Entry struct {
	Name  string
	Lines []Line
}

var (
	// ErrMalformed: an entry, a list or a leaf is not in its one canonical spelling.
	ErrMalformed = errors.New("malformed index")
	// ErrMismatch: an index statement or a file is not what the log's leaves give.
	ErrMismatch = errors.New("index does not match the log")
	// ErrLate: more than Interval leaves follow the last index statement.
	ErrLate = errors.New("index statement is missing")
)

// ParseEntry reads an entry's text strictly.
func ParseEntry(text []byte) (Entry, error) { return Entry{}, errors.New("unwritten") }

// Format is the entry's text.
func (e Entry) Format() []byte { return nil }

// An Index is the list after some number of leaves.
type Index struct{}

// New is the index of the empty log, kept in memory.
func New() *Index { return &Index{} }

// Open reads index/list in a log's folder (dir is the folder log, not log/index).
// A folder without one gives the index of the empty log.
func Open(dir string) (*Index, error) { return nil, errors.New("unwritten") }

// Next is the log index of the leaf that Add expects.
func (x *Index) Next() int64 { return 0 }

// Due reports that the next leaf must be an index statement.
func (x *Index) Due() bool { return false }

// Add takes the leaf of log index Next. An index statement among them is
// checked (ErrMismatch), and so is that it does not come too late (ErrLate).
func (x *Index) Add(leaf []byte) error { return errors.New("unwritten") }

// Root gives what an index statement at log index Next has to say.
func (x *Index) Root() (root tlog.Hash, entries int64, err error) {
	return tlog.Hash{}, 0, errors.New("unwritten")
}

// Commit writes the list as of the last index statement added, if it is newer than what the folder
// has. Call it after the checkpoint that covers that statement is published.
func (x *Index) Commit(dir string) error { return errors.New("unwritten") }

// Compare checks that the folder holds exactly the files of the last index
// statement added. It is fsck's part, after Add of every leaf to New().
func (x *Index) Compare(dir string) error { return errors.New("unwritten") }

// A Snapshot is the list as of one index statement, to prove entries in.
type Snapshot struct{}

// Snapshot gives the list as of the last index statement added or opened; nil when there is none.
func (x *Index) Snapshot() *Snapshot { return nil }

// Statement is the log index of the index statement.
func (s *Snapshot) Statement() int64 { return 0 }

// Len is the number of entries.
func (s *Snapshot) Len() int64 { return 0 }

// Find gives the place of a name in the list, or where it would stand.
func (s *Snapshot) Find(name string) (place int64, found bool) { return 0, false }

// Entry gives the text of the entry at a place, checked against its hash.
func (s *Snapshot) Entry(place int64) ([]byte, error) { return nil, errors.New("unwritten") }

// ReadHashes makes Snapshot a tlog.HashReader.
func (s *Snapshot) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return nil, errors.New("unwritten")
}
