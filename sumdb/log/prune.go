package log

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// maxPruned is how many bundles one append looks under for superseded partial
// tiles: a walk through all folders would take longer than the append.
const maxPruned = 256

// prune removes superseded partial tiles when an append has filled a tile. It
// goes on where the last one stopped, at the first tile that has not been there
// for long enough. What goes wrong is left for the next time.
func (l *Log) prune(oldSize, size int64, now time.Time) {
	full := size / tile.Width
	if oldSize/tile.Width == full || l.o.Grace < 0 {
		return
	}
	path := l.statePath("pruned")
	text, _ := os.ReadFile(path)
	from, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || from < 0 || from > full {
		from = 0
	}
	n := from
	for n < min(full, from+maxPruned) && l.pruneUnder(n, now) == nil {
		n++
	}
	if n != from {
		durable.WriteCache(path, strconv.AppendInt(nil, n, 10), 0o600)
	}
}

var errYoung = errors.New("the full tile is not there for long enough")

// pruneUnder prunes beside bundle n, and beside the tiles that end with its last leaf.
func (l *Log) pruneUnder(n int64, now time.Time) error {
	if err := l.pruneBeside(tile.Tile{Entries: true, Index: n, Width: tile.Width}, now); err != nil {
		return err
	}
	for level := 0; ; level++ {
		if err := l.pruneBeside(tile.Tile{Level: level, Index: n, Width: tile.Width}, now); err != nil {
			return err
		}
		if (n+1)%tile.Width != 0 || level == 7 {
			return nil
		}
		n /= tile.Width
	}
}

// pruneBeside removes the partial tiles beside a full one.
func (l *Log) pruneBeside(t tile.Tile, now time.Time) error {
	full := filepath.Join(l.o.Dir, filepath.FromSlash(t.Path()))
	if fi, err := os.Lstat(full + ".p"); errors.Is(err, fs.ErrNotExist) || err == nil && !fi.IsDir() {
		return nil // never through a link that somebody put there
	}
	fi, err := os.Stat(full)
	if err != nil {
		return err
	}
	if now.Sub(fi.ModTime()) < l.o.Grace {
		return errYoung
	}
	return removePartials(full + ".p")
}

// Prune removes the partial tiles whose full tile has been there for longer
// than Options.Grace (C2SP tlog-tiles allows it: readers take the full one),
// and the temporary files that interrupted writes have left.
func (l *Log) Prune(ctx context.Context) error {
	s, err := l.begin(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	return l.pruneTiles(s.old.Size, l.o.Now())
}

func (l *Log) pruneTiles(size int64, now time.Time) error {
	root := filepath.Join(l.o.Dir, "tile")
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() {
			if durable.IsTemp(e.Name()) {
				return durable.Remove(path)
			}
			return nil
		}
		if l.o.Grace < 0 || !strings.HasSuffix(path, ".p") {
			return nil
		}
		full := strings.TrimSuffix(path, ".p")
		rel, err := filepath.Rel(l.o.Dir, full)
		if err != nil {
			return err
		}
		t, err := tile.ParsePath(filepath.ToSlash(rel))
		// Only what the published tree has in full: never the right edge.
		if err != nil || (t.Index+1)<<(tile.Height*(t.Level+1)) > size {
			return nil
		}
		if err := l.pruneBeside(t, now); errors.Is(err, errYoung) || errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return fs.SkipDir
	})
}

// removePartials removes a folder of partial tiles, and nothing else that
// somebody may have put there.
func removePartials(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if w, err := tile.ParsePath("tile/0/000.p/" + e.Name()); (err == nil && w.Width > 0) || durable.IsTemp(e.Name()) {
			if err := durable.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	durable.Remove(dir) // not if it is not empty
	return nil
}
