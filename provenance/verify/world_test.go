package verify

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const origin = "demo.12345678.wheels"

var start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// A world is a small project, made the way the verbs make one: built, signed,
// mirrored and logged.
type world struct {
	container string // of all recipes
	t         testing.TB
	dir       string
	house     mirror.Wheelhouse
	keys      *trust.Store
	roots     []trust.Signed
	chain     *trust.Chain
	lock      *lock.Lock
	proof     []byte
	clock     time.Time
	policy    pyproject.Policy
	who       map[string]note.Signer // the key of a role that signs
	extra     []byte                 // the signed list of the last publication
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// emptyWorld has keys and a provisional root that the log states, and no lock.
func emptyWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, house: mirror.Wheelhouse{Dir: filepath.Join(dir, "wheelhouse")}, clock: start,
		who:    map[string]note.Signer{},
		policy: pyproject.Policy{Wheels: "build-unless-reproducible", Mirror: "unreproducible", BuildRequirements: "upstream", Append: "now", Builders: 1}}
	var err error
	w.keys, err = trust.OpenStore(filepath.Join(dir, "keys"))
	w.must(err)
	signed, err := trust.Setup(w.keys, trust.SetupOptions{Origin: origin, Now: w.clock})
	w.must(err)
	w.addRoot(signed)
	return w
}

// addRoot puts a root into the folder and into the log.
func (w *world) addRoot(signed trust.Signed) {
	w.t.Helper()
	n := len(w.roots)
	w.roots = append(w.roots, signed)
	w.write(fmt.Sprintf("log/root/%d.toml", n), signed.Document)
	w.write(fmt.Sprintf("log/root/%d.toml.asc", n), signed.Signatures)
	w.reload()
	w.append(w.leaf(record.Root{Head: w.head(), Number: int64(n),
		Document: strings.TrimPrefix(trust.Digest(signed.Document), "sha256:"), Signature: strings.TrimPrefix(trust.Digest(signed.Signatures), "sha256:")}))
}

// reload makes the chain of all roots anew; the log places them when it appends.
func (w *world) reload() {
	w.t.Helper()
	chain, err := trust.CheckChain(origin, w.roots)
	w.must(err)
	w.chain = chain
}

// nextRoot makes and states a root more.
func (w *world) nextRoot(edit func(*trust.Root) error) {
	w.t.Helper()
	pgp, err := w.keys.OpenPGP(origin)
	w.must(err)
	signed, err := trust.Next(w.chain, w.clock, edit, pgp...)
	w.must(err)
	w.addRoot(signed)
}

// addKey delegates a new key to a role, and lets it sign from here on.
func (w *world) addKey(role string) (vkey string) {
	w.t.Helper()
	vkey, err := w.keys.Generate(rand.Reader, origin, role)
	w.must(err)
	w.nextRoot(func(r *trust.Root) error {
		for i := range r.Roles {
			if r.Roles[i].Name == role {
				r.Roles[i].Keys = append(r.Roles[i].Keys, vkey)
				return nil
			}
		}
		r.Roles = append(r.Roles, trust.RoleKeys{Name: role, Threshold: 1, Expires: r.Expires, Keys: []string{vkey}})
		return nil
	})
	w.as(role, vkey)
	return vkey
}

// as lets a key sign for its role.
func (w *world) as(role, vkey string) {
	w.t.Helper()
	list, err := w.keys.Signers(origin, role)
	w.must(err)
	i := slices.IndexFunc(list, func(s trust.Signer) bool { return s.Key == vkey })
	w.who[role] = list[i]
}

func (w *world) signer(role string) note.Signer {
	w.t.Helper()
	if w.who[role] == nil {
		list, err := w.keys.Signers(origin, role)
		w.must(err)
		w.who[role] = list[0]
	}
	return w.who[role]
}

func (w *world) head() record.Head {
	w.clock = w.clock.Add(time.Second)
	return record.Head{Log: origin, Time: w.clock}
}

type stater interface {
	Statement() (*record.Statement, error)
}

func (w *world) leaf(x stater) []byte {
	w.t.Helper()
	s, err := x.Statement()
	w.must(err)
	leaf, err := record.Sign(s, w.signer(s.Role()))
	w.must(err)
	return leaf
}

func (w *world) append(leaves ...[]byte) {
	w.t.Helper()
	l, err := log.Open(log.Options{Dir: w.house.Path("log"), Origin: origin, Signer: w.signer(trust.RoleLog),
		LogKeys: logKeys(w.chain), Keys: w.chain.Keys(), KeyDir: w.keys.Dir(), Create: true, Now: func() time.Time { return w.clock }})
	w.must(err)
	_, err = l.AppendMissing(context.Background(), leaves...)
	w.must(err)
}

func (w *world) state(list ...stater) {
	w.t.Helper()
	var leaves [][]byte
	for _, x := range list {
		leaves = append(leaves, w.leaf(x))
	}
	w.append(leaves...)
}

// filler states sources that no lock has.
func (w *world) filler(n int) {
	w.t.Helper()
	var list []stater
	for i := range n {
		s := sumdbtest.Source(i)
		s.Head = record.Head{Log: origin, Time: w.clock}
		list = append(list, s)
	}
	w.state(list...)
}

func (w *world) write(rel string, data []byte) {
	w.t.Helper()
	w.must(os.MkdirAll(filepath.Dir(w.house.Path(rel)), 0o755))
	w.must(os.WriteFile(w.house.Path(rel), data, 0o644))
}

func (w *world) readHouse(rel string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.house.Path(rel))
	w.must(err)
	return data
}

// A made is a package of the world with what its build statements say.
type made struct {
	pkg    lock.Package
	builds []record.Build
	files  map[string][]byte // path in the wheelhouse -> bytes
	given  []stater
}

// source begins a package: its sdist, and the recipe.
func (w *world) source(r resolvetest.Release) (*made, lock.Recipe) {
	name, data := resolvetest.BuildSdist(r)
	m := &made{pkg: lock.Package{Name: r.Name, Version: r.Version, Sdist: &lock.File{Name: name, Size: int64(len(data)), SHA256: hashOf(data)}},
		files: map[string][]byte{mirror.Sdist(name): data}}
	m.given = append(m.given, record.Source{Head: w.head(), Name: r.Name, Version: r.Version, File: record.File{Name: name, SHA256: hashOf(data), Size: int64(len(data))}})
	tool, _ := toolWheel()
	rec := lock.Recipe{Sdist: "sha256:" + hashOf(data), Backend: "smallbuild", Python: "cp311", Umask: "022", BuildPath: "/build/" + r.Name,
		Epoch: &lock.Epoch{Value: r.Time().Unix(), From: "upstream-zip"}, Container: w.container,
		BuildRequires: []lock.BuildRequire{{Name: tool.Name, Version: tool.Version, SHA256: tool.Wheels[0].SHA256}}}
	rec.Digest = rec.ComputeDigest()
	w.lock.Recipes = append(w.lock.Recipes, rec)
	return m, rec
}

func toolWheel() (lock.Package, record.File) {
	r := resolvetest.Standard().MustFind(resolvetest.Backend, resolvetest.BackendVersion)
	name, data := resolvetest.BuildWheel(r, "py3-none-any")
	f := record.File{Name: name, SHA256: hashOf(data), Size: int64(len(data))}
	return lock.Package{Name: r.Name, Version: r.Version, Group: lock.GroupBuild,
		Wheels: []lock.Wheel{{Name: name, Origin: lock.OriginUpstream, Size: f.Size, SHA256: f.SHA256}}}, f
}

func content(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	sum, err := archive.Content(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// upstream adds a published wheel that ours is compared with.
func (w *world) upstream(m *made, r resolvetest.Release, tag, verdict string, causes ...string) (lock.Upstream, []byte) {
	name, data := resolvetest.BuildWheel(r, tag)
	u := lock.Upstream{Name: name, Size: int64(len(data)), SHA256: hashOf(data), Verdict: verdict, Causes: causes}
	m.pkg.Upstream = append(m.pkg.Upstream, u)
	m.given = append(m.given, record.Upstream{Head: w.head(), Name: r.Name, Version: r.Version, File: record.File{Name: name, SHA256: u.SHA256, Size: u.Size}})
	return u, data
}

// built adds a wheel that we built for a target.
func (w *world) built(m *made, r resolvetest.Release, tag, target string, rec lock.Recipe, compared ...lock.Upstream) (record.Build, []byte) {
	name, data := resolvetest.BuildWheel(r, tag)
	b := record.Build{Head: w.head(), Name: r.Name, Version: r.Version, Target: target, Recipe: strings.TrimPrefix(rec.Digest, "sha256:"),
		Source: m.pkg.Sdist.SHA256, File: record.File{Name: name, SHA256: hashOf(data), Size: int64(len(data))},
		Content: content(w.t, name, data), Supersedes: record.NoIndex}
	for _, u := range compared {
		b.Upstream = append(b.Upstream, record.Comparison{Verdict: u.Verdict, SHA256: u.SHA256, Causes: u.Causes})
	}
	w.attest(&b, m.pkg.Sdist.Name, rec)
	m.builds = append(m.builds, b)
	return b, data
}

// attest gives a build statement its evidence, signed by the builder that signs now.
func (w *world) attest(b *record.Build, source string, rec lock.Recipe) {
	w.t.Helper()
	keep := func(data []byte) string {
		w.write(mirror.Evidence(hashOf(data)), data)
		return hashOf(data)
	}
	key := w.signer(trust.RoleBuilder)
	p := &attest.Provenance{Log: origin, Builder: attest.KeyID(key.Name(), key.KeyHash()), Wheellock: "devel", Package: b.Name, Version: b.Version,
		Target: b.Target, File: b.File.Name, SHA256: b.File.SHA256, Content: b.Content, Source: attest.File{Name: source, SHA256: b.Source},
		Recipe: rec.Text(), Python: "3.11.2", Times: 1, Started: b.Time, Finished: b.Time,
		BuildLog: keep([]byte("log of the build of " + b.File.Name + "\n")), Comparison: keep([]byte("no published wheel\n"))}
	data, err := attest.Seal(p, key)
	w.must(err)
	b.Evidence = keep(data)
}

// newWorld is a complete project: one pure wheel that differs from upstream's
// and is ours, one that is proven equal, one native for two targets.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := emptyWorld(t)
	w.fill()
	return w
}

func (w *world) fill() {
	w.t.Helper()
	w.lock = &lock.Lock{RequiresDigest: "sha256:" + hashOf([]byte("inputs")), Targets: []lock.Target{
		{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}, {Name: "focal", Python: "3.8", Platform: "manylinux_2_31_x86_64"}}}

	alpha := resolvetest.Release{Name: "alpha", Version: "1.0", Requires: []string{"beta"}, Wheels: []string{"py3-none-any"}, RequiresPython: ">=3.8"}
	a, rec := w.source(alpha)
	theirs := alpha
	theirs.Differs = true
	u, _ := w.upstream(a, theirs, "py3-none-any", lock.VerdictDiffers, "preprocessed-data")
	b, data := w.built(a, alpha, "py3-none-any", "bookworm", rec, u)
	a.pkg.Dependencies, a.pkg.RequiresPython = []string{"beta"}, ">=3.8"
	a.pkg.Wheels = []lock.Wheel{{Name: b.File.Name, Origin: lock.OriginBuilt, Recipe: rec.Digest, Size: b.File.Size, SHA256: b.File.SHA256, Content: b.Content}}
	a.files[mirror.Wheel(b.File.Name, "bookworm")] = data
	w.put(a)

	beta := resolvetest.Release{Name: "beta", Version: "2.1", Wheels: []string{"py3-none-any"}}
	p, rec := w.source(beta)
	u, data = w.upstream(p, beta, "py3-none-any", lock.VerdictBytes)
	b, _ = w.built(p, beta, "py3-none-any", "bookworm", rec, u)
	p.pkg.Wheels = []lock.Wheel{{Name: u.Name, Origin: lock.OriginUpstream, Recipe: rec.Digest, Size: u.Size, SHA256: u.SHA256, Content: b.Content}}
	p.files[mirror.Wheel(u.Name, "bookworm")] = data
	w.put(p)

	gamma := resolvetest.Release{Name: "gamma", Version: "0.3", Native: true}
	g, rec := w.source(gamma)
	for tag, target := range map[string]string{"cp311-cp311-linux_x86_64": "bookworm", "cp38-cp38-linux_x86_64": "focal"} {
		b, data := w.built(g, gamma, tag, target, rec)
		g.pkg.Wheels = append(g.pkg.Wheels, lock.Wheel{Name: b.File.Name, Origin: lock.OriginBuilt, Targets: []string{target}, Recipe: rec.Digest,
			Size: b.File.Size, SHA256: b.File.SHA256, Content: b.Content})
		g.files[mirror.Wheel(b.File.Name, target)] = data
	}
	w.put(g)

	tool, file := toolWheel()
	w.lock.Packages = append(w.lock.Packages, tool)
	w.state(record.Upstream{Head: w.head(), Name: tool.Name, Version: tool.Version, File: file})
	w.sign()
	w.finish()
	w.sync()
}

// put states a package and puts its files in place.
func (w *world) put(m *made) {
	w.t.Helper()
	for rel, data := range m.files {
		w.write(rel, data)
	}
	list := m.given
	for _, b := range m.builds {
		list = append(list, b)
	}
	w.state(list...)
	w.lock.Packages = append(w.lock.Packages, m.pkg)
}

// sign writes and publishes the signed list.
func (w *world) sign() {
	w.t.Helper()
	files, err := w.house.Scan()
	w.must(err)
	data := mirror.FormatList(files)
	sig, err := note.Sign(mirror.ListNote(origin, data), w.signer(trust.RolePublisher))
	w.must(err)
	w.write(mirror.SumsFile, data)
	w.write(mirror.SignFile, sig)
	w.extra = data
	w.state(record.Publish{Head: w.head(), File: record.File{Name: mirror.SumsFile, SHA256: hashOf(data), Size: int64(len(data))}})
}

// finish states the lock and makes the proof.
func (w *world) finish() {
	w.t.Helper()
	w.lock.Sort()
	w.must(w.lock.Check())
	data := w.lock.Format()
	w.write(mirror.LockCopy(hashOf(data)), data)
	w.state(record.Lock{Head: w.head(), Lock: hashOf(data), Project: "demo"})
	w.prove()
}

// prove makes the proof of the lock from the log as it is now.
func (w *world) prove() {
	w.t.Helper()
	src, err := proof.Folder(context.Background(), w.house.Path("log"))
	w.must(err)
	src.Roots = w.roots
	view, err := log.Read(context.Background(), store.Folder(w.house.Path("log")), origin, logKeys(w.chain))
	w.must(err)
	want := map[string]bool{hashOf(w.lock.Format()): true, hashOf(w.extra): true}
	var extra []int64
	for e, err := range view.Statements(context.Background(), 0, view.Checkpoint.Size) {
		w.must(err)
		if x, err := e.AsLock(); err == nil && want[x.Lock] {
			extra = append(extra, e.Index)
		}
		if x, err := e.AsPublish(); err == nil && want[x.File.SHA256] {
			extra = append(extra, e.Index)
		}
	}
	w.proof, err = proof.Build(src, Wants(w.lock), extra)
	w.must(err)
}

func (w *world) sync() {
	w.t.Helper()
	_, _, err := w.house.Sync([]string{"bookworm", "focal"}, nil)
	w.must(err)
}

func (w *world) pins() proof.Pins {
	var pins proof.Pins
	for _, k := range w.chain.Newest().OpenPGP {
		pins.Root.Fingerprints = append(pins.Root.Fingerprints, k.Fingerprint)
	}
	for _, r := range w.chain.Root(0).Roles {
		if r.Name == trust.RoleLog {
			pins.Log = r.Keys[0]
		}
	}
	return pins
}

func (w *world) input() Input {
	w.t.Helper()
	data := w.lock.Format()
	l, err := lock.Parse(lock.FileName, data)
	w.must(err)
	return Input{Dir: w.dir, Lock: l, LockBytes: data, RequiresDigest: w.lock.RequiresDigest, Proof: w.proof, Pins: w.pins(),
		Policy: w.policy, House: w.house, Now: w.clock.Add(time.Minute)}
}

func (w *world) verify() *Report {
	w.t.Helper()
	return w.verifyInput(w.input())
}

func (w *world) verifyInput(in Input) *Report {
	w.t.Helper()
	r, err := Verify(context.Background(), in)
	w.must(err)
	return r
}

// ids lists the ids of a report, each once, worst first.
func ids(r *Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		if len(out) == 0 || out[len(out)-1] != f.ID {
			out = append(out, f.ID)
		}
	}
	return out
}

func dump(r *Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s %s: %s [%s: %s]\n", f.Class, f.ID, f.Subject, f.What, f.Who, f.Command)
	}
	return b.String()
}

// expect wants exactly these findings.
func (w *world) expect(r *Report, exit int, want ...string) {
	w.t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := ids(r); !slices.Equal(got, want) || r.Exit() != exit {
		w.t.Errorf("exit %d, findings %v; want exit %d, %v\n%s", r.Exit(), got, exit, want, dump(r))
	}
}
