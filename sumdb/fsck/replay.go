package fsck

import (
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
	given map[string]fact
	built map[[2]string]fact
	roots []record.Placed
}

type fact struct {
	file  record.File
	index int64
}

func newReplay(c *checker, tree *store.Tree) *replay {
	return &replay{
		c: c, tree: tree,
		held: map[record.ID]int64{}, given: map[string]fact{}, built: map[[2]string]fact{},
	}
}

func (r *replay) statement(i int64, s *record.Signed) error {
	err := record.Door(s, record.State{Origin: r.c.o.Origin, Index: i, Last: r.last, Keys: r.c.o.Keys, Facts: r})
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
		if _, ok := r.given[f.Name]; !ok {
			r.given[f.Name] = fact{f, i}
		}
	case record.KindBuild:
		if files := s.Files(); len(files) > 0 {
			r.built[[2]string{files[0].Name, s.Get("target")}] = fact{files[0], i}
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
	f, ok := r.given[file]
	return f.file, f.index, ok, nil
}

// Built implements record.Facts.
func (r *replay) Built(file, target string) (record.File, int64, bool, error) {
	f, ok := r.built[[2]string{file, target}]
	return f.file, f.index, ok, nil
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
