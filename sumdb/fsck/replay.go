package fsck

import (
	"errors"
	"hash/maphash"
	"strconv"
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
	held  map[uint64]int64
	given map[uint64]fact // by file name
	built map[uint64]fact // by file name and target
	roots []record.Placed
	asked named // of the statement at the door
	owed  []promise
}

// What is remembered of a million statements is small: 64 bits of a hash each of what
// is asked for and of the answer, and where the whole answer stands. The hash has a
// seed of this process, so nobody can have prepared two names that it takes for one;
// and what would be a problem is read again before it is called one.
type fact struct {
	says  uint64 // hash of the file's hash and size
	index int64
}

var seed = maphash.MakeSeed()

func keyOf(kind byte, parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteByte(kind)
	for _, p := range parts {
		h.WriteString(p)
		h.WriteByte('\n') // stands in no field of a statement
	}
	return h.Sum64()
}

func idKey(id record.ID) uint64        { return maphash.Bytes(seed, id[:]) }
func given(file string) uint64         { return keyOf('g', file) }
func built(file, target string) uint64 { return keyOf('b', file, target) }
func says(f record.File) uint64        { return keyOf('s', f.SHA256, strconv.FormatInt(f.Size, 10)) }

// A named is the file of a source, upstream or build statement: all that the
// door's memory needs of it.
type named struct {
	kind byte // 'g' given, 'b' built, 0 neither
	key  uint64
	file record.File
	says uint64
}

func nameOf(s *record.Signed) named {
	switch s.Kind() {
	case record.KindSource, record.KindUpstream:
		f := s.Files()[0]
		return named{'g', given(f.Name), f, says(f)}
	case record.KindBuild:
		if files := s.Files(); len(files) > 0 {
			return named{'b', built(files[0].Name, s.Get("target")), files[0], says(files[0])}
		}
	}
	return named{}
}

// maxHint bounds the memory that is reserved because a checkpoint says so.
const maxHint = 1 << 22

func newReplay(c *checker, tree *store.Tree, size int) *replay {
	return &replay{
		c: c, tree: tree,
		held: make(map[uint64]int64, size), given: make(map[uint64]fact, size/2), built: map[uint64]fact{},
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
	if id := idKey(s.ID()); !r.holds(id) {
		r.held[id] = i
	}
	known := fact{file.says, i}
	switch file.kind {
	case 'g':
		if _, ok := r.given[file.key]; !ok {
			r.given[file.key] = known
		}
	case 'b':
		r.built[file.key] = known
	}
	if s.Kind() == record.KindRoot {
		if root, err := s.AsRoot(); err == nil {
			r.roots = append(r.roots, record.Placed{At: i, Root: root})
		}
	}
}

func (r *replay) holds(id uint64) bool { _, ok := r.held[id]; return ok }

// Held implements record.Facts.
func (r *replay) Held(id record.ID) (int64, bool, error) {
	i, ok := r.held[idKey(id)]
	if !ok {
		return i, false, nil
	}
	s, err := r.Statement(i)
	return i, err != nil || s.ID() == id, nil // what cannot be read is a problem already
}

// Given implements record.Facts.
func (r *replay) Given(file string) (record.File, int64, bool, error) {
	f, ok := r.given[given(file)]
	return r.answer(f, ok, file)
}

// Built implements record.Facts.
func (r *replay) Built(file, target string) (record.File, int64, bool, error) {
	f, ok := r.built[built(file, target)]
	return r.answer(f, ok, file)
}

// answer is the file that a fact is about. It is asked for with the statement at the
// door in mind, which mostly says the same.
func (r *replay) answer(f fact, ok bool, file string) (record.File, int64, bool, error) {
	if !ok {
		return record.File{}, -1, false, nil
	}
	if f.says == r.asked.says {
		return r.asked.file, f.index, true, nil
	}
	s, err := r.Statement(f.index)
	if err != nil {
		return record.File{}, -1, false, err
	}
	for _, x := range s.Files() {
		if x.Name == file {
			return x, f.index, true, nil
		}
	}
	return record.File{}, -1, false, nil
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
