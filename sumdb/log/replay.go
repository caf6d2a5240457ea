package log

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// replay completes the append that the journal holds, if it was not completed.
// found says that there was a journal.
func (l *Log) replay(ctx context.Context, floors []floor) (found bool, err error) {
	j, err := l.readJournal()
	if j == nil && err == nil {
		return false, nil
	}
	return true, l.replayJournal(ctx, j, err, floors)
}

// replayJournal is replay for a journal, or for the reason why it cannot be read.
func (l *Log) replayJournal(ctx context.Context, j *journal, err error, floors []floor) error {
	cur, _, cerr := l.present(ctx)
	if cerr != nil {
		return cerr
	}
	path := l.statePath("journal")
	if err != nil {
		// A journal that cannot be read does no harm when the mark was not
		// raised yet: nothing of that append was ever public.
		if m, ok := markOf(floors); ok && m.is(cur) || !ok && cur.Size == 0 {
			return l.dropJournal()
		}
		return &StateError{path, "it cannot be read, and the mark does not say that it is not needed", err}
	}
	c, _, err := tile.OpenCheckpoint(j.note, l.o.Origin, l.o.LogKeys)
	if err != nil {
		return &StateError{path, "its checkpoint is not ours", err}
	}
	if c.Size == cur.Size && c.Root == cur.Root {
		return l.dropJournal()
	}
	if j.oldSize != cur.Size || j.oldRoot != cur.Root {
		return l.staleJournal(ctx, c, cur, floors)
	}
	s := &session{l: l, ctx: ctx, old: cur, tree: newTree(l.reader(), cur)}
	if err := s.mayReplay(c, floors); err != nil {
		return err
	}
	if err := s.authenticate(); err != nil {
		return err
	}
	for _, leaf := range j.leaves {
		s.grow(leaf, tlog.RecordHash(leaf))
	}
	if s.edge.Size() != c.Size || s.edge.Root() != c.Root {
		return &StateError{path, "its leaves do not give its root hash", nil}
	}
	_, err = s.publish(c, j.note)
	return err
}

// mayReplay checks that the folder may be brought to the journal's checkpoint c:
// everything known of the log is either c or a beginning of what the folder has.
func (s *session) mayReplay(c tile.Checkpoint, floors []floor) error {
	if len(floors) == 0 && s.old.Size > 0 {
		return &StateError{s.l.statePath("journal"), "an append is under way", ErrNoMark}
	}
	var below []floor
	for _, f := range floors {
		switch {
		case f.is(c):
		case f.Size > s.old.Size:
			return &StateError{s.l.statePath("journal"), fmt.Sprintf("it is not the append that led to %s at %d", f.name, f.Size), nil}
		default:
			below = append(below, f)
		}
	}
	return s.checkFloors(below)
}

// staleJournal decides about a journal for another state of the folder than the
// present one.
func (l *Log) staleJournal(ctx context.Context, c, cur tile.Checkpoint, floors []floor) error {
	if c.Size <= cur.Size {
		root, err := store.NewTree(l.reader(), cur.Size, cur.Root).RootAt(ctx, c.Size)
		if err == nil && root == c.Root {
			return l.dropJournal() // it was published, and more
		}
	}
	if m, ok := markOf(floors); ok && !m.is(c) {
		// The mark is raised before anything becomes public; it is not at the
		// journal's checkpoint, so nobody has seen that.
		return l.dropJournal()
	}
	return &StateError{l.statePath("journal"), fmt.Sprintf("an append to %d was signed, and the folder does not hold the log that it was for", c.Size), nil}
}
