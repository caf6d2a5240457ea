package index_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// kind names the type of an error and what it wraps.
func kind(err error) string {
	var missing *index.NotFoundError
	var unavailable *index.UnavailableError
	var page *index.PageError
	var hash *index.HashError
	var stall *index.StallError
	var truncated *index.TruncatedError
	var cache *index.CacheError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &missing):
		return "not found"
	case errors.As(err, &page):
		return "page"
	case errors.As(err, &hash):
		return "hash " + hash.What
	case errors.As(err, &unavailable) && errors.As(err, &stall):
		return "stall"
	case errors.As(err, &unavailable) && errors.As(err, &truncated):
		return "truncated"
	case errors.As(err, &unavailable) && unavailable.Status != 0:
		return fmt.Sprint(unavailable.Status)
	case errors.As(err, &unavailable):
		return "unavailable"
	case errors.As(err, &cache):
		return "cache"
	}
	return fmt.Sprintf("%T", err)
}

const file = "weighty-1.0-py3-none-any.whl"

var faults = []struct {
	name                  string
	fault                 resolvetest.Fault
	page, fetch, metadata string
	requests              int // of the page
}{
	{"404", resolvetest.Fault{Status: 404}, "not found", "404", "404", 1},
	{"410", resolvetest.Fault{Status: 410}, "not found", "410", "410", 1},
	{"403", resolvetest.Fault{Status: 403}, "403", "403", "403", 1},
	{"500", resolvetest.Fault{Status: 500}, "500", "500", "500", 1},
	{"503 for ever", resolvetest.Fault{Status: 503}, "503", "503", "503", 4},
	{"503 then well", resolvetest.Fault{Status: 503, Times: 2}, "ok", "ok", "ok", 3},
	{"502 then well", resolvetest.Fault{Status: 502, Times: 3}, "ok", "ok", "ok", 4},
	{"429 with Retry-After", resolvetest.Fault{Status: 429, Times: 1, Header: map[string]string{"Retry-After": "0"}}, "ok", "ok", "ok", 2},
	{"reset for ever", resolvetest.Fault{Reset: true}, "unavailable", "unavailable", "unavailable", 4},
	{"reset then well", resolvetest.Fault{Reset: true, Times: 2}, "ok", "ok", "ok", 3},
	{"truncated for ever", resolvetest.Fault{Truncate: 10}, "truncated", "truncated", "truncated", 4},
	{"truncated then well", resolvetest.Fault{Truncate: 10, Times: 1}, "ok", "ok", "ok", 2},
	{"stall", resolvetest.Fault{Stall: true}, "stall", "stall", "stall", 1},
	{"corrupt", resolvetest.Fault{Corrupt: true}, "", "hash file", "", 1},
	{"nonsense", resolvetest.Fault{Body: []byte("hello"), Type: "text/plain"}, "page", "hash size", "hash size", 1},
	{"broken JSON", resolvetest.Fault{Body: []byte("{"), Type: "application/vnd.pypi.simple.v1+json"}, "page", "hash size", "hash size", 1},
	{"no answer", resolvetest.Fault{Delay: time.Hour}, "unavailable", "unavailable", "unavailable", 1},
}

func TestFaults(t *testing.T) {
	ctx := context.Background()
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of them wait
			s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
			dir := t.TempDir()
			fresh := func() *index.Client {
				return client(t, s.URL, func(o *index.Options) {
					o.StallInterval, o.ResponseTimeout, o.CacheDir = 500*time.Millisecond, 2*time.Second, dir
				})
			}
			healthy := fresh()
			f := wheel(t, healthy, "weighty", "1.0")
			if err := os.RemoveAll(filepath.Join(dir, "v1", "pages")); err != nil {
				t.Fatal(err)
			}
			s.ResetCounts()

			s.Fault("/simple/weighty/", c.fault)
			p, err := fresh().Page(ctx, "weighty")
			if got := kind(err); c.page != "" && got != c.page {
				t.Errorf("page: %s (%v), want %s", got, err, c.page)
			}
			if err == nil && len(p.Files) == 0 {
				t.Error("an empty page")
			}
			if got := s.Count("/simple/weighty/"); got != c.requests {
				t.Errorf("%d requests of the page, want %d", got, c.requests)
			}
			describe(t, err, "weighty", s.URL)

			s.Fault("/files/"+file, c.fault)
			_, err = fresh().Fetch(ctx, f)
			if got := kind(err); got != c.fetch {
				t.Errorf("fetch: %s (%v), want %s", got, err, c.fetch)
			}
			describe(t, err, file, "")
			if left := leftovers(t, dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if err != nil {
				if matches, _ := filepath.Glob(filepath.Join(dir, "v1", "files", "*", "*")); len(matches) != 0 {
					t.Errorf("in the cache: %v", matches)
				}
			}

			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			s.Fault("/files/"+file, c.fault)
			_, err = fresh().Metadata(ctx, f)
			if got := kind(err); c.metadata != "" && got != c.metadata {
				t.Errorf("metadata: %s (%v), want %s", got, err, c.metadata)
			}

			s.Heal("/files/" + file)
			s.Heal("/simple/weighty/")
			again := fresh()
			if _, err := again.Fetch(ctx, wheel(t, again, "weighty", "1.0")); err != nil {
				t.Errorf("after all is well: %v", err)
			}
		})
	}
}

// describe checks that an error names its subject and says what to do next.
func describe(t *testing.T, err error, subject, url string) {
	t.Helper()
	if err == nil {
		return
	}
	var h interface{ Hint() string }
	if !strings.Contains(err.Error(), subject) || !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("error %q does not name %s, or gives no hint", err, subject)
	}
	if strings.Count(err.Error(), "http://") > 1 {
		t.Errorf("error %q names its address twice", err)
	}
}

func TestIndexIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := client(t, "http://"+addr+"/simple")
	start := time.Now()
	_, err = c.Page(context.Background(), "courier")
	if kind(err) != "unavailable" || !strings.Contains(err.Error(), "courier") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
	if time.Since(start) > 5*time.Second {
		t.Errorf("took %v", time.Since(start))
	}
}

// A server that trickles never lets a read time out.
func TestTrickleIsAStall(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n")
				for range 200 {
					if _, err := conn.Write([]byte(" ")); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
		}
	}()
	c := client(t, "http://"+l.Addr().String(), func(o *index.Options) { o.StallInterval = 300 * time.Millisecond })
	start := time.Now()
	_, err = c.Page(context.Background(), "courier")
	var stall *index.StallError
	if !errors.As(err, &stall) || stall.Received == 0 || time.Since(start) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestWrongMetadataHash(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	c := client(t, s.URL)
	f := wheel(t, c, "weighty", "1.0")
	s.Fault("/files/"+file+".metadata", resolvetest.Fault{Body: []byte("Metadata-Version: 2.1\nName: weighty\nVersion: 1.0\nRequires-Dist: evil\n"), Type: "text/plain"})
	if _, err := c.Metadata(context.Background(), f); kind(err) != "hash metadata" {
		t.Errorf("FILE.metadata: %v", err)
	}
	// The same hash is asked of what comes by ranges.
	s.Fault("/files/"+file+".metadata", resolvetest.Fault{Status: 404})
	bad := f
	bad.CoreMetadata = strings.Repeat("0", 64)
	if _, err := client(t, s.URL).Metadata(context.Background(), bad); kind(err) != "hash metadata" {
		t.Errorf("ranges: %v", err)
	}
}

// An index that lies in FILE.metadata without a hash is found out by the wheel.
func TestBelievedMetadataIsCompared(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed})
	lie := "Metadata-Version: 2.1\nName: weighty\nVersion: 1.0\nRequires-Dist: evil\n"
	s.Fault("/files/"+file+".metadata", resolvetest.Fault{Body: []byte(lie), Type: "text/plain"})
	dir := t.TempDir()
	for range 2 { // the second time the lie comes from the cache
		c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir })
		f := wheel(t, c, "weighty", "1.0")
		m, err := c.MetadataOf(context.Background(), f)
		if err != nil || m.Verified || string(m.Bytes) != lie {
			t.Fatalf("%+v, %v", m, err)
		}
		if u := c.Unverified(); len(u) != 1 || u[0].Name != file {
			t.Errorf("unverified: %v", u)
		}
		if _, err := c.Fetch(context.Background(), f); kind(err) != "hash metadata" {
			t.Errorf("fetch: %v", err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "v1", "files")); err != nil {
			t.Fatal(err)
		}
	}
	// Another index is not told the lie, though its wheel has the same hash.
	honest := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed})
	c := client(t, honest.URL, func(o *index.Options) { o.CacheDir = dir })
	if got, err := c.Metadata(context.Background(), wheel(t, c, "weighty", "1.0")); err != nil || string(got) == lie {
		t.Errorf("another index's metadata: %q, %v", got, err)
	}
}

func TestMetadataThatIsNone(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed})
	s.Fault("/files/"+file+".metadata", resolvetest.Fault{Body: []byte("<html>Welcome</html>"), Type: "text/html"})
	c := client(t, s.URL)
	m, err := c.MetadataOf(context.Background(), wheel(t, c, "weighty", "1.0"))
	if err != nil || m.How != "range" {
		t.Errorf("how %q, %v", m.How, err)
	}
}

func TestWheelWithoutMetadata(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{NoHashes: true, NoSizes: true})
	s.Fault("/files/"+file, resolvetest.Fault{Body: []byte("this is no zip"), Type: "application/zip"})
	c := client(t, s.URL)
	var broken *index.WheelError
	if _, err := c.Metadata(context.Background(), wheel(t, c, "weighty", "1.0")); !errors.As(err, &broken) || broken.File != file {
		t.Errorf("%v", err)
	}
}

func TestCancelled(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client(t, s.URL).Page(ctx, "courier"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// One caller's giving up does not take the answer from another.
func TestCancelOneOfTwo(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{Delay: 200 * time.Millisecond})
	c := client(t, s.URL)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() {
		_, err := c.Page(ctx, "courier")
		first <- err
	}()
	for s.Count("") == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan error, 1)
	go func() {
		_, err := c.Page(context.Background(), "courier")
		second <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}
}

func TestCacheCannotBeWritten(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	dir := t.TempDir()
	blocked := filepath.Join(dir, "cache")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := client(t, s.URL, func(o *index.Options) { o.CacheDir = blocked })
	f := wheel(t, c, "courier", "2.5.0") // a page needs no cache
	if _, err := c.Fetch(context.Background(), f); kind(err) != "cache" {
		t.Errorf("%v", err)
	}
}
