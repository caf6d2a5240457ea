package log

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

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
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.index, b.index))
}

const (
	factSize = 16
	pageSize = 1024
	perPage  = pageSize / factSize
	rowSize  = 8 + sha256.Size
)

// A segment is a file of facts about a range of statements: sorted records in
// pages of 1,024 bytes (key and index, big endian), then one row a page (first
// key, sha256 of the page). The manifest has the hash of the rows, so that a
// look-up checks the rows and the one page that it reads.
type segment struct {
	from, to int64 // statements
	facts    int64
	digest   [32]byte // of the rows

	rows  []byte // checked
	file  *os.File
	pages map[int64][]byte // checked
}

// keptPages bounds the memory for pages of one segment: 4 MB.
const keptPages = 4096

var errFacts = errors.New("damaged facts")

func segmentName(from, to int64) string { return fmt.Sprintf("facts-%d-%d", from, to) }

// writeSegment sorts the facts and writes them. It is not synced: after a crash
// the hashes do not fit and the facts are made again.
func writeSegment(dir string, from, to int64, facts []fact) (*segment, error) {
	slices.SortFunc(facts, compareFacts)
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
	s.rows, s.file, s.pages = nil, nil, nil
}

func (s *segment) page(i int64) ([]byte, error) {
	if p := s.pages[i]; p != nil {
		return p, nil
	}
	p := make([]byte, min(pageSize, (s.facts-i*perPage)*factSize))
	if _, err := s.file.ReadAt(p, i*pageSize); err != nil {
		return nil, errors.Join(errFacts, err)
	}
	if sum := sha256.Sum256(p); string(sum[:]) != string(s.rows[i*rowSize+8:(i+1)*rowSize]) {
		return nil, errFacts
	}
	if len(s.pages) == keptPages {
		clear(s.pages)
	}
	s.pages[i] = p
	return p, nil
}

// find appends the statements with this key, ascending.
func (s *segment) find(dir string, key uint64, found []int64) ([]int64, error) {
	if s.facts == 0 {
		return found, nil
	}
	if err := s.open(dir); err != nil {
		return nil, err
	}
	n := int(s.pageCount())
	// The run may begin in the page before the first one whose first key is
	// not less than ours.
	i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(s.rows[i*rowSize:]) >= key })
	for i = max(i-1, 0); i < n && binary.BigEndian.Uint64(s.rows[i*rowSize:]) <= key; i++ {
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

// all returns every fact of the segment.
func (s *segment) all(dir string) ([]fact, error) {
	if err := s.open(dir); err != nil {
		return nil, err
	}
	facts := make([]fact, 0, s.facts)
	for i := range s.pageCount() {
		p, err := s.page(i)
		if err != nil {
			return nil, err
		}
		for ; len(p) > 0; p = p[factSize:] {
			facts = append(facts, fact{binary.BigEndian.Uint64(p), int64(binary.BigEndian.Uint64(p[8:]))})
		}
	}
	return facts, nil
}
