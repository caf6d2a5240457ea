package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// downloads is how many files are fetched at once.
const downloads = 8

// copyTries is how often a copy is begun again because the log grew meanwhile:
// its index would be ahead of the checkpoint.
const copyTries = 3

// copy brings the copy of a log behind an address up to its checkpoint. Full
// tiles never change, so that each is fetched once. What is wrong with any of
// them is for fsck to say.
func (l *look) copy(ctx context.Context, dir string) error {
	for range copyTries {
		if err := l.copyTiles(ctx, dir); err != nil {
			return err
		}
		if err := l.copyIndex(ctx, dir); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(dir, store.CheckpointPath), l.note, 0o600); err != nil {
			return err
		}
		before := l.c
		if err := l.read(ctx); err != nil || l.c.Size == before.Size {
			return err
		}
		// What came meanwhile has to continue what was compared with the last time.
		if root, err := l.tree.RootAt(ctx, before.Size); err != nil || root != before.Root {
			return &store.DamagedError{Path: store.CheckpointPath, Msg: "it changed while it was read, and does not continue what it was"}
		}
	}
	return errors.New("the log grows faster than it can be read; try again later")
}

func (l *look) copyTiles(ctx context.Context, dir string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(downloads)
	one := func(t tile.Tile) {
		g.Go(func() error { return l.copyTile(ctx, dir, t) })
	}
	for level := 0; l.c.Size>>(8*level) > 0; level++ {
		n := l.c.Size >> (8 * level)
		for i := int64(0); i*tile.Width < n && ctx.Err() == nil; i++ {
			t := tile.Tile{Level: level, Index: i, Width: int(min(tile.Width, n-i*tile.Width))}
			one(t)
			if level == 0 {
				t.Entries = true
				one(t)
			}
		}
	}
	return g.Wait()
}

func (l *look) copyTile(ctx context.Context, dir string, t tile.Tile) error {
	path := filepath.Join(dir, filepath.FromSlash(t.Path()))
	// An empty one is what a power cut leaves of a file that was not synced.
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	data, err := l.Log.ReadFile(ctx, t.Path(), tile.MaxBundle)
	if errors.Is(err, fs.ErrNotExist) && t.Width < tile.Width {
		// The log has grown and taken it away.
		if data, err = l.Log.ReadFile(ctx, t.Full().Path(), tile.MaxBundle); err != nil {
			return err
		}
		if t.Entries {
			data, err = tile.Truncate(data, t.Width)
		} else {
			data = data[:min(len(data), t.Width*tile.HashSize)]
		}
	}
	if err != nil {
		return err
	}
	return write(path, data)
}

// write writes a file of the copy. The last look may have been stopped half way,
// so it is there whole or not at all; it can be fetched again, so it is not synced.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(path), durable.TempName())
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// copyIndex copies the package index. Entries only grow, so those are fetched
// that the new list says more about than the copy holds.
func (l *look) copyIndex(ctx context.Context, dir string) error {
	const listPath = "index/list"
	list, err := l.Log.ReadFile(ctx, listPath, index.MaxListSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // fsck says whether there should be one
	}
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(downloads)
	lines := bytes.Split(list, []byte("\n"))
	for _, line := range lines[min(2, len(lines)):] {
		words := strings.Fields(string(line))
		if len(words) != 3 {
			continue
		}
		name, size := words[0], words[1]
		if !fs.ValidPath(name) || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
			return &store.DamagedError{Path: listPath, Msg: fmt.Sprintf("%q cannot be a name", name)}
		}
		g.Go(func() error {
			path := filepath.Join(dir, "index", "entry", name)
			if info, err := os.Stat(path); err == nil && strconv.FormatInt(info.Size(), 10) == size {
				return nil
			}
			data, err := l.Log.ReadFile(ctx, "index/entry/"+name, index.MaxEntrySize)
			if err != nil {
				return err
			}
			return write(path, data)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return write(filepath.Join(dir, filepath.FromSlash(listPath)), list)
}
