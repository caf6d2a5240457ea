package tile

import (
	"golang.org/x/mod/sumdb/tlog"
)

// A File is a tile and its bytes.
type File struct {
	Tile Tile
	Data []byte
}

// A Frontier is the right edge of a tree, which is all that appending has to
// know: the hashes in the partial tile of each level. The zero value is the
// frontier of the empty tree.
type Frontier struct {
	size int64
	rows [8][]tlog.Hash // rows[L] has size/256^L mod 256 hashes
}

// ReadFrontier makes the frontier of a tree from the data of its partial tiles,
// which read is asked for. They are right if, and only if, [Frontier.Root] is:
// it covers every hash in them.
func ReadFrontier(size int64, read func(Tile) ([]byte, error)) (*Frontier, error) {
	f := &Frontier{size: size}
	for _, t := range Edge(size) {
		data, err := read(t)
		if err != nil {
			return nil, err
		}
		if len(data) != t.Width*HashSize {
			return nil, ErrPath
		}
		for ; len(data) > 0; data = data[HashSize:] {
			f.rows[t.Level] = append(f.rows[t.Level], tlog.Hash(data[:HashSize]))
		}
	}
	return f, nil
}

// Size returns the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Row returns the hashes in the partial tile of a level. The caller must not
// change them.
func (f *Frontier) Row(level int) []tlog.Hash { return f.rows[level] }

// Add appends the hash of a leaf and returns the tiles that it has filled,
// level 0 first.
func (f *Frontier) Add(h tlog.Hash) (full []File) {
	f.size++
	for level := 0; ; level++ {
		f.rows[level] = append(f.rows[level], h)
		if len(f.rows[level]) < Width {
			return full
		}
		t := Tile{Level: level, Index: f.size>>(Height*(level+1)) - 1, Width: Width}
		full = append(full, File{t, flat(f.rows[level])})
		h = Subtree(f.rows[level])
		f.rows[level] = nil
	}
}

func flat(row []tlog.Hash) []byte {
	b := make([]byte, 0, len(row)*HashSize)
	for _, h := range row {
		b = append(b, h[:]...)
	}
	return b
}

// Subtree returns the hash over a complete subtree: the number of hashes is a
// power of two.
func Subtree(row []tlog.Hash) tlog.Hash {
	if len(row) == 1 {
		return row[0]
	}
	half := len(row) / 2
	return tlog.NodeHash(Subtree(row[:half]), Subtree(row[half:]))
}

// Root returns the root hash. RFC 6962 splits a tree at the largest power of
// two below its size, so the root joins the complete subtrees of the size's
// binary digits from the smallest, rightmost one leftwards; each row holds
// those of eight digits.
func (f *Frontier) Root() tlog.Hash {
	if f.size == 0 {
		return EmptyRoot()
	}
	var root tlog.Hash
	first := true
	for _, row := range f.rows {
		for n := len(row); n > 0; {
			width := n & -n
			h := Subtree(row[n-width : n])
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

// Partials returns the partial tiles.
func (f *Frontier) Partials() []File {
	var files []File
	for _, t := range Edge(f.size) {
		files = append(files, File{t, flat(f.rows[t.Level])})
	}
	return files
}
