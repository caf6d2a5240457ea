package assemble

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
	"github.com/google/go-cmp/cmp"
)

func look(t *testing.T, name string) tags.Target {
	t.Helper()
	x, err := tags.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func file(name string) *index.File {
	h := 0
	for _, c := range name {
		h = h*31 + int(c)
	}
	return &index.File{Name: name, Size: 100, SHA256: fmt.Sprintf("%064x", uint32(h))}
}

// pin makes a pin; the wheel that fits is named, the others are only published.
func pin(name, version, sdist, wheel string, others ...string) resolve.Pin {
	p := resolve.Pin{Name: name, Version: pep440.MustParse(version), Groups: []string{""}, RequiresPython: ">=3.8"}
	if sdist != "" {
		p.Sdist = file(sdist)
	}
	if wheel != "" {
		p.Wheel = file(wheel)
		p.Wheels = append(p.Wheels, *p.Wheel)
	}
	for _, o := range others {
		p.Wheels = append(p.Wheels, *file(o))
	}
	return p
}

const (
	sixWheel    = "six-1.17.0-py2.py3-none-any.whl"
	markup311   = "MarkupSafe-3.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
	markup38    = "MarkupSafe-3.0.2-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
	cryptoWheel = "cryptography-44.0.0-cp37-abi3-manylinux_2_28_x86_64.whl"
)

// twoTargets: a pure package, a native one, an abi3 one, one without wheels,
// one without source, and one with two versions.
func twoTargets(t *testing.T) *resolve.Solution {
	bookworm, focal := look(t, "bookworm"), look(t, "focal")
	both := func(old, new string) []resolve.Pin {
		six := pin("six", "1.17.0", "six-1.17.0.tar.gz", sixWheel)
		lonely := pin("lonely", "1.0", "lonely-1.0.tar.gz", "")
		closed := pin("closed-thing", "2.0", "", "closed_thing-2.0-py3-none-any.whl")
		closed.Groups = []string{"dev", "docs"}
		idna := pin("idna", new, "idna-"+new+".tar.gz", "idna-"+new+"-py3-none-any.whl")
		m := pin("markupsafe", "3.0.2", "MarkupSafe-3.0.2.tar.gz", old, markup38, markup311)
		m.Dependencies = []string{"six"}
		if old == markup38 {
			m.Dependencies = []string{"lonely", "six"}
		}
		return []resolve.Pin{closed, idna, lonely, m, six}
	}
	crypto := pin("cryptography", "44.0.0", "cryptography-44.0.0.tar.gz", cryptoWheel)
	return &resolve.Solution{Targets: []resolve.TargetSolution{
		{Target: focal, Pins: both(markup38, "3.15")},
		{Target: bookworm, Pins: append([]resolve.Pin{crypto}, both(markup311, "3.20")...)},
	}}
}

func assembled(t *testing.T, sol *resolve.Solution, opt Options) *lock.Lock {
	t.Helper()
	opt.RequiresDigest = "sha256:" + strings.Repeat("0", 64)
	l, err := Assemble(sol, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatalf("%v\n%s", err, l.Format())
	}
	if _, err := lock.Parse("wheels.lock", l.Format()); err != nil {
		t.Fatal(err)
	}
	return l
}

// rows lists the wheel rows: "NAME VERSION TARGETS ORIGIN FILE had|missing".
func rows(l *lock.Lock) []string {
	var list []string
	for i := range l.Packages {
		p := &l.Packages[i]
		for j := range p.Wheels {
			w := &p.Wheels[j]
			state := "had"
			if w.Missing() {
				state = "missing"
			}
			list = append(list, fmt.Sprintf("%s %s %s %s", strings.Join(l.WheelTargets(p, w), "+"), w.Name, w.Origin, state))
		}
	}
	return list
}

func TestRowsByPolicy(t *testing.T) {
	build := []string{
		"bookworm+focal closed_thing-2.0-py3-none-any.whl upstream had",
		"bookworm cryptography-44.0.0-cp37-abi3-linux_x86_64.whl built missing",
		"focal idna-3.15-py3-none-any.whl built missing",
		"bookworm idna-3.20-py3-none-any.whl built missing",
		"bookworm lonely-1.0-cp311-cp311-linux_x86_64.whl built missing",
		"focal lonely-1.0-cp38-cp38-linux_x86_64.whl built missing",
		"bookworm markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl built missing",
		"focal markupsafe-3.0.2-cp38-cp38-linux_x86_64.whl built missing",
		"bookworm+focal six-1.17.0-py2.py3-none-any.whl built missing",
	}
	upstream := []string{
		"bookworm+focal closed_thing-2.0-py3-none-any.whl upstream had",
		"bookworm " + cryptoWheel + " upstream had",
		"focal idna-3.15-py3-none-any.whl upstream had",
		"bookworm idna-3.20-py3-none-any.whl upstream had",
		"bookworm lonely-1.0-cp311-cp311-linux_x86_64.whl built missing",
		"focal lonely-1.0-cp38-cp38-linux_x86_64.whl built missing",
		"bookworm " + markup311 + " upstream had",
		"focal " + markup38 + " upstream had",
		"bookworm+focal " + sixWheel + " upstream had",
	}
	for policy, want := range map[string][]string{"": build, PolicyBuild: build, PolicyReproducible: build, PolicyUpstream: upstream} {
		if diff := cmp.Diff(want, rows(assembled(t, twoTargets(t), Options{Wheels: policy}))); diff != "" {
			t.Errorf("policy %q: %s", policy, diff)
		}
	}
	if _, err := Assemble(twoTargets(t), Options{Wheels: "never"}); err == nil {
		t.Error("an unknown policy is accepted")
	}
}

func TestBlocks(t *testing.T) {
	at := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
	l := assembled(t, twoTargets(t), Options{ExcludeNewer: &at})
	if len(l.Targets) != 2 || l.Targets[0].Name != "bookworm" || l.Targets[0].Platform != "manylinux_2_36_x86_64" || l.Targets[0].Implementation != "" {
		t.Errorf("targets %+v", l.Targets)
	}
	m := l.Find("markupsafe", "focal")
	if !cmp.Equal(m.DependenciesOn("focal"), []string{"lonely", "six"}) || !cmp.Equal(m.DependenciesOn("bookworm"), []string{"six"}) {
		t.Errorf("dependencies %v and %v", m.Dependencies, m.TargetDependencies)
	}
	if len(m.Upstream) != 2 || m.Upstream[0].Name != markup311 || m.Upstream[0].Verdict != lock.VerdictUntried || !cmp.Equal(m.Upstream[0].Targets, []string{"bookworm"}) {
		t.Errorf("upstream %+v", m.Upstream)
	}
	if c := l.Find("closed-thing", "focal"); !cmp.Equal(c.Groups, []string{"dev", "docs"}) || c.Sdist != nil {
		t.Errorf("closed-thing %+v", c)
	}
	if six := l.Find("six", "focal"); six.Groups != nil || six.Targets != nil || six.Sdist.Size != 100 {
		t.Errorf("six %+v", six)
	}
	got := RequestLocked(l)
	if got["focal"]["idna"] != "3.15" || got["bookworm"]["idna"] != "3.20" || got["focal"]["cryptography"] != "" {
		t.Errorf("RequestLocked %v", got)
	}
	if RequestLocked(nil) != nil {
		t.Error("RequestLocked of nothing")
	}
}

// built fills every missing row, with a recipe that needs setuptools.
func built(t *testing.T, l *lock.Lock) *lock.Lock {
	t.Helper()
	setup := file("setuptools-75.8.0-py3-none-any.whl")
	l.Packages = append(l.Packages, lock.Package{Name: "setuptools", Version: "75.8.0", Group: lock.GroupBuild, Targets: []string{"bookworm"},
		Wheels: []lock.Wheel{{Name: setup.Name, Origin: lock.OriginUpstream, SHA256: setup.SHA256, Size: 100}}})
	for i := range l.Packages {
		p := &l.Packages[i]
		for j := range p.Wheels {
			w := &p.Wheels[j]
			if !w.Missing() {
				continue
			}
			r := lock.Recipe{Sdist: "sha256:" + p.Sdist.SHA256, Backend: "setuptools.build_meta", Python: "cp311", Umask: "022", BuildPath: "/build/x",
				BuildRequires: []lock.BuildRequire{{Name: "setuptools", Version: "75.8.0", SHA256: setup.SHA256}}}
			r.Digest = r.ComputeDigest()
			if l.Recipe(r.Digest) == nil {
				l.Recipes = append(l.Recipes, r)
			}
			f := file(w.Name + l.WheelTargets(p, w)[0])
			w.Recipe, w.SHA256, w.Size, w.Content = r.Digest, f.SHA256, 7, f.SHA256
		}
		for j := range p.Upstream {
			p.Upstream[j].Verdict, p.Upstream[j].Causes = lock.VerdictDiffers, []string{"native-compiler"}
		}
	}
	l.Sort()
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRelockLosesNothing(t *testing.T) {
	for _, policy := range []string{PolicyBuild, PolicyReproducible, PolicyUpstream} {
		prev := built(t, assembled(t, twoTargets(t), Options{Wheels: policy}))
		again := assembled(t, twoTargets(t), Options{Wheels: policy, Prev: prev})
		if diff := cmp.Diff(string(prev.Format()), string(again.Format())); diff != "" {
			t.Errorf("policy %s: %s", policy, diff)
		}
		// Sizes that this index does not tell stay known.
		quiet := twoTargets(t)
		for _, ts := range quiet.Targets {
			for _, p := range ts.Pins {
				for _, f := range []*index.File{p.Sdist, p.Wheel} {
					if f != nil {
						f.Size = 0
					}
				}
			}
		}
		again = assembled(t, quiet, Options{Wheels: policy, Prev: prev})
		if diff := cmp.Diff(string(prev.Format()), string(again.Format())); diff != "" {
			t.Errorf("policy %s without sizes: %s", policy, diff)
		}
	}
}

func TestRelockKeepsPlans(t *testing.T) {
	prev := built(t, assembled(t, twoTargets(t), Options{}))
	for i := range prev.Packages {
		for j := range prev.Packages[i].Wheels {
			if w := &prev.Packages[i].Wheels[j]; w.Origin == lock.OriginBuilt {
				w.Size, w.SHA256, w.Content = 0, "", ""
			}
		}
	}
	again := assembled(t, twoTargets(t), Options{Prev: prev})
	if diff := cmp.Diff(string(prev.Format()), string(again.Format())); diff != "" {
		t.Error(diff)
	}
}

func TestRelockAfterTargetChange(t *testing.T) {
	prev := built(t, assembled(t, twoTargets(t), Options{}))
	only := func(i int) *resolve.Solution {
		s := twoTargets(t)
		s.Targets = s.Targets[i : i+1]
		return s
	}
	// Only focal is left: the pure wheel that bookworm built still serves it, and
	// the build requirement of its recipe is still there.
	l := assembled(t, only(0), Options{Prev: prev})
	if w := l.WheelFor(l.Find("six", "focal"), "focal"); w.Missing() || l.Recipe(w.Recipe) == nil {
		t.Errorf("six %+v", w)
	}
	// And back: focal's own wheels are there, bookworm's are gone.
	l = assembled(t, twoTargets(t), Options{Prev: l})
	if w := l.WheelFor(l.Find("six", "bookworm"), "bookworm"); w.Missing() {
		t.Error("six on bookworm does not take the pure wheel")
	}
	m := l.Find("markupsafe", "bookworm")
	if !l.WheelFor(m, "bookworm").Missing() || l.WheelFor(m, "focal").Missing() {
		t.Errorf("markupsafe %+v", m.Wheels)
	}
	// The same name with another libc: native wheels must be built again.
	s := twoTargets(t)
	older, err := tags.New("bookworm", "3.11", "manylinux_2_31_x86_64", "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.Targets[1].Target = older
	l = assembled(t, s, Options{Prev: prev})
	if m := l.Find("markupsafe", "bookworm"); !l.WheelFor(m, "bookworm").Missing() || l.WheelFor(m, "focal").Missing() {
		t.Errorf("markupsafe after a change of libc: %+v", m.Wheels)
	}
}

// A package without published wheels turns out pure on one target.
func TestPureAfterAll(t *testing.T) {
	prev := assembled(t, twoTargets(t), Options{})
	lonely := prev.Find("lonely", "bookworm")
	for i := range lonely.Wheels {
		if w := &lonely.Wheels[i]; w.Targets[0] == "bookworm" {
			w.Name = "lonely-1.0-py3-none-any.whl"
		}
	}
	prev = built(t, prev)
	lonely = prev.Find("lonely", "focal")
	for i := range lonely.Wheels {
		if w := &lonely.Wheels[i]; w.Targets[0] == "focal" {
			w.SHA256, w.Size, w.Content = "", 0, ""
		}
	}
	l := assembled(t, twoTargets(t), Options{Prev: prev})
	if lonely := l.Find("lonely", "focal"); len(lonely.Wheels) != 1 || lonely.Wheels[0].Missing() {
		t.Errorf("%+v", lonely.Wheels)
	}
}

func TestProvenUpstreamStays(t *testing.T) {
	prev := built(t, assembled(t, twoTargets(t), Options{}))
	six := prev.Find("six", "focal")
	f := file(sixWheel)
	six.Wheels[0].Origin, six.Wheels[0].SHA256, six.Wheels[0].Size = lock.OriginUpstream, f.SHA256, f.Size
	six.Upstream[0].Verdict, six.Upstream[0].Causes = lock.VerdictBytes, nil
	prev.Sort()
	l := assembled(t, twoTargets(t), Options{Prev: prev, Wheels: PolicyReproducible})
	if w := l.Find("six", "focal").Wheels[0]; w.Origin != lock.OriginUpstream || w.Recipe == "" {
		t.Errorf("%+v", w)
	}
	l = assembled(t, twoTargets(t), Options{Prev: prev, Wheels: PolicyBuild})
	if w := l.Find("six", "focal").Wheels[0]; w.Origin != lock.OriginBuilt || !w.Missing() {
		t.Errorf("policy build: %+v", w)
	}
}

func TestRefusals(t *testing.T) {
	prev := built(t, assembled(t, twoTargets(t), Options{}))
	s := twoTargets(t)
	s.Targets[0].Pins[4].Sdist.SHA256 = strings.Repeat("f", 64)
	var changed *ChangedError
	if _, err := Assemble(s, Options{Prev: prev}); !errors.As(err, &changed) || changed.File != "six-1.17.0.tar.gz" || changed.Hint() == "" {
		t.Errorf("a changed source: %v", err)
	}
	s = twoTargets(t)
	s.Targets[1].Pins[5].Wheel.SHA256 = strings.Repeat("f", 64)
	s.Targets[0].Pins[4].Wheel.SHA256 = strings.Repeat("f", 64)
	if _, err := Assemble(s, Options{Prev: prev}); !errors.As(err, &changed) || changed.File != sixWheel {
		t.Errorf("a changed wheel: %v", err)
	}
	s = twoTargets(t)
	s.Targets[0].Pins[4].Sdist.SHA256 = ""
	var none *NoHashError
	if _, err := Assemble(s, Options{}); !errors.As(err, &none) {
		t.Errorf("no hash: %v", err)
	}
	s = twoTargets(t)
	s.Targets[0].Pins[0].Wheel = nil
	var nofile *NoFileError
	if _, err := Assemble(s, Options{}); !errors.As(err, &nofile) || nofile.Target != "focal" {
		t.Errorf("no file: %v", err)
	}
}

func TestExpectedNames(t *testing.T) {
	tests := []struct{ target, name, version, wheel, want string }{
		{"bookworm", "ruff", "0.8.0", "ruff-0.8.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "ruff-0.8.0-py3-none-linux_x86_64.whl"},
		{"bookworm-arm64", "zope-interface", "7.0", "zope.interface-7.0-cp311-cp311-manylinux_2_17_aarch64.whl", "zope_interface-7.0-cp311-cp311-linux_aarch64.whl"},
		{"bookworm", "x", "1.0+local.1", "", "x-1.0+local.1-cp311-cp311-linux_x86_64.whl"},
		{"bookworm", "x", "1.0", "x-1.0-1-py3-none-any.whl", "x-1.0-py3-none-any.whl"},
	}
	for _, tt := range tests {
		pn := pin(tt.name, tt.version, "x.tar.gz", tt.wheel)
		got := expected(&lock.Package{Name: tt.name, Version: tt.version}, spot{look(t, tt.target), &pn})
		if got != tt.want {
			t.Errorf("%s on %s: got %s, want %s", tt.wheel, tt.target, got, tt.want)
		}
	}
}
