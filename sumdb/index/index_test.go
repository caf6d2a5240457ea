package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

func leaf(kind, pkg, version string) []byte {
	text := "wheellock/v1 " + kind + "\nlog wheels.example.org\n"
	if pkg != "" {
		text += "package " + pkg + " " + version + "\n"
	}
	return []byte(text + "time 2026-11-22T14:00:00Z\n— key AAAAAAAA\n")
}

func indexLeaf(x *Index, t testing.TB) []byte {
	t.Helper()
	root, entries, err := x.Root()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(fmt.Sprintf("wheellock/v1 index\nentries %d\nindex sha256:%x\nlog wheels.example.org\ntime 2026-11-22T14:00:00Z\n— key AAAAAAAA\n", entries, root[:]))
}

// grow makes a log of n leaves with random packages and index statements where they are due.
func grow(t testing.TB, x *Index, n, packages int, r *rand.Rand) [][]byte {
	t.Helper()
	var leaves [][]byte
	for len(leaves) < n {
		var l []byte
		switch {
		case x.Due():
			l = indexLeaf(x, t)
		case x.Next() == 0:
			l = leaf("root", "", "")
		case r.Intn(10) == 0:
			l = leaf("lock", "", "")
		default:
			l = leaf([]string{"source", "build", "withdraw"}[r.Intn(3)], fmt.Sprintf("p%d", r.Intn(packages)), fmt.Sprint("1.", r.Intn(3)))
		}
		if err := x.Add(l); err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, l)
	}
	return leaves
}

// naive computes the list's root in another way: with a map, sorted, and
// another library's hashes, splitting at the largest power of two.
func naive(leaves [][]byte) (string, int) {
	texts := map[string]string{}
	for i, l := range leaves {
		kind := strings.Fields(string(l))[1]
		if kind == "index" {
			continue
		}
		name, version := "_"+kind, "-"
		if _, rest, ok := strings.Cut(string(l), "\npackage "); ok {
			f := strings.Fields(rest)
			name, version = f[0], f[1]
		}
		if texts[name] == "" {
			texts[name] = name + "\n"
		}
		texts[name] += fmt.Sprintf("%d %s %s\n", i, kind, version)
	}
	var names []string
	for n := range texts {
		names = append(names, n)
	}
	slices.Sort(names)
	var root func(names []string) []byte
	root = func(names []string) []byte {
		switch len(names) {
		case 0:
			return rfc6962.DefaultHasher.EmptyRoot()
		case 1:
			return rfc6962.DefaultHasher.HashLeaf([]byte(texts[names[0]]))
		}
		k := 1
		for k*2 < len(names) {
			k *= 2
		}
		return rfc6962.DefaultHasher.HashChildren(root(names[:k]), root(names[k:]))
	}
	return fmt.Sprintf("%x", root(names)), len(names)
}

func TestRootAgainstNaive(t *testing.T) {
	for _, packages := range []int{1, 2, 3, 7, 50, 900} {
		r := rand.New(rand.NewSource(int64(packages)))
		x := New()
		var leaves [][]byte
		for step := 0; step < 40; step++ {
			leaves = append(leaves, grow(t, x, 1+r.Intn(60), packages, r)...)
			root, entries, err := x.Root()
			if err != nil {
				t.Fatal(err)
			}
			want, n := naive(leaves)
			if fmt.Sprintf("%x", root[:]) != want || int(entries) != n {
				t.Fatalf("%d packages, %d leaves: %x %d, want %s %d", packages, len(leaves), root, entries, want, n)
			}
		}
	}
	root, entries, err := New().Root()
	if want, _ := naive(nil); err != nil || entries != 0 || fmt.Sprintf("%x", root[:]) != want {
		t.Errorf("empty: %x %d %v", root, entries, err)
	}
}

func TestStatementsAreCheckedAndDue(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	x := New()
	grow(t, x, 255, 10, r)
	if x.Due() {
		t.Error("due after 255 leaves")
	}
	grow(t, x, 1, 10, r)
	if !x.Due() {
		t.Error("not due after 256 leaves")
	}
	if err := x.Add(leaf("build", "p1", "1")); !errors.Is(err, ErrLate) {
		t.Errorf("leaf 256: %v", err)
	}
	good := indexLeaf(x, t)
	if err := x.Add(good); err != nil || x.Next() != 257 || x.Due() {
		t.Errorf("%v, next %d", err, x.Next())
	}
	// The same statement again is not wrong, only early: nothing is indexed between.
	if err := x.Add(good); err != nil {
		t.Error(err)
	}
	grow(t, x, 3, 10, r)
	if err := x.Add(good); !errors.Is(err, ErrMismatch) {
		t.Errorf("an old index: %v", err)
	}
	for _, bad := range []string{"", "x", "wheellock/v1 build\n", "wheellock/v2 build\nlog x\n— k A\n", "wheellock/v1 build\npackage ../x 1\n— k A\n", "wheellock/v1 build\npackage x\n— k A\n"} {
		if err := New().Add([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewSource(2))
	var leaves [][]byte
	mem := New() // never sees the folder
	for step := 0; step < 12; step++ {
		x, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for x.Next() < int64(len(leaves)) {
			if err := x.Add(leaves[x.Next()]); err != nil {
				t.Fatal(err)
			}
		}
		more := grow(t, x, 1+r.Intn(400), 40, r)
		leaves = append(leaves, more...)
		if err := x.Commit(dir); err != nil {
			t.Fatal(err)
		}
		for _, l := range more {
			if err := mem.Add(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := mem.Compare(dir, false); err != nil {
			t.Fatalf("step %d, %d leaves: %v", step, len(leaves), err)
		}
		if step%3 == 0 {
			leaves = append(leaves, die(t, dir, mem, leaves, r)...)
		}
	}
	if s := mem.Snapshot(); s == nil || s.Statement() < 256 {
		t.Fatal("no snapshot")
	}
}

// die plays a writer that appends, writes some of the entries and dies before
// it replaces the list.
func die(t *testing.T, dir string, mem *Index, leaves [][]byte, r *rand.Rand) [][]byte {
	t.Helper()
	x, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for x.Next() < int64(len(leaves)) {
		if err := x.Add(leaves[x.Next()]); err != nil {
			t.Fatal(err)
		}
	}
	more := grow(t, x, 300, 45, r)
	for _, l := range more {
		if err := mem.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, entryPath), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range x.sorted {
		if r.Intn(3) == 0 {
			if err := x.writeEntry(dir, e, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := mem.Compare(dir, false); !errors.Is(err, ErrBehind) {
		t.Fatalf("after a death: %v", err)
	}
	return more
}

func TestEveryByteOfTheFiles(t *testing.T) {
	dir := t.TempDir()
	x := New()
	grow(t, x, 300, 5, rand.New(rand.NewSource(3)))
	if err := x.Commit(dir); err != nil {
		t.Fatal(err)
	}
	if err := x.Compare(dir, false); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "index/entry/*"))
	if err != nil || len(files) != 7 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range append(files, filepath.Join(dir, "index/list")) {
		good, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 1
			if err := os.WriteFile(f, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := x.Compare(dir, false); !errors.Is(err, ErrMismatch) {
				t.Fatalf("%s byte %d: %v", f, i, err)
			}
			if filepath.Base(f) != "list" {
				y, err := Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				place, _ := y.Snapshot().Find(filepath.Base(f))
				if _, err := y.Snapshot().Entry(place); !errors.Is(err, ErrMismatch) {
					t.Fatalf("%s byte %d was read: %v", f, i, err)
				}
			}
		}
		if err := os.WriteFile(f, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	extra := filepath.Join(dir, "index/entry/other")
	if err := os.WriteFile(extra, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := x.Compare(dir, false); !errors.Is(err, ErrMismatch) {
		t.Errorf("a file too many: %v", err)
	}
	os.Remove(files[0])
	if err := x.Rebuild(dir); err != nil {
		t.Fatal(err)
	}
	if err := x.Compare(dir, false); err != nil {
		t.Errorf("after the rebuild: %v", err)
	}
}

func TestSnapshotProvesWithTlog(t *testing.T) {
	dir := t.TempDir()
	x := New()
	grow(t, x, 1000, 100, rand.New(rand.NewSource(4)))
	if err := x.Commit(dir); err != nil {
		t.Fatal(err)
	}
	y, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	root, _, err := y.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Snapshot{x.Snapshot(), y.Snapshot()} {
		for i := range s.Len() {
			text, err := s.Entry(i)
			if err != nil {
				t.Fatal(err)
			}
			e, err := ParseEntry(text)
			if err != nil || !bytes.Equal(e.Format(), text) {
				t.Fatalf("%q: %v", text, err)
			}
			if p, ok := s.Find(e.Name); !ok || p != i {
				t.Errorf("%s found at %d, is at %d", e.Name, p, i)
			}
			p, err := tlog.ProveRecord(s.Len(), i, s)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, s.Len(), root, i, tlog.RecordHash(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if x.Snapshot().Statement() != 770 {
		t.Errorf("the last index statement is at %d", x.Snapshot().Statement())
	}
	if _, ok := x.Snapshot().Find("zzz"); ok {
		t.Error("found what is not there")
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte("markupsafe\n17 source 3.0.2\n18 build 3.0.2\n"))
	f.Add([]byte("_root\n0 root -\n"))
	f.Add([]byte("a\n01 root -\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseEntry(text)
		if err == nil && !bytes.Equal(e.Format(), text) {
			t.Errorf("%q gives %q", text, e.Format())
		}
	})
}

func FuzzParseList(f *testing.F) {
	x := New()
	grow(f, x, 300, 5, rand.New(rand.NewSource(3)))
	f.Add(formatList(x.last, x.sorted))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, list, err := parseList(data)
		if err != nil {
			return
		}
		if back := formatList(at, list); !bytes.Equal(back, data) {
			t.Errorf("%q gives %q", data, back)
		}
	})
}

func TestParseEntryRefuses(t *testing.T) {
	for _, bad := range []string{"", "x", "x\n", "x\n1 a 1", "x\n1 a 1\n1 a 1\n", "x\n2 a 1\n1 a 1\n", "x\n+1 a 1\n", "x\n01 a 1\n", "x\n-1 a 1\n",
		"X\n1 a 1\n", "x\n1 a\n", "x\n1 a 1 2\n", "x\n1  1\n", "x\n1 a \n", "x\n\n1 a 1\n", "x\n1 a 1\n\n", "x\r\n1 a 1\n", "__x\n1 a 1\n", "-x\n1 a 1\n"} {
		if e, err := ParseEntry([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, %v", bad, e, err)
		}
	}
}

// A million leaves of 5,000 packages, as fsck reads them.
func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewSource(5))
	var kinds [][]byte
	for i := range 5000 {
		kinds = append(kinds, leaf("build", fmt.Sprintf("package-%d", i), "1.0"))
	}
	x := New()
	b.ResetTimer()
	for range b.N {
		l := kinds[r.Intn(len(kinds))]
		if x.Due() {
			l = indexLeaf(x, b)
		}
		if err := x.Add(l); err != nil {
			b.Fatal(err)
		}
	}
}
