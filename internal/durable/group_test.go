package durable

import (
	"path/filepath"
	"testing"
)

func TestGroup(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old")
	var ops []string
	stop := Trace(func(e Event) { ops = append(ops, e.Op) })
	defer stop()
	var g Group
	for _, f := range []string{"a", "x/y/b"} {
		if err := g.Write(filepath.Join(dir, f), []byte("new "+f), 0o644, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, filepath.Join(dir, "a")); got != "old" {
		t.Errorf("before Commit: %q", got)
	}
	stop() // what Commit does comes in any order
	if err := g.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "a x x/y x/y/b" {
		t.Errorf("files %s", got)
	}
	for _, f := range []string{"a", "x/y/b"} {
		if got := read(t, filepath.Join(dir, f)); got != "new "+f {
			t.Errorf("%s holds %q", f, got)
		}
	}
	if want := []string{"write", "mkdir", "mkdir", "write"}; len(ops) != len(want) {
		t.Errorf("traced %v, want %v", ops, want)
	}
	var h Group
	if err := h.Write(filepath.Join(dir, "c"), nil, 0o644, 0o777); err != nil {
		t.Fatal(err)
	}
	h.Discard()
	if got := names(t, dir); got != "a x x/y x/y/b" {
		t.Errorf("after Discard: %s", got)
	}
}
