package index

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
)

const (
	listHeader = "wheellock-index/v1\n"
	listPath   = "index/list"
	entryPath  = "index/entry"
)

// Open reads index/list in a log's folder (dir is the folder log, not
// log/index). A folder without one gives the index of the empty log. Nothing
// in it is to be believed before Root has been compared with the statement at
// Next-1, in the log.
func Open(dir string) (*Index, error) {
	x := New()
	x.dir, x.diskAt = dir, -1
	data, err := readCapped(filepath.Join(dir, listPath), MaxListSize)
	if errors.Is(err, fs.ErrNotExist) {
		return x, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the package index: %w", err)
	}
	at, list, err := parseList(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", listPath, err)
	}
	x.last, x.next, x.settled, x.sorted, x.diskAt = at, at+1, at+1, list, at
	x.opened = slices.Clone(list)
	for i, e := range list {
		e.place, e.disk = i, e.version()
	}
	x.rehash(nil, 0)
	return x, nil
}

// At reads of which index statement the list in a folder says it is; -1 if there is
// none that could be read.
func At(dir string) int64 {
	f, err := os.Open(filepath.Join(dir, listPath))
	if err != nil {
		return -1
	}
	defer f.Close()
	var head [len(listHeader) + len("statement 9223372036854775807\n")]byte
	n, _ := io.ReadFull(f, head[:])
	text, ok := strings.CutPrefix(string(head[:n]), listHeader+"statement ")
	digits, _, ended := strings.Cut(text, "\n")
	if at, isNumber := number(digits); ok && ended && isNumber {
		return at
	}
	return -1
}

// CheckFiles reads every entry that the list of the folder names and checks it
// against its hash. It has to be asked before anything is added.
func (x *Index) CheckFiles() error {
	var g errgroup.Group
	g.SetLimit(readers)
	for _, e := range x.sorted {
		g.Go(func() error {
			_, err := readEntry(x.dir, e)
			return err
		})
	}
	return g.Wait()
}

func readCapped(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Of the size that it has, and a little to see whether it grows.
	data := bytes.NewBuffer(make([]byte, 0, min(fi.Size(), limit)+bytes.MinRead))
	_, err = data.ReadFrom(io.LimitReader(f, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = fmt.Errorf("%w: larger than %d bytes", ErrMalformed, limit)
	}
	return data.Bytes(), err
}

func formatList(at int64, list []*entry) []byte {
	const line = 80 // most lines are shorter
	b := make([]byte, 0, len(listHeader)+line+len(list)*line)
	b = fmt.Appendf(b, "%sstatement %d\n", listHeader, at)
	for _, e := range list {
		b = append(append(b, e.name...), ' ')
		b = append(strconv.AppendInt(b, e.size, 10), ' ')
		b = append(base64.StdEncoding.AppendEncode(b, e.hash[:]), '\n')
	}
	return b
}

func parseList(data []byte) (at int64, list []*entry, err error) {
	text, ok := strings.CutPrefix(string(data), listHeader+"statement ")
	if !ok || !strings.HasSuffix(text, "\n") {
		return 0, nil, ErrMalformed
	}
	first, rest, _ := strings.Cut(text, "\n")
	if at, ok = number(first); !ok {
		return 0, nil, ErrMalformed
	}
	// One allocation for all entries: there may be a hundred thousand.
	entries := make([]entry, strings.Count(rest, "\n"))
	list = make([]*entry, len(entries))
	for i := range entries {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		e := &entries[i]
		if !e.parseLine(line) || i > 0 && entries[i-1].name >= e.name {
			return 0, nil, ErrMalformed
		}
		list[i] = e
	}
	return at, list, nil
}

// strict64 refuses base64 whose unused bits are not zero. Line ends in it are
// refused by the length.
var strict64 = base64.StdEncoding.Strict()

func (e *entry) parseLine(line string) (ok bool) {
	name, tail, ok1 := strings.Cut(line, " ")
	size, hash, ok2 := strings.Cut(tail, " ")
	n, ok3 := number(size)
	if !ok1 || !ok2 || !ok3 || !validName(name) || n > MaxEntrySize || len(hash) != base64.StdEncoding.EncodedLen(tlog.HashSize) {
		return false
	}
	var h [tlog.HashSize + 1]byte // a group of four gives three bytes
	k, err := strict64.Decode(h[:], []byte(hash))
	e.name, e.size, e.hash = name, n, tlog.Hash(h[:tlog.HashSize])
	return err == nil && k == tlog.HashSize
}

// load brings an entry's text into memory.
func (x *Index) load(e *entry) error {
	if e.text != nil {
		return nil
	}
	text, sum, err := readHashed(x.dir, e)
	if err == nil {
		e.text, e.sum = text, sum
	}
	return err
}

// Preload reads into memory, side by side, what Root will need of the folder when
// leaves about these names, and those that were added, are counted. What cannot be
// read is an error of Root later.
func (x *Index) Preload(names []string) {
	all := x.needed()
	for _, name := range names {
		if e := x.find(name); e != nil {
			all = append(all, e)
		} else {
			all = append(all, x.neighbours(name)...)
		}
	}
	x.loadAll(all)
}

// needed are the entries that have to be read before the new lines are counted:
// those that grow, and beside each new one its neighbours. The hashes of the list
// are of entries, and only an entry itself says what name it has: were a line of the
// list under another name, a second entry of the same name would come beside it.
func (x *Index) needed() []*entry {
	all := slices.Clone(x.changed)
	for _, e := range x.changed {
		if e.place < 0 {
			all = append(all, x.neighbours(e.name)...)
		}
	}
	return all
}

// neighbours are the entries between which a name would stand in the list that was
// opened.
func (x *Index) neighbours(name string) []*entry {
	i, _ := slices.BinarySearchFunc(x.opened, name, byName)
	return x.opened[max(0, i-1):min(len(x.opened), i+1)]
}

func (x *Index) loadAll(all []*entry) error {
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	all = slices.Compact(all)
	var g errgroup.Group
	g.SetLimit(readers)
	for _, e := range all {
		if e.text == nil {
			g.Go(func() error { return x.load(e) })
		}
	}
	return g.Wait()
}

// readEntry returns an entry's text, from its file if need be.
func readEntry(dir string, e *entry) ([]byte, error) {
	if e.text != nil {
		return e.text, nil
	}
	text, _, err := readHashed(dir, e)
	return text, err
}

// readHashed reads the bytes of an entry's file that count, and checks them: their
// hash, and that they are about the name under which the list has them. The hash
// goes on with what is added to them.
func readHashed(dir string, e *entry) ([]byte, hash.Hash, error) {
	f, err := os.Open(filepath.Join(dir, entryPath, e.name))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the package index: %w", err)
	}
	defer f.Close()
	text := make([]byte, e.size)
	_, err = io.ReadFull(f, text)
	sum := leafHash(text)
	if err != nil || tlog.Hash(sum.Sum(nil)) != e.hash || !bytes.HasPrefix(text, []byte(e.name+"\n")) {
		return nil, nil, fmt.Errorf("reading %s/%s: %w", entryPath, e.name, ErrMismatch)
	}
	return text, sum, nil
}

// Commit writes the list as of the last index statement added into a log's
// folder. Call it after the checkpoint that covers that statement is
// published: what is here can be made again from the log, the log cannot be
// made from this.
//
// Entries are written first, in place behind the bytes that the present list
// counts; then the list is replaced. Nothing is synced (there may be 257 files):
// a power cut can leave an entry that does not fit its hash, or an older list.
// Readers notice, and the log's writer looks with [Index.CheckFiles] once after
// each start of the machine.
func (x *Index) Commit(dir string) error {
	if x.last < 0 {
		return nil
	}
	if x.settled != x.last+1 {
		return fmt.Errorf("writing the package index: an index statement was asked for and not added")
	}
	// What was read from this folder or written to it is the beginning of what
	// is to be written; of anything else that has to be looked at.
	known := x.diskAt != unknown && x.dir == dir
	current := x.diskAt == x.last
	if !known {
		var err error
		if current, err = x.readDisk(dir); err != nil {
			return fmt.Errorf("writing the package index: %w", err)
		}
	}
	if err := durable.MkdirAll(filepath.Join(dir, entryPath), 0o755); err != nil {
		return fmt.Errorf("writing the package index: %w", err)
	}
	if err := durable.RemoveTemps(filepath.Join(dir, "index")); err != nil {
		return fmt.Errorf("writing the package index: %w", err)
	}
	x.diskAt = unknown // until all is written
	wrote, err := x.writeEntries(dir, known)
	if err != nil {
		return fmt.Errorf("writing the package index: %w", err)
	}
	if !current || wrote > 0 {
		if err := durable.WriteCache(filepath.Join(dir, listPath), formatList(x.last, x.sorted), 0o644); err != nil {
			return fmt.Errorf("writing the package index: %w", err)
		}
	}
	for _, e := range x.sorted {
		e.disk = e.version()
	}
	x.diskAt = x.last
	return nil
}

// readDisk brings the knowledge of the folder's list up to date; current reports
// that it is the list of the last index statement.
func (x *Index) readDisk(dir string) (current bool, err error) {
	old, at, err := readList(dir)
	if err != nil && !errors.Is(err, ErrMalformed) {
		return false, err
	}
	if err == nil && at > x.last {
		return false, fmt.Errorf("%w: the folder has that of the statement at %d, this is of %d", ErrMismatch, at, x.last)
	}
	for _, e := range x.sorted {
		e.disk = version{}
		if o := old[e.name]; o != nil && err == nil {
			e.disk = o.version()
		}
	}
	return err == nil && at == x.last, nil
}

// readers is how many entries are read at once: after a start of the machine
// nothing of them is in memory.
const readers = 32

// writers is how many entries are written at once: making a file waits for the
// file system more than for the processor.
const writers = 4

// writeEntries writes the entries that differ from the folder's list, and says how many.
func (x *Index) writeEntries(dir string, known bool) (wrote int, err error) {
	var g errgroup.Group
	g.SetLimit(writers)
	for _, e := range x.sorted {
		if e.version() != e.disk {
			wrote++
			g.Go(func() error { return x.writeEntry(dir, e, known) })
		}
	}
	return wrote, g.Wait()
}

// writeEntry appends to an entry's file what its list does not count yet; known
// says that the list's part of it is right.
func (x *Index) writeEntry(dir string, e *entry, known bool) error {
	text, err := readEntry(x.dir, e)
	if err != nil {
		return err
	}
	from := int64(0)
	if e.disk.size > 0 && e.disk.size <= int64(len(text)) && (known || tlog.RecordHash(text[:e.disk.size]) == e.disk.hash) {
		from = e.disk.size
	}
	return durable.Extend(filepath.Join(dir, entryPath, e.name), from, text, 0o644)
}

// Rebuild writes all files of the index anew, whatever the folder has: after
// Add of every leaf to New().
func (x *Index) Rebuild(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
		return fmt.Errorf("rebuilding the package index: %w", err)
	}
	x.diskAt = unknown
	return x.Commit(dir)
}

// Compare checks that the folder holds exactly the files of the last index
// statement added, to the byte. It is fsck's part, after Add of every leaf to
// New(). The error wraps ErrMismatch; or ErrBehind, when the files are those of
// an earlier index statement, or half way from there to the last, as a writer
// leaves them that dies after it has published a checkpoint. The next Commit
// repairs that. With growing set the log may have been appended to since: then the
// folder may have more than this, but not less and nothing else.
func (x *Index) Compare(dir string, growing bool) error {
	s := x.Snapshot()
	if s == nil {
		s = &Snapshot{at: -1}
	}
	have, at, err := readList(dir)
	if err != nil {
		return fmt.Errorf("checking %s: %w", listPath, errors.Join(ErrMismatch, err))
	}
	if at > s.at && !growing {
		return fmt.Errorf("checking %s: %w: it is of a statement at %d, the last is at %d", listPath, ErrMismatch, at, s.at)
	}
	var names []string
	errs := make([]error, len(s.list))
	var g errgroup.Group
	g.SetLimit(readers)
	for i := range s.list {
		e := &s.list[i]
		listed := have[e.name]
		g.Go(func() error {
			if growing {
				errs[i] = compareStart(dir, e, at)
			} else {
				errs[i] = compareEntry(dir, e, listed, at, at < s.at)
			}
			return nil
		})
		names = append(names, entryPath+"/"+e.name)
		delete(have, e.name)
	}
	g.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if growing {
		return nil
	}
	for name := range have {
		return fmt.Errorf("checking %s: %w: the log has no statement for %s", listPath, ErrMismatch, name)
	}
	if err := compareNames(dir, append(names, listPath)); err != nil {
		return err
	}
	if at < s.at {
		return fmt.Errorf("checking %s: %w: statement %d of %d", listPath, ErrBehind, at, s.at)
	}
	return nil
}

func readList(dir string) (map[string]*entry, int64, error) {
	m := map[string]*entry{}
	data, err := readCapped(filepath.Join(dir, listPath), MaxListSize)
	if errors.Is(err, fs.ErrNotExist) {
		return m, -1, nil
	}
	if err != nil {
		return nil, 0, err
	}
	at, list, err := parseList(data)
	for _, e := range list {
		m[e.name] = e
	}
	return m, at, err
}

// compareEntry checks a list line (nil: there is none) of the statement at
// log index at and an entry's file against the whole entry. A writer that is
// on its way may have written more of the file than the list counts.
func compareEntry(dir string, e, listed *entry, at int64, onItsWay bool) error {
	want := before(e.text, at)
	if (listed != nil) != (want > 0) || listed != nil && (listed.size != want || listed.hash != tlog.RecordHash(e.text[:want])) {
		return fmt.Errorf("checking %s: %w: the line of %s", listPath, ErrMismatch, e.name)
	}
	got, err := readCapped(filepath.Join(dir, entryPath, e.name), MaxEntrySize)
	if errors.Is(err, fs.ErrNotExist) && want == 0 {
		return nil
	}
	if err != nil || int64(len(got)) < want || !bytes.HasPrefix(e.text, got) || !onItsWay && int64(len(got)) != want {
		return fmt.Errorf("checking %s/%s: %w", entryPath, e.name, errors.Join(ErrMismatch, err))
	}
	return nil
}

// compareStart checks that what an entry's file and the whole entry have of each
// other is the same, and that the file has at least what was stated before a log
// index.
func compareStart(dir string, e *entry, at int64) error {
	got, err := readCapped(filepath.Join(dir, entryPath, e.name), MaxEntrySize)
	want := before(e.text, at)
	if errors.Is(err, fs.ErrNotExist) && want == 0 {
		return nil
	}
	n := min(len(got), len(e.text))
	if err != nil || int64(len(got)) < want || !bytes.Equal(got[:n], e.text[:n]) {
		return fmt.Errorf("checking %s/%s: %w", entryPath, e.name, errors.Join(ErrMismatch, err))
	}
	return nil
}

// before is how many bytes of an entry are about leaves before a log index; 0
// if none is.
func before(text []byte, at int64) int64 {
	name := bytes.IndexByte(text, '\n') + 1
	for size := len(text); size > name; {
		start := bytes.LastIndexByte(text[:size-1], '\n') + 1
		n, _, _ := bytes.Cut(text[start:size], []byte(" "))
		if k, err := strconv.ParseInt(string(n), 10, 64); err == nil && k < at {
			return int64(size)
		}
		size = start
	}
	return 0
}

// compareNames finds files that do not belong there.
func compareNames(dir string, want []string) error {
	slices.Sort(want)
	return filepath.WalkDir(filepath.Join(dir, "index"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("checking the package index: %w", err)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if durable.IsTemp(d.Name()) {
			return nil // of an interrupted write; the next Commit removes it
		}
		if _, ok := slices.BinarySearch(want, filepath.ToSlash(rel)); !ok && !d.IsDir() {
			return fmt.Errorf("checking %s: %w: it does not belong there", rel, ErrMismatch)
		}
		return nil
	})
}
