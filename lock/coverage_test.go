package lock

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// published makes a package of which one wheel is published for some targets.
func published(name, version, wheel string, targets ...string) Package {
	p := Package{Name: name, Version: version, Sdist: &File{Name: name + "-" + version + ".tar.gz", SHA256: strings.Repeat("a", 64)}}
	if wheel != "" {
		p.Upstream = []Upstream{{Name: wheel, SHA256: strings.Repeat("b", 64), Verdict: VerdictUntried, Targets: targets}}
	}
	return p
}

func TestCoverageAndNativeCode(t *testing.T) {
	old := &Lock{Targets: []Target{{Name: "bookworm"}, {Name: "focal"}}}
	now := &Lock{Targets: old.Targets}
	lib := published("lib", "1.0", "lib-1.0-py3-none-any.whl")
	app := published("app", "1.0", "app-1.0-py3-none-any.whl")
	app.Dependencies = []string{"lib"}
	old.Packages = []Package{app, lib, published("only", "1.0", "only-1.0-py3-none-any.whl")}
	fast := published("lib", "2.0", "lib-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", "bookworm")
	behind, ahead := published("only", "1.0", "only-1.0-py3-none-any.whl"), published("only", "2.0", "only-2.0-py3-none-any.whl")
	behind.Targets, ahead.Targets = []string{"focal"}, []string{"bookworm"}
	now.Packages = []Package{app, fast, behind, ahead, published("raw", "1.0", "")}
	d := Diff(old, now)
	if diff := cmp.Diff([]CoverageChange{
		{Name: "lib", Old: "1.0", New: "2.0", Source: []string{"focal"}},
		{Name: "only", Old: "1.0", New: "2.0", Behind: []string{"focal"}},
	}, d.Coverage); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]NativeChange{{Name: "lib", Version: "2.0", Targets: []string{"bookworm"}}}, d.Native); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]SourceRef{
		{Name: "lib", Version: "2.0", Targets: []string{"focal"}},
		{Name: "raw", Version: "1.0", Targets: []string{"bookworm", "focal"}},
	}, d.SourceOnly); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"app", "lib"}, now.Path("focal", []string{"app", "only"}, "lib")); diff != "" {
		t.Error(diff)
	}
	if p := now.Path("focal", []string{"only"}, "lib"); p != nil {
		t.Errorf("a path %v from nowhere", p)
	}
}

func TestRecipeKeys(t *testing.T) {
	a := &Recipe{Backend: "b", Umask: "022", Env: map[string]string{"X": "1"}, BuildRequires: []BuildRequire{{"flit", "1", "aa"}, {"setuptools", "75.8.0", "bb"}}}
	b := &Recipe{Backend: "b", Umask: "002", Env: map[string]string{"Y": "1"}, BuildRequires: []BuildRequire{{"flit", "1", "cc"}, {"setuptools", "76.0.0", "bb"}}}
	want := []string{"flit 1: another file, aa -> cc", "setuptools 75.8.0 -> 76.0.0", "umask 022 -> 002", "env X 1 -> none", "env Y none -> 1"}
	if diff := cmp.Diff(want, recipeKeys(a, b)); diff != "" {
		t.Error(diff)
	}
}

// What no other list tells of is not passed over in silence.
func TestEveryDifferenceIsTold(t *testing.T) {
	a := &Lock{Packages: []Package{published("lib", "1.0", "lib-1.0-py3-none-any.whl")}, Targets: []Target{{Name: "bookworm"}}}
	for name, edit := range map[string]func(*Package){
		"size":         func(p *Package) { p.Sdist.Size = 9 },
		"dependencies": func(p *Package) { p.Dependencies = []string{"evil"} },
		"python":       func(p *Package) { p.RequiresPython = ">=3" },
		"groups":       func(p *Package) { p.Groups = []string{"dev"} },
		"no source":    func(p *Package) { p.Sdist = nil },
		"published":    func(p *Package) { p.Upstream = nil },
	} {
		p := published("lib", "1.0", "lib-1.0-py3-none-any.whl")
		edit(&p)
		if Diff(a, &Lock{Packages: []Package{p}, Targets: a.Targets}).Empty() {
			t.Errorf("%s: no difference is told", name)
		}
	}
}
