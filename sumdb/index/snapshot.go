package index

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A Snapshot is the list as of one index statement, to prove entries in. It
// stays as it is when leaves are added to the index.
type Snapshot struct {
	at     int64
	list   []entry
	dir    string
	levels [][]tlog.Hash // levels[k][i] is the hash of the complete subtree of 2^k leaves
}

// Snapshot gives the list as of the last index statement added or opened. It is
// nil when there is none, or when Root has been asked for leaves after it.
func (x *Index) Snapshot() *Snapshot {
	if x.last < 0 || x.snap == nil && x.settled != x.last+1 {
		return nil
	}
	if x.snap == nil {
		s := &Snapshot{at: x.last, dir: x.dir, list: make([]entry, len(x.sorted))}
		for i, e := range x.sorted {
			// Clipped: the index goes on to append to the text.
			s.list[i] = entry{name: e.name, text: slices.Clip(e.text), size: e.size, hash: e.hash, disk: e.disk}
		}
		x.snap = s
	}
	return x.snap
}

// Statement is the log index of the index statement.
func (s *Snapshot) Statement() int64 { return s.at }

// Len is the number of entries.
func (s *Snapshot) Len() int64 { return int64(len(s.list)) }

// Find gives the place of a name in the list, or where it would stand.
func (s *Snapshot) Find(name string) (place int64, found bool) {
	i, ok := slices.BinarySearchFunc(s.list, name, func(e entry, n string) int { return strings.Compare(e.name, n) })
	return int64(i), ok
}

// Lookup gives the entry of a name, checked; nil if there is none, which the entries
// before and after its place show: they are checked too, because the hashes of the
// list do not cover the names in it.
func (s *Snapshot) Lookup(name string) ([]byte, error) {
	place, found := s.Find(name)
	if found {
		return s.Entry(place)
	}
	for _, p := range []int64{place - 1, place} {
		if p < 0 || p == s.Len() {
			continue
		}
		if _, err := s.Entry(p); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Entry gives the text of the entry at a place, checked against its hash.
func (s *Snapshot) Entry(place int64) ([]byte, error) {
	if place < 0 || place >= s.Len() {
		return nil, fmt.Errorf("reading entry %d of %d: %w", place, s.Len(), ErrMalformed)
	}
	return readEntry(s.dir, &s.list[place])
}

// ReadHashes makes Snapshot a tlog.HashReader.
func (s *Snapshot) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	s.fill()
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		if level >= len(s.levels) || n >= int64(len(s.levels[level])) {
			return nil, fmt.Errorf("reading index hash %d/%d: %w", level, n, ErrMalformed)
		}
		out[i] = s.levels[level][n]
	}
	return out, nil
}

func (s *Snapshot) fill() {
	if s.levels != nil {
		return
	}
	row := make([]tlog.Hash, len(s.list))
	for i, e := range s.list {
		row[i] = e.hash
	}
	for len(row) > 0 {
		s.levels = append(s.levels, row)
		up := make([]tlog.Hash, len(row)/2)
		for i := range up {
			up[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = up
	}
}
