package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// pkg finds a package of the world's lock.
func (w *world) pkg(name string) *lock.Package {
	for i := range w.lock.Packages {
		if w.lock.Packages[i].Name == name {
			return &w.lock.Packages[i]
		}
	}
	w.t.Fatal("no package", name)
	return nil
}

// rebuild is a build of a locked wheel as it stands in the lock.
func (w *world) rebuild(name string, wheel int, target string) record.Build {
	p := w.pkg(name)
	x := p.Wheels[wheel]
	b := record.Build{Head: w.head(), Name: p.Name, Version: p.Version, Target: target, Recipe: strings.TrimPrefix(x.Recipe, "sha256:"), Source: p.Sdist.SHA256,
		File: record.File{Name: x.Name, SHA256: x.SHA256, Size: x.Size}, Content: x.Content, Supersedes: record.NoIndex}
	for _, u := range p.Upstream {
		b.Upstream = append(b.Upstream, record.Comparison{Verdict: u.Verdict, SHA256: u.SHA256, Causes: u.Causes})
	}
	w.attest(&b, p.Sdist.Name, *w.lock.Recipe(x.Recipe))
	return b
}

// number is the log index of the build of a file in the proof.
func (w *world) number(file string) int64 {
	w.t.Helper()
	v, err := proof.Verify(w.proof, w.pins(), Wants(w.lock))
	w.must(err)
	for _, st := range v.Statements {
		if b, err := st.AsBuild(); err == nil && b.File.Name == file {
			return st.Number
		}
	}
	w.t.Fatal("no build of", file)
	return 0
}

func (w *world) remove(rel string) {
	w.t.Helper()
	w.must(os.RemoveAll(w.house.Path(rel)))
}

func TestWithdrawn(t *testing.T) {
	w := newWorld(t)
	x := w.pkg("alpha").Wheels[0]
	old := w.proof
	w.state(record.Withdraw{Head: w.head(), Name: "alpha", Version: "1.0", File: record.File{Name: x.Name, SHA256: x.SHA256, Size: x.Size}, Reason: "built on a bad machine"})
	r := w.verify()
	// The proof is older than the withdrawal: the wheelhouse's log has it.
	w.expect(r, 1, "page-old", "withdrawn")
	if !bytes.Equal(old, w.proof) || !strings.Contains(dump(r), "built on a bad machine") {
		t.Error(dump(r))
	}
	w.prove()
	w.expect(w.verify(), 1, "page-old", "withdrawn")
	_, _, err := w.house.Sync([]string{"bookworm", "focal"}, mirror.Withdrawn{x.SHA256: "built on a bad machine"})
	w.must(err)
	w.expect(w.verify(), 1, "withdrawn")
}

func TestSuperseded(t *testing.T) {
	w := newWorld(t)
	b := w.rebuild("alpha", 0, "bookworm")
	b.Supersedes, b.Reason = w.number(b.File.Name), "setuptools 79 renamed the file"
	b.File.SHA256, b.Recipe = hashOf([]byte("other")), hashOf([]byte("recipe"))
	w.state(b)
	w.expect(w.verify(), 1, "superseded")
	w.prove()
	r := w.verify()
	w.expect(r, 1, "superseded")
	if !strings.Contains(r.Findings[0].What, "setuptools 79") {
		t.Error(dump(r))
	}
}

func TestProvenSuperseded(t *testing.T) {
	w := newWorld(t)
	b := w.rebuild("beta", 0, "bookworm")
	b.Supersedes, b.Reason = w.number(b.File.Name), "again"
	b.File.SHA256, b.Upstream[0].Verdict, b.Recipe = hashOf([]byte("other")), "differs", hashOf([]byte("recipe"))
	w.state(b)
	w.prove()
	w.expect(w.verify(), 1, "superseded")
}

func TestBuilders(t *testing.T) {
	w := newWorld(t)
	w.policy.Builders = 2
	w.expect(w.verify(), 0, "too-few-builders")
	w.addKey(trust.RoleBuilder)
	w.state(w.rebuild("alpha", 0, "bookworm"), w.rebuild("beta", 0, "bookworm"))
	w.prove()
	r := w.verify()
	w.expect(r, 0, "too-few-builders")
	if len(r.Findings) != 2 || r.Trust.Builders != 1 {
		t.Error(dump(r))
	}
	for i, x := range w.pkg("gamma").Wheels {
		w.state(w.rebuild("gamma", i, x.Targets[0]))
	}
	w.prove()
	r = w.verify()
	w.expect(r, 0)
	if r.Trust.Builders != 2 || r.Checked.Roots != 2 {
		t.Errorf("%+v %+v", r.Trust, r.Checked)
	}
	if n := Tally(nil, w.lock); n.LockKnown || len(n.Logged) > 0 {
		t.Error("no proof, and something counted")
	}
	v, err := proof.Verify(w.proof, w.pins(), Wants(w.lock))
	w.must(err)
	n := Tally(v, w.lock)
	if x := w.pkg("beta").Wheels[0].SHA256; !n.LockKnown || n.Builders[x] != 2 || !n.Logged[x] || len(n.Logged) != 9 {
		t.Errorf("%+v", n)
	}
}

// TestOneBuilderTwoNames: who lets a root call the same key otherwise is one builder.
func TestOneBuilderTwoNames(t *testing.T) {
	w := newWorld(t)
	w.policy.Builders = 3
	last := ""
	for _, name := range []string{"ann.example", "bob.example"} {
		skey, vkey, err := note.GenerateKey(strings.NewReader(strings.Repeat("s", 32)), name)
		w.must(err)
		w.nextRoot(func(r *trust.Root) error {
			for i := range r.Roles {
				if r.Roles[i].Name == trust.RoleBuilder {
					keys := slices.DeleteFunc(r.Roles[i].Keys, func(k string) bool { return k == last })
					r.Roles[i].Keys = append(keys, vkey)
				}
			}
			return nil
		})
		last = vkey
		w.who[trust.RoleBuilder], err = note.NewSigner(skey)
		w.must(err)
		w.state(w.rebuild("alpha", 0, "bookworm"), w.rebuild("beta", 0, "bookworm"))
		for i, x := range w.pkg("gamma").Wheels {
			w.state(w.rebuild("gamma", i, x.Targets[0]))
		}
	}
	w.prove()
	r := w.verify()
	w.expect(r, 0, "too-few-builders")
	if r.Trust.Builders != 2 {
		t.Errorf("%d builders", r.Trust.Builders)
	}
}

func TestBuildersDisagree(t *testing.T) {
	w := newWorld(t)
	b := w.rebuild("gamma", 0, w.pkg("gamma").Wheels[0].Targets[0])
	number := w.number(b.File.Name)
	w.addKey(trust.RoleBuilder)
	b.Supersedes, b.Reason, b.File.SHA256 = number, "not the same here", hashOf([]byte("other"))
	b.Head = w.head()
	w.state(b)
	w.prove()
	w.expect(w.verify(), 1, "builders-disagree")
	// The first builder says again what it said: the newest word is the lock's,
	// and still the two differ.
	w.as(trust.RoleBuilder, w.chain.Root(0).Roles[0].Keys[0])
	again := w.rebuild("gamma", 0, b.Target)
	again.Supersedes, again.Reason = w.size()-1, "built again"
	w.state(again)
	w.prove()
	w.expect(w.verify(), 1, "builders-disagree")
}

func (w *world) size() int64 {
	w.t.Helper()
	src, err := proof.Folder(w.t.Context(), w.house.Path("log"))
	w.must(err)
	n, err := note.Parse(src.Checkpoint)
	w.must(err)
	var size int64
	for _, c := range strings.Split(n.Text, "\n")[1] {
		size = size*10 + int64(c-'0')
	}
	return size
}

func TestReviewsAndWitnesses(t *testing.T) {
	w := newWorld(t)
	w.policy.Reviews = 1
	w.expect(w.verify(), 0, "too-few-reviews")
	for _, name := range []string{"alpha", "beta", "gamma"} {
		p := w.pkg(name)
		w.state(record.Review{Head: w.head(), Name: p.Name, Version: p.Version, Source: p.Sdist.SHA256, Criteria: []string{"safe-to-ship"}})
	}
	w.prove()
	r := w.verify()
	w.expect(r, 0)
	if r.Trust.Reviews != 1 {
		t.Errorf("%+v", r.Trust)
	}
	w.policy.Witnesses = 1
	w.expect(w.verify(), 1, "too-few-witnesses")
}

func TestStolenKey(t *testing.T) {
	w := newWorld(t)
	thief := w.chain.Root(0).Roles[0].Keys[0]
	w.addKey(trust.RoleBuilder)
	w.nextRoot(func(r *trust.Root) error { return trust.Revoke(r, thief, trust.Stolen, 1) })
	w.prove()
	r := w.verify()
	if r.Class != Tampered || !slices.Contains(ids(r), "stolen-key") || r.Trust.Builders != 0 {
		t.Errorf("%+v\n%s", r.Trust, dump(r))
	}
	// Lost, what it signed stays valid.
	w = newWorld(t)
	w.addKey(trust.RoleBuilder)
	w.nextRoot(func(r *trust.Root) error { return trust.Revoke(r, w.chain.Root(0).Roles[0].Keys[0], trust.Lost, 0) })
	w.prove()
	w.expect(w.verify(), 0)
}

func TestMissingFiles(t *testing.T) {
	w := newWorld(t)
	x := w.pkg("alpha").Wheels[0]
	rel := mirror.Wheel(x.Name, "bookworm")
	w.remove(rel)
	w.expect(w.verify(), 1, "listed-file-missing")
	w.remove(mirror.SumsFile)
	w.expect(w.verify(), 0, "list-missing", "wheel-missing")
	w.policy.Mirror = "all"
	w.remove(mirror.Wheel(w.pkg("beta").Wheels[0].Name, "focal"))
	r := w.verify()
	w.expect(r, 0, "list-missing", "wheel-missing")
	if len(r.Findings) != 3 {
		t.Error(dump(r))
	}
	w.policy.Mirror = "none"
	w.expect(w.verify(), 0, "list-missing")
	w.remove("")
	w.expect(w.verify(), 0, "wheelhouse-missing")
	in := w.input()
	in.ReadOnlyHouse = true
	w.expect(w.verifyInput(in), 0)
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	w.remove("simple")
	w.expect(w.verify(), 0, "page-missing")
	w.policy.Mirror = "none"
	w.expect(w.verify(), 0)
	w.policy.Mirror = "all"
	w.sync()
	w.remove("simple/bookworm/alpha/index.json")
	w.expect(w.verify(), 0, "page-missing")
	w.sync()
	w.write("simple/bookworm/evil/index.html", []byte("x"))
	w.expect(w.verify(), 1, "page-unknown")
	w.remove("simple/bookworm/evil")
	page := w.readHouse("simple/bookworm/alpha/index.html")
	var keep []string
	for _, line := range strings.SplitAfter(string(page), "\n") {
		if !strings.Contains(line, ".whl") {
			keep = append(keep, line)
		}
	}
	w.write("simple/bookworm/alpha/index.html", []byte(strings.Join(keep, "")))
	w.expect(w.verify(), 1, "page-old")
	w.write("simple/bookworm/alpha/index.html", append(page, "<a href=x>x</a>\n"...))
	w.expect(w.verify(), 1, "page-changed")
	// After a new file was signed, before the next sync.
	w.sync()
	extra := resolvetest.Release{Name: "alpha", Version: "0.9"}
	name, data := resolvetest.BuildSdist(extra)
	w.write(mirror.Sdist(name), data)
	w.expect(w.verify(), 0, "file-not-listed")
	w.sign()
	w.finish()
	w.expect(w.verify(), 1, "page-old")
	w.sync()
	w.expect(w.verify(), 0)
}

func TestSwappedWheels(t *testing.T) {
	w := newWorld(t)
	a, b := mirror.Wheel(w.pkg("alpha").Wheels[0].Name, "bookworm"), mirror.Wheel(w.pkg("beta").Wheels[0].Name, "bookworm")
	x, y := w.readHouse(a), w.readHouse(b)
	w.write(a, y)
	w.write(b, x)
	w.expect(w.verify(), 1, "wheel-changed")
	w.write(a, []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"))
	w.write(b, y)
	w.expect(w.verify(), 1, "file-not-fetched")
}

// TestChangedLock edits a lock in ways that stay well-formed.
func TestChangedLock(t *testing.T) {
	other := hashOf([]byte("other"))
	for name, c := range map[string]struct {
		edit func(w *world)
		want []string
	}{
		"sdist": {func(w *world) {
			p := w.pkg("gamma")
			p.Sdist.SHA256 = other
			w.lock.Recipes = slices.DeleteFunc(w.lock.Recipes, func(r lock.Recipe) bool { return r.Digest == p.Wheels[0].Recipe })
			rec := w.lock.Recipes[0]
			rec.Sdist = "sha256:" + other
			rec.Digest = rec.ComputeDigest()
			w.lock.Recipes = append(w.lock.Recipes, rec)
			p.Wheels[0].Recipe, p.Wheels[1].Recipe = rec.Digest, rec.Digest
		}, []string{"hash-not-stated", "sdist-changed", "lock-changed"}},
		"wheel":    {func(w *world) { w.pkg("alpha").Wheels[0].SHA256 = other }, []string{"hash-not-stated", "wheel-replaced", "lock-changed"}},
		"size":     {func(w *world) { w.pkg("alpha").Wheels[0].Size++ }, []string{"hash-not-stated", "lock-changed"}},
		"content":  {func(w *world) { w.pkg("alpha").Wheels[0].Content = other }, []string{"hash-not-stated", "lock-changed"}},
		"upstream": {func(w *world) { w.pkg("beta").Upstream[0].Size++ }, []string{"hash-not-stated", "lock-changed"}},
		"tool":     {func(w *world) { w.pkg("smallbuild").Wheels[0].Size++ }, []string{"hash-not-stated", "lock-changed"}},
		"verdict":  {func(w *world) { w.pkg("alpha").Upstream[0].Verdict = lock.VerdictContent }, []string{"verdict-not-stated", "lock-changed"}},
		"causes":   {func(w *world) { w.pkg("alpha").Upstream[0].Causes = []string{"zip-times"} }, []string{"verdict-not-stated", "lock-changed"}},
		"recipe": {func(w *world) {
			p := w.pkg("alpha")
			i := slices.IndexFunc(w.lock.Recipes, func(r lock.Recipe) bool { return r.Digest == p.Wheels[0].Recipe })
			w.lock.Recipes[i].BuildPath = "/build/other"
			w.lock.Recipes[i].Digest = w.lock.Recipes[i].ComputeDigest()
			p.Wheels[0].Recipe = w.lock.Recipes[i].Digest
		}, []string{"hash-not-stated", "lock-changed"}},
		"dependencies": {func(w *world) { w.pkg("alpha").Dependencies = nil }, []string{"lock-changed"}},
		"python":       {func(w *world) { w.lock.Targets[0].Python = "3.12" }, []string{"lock-changed"}},
		"removed": {func(w *world) {
			w.lock.Recipes = slices.DeleteFunc(w.lock.Recipes, func(r lock.Recipe) bool { return r.Digest == w.pkg("gamma").Wheels[0].Recipe })
			w.lock.Packages = slices.DeleteFunc(w.lock.Packages, func(p lock.Package) bool { return p.Name == "gamma" })
		}, []string{"lock-changed"}},
		"their wheel for ours": {func(w *world) {
			p := w.pkg("alpha")
			u := p.Upstream[0]
			p.Wheels[0] = lock.Wheel{Name: u.Name, Origin: lock.OriginUpstream, Recipe: p.Wheels[0].Recipe, Size: u.Size, SHA256: u.SHA256}
		}, []string{"wheel-replaced", "lock-changed", "differs-in-use"}},
		"renamed": {func(w *world) { w.pkg("alpha").Sdist.Name = "Alpha-1.0.tar.gz" }, []string{"hash-not-stated", "lock-changed", "sdist-missing"}},
		"to be built": {func(w *world) {
			x := &w.pkg("alpha").Wheels[0]
			x.SHA256, x.Content, x.Size = "", "", 0
		}, []string{"lock-not-logged", "wheel-to-build"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.edit(w)
			w.lock.Sort()
			w.must(w.lock.Check())
			exit := 1
			if name == "to be built" {
				exit = 0
			}
			w.expect(w.verify(), exit, sortedIDs(c.want)...)
		})
	}
}

// TestOtherInputs: after a removal or a merge nothing is left to build, and no
// statement is about these bytes. That is work, not an edit; but only where the
// inputs say so.
func TestOtherInputs(t *testing.T) {
	w := newWorld(t)
	stated := mirror.LockCopy(hashOf(w.lock.Format()))
	w.lock.Recipes = slices.DeleteFunc(w.lock.Recipes, func(r lock.Recipe) bool { return r.Digest == w.pkg("gamma").Wheels[0].Recipe })
	w.lock.Packages = slices.DeleteFunc(w.lock.Packages, func(p lock.Package) bool { return p.Name == "gamma" })
	w.expect(w.verify(), 1, "lock-changed")
	w.lock.RequiresDigest = "sha256:" + hashOf([]byte("without gamma"))
	in := w.input()
	in.RequiresDigest = w.lock.RequiresDigest
	w.expect(w.verifyInput(in), 0, "lock-not-logged")
	in.ForRelease = true
	if w.verifyInput(in).Exit() != 1 {
		t.Error("a release of a lock that nobody signed")
	}
	w.must(os.Remove(w.house.Path(stated)))
	in.ForRelease = false
	w.expect(w.verifyInput(in), 1, "lock-changed")
}

// TestUnmerged: what git leaves of two signed lists is no attack.
func TestUnmerged(t *testing.T) {
	for _, name := range []string{mirror.SumsFile, mirror.SignFile} {
		w := newWorld(t)
		text := string(w.readHouse(name))
		w.write(name, []byte("<<<<<<< HEAD\n"+text+"=======\n"+text+">>>>>>> other\n"))
		r := w.verify()
		if !slices.Contains(ids(r), "list-unmerged") || r.Class != Stale {
			t.Errorf("%s: %s", name, dump(r))
		}
	}
}

// sortedIDs brings ids into the order of a report.
func sortedIDs(list []string) []string {
	var found []Finding
	for _, id := range list {
		found = append(found, Finding{ID: id, Class: kinds[id].class})
	}
	sortFindings(found)
	return ids(&Report{Findings: found})
}

// TestAdded is a project after wheellock add: nothing was built or signed yet.
func TestAdded(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		w := emptyWorld(t)
		w.fill()
		if indexed {
			w.filler(300)
			w.prove()
		}
		delta := resolvetest.Release{Name: "delta", Version: "4.0", Wheels: []string{"py3-none-any"}}
		if indexed {
			delta.Name = "package-1000" // the index has a neighbour on neither side in the proof
		}
		m, rec := w.source(delta)
		w.upstream(m, delta, "py3-none-any", lock.VerdictUntried)
		m.pkg.Wheels = []lock.Wheel{{Name: delta.Module() + "-4.0-py3-none-any.whl", Origin: lock.OriginBuilt, Recipe: rec.Digest}}
		w.lock.Packages = append(w.lock.Packages, m.pkg)
		w.lock.Sort()
		r := w.verify()
		w.expect(r, 0, "lock-not-logged", "not-stated", "wheel-to-build")
		in := w.input()
		in.ForRelease = true
		if r := w.verifyInput(in); r.Exit() != 1 {
			t.Error("a release of a lock with a wheel to build")
		}
		in = w.input()
		in.RequiresDigest = "sha256:" + hashOf([]byte("newer inputs"))
		w.expect(w.verifyInput(in), 1, "lock-out-of-date", "lock-not-logged", "not-stated", "wheel-to-build")
		// A hash for it that no builder stated.
		b, _ := w.built(m, delta, "py3-none-any", "bookworm", rec)
		x := &w.pkg(delta.Name).Wheels[0]
		x.SHA256, x.Size, x.Content = b.File.SHA256, b.File.Size, b.Content
		want := "hash-not-stated"
		if indexed {
			want = "proof-behind" // of a package that it does not know a proof says nothing
		}
		if r := w.verify(); r.Exit() != 1 || !slices.Contains(ids(r), want) {
			t.Error(dump(r))
		}
	}
}

func TestNoProof(t *testing.T) {
	w := newWorld(t)
	w.proof = nil
	w.expect(w.verify(), 1, "proof-missing", "no-proof")
	// A fresh lock.
	w = emptyWorld(t)
	w.lock = &lock.Lock{RequiresDigest: "sha256:" + hashOf(nil), Targets: []lock.Target{{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}}}
	delta := resolvetest.Release{Name: "delta", Version: "4.0"}
	m, rec := w.source(delta)
	tool, _ := toolWheel()
	m.pkg.Wheels = []lock.Wheel{{Name: "delta-4.0-py3-none-any.whl", Origin: lock.OriginBuilt, Recipe: rec.Digest}}
	w.lock.Packages = []lock.Package{m.pkg, tool}
	w.lock.Sort()
	w.expect(w.verify(), 0, "list-missing", "no-proof", "wheel-to-build")
	in := w.input()
	in.House.Dir, in.Pins = "", proof.Pins{}
	w.expect(w.verifyInput(in), 0, "no-proof", "wheel-to-build", "wheelhouse-missing")
}

func TestPins(t *testing.T) {
	w := newWorld(t)
	in := w.input()
	in.Pins.Root.Fingerprints = nil
	w.expect(w.verifyInput(in), 1, "root-not-pinned")
	in.Pins.Root.Fingerprints = []string{strings.Repeat("A", 40)}
	w.expect(w.verifyInput(in), 1, "root-not-pinned")
	in = w.input()
	in.Pins.Log = in.Pins.Log[:len(in.Pins.Log)-4] + "AAA="
	w.expect(w.verifyInput(in), 1, "root-not-pinned")
}

// TestPending is a branch under append = "pending".
func TestPending(t *testing.T) {
	w := newWorld(t)
	w.policy.Append = "pending"
	delta := resolvetest.Release{Name: "delta", Version: "4.0", Wheels: []string{"py3-none-any"}}
	m, rec := w.source(delta)
	b, data := w.built(m, delta, "py3-none-any", "bookworm", rec)
	m.pkg.Wheels = []lock.Wheel{{Name: b.File.Name, Origin: lock.OriginBuilt, Recipe: rec.Digest, Size: b.File.Size, SHA256: b.File.SHA256, Content: b.Content}}
	for rel, data := range m.files {
		w.write(rel, data)
	}
	w.write(mirror.Wheel(b.File.Name, "bookworm"), data)
	w.lock.Packages = append(w.lock.Packages, m.pkg)
	w.lock.Sort()
	var names []string
	for _, x := range append(m.given, b, record.Lock{Head: w.head(), Lock: hashOf(w.lock.Format()), Project: "demo"}) {
		name, err := log.WritePending(w.house.Path("pending"), w.leaf(x))
		w.must(err)
		names = append(names, name)
	}
	r := w.verify()
	w.expect(r, 0, "file-not-listed", "pending-statements")
	if r.Trust.Builders != 0 {
		t.Errorf("a pending statement counts: %+v", r.Trust)
	}
	in := w.input()
	in.Now = w.chain.Newest().Expires
	w.expect(w.verifyInput(in), 1, "role-expired", "file-not-listed", "pending-statements")
	in = w.input()
	in.Proof = nil // the first branch of a project has none
	if r := w.verifyInput(in); !slices.Contains(ids(r), "proof-missing") {
		t.Error("hashes without a proof that no pending statement backs\n" + dump(r))
	}
	flipFile(t, w, w.input(), w.house.Path("pending/"+names[0]), 40, func(c *checker, _ ctx) error { return c.readPending() })
	// A statement by a key that has not the role, under its right name.
	stranger := w.keys
	w.keys, _ = trust.OpenStore(filepath.Join(t.TempDir(), "k"))
	_, err := trust.Setup(w.keys, trust.SetupOptions{Origin: origin, Now: w.clock})
	w.must(err)
	w.who = map[string]note.Signer{}
	_, err = log.WritePending(w.house.Path("pending"), w.leaf(m.given[0]))
	w.must(err)
	w.keys = stranger
	w.expect(w.verify(), 1, "pending-refused", "file-not-listed", "pending-statements")
}

func TestExpiryKeepsGreen(t *testing.T) {
	w := newWorld(t)
	in := w.input()
	in.Now = w.chain.Newest().Expires.Add(10 * 365 * 24 * time.Hour)
	w.expect(w.verifyInput(in), 0)
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestLogHistory(t *testing.T) {
	w := newWorld(t)
	dir := w.house.Path("log")
	old, keys := filepath.Join(t.TempDir(), "old"), filepath.Join(t.TempDir(), "keys")
	copyDir(t, dir, old)
	copyDir(t, w.keys.Dir(), keys)
	w.filler(5)
	w.expect(w.verify(), 0) // the log is ahead of the proof
	w.prove()
	w.expect(w.verify(), 0)
	ahead := filepath.Join(t.TempDir(), "ahead")
	copyDir(t, dir, ahead)
	copyDir(t, old, dir)
	w.expect(w.verify(), 1, "log-rolled-back")
	// Another history from there on, signed by the same log.
	copyDir(t, keys, w.keys.Dir())
	w.must(filepath.WalkDir(w.keys.Dir(), func(path string, d os.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if d.IsDir() {
			mode = 0o700
		}
		return os.Chmod(path, mode)
	}))
	w.clock = w.clock.Add(time.Hour)
	w.filler(6)
	w.expect(w.verify(), 1, "log-forked")
	copyDir(t, ahead, dir)
	w.expect(w.verify(), 0)
	w.remove("log/checkpoint")
	w.expect(w.verify(), 1, "checkpoint-changed")
	w.remove("log/tile")
	w.expect(w.verify(), 0)
	w.remove("log")
	w.expect(w.verify(), 0, "log-missing")
}

func TestLargeLog(t *testing.T) {
	w := emptyWorld(t)
	w.filler(300)
	w.fill()
	in := w.input()
	in.fsck = 100
	w.expect(w.verifyInput(in), 0)
	tile := w.readHouse("log/tile/0/001.p/58")
	if len(tile) == 0 {
		t.Fatal("no tile")
	}
	tile[len(tile)-1] ^= 1
	w.write("log/tile/0/001.p/58", tile)
	w.expect(w.verifyInput(in), 1, "log-changed")
}

func TestRootFolder(t *testing.T) {
	w := newWorld(t)
	w.addKey(trust.RoleBuilder)
	w.prove()
	w.expect(w.verify(), 0)
	w.write("log/root/3.toml", []byte("x"))
	w.expect(w.verify(), 1, "root-changed")
	w.remove("log/root/3.toml")
	asc := w.readHouse("log/root/1.toml.asc")
	w.remove("log/root/1.toml.asc")
	w.expect(w.verify(), 1, "root-changed")
	w.write("log/root/1.toml.asc", asc)
	// A root that the log states after the proof was made.
	w.addKey(trust.RoleBuilder)
	w.expect(w.verify(), 0)
	w.write("log/root/2.toml", append(w.readHouse("log/root/2.toml"), '\n'))
	w.expect(w.verify(), 1, "root-changed")
	w.remove("log/root/2.toml")
	w.expect(w.verify(), 1, "root-changed")
	w.remove("log/root")
	w.expect(w.verify(), 1, "root-changed")
}

func TestAdopted(t *testing.T) {
	w := newWorld(t)
	w.policy.Ceremony = []string{"root", "every-publication"}
	in := w.input()
	in.ForRelease = true
	w.expect(w.verifyInput(in), 1, "root-provisional")
	store, err := trust.OpenStore(filepath.Join(t.TempDir(), "office"))
	w.must(err)
	_, err = trust.Setup(store, trust.SetupOptions{Origin: "office", Now: w.clock})
	w.must(err)
	ours, err := store.OpenPGP("office")
	w.must(err)
	old, err := w.keys.OpenPGP(origin)
	w.must(err)
	signed, err := trust.Adopt(w.chain, w.clock, old, ours, 0)
	w.must(err)
	w.addRoot(signed)
	w.prove()
	in = w.input()
	in.ForRelease = true
	r := w.verifyInput(in)
	w.expect(r, 1, "list-not-countersigned")
	if r.Trust.Root != "adopted" {
		t.Errorf("%+v", r.Trust)
	}
	asc, err := trust.SignDetachedArmored(w.readHouse(mirror.SumsFile), ours...)
	w.must(err)
	w.write(mirror.OpenPGPFile, asc)
	w.expect(w.verifyInput(in), 0)
	bad, err := trust.SignDetachedArmored([]byte("another list\n"), ours...)
	w.must(err)
	w.write(mirror.OpenPGPFile, bad)
	w.expect(w.verifyInput(in), 1, "countersignature-changed")
}

func TestList(t *testing.T) {
	w := newWorld(t)
	sums, sig := w.readHouse(mirror.SumsFile), w.readHouse(mirror.SignFile)
	w.remove(mirror.SignFile)
	w.expect(w.verify(), 0, "list-not-signed")
	bad, err := note.Sign(mirror.ListNote(origin, sums), w.signer(trust.RoleBuilder))
	w.must(err)
	w.write(mirror.SignFile, bad)
	w.expect(w.verify(), 1, "list-changed")
	w.write(mirror.SignFile, sig)
	// Signed again, and not yet stated.
	name, data := resolvetest.BuildSdist(resolvetest.Release{Name: "alpha", Version: "0.9"})
	w.write(mirror.Sdist(name), data)
	list, err := w.house.Scan()
	w.must(err)
	sums = mirror.FormatList(list)
	sig, err = note.Sign(mirror.ListNote(origin, sums), w.signer(trust.RolePublisher))
	w.must(err)
	w.write(mirror.SumsFile, sums)
	w.write(mirror.SignFile, sig)
	w.sync()
	w.expect(w.verify(), 0, "list-not-logged")
}

func TestSwappedStatements(t *testing.T) {
	w := newWorld(t)
	p, err := proof.Parse(w.proof)
	w.must(err)
	for i := range p.Statements {
		for j := range i {
			p.Statements[i].Data, p.Statements[j].Data = p.Statements[j].Data, p.Statements[i].Data
			w.proof = p.Format()
			w.expect(w.verify(), 1, "proof-changed")
			p.Statements[i].Data, p.Statements[j].Data = p.Statements[j].Data, p.Statements[i].Data
		}
	}
}

func TestWheelsDir(t *testing.T) {
	w := newWorld(t)
	in := w.input()
	in.WheelsDir, in.Targets = t.TempDir(), []string{"bookworm"}
	for _, p := range w.lock.Packages {
		if x := w.lock.WheelFor(&p, "bookworm"); p.Group == "" {
			w.must(os.WriteFile(filepath.Join(in.WheelsDir, x.Name), w.readHouse(mirror.Wheel(x.Name, "bookworm")), 0o644))
		}
	}
	w.expect(w.verifyInput(in), 0)
	all := in
	all.Targets = nil
	w.expect(w.verifyInput(all), 1, "wheels-dir-missing")
	w.must(os.WriteFile(filepath.Join(in.WheelsDir, "evil-1.0-py3-none-any.whl"), nil, 0o644))
	w.expect(w.verifyInput(in), 1, "wheels-dir-unknown")
	w.must(os.Remove(filepath.Join(in.WheelsDir, "evil-1.0-py3-none-any.whl")))
	name := w.pkg("alpha").Wheels[0].Name
	w.must(os.WriteFile(filepath.Join(in.WheelsDir, name), []byte("x"), 0o644))
	w.expect(w.verifyInput(in), 1, "wheels-dir-changed")
	w.must(os.Remove(filepath.Join(in.WheelsDir, name)))
	w.expect(w.verifyInput(in), 1, "wheels-dir-missing")
	in.Targets = []string{"xenial"}
	if _, err := Verify(t.Context(), in); err == nil {
		t.Error("a target that the lock has not was taken")
	}
}

func TestTargets(t *testing.T) {
	w := newWorld(t)
	x := &w.pkg("gamma").Wheels[0]
	x.SHA256, x.Size, x.Content = "", 0, ""
	in := w.input()
	in.Targets = []string{"bookworm"}
	without := "focal"
	if x.Targets[0] == "focal" {
		in.Targets, without = []string{"focal"}, "bookworm"
	}
	if r := w.verifyInput(in); !slices.Contains(ids(r), "wheel-to-build") {
		t.Error(dump(r))
	}
	in.Targets = []string{without}
	if r := w.verifyInput(in); slices.Contains(ids(r), "wheel-to-build") {
		t.Error(dump(r))
	}
}

func TestLockFinding(t *testing.T) {
	w := newWorld(t)
	in := w.input()
	in.Lock, in.LockBytes = nil, []byte("<<<<<<< HEAD\n")
	r := w.verifyInput(in)
	w.expect(r, 1, "lock-malformed")
	if f := r.Findings[0]; f.Class != Tampered || !f.Stop || f.Who == "" || f.Command == "" {
		t.Errorf("%+v", f)
	}
}

// TestDeterministic: the same project gives the same report, whatever runs first.
func TestDeterministic(t *testing.T) {
	w := newWorld(t)
	for _, p := range w.lock.Packages {
		for _, x := range p.Wheels {
			if p.Group == "" {
				w.write(mirror.Wheel(x.Name, w.lock.WheelTargets(&p, &x)[0]), []byte("x"))
			}
		}
	}
	w.write("simple/bookworm/index.html", []byte("x"))
	w.write("log/tile/0/000.p/13", []byte("x"))
	in := w.input()
	want := w.verifyInput(in)
	if len(want.Findings) < 5 {
		t.Fatal(dump(want))
	}
	for jobs := range 8 {
		in.Jobs = jobs
		if got := w.verifyInput(in); !reflect.DeepEqual(got, want) {
			t.Errorf("with %d jobs:\n%s\nwant\n%s", jobs, dump(got), dump(want))
		}
	}
	for i := 1; i < len(want.Findings); i++ {
		if want.Findings[i].Class.Worse(want.Findings[i-1].Class) {
			t.Error("a worse finding after a better one")
		}
	}
}

// TestKinds: whoever reads a finding learns who acts and with which command.
func TestKinds(t *testing.T) {
	for _, id := range IDs() {
		k := kinds[id]
		if k.who == "" || !slices.Contains(classes, k.class) || k.class == Tampered && !k.stop || k.class == Incomplete && k.stop {
			t.Errorf("%s: %+v", id, k)
		}
		if strings.ToLower(id) != id || strings.Contains(id, "_") {
			t.Errorf("%s is not kebab-case", id)
		}
	}
}
