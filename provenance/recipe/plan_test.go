package recipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/assemble"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

func targetsOf(t *testing.T, names ...string) []tags.Target {
	t.Helper()
	var out []tags.Target
	for _, n := range names {
		x, err := tags.Lookup(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

// lockOf resolves requirements into a lock whose wheels are all to be built.
func lockOf(t *testing.T, src Source, targets []tags.Target, reqs ...string) *lock.Lock {
	t.Helper()
	req := resolve.Request{Targets: targets}
	for _, r := range reqs {
		req.Requirements = append(req.Requirements, resolve.Requirement{Requirement: pep508.MustParse(r)})
	}
	sol, err := resolve.Resolve(context.Background(), src, req)
	if err != nil {
		t.Fatal(err)
	}
	l, err := assemble.Assemble(sol, assemble.Options{Wheels: "build", RequiresDigest: "sha256:" + strings.Repeat("0", 64)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func plan(t *testing.T, src Source, l *lock.Lock, targets []tags.Target, opt Options) {
	t.Helper()
	if err := Plan(context.Background(), src, l, targets, opt); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatalf("the lock is unsound: %v\n%s", err, l.Format())
	}
}

// noSource fails the test when it is asked for anything.
type noSource struct{ t *testing.T }

func (s noSource) Page(_ context.Context, name string) (*index.Page, error) {
	s.t.Errorf("the page of %s was asked for", name)
	return nil, &index.NotFoundError{Name: name}
}
func (s noSource) Metadata(_ context.Context, f index.File) ([]byte, error) {
	s.t.Errorf("the metadata of %s was asked for", f.Name)
	return nil, errors.New("none")
}
func (s noSource) Fetch(_ context.Context, f index.File) (string, error) {
	s.t.Errorf("%s was asked for", f.Name)
	return "", errors.New("none")
}

func TestPlan(t *testing.T) {
	u := resolvetest.Standard()
	src := resolvetest.NewSource(u, t.TempDir())
	targets := targetsOf(t, "bookworm", "focal")
	l := lockOf(t, src, targets, "courier")
	plan(t, src, l, targets, Options{})

	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		rel := u.MustFind(p.Name, p.Version)
		for _, w := range p.Wheels {
			r := l.Recipe(w.Recipe)
			if r == nil {
				t.Errorf("%s has no recipe", w.Name)
				continue
			}
			serves := l.WheelTargets(p, &w)
			python := "cp38"
			if slices.Contains(serves, "bookworm") {
				python = "cp311"
			}
			if r.Python != python || r.Umask != "022" || r.BuildPath != "/build/"+p.Name+"-"+p.Version || r.Backend != "smallbuild" {
				t.Errorf("%s for %v: %+v", w.Name, serves, r)
			}
			if r.Epoch == nil || r.Epoch.Value != rel.Time().Unix() || r.Epoch.From != "upstream-zip" {
				t.Errorf("%s: epoch %+v, the release is of %d", w.Name, r.Epoch, rel.Time().Unix())
			}
			want := orDefault(rel.BuiltWith, resolvetest.BackendVersion)
			if len(r.BuildRequires) != 1 || r.BuildRequires[0].Name != resolvetest.Backend || r.BuildRequires[0].Version != want {
				t.Errorf("%s: build requirements %+v, published with %s", w.Name, r.BuildRequires, want)
			}
			if rel.Native && len(serves) != 1 {
				t.Errorf("%s is native and serves %v", w.Name, serves)
			}
		}
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm", "focal")
	var want []byte
	for i := range 4 {
		l := lockOf(t, src, targets, "courier", "driftwood")
		rand.Shuffle(len(l.Packages), func(i, j int) { l.Packages[i], l.Packages[j] = l.Packages[j], l.Packages[i] })
		slices.Reverse(targets)
		plan(t, src, l, targets, Options{Jobs: 1 + 7*(i%2)})
		if want == nil {
			want = l.Format()
		} else if diff := cmp.Diff(string(want), string(l.Format())); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestKeep: locking again moves nothing and asks nobody, however the recipes
// come to the new lock.
func TestKeep(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm", "focal")
	first := lockOf(t, src, targets, "courier")
	plan(t, src, first, targets, Options{})

	bare := lockOf(t, src, targets, "courier")
	plan(t, noSource{t}, bare, targets, Options{Prev: first})
	if diff := cmp.Diff(string(first.Format()), string(bare.Format())); diff != "" {
		t.Errorf("from the lock before: %s", diff)
	}
	plan(t, noSource{t}, bare, targets, Options{})
	if !bytes.Equal(first.Format(), bare.Format()) {
		t.Error("planning what is planned changes it")
	}
}

// TestTargetGone: a pure wheel built for a target that left keeps its recipe; its
// build tools move to one that stayed. What is no more needed goes.
func TestTargetGone(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	both := targetsOf(t, "bookworm", "focal")
	l := lockOf(t, src, both, "ident==3.1", "charguess")
	plan(t, src, l, both, Options{})

	gone := lockOf(t, src, both[1:], "ident==3.1", "charguess")
	var before string
	for _, w := range l.Find("ident", "focal").Wheels {
		before = w.Recipe
	}
	w := &gone.Find("ident", "focal").Wheels[0]
	w.Recipe, w.Size, w.SHA256, w.Content = before, 1, strings.Repeat("a", 64), strings.Repeat("b", 64)
	plan(t, src, gone, both[1:], Options{Prev: l})
	if got := gone.Find("ident", "focal").Wheels[0].Recipe; got != before {
		t.Errorf("a built wheel has the recipe %s, built by %s", got, before)
	}
	for _, r := range gone.Recipes {
		if r.Digest != before && r.Python != "cp38" {
			t.Errorf("a recipe for %s is left over", r.Python)
		}
	}
}

func TestHashOfSource(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src, targets, "courier")
	l.Find("courier", "bookworm").Sdist.SHA256 = strings.Repeat("0", 64)
	before := l.Format()
	err := Plan(context.Background(), src, l, targets, Options{})
	var hash *index.HashError
	var pkg *PackageError
	if !errors.As(err, &hash) || !errors.As(err, &pkg) || pkg.Package != "courier" {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(before, l.Format()) {
		t.Error("the lock was changed")
	}
}

func TestIncomplete(t *testing.T) {
	u := resolvetest.MustParse(`
smallbuild 1.1
good 1.0
bad 1.0
  builds-with nowhere
worse 1.0
  builds-with elsewhere >=2
`)
	src := resolvetest.NewSource(u, t.TempDir())
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src, targets, "good", "bad", "worse")
	err := Plan(context.Background(), src, l, targets, Options{})
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) || len(incomplete.Packages) != 2 || incomplete.Packages[0].Package != "bad" || incomplete.Packages[1].Package != "worse" {
		t.Fatalf("got %v", err)
	}
	if err := l.Check(); err != nil {
		t.Errorf("the rest of the lock is unsound: %v", err)
	}
	if l.Find("good", "bookworm").Wheels[0].Recipe == "" || l.Find("bad", "bookworm").Wheels[0].Recipe != "" {
		t.Error("not the right packages have recipes")
	}
}

// TestCutoff: build tools are those of the publisher's day; later ones only where
// those cannot be had.
func TestCutoff(t *testing.T) {
	u := resolvetest.MustParse(`
smallbuild 1.1
  date 2020-01-01
helper 1.0
  date 2024-01-01
helper 2.0
  date 2025-06-01
helper 3.0
  date 2026-06-01
then 1.0
  date 2025-06-01T20:00:00Z
  builds-with smallbuild
  builds-with helper
early 1.0
  date 2023-10-01
  builds-with smallbuild
  builds-with helper
unpublished 1.0
  date 2024-02-01
  builds-with smallbuild
  builds-with helper
  wheels none
`)
	src := resolvetest.NewSource(u, t.TempDir())
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src, targets, "then", "early", "unpublished")
	var notes []Note
	plan(t, src, l, targets, Options{Notes: &notes})
	for name, want := range map[string]string{"then": "2.0", "early": "1.0", "unpublished": "3.0"} {
		r := l.Recipe(l.Find(name, "bookworm").Wheels[0].Recipe)
		if got := version(r, "helper"); got != want {
			t.Errorf("%s is built with helper %s, want %s", name, got, want)
		}
	}
	said := map[string]string{}
	for _, n := range notes {
		said[n.Package] += n.Text
	}
	if said["then"] != "" || !strings.Contains(said["early"], "180 days") || !strings.Contains(said["unpublished"], "nothing to reproduce") {
		t.Errorf("notes: %q", said)
	}
}

func version(r *lock.Recipe, name string) string {
	for _, b := range r.BuildRequires {
		if b.Name == name {
			return b.Version
		}
	}
	return ""
}

func TestExtend(t *testing.T) {
	u := resolvetest.MustParse(`
smallbuild 1.0
smallbuild 1.1
hooked 1.0
  date 2026-02-01
helper 1.0
  date 2026-01-01
  needs deeper
helper 2.0
  date 2026-09-01
deeper 1.0
`)
	src := resolvetest.NewSource(u, t.TempDir())
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src, targets, "hooked")
	plan(t, src, l, targets, Options{})
	old := l.Find("hooked", "bookworm").Wheels[0].Recipe
	before := l.Format()

	got, err := Extend(context.Background(), src, l, old, targets[0], []string{"helper", `nowhere; python_version < "3"`})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Errorf("the lock is unsound: %v", err)
	}
	r := l.Recipe(got)
	if got == old || r == nil || l.Recipe(old) != nil || l.Find("hooked", "bookworm").Wheels[0].Recipe != got {
		t.Fatalf("the recipe %s became %s: %+v", old, got, r)
	}
	if version(r, "helper") != "1.0" || version(r, "deeper") != "1.0" || version(r, "smallbuild") != "1.1" {
		t.Errorf("build requirements %+v", r.BuildRequires)
	}
	if again, err := Extend(context.Background(), src, l, got, targets[0], []string{"helper>=1"}); err != nil || again != got {
		t.Errorf("what it has already: %s, %v", again, err)
	}
	after := l.Format()
	for _, bad := range [][]string{{"smallbuild<1.1"}, {"nowhere"}, {"not a requirement !"}, {"x @ https://files.example/x.whl"}} {
		var pkg *PackageError
		if _, err := Extend(context.Background(), src, l, got, targets[0], bad); !errors.As(err, &pkg) || pkg.Package != "hooked" {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if bytes.Equal(before, after) || !bytes.Equal(after, l.Format()) {
		t.Error("a failed Extend changed the lock")
	}
}

// ranged gives random access and counts whole downloads of wheels.
type ranged struct {
	*resolvetest.Source
	broken bool
	whole  int
}

func (s *ranged) OpenRange(ctx context.Context, f index.File) (io.ReaderAt, int64, error) {
	path, err := s.Source.Fetch(ctx, f)
	if err != nil || s.broken {
		return nil, 0, errors.New("no ranges here")
	}
	b, err := os.ReadFile(path)
	return bytes.NewReader(b), int64(len(b)), err
}

func (s *ranged) Fetch(ctx context.Context, f index.File) (string, error) {
	if filepath.Ext(f.Name) == ".whl" {
		s.whole++
	}
	return s.Source.Fetch(ctx, f)
}

func TestRanges(t *testing.T) {
	for _, broken := range []bool{false, true} {
		src := &ranged{Source: resolvetest.NewSource(resolvetest.Standard(), t.TempDir()), broken: broken}
		targets := targetsOf(t, "bookworm")
		l := lockOf(t, src.Source, targets, "ident")
		plan(t, src, l, targets, Options{Jobs: 1})
		if broken != (src.whole > 0) {
			t.Errorf("without ranges: %v; %d wheels were fetched whole", broken, src.whole)
		}
		if r := l.Recipe(l.Find("ident", "bookworm").Wheels[0].Recipe); r.Epoch.From != "upstream-zip" {
			t.Errorf("without ranges: %v; epoch from %s", broken, r.Epoch.From)
		}
	}
}

// spoiled damages the published wheel.
type spoiled struct{ *resolvetest.Source }

func (s spoiled) Fetch(ctx context.Context, f index.File) (string, error) {
	path, err := s.Source.Fetch(ctx, f)
	if err == nil && filepath.Ext(f.Name) == ".whl" {
		path += ".spoiled"
		err = os.WriteFile(path, []byte("no zip"), 0o600)
	}
	return path, err
}

// TestUnreadableWheel: a published wheel that cannot be read is worth a note,
// not a refusal: the package can still be built.
func TestUnreadableWheel(t *testing.T) {
	src := spoiled{resolvetest.NewSource(resolvetest.Standard(), t.TempDir())}
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src.Source, targets, "ident")
	var notes []Note
	plan(t, src, l, targets, Options{Notes: &notes})
	if r := l.Recipe(l.Find("ident", "bookworm").Wheels[0].Recipe); r.Epoch.From != "sdist" {
		t.Errorf("epoch from %s", r.Epoch.From)
	}
	if len(notes) != 1 || !strings.Contains(notes[0].Text, "tells nothing") {
		t.Errorf("notes %+v", notes)
	}
	_, err := archive.OpenWheel(os.DevNull, archive.Read)
	if err == nil {
		t.Error("the premise is wrong")
	}
}
