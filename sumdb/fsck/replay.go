package fsck

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// A replay lets the statements pass the door again, each knowing only those
// before it. It is the door's memory in its plainest form: maps.
type replay struct {
	c     *checker
	tree  *store.Tree
	last  time.Time
	held  map[record.ID]int64
	given map[digest]fact // by file name
	built map[digest]fact // by file name and target
	roots []record.Placed
	owed  []promise
}

// Maps of a million entries are dear to a garbage collector if there are
// pointers in them, so names and hashes are 32 bytes here.
type digest [32]byte

type fact struct {
	sha256      digest
	size, index int64
}

func newFact(f record.File, i int64) fact {
	x := fact{size: f.Size, index: i}
	hex.Decode(x.sha256[:], []byte(f.SHA256))
	return x
}

func (x fact) file(name string) record.File {
	return record.File{Name: name, SHA256: hex.EncodeToString(x.sha256[:]), Size: x.size}
}

func given(file string) digest         { return sha256.Sum256([]byte(file)) }
func built(file, target string) digest { return sha256.Sum256([]byte(file + "\n" + target)) }

func newReplay(c *checker, tree *store.Tree) *replay {
	return &replay{
		c: c, tree: tree,
		held: map[record.ID]int64{}, given: map[digest]fact{}, built: map[digest]fact{},
	}
}

func (r *replay) statement(i int64, s *record.Signed) error {
	err := record.Door(s, record.State{Origin: r.c.o.Origin, Index: i, Last: r.last, Keys: r.later(i, s), Facts: r})
	r.last = s.Time()
	r.remember(i, s)
	if err == nil {
		return nil
	}
	var door *record.DoorError
	if !errors.As(err, &door) && r.c.ctx.Err() != nil {
		return err
	}
	return r.c.problem("", i, "%v", err)
}

func (r *replay) remember(i int64, s *record.Signed) {
	if _, ok := r.held[s.ID()]; !ok {
		r.held[s.ID()] = i
	}
	switch s.Kind() {
	case record.KindRoot:
		if root, err := s.AsRoot(); err == nil {
			r.roots = append(r.roots, record.Placed{At: i, Root: root})
		}
	case record.KindSource, record.KindUpstream:
		f := s.Files()[0]
		if k := given(f.Name); r.given[k] == (fact{}) {
			r.given[k] = newFact(f, i)
		}
	case record.KindBuild:
		if files := s.Files(); len(files) > 0 {
			r.built[built(files[0].Name, s.Get("target"))] = newFact(files[0], i)
		}
	}
}

// Held implements record.Facts.
func (r *replay) Held(id record.ID) (int64, bool, error) {
	i, ok := r.held[id]
	return i, ok, nil
}

// Given implements record.Facts.
func (r *replay) Given(file string) (record.File, int64, bool, error) {
	f, ok := r.given[given(file)]
	return f.file(file), f.index, ok, nil
}

// Built implements record.Facts.
func (r *replay) Built(file, target string) (record.File, int64, bool, error) {
	f, ok := r.built[built(file, target)]
	return f.file(file), f.index, ok, nil
}

// Statement implements record.Facts.
func (r *replay) Statement(i int64) (*record.Signed, error) {
	leaf, err := r.tree.Leaf(r.c.ctx, i)
	if err != nil {
		return nil, err
	}
	return record.ParseLeaf(leaf)
}

// Roots implements record.Facts.
func (r *replay) Roots() ([]record.Placed, error) { return r.roots, nil }
