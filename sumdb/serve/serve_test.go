package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/serve"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

// serving starts a server for a world whose log has its root.
func serving(t testing.TB, w *sumdbtest.World, o serve.Options) (*serve.Server, *httptest.Server) {
	t.Helper()
	w.Append(w.Leaf(sumdbtest.Root(0)))
	o.Dir, o.Origin = w.Dir, sumdbtest.Origin
	if o.Open == nil {
		o.Open = func(context.Context) (*serve.Writer, error) {
			l, err := log.Open(w.Options())
			return &serve.Writer{Log: l, Auth: w.Keyring, LogKeys: w.LogKeys(), Roots: 1}, err
		}
	}
	s, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() { web.Close(); s.Close() })
	return s, web
}

func post(t testing.TB, url string, body []byte) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Post(url+"/add", "text/plain", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

func get(t testing.TB, url string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(data)
}

// trusted is a policy that trusts the world's log.
func trusted(w *sumdbtest.World) *policy.Policy {
	return &policy.Policy{Logs: []policy.Log{{Key: w.Signers[record.RoleLog].Verifier()}}, Quorum: policy.None}
}

func sound(t testing.TB, w *sumdbtest.World) *fsck.Report {
	t.Helper()
	rep, err := fsck.Check(context.Background(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range rep.Problems {
		t.Errorf("fsck: %v", p)
	}
	return rep
}

func TestAdd(t *testing.T) {
	w := sumdbtest.New(t)
	_, web := serving(t, w, serve.Options{})
	leaf := w.Leaf(sumdbtest.Source(1))
	for range 2 { // the same again gets the same place
		status, h, body := post(t, web.URL, leaf)
		if status != http.StatusOK || h.Get("Wheellock-Index") != "1" || h.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", status, h, body)
		}
		p, err := tlogproof.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Check(leaf, trusted(w)); err != nil || p.Index != 1 {
			t.Fatalf("proof of %d: %v", p.Index, err)
		}
	}
	msg, err := record.Note(w.Leaf(sumdbtest.Source(2)))
	if err != nil {
		t.Fatal(err)
	}
	if status, h, body := post(t, web.URL, msg); status != http.StatusOK || h.Get("Wheellock-Index") != "2" {
		t.Errorf("as a note: %d %s", status, body)
	}
	if rep := sound(t, w); rep.Checkpoint.Size != 3 {
		t.Errorf("%d statements", rep.Checkpoint.Size)
	}
}

func TestRefusals(t *testing.T) {
	w := sumdbtest.New(t)
	_, web := serving(t, w, serve.Options{})
	other := sumdbtest.Source(1)
	other.Log = "elsewhere.example"
	changed := sumdbtest.Source(2)
	changed.File.SHA256 = sumdbtest.Digest("other bytes")
	stranger := *w
	stranger.Signers = map[string]*note.SigningKey{record.RoleBuilder: sumdbtest.Key(t, "stranger.example")}
	flipped := w.Leaf(sumdbtest.Source(3))
	flipped = bytes.Replace(flipped, []byte("package-3"), []byte("package-4"), 1)
	flipped = bytes.Replace(flipped, []byte("package-3"), []byte("package-4"), 1)
	future := sumdbtest.Source(5)
	future.Time = w.Clock.AddDate(0, 0, 3)
	if status, _, body := post(t, web.URL, w.Leaf(sumdbtest.Source(2))); status != http.StatusOK {
		t.Fatal(body)
	}
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		says   string
	}{
		{"nothing", nil, http.StatusBadRequest, ""},
		{"noise", []byte("hello\n"), http.StatusBadRequest, ""},
		{"two at once", append(w.Leaf(sumdbtest.Source(6)), w.Leaf(sumdbtest.Source(7))...), http.StatusBadRequest, ""},
		{"too large", bytes.Repeat([]byte("x"), serve.MaxBody+1), http.StatusRequestEntityTooLarge, "at most"},
		{"for another log", w.Leaf(other), http.StatusConflict, "elsewhere.example"},
		{"of a stranger", stranger.Leaf(sumdbtest.Source(8)), http.StatusForbidden, "stranger.example"},
		{"changed after signing", flipped, http.StatusForbidden, "signature"},
		{"a root", w.Leaf(sumdbtest.Root(1)), http.StatusForbidden, "root"},
		{"another hash for a source", w.Leaf(changed), http.StatusConflict, "package-2-1.0.tar.gz"},
		{"of the day after tomorrow", w.Leaf(future), http.StatusConflict, "clock"},
	} {
		status, _, body := post(t, web.URL, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if rep := sound(t, w); rep.Checkpoint.Size != 2 {
		t.Errorf("%d statements", rep.Checkpoint.Size)
	}
	if status, _, _ := get(t, web.URL+"/add"); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		t.Errorf("GET /add: %d", status)
	}
	_, _, text := get(t, web.URL+"/metrics")
	for _, line := range []string{`wheellock_log_add_requests_total{code="403"} 3`, "wheellock_log_size 2", `wheellock_log_add_seconds_bucket{le="+Inf"} 1`} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, text)
		}
	}
}

// What others do not sign for costs nobody anything: only authenticated
// statements count against a key's limit.
func TestLimits(t *testing.T) {
	w := sumdbtest.New(t)
	now := time.Now()
	_, web := serving(t, w, serve.Options{KeyRate: 1, Now: func() time.Time { return now }})
	forged := w.Leaf(sumdbtest.Source(1))
	forged[len(forged)-5] ^= 1
	for range 10 {
		post(t, web.URL, forged)
	}
	for i := range 3 {
		status, h, body := post(t, web.URL, w.Leaf(sumdbtest.Source(i+1)))
		want := http.StatusOK
		if i == 2 {
			want = http.StatusTooManyRequests
		}
		if status != want || (h.Get("Retry-After") == "1") != (i == 2) {
			t.Errorf("statement %d: %d %v %s", i, status, h, body)
		}
	}
	now = now.Add(time.Second)
	if status, _, _ := post(t, web.URL, w.Leaf(sumdbtest.Source(3))); status != http.StatusOK {
		t.Errorf("a second later: %d", status)
	}
}

func TestFiles(t *testing.T) {
	w := sumdbtest.New(t)
	_, web := serving(t, w, serve.Options{})
	w.Append(w.Leaves(300)[1:]...)
	for name, data := range map[string]string{"root/0.toml": "x", "policy": "quorum none\n", "index/.hidden": "x", "secret": "x"} {
		path := filepath.Join(w.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(w.Dir, "root", "9.toml")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, kind, caching string }{
		{"/checkpoint", "text/plain; charset=utf-8", "public, no-cache"},
		{"/tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"},
		{"/tile/entries/000", "application/octet-stream", "public, max-age=31536000, immutable"},
		{"/" + "root/0.toml", "text/plain; charset=utf-8", "public, max-age=60"},
		{"/policy", "text/plain; charset=utf-8", "public, max-age=60"},
		{"/index/list", "application/octet-stream", "public, max-age=60"},
	} {
		status, h, body := get(t, web.URL+c.path)
		if status != http.StatusOK || h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.caching {
			t.Errorf("%s: %d %v", c.path, status, h)
		}
		disk, err := os.ReadFile(filepath.Join(w.Dir, c.path))
		if err != nil || string(disk) != body {
			t.Errorf("%s: other bytes than the file", c.path)
		}
	}
	if status, h, _ := get(t, web.URL+"/tile/0/001.p/45"); status != http.StatusOK || h.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("partial tile: %d %v", status, h)
	}
	for _, path := range []string{"/", "/secret", "/.state/lock", "/.state/journal", "/index/.hidden", "/tile/0/0", "/tile/0/000/../../checkpoint",
		"/tile", "/" + "root", "/" + "root/9.toml", "/" + "root/../secret", "/%2e%2e/keys", "/tile/../.state/lock", "/tile/0/x000/000"} {
		if status, h, body := get(t, web.URL+path); status != http.StatusNotFound && status != http.StatusMovedPermanently && body != "" {
			if disk, _ := os.ReadFile(filepath.Join(w.Dir, "checkpoint")); body != string(disk) {
				t.Errorf("%s: %d %v %q", path, status, h, body)
			}
		}
	}
	_, h, _ := get(t, web.URL+"/checkpoint")
	req, _ := http.NewRequest(http.MethodGet, web.URL+"/checkpoint", nil)
	req.Header.Set("If-None-Match", h.Get("ETag"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged checkpoint: %v, %v", resp.StatusCode, err)
	}
	if status, _, body := get(t, web.URL+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %s", status, body)
	}
}

// Another process with the log's key appends to the same folder, and so do many
// clients at once: everything that was acknowledged is there.
func TestWritersTakeTurns(t *testing.T) {
	w := sumdbtest.New(t)
	s, web := serving(t, w, serve.Options{Rate: -1, KeyRate: -1})
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 10 {
				if status, _, body := post(t, web.URL, w.Leaf(sumdbtest.Source(1000*g+i+1))); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 5 {
			if _, err := w.Log().Append(t.Context(), w.Leaf(sumdbtest.Source(9000+i))); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	if _, err := w.Log().Append(t.Context(), w.Leaf(sumdbtest.Source(9100))); err != nil {
		t.Fatal(err)
	}
	if _, _, body := get(t, web.URL+"/metrics"); !strings.Contains(body, "\nwheellock_log_size 47\n") {
		t.Errorf("the size after another process's append:\n%s", body)
	}
	s.Close()
	if rep := sound(t, w); rep.Checkpoint.Size != 47 {
		t.Errorf("%d statements, want 47", rep.Checkpoint.Size)
	}
	if status, _, _ := post(t, web.URL, w.Leaf(sumdbtest.Source(7))); status != http.StatusServiceUnavailable {
		t.Errorf("after Close: %d", status)
	}
	if status, _, body := get(t, web.URL+"/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("healthz after Close: %d %s", status, body)
	}
}

// A damaged folder is not continued; nobody is told that a statement is in.
func TestDamagedFolder(t *testing.T) {
	w := sumdbtest.New(t)
	var mu sync.Mutex
	var failed []error
	_, web := serving(t, w, serve.Options{Failed: func(err error) { mu.Lock(); failed = append(failed, err); mu.Unlock() }})
	path := filepath.Join(w.Dir, "tile", "entries", "000.p", "1")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[len(bad)-3] ^= 1
	if err := os.WriteFile(path, bad, 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, body := post(t, web.URL, w.Leaf(sumdbtest.Source(1))); status != http.StatusServiceUnavailable || strings.Contains(body, "tile") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := get(t, web.URL+"/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("healthz: %d", status)
	}
	mu.Lock()
	if len(failed) == 0 {
		t.Error("whoever runs it hears nothing")
	}
	mu.Unlock()
	if err := os.WriteFile(path, good, 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, body := post(t, web.URL, w.Leaf(sumdbtest.Source(1))); status != http.StatusOK {
		t.Errorf("mended: %d %s", status, body)
	}
}

// A key that a new root names is let in by the first statement that it signs, and
// a root that waits in the folder does not make strangers read it all again.
func TestNewRootLetsIn(t *testing.T) {
	w := sumdbtest.New(t)
	var opened atomic.Int32
	var known atomic.Bool
	now := w.Clock
	_, web := serving(t, w, serve.Options{
		Now: func() time.Time { return now },
		Open: func(context.Context) (*serve.Writer, error) {
			opened.Add(1)
			l, err := log.Open(w.Options())
			auth, roots := record.Keys(w.Keyring), 2
			if !known.Load() {
				auth, roots = &sumdbtest.Keyring{}, 1
			}
			return &serve.Writer{Log: l, Auth: auth, LogKeys: w.LogKeys(), Roots: roots}, err
		},
	})
	leaf := w.Leaf(sumdbtest.Source(1))
	if status, _, body := post(t, web.URL, leaf); status != http.StatusForbidden {
		t.Fatalf("before the root: %d %s", status, body)
	}
	if err := os.MkdirAll(filepath.Join(w.Dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Dir, "root", "1.toml"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 20 { // it waits: the log has not stated it
		if status, _, body := post(t, web.URL, leaf); status != http.StatusForbidden {
			t.Fatalf("a waiting root: %d %s", status, body)
		}
	}
	if n := opened.Load(); n > 2 {
		t.Errorf("the folder was read %d times", n)
	}
	known.Store(true)
	now = now.Add(2 * time.Second)
	if status, _, body := post(t, web.URL, leaf); status != http.StatusOK {
		t.Errorf("after the root: %d %s", status, body)
	}
}

// Health comes back without an append when what was wrong has passed, and not before.
func TestHealthReturns(t *testing.T) {
	w := sumdbtest.New(t)
	var down atomic.Bool
	var said atomic.Int32
	_, web := serving(t, w, serve.Options{
		Retry:  10 * time.Millisecond,
		Failed: func(error) { said.Add(1) },
		Open: func(context.Context) (*serve.Writer, error) {
			o := w.Options()
			o.Witness = func(_ context.Context, _ int64, msg []byte, _ *store.Tree) ([]byte, error) {
				if down.Load() {
					return nil, errors.New("the witnesses are away")
				}
				return msg, nil
			}
			l, err := log.Open(o)
			return &serve.Writer{Log: l, Auth: w.Keyring, LogKeys: w.LogKeys(), Roots: 1}, err
		},
	})
	down.Store(true)
	leaf := w.Leaf(sumdbtest.Source(1))
	if status, _, _ := post(t, web.URL, leaf); status != http.StatusServiceUnavailable {
		t.Errorf("without witnesses: %d", status)
	}
	for range 5 {
		time.Sleep(20 * time.Millisecond)
		if status, _, _ := get(t, web.URL+"/healthz"); status != http.StatusServiceUnavailable {
			t.Errorf("healthz without witnesses: %d", status)
		}
	}
	if n := said.Load(); n > 3 {
		t.Errorf("the same failure was told %d times", n)
	}
	down.Store(false)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if status, _, _ := get(t, web.URL+"/healthz"); status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("healthz stays red")
		}
		time.Sleep(10 * time.Millisecond)
	}
	// What had been signed for is in the log meanwhile.
	if status, h, body := post(t, web.URL, leaf); status != http.StatusOK || h.Get("Wheellock-Index") != "1" {
		t.Errorf("again: %d %s", status, body)
	}
	sound(t, w)
	if _, err := os.Lstat(filepath.Join(w.Dir, ".state", "room")); err == nil {
		t.Error("the try whether there is room was left behind")
	}
}

// A client that sends its header byte by byte is cut off.
func TestSlowClient(t *testing.T) {
	s := serve.HTTPServer(http.NotFoundHandler())
	s.ReadHeaderTimeout = 100 * time.Millisecond // five seconds are long in a test
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nA: ")
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("it was not cut off: %v", err)
	}
}
