package log

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// A fact is one record of the cache: the first eight bytes of the hash of what
// is asked for, and a statement that may answer. Two questions may share a key;
// whoever asks reads the statement, from the log, and sees.
type fact struct {
	key   uint64
	index int64
}

func compareFacts(a, b fact) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	return cmp.Compare(a.index, b.index)
}

// mergeFacts joins two sorted lists.
func mergeFacts(a, b []fact) []fact {
	all := make([]fact, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareFacts(a[0], b[0]) <= 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}

const (
	factSize = 16
	pageSize = 4096
	perPage  = pageSize / factSize
	rowSize  = 8 + sha256.Size
)

// A segment is a file of facts about a range of statements: sorted records in
// pages of 4,096 bytes (key and index, big endian), then one row a page (first
// key, sha256 of the page). The manifest has the hash of the rows, so that a
// look-up checks the rows and the one page that it reads. Whoever asks much gets
// a filter in memory, and nearly all that is not there is answered from it.
type segment struct {
	from, to int64 // statements
	facts    int64
	digest   [32]byte // of the rows

	rows   []byte // checked
	file   *os.File
	pages  map[int64][]byte // checked
	filter filter           // nil until as many look-ups came as there are pages
	asked  int64
}

const (
	// keptPages bounds the memory for pages of one segment: 10 MB, or what a
	// batch of a thousand may ask for.
	keptPages = 2560
	// A batch of at least filterFrom questions that asks for more than one page in
	// filterAt has the whole segment read, side by side and once, for a filter.
	filterFrom, filterAt = 512, 8
	// pageReaders is how many pages are read at once: a log that was not used
	// for a while is no longer in memory.
	pageReaders = 16
)

var errFacts = errors.New("damaged facts")

func segmentName(from, to int64) string { return fmt.Sprintf("facts-%d-%d", from, to) }

// writeSegment writes facts that are sorted. It is not synced: after a crash
// the hashes do not fit and the facts are made again.
func writeSegment(dir string, from, to int64, facts []fact) (*segment, error) {
	data := make([]byte, 0, len(facts)*factSize+len(facts)/perPage*rowSize+2*pageSize)
	for _, f := range facts {
		data = binary.BigEndian.AppendUint64(data, f.key)
		data = binary.BigEndian.AppendUint64(data, uint64(f.index))
	}
	var rows []byte
	for start := 0; start < len(data); start += pageSize {
		page := data[start:min(start+pageSize, len(data))]
		sum := sha256.Sum256(page)
		rows = append(append(rows, page[:8]...), sum[:]...)
	}
	s := &segment{from: from, to: to, facts: int64(len(facts)), digest: sha256.Sum256(rows)}
	return s, durable.WriteCache(filepath.Join(dir, segmentName(from, to)), append(data, rows...), 0o600)
}

func (s *segment) pageCount() int64 { return (s.facts + perPage - 1) / perPage }

func (s *segment) open(dir string) error {
	if s.rows != nil || s.facts == 0 {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, segmentName(s.from, s.to)))
	if err != nil {
		return errors.Join(errFacts, err)
	}
	rows := make([]byte, s.pageCount()*rowSize)
	if _, err := f.ReadAt(rows, s.facts*factSize); err != nil || sha256.Sum256(rows) != s.digest {
		f.Close()
		return errFacts
	}
	s.rows, s.file, s.pages = rows, f, map[int64][]byte{}
	return nil
}

func (s *segment) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.rows, s.file, s.pages, s.filter, s.asked = nil, nil, nil, nil, 0
}

func (s *segment) page(i int64) ([]byte, error) {
	if p := s.pages[i]; p != nil {
		return p, nil
	}
	p, err := s.readPage(i)
	if err == nil {
		s.keep(i, p)
	}
	return p, err
}

func (s *segment) keep(i int64, p []byte) {
	if len(s.pages) >= keptPages {
		clear(s.pages)
	}
	s.pages[i] = p
}

func (s *segment) readPage(i int64) ([]byte, error) {
	p := make([]byte, min(pageSize, (s.facts-i*perPage)*factSize))
	if _, err := s.file.ReadAt(p, i*pageSize); err != nil {
		return nil, errors.Join(errFacts, err)
	}
	if sum := sha256.Sum256(p); string(sum[:]) != string(s.rows[i*rowSize+8:(i+1)*rowSize]) {
		return nil, errFacts
	}
	return p, nil
}

func (s *segment) firstKey(page int) uint64 { return binary.BigEndian.Uint64(s.rows[page*rowSize:]) }

// span gives the pages [from, to) that may have a key. The run may begin in the
// page before the first one whose first key is not less than it.
func (s *segment) span(key uint64) (from, to int) {
	n := int(s.pageCount())
	from = max(sort.Search(n, func(i int) bool { return s.firstKey(i) >= key })-1, 0)
	for to = from; to < n && s.firstKey(to) <= key; to++ {
	}
	return from, to
}

// find appends the statements with this key, ascending.
func (s *segment) find(dir string, key uint64, found []int64) ([]int64, error) {
	if s.facts == 0 || s.filter != nil && !s.filter.has(key) {
		return found, nil
	}
	if err := s.open(dir); err != nil {
		return nil, err
	}
	if s.asked++; s.filter == nil && s.asked > s.pageCount() {
		if err := s.makeFilter(); err != nil {
			return nil, err
		}
	}
	from, to := s.span(key)
	for i := from; i < to; i++ {
		p, err := s.page(int64(i))
		if err != nil {
			return nil, err
		}
		j := sort.Search(len(p)/factSize, func(j int) bool { return binary.BigEndian.Uint64(p[j*factSize:]) >= key })
		for ; j < len(p)/factSize && binary.BigEndian.Uint64(p[j*factSize:]) == key; j++ {
			found = append(found, int64(binary.BigEndian.Uint64(p[j*factSize+8:])))
		}
	}
	return found, nil
}

// prefetch reads the pages that look-ups of these keys will need, side by side.
// What goes wrong will go wrong again when it is asked for.
func (s *segment) prefetch(dir string, keys []uint64) {
	if s.facts == 0 || s.open(dir) != nil {
		return
	}
	if s.filter == nil && len(keys) >= filterFrom && int64(len(keys)) > s.pageCount()/filterAt && s.makeFilter() != nil {
		return
	}
	want := map[int64]bool{}
	for _, key := range keys {
		if s.filter != nil && !s.filter.has(key) {
			continue
		}
		for i, to := s.span(key); i < to && len(want) < keptPages; i++ {
			if s.pages[int64(i)] == nil {
				want[int64(i)] = true
			}
		}
	}
	if len(s.pages)+len(want) > keptPages {
		clear(s.pages)
	}
	var g errgroup.Group
	g.SetLimit(pageReaders)
	var mu sync.Mutex
	for i := range want {
		g.Go(func() error {
			p, err := s.readPage(i)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				s.keep(i, p)
			}
			return err
		})
	}
	g.Wait()
}

// makeFilter reads the whole segment once, on all processors.
func (s *segment) makeFilter() error {
	parts := runtime.GOMAXPROCS(0)
	made := make([]filter, parts)
	var g errgroup.Group
	for w := range parts {
		g.Go(func() error {
			made[w] = newFilter(s.facts)
			for i := int64(w); i < s.pageCount(); i += int64(parts) {
				p, err := s.readPage(i)
				if err != nil {
					return err
				}
				for ; len(p) > 0; p = p[factSize:] {
					made[w].add(binary.BigEndian.Uint64(p))
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, x := range made[1:] {
		made[0].join(x)
	}
	s.filter = made[0]
	return nil
}

// all returns every fact of the segment.
func (s *segment) all(dir string) ([]fact, error) {
	if err := s.open(dir); err != nil {
		return nil, err
	}
	facts := make([]fact, 0, s.facts)
	for i := range s.pageCount() {
		p, err := s.readPage(i)
		if err != nil {
			return nil, err
		}
		for ; len(p) > 0; p = p[factSize:] {
			facts = append(facts, fact{binary.BigEndian.Uint64(p), int64(binary.BigEndian.Uint64(p[8:]))})
		}
	}
	return facts, nil
}
