package index_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

// client makes a client of a server, with short waits.
func client(t testing.TB, url string, change ...func(*index.Options)) *index.Client {
	t.Helper()
	o := index.Options{URL: url, CacheDir: t.TempDir(), Backoff: time.Millisecond, StallInterval: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c, err := index.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func page(t testing.TB, c *index.Client, name string) *index.Page {
	t.Helper()
	p, err := c.Page(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wheel returns the first file of a project that is a wheel and has a part of a name.
func wheel(t testing.TB, c *index.Client, project, part string) index.File {
	t.Helper()
	for _, f := range page(t, c, project).Files {
		if f.IsWheel() && strings.Contains(f.Name, part) {
			return f
		}
	}
	t.Fatalf("no wheel %s of %s", part, project)
	return index.File{}
}

// leftovers lists temporary files in a cache.
func leftovers(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".tmp") {
			found = append(found, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

func TestEveryPageSaysTheSame(t *testing.T) {
	u := resolvetest.Standard()
	source := resolvetest.NewSource(u, t.TempDir())
	for _, o := range []resolvetest.ServerOptions{
		{Metadata: resolvetest.MetadataHashed},
		{Metadata: resolvetest.MetadataHashed, NoJSON: true},
		{Metadata: resolvetest.MetadataHashed, NoHTML: true, Gzip: true},
		{Metadata: resolvetest.MetadataHashed, Absolute: true, NoETag: true},
	} {
		s := resolvetest.Serve(t, u, o)
		c := client(t, s.URL)
		for _, name := range []string{"courier", "Hostname_Rules", "charguess", "lettercase", "handmade", "smallbuild"} {
			want, err := source.Page(context.Background(), name)
			if err != nil {
				t.Fatal(err)
			}
			got := *page(t, c, name)
			got.Files = append([]index.File(nil), got.Files...)
			for i := range got.Files {
				got.Files[i].URL = strings.Replace(got.Files[i].URL, strings.TrimSuffix(s.URL, "/simple"), "https://index.example", 1)
				if o.NoJSON { // HTML says neither
					got.Files[i].Size, got.Files[i].Uploaded = want.Files[i].Size, want.Files[i].Uploaded
				}
			}
			if d := cmp.Diff(want, &got); d != "" {
				t.Errorf("%+v: %s (-want +got):\n%s", o, name, d)
			}
		}
	}
}

func TestMetadataByEveryWay(t *testing.T) {
	u := resolvetest.Standard()
	for _, c := range []struct {
		name     string
		o        resolvetest.ServerOptions
		how      string // "" where the faster of two wins
		verified bool
		whole    bool // the wheel itself was asked for without a range
	}{
		{"hashed", resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed}, "metadata-file", true, false},
		{"listed", resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed}, "metadata-file", false, false},
		{"unlisted", resolvetest.ServerOptions{Metadata: resolvetest.MetadataUnlisted}, "", false, false},
		{"promised", resolvetest.ServerOptions{Metadata: resolvetest.MetadataPromised}, "range", false, false},
		{"none", resolvetest.ServerOptions{}, "range", false, false},
		{"none, no sizes", resolvetest.ServerOptions{NoSizes: true}, "range", false, false},
		{"none, HTML", resolvetest.ServerOptions{NoJSON: true}, "range", false, false},
		{"no hashes", resolvetest.ServerOptions{NoHashes: true}, "range", false, false},
		{"no ranges", resolvetest.ServerOptions{NoRanges: true}, "file", true, true},
		{"promised, no ranges", resolvetest.ServerOptions{Metadata: resolvetest.MetadataPromised, NoRanges: true}, "file", true, true},
		{"unlisted, no ranges", resolvetest.ServerOptions{Metadata: resolvetest.MetadataUnlisted, NoRanges: true}, "metadata-file", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := resolvetest.Serve(t, u, c.o)
			var mu sync.Mutex
			var received int64
			cl := client(t, s.URL, func(o *index.Options) {
				o.Progress = func(e index.Event) {
					mu.Lock()
					defer mu.Unlock()
					if e.Op != "page" {
						received += e.Bytes
					}
				}
			})
			f := wheel(t, cl, "weighty", "1.0")
			m, err := cl.MetadataOf(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			want := u.MustFind("weighty", "1.0").Metadata()
			if string(m.Bytes) != string(want) {
				t.Errorf("got %q, want %q", m.Bytes, want)
			}
			if c.how != "" && m.How != c.how || m.Verified != c.verified {
				t.Errorf("how %q verified %v, want %q, %v", m.How, m.Verified, c.how, c.verified)
			}
			mu.Lock() // the request that lost the race may still be counting
			got := received
			mu.Unlock()
			if !c.whole && got > 100<<10 {
				t.Errorf("%d bytes came for the metadata of a wheel of 700 kB", got)
			}
			unverified := cl.Unverified()
			if (len(unverified) == 0) != c.verified {
				t.Errorf("unverified: %v", unverified)
			}
			if _, err := cl.Fetch(context.Background(), f); err != nil {
				t.Fatal(err)
			}
			if left := cl.Unverified(); len(left) != 0 {
				t.Errorf("still unverified after Fetch: %v", left)
			}
		})
	}
}

func TestSmallWheelsAreFetchedWhole(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	c := client(t, s.URL)
	m, err := c.MetadataOf(context.Background(), wheel(t, c, "courier", "2.5.0"))
	if err != nil || m.How != "file" || !m.Verified {
		t.Errorf("how %q verified %v, %v", m.How, m.Verified, err)
	}
}

// crowd is a universe of many large wheels.
func crowd(n int) resolvetest.Universe {
	var u resolvetest.Universe
	for i := range n {
		u.Releases = append(u.Releases, resolvetest.Release{Name: fmt.Sprintf("crowd%d", i), Version: "1.0", Bulk: 50, Wheels: []string{"py3-none-any"}})
	}
	return u
}

func TestOriginIsLearned(t *testing.T) {
	const n = 12
	ask := func(o resolvetest.ServerOptions) *resolvetest.Server {
		s := resolvetest.Serve(t, crowd(n), o)
		c := client(t, s.URL)
		for i := range n {
			name := fmt.Sprintf("crowd%d", i)
			if _, err := c.Metadata(context.Background(), wheel(t, c, name, "")); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	if s := ask(resolvetest.ServerOptions{Metadata: resolvetest.MetadataPromised}); s.Count("/files/crowd11-1.0-py3-none-any.whl.metadata") != 0 {
		t.Error("FILE.metadata is still asked for, though only ranges answer")
	}
	s := ask(resolvetest.ServerOptions{Metadata: resolvetest.MetadataUnlisted, NoRanges: true})
	if s.Count("/files/crowd11-1.0-py3-none-any.whl") != 0 {
		t.Error("ranges are still asked for, though only FILE.metadata answers")
	}
	s = ask(resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	if got := s.Count("/files/*"); got != n {
		t.Errorf("%d requests for the metadata of %d wheels, all listed", got, n)
	}
	s = ask(resolvetest.ServerOptions{NoRanges: true})
	if got := s.Count("/files/crowd11-1.0-py3-none-any.whl") + s.Count("/files/crowd11-1.0-py3-none-any.whl.metadata"); got != 1 {
		t.Errorf("%d requests where only the whole file is left", got)
	}
}

func TestOneRequestForManyCallers(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed, Delay: 20 * time.Millisecond})
	c := client(t, s.URL)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			p, err := c.Page(context.Background(), "courier")
			if err != nil {
				t.Error(err)
				return
			}
			for _, f := range p.Files {
				if !f.IsWheel() {
					continue
				}
				if _, err := c.Metadata(context.Background(), f); err != nil {
					t.Error(err)
				}
				if _, err := c.Fetch(context.Background(), f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for path, n := range map[string]int{"/simple/*": 1, "/files/courier-2.5.0-py3-none-any.whl": 1, "/files/courier-2.5.0-py3-none-any.whl.metadata": 1} {
		if got := s.Count(path); got != n {
			t.Errorf("%d requests of %s, want %d", got, path, n)
		}
	}
}

func TestOpenRange(t *testing.T) {
	for _, noRanges := range []bool{false, true} {
		s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{NoRanges: noRanges})
		c := client(t, s.URL)
		f := wheel(t, c, "weighty", "1.0")
		r, size, err := c.OpenRange(context.Background(), f)
		if err != nil || size != f.Size {
			t.Fatalf("size %d, %v", size, err)
		}
		_, want := resolvetest.BuildWheel(resolvetest.Standard().MustFind("weighty", "1.0"), "py3-none-any")
		for _, at := range [][2]int{{0, 10}, {100, 5000}, {90, 20}, {len(want) - 5, 5}, {300000, 100000}, {250000, 200000}, {0, len(want)}} {
			got := make([]byte, at[1])
			if n, err := r.ReadAt(got, int64(at[0])); n != at[1] || string(got) != string(want[at[0]:at[0]+at[1]]) {
				t.Errorf("ReadAt(%d, %d): %d bytes, %v", at[0], at[1], n, err)
			}
		}
		if n, err := r.ReadAt(make([]byte, 10), size-3); n != 3 || err == nil {
			t.Errorf("reading past the end: %d, %v", n, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	other := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	s.Fault("/simple/courier/", resolvetest.Fault{Redirect: other.URL + "/courier/"})
	c := client(t, s.URL)
	f := wheel(t, c, "courier", "2.5.0")
	if !strings.HasPrefix(f.URL, strings.TrimSuffix(other.URL, "/simple")) {
		t.Errorf("file address %s is not relative to where the page came from", f.URL)
	}
	s.Fault("/simple/ident/", resolvetest.Fault{Redirect: "/simple/ident/"})
	s.Fault("/simple/shim/", resolvetest.Fault{Redirect: "file:///etc/passwd"})
	for _, name := range []string{"ident", "shim"} {
		var unavailable *index.UnavailableError
		if _, err := c.Page(context.Background(), name); !errors.As(err, &unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesKeepTheirNames(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	c := client(t, s.URL)
	for _, f := range page(t, c, "courier").Files {
		path, err := c.Fetch(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || filepath.Base(path) != f.Name || info.Size() != f.Size || info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}
