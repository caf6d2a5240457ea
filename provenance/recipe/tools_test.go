package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// TestTools: under build-requirements = "build" tools have recipes; planning again
// changes nothing, and the policy "upstream" takes them away.
func TestTools(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm", "focal")
	plain := lockOf(t, src, targets, "courier")
	plan(t, src, plain, targets, Options{})

	l := lockOf(t, src, targets, "courier")
	plan(t, src, l, targets, Options{BuildTools: true})
	n := 0
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group != lock.GroupBuild {
			continue
		}
		for _, w := range p.Wheels {
			n++
			if w.Origin != lock.OriginUpstream || w.SHA256 == "" || l.Recipe(w.Recipe) == nil || p.Sdist == nil || len(p.Upstream) == 0 || p.Upstream[0].Verdict != lock.VerdictUntried {
				t.Errorf("%s %s: %+v %+v", p.Name, p.Version, w, p.Upstream)
			}
		}
	}
	if n == 0 {
		t.Fatal("no tools")
	}
	again, err := lock.Parse(lock.FileName, l.Format())
	if err != nil {
		t.Fatal(err)
	}
	plan(t, src, again, targets, Options{Prev: l, BuildTools: true})
	if diff := cmp.Diff(string(l.Format()), string(again.Format())); diff != "" {
		t.Errorf("planned again:\n%s", diff)
	}
	anew := lockOf(t, src, targets, "courier")
	plan(t, src, anew, targets, Options{Prev: l, BuildTools: true})
	if diff := cmp.Diff(string(l.Format()), string(anew.Format())); diff != "" {
		t.Errorf("assembled again:\n%s", diff)
	}
	plan(t, src, again, targets, Options{Prev: l})
	for i := range again.Packages {
		if p := &again.Packages[i]; p.Group == lock.GroupBuild && (p.Wheels[0].Recipe != "" || p.Upstream != nil) {
			t.Errorf("policy upstream: %s keeps a recipe", p.Name)
		}
	}
}

// TestFill: our own wheel of a tool takes the published one's place in what is built
// with it, but not in what the tool itself was built with.
func TestFill(t *testing.T) {
	hash := func(c string) string { return strings.Repeat(c, 64) }
	recipe := func(source string, needs ...lock.BuildRequire) lock.Recipe {
		r := lock.Recipe{Sdist: "sha256:" + hash(source), Backend: "b", Python: "cp311", Umask: "022", BuildPath: "/build/x", BuildRequires: needs}
		r.Digest = r.ComputeDigest()
		return r
	}
	a, b := lock.BuildRequire{Name: "a", Version: "1", SHA256: hash("a")}, lock.BuildRequire{Name: "b", Version: "1", SHA256: hash("b")}
	ra, rb, rx := recipe("1"), recipe("2", a, b), recipe("3", a)
	row := func(b lock.BuildRequire, r lock.Recipe) lock.Package {
		return lock.Package{Name: b.Name, Version: "1", Group: lock.GroupBuild, Wheels: []lock.Wheel{{Name: b.Name, SHA256: b.SHA256, Recipe: r.Digest}}}
	}
	l := &lock.Lock{Recipes: []lock.Recipe{ra, rb, rx}, Packages: []lock.Package{row(a, ra), row(b, rb),
		{Name: "x", Version: "1", Wheels: []lock.Wheel{{Name: "x", Recipe: rx.Digest}}}}}
	if Fill(l, "b", "1", hash("b"), hash("c")) {
		t.Error("b was built with the published b, and is taken out from under itself")
	}
	if !Fill(l, "a", "1", hash("a"), hash("d")) {
		t.Fatal("a is no seed")
	}
	for _, name := range []string{"b", "x"} {
		for _, p := range l.Packages {
			if r := l.Recipe(p.Wheels[0].Recipe); p.Name == name && (r == nil || r.BuildRequires[0].SHA256 != hash("d")) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	if l.Recipe(ra.Digest) == nil {
		t.Error("a's own recipe is gone")
	}
}
