package proof

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A walk goes over a tree of RFC 6962 with some leaves given, left to right.
type walk struct {
	leaves []int64 // ascending
	hashes []tlog.Hash
	// given returns the hash of a complete subtree without any of the leaves.
	given func(level int, index int64) (tlog.Hash, bool)
}

// missing lists, left to right, the largest complete subtrees of a tree of n
// leaves that hold none of the given leaves.
func missing(n int64, leaves []int64) []Subtree {
	var list []Subtree
	w := walk{leaves: leaves, hashes: make([]tlog.Hash, len(leaves)), given: func(level int, index int64) (tlog.Hash, bool) {
		list = append(list, Subtree{Level: level, Index: index})
		return tlog.Hash{}, true
	}}
	w.visit(0, n)
	return list
}

// rootFrom computes the root hash of a tree of n leaves from the hashes of some
// leaves and of exactly the subtrees that [missing] lists. ok is false when one
// of them is missing, unused or in another place.
func rootFrom(n int64, leaves []int64, hashes []tlog.Hash, list []Subtree) (root tlog.Hash, ok bool) {
	if len(leaves) == 0 || len(leaves) != len(hashes) || leaves[len(leaves)-1] >= n {
		return tlog.Hash{}, false
	}
	w := walk{leaves: leaves, hashes: hashes, given: func(level int, index int64) (tlog.Hash, bool) {
		if len(list) == 0 || list[0].Level != level || list[0].Index != index {
			return tlog.Hash{}, false
		}
		h := list[0].Hash
		list = list[1:]
		return h, true
	}}
	root, ok = w.visit(0, n)
	return root, ok && len(list) == 0
}

// visit computes the hash of the leaves lo to hi. Those given there are taken
// off w.leaves.
func (w *walk) visit(lo, hi int64) (tlog.Hash, bool) {
	size := hi - lo
	if len(w.leaves) == 0 || w.leaves[0] >= hi {
		if size&(size-1) == 0 { // complete, and lo is a multiple of size
			level := bits.TrailingZeros64(uint64(size))
			return w.given(level, lo>>level)
		}
	} else if size == 1 {
		h := w.hashes[0]
		w.leaves, w.hashes = w.leaves[1:], w.hashes[1:]
		return h, true
	}
	k := int64(1) << (bits.Len64(uint64(size-1)) - 1) // the largest power of two below size
	left, ok := w.visit(lo, lo+k)
	if !ok {
		return tlog.Hash{}, false
	}
	right, ok := w.visit(lo+k, hi)
	if !ok {
		return tlog.Hash{}, false
	}
	return tlog.NodeHash(left, right), true
}

// readMissing fills in the hashes of a list that missing gave.
func readMissing(list []Subtree, r tlog.HashReader) error {
	if len(list) == 0 {
		return nil
	}
	stored := make([]int64, len(list))
	for i, s := range list {
		stored[i] = tlog.StoredHashIndex(s.Level, s.Index)
	}
	hashes, err := r.ReadHashes(stored)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Hash = hashes[i]
	}
	return nil
}
