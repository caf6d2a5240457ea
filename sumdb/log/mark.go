package log

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// markPath returns where the mark of an origin lies. An origin may hold
// slashes, so it is named by hash.
func markPath(keyDir, origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(keyDir, "marks", hex.EncodeToString(sum[:16]))
}

// ReadMark returns the highest checkpoint that was signed for an origin with
// the keys of this folder, with its signed note. The error wraps
// [fs.ErrNotExist] when there is none; a damaged mark is never taken for none.
func ReadMark(keyDir, origin string, keys note.Verifiers) (tile.Checkpoint, []byte, error) {
	path := markPath(keyDir, origin)
	msg, err := os.ReadFile(path)
	if err != nil {
		return tile.Checkpoint{}, nil, err
	}
	// The signature is checked although the folder is ours: a flipped bit in
	// the size would lower the mark.
	c, _, err := tile.OpenCheckpoint(msg, origin, keys)
	if err != nil {
		return tile.Checkpoint{}, nil, &StateError{path, "the high-water mark is damaged", err}
	}
	return c, msg, nil
}

// LowerMark replaces the mark by an older checkpoint, or sets one where none
// survives. Only `log recover` does this, after it has checked a root signature
// that allows it. The checkpoint must be signed by the log.
func LowerMark(keyDir, origin string, checkpoint []byte, keys note.Verifiers) error {
	if _, _, err := tile.OpenCheckpoint(checkpoint, origin, keys); err != nil {
		return fmt.Errorf("setting the mark: %w", err)
	}
	path := markPath(keyDir, origin)
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := durable.Lock(path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return durable.WriteFile(path, checkpoint, 0o600)
}

// A floor is a checkpoint that the log in the folder must continue: the mark,
// and what others have seen of the log if the caller knows it.
type floor struct {
	tile.Checkpoint
	name string // for messages
	mark bool
}

// floors returns what is known of how far the log was signed, the mark first.
func (l *Log) floors() ([]floor, error) {
	var all []floor
	c, _, err := ReadMark(l.o.KeyDir, l.o.Origin, l.o.LogKeys)
	if err == nil {
		all = append(all, floor{c, "the high-water mark", true})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if l.o.Published != nil {
		c, _, err = tile.OpenCheckpoint(l.o.Published, l.o.Origin, l.o.LogKeys)
		if err != nil {
			return nil, fmt.Errorf("reading the published checkpoint: %w", err)
		}
		all = append(all, floor{c, "the published checkpoint", false})
	}
	return all, nil
}

// is reports whether the floor is exactly this checkpoint.
func (f floor) is(c tile.Checkpoint) bool { return f.Size == c.Size && f.Root == c.Root }

// markOf returns the mark among the floors.
func markOf(floors []floor) (floor, bool) {
	if len(floors) > 0 && floors[0].mark {
		return floors[0], true
	}
	return floor{}, false
}
