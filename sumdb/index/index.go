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
//	                    statement 256         the log index P of the index statement
//	                    _root 15 mXr…=        name, bytes of the entry, leaf hash (base64)
//	                    markupsafe 47 Q2f…=
//	index/entry/NAME    the entry
//
// An entry file may be longer than the list says, when a writer died before it
// replaced the list: only so many bytes count. All of it can be made again from
// the log, and no reader believes it before it has the root hash from a
// statement. The names in the list are not in that hash: an entry is believed when
// its first line has the name, and a name to be absent when its neighbours are read.
package index

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

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
	// ErrBehind: the files are right, but of an earlier index statement.
	ErrBehind = errors.New("index files are of an earlier statement")
	// ErrLate: more than Interval leaves follow the last index statement.
	ErrLate = errors.New("index statement is missing")
)

// NoVersion stands for the version of a statement that names none.
const NoVersion = "-"

func (l Line) append(b []byte) []byte {
	b = strconv.AppendInt(b, l.Number, 10)
	b = append(append(b, ' '), l.Kind...)
	return append(append(append(b, ' '), l.Version...), '\n')
}

// Format is the entry's text.
func (e Entry) Format() []byte {
	b := []byte(e.Name + "\n")
	for _, l := range e.Lines {
		b = l.append(b)
	}
	return b
}

// ParseEntry reads an entry's text strictly. The error is ErrMalformed.
func ParseEntry(text []byte) (Entry, error) {
	if len(text) > MaxEntrySize || len(text) == 0 || text[len(text)-1] != '\n' {
		return Entry{}, ErrMalformed
	}
	name, rest, _ := strings.Cut(string(text), "\n")
	if !validName(name) || rest == "" {
		return Entry{}, ErrMalformed
	}
	e := Entry{Name: name, Lines: make([]Line, 0, strings.Count(rest, "\n"))}
	last := int64(-1)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		digits, tail, _ := strings.Cut(line, " ")
		kind, version, _ := strings.Cut(tail, " ")
		n, ok := number(digits)
		if !ok || n <= last || !word(kind) || !token(version) {
			return Entry{}, ErrMalformed
		}
		last = n
		e.Lines = append(e.Lines, Line{n, kind, version})
	}
	return e, nil
}

// number reads a decimal number in its one spelling.
func number(s string) (int64, bool) {
	if s == "" || s[0] == '+' || s[0] == '-' || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// validName takes package names as PEP 503 normalises them, and "_" with a kind.
func validName(s string) bool {
	return len(s) <= MaxNameLength && word(strings.TrimPrefix(s, "_"))
}

// word is letters a-z, digits, and hyphens inside.
func word(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func token(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// An Item is what the index takes from a statement.
type Item struct {
	Kind    string
	Name    string // the entry; "" for an index statement, which stands nowhere
	Version string
	Fields  string // an index statement's "entries" and "index" values, parted by a space
}

// ItemOf reads a leaf as far as the index needs it. A million leaves are read
// to rebuild an index, so this does not check what the log's door has checked.
func ItemOf(leaf []byte) (Item, error) {
	text, _, ok := bytes.Cut(leaf, []byte("\n\xe2\x80\x94 ")) // the signature line
	kind, isStatement := bytes.CutPrefix(text, []byte("wheellock/v1 "))
	if !ok || !isStatement {
		return Item{}, fmt.Errorf("%w: leaf is not a statement", ErrMalformed)
	}
	kind, _, _ = bytes.Cut(kind, []byte("\n"))
	it := Item{Kind: string(kind), Version: NoVersion}
	if !word(it.Kind) {
		return Item{}, fmt.Errorf("%w: leaf is not a statement", ErrMalformed)
	}
	if it.Kind == "index" {
		it.Fields = value(text, "entries") + " " + value(text, "index")
		return it, nil
	}
	p := value(text, "package")
	it.Name = NameOf(it.Kind, p)
	if p != "" {
		name, version, ok := strings.Cut(p, " ")
		if !ok || !word(name) || len(name) > MaxNameLength || !token(version) {
			return Item{}, fmt.Errorf("%w: leaf names no package", ErrMalformed)
		}
		it.Version = version
	}
	return it, nil
}

// NameOf is the name of the entry for a statement of some kind with the value of
// its package line, "" if it has none.
func NameOf(kind, pkg string) string {
	if pkg == "" {
		return "_" + kind
	}
	name, _, _ := strings.Cut(pkg, " ")
	return name
}

func value(text []byte, key string) string {
	_, rest, ok := bytes.Cut(text, []byte("\n"+key+" "))
	if !ok {
		return ""
	}
	v, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(v)
}

// An entry is what is known of one name: size and hash as of the last settle,
// the text, unless it is still only in a file, and the lines that came since.
type entry struct {
	name  string
	place int       // in the sorted list; -1: not there yet
	text  []byte    // nil: in the file
	size  int64     // bytes in text, or of the file that count
	hash  tlog.Hash // of those bytes
	sum   hash.Hash // running over 0x00 and text: an entry only grows at its end
	more  []byte    // lines to be added
	disk  version   // what the list in the folder says
}

// A version is a state of an entry.
type version struct {
	size int64
	hash tlog.Hash
}

func (e *entry) version() version { return version{e.size, e.hash} }

// An Index is the list after some number of leaves. It is not safe for use by
// several goroutines.
type Index struct {
	dir     string // "": all in memory
	next    int64
	last    int64 // log index of the last index statement; -1: none
	settled int64 // what next was when lines were last brought into entries
	sorted  []*entry
	opened  []*entry          // by name, as Open has found them
	byName  map[string]*entry // those that leaves were added to
	changed []*entry          // have more
	levels  [][]tlog.Hash
	snap    *Snapshot
	diskAt  int64 // statement of the folder's list, each entry's disk; unknown if not
}

// New is the index of the empty log, kept in memory.
func New() *Index { return &Index{last: -1, diskAt: unknown, byName: map[string]*entry{}} }

// unknown is a list on the disk that was not read.
const unknown = -2

// Next is the log index of the leaf that Add expects.
func (x *Index) Next() int64 { return x.next }

// Due reports that the next leaf must be an index statement.
func (x *Index) Due() bool { return x.next-x.last-1 >= Interval }

// Add takes the leaf of log index Next. An index statement among them is
// checked (ErrMismatch), and so is that it does not come too late (ErrLate).
// After an error the index is of no use any more.
func (x *Index) Add(leaf []byte) error {
	it, err := ItemOf(leaf)
	if err != nil {
		return fmt.Errorf("indexing leaf %d: %w", x.next, err)
	}
	return x.AddItem(it)
}

// AddItem is Add for a leaf that ItemOf has read.
func (x *Index) AddItem(it Item) error {
	if it.Name == "" {
		return x.addIndex(it)
	}
	if x.Due() {
		return fmt.Errorf("indexing leaf %d: %w: %d leaves follow the last one", x.next, ErrLate, Interval)
	}
	e := x.find(it.Name)
	if e == nil {
		e = &entry{name: it.Name, place: -1, text: []byte{}, more: []byte(it.Name + "\n")}
		x.byName[it.Name] = e
		x.changed = append(x.changed, e)
	} else if len(e.more) == 0 {
		x.changed = append(x.changed, e)
	}
	e.more = Line{x.next, it.Kind, it.Version}.append(e.more)
	x.next++
	return nil
}

// find returns the entry of a name, or nil. A list that was opened may have a
// hundred thousand, of which few will be asked for.
func (x *Index) find(name string) *entry {
	if e := x.byName[name]; e != nil {
		return e
	}
	i, ok := slices.BinarySearchFunc(x.opened, name, byName)
	if !ok {
		return nil
	}
	x.byName[name] = x.opened[i]
	return x.opened[i]
}

func (x *Index) addIndex(it Item) error {
	root, entries, err := x.Root()
	if err != nil {
		return err
	}
	if it.Fields != fmt.Sprintf("%d sha256:%x", entries, root[:]) {
		return fmt.Errorf("checking the index statement at %d: %w", x.next, ErrMismatch)
	}
	x.last = x.next
	x.next++
	x.settled, x.snap = x.next, nil
	return nil
}

// Root gives what an index statement at log index Next has to say. Until that
// statement is added there is no Snapshot.
func (x *Index) Root() (root tlog.Hash, entries int64, err error) {
	if err := x.settle(); err != nil {
		return tlog.Hash{}, 0, err
	}
	if len(x.sorted) == 0 {
		return emptyRoot, 0, nil
	}
	return x.levels[len(x.levels)-1][0], int64(len(x.sorted)), nil
}

// emptyRoot is the hash of a list without entries.
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// settle brings the new lines into their entries, the new names into the order,
// and the tree up to date.
func (x *Index) settle() error {
	if x.settled == x.next {
		return nil
	}
	if err := x.loadAll(x.needed()); err != nil {
		return err
	}
	first := len(x.sorted) // place of the first new name; all from there on move
	grown := false
	for _, e := range x.changed {
		e.grow()
		if e.place < 0 {
			place, _ := slices.BinarySearchFunc(x.sorted[:first], e.name, byName)
			first, grown = place, true
		}
	}
	var places []int
	for _, e := range x.changed {
		if e.place < 0 {
			x.sorted = append(x.sorted, e)
		} else if e.place < first {
			places = append(places, e.place)
		}
	}
	if grown {
		slices.SortFunc(x.sorted[first:], func(a, b *entry) int { return strings.Compare(a.name, b.name) })
		for i, e := range x.sorted[first:] {
			e.place = first + i
		}
	}
	slices.Sort(places)
	x.rehash(places, first)
	x.changed, x.settled = nil, x.next
	return nil
}

func byName(e *entry, name string) int { return strings.Compare(e.name, name) }

// grow brings an entry's new lines into its text, which is in memory.
func (e *entry) grow() {
	if e.sum == nil {
		e.sum = leafHash(e.text)
	}
	e.sum.Write(e.more)
	e.text = append(e.text, e.more...)
	e.size, e.more = int64(len(e.text)), nil
	e.hash = tlog.Hash(e.sum.Sum(nil))
}

// leafHash begins the hash of an entry that begins with this text.
func leafHash(text []byte) hash.Hash {
	h := sha256.New()
	h.Write([]byte{0}) // RFC 6962: what a leaf hash begins with
	h.Write(text)
	return h
}

// rehash recomputes the nodes above some places (ascending) and above all
// places from first on. Pairing from the left and carrying an odd node up
// gives the same tree as splitting at the largest power of two.
func (x *Index) rehash(places []int, first int) {
	if len(x.levels) == 0 {
		x.levels = [][]tlog.Hash{nil}
	}
	row := resize(x.levels[0], len(x.sorted))
	for _, p := range places {
		row[p] = x.sorted[p].hash
	}
	for p := first; p < len(row); p++ {
		row[p] = x.sorted[p].hash
	}
	x.levels[0] = row
	for k := 1; len(row) > 1; k++ {
		if len(x.levels) == k {
			x.levels = append(x.levels, nil)
		}
		up := resize(x.levels[k], (len(row)+1)/2)
		first /= 2
		n := 0
		for _, p := range places {
			if p /= 2; p < first && (n == 0 || places[n-1] != p) {
				up[p] = parent(row, p)
				places[n] = p
				n++
			}
		}
		places = places[:n]
		for p := first; p < len(up); p++ {
			up[p] = parent(row, p)
		}
		x.levels[k], row = up, up
	}
}

func resize(row []tlog.Hash, n int) []tlog.Hash {
	return slices.Grow(row, max(0, n-len(row)))[:n]
}

func parent(row []tlog.Hash, p int) tlog.Hash {
	if 2*p+1 == len(row) {
		return row[2*p]
	}
	return tlog.NodeHash(row[2*p], row[2*p+1])
}
