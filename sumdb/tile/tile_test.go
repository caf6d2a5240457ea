package tile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

func shared(t testing.TB, elem ...string) []byte {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(append([]string{dir, "testdata", "tlog"}, elem...)...))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("shared test data is not there: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPaths(t *testing.T) {
	for path, want := range map[string]tile.Tile{
		"tile/0/000":                                {Width: 256},
		"tile/0/001.p/1":                            {Index: 1, Width: 1},
		"tile/63/999.p/255":                         {Level: 63, Index: 999, Width: 255},
		"tile/1/x001/000":                           {Level: 1, Index: 1000, Width: 256},
		"tile/entries/x999/x000/007":                {Entries: true, Index: 999000007, Width: 256},
		"tile/0/x036/x028/x797/x018/x963/967.p/100": {Index: tile.MaxIndex, Width: 100},
	} {
		if got := want.Path(); got != path {
			t.Errorf("path %s, want %s", got, path)
		}
		if got, err := tile.ParsePath(path); err != nil || got != want {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tiles/0/000",
		"tile/007/000", "tile/+3/000", "tile/-0/000", "tile/64/000", "tile/0x0/000", "tile/1e1/000", "tile/Entries/000",
		"tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/+01", "tile/0/-01", "tile/0/ 01", "tile/0/x01", "tile/0/x001",
		"tile/0/001/002", "tile/0/x000/001", "tile/0/x001/2", "tile/0/x001/x002", "tile/0/xx01/002", "tile/0/001/x002",
		"tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/+1",
		"tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/x000.p/1/000", "tile/8/0/000",
		"tile/0/x036/x028/x797/x018/x963/968", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/../000", "tile/0/٠٠٠",
	} {
		if got, err := tile.ParsePath(path); err == nil {
			t.Errorf("%q was taken for %+v", path, got)
		}
	}
}

func TestPathVectors(t *testing.T) {
	var v struct {
		Cases []struct {
			Level   int
			Index   int64
			Width   int
			Entries bool
			Path    string
		}
		Reject []string
		Tree   struct {
			Level0Full    int64 `json:"level0_full"`
			Level0Partial int   `json:"level0_partial"`
			Level1Full    int64 `json:"level1_full"`
			Level1Partial int   `json:"level1_partial"`
			Level2Partial int   `json:"level2_partial"`
		} `json:"tree_70000"`
	}
	if err := json.Unmarshal(shared(t, "c2sp", "tile-paths.json"), &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Cases {
		want := tile.Tile{Entries: c.Entries, Level: c.Level, Index: c.Index, Width: c.Width}
		if got, err := tile.ParsePath(c.Path); err != nil || got != want || want.Path() != c.Path {
			t.Errorf("%s: %+v, %v; written %s", c.Path, got, err, want.Path())
		}
	}
	for _, path := range v.Reject {
		if got, err := tile.ParsePath(path); err == nil {
			t.Errorf("%q was taken for %+v", path, got)
		}
	}
	want := fmt.Sprint([]tile.Tile{
		{Level: 0, Index: v.Tree.Level0Full, Width: v.Tree.Level0Partial},
		{Level: 1, Index: v.Tree.Level1Full, Width: v.Tree.Level1Partial},
		{Level: 2, Index: 0, Width: v.Tree.Level2Partial},
	})
	if got := fmt.Sprint(tile.Edge(70000)); got != want {
		t.Errorf("edge of 70000: %s, want %s", got, want)
	}
}

// Our paths are x/mod's without the height.
func TestPathsAgainstXMod(t *testing.T) {
	for _, n := range []int64{0, 1, 999, 1000, 1234067, 999999, 1000000, tile.MaxIndex} {
		for _, w := range []int{1, 17, 255, 256} {
			x := tlog.Tile{H: 8, L: 2, N: n, W: w}.Path()
			want := strings.Replace(x, "tile/8/", "tile/", 1)
			if got := (tile.Tile{Level: 2, Index: n, Width: w}).Path(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

func TestBundles(t *testing.T) {
	leaves := [][]byte{[]byte("hello"), nil, bytes.Repeat([]byte("x"), tile.MaxLeaf)}
	var data []byte
	var err error
	for _, leaf := range leaves {
		if data, err = tile.AppendEntry(data, leaf); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(data, []byte("\x00\x05hello\x00\x00\xff\xff")) {
		t.Errorf("bundle begins with %q", data[:12])
	}
	got, err := tile.ParseBundle(data, 3)
	if err != nil || len(got) != 3 || string(got[0]) != "hello" || len(got[1]) != 0 || !bytes.Equal(got[2], leaves[2]) {
		t.Errorf("came back otherwise: %v", err)
	}
	for n := range 3 {
		cut, err := tile.Truncate(data, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tile.ParseBundle(cut, n); err != nil {
			t.Errorf("truncated to %d: %v", n, err)
		}
	}
	for name, bad := range map[string]struct {
		data []byte
		n    int
	}{
		"too few":         {data, 4},
		"too many":        {data, 2},
		"cut leaf":        {data[:len(data)-1], 3},
		"cut length":      {data[:8], 2},
		"trailing byte":   {append(bytes.Clone(data), 0), 3},
		"nothing":         {nil, 1},
		"one byte length": {[]byte{0}, 1},
	} {
		if _, err := tile.ParseBundle(bad.data, bad.n); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := tile.Truncate(data, 4); err == nil {
		t.Error("truncated to more than there is")
	}
	if _, err := tile.AppendEntry(nil, make([]byte, tile.MaxLeaf+1)); err == nil {
		t.Error("bundled a leaf of 65,536 bytes")
	}
}

const goodCheckpoint = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

func TestCheckpoints(t *testing.T) {
	for _, text := range []string{
		goodCheckpoint,
		goodCheckpoint + "an extension\n",
		"origin with spaces and + \n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		"o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
	} {
		c, err := tile.ParseCheckpoint(text)
		if err != nil || c.Text() != text {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	swap := func(old, new string) string { return strings.Replace(goodCheckpoint, old, new, 1) }
	for name, text := range map[string]string{
		"nothing":                "",
		"two lines":              "o\n1\n",
		"no final newline":       strings.TrimSuffix(goodCheckpoint, "\n"),
		"empty origin":           swap("example.com/behind-the-sofa", ""),
		"empty line at the end":  goodCheckpoint + "\n",
		"empty extension":        goodCheckpoint + "\nx\n",
		"leading zero":           swap("20852163", "020852163"),
		"plus":                   swap("20852163", "+20852163"),
		"minus":                  swap("20852163", "-1"),
		"space":                  swap("20852163", " 20852163"),
		"hexadecimal":            swap("20852163", "0x1"),
		"underscore":             swap("20852163", "20_852_163"),
		"more than 63 bits":      swap("20852163", "9223372036854775808"),
		"more than a tree has":   swap("20852163", "9223372036854775807"),
		"short hash":             swap("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw=="),
		"long hash":              swap("q2I=", "q2IA"),
		"unused bits":            swap("q2I=", "q2J="),
		"no padding":             swap("q2I=", "q2I"),
		"base64 for addresses":   swap("m/X", "m_X"),
		"carriage returns":       strings.ReplaceAll(goodCheckpoint, "\n", "\r\n"),
		"tab in the origin":      swap("example", "exa\tmple"),
		"invalid UTF-8":          swap("example", "exa\xffmple"),
		"empty tree, other root": swap("20852163", "0"),
	} {
		if c, err := tile.ParseCheckpoint(text); err == nil {
			t.Errorf("%s: taken as %+v", name, c)
		}
	}
}

func TestOpenCheckpoint(t *testing.T) {
	k := sumdbtest.Key(t, "example.com/behind-the-sofa")
	msg, err := note.Sign(goodCheckpoint, k)
	if err != nil {
		t.Fatal(err)
	}
	keys := note.List(k.Verifier())
	if _, _, err := tile.OpenCheckpoint(msg, "example.com/behind-the-sofa", keys); err != nil {
		t.Error(err)
	}
	if _, _, err := tile.OpenCheckpoint(msg, "example.com/other", keys); err == nil {
		t.Error("taken for another log's")
	}
	if _, _, err := tile.OpenCheckpoint(msg, "example.com/behind-the-sofa", note.List()); err == nil {
		t.Error("taken without a key")
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if _, _, err := tile.OpenCheckpoint(bad, "example.com/behind-the-sofa", keys); err == nil {
			t.Errorf("byte %d changed, and it opens", i)
		}
	}
}

func TestCheckpointVectors(t *testing.T) {
	for _, name := range []string{"checkpoint-parse-only.checkpoint", "checkpoint-cosigned-parse-only.checkpoint"} {
		n, err := note.Parse(shared(t, "c2sp", name))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := tile.ParseCheckpoint(n.Text); err != nil || c.Size != 20852163 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// The frontier's root and tiles, against the naive tree, x/mod and a third library.
func TestFrontier(t *testing.T) {
	var leaves [][]byte
	f := &tile.Frontier{}
	other := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	files := map[string][]byte{}
	for i := range 70000 {
		leaf := fmt.Appendf(nil, "leaf %d", i)
		if i < 1100 {
			leaves = append(leaves, leaf)
		}
		if err := other.Append(rfc6962.DefaultHasher.HashLeaf(leaf), nil); err != nil {
			t.Fatal(err)
		}
		for _, full := range f.Add(tlog.RecordHash(leaf)) {
			files[full.Tile.Path()] = full.Data
		}
		if i < 1100 && (i < 300 || i%97 == 0) || i == 65535 || i == 65536 || i == 69999 {
			if i < 1100 && f.Root() != sumdbtest.MerkleRoot(leaves) {
				t.Fatalf("root at %d", i+1)
			}
			root, err := other.GetRootHash(nil)
			if err != nil || !bytes.Equal(root, hashBytes(f.Root())) {
				t.Fatalf("root at %d: %x, %v", i+1, root, err)
			}
		}
	}
	for _, p := range f.Partials() {
		files[p.Tile.Path()] = p.Data
	}
	if len(files) != 273+1+1+1+1 {
		t.Errorf("%d tiles", len(files))
	}
	back, err := tile.ReadFrontier(70000, func(x tile.Tile) ([]byte, error) { return files[x.Path()], nil })
	if err != nil || back.Root() != f.Root() || back.Size() != 70000 {
		t.Errorf("came back otherwise: %v", err)
	}
	// x/mod reads the same tree from the same tiles.
	r := tlog.TileHashReader(tlog.Tree{N: 70000, Hash: f.Root()}, tiles(files))
	h, err := r.ReadHashes([]int64{tlog.StoredHashIndex(0, 12345), tlog.StoredHashIndex(16, 0)})
	if err != nil || h[0] != tlog.RecordHash([]byte("leaf 12345")) {
		t.Errorf("x/mod reads %v, %v", h, err)
	}
}

func hashBytes(h tlog.Hash) []byte { return h[:] }

type tiles map[string][]byte

func (tiles) Height() int { return 8 }
func (m tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, x := range list {
		data = append(data, m[tile.Tile{Level: x.L, Index: x.N, Width: x.W}.Path()])
	}
	return data, nil
}
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func FuzzParsePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/8")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		x, err := tile.ParsePath(path)
		if err == nil && x.Path() != path {
			t.Errorf("%q came back as %q", path, x.Path())
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(goodCheckpoint)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := tile.ParseCheckpoint(text)
		if err == nil && c.Text() != text {
			t.Errorf("%q came back as %q", text, c.Text())
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add([]byte("\x00\x05hello\x00\x00"), 2)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 0 || n > tile.Width {
			return
		}
		leaves, err := tile.ParseBundle(data, n)
		if err != nil {
			return
		}
		var back []byte
		for _, leaf := range leaves {
			back, _ = tile.AppendEntry(back, leaf)
		}
		if len(leaves) != n || !bytes.Equal(back, data) {
			t.Errorf("%q came back as %q", data, back)
		}
	})
}

// What x/mod says of the empty tree and of one record.
func TestXModHashes(t *testing.T) {
	var v struct {
		EmptyTreeRoot string `json:"empty_tree_root"`
		RecordHash    struct{ Data, Base64 string }
	}
	if err := json.Unmarshal(bytes.Replace(shared(t, "xmod", "note.json"), []byte("record_hash"), []byte("RecordHash"), 1), &v); err != nil {
		t.Fatal(err)
	}
	if got := tile.EmptyRoot().String(); got != v.EmptyTreeRoot {
		t.Errorf("empty tree: %s, want %s", got, v.EmptyTreeRoot)
	}
	one := tile.Frontier{}
	one.Add(tlog.RecordHash([]byte(v.RecordHash.Data)))
	if got := one.Root().String(); got != v.RecordHash.Base64 {
		t.Errorf("one record: %s, want %s", got, v.RecordHash.Base64)
	}
}
