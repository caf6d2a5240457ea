package log

import (
	"context"
	"iter"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// A View is a log as one signed checkpoint has it, to be read.
type View struct {
	Checkpoint tile.Checkpoint
	Note       []byte // the checkpoint, signed
	Tree       *store.Tree
}

// Read opens the log behind r at its present checkpoint, whose origin and
// signature are checked.
func Read(ctx context.Context, r store.Reader, origin string, keys note.Verifiers) (*View, error) {
	c, msg, err := store.Checkpoint(ctx, r, origin, keys)
	if err != nil {
		return nil, err
	}
	return &View{c, msg, store.NewTree(r, c.Size, c.Root)}, nil
}

// An Entry is a statement and its place in the log.
type Entry struct {
	Index int64
	*record.Signed
}

// Statement returns the statement at an index, checked against the checkpoint.
// That its signer had the role is for whoever knows the roots to say.
func (v *View) Statement(ctx context.Context, i int64) (*record.Signed, error) {
	return statement(ctx, v.Tree, i)
}

func statement(ctx context.Context, t *store.Tree, i int64) (*record.Signed, error) {
	leaf, err := t.Leaf(ctx, i)
	if err != nil {
		return nil, err
	}
	return record.ParseLeaf(leaf)
}

// Statements gives the statements [from, to) in order, each checked against the
// checkpoint. It stops at the first error, which it gives last.
func (v *View) Statements(ctx context.Context, from, to int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for leaf, err := range v.Tree.Leaves(ctx, from, to) {
			if err != nil {
				yield(Entry{Index: leaf.Index}, err)
				return
			}
			s, err := record.ParseLeaf(leaf.Data)
			if !yield(Entry{leaf.Index, s}, err) || err != nil {
				return
			}
		}
	}
}
