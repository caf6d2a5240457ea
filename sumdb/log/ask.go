package log

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// This file is the door's side of facts: record.Facts.

// begin makes the facts answer for a tree, and a batch that follows it.
func (f *facts) begin(ctx context.Context, tree *store.Tree) {
	f.ctx, f.tree = ctx, tree
	f.base, f.batch, f.keys, f.fresh = tree.Size(), nil, nil, map[uint64][]int64{}
}

// add takes a statement that the door has let in.
func (f *facts) add(s *record.Signed, keys []uint64) {
	i := f.base + int64(len(f.batch))
	f.batch = append(f.batch, s)
	for _, k := range keys {
		f.keys = append(f.keys, fact{k, i})
		f.fresh[k] = append(f.fresh[k], i)
	}
}

// prefetch reads what the door will ask for under these keys.
func (f *facts) prefetch(keys []uint64) {
	for _, s := range f.segments {
		s.prefetch(f.dir, keys)
	}
}

// commit makes the batch part of the facts, after it has been published.
func (f *facts) commit(size int64, root tlog.Hash) error {
	for i, s := range f.batch {
		f.note(s, f.base+int64(i))
	}
	slices.SortFunc(f.keys, compareFacts)
	s, err := writeSegment(f.dir, f.base, size, f.keys)
	if err != nil {
		return err
	}
	f.segments = append(f.segments, s)
	f.size, f.root = size, root
	return f.save(false)
}

// candidates returns the statements that may answer a question, ascending.
func (f *facts) candidates(key uint64) ([]int64, error) {
	var found []int64
	for _, s := range f.segments {
		var err error
		if found, err = s.find(f.dir, key, found); err != nil {
			return nil, err
		}
	}
	return append(found, f.fresh[key]...), nil
}

// latest returns the newest statement under a key that fits, or -1.
func (f *facts) latest(key uint64, fits func(*record.Signed) bool) (*record.Signed, int64, error) {
	found, err := f.candidates(key)
	if err != nil {
		return nil, -1, err
	}
	for n := len(found) - 1; n >= 0; n-- {
		s, err := f.Statement(found[n])
		if err != nil {
			return nil, -1, err
		}
		if fits(s) {
			return s, found[n], nil
		}
	}
	return nil, -1, nil
}

// Statement returns a statement of the tree or of the batch.
func (f *facts) Statement(i int64) (*record.Signed, error) {
	if n := i - f.base; n >= 0 {
		if n >= int64(len(f.batch)) {
			return nil, fmt.Errorf("statement %d is not in the log", i)
		}
		return f.batch[n], nil
	}
	return statement(f.ctx, f.tree, i)
}

// Held implements record.Facts.
func (f *facts) Held(id record.ID) (int64, bool, error) {
	_, i, err := f.latest(heldKey(id), func(s *record.Signed) bool { return s.ID() == id })
	return i, i >= 0, err
}

// Given implements record.Facts. All statements about a name agree, so the
// newest says the same as the first.
func (f *facts) Given(file string) (record.File, int64, bool, error) {
	s, i, err := f.latest(givenKey(file), func(s *record.Signed) bool {
		return (s.Kind() == record.KindSource || s.Kind() == record.KindUpstream) && s.Files()[0].Name == file
	})
	if s == nil {
		return record.File{}, -1, false, err
	}
	return s.Files()[0], i, true, nil
}

// Built implements record.Facts.
func (f *facts) Built(file, target string) (record.File, int64, bool, error) {
	s, i, err := f.latest(builtKey(file, target), func(s *record.Signed) bool {
		b, err := s.AsBuild()
		return err == nil && b.File.Name == file && b.Target == target
	})
	if s == nil {
		return record.File{}, -1, false, err
	}
	return s.Files()[0], i, true, nil
}

// Roots implements record.Facts.
func (f *facts) Roots() ([]record.Placed, error) {
	// What the log holds of them never changes, so it is read once.
	for _, i := range f.roots[len(f.placed):] {
		p, err := f.placedAt(i)
		if err != nil {
			return nil, err
		}
		f.placed = append(f.placed, p)
	}
	placed := slices.Clone(f.placed)
	for i, s := range f.batch {
		if s.Kind() == record.KindRoot {
			p, err := f.placedAt(f.base + int64(i))
			if err != nil {
				return nil, err
			}
			placed = append(placed, p)
		}
	}
	return placed, nil
}

func (f *facts) placedAt(i int64) (record.Placed, error) {
	s, err := f.Statement(i)
	if err != nil {
		return record.Placed{}, err
	}
	r, err := s.AsRoot()
	if err != nil {
		return record.Placed{}, fmt.Errorf("statement %d: %w", i, err)
	}
	return record.Placed{At: i, Root: r}, nil
}

// lastIndex returns the place of the newest index statement, or -1.
func (f *facts) lastIndex() int64 {
	for i := len(f.batch) - 1; i >= 0; i-- {
		if f.batch[i].Kind() == record.KindIndex {
			return f.base + int64(i)
		}
	}
	return f.index
}
