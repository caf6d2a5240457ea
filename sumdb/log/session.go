package log

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// wholeCheck is the size up to which an append checks the whole log and not
// only its right edge: it costs less than writing one file.
const wholeCheck = 1024

// maxOldPartials is how many bytes of superseded partial tiles an append
// compares with the newest: they are still served.
const maxOldPartials = 1 << 20

// A session is one turn of the writer: from taking the locks to letting them go.
type session struct {
	l      *Log
	ctx    context.Context
	unlock func()
	now    time.Time

	old    tile.Checkpoint // what is published
	tree   *store.Tree
	edge   *tile.Frontier
	full   []tile.File // tiles of hashes that the batch has filled
	bundle []byte      // the last bundle if it is partial, else empty
	last   time.Time
	facts  *facts
	index  *indexer
	warm   *warmState // where facts and index are from, if the last append left them

	leaves [][]byte // admitted
	bytes  int64

	readIndex func() (*index.Index, error) // reads the folder's index, once
	ahead     func() *indexer              // what indexAhead has begun, or nil
}

// warmState is what an append leaves to the next one of the same process: it is
// used only if the checkpoint is still the one that it left.
type warmState struct {
	checkpoint tile.Checkpoint
	facts      *facts
	index      *indexer
	wrote      time.Time // when the index's files were last written
	behind     bool      // they are of an earlier append
}

// begin takes the locks, replays the journal and checks everything that an
// append rests on.
func (l *Log) begin(ctx context.Context) (_ *session, err error) {
	unlock, err := l.lock(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{l: l, ctx: ctx, unlock: unlock, now: l.o.Now().UTC().Truncate(time.Second)}
	s.readIndex = sync.OnceValues(func() (*index.Index, error) { return index.Open(l.o.Dir) })
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	floors, err := l.floors()
	if err != nil {
		return nil, err
	}
	replayed, err := l.replay(ctx, floors)
	if err != nil {
		return nil, err
	}
	// Replay may have raised the mark.
	if floors, err = l.floors(); err != nil {
		return nil, err
	}
	if err := s.readOld(floors); err != nil {
		return nil, err
	}
	if err := s.checkFloors(floors); err != nil {
		return nil, err
	}
	if replayed {
		// Whoever was interrupted may have left temporary files.
		l.pruneTiles(s.old.Size, l.o.Now())
	}
	if err := s.authenticate(); err != nil {
		return nil, err
	}
	if err := s.openFacts(); err != nil {
		return nil, err
	}
	return s, s.mendIndex(replayed)
}

// end lets the locks go.
func (s *session) end() {
	if s.ahead != nil {
		s.ahead() // it reads the folder
	}
	if s.warm != nil && len(s.leaves) == 0 && sameTree(s.tree, s.facts) {
		s.l.warm = s.warm // nothing was told to them
	}
	if s.facts != nil && (s.l.warm == nil || s.l.warm.facts != s.facts) {
		s.facts.close()
	}
	s.unlock()
}

func (l *Log) reader() store.Reader { return store.Folder(l.o.Dir) }

// present reads our own checkpoint; found is false if there is none.
func (l *Log) present(ctx context.Context) (c tile.Checkpoint, found bool, err error) {
	c, _, err = store.Checkpoint(ctx, l.reader(), l.o.Origin, l.o.LogKeys)
	if errors.Is(err, fs.ErrNotExist) {
		return tile.Checkpoint{Origin: l.o.Origin, Root: tile.EmptyRoot()}, false, nil
	}
	if err != nil {
		return c, false, &StateError{store.CheckpointPath, "not a checkpoint of this log", err}
	}
	return c, true, nil
}

// readOld reads the checkpoint, or finds that a new log may begin here.
func (s *session) readOld(floors []floor) error {
	c, found, err := s.l.present(s.ctx)
	if err != nil {
		return err
	}
	s.old, s.tree = c, store.NewTree(s.l.reader(), c.Size, c.Root)
	if found {
		if len(floors) == 0 && c.Size > 0 {
			return &StateError{store.CheckpointPath, fmt.Sprintf("the log has %d statements", c.Size), ErrNoMark}
		}
		return nil
	}
	for _, f := range floors {
		return &StateError{store.CheckpointPath, fmt.Sprintf("there is none, but %s is at %d", f.name, f.Size), nil}
	}
	// Without a checkpoint and a mark, tiles are all that says that a log was
	// here: its writer must not begin again at 0.
	if entries, err := os.ReadDir(filepath.Join(s.l.o.Dir, "tile")); err == nil && len(entries) > 0 {
		return &StateError{"tile", "there are tiles but no checkpoint", nil}
	}
	if !s.l.o.Create {
		return fmt.Errorf("appending to %s: %w", s.l.o.Dir, ErrNoLog)
	}
	return nil
}

// checkFloors refuses a log that is not the newest that was ever signed, or a
// continuation of it: signing on an older one would be a fork.
func (s *session) checkFloors(floors []floor) error {
	for _, f := range floors {
		if s.old.Size < f.Size {
			return &StateError{store.CheckpointPath, fmt.Sprintf("it is at %d, older than %s at %d: a branch or a restored backup", s.old.Size, f.name, f.Size), nil}
		}
		root, err := s.tree.RootAt(s.ctx, f.Size)
		if err != nil {
			return &StateError{"tile", fmt.Sprintf("the tree at %d", f.Size), err}
		}
		if root != f.Root {
			return &StateError{store.CheckpointPath, fmt.Sprintf("it is another log than %s at %d: a fork", f.name, f.Size), nil}
		}
	}
	return nil
}

// authenticate checks what the new tiles will be made of: the right edge
// against the root hash, the last bundle against the edge. Continuing a damaged
// tile would sign the damage.
func (s *session) authenticate() error {
	if err := s.readEdge(); err != nil {
		return err
	}
	if s.old.Size == 0 {
		return nil
	}
	b := tile.LastBundle(s.old.Size)
	data, err := s.l.reader().ReadFile(s.ctx, b.Path(), tile.MaxBundle)
	if err != nil {
		return &StateError{b.Path(), "the last leaves", err}
	}
	leaves, err := tile.ParseBundle(data, b.Width)
	if err != nil {
		return &StateError{b.Path(), "the last leaves", err}
	}
	if err := s.checkBundle(b, leaves); err != nil {
		return err
	}
	if b.Width < tile.Width {
		s.bundle = data
	}
	last, err := record.ParseLeaf(leaves[len(leaves)-1])
	if err != nil {
		return &StateError{b.Path(), "the last leaf", err}
	}
	s.last = last.Time()
	if s.old.Size <= wholeCheck {
		for _, err := range s.tree.Leaves(s.ctx, 0, s.old.Size) {
			if err != nil {
				return &StateError{"tile", "the log is damaged", err}
			}
		}
	}
	return s.checkOldPartials(data)
}

func (s *session) readEdge() (err error) {
	s.edge, err = tile.ReadFrontier(s.old.Size, func(t tile.Tile) ([]byte, error) {
		data, err := s.l.reader().ReadFile(s.ctx, t.Path(), int64(t.Width)*tile.HashSize)
		if err == nil && len(data) != t.Width*tile.HashSize {
			err = errors.New("wrong length")
		}
		if err != nil {
			return nil, &StateError{t.Path(), "part of the log's right edge", err}
		}
		return data, nil
	})
	if err == nil && s.edge.Root() != s.old.Root {
		err = &StateError{"tile", "the right edge does not give the checkpoint's root hash", nil}
	}
	return err
}

func (s *session) checkBundle(b tile.Tile, leaves [][]byte) error {
	row := s.edge.Row(0)
	if len(row) == 0 {
		// The last bundle is full and its tile too: its hash is in the edge.
		hashes := make([]tlog.Hash, len(leaves))
		for i, leaf := range leaves {
			hashes[i] = tlog.RecordHash(leaf)
		}
		h, err := s.tree.HashReader(s.ctx).ReadHashes([]int64{tlog.StoredHashIndex(tile.Height, b.Index)})
		if err != nil {
			return &StateError{"tile", "the right edge", err}
		}
		if tile.Subtree(hashes) != h[0] {
			return &StateError{b.Path(), "the leaves are not those of the tree", nil}
		}
		return nil
	}
	for i, leaf := range leaves {
		if tlog.RecordHash(leaf) != row[i] {
			return &StateError{b.Path(), fmt.Sprintf("leaf %d is not that of the tree", i), nil}
		}
	}
	return nil
}

// checkOldPartials compares the superseded partial tiles of the right edge with
// the newest, of which each must be the beginning.
func (s *session) checkOldPartials(bundle []byte) error {
	left := int64(maxOldPartials)
	newest := map[tile.Tile][]byte{}
	for _, f := range s.edge.Partials() {
		newest[f.Tile] = f.Data
	}
	if len(s.bundle) > 0 {
		newest[tile.LastBundle(s.old.Size)] = bundle
	}
	for t, data := range newest {
		dir := filepath.Dir(filepath.FromSlash(t.Path()))
		entries, err := os.ReadDir(filepath.Join(s.l.o.Dir, dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.ToSlash(filepath.Join(dir, e.Name()))
			p, err := tile.ParsePath(path)
			if err != nil || p.Width >= t.Width || left <= 0 {
				continue
			}
			got, err := s.l.reader().ReadFile(s.ctx, path, tile.MaxBundle)
			if err != nil {
				return &StateError{path, "a superseded partial tile", err}
			}
			left -= int64(len(got))
			if want, err := cutTile(t, data, p.Width); err != nil || string(got) != string(want) {
				return &StateError{path, "a superseded partial tile is not the beginning of the newest", nil}
			}
		}
	}
	return nil
}

func cutTile(t tile.Tile, data []byte, n int) ([]byte, error) {
	if t.Entries {
		return tile.Truncate(data, n)
	}
	return data[:n*tile.HashSize], nil
}

func (s *session) openFacts() (err error) {
	dir := filepath.Dir(s.l.statePath(factsName))
	if w := s.l.warm; w != nil && w.checkpoint.Size == s.old.Size && w.checkpoint.Root == s.old.Root {
		// Taken away: a batch that is stopped, wherever that is, leaves behind
		// what it has told them of leaves that the log does not hold.
		s.facts, s.index, s.warm, s.l.warm = w.facts, w.index, w, nil
	} else {
		s.l.cool()
		if s.facts, err = openFacts(s.ctx, dir, s.l.o.KeyDir, s.l.o.Origin, s.tree); err != nil {
			return err
		}
	}
	s.facts.begin(s.ctx, s.tree)
	return s.place()
}

// place tells the keys which roots are in force.
func (s *session) place() error {
	roots, err := s.facts.Roots()
	if err != nil || len(roots) == 0 {
		return err
	}
	if err := s.l.o.Keys.Place(roots); err != nil {
		return fmt.Errorf("placing the roots of the log: %w", err)
	}
	return nil
}

// cool forgets what the last append left.
func (l *Log) cool() {
	if l.warm != nil && l.warm.facts != nil {
		l.warm.facts.close()
	}
	l.warm = nil
}
