// Package fsck checks a log's folder whole: it believes nothing but the keys.
//
// It reads the checkpoint and every leaf, makes every tile of every level from
// the leaves again and compares it with the file, compares each superseded
// partial tile with the beginning of the full one, lets each statement pass the
// log's door again at its own place (package record), and makes the package
// index again (package index). A file under tile/ that no checkpoint of this
// log could stand on is a finding too. What is left over from an interrupted
// write is named, but harms nobody.
//
// The log may be appended to meanwhile: it is checked as the checkpoint read first
// has it.
//
// The private folder .state is not looked at: nothing rests on it.
package fsck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// MaxProblems is where a check stops counting.
const MaxProblems = 1000

// Options say what the log should be.
type Options struct {
	Origin  string
	LogKeys note.Verifiers // of the checkpoint
	// Keys judges signers; nil leaves out who signed, and with it the door.
	Keys record.Keys
	// NoIndex leaves the package index out.
	NoIndex bool
}

// A Problem is one thing that is wrong.
type Problem struct {
	Path  string // file, or "" where it is about a statement
	Index int64  // statement, or -1
	Msg   string
	// Ahead: a tile of a larger log. An append that was stopped before it
	// published its checkpoint leaves such, and a journal that explains them.
	Ahead bool
}

func (p Problem) String() string {
	if p.Index >= 0 {
		return fmt.Sprintf("statement %d: %s", p.Index, p.Msg)
	}
	return p.Path + ": " + p.Msg
}

// A Report is what was found. The log is sound if it has no problems.
type Report struct {
	Checkpoint tile.Checkpoint
	Problems   []Problem
	Leftovers  []string // temporary files of interrupted writes
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

var errEnough = errors.New("too many problems")

type checker struct {
	ctx    context.Context
	dir    string
	o      Options
	r      store.Reader
	report *Report
	front  *tile.Frontier
	door   *replay
	index  *index.Index
}

func (c *checker) problem(path string, index int64, format string, args ...any) error {
	c.report.Problems = append(c.report.Problems, Problem{Path: path, Index: index, Msg: fmt.Sprintf(format, args...)})
	if len(c.report.Problems) >= MaxProblems {
		return errEnough
	}
	return nil
}

// Check checks a log's folder. The error is about the check itself (a context
// that ended, a folder that cannot be read); what is wrong with the log is in
// the report.
func Check(ctx context.Context, dir string, o Options) (*Report, error) {
	return checkWith(ctx, dir, o, store.Folder(dir))
}

func checkWith(ctx context.Context, dir string, o Options, r store.Reader) (*Report, error) {
	c := &checker{ctx: ctx, dir: dir, o: o, r: r, report: &Report{}, front: &tile.Frontier{}}
	err := c.check()
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c.report, err
}

func (c *checker) check() error {
	cp, _, err := store.Checkpoint(c.ctx, c.r, c.o.Origin, c.o.LogKeys)
	if err != nil {
		return c.problem(store.CheckpointPath, -1, "%v", err)
	}
	c.report.Checkpoint = cp
	if c.o.Keys != nil {
		c.door = newReplay(c, store.NewTree(c.r, cp.Size, cp.Root), int(min(cp.Size, maxHint)))
	}
	if !c.o.NoIndex {
		c.index = index.New()
	}
	for b, err := range c.bundles(cp.Size) {
		if err != nil {
			return err
		}
		if err := c.bundle(b); err != nil {
			return err
		}
	}
	for _, f := range c.front.Partials() {
		if err := c.compare(f); err != nil {
			return err
		}
	}
	if root := c.front.Root(); root != cp.Root {
		if err := c.problem(store.CheckpointPath, -1, "its root hash is %v, the leaves give %v", cp.Root, root); err != nil {
			return err
		}
	}
	if err := c.strangers(); err != nil {
		return err
	}
	c.explain()
	return c.compareIndex()
}

// bundle checks the leaves of a bundle in their place.
func (c *checker) bundle(b *bundle) error {
	if b.err != nil {
		if err := c.problem(b.tile.Path(), -1, "%v", b.err); err != nil {
			return err
		}
	}
	for i := range b.leaves {
		if err := c.leaf(b.tile.Index*tile.Width+int64(i), &b.leaves[i]); err != nil {
			return err
		}
	}
	if c.door != nil {
		if err := c.door.signatures(); err != nil {
			return err
		}
	}
	return c.oldPartials(b.tile, b.data)
}

func (c *checker) leaf(i int64, l *leaf) error {
	for _, f := range c.front.Add(l.hash) {
		if err := c.compare(f); err != nil {
			return err
		}
	}
	if c.index != nil {
		err := l.itemErr
		if err == nil {
			err = c.index.AddItem(l.item)
		}
		if err != nil {
			if err := c.problem("", i, "index: %v", err); err != nil {
				return err
			}
			c.index = nil // what follows would only repeat it
		}
	}
	if l.err != nil {
		return c.problem("", i, "%v", l.err)
	}
	if c.door == nil {
		return nil
	}
	return c.door.statement(i, l.signed, l.file)
}

// compare compares a tile of hashes with its file.
func (c *checker) compare(f tile.File) error {
	data, err := c.readTile(f.Tile)
	if err != nil {
		return c.problem(f.Tile.Path(), -1, "%v", err)
	}
	if string(data) != string(f.Data) {
		if err := c.problem(f.Tile.Path(), -1, "not the hashes of what lies below"); err != nil {
			return err
		}
	}
	return c.oldPartials(f.Tile, f.Data)
}

// oldPartials compares the superseded partial tiles beside a tile with the
// beginning of its right data.
func (c *checker) oldPartials(t tile.Tile, data []byte) error {
	dir := t.Full().Path() + ".p"
	entries, err := os.ReadDir(filepath.Join(c.dir, filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		p, err := tile.ParsePath(dir + "/" + e.Name())
		if err != nil || p.Width >= t.Width {
			continue // the tile itself, or a stranger
		}
		got, err := c.r.ReadFile(c.ctx, p.Path(), tile.MaxBundle)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned since the folder was listed
		}
		if err != nil {
			return c.problem(p.Path(), -1, "%v", err)
		}
		want := data[:min(len(data), p.Width*tile.HashSize)]
		if t.Entries {
			want, err = tile.Truncate(data, p.Width)
		}
		if err != nil || string(got) != string(want) {
			if err := c.problem(p.Path(), -1, "not the beginning of the newest"); err != nil {
				return err
			}
		}
	}
	return nil
}

// strangers looks for files under tile/ that are not tiles of this tree.
func (c *checker) strangers() error {
	root := filepath.Join(c.dir, "tile")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return c.ctx.Err()
		}
		rel, err := filepath.Rel(c.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if durable.IsTemp(e.Name()) {
			c.report.Leftovers = append(c.report.Leftovers, name)
			return nil
		}
		t, err := tile.ParsePath(name)
		if err != nil {
			return c.problem(name, -1, "not a tile")
		}
		if !e.Type().IsRegular() {
			return c.problem(name, -1, "not a regular file")
		}
		if !belongs(t, c.report.Checkpoint.Size) {
			err := c.problem(name, -1, "not a tile of a log of %d statements", c.report.Checkpoint.Size)
			c.report.Problems[len(c.report.Problems)-1].Ahead = true
			return err
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && c.report.Checkpoint.Size == 0 {
		return nil
	}
	return err
}

// belongs reports whether a tile is one of a tree of this size, or was one when
// the tree was smaller.
func belongs(t tile.Tile, size int64) bool {
	hashes := size >> (tile.Height * min(t.Level, 7))
	if t.Level > 7 {
		return false
	}
	return t.Index*tile.Width+int64(t.Width) <= hashes
}
