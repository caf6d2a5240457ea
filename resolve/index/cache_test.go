package index_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

func TestPagesAreCached(t *testing.T) {
	u := resolvetest.Standard()
	const path = "/simple/courier/"
	// Each step moves the clock and says how many requests there are then.
	type step struct {
		after time.Duration
		want  int
	}
	for _, c := range []struct {
		name  string
		o     resolvetest.ServerOptions
		fault *resolvetest.Fault // headers only
		steps []step
	}{
		{"default TTL, no ETag", resolvetest.ServerOptions{NoETag: true}, nil, []step{{0, 1}, {9 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}}},
		{"default TTL, ETag", resolvetest.ServerOptions{}, nil, []step{{0, 1}, {11 * time.Minute, 2}, {time.Minute, 2}, {10 * time.Minute, 3}}},
		{"max-age", resolvetest.ServerOptions{MaxAge: time.Minute}, nil, []step{{0, 1}, {59 * time.Second, 1}, {2 * time.Second, 2}}},
		{"max-age for years", resolvetest.ServerOptions{MaxAge: 100000 * time.Hour}, nil, []step{{0, 1}, {23 * time.Hour, 1}, {2 * time.Hour, 2}}},
		{"no-cache", resolvetest.ServerOptions{}, &resolvetest.Fault{Header: map[string]string{"Cache-Control": "no-cache"}}, []step{{0, 1}, {0, 2}}},
		{"no-store", resolvetest.ServerOptions{}, &resolvetest.Fault{Header: map[string]string{"Cache-Control": "no-store"}}, []step{{0, 1}, {0, 2}}},
		{"aged on the way", resolvetest.ServerOptions{}, &resolvetest.Fault{Header: map[string]string{"Cache-Control": "public, max-age=600", "Age": "590"}}, []step{{0, 1}, {9 * time.Second, 1}, {2 * time.Second, 2}}},
		{"clock set back", resolvetest.ServerOptions{}, nil, []step{{0, 1}, {-time.Hour, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := resolvetest.Serve(t, u, c.o)
			if c.fault != nil {
				s.Fault(path, *c.fault)
			}
			dir, now := t.TempDir(), newClock()
			for i, step := range c.steps {
				now.add(step.after)
				cl := client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Now = dir, now.Now })
				if p := page(t, cl, "courier"); len(p.Files) != 8 {
					t.Fatalf("step %d: %d files", i, len(p.Files))
				}
				if got := s.Count(path); got != step.want {
					t.Errorf("step %d: %d requests, want %d", i, got, step.want)
				}
			}
		})
	}
}

func TestNewVersionIsSeen(t *testing.T) {
	for _, noETag := range []bool{false, true} {
		s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{NoETag: noETag})
		dir, now := t.TempDir(), newClock()
		open := func() *index.Client {
			return client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Now = dir, now.Now })
		}
		page(t, open(), "courier")
		s.Publish(resolvetest.Standard().With(resolvetest.Release{Name: "courier", Version: "2.6.0"}))
		if p := page(t, open(), "courier"); len(p.Files) != 8 {
			t.Errorf("a fresh page was asked for again: %d files", len(p.Files))
		}
		now.add(time.Hour)
		if p := page(t, open(), "courier"); len(p.Files) != 9 {
			t.Errorf("an old page was not asked for again: %d files", len(p.Files))
		}
		// What was taken back is gone, offline too.
		s.Publish(resolvetest.Universe{})
		now.add(time.Hour)
		if _, err := open().Page(context.Background(), "courier"); kind(err) != "not found" {
			t.Errorf("%v", err)
		}
		offline := client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Offline = dir, true })
		if _, err := offline.Page(context.Background(), "courier"); kind(err) != "not found" {
			t.Errorf("%v", err)
		}
	}
}

func TestOffline(t *testing.T) {
	ctx := context.Background()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	dir, now := t.TempDir(), newClock()
	online := client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Now = dir, now.Now })
	f, g := wheel(t, online, "courier", "2.5.0"), wheel(t, online, "courier", "2.3.0")
	if _, err := online.Metadata(ctx, f); err != nil {
		t.Fatal(err)
	}
	if _, err := online.Fetch(ctx, f); err != nil {
		t.Fatal(err)
	}
	n := s.Count("")
	now.add(10000 * time.Hour)
	c := client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Now, o.Offline = dir, now.Now, true })
	page(t, c, "courier")
	if _, err := c.Metadata(ctx, f); err != nil {
		t.Error(err)
	}
	if _, err := c.Fetch(ctx, f); err != nil {
		t.Error(err)
	}
	if r, _, err := c.OpenRange(ctx, f); err != nil || r == nil {
		t.Error(err)
	}
	for what, ask := range map[string]func() error{
		"page":     func() error { _, err := c.Page(ctx, "ident"); return err },
		"metadata": func() error { _, err := c.Metadata(ctx, g); return err },
		"fetch":    func() error { _, err := c.Fetch(ctx, g); return err },
		"range":    func() error { _, _, err := c.OpenRange(ctx, g); return err },
	} {
		err := ask()
		var unavailable *index.UnavailableError
		if !errors.Is(err, index.ErrOffline) || !errors.As(err, &unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := s.Count(""); got != n {
		t.Errorf("%d requests were made offline", got-n)
	}
}

// entries are all files of a cache.
func entries(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestDamagedCacheIsNeverBelieved(t *testing.T) {
	ctx := context.Background()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	dir := t.TempDir()
	use := func() {
		c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir })
		f := wheel(t, c, "weighty", "1.0")
		m, err := c.Metadata(ctx, f)
		if err != nil || string(m) != string(resolvetest.Standard().MustFind("weighty", "1.0").Metadata()) {
			t.Errorf("metadata %q, %v", m, err)
		}
		path, err := c.Fetch(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if _, want := resolvetest.BuildWheel(resolvetest.Standard().MustFind("weighty", "1.0"), "py3-none-any"); err != nil || string(data) != string(want) {
			t.Errorf("the file in the cache is not what was published (%v)", err)
		}
	}
	use()
	before := entries(t, dir)
	if len(before) != 4 { // page, file, metadata as believed and as verified
		t.Fatalf("cache has %v", before)
	}
	for _, path := range before {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damages := [][]byte{nil, good[:len(good)-1], append(append([]byte(nil), good...), 0)}
		for i := 0; i < len(good); i += 1 + len(good)/25 { // a bit in every region
			bad := append([]byte(nil), good...)
			bad[i] ^= 1
			damages = append(damages, bad)
		}
		for _, bad := range damages {
			os.Remove(path)
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			use()
		}
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestManyProcessesShareACache(t *testing.T) {
	ctx := context.Background()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 12 { // each client has no memory in common with the others, as a process
		c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir })
		wg.Go(func() {
			for _, name := range []string{"courier", "weighty", "charguess"} {
				p, err := c.Page(ctx, name)
				if err != nil {
					t.Error(err)
					return
				}
				for _, f := range p.Files {
					if f.IsWheel() {
						if _, err := c.Metadata(ctx, f); err != nil {
							t.Error(err)
						}
					}
					path, err := c.Fetch(ctx, f)
					if err != nil {
						t.Error(err)
						continue
					}
					if data, err := os.ReadFile(path); err != nil || int64(len(data)) != f.Size {
						t.Errorf("%s: %d bytes, %v", f.Name, len(data), err)
					}
				}
			}
		})
	}
	wg.Wait()
	if left := leftovers(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCacheEmptiedUnderUs(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	dir := t.TempDir()
	c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir })
	f := wheel(t, c, "courier", "2.5.0")
	for range 2 {
		path, err := c.Fetch(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// An entry that is whole but lies in another's place is no better than a damaged
// one, and what is no file at all is neither read nor waited for.
func TestStrangeEntriesAreNotBelieved(t *testing.T) {
	ctx := context.Background()
	u := resolvetest.MustParse("early 1.0\n  needs late\nlate 2.0\n  needs nobody\n")
	s := resolvetest.Serve(t, u, resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed})
	dir := t.TempDir()
	use := func() {
		t.Helper()
		c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir })
		for _, r := range u.Releases {
			f := wheel(t, c, r.Name, r.Version)
			if m, err := c.Metadata(ctx, f); err != nil || string(m) != string(r.Metadata()) {
				t.Errorf("metadata of %s: %q, %v", r.Name, m, err)
			}
		}
		for range 2 {
			if _, err := c.Page(ctx, "nobody"); kind(err) != "not found" {
				t.Error(err)
			}
		}
	}
	use()
	all := entries(t, dir)
	if len(all) != 5 { // two pages, two metadata, one note
		t.Fatalf("cache has %v", all)
	}
	put := func(path string, make func() error) {
		t.Helper()
		os.RemoveAll(path)
		if err := make(); err != nil {
			t.Fatal(err)
		}
		use()
	}
	// The note of a missing project in the place of the note of one that is there.
	for _, path := range all {
		if filepath.Base(filepath.Dir(path)) == "missing" {
			sum := sha256.Sum256([]byte(s.URL + "/early/"))
			data, _ := os.ReadFile(path)
			put(filepath.Join(filepath.Dir(path), hex.EncodeToString(sum[:])), func() error {
				return os.WriteFile(filepath.Join(filepath.Dir(path), hex.EncodeToString(sum[:])), data, 0o644)
			})
		}
	}
	for _, path := range all {
		for _, other := range all {
			good, err := os.ReadFile(other)
			if err != nil {
				t.Fatal(err)
			}
			put(path, func() error { return os.WriteFile(path, good, 0o644) })
			if strings.Contains(string(good), "/2\n") { // the format of tomorrow
				put(path, func() error {
					return os.WriteFile(path, []byte(strings.Replace(string(good), "/2\n", "/3\n", 1)), 0o644)
				})
			}
		}
		put(path, func() error { return os.MkdirAll(filepath.Join(path, "folder"), 0o755) })
		put(path, func() error { return os.Symlink("/dev/zero", path) })
		put(path, func() error { return os.Symlink(path, path) })
		put(path, func() error { return exec.Command("mkfifo", path).Run() })
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
