package index_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// packRun reads some of the index as a run does, and says what it saw.
type packRun struct {
	Files      []string
	Needs      []string
	Unverified int
}

func runPacked(t *testing.T, url, dir, name string, now func() time.Time) (r packRun) {
	t.Helper()
	c := client(t, url, func(o *index.Options) { o.CacheDir, o.Pack, o.Now = dir, name, now })
	f := wheel(t, c, "weighty", "1.0")
	for _, g := range page(t, c, "weighty").Files {
		r.Files = append(r.Files, g.Name+" "+g.SHA256)
	}
	data, err := c.Metadata(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := metadata.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range m.RequiresDist {
		r.Needs = append(r.Needs, q.String())
	}
	r.Unverified = len(c.Unverified())
	c.WritePack()
	return r
}

func packOf(t *testing.T, dir string) string {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(dir, "v1", "packs", "*"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs: %v, %v", packs, err)
	}
	return packs[0]
}

func TestPackAloneAnswers(t *testing.T) {
	for _, mode := range []resolvetest.ServerOptions{{}, {Metadata: resolvetest.MetadataHashed}} {
		s := resolvetest.Serve(t, resolvetest.Standard(), mode)
		dir, now := t.TempDir(), newClock()
		want := runPacked(t, s.URL, dir, "project", now.Now)
		for _, kind := range []string{"pages", "metadata"} {
			if err := os.RemoveAll(filepath.Join(dir, "v1", kind)); err != nil {
				t.Fatal(err)
			}
		}
		n := s.Count("")
		if d := cmp.Diff(want, runPacked(t, s.URL, dir, "project", now.Now)); d != "" {
			t.Error(d)
		}
		if got := s.Count(""); got != n {
			t.Errorf("%d requests with everything packed", got-n)
		}
		// It is for its own name, and for no longer than the page is fresh.
		if runPacked(t, s.URL, t.TempDir(), "other", now.Now); s.Count("") == n {
			t.Error("a pack was read under another name")
		}
		n = s.Count("/simple/weighty/")
		now.add(time.Hour)
		if runPacked(t, s.URL, dir, "project", now.Now); s.Count("/simple/weighty/") != n+1 {
			t.Error("a page was taken from a pack after its time")
		}
	}
}

func TestDamagedPackIsNeverBelieved(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	dir, now := t.TempDir(), newClock()
	want := runPacked(t, s.URL, dir, "project", now.Now)
	path := packOf(t, dir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, at int, bad []byte) {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, runPacked(t, s.URL, dir, "project", now.Now)); d != "" {
			t.Fatalf("%s %d: %s", what, at, d)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(good) {
			t.Fatalf("%s %d: the pack was not made anew (%v)", what, at, err)
		}
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1 << (i % 8)
		try("bit in byte", i, bad)
		if i%16 == 0 {
			try("cut at", i, good[:i])
		}
	}
	// What was used for another name says nothing about this one.
	if runPacked(t, s.URL, dir, "other", now.Now); true {
		other, err := filepath.Glob(filepath.Join(dir, "v1", "packs", "*"))
		if err != nil || len(other) != 2 {
			t.Fatal(other, err)
		}
		for _, p := range other {
			if p != path {
				data, _ := os.ReadFile(p)
				try("pack of another", 0, data)
			}
		}
	}
}
