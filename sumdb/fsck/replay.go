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
	asked named // of the statement at the door
	owed  []promise
}

// Maps of a million entries are dear to a garbage collector if there are
// pointers in them, so names and hashes are 32 bytes here.
type digest [32]byte

type fact struct {
	sha256      digest
	size, index int64
}

func newFact(f record.File) fact {
	x := fact{size: f.Size}
	hex.Decode(x.sha256[:], []byte(f.SHA256))
	return x
}

func (x fact) file(name string) record.File {
	return record.File{Name: name, SHA256: hex.EncodeToString(x.sha256[:]), Size: x.size}
}

func given(file string) digest         { return sha256.Sum256([]byte(file)) }
func built(file, target string) digest { return sha256.Sum256([]byte(file + "\n" + target)) }

// A named is the file of a source, upstream or build statement: all that the
// door's memory needs of it.
type named struct {
	kind byte // 'g' given, 'b' built, 0 neither
	key  digest
	fact fact // but for its index
}

func nameOf(s *record.Signed) named {
	switch s.Kind() {
	case record.KindSource, record.KindUpstream:
		f := s.Files()[0]
		return named{'g', given(f.Name), newFact(f)}
	case record.KindBuild:
		if files := s.Files(); len(files) > 0 {
			return named{'b', built(files[0].Name, s.Get("target")), newFact(files[0])}
		}
	}
	return named{}
}

// maxHint bounds the memory that is reserved because a checkpoint says so.
const maxHint = 1 << 22

func newReplay(c *checker, tree *store.Tree, size int) *replay {
	return &replay{
		c: c, tree: tree,
		held: make(map[record.ID]int64, size), given: make(map[digest]fact, size/2), built: map[digest]fact{},
	}
}

func (r *replay) statement(i int64, s *record.Signed, file named) error {
	r.asked = file
	err := record.Door(s, record.State{Origin: r.c.o.Origin, Index: i, Last: r.last, Keys: r.later(i, s), Facts: r})
	r.last = s.Time()
	r.remember(i, s, file)
	if err == nil {
		return nil
	}
	var door *record.DoorError
	if !errors.As(err, &door) && r.c.ctx.Err() != nil {
		return err
	}
	return r.c.problem("", i, "%v", err)
}

func (r *replay) remember(i int64, s *record.Signed, file named) {
	if _, ok := r.held[s.ID()]; !ok {
		r.held[s.ID()] = i
	}
	file.fact.index = i
	switch file.kind {
	case 'g':
		if _, ok := r.given[file.key]; !ok {
			r.given[file.key] = file.fact
		}
	case 'b':
		r.built[file.key] = file.fact
	}
	if s.Kind() == record.KindRoot {
		if root, err := s.AsRoot(); err == nil {
			r.roots = append(r.roots, record.Placed{At: i, Root: root})
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
	key := r.asked.key
	if r.asked.kind != 'g' {
		key = given(file)
	}
	f, ok := r.given[key]
	if !ok {
		return record.File{}, -1, false, nil
	}
	return f.file(file), f.index, true, nil
}

// Built implements record.Facts.
func (r *replay) Built(file, target string) (record.File, int64, bool, error) {
	f, ok := r.built[built(file, target)]
	if !ok {
		return record.File{}, -1, false, nil
	}
	return f.file(file), f.index, true, nil
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
