package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// history is a small log in memory, with its checkpoint at every size.
type history struct {
	t      testing.TB
	leaves [][]byte
	r      memory
}

type memory map[string][]byte

func (m memory) ReadFile(_ context.Context, path string, _ int64) ([]byte, error) {
	if b, ok := m[path]; ok {
		return b, nil
	}
	return nil, os.ErrNotExist
}

func newHistory(t testing.TB, word string, n int) *history {
	h := &history{t: t, r: memory{}}
	f := &tile.Frontier{}
	put := func(files []tile.File) {
		for _, x := range files {
			h.r[x.Tile.Path()] = x.Data
		}
	}
	for i := range n {
		leaf := fmt.Appendf(nil, "%s %d\n", word, i)
		if i < 3 {
			leaf = fmt.Appendf(nil, "common %d\n", i)
		}
		h.leaves = append(h.leaves, leaf)
		put(f.Add(tlog.RecordHash(leaf)))
		put(f.Partials())
	}
	return h
}

func (h *history) checkpoint(n int, by ...note.Signer) []byte {
	h.t.Helper()
	c := tile.Checkpoint{Origin: sumdbtest.Origin, Size: int64(n), Root: sumdbtest.MerkleRoot(h.leaves[:n])}
	msg, err := note.Sign(c.Text(), append([]note.Signer{sumdbtest.Key(h.t, sumdbtest.Origin)}, by...)...)
	if err != nil {
		h.t.Fatal(err)
	}
	return msg
}

func (h *history) tree(n int) *store.Tree {
	return store.NewTree(h.r, int64(n), sumdbtest.MerkleRoot(h.leaves[:n]))
}

func (h *history) request(old, n int) []byte {
	r := &Request{Old: int64(old), Checkpoint: h.checkpoint(n)}
	if 0 < old && old < n {
		r.Proof = sumdbtest.ConsistencyProof(old, h.leaves[:n])
	}
	return r.Format()
}

func newKey(t testing.TB, name string) *note.Cosigner {
	now := int64(1000)
	return &note.Cosigner{Key: sumdbtest.Key(t, name), Now: func() int64 { now--; return now }}
}

func serve(t testing.TB, dir, name string) *Server {
	t.Helper()
	s, err := NewServer(dir, newKey(t, name), Log{sumdbtest.Origin, []note.Verifier{sumdbtest.Key(t, sumdbtest.Origin).Verifier()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (s *Server) post(body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/prefix/add-checkpoint", bytes.NewReader(body)))
	return w
}

// TestAnswers goes through the page: every status that it asks for.
func TestAnswers(t *testing.T) {
	h, fork := newHistory(t, "ours", 20), newHistory(t, "theirs", 20)
	s := serve(t, t.TempDir(), "witness.example")
	other := bytes.ReplaceAll(h.request(0, 4), []byte(sumdbtest.Origin), []byte("other.example"))
	unsigned := &Request{Checkpoint: h.checkpoint(5)}
	unsigned.Checkpoint = bytes.Replace(unsigned.Checkpoint, []byte("\n5\n"), []byte("\n6\n"), 1)
	for _, c := range []struct {
		what   string
		body   []byte
		status int
		size   string
	}{
		{"nothing", nil, 400, ""},
		{"no checkpoint", []byte("old 0\n\n"), 400, ""},
		{"a leading zero", bytes.Replace(h.request(0, 4), []byte("old 0"), []byte("old 00"), 1), 400, ""},
		{"an unknown origin", other, 404, ""},
		{"a broken signature", unsigned.Format(), 403, ""},
		{"old too large", h.request(5, 4), 400, ""},
		{"not the size that was signed", h.request(2, 4), 409, "0\n"},
		{"a proof from nothing", bytes.Replace(h.request(0, 4), []byte("old 0\n"), []byte("old 0\n"+strings.Repeat("A", 43)+"=\n"), 1), 422, ""},
		{"the first", h.request(0, 4), 200, ""},
		{"the first again", h.request(0, 4), 409, "4\n"},
		{"the same again", h.request(4, 4), 200, ""},
		{"the same with a proof", bytes.Replace(h.request(4, 4), []byte("old 4\n"), []byte("old 4\n"+strings.Repeat("A", 43)+"=\n"), 1), 422, ""},
		{"a fork of one size", fork.request(4, 4), 409, "4\n"},
		{"a fork that grew", fork.request(4, 9), 422, ""},
		{"without a proof", (&Request{Old: 4, Checkpoint: h.checkpoint(9)}).Format(), 422, ""},
		{"on it grows", h.request(4, 9), 200, ""},
		{"back to before", h.request(4, 4), 409, "9\n"},
		{"and on", h.request(9, 20), 200, ""},
	} {
		w := s.post(c.body)
		if w.Code != c.status {
			t.Errorf("%s: got %d %q, want %d", c.what, w.Code, w.Body, c.status)
		}
		if kind := w.Header().Get("Content-Type"); c.size != "" && (kind != SizeType || w.Body.String() != c.size) {
			t.Errorf("%s: got %s %q, want %q", c.what, kind, w.Body, c.size)
		}
	}
	if w := httptest.NewRecorder(); true {
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/add-checkpoint", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET: %d", w.Code)
		}
	}
	if w := s.post(bytes.Repeat([]byte("A"), MaxRequest+1)); w.Code != http.StatusBadRequest {
		t.Errorf("too much: %d", w.Code)
	}
}

// TestMemory: what was signed is known to the next process, and a damaged memory
// is no empty one.
func TestMemory(t *testing.T) {
	dir, h := t.TempDir(), newHistory(t, "ours", 9)
	s := serve(t, dir, "witness.example")
	first := s.post(h.request(0, 4))
	if first.Code != 200 {
		t.Fatal(first.Body)
	}
	if _, err := NewServer(dir, newKey(t, "witness.example")); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	s.Close()
	s = serve(t, dir, "witness.example")
	if c, err := s.Latest(sumdbtest.Origin); err != nil || c.Size != 4 {
		t.Fatalf("after a restart: %v, %v", c, err)
	}
	if w := s.post(h.request(0, 9)); w.Code != 409 || w.Body.String() != "4\n" {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
	// The clock of the test goes back with each call; what is signed does not.
	var times []int64
	for _, w := range []*httptest.ResponseRecorder{first, s.post(h.request(4, 4)), s.post(h.request(4, 9))} {
		sig, err := note.ParseLine(strings.TrimSpace(w.Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		c, err := note.ParseCosignature(sig.Sig)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, c.Time)
	}
	if !slices.IsSorted(times) {
		t.Errorf("signed at %v", times)
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "logs", "*"))
	if len(files) != 1 {
		t.Fatalf("state: %v", files)
	}
	good, _ := os.ReadFile(files[0])
	for _, bad := range [][]byte{nil, good[:len(good)-9], bytes.Replace(good, []byte("\n9\n"), []byte("\n8\n"), 1), h.checkpoint(4)} {
		os.WriteFile(files[0], bad, 0o600)
		var state *StateError
		if _, err := NewServer(dir, newKey(t, "witness.example"), Log{Origin: sumdbtest.Origin}); !errors.As(err, &state) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRace: of many requests at once from one size, one at most is signed for
// each, and what was signed last is the largest.
func TestRace(t *testing.T) {
	dir, h := t.TempDir(), newHistory(t, "ours", 40)
	s := serve(t, dir, "witness.example")
	signed := make([]bool, 40)
	var all sync.WaitGroup
	for n := 1; n < 40; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			signed[n] = s.post(h.request(0, n)).Code == 200
		}()
	}
	all.Wait()
	count := 0
	for n, ok := range signed {
		if ok {
			count++
			if c, _ := s.Latest(sumdbtest.Origin); c.Size != int64(n) {
				t.Errorf("signed %d, remembers %d", n, c.Size)
			}
		}
	}
	if count != 1 {
		t.Errorf("%d trees were signed from 0", count)
	}
}

func start(t testing.TB, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestClient(t *testing.T) {
	h, fork := newHistory(t, "ours", 20), newHistory(t, "theirs", 20)
	s := serve(t, t.TempDir(), "witness.example")
	c := &Client{Name: "w", URL: start(t, s) + "/a/prefix/", Key: s.key.Verifier()}
	for _, n := range []int{4, 4, 9, 20} {
		// Whatever the log thinks the witness knows, it finds out.
		for _, old := range []int{0, 3, n} {
			sigs, err := c.Cosign(t.Context(), int64(old), h.checkpoint(n), h.tree(n))
			if err != nil || len(sigs) != 1 {
				t.Fatalf("%d from %d: %v, %v", n, old, sigs, err)
			}
		}
	}
	for _, bad := range []struct {
		n    int
		fork bool
		h    *history
	}{{9, true, h}, {20, true, fork}, {19, true, fork}} {
		_, err := c.Cosign(t.Context(), 0, bad.h.checkpoint(bad.n), bad.h.tree(bad.n))
		if IsFork(err) != bad.fork || err == nil {
			t.Errorf("%d: %v", bad.n, err)
		}
	}
}

// TestHostileWitness: whatever a witness answers, what comes back is its checked
// signature or an error.
func TestHostileWitness(t *testing.T) {
	h := newHistory(t, "ours", 9)
	key := newKey(t, "witness.example")
	line := func(by note.Signer, n int) string {
		text, _, _ := strings.Cut(string(h.checkpoint(n)), "\n\n")
		sig, err := by.Sign([]byte(text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return note.Signature{Name: by.Name(), Hash: by.KeyHash(), Sig: sig}.Line()
	}
	for what, c := range map[string]struct {
		status int
		kind   string
		body   string
		want   string
	}{
		"another's":        {200, "", line(newKey(t, "other.example"), 9), "no cosignature of its key"},
		"another tree's":   {200, "", line(key, 8), "its cosignature is wrong"},
		"a plain one":      {200, "", line(key.Key, 9), "no cosignature of its key"},
		"nothing":          {200, "", "", "no cosignature of its key"},
		"noise":            {200, "", "hello\n", "not signature lines"},
		"size of nonsense": {409, SizeType, "-1\n", "not a size"},
		"always another":   {409, SizeType, "3\n", "another tree of 3"},
		"a larger size":    {409, SizeType, "10\n", "a checkpoint of 10, ours is of 9"},
		"too much":         {200, "", strings.Repeat("x", MaxResponse+1), "reading its answer"},
		"elsewhere":        {302, "", "", "it answered 302"},
		"unknown":          {404, "", "", "does not watch this log"},
	} {
		url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		cl := &Client{Name: "w", URL: url, Key: key.Verifier()}
		sigs, err := cl.Cosign(t.Context(), 0, h.checkpoint(9), h.tree(9))
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", what, sigs, err)
		}
	}
	// Its own line among others' is taken.
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, line(newKey(t, "other.example"), 9)+line(key, 9))
	}))
	if sigs, err := (&Client{URL: url, Key: key.Verifier()}).Cosign(t.Context(), 0, h.checkpoint(9), h.tree(9)); err != nil || len(sigs) != 1 {
		t.Errorf("%v, %v", sigs, err)
	}
}

// TestDisagreement: of two witnesses one was shown another history.
func TestDisagreement(t *testing.T) {
	h, fork := newHistory(t, "ours", 20), newHistory(t, "theirs", 20)
	a, b := serve(t, t.TempDir(), "a.example"), serve(t, t.TempDir(), "b.example")
	if w := b.post(fork.request(0, 7)); w.Code != 200 {
		t.Fatal(w.Body)
	}
	text := fmt.Sprintf("witness a %s %s\nwitness b %s %s\n", a.key.Verifier(), start(t, a), b.key.Verifier(), start(t, b))
	gather := func(quorum string) ([]byte, []error, error) {
		t.Helper()
		p, err := policy.Parse([]byte(text + quorum))
		if err != nil {
			t.Fatal(err)
		}
		return Gather(t.Context(), p, 0, h.checkpoint(9), h.tree(9), time.Time{})
	}
	msg, failed, err := gather("group g all a b\nquorum g\n")
	var missing *MissingError
	if !errors.As(err, &missing) || !IsFork(err) || msg != nil || !strings.Contains(err.Error(), "witness b: it has signed another tree of 7") {
		t.Errorf("both: %s, %v, %v", msg, failed, err)
	}
	msg, failed, err = gather("group g any a b\nquorum g\n")
	if err != nil || len(failed) != 1 || !IsFork(failed[0]) || bytes.Count(msg, []byte("\n— ")) != 2 {
		t.Errorf("any: %s, %v, %v", msg, failed, err)
	}
}

// A witness whose cosignatures bear another time does not count, and one that is
// slow does not hold up a log whose quorum has signed.
func TestTimesAndGrace(t *testing.T) {
	h := newHistory(t, "ours", 9)
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	witness := func(name string, at time.Time, wait time.Duration) string {
		key := newKey(t, name)
		key.Now = at.Unix
		url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then the server notices who hangs up
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
			}
			text, _, _ := strings.Cut(string(h.checkpoint(9)), "\n\n")
			sig, err := key.Sign([]byte(text + "\n"))
			if err != nil {
				t.Error(err)
			}
			io.WriteString(w, note.Signature{Name: key.Name(), Hash: key.KeyHash(), Sig: sig}.Line())
		}))
		return fmt.Sprintf("witness %s %s %s\n", name, key.Verifier(), url)
	}
	good := witness("good.example", now.Add(-time.Minute), 0)
	gather := func(text string) ([]byte, []error, error) {
		t.Helper()
		p, err := policy.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return Gather(t.Context(), p, 0, h.checkpoint(9), h.tree(9), now)
	}
	for _, at := range []time.Time{time.Unix(0, 0), now.Add(-time.Hour), now.Add(time.Hour), now.AddDate(10, 0, 0)} {
		odd := witness("odd.example", at, 0)
		msg, failed, err := gather(good + odd + "group g any good.example odd.example\nquorum g\n")
		if err != nil || len(failed) != 1 || !strings.Contains(failed[0].Error(), "its cosignature is dated "+at.UTC().Format("2006-01-02")) || bytes.Contains(msg, []byte("odd.example")) {
			t.Errorf("%v: %s, %v, %v", at, msg, failed, err)
		}
		if _, _, err := gather(odd + "quorum odd.example\n"); !errors.As(err, new(*MissingError)) {
			t.Errorf("%v alone: %v", at, err)
		}
	}
	slow := witness("slow.example", now, time.Minute)
	began := time.Now()
	msg, failed, err := gather(good + slow + "group g any good.example slow.example\nquorum g\n")
	if err != nil || len(failed) != 1 || !strings.Contains(failed[0].Error(), "slow.example: not reached: the quorum has signed") || !bytes.Contains(msg, []byte("good.example")) {
		t.Errorf("%s, %v, %v", msg, failed, err)
	}
	if took := time.Since(began); took > Grace+3*time.Second {
		t.Errorf("a slow witness held it up for %v", took)
	}
	// Within the grace it counts.
	if msg, failed, err := gather(good + witness("later.example", now, Grace/10) + "group g any good.example later.example\nquorum g\n"); err != nil || len(failed) != 0 || !bytes.Contains(msg, []byte("later.example")) {
		t.Errorf("%s, %v, %v", msg, failed, err)
	}
}

func TestSharedRequest(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(dir, "testdata", "tlog", "c2sp", "add-checkpoint-request-parse-only.txt"))
	if err != nil {
		t.Skipf("shared test data is not there: %v", err)
	}
	r, err := ParseRequest(b)
	if err != nil || r.Old != 20852014 || len(r.Proof) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// The page's answer: lines of keys that are not the one asked, to be passed over.
	b, err = os.ReadFile(filepath.Join(dir, "testdata", "tlog", "c2sp", "add-checkpoint-response-parse-only.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Parse(r.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{Name: "w", Key: newKey(t, "witness.example").Verifier()}
	if _, err := c.read(n, b); err == nil || !strings.Contains(err.Error(), "no cosignature of its key") {
		t.Errorf("the page's answer: %v", err)
	}
}

// FuzzParseRequest: what is accepted is the one spelling.
func FuzzParseRequest(f *testing.F) {
	h := newHistory(f, "ours", 9)
	f.Add(h.request(0, 4))
	f.Add(h.request(4, 9))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest(body)
		if err == nil && !bytes.Equal(r.Format(), body) {
			t.Fatalf("%q comes back as %q", body, r.Format())
		}
	})
}
