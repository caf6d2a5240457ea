package log

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// An edge is the right edge of a tree: the partial tiles from level 0 up, which
// is all that appending needs to know.
type edge struct {
	size  int64
	rows  [8][]tlog.Hash // rows[L] has size/256^L mod 256 hashes
	files []newTile      // full tiles that appending has made
}

type newTile struct {
	tile tile.Tile
	data []byte
}

// readEdge reads the partial tiles of a tree. They are right if, and only if,
// the root computed from them is: it covers every hash in them.
func readEdge(ctx context.Context, r store.Reader, c tile.Checkpoint) (*edge, error) {
	e := &edge{size: c.Size}
	for _, t := range tile.Edge(c.Size) {
		data, err := r.ReadFile(ctx, t.Path(), int64(t.Width)*tile.HashSize)
		if err != nil {
			return nil, &StateError{t.Path(), "part of the log's right edge", err}
		}
		if len(data) != t.Width*tile.HashSize {
			return nil, &StateError{t.Path(), "wrong length", nil}
		}
		for ; len(data) > 0; data = data[tile.HashSize:] {
			e.rows[t.Level] = append(e.rows[t.Level], tlog.Hash(data[:tile.HashSize]))
		}
	}
	if e.root() != c.Root {
		return nil, &StateError{"tile", "the right edge does not give the checkpoint's root hash", nil}
	}
	return e, nil
}

// add appends a leaf.
func (e *edge) add(leaf []byte) {
	h := tlog.RecordHash(leaf)
	e.size++
	for level := 0; ; level++ {
		e.rows[level] = append(e.rows[level], h)
		if len(e.rows[level]) < tile.Width {
			return
		}
		index := e.size>>(tile.Height*(level+1)) - 1
		e.files = append(e.files, newTile{tile.Tile{Level: level, Index: index, Width: tile.Width}, flat(e.rows[level])})
		h = subtree(e.rows[level])
		e.rows[level] = nil
	}
}

func flat(row []tlog.Hash) []byte {
	b := make([]byte, 0, len(row)*tile.HashSize)
	for _, h := range row {
		b = append(b, h[:]...)
	}
	return b
}

// subtree returns the hash over a power of two of hashes.
func subtree(row []tlog.Hash) tlog.Hash {
	if len(row) == 1 {
		return row[0]
	}
	half := len(row) / 2
	return tlog.NodeHash(subtree(row[:half]), subtree(row[half:]))
}

// root returns the root hash. RFC 6962 splits a tree at the largest power of
// two below its size, so the root joins the complete subtrees of the size's
// binary digits from the smallest, rightmost one leftwards; each row holds
// those of eight digits.
func (e *edge) root() tlog.Hash {
	if e.size == 0 {
		return tile.EmptyRoot()
	}
	var root tlog.Hash
	first := true
	for _, row := range e.rows {
		for n := len(row); n > 0; {
			width := n & -n
			h := subtree(row[n-width : n])
			if first {
				root, first = h, false
			} else {
				root = tlog.NodeHash(h, root)
			}
			n -= width
		}
	}
	return root
}

// tiles returns all tiles of hashes that a tree of this size has and one of
// size old has not: the full ones first, then the partial ones.
func (e *edge) tiles(old int64) []newTile {
	files := e.files
	had := map[tile.Tile]bool{}
	for _, t := range tile.Edge(old) {
		had[t] = true
	}
	for _, t := range tile.Edge(e.size) {
		if !had[t] {
			files = append(files, newTile{t, flat(e.rows[t.Level])})
		}
	}
	return files
}
