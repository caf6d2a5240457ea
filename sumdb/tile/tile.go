// Package tile names and encodes the files of a log: C2SP tlog-tiles and
// tlog-checkpoint, to the letter.
//
// # Files
//
//	checkpoint                   the signed size and root hash
//	tile/0/x001/x234/067         leaf hashes 1234067*256 to +255: 256 hashes of 32 bytes
//	tile/1/000.p/17              17 hashes, each of a full tile of level 0: a partial tile
//	tile/entries/000             the leaves under tile/0/000
//	tile/entries/273.p/112       the leaves under tile/0/273.p/112
//
// Tiles have height 8. The tree is that of RFC 6962 with SHA-256. The index of
// a tile is written in groups of three digits, all but the last with an x in
// front; a partial tile has ".p/" and its width, 1 to 255. A tree of size s has
// floor(s / 256^L) mod 256 hashes in its partial tile of level L, and no partial
// tile where that is 0. There is one path for one tile: [ParsePath] refuses
// leading zeros, signs and anything else that [Tile.Path] would not write.
//
// # Entry bundles
//
// A bundle is the leaves one after the other, each with its length as two
// bytes, big endian, in front:
//
//	00 05 'h' 'e' 'l' 'l' 'o' 00 00
//
// is the leaf "hello" and an empty one.
//
// # Checkpoints
//
// See [Checkpoint].
package tile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// Height is the height of a tile in levels of the tree.
	Height = 8
	// Width is the number of hashes in a full tile.
	Width = 1 << Height
	// MaxLevel is the highest level that a path may name.
	MaxLevel = 63
	// MaxIndex is the largest tile index that is read. A tree with a tile
	// beyond would have a size of more than 63 bits.
	MaxIndex = 1<<55 - 1
	// MaxLeaf is the largest leaf in bytes.
	MaxLeaf = 1<<16 - 1
	// MaxBundle is the largest entry bundle in bytes.
	MaxBundle = Width * (2 + MaxLeaf)
	// HashSize is the size of a hash in bytes.
	HashSize = tlog.HashSize
)

// ErrPath is the answer to every text that is not the path of a tile.
var ErrPath = errors.New("malformed tile path")

// A Tile names a tile of hashes or, with Entries, the bundle of leaves under
// the tile of level 0.
type Tile struct {
	Entries bool
	Level   int   // 0 for a bundle
	Index   int64 // within the level
	Width   int   // hashes or leaves, 1 to 256; below 256 it is partial
}

// Path returns the slash separated path, "tile/0/x001/x234/067.p/8".
func (t Tile) Path() string {
	level := "entries"
	if !t.Entries {
		level = strconv.Itoa(t.Level)
	}
	s := fmt.Sprintf("%03d", t.Index%1000)
	for n := t.Index / 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	if t.Width < Width {
		s += ".p/" + strconv.Itoa(t.Width)
	}
	return "tile/" + level + "/" + s
}

// Full returns the full tile that takes the place of a partial one.
func (t Tile) Full() Tile {
	t.Width = Width
	return t
}

// ParsePath reads a path that Path has written. The error is [ErrPath].
func ParsePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return Tile{}, ErrPath
	}
	level, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return Tile{}, ErrPath
	}
	t := Tile{Width: Width}
	if level == "entries" {
		t.Entries = true
	} else if t.Level, ok = parseInt(level, MaxLevel); !ok {
		return Tile{}, ErrPath
	}
	if index, width, partial := strings.Cut(rest, ".p/"); partial {
		rest = index
		if t.Width, ok = parseInt(width, Width-1); !ok || t.Width == 0 {
			return Tile{}, ErrPath
		}
	}
	for _, group := range strings.Split(rest, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(group, "x"), 10, 16)
		if err != nil || n > 999 || t.Index > MaxIndex/1000 {
			return Tile{}, ErrPath
		}
		t.Index = t.Index*1000 + int64(n)
	}
	// Groups of the wrong length, missing or surplus x, a surplus group of
	// zeros: all of it shows by not coming back the same.
	if t.Index > MaxIndex || t.Path() != path {
		return Tile{}, ErrPath
	}
	return t, nil
}

// parseInt reads a decimal from 0 to max without sign or leading zero.
func parseInt(s string, max int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= max && strconv.Itoa(n) == s
}

// Partial returns the width of the partial tile at a level of a tree of some
// size: 0 when there is none.
func Partial(size int64, level int) int {
	if level > 7 { // 256^8 is more than any size
		return 0
	}
	return int(size >> (Height * level) & (Width - 1))
}

// Edge returns the partial tiles of a tree, from level 0 up: its right edge.
func Edge(size int64) []Tile {
	var tiles []Tile
	for level := 0; level < 8; level++ {
		if w := Partial(size, level); w > 0 {
			tiles = append(tiles, Tile{Level: level, Index: size >> (Height * (level + 1)), Width: w})
		}
	}
	return tiles
}

// LastBundle returns the last bundle of a tree that is not empty.
func LastBundle(size int64) Tile { return Bundle((size-1)/Width, size) }

// Bundle returns the bundle with some index as it is in a tree of some size.
func Bundle(index, size int64) Tile {
	return Tile{Entries: true, Index: index, Width: width(index, size)}
}

// Level0 returns the tile of leaf hashes with some index as it is in a tree of some size.
func Level0(index, size int64) Tile { return Tile{Index: index, Width: width(index, size)} }

func width(index, size int64) int { return int(min(Width, size-index*Width)) }
