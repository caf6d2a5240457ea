package log

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// prune removes superseded partial tiles when an append has filled a tile. What
// goes wrong is left for the next time.
func (l *Log) prune(oldSize, size int64, now time.Time) {
	if oldSize/tile.Width != size/tile.Width {
		l.pruneTiles(size, now)
	}
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
		fi, err := os.Stat(full)
		if err != nil || now.Sub(fi.ModTime()) < l.o.Grace {
			return nil
		}
		if err := removePartials(path); err != nil {
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
