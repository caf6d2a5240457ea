// Package store reads a log that lies in a folder or behind any other
// [Reader], and believes nothing of it that does not fit a checkpoint.
//
//	cp, msg, err := store.Checkpoint(ctx, r, origin, keys)   signed
//	tree := store.NewTree(r, cp.Size, cp.Root)
//	leaf, err := tree.Leaf(ctx, 4711)                        checked against cp.Root
//	proof, err := tree.ProveLeaf(ctx, 4711)
//
// Every tile that a [Tree] hands on has been hashed up to the root, as
// tlog.TileHashReader does it: a hash at the edge of the tree by way of the
// root, any other by way of its parent tile. Where a partial tile is missing
// the full one is read in its place, since a log may delete the partial one
// (C2SP tlog-tiles, "Partial Tiles").
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// A Reader gives the files of a log. Paths are slash separated and relative to
// the log's folder, as in "tile/0/000". The error for a file that is not there
// wraps [fs.ErrNotExist]; a file of more than limit bytes is an error.
type Reader interface {
	ReadFile(ctx context.Context, path string, limit int64) ([]byte, error)
}

// Folder is a log on a file system.
type Folder string

// ReadFile reads a regular file below the folder.
func (d Folder) ReadFile(_ context.Context, path string, limit int64) ([]byte, error) {
	if !fs.ValidPath(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	return readLimited(filepath.Join(string(d), filepath.FromSlash(path)), limit)
}

func readLimited(path string, limit int64) ([]byte, error) {
	// Not a device or pipe, which could block or never end: opening a pipe blocks.
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err = f.Stat(); err != nil {
		return nil, err
	}
	if fi.Size() > limit {
		return nil, fmt.Errorf("reading %s: %d bytes, at most %d", path, fi.Size(), limit)
	}
	b := make([]byte, fi.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return b, nil
}

// FS is a log in any file system of the standard library.
type FS struct{ fs.FS }

// ReadFile reads a file.
func (f FS) ReadFile(_ context.Context, path string, limit int64) ([]byte, error) {
	h, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	b, err := io.ReadAll(io.LimitReader(h, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("reading %s: more than %d bytes", path, limit)
	}
	return b, err
}

// CheckpointPath is where the checkpoint lies.
const CheckpointPath = "checkpoint"

// Checkpoint reads the log's checkpoint and checks origin and signature. It
// returns the signed note too.
func Checkpoint(ctx context.Context, r Reader, origin string, keys note.Verifiers) (tile.Checkpoint, []byte, error) {
	msg, err := r.ReadFile(ctx, CheckpointPath, tile.MaxCheckpoint)
	if err != nil {
		return tile.Checkpoint{}, nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	c, _, err := tile.OpenCheckpoint(msg, origin, keys)
	if err != nil {
		return tile.Checkpoint{}, nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	return c, msg, nil
}

// readTile reads a tile of hashes or a bundle, or the first part of the full one.
// Hash tiles have exactly the right length; a bundle has not been parsed.
func readTile(ctx context.Context, r Reader, t tile.Tile) ([]byte, error) {
	data, err := r.ReadFile(ctx, t.Path(), limitOf(t))
	if errors.Is(err, fs.ErrNotExist) && t.Width < tile.Width {
		full := t.Full()
		data, ferr := r.ReadFile(ctx, full.Path(), limitOf(full))
		if ferr != nil {
			return nil, err // the partial one is what should be there
		}
		return cut(data, full, t.Width)
	}
	if err != nil {
		return nil, err
	}
	return cut(data, t, t.Width)
}

func limitOf(t tile.Tile) int64 {
	if t.Entries {
		return tile.MaxBundle
	}
	return int64(t.Width) * tile.HashSize
}

// cut checks the length of t's data and takes the first n hashes or leaves.
func cut(data []byte, t tile.Tile, n int) ([]byte, error) {
	if t.Entries {
		if n == t.Width {
			return data, nil
		}
		return tile.Truncate(data, n)
	}
	if len(data) != t.Width*tile.HashSize {
		return nil, &DamagedError{Path: t.Path(), Msg: "wrong length"}
	}
	return data[:n*tile.HashSize], nil
}

// A DamagedError says that a file of the log is not what the checkpoint says.
type DamagedError struct {
	Path string
	Msg  string
}

func (e *DamagedError) Error() string { return "log is damaged: " + e.Path + ": " + e.Msg }
