package monitor_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/monitor"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const origin = "wheels.example.org"

// A world is a log with real roots, one witness, and a monitor's memory.
type world struct {
	t       *testing.T
	dir     string // the log's
	keys    *trust.Store
	state   string
	roots   []trust.Signed
	witness *note.Cosigner
	now     time.Time
	n       int
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: filepath.Join(dir, "log"), state: filepath.Join(dir, "state"), now: sumdbtest.Start}
	seed := sha256.Sum256([]byte("w"))
	skey, _, err := note.GenerateKey(bytes.NewReader(seed[:]), "w.example")
	w.must(err)
	key, err := note.NewSigner(skey)
	w.must(err)
	w.witness = &note.Cosigner{Key: key, Now: func() int64 { return w.now.Unix() }}
	w.keys, err = trust.OpenStore(filepath.Join(dir, "keys"))
	w.must(err)
	first, err := trust.Setup(w.keys, trust.SetupOptions{Origin: origin, Now: w.now})
	w.must(err)
	w.addRoot(first)
	p := policy.Policy{Witnesses: []policy.Witness{{Name: "w", Key: w.witness.Verifier(), URL: "https://w.example"}}, Quorum: "w"}
	w.must(os.WriteFile(filepath.Join(w.dir, "policy"), p.Format(), 0o666))
	chain, err := trust.CheckChain(origin, w.roots)
	w.must(err)
	pgp, err := w.keys.OpenPGP(origin)
	w.must(err)
	next, err := trust.Next(chain, w.now, func(r *trust.Root) error {
		r.Policy = trust.Digest(p.Format())
		r.Roles = append(r.Roles, trust.RoleKeys{Name: trust.RoleWitness, Threshold: 1, Expires: r.Expires, Keys: []string{w.witness.Verifier().String()}})
		return nil
	}, pgp...)
	w.must(err)
	w.addRoot(next)
	return w
}

func (w *world) addRoot(signed trust.Signed) {
	w.t.Helper()
	n := len(w.roots)
	w.roots = append(w.roots, signed)
	base := filepath.Join(w.dir, "root", string(rune('0'+n))+".toml")
	w.must(os.MkdirAll(filepath.Dir(base), 0o777))
	w.must(os.WriteFile(base, signed.Document, 0o666))
	w.must(os.WriteFile(base+".asc", signed.Signatures, 0o666))
	w.append(record.Root{Head: w.head(), Number: int64(n), Document: strings.TrimPrefix(trust.Digest(signed.Document), "sha256:"),
		Signature: strings.TrimPrefix(trust.Digest(signed.Signatures), "sha256:")})
}

func (w *world) head() record.Head {
	w.n++
	return record.Head{Log: origin, Time: w.now.Add(time.Duration(w.n) * time.Second)}
}

func (w *world) chain() *trust.Chain {
	chain, err := trust.CheckChain(origin, w.roots)
	w.must(err)
	return chain
}

func (w *world) append(list ...sumdbtest.Stater) {
	w.t.Helper()
	chain := w.chain()
	signer := func(role string) note.Signer {
		s, err := w.keys.Signers(origin, role)
		w.must(err)
		return s[0]
	}
	l, err := log.Open(log.Options{Dir: w.dir, Origin: origin, Signer: signer(trust.RoleLog), LogKeys: chain.LogKeys(), Keys: chain.Keys(),
		KeyDir: w.keys.Dir(), Create: true, Now: func() time.Time { return w.now.Add(time.Hour) }})
	w.must(err)
	var leaves [][]byte
	for _, x := range list {
		st, err := x.Statement()
		w.must(err)
		leaf, err := record.Sign(st, signer(st.Role()))
		w.must(err)
		leaves = append(leaves, leaf)
	}
	_, err = l.Append(w.t.Context(), leaves...)
	w.must(err)
}

func (w *world) sources(n int) {
	w.t.Helper()
	var list []sumdbtest.Stater
	for range n {
		h := w.head()
		s := sumdbtest.Source(w.n)
		s.Head = h
		list = append(list, s)
	}
	w.append(list...)
}

// cosign lets the witness sign what is published, at a time.
func (w *world) cosign(at time.Time) {
	w.t.Helper()
	path := filepath.Join(w.dir, "checkpoint")
	msg, err := os.ReadFile(path)
	w.must(err)
	n, err := note.Parse(msg)
	w.must(err)
	n.Sigs = n.Sigs[:1]
	w.witness.Now = at.Unix
	sig, err := w.witness.Sign([]byte(n.Text))
	w.must(err)
	n.Sigs = append(n.Sigs, note.Signature{Name: w.witness.Name(), Hash: w.witness.KeyHash(), Sig: sig})
	w.must(os.WriteFile(path, n.Bytes(), 0o666))
}

func (w *world) options(r store.Reader) monitor.Options {
	o := monitor.Options{Log: r, State: w.state, Now: w.now.Add(2 * time.Hour)}
	for _, k := range w.chain().Newest().OpenPGP {
		o.Pins.Root.Fingerprints = append(o.Pins.Root.Fingerprints, k.Fingerprint)
	}
	return o
}

func (w *world) look(o monitor.Options, last, size int64, fresh int, want ...string) *monitor.Report {
	w.t.Helper()
	r, err := monitor.Look(w.t.Context(), o)
	w.must(err)
	var got []string
	for _, f := range r.Findings {
		if len(got) == 0 || got[len(got)-1] != f.ID {
			got = append(got, f.ID)
		}
	}
	if r.Last != last || r.Size != size || len(r.New) != fresh || !slices.Equal(got, want) {
		w.t.Errorf("last %d, size %d, %d new, %v; want %d, %d, %d, %v\n%+v", r.Last, r.Size, len(r.New), got, last, size, fresh, want, r.Findings)
	}
	return r
}

func TestLook(t *testing.T) {
	w := newWorld(t)
	w.sources(5)
	w.cosign(w.now)
	web := httptest.NewServer(http.FileServer(http.Dir(w.dir)))
	defer web.Close()
	for name, o := range map[string]monitor.Options{"folder": w.options(store.Folder(w.dir)), "web": w.options(store.HTTP{URL: web.URL})} {
		o.State = filepath.Join(w.state, name)
		if name == "folder" {
			o.Dir = w.dir
		}
		w.look(o, -1, 7, 7)
		w.look(o, 7, 7, 0)
	}
	w.sources(600) // partial tiles become full ones, the index comes
	w.cosign(w.now)
	for _, name := range []string{"folder", "web"} {
		o := w.options(store.HTTP{URL: web.URL})
		o.State = filepath.Join(w.state, name)
		if name == "folder" {
			o.Dir, o.Log = w.dir, store.Folder(w.dir)
		}
		r, err := monitor.Look(t.Context(), o)
		if err != nil || !r.OK() || len(r.Findings) > 0 || len(r.New) != 600 || r.Cosigned == "" {
			t.Fatalf("%s: %v %+v", name, err, r.Findings)
		}
	}
}

func TestAges(t *testing.T) {
	w := newWorld(t)
	o := w.options(store.Folder(w.dir))
	o.Dir = w.dir
	w.look(o, -1, 2, 2, "quorum-missing")
	w.cosign(w.now)
	w.look(o, 2, 2, 0)
	o.Now = w.now.Add(8 * 24 * time.Hour)
	w.look(o, 2, 2, 0, "not-fresh")
	o.MaxAge = 9 * 24 * time.Hour
	w.look(o, 2, 2, 0)
	w.cosign(o.Now.Add(time.Hour)) // a witness whose clock is ahead says nothing
	w.look(o, 2, 2, 0, "age-unknown")
	expires := w.chain().Newest().Expires
	o.Now = expires.Add(-20 * 24 * time.Hour)
	w.cosign(o.Now)
	if r := w.look(o, 2, 2, 0, "expires-soon"); !r.OK() {
		t.Error("a warning is not OK")
	}
	o.Now = expires
	w.cosign(o.Now)
	w.look(o, 2, 2, 0, "expired")
}

func TestTwoHistories(t *testing.T) {
	w := newWorld(t)
	w.sources(3)
	w.cosign(w.now)
	before := *w
	before.dir = filepath.Join(t.TempDir(), "log")
	w.must(os.CopyFS(before.dir, os.DirFS(w.dir)))
	o := w.options(store.Folder(w.dir))
	o.Dir = w.dir
	marks := filepath.Join(w.keys.Dir(), "marks")
	w.must(os.CopyFS(filepath.Join(w.state, "marks"), os.DirFS(marks)))
	w.sources(2)
	w.cosign(w.now)
	w.look(o, -1, 7, 7)

	// The log as it was, and then another that continues that.
	old := o
	old.Log, old.Dir = store.Folder(before.dir), before.dir
	w.look(old, 7, 5, 0, "rolled-back")
	w.must(os.RemoveAll(marks))
	w.must(os.CopyFS(marks, os.DirFS(filepath.Join(w.state, "marks"))))
	before.n = 500
	before.sources(4)
	before.cosign(w.now)
	r := w.look(old, 7, 9, 0, "forked")
	if r.OK() {
		t.Error("a fork is OK")
	}
	kept, err := filepath.Glob(filepath.Join(w.state, "fork-*"))
	if err != nil || len(kept) != 2 {
		t.Errorf("evidence: %v, %v", kept, err)
	}
	// What was seen before is still what counts.
	w.look(o, 7, 7, 0)

	// The same fork, shown at another address that was never looked at before: by
	// its longer history, then by the shorter one against a copy of the longer.
	other := old
	other.State = t.TempDir()
	if r := w.look(other, -1, 9, 9); !r.OK() {
		t.Errorf("alone: %v", r.Findings)
	}
	other.State, other.Others = t.TempDir(), []string{t.TempDir(), w.state}
	w.look(other, -1, 9, 0, "forked")
	copied := w.options(store.Folder(before.dir)) // makes a copy, as behind an address
	copied.State = t.TempDir()
	w.look(copied, -1, 9, 9)
	shorter := o
	shorter.State, shorter.Others = t.TempDir(), []string{copied.State}
	w.look(shorter, -1, 7, 0, "forked")
	// A mirror that is behind is no fork.
	o.Others = []string{w.state, t.TempDir()}
	w.look(o, 7, 7, 0)
}

// The memory is the monitor's own: a log whose key was reported stolen since is
// still compared with what that key signed. What it cannot read it says.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	w.sources(3)
	w.cosign(w.now)
	o := w.options(store.Folder(w.dir))
	o.Dir = w.dir
	w.look(o, -1, 5, 5)
	path := filepath.Join(w.state, "checkpoint")
	good, err := os.ReadFile(path)
	w.must(err)
	n, err := note.Parse(good)
	w.must(err)
	remember := func(text, name string) {
		msg, err := note.Sign(text, sumdbtest.Key(t, name))
		w.must(err)
		w.must(os.WriteFile(path, msg, 0o600))
	}
	remember(n.Text, "former.example")
	w.look(o, 5, 5, 0)
	remember(strings.Replace(n.Text, "\n5\n", "\n4\n", 1), "former.example")
	w.look(o, 4, 5, 0, "forked")
	remember(strings.Replace(n.Text, origin, "other.example", 1), "other.example")
	w.look(o, -1, 5, 0, "another-log")
	w.must(os.WriteFile(path, []byte("x"), 0o600))
	if _, err := monitor.Look(t.Context(), o); !errors.As(err, new(*monitor.MemoryError)) {
		t.Errorf("a memory that cannot be read: %v", err)
	}
}

// Two looks at once do not take each other's copy away.
func TestOneLookAtATime(t *testing.T) {
	w := newWorld(t)
	w.sources(3)
	w.cosign(w.now)
	o := w.options(store.Folder(w.dir))
	w.must(os.MkdirAll(o.State, 0o700))
	unlock, err := durable.Lock(filepath.Join(o.State, "lock"))
	w.must(err)
	if _, err := monitor.Look(t.Context(), o); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second look: %v", err)
	}
	unlock()
	w.look(o, -1, 5, 5)
	// A power cut left an empty tile of the copy: it is fetched again.
	w.must(os.WriteFile(filepath.Join(o.State, "log", "tile", "0", "000.p", "5"), nil, 0o600))
	if r := w.look(o, 5, 5, 0); !r.OK() {
		t.Errorf("after a power cut: %v", r.Findings)
	}
}

func TestDamage(t *testing.T) {
	w := newWorld(t)
	w.sources(300)
	w.cosign(w.now)
	hostile := map[string]func(http.ResponseWriter){}
	files := http.FileServer(http.Dir(w.dir))
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h := hostile[r.URL.Path]; h != nil {
			h(rw)
			return
		}
		files.ServeHTTP(rw, r)
	}))
	defer web.Close()
	o := w.options(store.HTTP{URL: web.URL})
	flipped := func(path string) func(http.ResponseWriter) {
		return func(rw http.ResponseWriter) {
			data, err := os.ReadFile(filepath.Join(w.dir, path))
			w.must(err)
			data[len(data)/2] ^= 1
			rw.Write(data)
		}
	}
	for _, path := range []string{"/tile/entries/000", "/tile/0/000", "/tile/0/001.p/47", "/index/list", "/index/entry/package-40", "/policy"} {
		hostile[path] = flipped(path)
		r, err := monitor.Look(t.Context(), o)
		if err != nil || r.OK() || r.Findings[0].ID != "damaged" {
			t.Errorf("%s: %v, or it was not noticed", path, err)
		}
		delete(hostile, path)
	}
	// The same, found while the log is compared with what was seen last.
	w.look(o, size(w), size(w), 0) // a wrong policy speaks not against the log
	w.sources(300)
	w.cosign(w.now)
	hostile["/tile/0/001"] = flipped("/tile/0/001")
	if r, err := monitor.Look(t.Context(), o); err != nil || r.OK() || r.Findings[0].ID != "damaged" {
		t.Errorf("a tile of the comparison: %v, or it was not noticed", err)
	}
	delete(hostile, "/tile/0/001")
	hostile["/index/list"] = func(rw http.ResponseWriter) {
		rw.Write([]byte("wheellock-index/v1\nstatement 1\n../../../x 3 AAAA\n"))
	}
	if r, err := monitor.Look(t.Context(), o); err != nil || r.OK() {
		t.Errorf("a name with slashes: %v", err)
	}
	delete(hostile, "/index/list")
	// What came over the wire broken once is not kept.
	if r := w.look(o, 303, size(w), 300); !r.OK() {
		t.Error("a good look is not OK")
	}

	for name, h := range map[string]func(http.ResponseWriter){
		"down":    func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusInternalServerError) },
		"endless": func(rw http.ResponseWriter) { rw.Write(bytes.Repeat([]byte("x"), 1<<20)) },
		"flipped": flipped("/checkpoint"),
	} {
		hostile["/checkpoint"] = h
		if r, err := monitor.Look(t.Context(), o); err == nil {
			t.Errorf("checkpoint %s: taken, %v", name, r.Findings)
		}
	}
	delete(hostile, "/checkpoint")
	stranger := o
	stranger.Pins.Root.Fingerprints = []string{strings.Repeat("A", 40)}
	if _, err := monitor.Look(t.Context(), stranger); !errors.Is(err, trust.ErrPins) {
		t.Errorf("pins of another: %v", err)
	}
	stranger = o
	stranger.Pins.Log = w.witness.Verifier().String()
	if _, err := monitor.Look(t.Context(), stranger); !errors.Is(err, trust.ErrPins) {
		t.Errorf("log key of another: %v", err)
	}
	if _, err := monitor.Look(t.Context(), monitor.Options{Log: store.Folder(t.TempDir()), State: w.state, Pins: proof.Pins{}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
}

func size(w *world) int64 {
	c, _, err := store.Checkpoint(w.t.Context(), store.Folder(w.dir), origin, w.chain().LogKeys())
	w.must(err)
	return c.Size
}
