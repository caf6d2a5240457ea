package checksumdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

const keyName = "sums." + sumdbtest.Origin

// folder is what the client of the Go command needs from its surroundings.
type folder struct {
	t    *testing.T
	dir  string
	vkey string

	mu     sync.Mutex
	latest []byte
	cache  map[string][]byte
}

func (f *folder) ReadRemote(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(path)))
}

func (f *folder) ReadConfig(file string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if file == "key" {
		return []byte(f.vkey), nil
	}
	return f.latest, nil
}

func (f *folder) WriteConfig(_ string, old, new []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !bytes.Equal(old, f.latest) {
		return sumdb.ErrWriteConflict
	}
	f.latest = new
	return nil
}

func (f *folder) ReadCache(file string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.cache[file]; ok {
		return b, nil
	}
	return nil, os.ErrNotExist
}

func (f *folder) WriteCache(file string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cache[file] = data
}

func (f *folder) Log(string)               {}
func (f *folder) SecurityError(msg string) { f.t.Log("security error:", msg) }

type world struct {
	*sumdbtest.World
	t   *testing.T
	out string
	key *note.SigningKey
}

func newWorld(t *testing.T) *world {
	return &world{sumdbtest.New(t), t, t.TempDir(), sumdbtest.Key(t, keyName)}
}

func (w *world) client() *folder {
	return &folder{t: w.t, dir: w.out, vkey: w.key.Verifier().String(), cache: map[string][]byte{}}
}

func (w *world) export() (*Result, error) {
	w.t.Helper()
	r := store.Folder(w.Dir)
	cp, _, err := store.Checkpoint(context.Background(), r, sumdbtest.Origin, w.LogKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	return Export(w.t.Context(), store.NewTree(r, cp.Size, cp.Root), sumdbtest.Origin, w.out, w.key, note.List(w.key.Verifier()))
}

func (w *world) mustExport() *Result {
	w.t.Helper()
	r, err := w.export()
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// TestClient: the Go command's own client finds every source, at each size, with
// what it remembers of the sizes before.
func TestClient(t *testing.T) {
	w := newWorld(t)
	leaves := w.Leaves(700)
	seen := w.client()
	at := 0
	for _, n := range []int{1, 2, 5, 257, 258, 700} {
		w.Append(leaves[at:n]...)
		at = n
		r := w.mustExport()
		if r.Size != int64(n-1) { // the first is a root
			t.Fatalf("%d records of %d statements", r.Size, n)
		}
		for _, ops := range []*folder{seen, w.client()} {
			c := sumdb.NewClient(ops)
			for i := 1; i < n; i += max(1, n/9) {
				x := sumdbtest.Source(i)
				lines, err := c.Lookup(sumdbtest.Origin+"/"+x.Name, x.Version)
				want := fmt.Sprintf("%s/%s %s sha256:%s", sumdbtest.Origin, x.Name, x.Version, x.File.SHA256)
				if err != nil || len(lines) != 1 || lines[0] != want {
					t.Fatalf("at %d: %v, %v", n, lines, err)
				}
			}
			if _, err := c.Lookup(sumdbtest.Origin+"/stranger", "1.0"); err == nil {
				t.Errorf("at %d: something that nobody stated is there", n)
			}
		}
	}
	if r := w.mustExport(); r.New != 0 {
		t.Errorf("a second export writes %d", r.New)
	}
}

// TestTampered: the client refuses every changed file of a lookup.
func TestTampered(t *testing.T) {
	w := newWorld(t)
	w.Append(w.Leaves(20)...)
	w.mustExport()
	x := sumdbtest.Source(7)
	path := filepath.Join(w.out, "lookup", sumdbtest.Origin, x.Name+"@1.0")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		os.WriteFile(path, bad, 0o644)
		// A line of a key that the client does not know, or white space, may change.
		lines, err := sumdb.NewClient(w.client()).Lookup(sumdbtest.Origin+"/"+x.Name, "1.0")
		if err == nil && (len(lines) != 1 || !strings.HasSuffix(lines[0], x.File.SHA256)) {
			t.Errorf("byte %d changed: %v", i, lines)
		}
	}
}

// TestOneLine: two builders, two files, names that cannot be asked for.
func TestOneLine(t *testing.T) {
	w := newWorld(t)
	leaves := w.Leaves(3)
	zip := sumdbtest.Source(1)
	zip.Head, zip.File = sumdbtest.Head(5), record.File{Name: "package-1-1.0.zip", SHA256: sumdbtest.Digest("zip"), Size: 7}
	epoch := sumdbtest.Source(8)
	epoch.Head, epoch.Version, epoch.File.Name = sumdbtest.Head(6), "1!2.0", "package-8-1!2.0.tar.gz"
	local := sumdbtest.Source(9)
	local.Head, local.Version, local.File.Name = sumdbtest.Head(7), "1.0+deb1", "package-9-1.0+deb1.tar.gz"
	w.Append(append(leaves, w.Leaf(zip), w.Leaf(epoch), w.Leaf(local))...)
	r := w.mustExport()
	if r.Size != 3 || len(r.Skipped) != 1 || !strings.HasPrefix(r.Skipped[0], "package-8 1!2.0: ") {
		t.Errorf("got %+v", r)
	}
	c := sumdb.NewClient(w.client())
	for path, want := range map[string]string{"package-1": sumdbtest.Source(1).File.SHA256, "package-9": local.File.SHA256} {
		version := map[string]string{"package-1": "1.0", "package-9": "1.0+deb1"}[path]
		lines, err := c.Lookup(sumdbtest.Origin+"/"+path, version)
		if err != nil || len(lines) != 1 || !strings.HasSuffix(lines[0], want) {
			t.Errorf("%s: %v, %v", path, lines, err)
		}
	}
}

// TestFork: the key signs no second history.
func TestFork(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.Append(w.Leaves(9)...)
	w.mustExport()
	different := sumdbtest.Source(50)
	different.Head = sumdbtest.Head(1)
	other.Append(other.Leaf(sumdbtest.Root(0)), other.Leaf(different))
	var fork *ForkError
	other.out = w.out
	if _, err := other.export(); !errors.As(err, &fork) || fork.Have != 8 {
		t.Errorf("a shorter one: %v", err)
	}
	for i := 60; i < 70; i++ {
		x := sumdbtest.Source(i)
		x.Head = sumdbtest.Head(i)
		other.Append(other.Leaf(x))
	}
	if _, err := other.export(); !errors.As(err, &fork) {
		t.Errorf("a longer one: %v", err)
	}
	os.WriteFile(filepath.Join(w.out, "latest"), []byte("go.sum database tree\n"), 0o644)
	if _, err := w.export(); err == nil || !strings.Contains(err.Error(), "latest") {
		t.Errorf("a broken latest: %v", err)
	}
}
