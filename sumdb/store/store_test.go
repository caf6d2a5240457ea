package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

func sharedDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "testdata", "tlog")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("shared test data is not there: %v", err)
	}
	return dir
}

// small makes a log of n short leaves in memory.
func small(t testing.TB, n int) (fstest.MapFS, [][]byte, tlog.Hash) {
	t.Helper()
	files := fstest.MapFS{}
	f := &tile.Frontier{}
	var leaves [][]byte
	var bundle []byte
	for i := range n {
		leaf := fmt.Appendf(nil, "leaf %d", i)
		leaves = append(leaves, leaf)
		var err error
		if bundle, err = tile.AppendEntry(bundle, leaf); err != nil {
			t.Fatal(err)
		}
		for _, full := range f.Add(tlog.RecordHash(leaf)) {
			files[full.Tile.Path()] = &fstest.MapFile{Data: full.Data}
		}
		if (i+1)%tile.Width == 0 || i == n-1 {
			files[tile.LastBundle(int64(i+1)).Path()] = &fstest.MapFile{Data: bundle}
			bundle = nil
		}
	}
	for _, p := range f.Partials() {
		files[p.Tile.Path()] = &fstest.MapFile{Data: p.Data}
	}
	return files, leaves, f.Root()
}

func TestProofsOfEverySize(t *testing.T) {
	hasher := rfc6962.DefaultHasher
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 100, 255, 256, 257, 300, 513, 600} {
		files, leaves, root := small(t, n)
		tree := store.NewTree(store.FS{FS: files}, int64(n), root)
		step := 1 + n/60
		for i := 0; i < n; i += step {
			p, err := tree.ProveLeaf(t.Context(), int64(i))
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint([]tlog.Hash(p)) != fmt.Sprint(sumdbtest.InclusionProof(i, leaves)) {
				t.Errorf("proof of %d in %d is not that of the naive tree", i, n)
			}
			if err := store.CheckLeaf(leaves[i], int64(i), int64(n), root, p); err != nil {
				t.Errorf("proof of %d in %d: %v", i, n, err)
			}
			if err := proof.VerifyInclusion(hasher, uint64(i), uint64(n), hasher.HashLeaf(leaves[i]), raw(p), root[:]); err != nil {
				t.Errorf("proof of %d in %d, by another library: %v", i, n, err)
			}
			if store.CheckLeaf([]byte("other"), int64(i), int64(n), root, p) == nil || store.CheckLeaf(leaves[i], int64(i)+1, int64(n), root, p) == nil {
				t.Errorf("proof of %d in %d proves something else", i, n)
			}
		}
		for m := 1; m <= n; m += step {
			p, err := tree.ProveTree(t.Context(), int64(m))
			if err != nil {
				t.Fatal(err)
			}
			old, err := tree.RootAt(t.Context(), int64(m))
			if err != nil || old != sumdbtest.MerkleRoot(leaves[:m]) {
				t.Fatalf("root at %d: %v", m, err)
			}
			if m < n && fmt.Sprint([]tlog.Hash(p)) != fmt.Sprint(sumdbtest.ConsistencyProof(m, leaves)) {
				t.Errorf("proof from %d to %d is not that of the naive tree", m, n)
			}
			if err := proof.VerifyConsistency(hasher, uint64(m), uint64(n), raw(p), old[:], root[:]); err != nil {
				t.Errorf("proof from %d to %d, by another library: %v", m, n, err)
			}
		}
	}
}

func raw(p []tlog.Hash) [][]byte {
	var out [][]byte
	for i := range p {
		out = append(out, p[i][:])
	}
	return out
}

func TestLeaves(t *testing.T) {
	files, leaves, root := small(t, 600)
	tree := store.NewTree(store.FS{FS: files}, 600, root)
	for _, r := range [][2]int64{{0, 600}, {0, 0}, {255, 257}, {300, 301}, {512, 600}, {600, 600}} {
		next := r[0]
		for leaf, err := range tree.Leaves(t.Context(), r[0], r[1]) {
			if err != nil || leaf.Index != next || !bytes.Equal(leaf.Data, leaves[next]) {
				t.Fatalf("leaf %d of %v: %d, %v", next, r, leaf.Index, err)
			}
			next++
		}
		if next != r[1] {
			t.Errorf("range %v ended at %d", r, next)
		}
	}
	for _, r := range [][2]int64{{-1, 3}, {3, 2}, {0, 601}} {
		for _, err := range tree.Leaves(t.Context(), r[0], r[1]) {
			if err == nil {
				t.Errorf("range %v was taken", r)
			}
		}
	}
	for _, i := range []int64{-1, 600, 1 << 60} {
		if _, err := tree.Leaf(t.Context(), i); err == nil {
			t.Errorf("leaf %d was given", i)
		}
		if _, err := tree.ProveLeaf(t.Context(), i); err == nil {
			t.Errorf("leaf %d was proved", i)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tree.LeafHash(ctx, 1); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// No byte of a log can be changed without its readers noticing.
func TestEveryByteCounts(t *testing.T) {
	files, leaves, root := small(t, 300)
	for path, file := range files {
		for i := 0; i < len(file.Data); i += 7 {
			file.Data[i] ^= 0x20
			tree := store.NewTree(store.FS{FS: files}, 300, root)
			noticed := false
			for n := range int64(300) {
				leaf, err := tree.Leaf(t.Context(), n)
				if err != nil {
					noticed = true
					break
				}
				if !bytes.Equal(leaf, leaves[n]) {
					t.Fatalf("%s, byte %d: leaf %d was given changed", path, i, n)
				}
			}
			if !noticed {
				t.Errorf("%s, byte %d: nobody noticed", path, i)
			}
			file.Data[i] ^= 0x20
		}
	}
}

func TestFullTileStandsForThePartialOne(t *testing.T) {
	files, leaves, _ := small(t, 600)
	old, _, _ := small(t, 100)
	root := sumdbtest.MerkleRoot(leaves[:100])
	for path := range old {
		if files[path] != nil {
			t.Fatalf("%s is in both", path)
		}
	}
	tree := store.NewTree(store.FS{FS: files}, 100, root)
	for i := range int64(100) {
		if leaf, err := tree.Leaf(t.Context(), i); err != nil || !bytes.Equal(leaf, leaves[i]) {
			t.Fatalf("leaf %d: %v", i, err)
		}
	}
	delete(files, "tile/0/000")
	_, err := store.NewTree(store.FS{FS: files}, 100, root).Leaf(t.Context(), 1)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "000.p/100") {
		t.Errorf("without both: %v", err)
	}
}

func TestFolderReadsOnlyItsFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	f := store.Folder(sub)
	for _, path := range []string{"../file", "/etc/hostname", "", "a//b", "./a", "missing"} {
		if b, err := f.ReadFile(t.Context(), path, 100); err == nil {
			t.Errorf("%q gave %q", path, b)
		}
	}
	if _, err := store.Folder(dir).ReadFile(t.Context(), "file", 4); err == nil {
		t.Error("more bytes than allowed")
	}
	if _, err := (store.FS{FS: os.DirFS(dir)}).ReadFile(t.Context(), "file", 4); err == nil {
		t.Error("more bytes than allowed")
	}
	if _, err := store.Folder(dir).ReadFile(t.Context(), "sub", 100); err == nil {
		t.Error("read a folder")
	}
	if b, err := store.Folder(dir).ReadFile(t.Context(), "file", 5); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
}

// A log that another program has written: every size against every later one.
func TestForeignLog(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "tessera-log")
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		t.Fatal(err)
	}
	keys := note.List(v)
	r := store.Folder(dir)
	newest, _, err := store.Checkpoint(t.Context(), r, v.Name(), keys)
	if err != nil {
		t.Fatal(err)
	}
	tree := store.NewTree(r, newest.Size, newest.Root)
	var leaves [][]byte
	for leaf, err := range tree.Leaves(t.Context(), 0, newest.Size) {
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, bytes.Clone(leaf.Data))
		p, err := tree.ProveLeaf(t.Context(), leaf.Index)
		if err != nil || store.CheckLeaf(leaf.Data, leaf.Index, newest.Size, newest.Root, p) != nil {
			t.Errorf("leaf %d: %v", leaf.Index, err)
		}
	}
	if len(leaves) != 15 {
		t.Fatalf("%d leaves", len(leaves))
	}
	var all []tile.Checkpoint
	for n := range 16 {
		msg, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("checkpoint.%d", n)))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := tile.OpenCheckpoint(msg, v.Name(), keys)
		if err != nil || c.Size != int64(n) || c.Root != sumdbtest.MerkleRoot(leaves[:n]) {
			t.Fatalf("checkpoint %d: %+v, %v", n, c, err)
		}
		all = append(all, c)
	}
	for _, b := range all[1:] {
		tree := store.NewTree(r, b.Size, b.Root)
		for _, a := range all[:b.Size+1] {
			if root, err := tree.RootAt(t.Context(), a.Size); err != nil || root != a.Root {
				t.Errorf("%d in %d: %v", a.Size, b.Size, err)
			}
			if a.Size == 0 {
				continue
			}
			p, err := tree.ProveTree(t.Context(), a.Size)
			if err != nil || tlog.CheckTree(p, b.Size, b.Root, a.Size, a.Root) != nil {
				t.Errorf("from %d to %d: %v", a.Size, b.Size, err)
			}
		}
	}
	// A tree of another root is not this log's.
	if _, err := store.NewTree(r, 15, all[14].Root).Leaf(t.Context(), 3); err == nil {
		t.Error("read under a wrong root")
	}
}

// The proof checker that stands behind everything here, on good and bad proofs.
func TestMerkleVectors(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "merkle")
	n := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v struct {
			LeafIdx, TreeSize, Size1, Size2 uint64
			Root, LeafHash, Root1, Root2    []byte
			Proof                           [][]byte
			WantErr                         bool
		}
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		n++
		var got error
		if strings.Contains(path, "inclusion") {
			got = inclusion(v.LeafIdx, v.TreeSize, v.LeafHash, v.Root, v.Proof)
		} else {
			got = consistency(v.Size1, v.Size2, v.Root1, v.Root2, v.Proof)
		}
		if (got != nil) != v.WantErr {
			t.Errorf("%s: %v, want error %v", strings.TrimPrefix(path, dir), got, v.WantErr)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 60 {
		t.Errorf("only %d vectors", n)
	}
}

var errShape = errors.New("not a hash")

func hashes(list ...[]byte) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, b := range list {
		if len(b) != tlog.HashSize {
			return nil, errShape
		}
		out = append(out, tlog.Hash(b))
	}
	return out, nil
}

func inclusion(i, size uint64, leaf, root []byte, p [][]byte) error {
	h, err := hashes(append([][]byte{leaf, root}, p...)...)
	if err != nil {
		return err
	}
	if int64(i) < 0 || int64(size) < 0 || i >= size {
		return errShape
	}
	return tlog.CheckRecord(h[2:], int64(size), h[1], int64(i), h[0])
}

func consistency(a, b uint64, root1, root2 []byte, p [][]byte) error {
	h, err := hashes(append([][]byte{root1, root2}, p...)...)
	if err != nil {
		return err
	}
	if int64(a) < 1 || int64(b) < int64(a) {
		return errShape
	}
	return tlog.CheckTree(h[2:], int64(b), h[1], int64(a), h[0])
}

// A real tree of nearly a thousand million leaves, of a Certificate Transparency log.
func TestCertificateTransparency(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "xmod", "argon2020")
	read := func(name string, v any) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, v); err != nil {
			t.Fatal(err)
		}
	}
	var head struct {
		Size int64  `json:"tree_size"`
		Root []byte `json:"sha256_root_hash"`
	}
	var entries struct {
		Entries []struct {
			Leaf []byte `json:"leaf_input"`
		}
	}
	var path struct {
		Index int64    `json:"leaf_index"`
		Path  [][]byte `json:"audit_path"`
	}
	var consistent struct{ Consistency [][]byte }
	read("sth.json", &head)
	read("entries.json", &entries)
	read("proof.json", &path)
	read("consistency.json", &consistent)
	root := tlog.Hash(head.Root)
	p, err := hashes(path.Path...)
	if err != nil {
		t.Fatal(err)
	}
	leaf := entries.Entries[0].Leaf
	if err := store.CheckLeaf(leaf, path.Index, head.Size, root, p); err != nil {
		t.Error(err)
	}
	leaf[len(leaf)/2] ^= 1
	if err := store.CheckLeaf(leaf, path.Index, head.Size, root, p); err == nil {
		t.Error("a changed leaf is proved")
	}
	leaf[len(leaf)/2] ^= 1
	if err := store.CheckLeaf(leaf, path.Index+1, head.Size, root, p); err == nil {
		t.Error("the leaf is proved at another place")
	}
	c, err := hashes(consistent.Consistency...)
	if err != nil {
		t.Fatal(err)
	}
	before, err := tlog.ParseHash("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(c, head.Size, root, 3654490, before); err != nil {
		t.Error(err)
	}
	if err := tlog.CheckTree(c, head.Size, root, 3654491, before); err == nil {
		t.Error("the tree is consistent with another size")
	}
}
