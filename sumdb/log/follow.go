package log

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// MaxFollow is how many statements Follow fetches at most: a copy that is
// further behind is better fetched as files.
const MaxFollow = 100_000

// ErrForked says that two checkpoints of one log cannot both be.
var ErrForked = errors.New("the log has signed two histories")

// A FollowError says why a copy of a log was left as it is.
type FollowError struct {
	Msg string
	Err error // ErrForked, *store.DamagedError, or nil
}

func (e *FollowError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("following the log: %s: %v", e.Msg, e.Err)
	}
	return "following the log: " + e.Msg
}

func (e *FollowError) Unwrap() error { return e.Err }

// Follow brings the copy of a log in a folder up to the checkpoint that from
// publishes, without any private key: only what continues the copy is taken, and
// every tile is made again from statements that were checked against the new
// checkpoint. check, if not nil, is asked whether that checkpoint is good enough
// (its witnesses). The folder is changed in the order of an append, the checkpoint
// last. Where it has as much already, nothing changes.
func Follow(ctx context.Context, dir, origin string, keys note.Verifiers, from store.Reader, check func(*View) error) (*View, error) {
	l := &Log{o: Options{Dir: dir, Origin: origin, LogKeys: keys}}
	// The same folders as a writer's, but for its mark: there may be no key here.
	if err := errors.Join(durable.MkdirAll(dir, 0o755), durable.MkdirAll(filepath.Dir(l.statePath("lock")), 0o700)); err != nil {
		return nil, err
	}
	if err := l.ignoreState(); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, DefaultWait)
	defer cancel()
	unlock, err := durable.LockWait(wait, l.statePath("lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if j, err := l.readJournal(); j != nil || err != nil {
		return nil, &FollowError{Msg: "an append of this folder is not finished"}
	}
	old, found, err := l.present(ctx)
	if err != nil {
		return nil, err
	}
	there, err := Read(ctx, from, origin, keys)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(there); err != nil {
			return nil, err
		}
	}
	c := there.Checkpoint
	s := &session{l: l, ctx: ctx, now: time.Now(), old: old, tree: newTree(l.reader(), old)}
	switch {
	case found && c.Size == old.Size && c.Root == old.Root:
		return Read(ctx, l.reader(), origin, keys)
	case c.Size < old.Size:
		if root, err := s.tree.RootAt(ctx, c.Size); err == nil && root != c.Root {
			return nil, &FollowError{fmt.Sprintf("its checkpoint of %d is of another tree than the copy's", c.Size), ErrForked}
		}
		return nil, &FollowError{Msg: fmt.Sprintf("its checkpoint has %d statements, and the copy %d: it was rolled back, or is an old view", c.Size, old.Size)}
	case c.Size-old.Size > MaxFollow:
		return nil, &FollowError{Msg: fmt.Sprintf("the copy is %d statements behind, at most %d are fetched", c.Size-old.Size, MaxFollow)}
	}
	if root, err := there.Tree.RootAt(ctx, old.Size); err != nil {
		return nil, err
	} else if root != old.Root {
		return nil, &FollowError{fmt.Sprintf("its first %d statements are not the copy's", old.Size), ErrForked}
	}
	if err := s.follow(there); err != nil {
		return nil, err
	}
	return Read(ctx, l.reader(), origin, keys)
}

// follow does what an append does after it has signed: here others have.
func (s *session) follow(there *View) error {
	if err := s.authenticate(); err != nil {
		return err
	}
	for leaf, err := range there.Tree.Leaves(s.ctx, s.old.Size, there.Checkpoint.Size) {
		if err != nil {
			return err
		}
		s.grow(leaf.Data, tlog.RecordHash(leaf.Data))
	}
	if s.edge.Root() != there.Checkpoint.Root {
		return &FollowError{Msg: "its statements do not give its root hash"}
	}
	bundles, err := s.bundles()
	if err != nil {
		return err
	}
	if err := s.writeTiles(slices.Concat(bundles, s.tiles())); err != nil {
		return err
	}
	if err := s.l.write("checkpoint", filepath.Join(s.l.o.Dir, store.CheckpointPath), there.Note); err != nil {
		return err
	}
	return s.reindex()
}

// reindex makes the files of the package index follow.
func (s *session) reindex() error {
	x, err := index.Open(s.l.o.Dir)
	s.index = &indexer{dir: s.l.o.Dir, x: x}
	if err != nil || !s.indexFits(x) {
		s.index.remake()
	}
	if err := s.followIndex(); err != nil {
		return fmt.Errorf("making the package index: %w", err)
	}
	return s.index.commit()
}
