package fsck_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

func check(t *testing.T, w *sumdbtest.World) *fsck.Report {
	t.Helper()
	rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// want asserts that there is a problem about path or statement with these words.
func want(t *testing.T, rep *fsck.Report, text string) {
	t.Helper()
	for _, p := range rep.Problems {
		if strings.Contains(p.String(), text) {
			return
		}
	}
	t.Errorf("no problem %q in %v", text, rep.Problems)
}

func TestSoundLog(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(300)...)
	for n := 400; n < 405; n++ {
		w.Append(w.Leaf(sumdbtest.Source(n)))
	}
	rep := check(t, w)
	if !rep.OK() || rep.Checkpoint.Size != 306 || len(rep.Leftovers) != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(dir string)
		want   string
	}{
		"a full tile":        {flip("tile/0/000", 100), "tile/0/000: not the hashes"},
		"a partial tile":     {flip("tile/0/001.p/45", 3), "tile/0/001.p/45: not the hashes"},
		"an upper tile":      {flip("tile/1/000.p/1", 3), "tile/1/000.p/1: not the hashes"},
		"a leaf's text":      {flip("tile/entries/000", 5000), "tile/0/000: not the hashes"},
		"a leaf's length":    {flip("tile/entries/000", 0), "tile/entries/000: "},
		"a superseded tile":  {flip("tile/0/001.p/44", 3), "tile/0/001.p/44: not the beginning"},
		"a superseded leaf":  {flip("tile/entries/001.p/44", 9), "tile/entries/001.p/44: not the beginning"},
		"the checkpoint":     {flip("checkpoint", 30), "checkpoint: "},
		"the index":          {flip("index/list", 30), "index: "},
		"a tile lost":        {remove("tile/0/000"), "tile/0/000: "},
		"leaves lost":        {remove("tile/entries/000"), "tile/entries/000: "},
		"the index lost":     {remove("index"), ""},
		"a tile too many":    {put("tile/0/002.p/1"), "tile/0/002.p/1: not a tile of"},
		"a width too many":   {put("tile/0/001.p/46"), "tile/0/001.p/46: not a tile of"},
		"a level too many":   {put("tile/2/000.p/1"), "tile/2/000.p/1: not a tile of"},
		"another spelling":   {put("tile/00/000"), "tile/00/000: not a tile"},
		"a file of its own":  {put("tile/README"), "tile/README: not a tile"},
		"nothing at all":     {func(dir string) { os.RemoveAll(dir) }, "checkpoint: "},
		"a tile is a folder": {func(dir string) { remove("tile/0/000")(dir); put("tile/0/000/x")(dir) }, "tile/0/000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := sumdbtest.New(t)
			w.Append(w.Leaves(299)...)
			w.Append(w.Leaf(sumdbtest.Source(400)))
			test.damage(w.Dir)
			rep := check(t, w)
			if test.want == "" {
				if !rep.OK() || len(rep.Leftovers) == 0 {
					t.Errorf("%+v", rep)
				}
				return
			}
			want(t, rep, test.want)
		})
	}
}

func flip(path string, i int) func(string) {
	return func(dir string) {
		name := filepath.Join(dir, path)
		b, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		b[i] ^= 1
		os.WriteFile(name, b, 0o644)
	}
}

func remove(path string) func(string) {
	return func(dir string) { os.RemoveAll(filepath.Join(dir, path)) }
}

func put(path string) func(string) {
	return func(dir string) {
		name := filepath.Join(dir, path)
		os.MkdirAll(filepath.Dir(name), 0o755)
		os.WriteFile(name, []byte("x"), 0o644)
	}
}

func TestLeftoversAreNoProblem(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(3)...)
	put("tile/0/000.p/" + durable.TempName())(w.Dir)
	if rep := check(t, w); !rep.OK() || len(rep.Leftovers) != 1 {
		t.Errorf("%+v", rep)
	}
}

// A log key's owner can sign any tree. What the door would not have let in is
// found all the same.
func TestWhatTheDoorWouldRefuse(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(6)
	changed := sumdbtest.Source(1)
	changed.Head, changed.File.SHA256 = sumdbtest.Head(7), strings.Repeat("0", 64)
	other := sumdbtest.Source(9)
	other.Log = "other.example"
	s, err := sumdbtest.Source(10).Statement()
	if err != nil {
		t.Fatal(err)
	}
	byReviewer, err := record.Sign(s, w.Signers[record.RoleReviewer])
	if err != nil {
		t.Fatal(err)
	}
	// The builder's signature of another statement.
	good := w.Leaf(sumdbtest.Source(20))
	at := bytes.LastIndexByte(good, ' ')
	badly := append(bytes.Clone(good[:at]), leaves[3][bytes.LastIndexByte(leaves[3], ' '):]...)
	forge(t, w, append(leaves, w.Leaf(changed), leaves[2], w.Leaf(other), byReviewer, []byte("nonsense\n"), w.Leaf(sumdbtest.Root(3)), badly, good))
	rep := check(t, w)
	for _, text := range []string{
		"statement 6: refused by the rule source", "statement 7: refused by the rule held",
		"statement 8: refused by the rule origin", "statement 9: refused by the rule signer",
		"statement 10: malformed", "statement 11: refused by the rule root",
		"statement 12: refused by the rule signer: the signature of builder1",
	} {
		want(t, rep, text)
	}
}

// The log's own key signs an index in which a statement is not, or is somebody
// else's, and the files in the folder agree with it: the withdrawal of last night.
func TestIndexThatOmits(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(6)
	x := index.New()
	for i, leaf := range leaves {
		if i == 3 {
			leaf = w.Leaf(sumdbtest.Source(99))
		}
		if err := x.Add(leaf); err != nil {
			t.Fatal(err)
		}
	}
	root, entries, err := x.Root()
	if err != nil {
		t.Fatal(err)
	}
	lie := w.Leaf(record.Index{Head: sumdbtest.Head(7), Entries: entries, Root: hex.EncodeToString(root[:])})
	if err := x.Add(lie); err != nil {
		t.Fatal(err)
	}
	forge(t, w, append(leaves, lie))
	if err := x.Rebuild(w.Dir); err != nil {
		t.Fatal(err)
	}
	want(t, check(t, w), "statement 6: index: checking the index statement at 6: index does not match the log")
}

// forge writes a whole log of any leaves.
func forge(t *testing.T, w *sumdbtest.World, leaves [][]byte) {
	t.Helper()
	f := &tile.Frontier{}
	var bundle []byte
	for _, leaf := range leaves {
		f.Add(tlog.RecordHash(leaf))
		var err error
		if bundle, err = tile.AppendEntry(bundle, leaf); err != nil {
			t.Fatal(err)
		}
	}
	files := append(f.Partials(), tile.File{Tile: tile.LastBundle(f.Size()), Data: bundle})
	for _, x := range files {
		put(x.Tile.Path())(w.Dir)
		os.WriteFile(filepath.Join(w.Dir, x.Tile.Path()), x.Data, 0o644)
	}
	c := tile.Checkpoint{Origin: sumdbtest.Origin, Size: f.Size(), Root: f.Root()}
	msg, err := note.Sign(c.Text(), w.Signers[record.RoleLog])
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(w.Dir, "checkpoint"), msg, 0o644)
}

func TestCancelled(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(3)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fsck.Check(ctx, w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys()}); err == nil {
		t.Error("no error")
	}
}
