package interop

import (
	"context"
	"fmt"
	"os"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	xnote "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// ours is a log of 600 statements, appended in pieces, with index statements.
func ours(t *testing.T) (*sumdbtest.World, store.Tree) {
	t.Helper()
	w := sumdbtest.New(t)
	leaves := w.Leaves(600)
	for _, cut := range [][2]int{{0, 1}, {1, 255}, {255, 256}, {256, 300}, {300, 511}, {511, 600}} {
		w.Append(leaves[cut[0]:cut[1]]...)
	}
	c, _, err := store.Checkpoint(t.Context(), store.Folder(w.Dir), sumdbtest.Origin, w.LogKeys())
	if err != nil {
		t.Fatal(err)
	}
	return w, *store.NewTree(store.Folder(w.Dir), c.Size, c.Root)
}

// logKey is our log's key as the library that all of them use reads it.
func logKey(t *testing.T, w *sumdbtest.World) xnote.Verifier {
	t.Helper()
	v, err := xnote.NewVerifier(w.Signers["log"].Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func bundleHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, e := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, nil
}

func TestTesseraChecksOurLog(t *testing.T) {
	w, tree := ours(t)
	check := func() error {
		return fsck.New(sumdbtest.Origin, logKey(t, w), client.FileFetcher{Root: w.Dir}, bundleHashes, fsck.Opts{N: 2}).Check(t.Context())
	}
	if err := check(); err != nil {
		t.Errorf("Tessera's fsck: %v", err)
	}
	f := client.FileFetcher{Root: w.Dir}
	builder, err := client.NewProofBuilder(t.Context(), uint64(tree.Size()), f.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for i := int64(0); i < tree.Size(); i += 7 {
		theirs, err := builder.InclusionProof(t.Context(), uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		mine, err := tree.ProveLeaf(t.Context(), i)
		if err != nil || !same(mine, theirs) {
			t.Errorf("proof of %d: %v", i, err)
		}
		theirs, err = builder.ConsistencyProof(t.Context(), uint64(i+1), uint64(tree.Size()))
		if err != nil {
			t.Fatal(err)
		}
		grown, err := tree.ProveTree(t.Context(), i+1)
		if err != nil || !same(grown, theirs) {
			t.Errorf("consistency from %d: %v", i+1, err)
		}
	}
	// It would have said so.
	path := w.Dir + "/tile/entries/001"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	os.WriteFile(path, data, 0o644)
	if check() == nil {
		t.Error("Tessera's fsck finds nothing in a damaged log")
	}
}

func same(mine []tlog.Hash, theirs [][]byte) bool {
	if len(mine) != len(theirs) {
		return false
	}
	for i, h := range mine {
		if string(h[:]) != string(theirs[i]) {
			return false
		}
	}
	return true
}

func TestTorchwoodReadsOurLog(t *testing.T) {
	w, tree := ours(t)
	files, err := torchwood.NewTileFS(os.DirFS(w.Dir))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := files.ReadEndpoint(t.Context(), "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(sumdbtest.Origin), torchwood.SingleVerifierPolicy(logKey(t, w)))
	c, _, err := torchwood.VerifyCheckpoint(msg, policy)
	if err != nil || c.N != tree.Size() || c.Hash != tree.Root() {
		t.Fatalf("checkpoint %v, %v", c, err)
	}
	reader, err := torchwood.NewClient(files)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for i, entry := range reader.AllEntries(t.Context(), c.Tree, 0) {
		leaf, err := tree.Leaf(t.Context(), i)
		if err != nil || i != n || string(leaf) != string(entry) {
			t.Fatalf("entry %d: %v", i, err)
		}
		n++
	}
	if err := reader.Err(); err != nil || n != tree.Size() {
		t.Errorf("read %d of %d: %v", n, tree.Size(), err)
	}
	for i := int64(0); i < tree.Size(); i += 31 {
		_, theirs, err := reader.Entry(t.Context(), c.Tree, i)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := tree.ProveLeaf(t.Context(), i)
		if err != nil || fmt.Sprint(mine) != fmt.Sprint(theirs) {
			t.Errorf("proof of %d: %v", i, err)
		}
	}
}

// A log that Tessera writes is read by us.
func TestWeReadTesserasLog(t *testing.T) {
	dir := t.TempDir()
	skey, vkey, err := xnote.GenerateKey(nil, "tessera.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := xnote.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := posix.New(t.Context(), posix.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(256, tessera.DefaultBatchMaxAge).WithCheckpointInterval(tessera.DefaultCheckpointInterval)
	appender, shutdown, _, err := tessera.NewAppender(t.Context(), driver, o)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(i int) []byte { return fmt.Appendf(nil, "entry %d", i) }
	for i := range 600 {
		future := appender.Add(t.Context(), tessera.NewEntry(entry(i)))
		if (i+1)%256 == 0 || i == 599 {
			if _, err := future(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	r := store.Folder(dir)
	c, _, err := store.Checkpoint(t.Context(), r, "tessera.example", note.List(key))
	if err != nil || c.Size != 600 {
		t.Fatalf("checkpoint at %d: %v", c.Size, err)
	}
	tree := store.NewTree(r, c.Size, c.Root)
	held := map[string]bool{}
	for leaf, err := range tree.Leaves(t.Context(), 0, c.Size) {
		if err != nil {
			t.Fatal(err)
		}
		held[string(leaf.Data)] = true
		p, err := tree.ProveLeaf(t.Context(), leaf.Index)
		if err == nil {
			err = store.CheckLeaf(leaf.Data, leaf.Index, c.Size, c.Root, p)
		}
		if err != nil {
			t.Errorf("leaf %d: %v", leaf.Index, err)
		}
	}
	for i := range 600 {
		if !held[string(entry(i))] {
			t.Errorf("entry %d is not in it", i)
		}
	}
}
