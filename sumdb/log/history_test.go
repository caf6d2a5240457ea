package log_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// Whatever somebody makes of the index's files, they hide nothing.
func TestHistoryWithoutHonestIndex(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(1)
	var want []int64
	for n := 1; n < 600; n++ {
		x := sumdbtest.Source(n)
		x.Name = fmt.Sprint("package-", n%7)
		leaves = append(leaves, w.Leaf(x))
	}
	w.Append(leaves...)
	v := view(t, w)
	for e, err := range v.Statements(t.Context(), 0, v.Checkpoint.Size) {
		if err != nil {
			t.Fatal(err)
		}
		if e.About("package-3") {
			want = append(want, e.Index)
		}
	}
	lastIndex := int64(-1)
	for e, err := range v.Statements(t.Context(), 0, v.Checkpoint.Size) {
		if err == nil && e.Kind() == record.KindIndex {
			lastIndex = e.Index
		}
	}
	honest := filepath.Join(w.Dir, "index")
	for name, lie := range map[string]func(dir string){
		"none": func(string) {},
		// All hashes fit each other: only the log's statement says otherwise.
		"an index that leaves a line out": func(dir string) {
			x := index.New()
			for e, err := range v.Statements(t.Context(), 0, lastIndex+1) {
				if err != nil {
					t.Fatal(err)
				}
				leaf := e.Leaf
				if e.Index == want[1] {
					leaf = w.Leaf(sumdbtest.Source(9999))
				}
				if e.Kind() == record.KindIndex {
					root, entries, err := x.Root()
					if err != nil {
						t.Fatal(err)
					}
					if err := x.AddItem(index.Item{Fields: fmt.Sprintf("%d sha256:%x", entries, root[:])}); err != nil {
						t.Fatal(err)
					}
				} else if err := x.Add(leaf); err != nil {
					t.Fatal(e.Index, err)
				}
			}
			if err := x.Rebuild(dir); err != nil {
				t.Fatal(err)
			}
		},
		"an index of later statements": func(dir string) {
			edit(t, dir, "list", fmt.Sprint("statement ", lastIndex), fmt.Sprint("statement ", lastIndex+1))
		},
		"a list with another name": func(dir string) {
			edit(t, dir, "list", "package-3 ", "package-30 ")
			os.Rename(filepath.Join(dir, "index/entry/package-3"), filepath.Join(dir, "index/entry/package-30"))
		},
		"an entry cut short": func(dir string) { edit(t, dir, "entry/package-3", "\n", "") },
		"no index":           func(dir string) { os.RemoveAll(filepath.Join(dir, "index")) },
	} {
		dir := t.TempDir()
		copyDir(t, honest, filepath.Join(dir, "index"))
		lie(dir)
		if _, err := log.Index(t.Context(), dir, v.Tree, nil); (err == nil) != (name == "none" || strings.HasSuffix(name, "entry cut short") || strings.HasSuffix(name, "name")) {
			t.Errorf("%s: %v", name, err)
		}
		for _, believe := range []bool{true, false} {
			list, err := v.History(t.Context(), dir, "package-3", func(log.Entry) bool { return believe })
			var got []int64
			for _, e := range list {
				got = append(got, e.Index)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, believed %v: %v, %v; want %v", name, believe, got, err, want)
			}
		}
	}
}

func edit(t *testing.T, dir, name, old, new string) {
	t.Helper()
	path := filepath.Join(dir, "index", name)
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%s: no %q: %v", name, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The log's writer does not take it from the folder either what the names in the list
// are: it would sign an index that has a package twice.
func TestIndexWithAnotherName(t *testing.T) {
	for _, more := range []string{"package-3", "package-30", "package-31", "package-2"} {
		w := sumdbtest.New(t)
		leaves := w.Leaves(1)
		for n := 1; n < 900; n++ {
			x := sumdbtest.Source(n)
			x.Name = fmt.Sprint("package-", 3+n%3)
			if n >= 300 {
				x.Name = more
			}
			leaves = append(leaves, w.Leaf(x))
		}
		w.Append(leaves[:300]...)
		edit(t, w.Dir, "list", "package-3 ", "package-30 ")
		if err := os.Rename(filepath.Join(w.Dir, "index/entry/package-3"), filepath.Join(w.Dir, "index/entry/package-30")); err != nil {
			t.Fatal(err)
		}
		w.Append(leaves[300:]...)
		sound(t, w, leaves)
	}
}
