package store_test

import (
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/store"
)

// A naive tree is RFC 6962, section 2.1, word for word, with a memory.
type naive struct {
	leaves [][]byte
	known  map[[2]int]tlog.Hash
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func (t *naive) hash(lo, hi int) tlog.Hash {
	key := [2]int{lo, hi}
	h, ok := t.known[key]
	if !ok {
		if hi-lo == 1 {
			h = tlog.RecordHash(t.leaves[lo])
		} else {
			k := lo + split(hi-lo)
			h = tlog.NodeHash(t.hash(lo, k), t.hash(k, hi))
		}
		t.known[key] = h
	}
	return h
}

func (t *naive) path(m, lo, hi int) []tlog.Hash {
	if hi-lo == 1 {
		return nil
	}
	k := lo + split(hi-lo)
	if m < k {
		return append(t.path(m, lo, k), t.hash(k, hi))
	}
	return append(t.path(m, k, hi), t.hash(lo, k))
}

// grown is SUBPROOF(m, D[lo:hi], whole).
func (t *naive) grown(m, lo, hi int, whole bool) []tlog.Hash {
	if m == hi {
		if whole {
			return nil
		}
		return []tlog.Hash{t.hash(lo, hi)}
	}
	k := lo + split(hi-lo)
	if m <= k {
		return append(t.grown(m, lo, k, whole), t.hash(k, hi))
	}
	return append(t.grown(m, k, hi, false), t.hash(lo, k))
}

// Every proof of every leaf, and from every size to every later one, up to 600
// leaves, is that of the naive tree.
func TestEveryProof(t *testing.T) {
	const most = 600
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			_, leaves, _ := small(t, most)
			tree := &naive{leaves, map[[2]int]tlog.Hash{}}
			for n := 1 + part; n <= most; n += 4 {
				everyProof(t, tree, n)
			}
		})
	}
	wg.Wait()
}

func everyProof(t *testing.T, naive *naive, n int) {
	files, _, root := small(t, n)
	if root != naive.hash(0, n) {
		t.Errorf("root of %d", n)
	}
	tree := store.NewTree(store.FS{FS: files}, int64(n), root)
	indexes := make([]int64, tlog.StoredHashCount(int64(n)))
	for i := range indexes {
		indexes[i] = int64(i)
	}
	// All at once: each tile is read and checked once, not once a proof.
	hashes, err := tree.HashReader(t.Context()).ReadHashes(indexes)
	if err != nil {
		t.Error(err)
		return
	}
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	for i := range n {
		p, err := tlog.ProveRecord(int64(n), int64(i), read)
		if err != nil || !slices.Equal(p, naive.path(i, 0, n)) {
			t.Errorf("proof of %d in %d: %v", i, n, err)
		}
		q, err := tlog.ProveTree(int64(n), int64(i+1), read)
		if err != nil || !slices.Equal(q, naive.grown(i+1, 0, n, true)) {
			t.Errorf("proof from %d to %d: %v", i+1, n, err)
		}
	}
	for _, i := range []int{0, n / 2, n - 1} {
		p, err := tree.ProveLeaf(t.Context(), int64(i))
		if err != nil || !slices.Equal(p, naive.path(i, 0, n)) {
			t.Errorf("proof of %d in %d, on its own: %v", i, n, err)
		}
	}
}
