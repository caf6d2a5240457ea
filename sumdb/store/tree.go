package store

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// keptTiles is how many checked tiles a Tree keeps, 8 KB each: the right edge
// and the path of a proof for some neighbours, not a whole log.
const keptTiles = 64

// A Tree is the log as one checkpoint has it. It is safe for concurrent use
// when its Reader is.
type Tree struct {
	r    Reader
	size int64
	root tlog.Hash

	mu    sync.Mutex
	tiles map[tile.Tile][]byte // checked against root
	order []tile.Tile
}

// NewTree returns the tree of some size and root hash, which the caller has
// from a checkpoint that it believes.
func NewTree(r Reader, size int64, root tlog.Hash) *Tree {
	return &Tree{r: r, size: size, root: root, tiles: map[tile.Tile][]byte{}}
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Root returns the root hash.
func (t *Tree) Root() tlog.Hash { return t.root }

// HashReader returns a reader of hashes by their number of storage (see
// tlog.StoredHashIndex), each checked against the root.
func (t *Tree) HashReader(ctx context.Context) tlog.HashReader {
	r := &tileReader{ctx: ctx, t: t}
	checked := tlog.TileHashReader(tlog.Tree{N: t.size, Hash: t.root}, r)
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := checked.ReadHashes(indexes)
		if err != nil && !r.failed {
			// The tiles could be read; tlog has no type for what it says of them.
			err = &DamagedError{Path: "tile", Msg: err.Error()}
		}
		return hashes, err
	})
}

// ReadHashes makes Tree a tlog.HashReader without a context.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return t.HashReader(context.Background()).ReadHashes(indexes)
}

// tileReader is tlog's view of the tiles.
type tileReader struct {
	ctx    context.Context
	t      *Tree
	failed bool // a tile could not be read
}

func (r *tileReader) Height() int { return tile.Height }

func (r *tileReader) ReadTiles(tiles []tlog.Tile) (_ [][]byte, err error) {
	defer func() { r.failed = err != nil }()
	data := make([][]byte, len(tiles))
	for i, x := range tiles {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		t := tile.Tile{Level: x.L, Index: x.N, Width: x.W}
		if b := r.t.kept(t); b != nil {
			data[i] = b
			continue
		}
		b, err := readTile(r.ctx, r.t.r, t)
		if err != nil {
			return nil, err
		}
		data[i] = b
	}
	return data, nil
}

// SaveTiles is called with tiles that tlog has checked.
func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	for i, x := range tiles {
		r.t.keep(tile.Tile{Level: x.L, Index: x.N, Width: x.W}, data[i])
	}
}

func (t *Tree) kept(x tile.Tile) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tiles[x]
}

func (t *Tree) keep(x tile.Tile, data []byte) {
	if t.tiles[x] != nil {
		return
	}
	if len(t.order) == keptTiles {
		delete(t.tiles, t.order[0])
		t.order = t.order[1:]
	}
	t.tiles[x] = data
	t.order = append(t.order, x)
}

func (t *Tree) inside(i int64) error {
	if i < 0 || i >= t.size {
		return fmt.Errorf("statement %d is not in the log of %d", i, t.size)
	}
	return nil
}

// LeafHash returns the hash of a leaf.
func (t *Tree) LeafHash(ctx context.Context, i int64) (tlog.Hash, error) {
	if err := t.inside(i); err != nil {
		return tlog.Hash{}, err
	}
	h, err := t.HashReader(ctx).ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("reading the hash of statement %d: %w", i, err)
	}
	return h[0], nil
}

// Leaf returns the bytes of a leaf, checked.
func (t *Tree) Leaf(ctx context.Context, i int64) ([]byte, error) {
	if err := t.inside(i); err != nil {
		return nil, err
	}
	leaves, err := t.bundle(ctx, i/tile.Width, i, i+1)
	if err != nil {
		return nil, fmt.Errorf("reading statement %d: %w", i, err)
	}
	return leaves[0], nil
}

// bundle returns the leaves [from, to) of one bundle, each checked.
func (t *Tree) bundle(ctx context.Context, index, from, to int64) ([][]byte, error) {
	b := tile.Bundle(index, t.size)
	data, err := readTile(ctx, t.r, b)
	if err != nil {
		return nil, err
	}
	leaves, err := tile.ParseBundle(data, b.Width)
	if err != nil {
		return nil, &DamagedError{b.Path(), err.Error()}
	}
	leaves = leaves[from-index*tile.Width : to-index*tile.Width]
	want := make([]int64, len(leaves))
	for i := range want {
		want[i] = tlog.StoredHashIndex(0, from+int64(i))
	}
	hashes, err := t.HashReader(ctx).ReadHashes(want)
	if err != nil {
		return nil, err
	}
	for i, leaf := range leaves {
		if tlog.RecordHash(leaf) != hashes[i] {
			return nil, &DamagedError{b.Path(), fmt.Sprintf("statement %d has not the hash that the tree has", from+int64(i))}
		}
	}
	return leaves, nil
}

// Leaves gives the leaves [from, to) with their indexes, each checked before it
// is given. It stops at the first error, which it gives last.
func (t *Tree) Leaves(ctx context.Context, from, to int64) iter.Seq2[Leaf, error] {
	return func(yield func(Leaf, error) bool) {
		if from < 0 || from > to || to > t.size {
			yield(Leaf{}, fmt.Errorf("statements %d to %d are not in the log of %d", from, to, t.size))
			return
		}
		for from < to {
			end := min(to, (from/tile.Width+1)*tile.Width)
			leaves, err := t.bundle(ctx, from/tile.Width, from, end)
			if err != nil {
				yield(Leaf{Index: from}, fmt.Errorf("reading statements %d to %d: %w", from, end-1, err))
				return
			}
			for i, leaf := range leaves {
				if !yield(Leaf{from + int64(i), leaf}, nil) {
					return
				}
			}
			from = end
		}
	}
}

// A Leaf is a leaf's place in the log and its bytes.
type Leaf struct {
	Index int64
	Data  []byte
}

// ProveLeaf returns the proof that leaf i is in the tree (RFC 6962, 2.1.1). It
// is made of checked hashes only; [CheckLeaf] checks it.
func (t *Tree) ProveLeaf(ctx context.Context, i int64) (tlog.RecordProof, error) {
	if err := t.inside(i); err != nil {
		return nil, err
	}
	p, err := tlog.ProveRecord(t.size, i, t.HashReader(ctx))
	if err != nil {
		return nil, fmt.Errorf("proving statement %d: %w", i, err)
	}
	return p, nil
}

// CheckLeaf checks that these very bytes are leaf i of a tree. Its hash is
// computed here: a proof about a hash that somebody else has given says nothing
// about any bytes, since an inner node's hash is proved just as well.
func CheckLeaf(leaf []byte, i int64, size int64, root tlog.Hash, p tlog.RecordProof) error {
	if i < 0 || i >= size {
		return fmt.Errorf("statement %d is not in a log of %d", i, size)
	}
	return tlog.CheckRecord(p, size, root, i, tlog.RecordHash(leaf))
}

// RootAt returns the root hash that the tree had when it had size leaves.
func (t *Tree) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	switch {
	case size < 0 || size > t.size:
		return tlog.Hash{}, fmt.Errorf("size %d is not in the log of %d", size, t.size)
	case size == 0:
		return tile.EmptyRoot(), nil
	case size == t.size:
		return t.root, nil
	}
	return tlog.TreeHash(size, t.HashReader(ctx))
}

// ProveTree returns the proof that the tree begins with its first size leaves
// (RFC 6962, 2.1.2). Size is at least 1.
func (t *Tree) ProveTree(ctx context.Context, size int64) (tlog.TreeProof, error) {
	if size < 1 || size > t.size {
		return nil, fmt.Errorf("size %d is not in the log of %d", size, t.size)
	}
	return tlog.ProveTree(t.size, size, t.HashReader(ctx))
}
