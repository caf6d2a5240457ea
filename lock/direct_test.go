package lock

import (
	"errors"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/schema"
	"github.com/google/go-cmp/cmp"
)

// direct is a lock with a package from a commit and one from two addresses.
func direct() *Lock {
	l := &Lock{RequiresDigest: "sha256:" + strings.Repeat("0", 64), Targets: []Target{{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}}}
	hash := strings.Repeat("a", 64)
	l.Packages = []Package{
		{Name: "kit", Version: "1.0", VCS: &VCS{Type: "git", URL: "https://git.example/kit", CommitID: hash[:40], Subdirectory: "py/kit"},
			Sdist: &File{Name: "kit-1.0.tar.gz", Size: 5, SHA256: hash}, Wheels: []Wheel{{Name: "kit-1.0-py3-none-any.whl", Origin: OriginBuilt}}},
		{Name: "own", Version: "5.0", Archives: []Archive{{"own-5.0.zip", "https://files.example/own-5.0.zip"}, {"own-5.0-py3-none-any.whl", "http://127.0.0.1:9/w/own-5.0-py3-none-any.whl"}},
			Sdist: &File{Name: "own-5.0.zip", SHA256: hash}, Wheels: []Wheel{{Name: "own-5.0-py3-none-any.whl", Origin: OriginUpstream, SHA256: hash}}},
	}
	return l
}

func TestDirectRoundTrip(t *testing.T) {
	l := direct()
	b := l.Format()
	for _, want := range []string{"[packages.vcs]\ntype = \"git\"\nurl = \"https://git.example/kit\"\ncommit-id = \"aaaa", "aaa\"\nsubdirectory = \"py/kit\"\n[packages.sdist]",
		"[[packages.archive]]\nname = \"own-5.0-py3-none-any.whl\"\nurl = \"http://127.0.0.1:9/w/own-5.0-py3-none-any.whl\"\n[[packages.archive]]"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
	got, err := Parse("wheels.lock", b)
	if err != nil {
		t.Fatal(err)
	}
	l.Sort()
	if diff := cmp.Diff(l, got); diff != "" {
		t.Error(diff)
	}
	if err := schema.Validate("wheels.lock", got.JSON()); err != nil {
		t.Error(err)
	}
	if s := got.Packages[0].Source(); s != "git+https://git.example/kit@"+strings.Repeat("a", 40)+"#subdirectory=py/kit" {
		t.Error(s)
	}
}

func TestDirectRefusals(t *testing.T) {
	for words, spoil := range map[string]func(vcs, own *Package){
		"vcs type":               func(v, _ *Package) { v.VCS.Type = "svn" },
		"https, ssh or file":     func(v, _ *Package) { v.VCS.URL = "ftp://git.example/kit" },
		"://..@git.example":      func(v, _ *Package) { v.VCS.URL = "https://me:secret@git.example/kit" },
		"without a password":     func(v, _ *Package) { v.VCS.URL = "ssh://git:secret@git.example/kit" },
		"40 lower-case":          func(v, _ *Package) { v.VCS.CommitID = "v1.0" },
		"leaves the repository":  func(v, _ *Package) { v.VCS.Subdirectory = "../x" },
		"without the [packages":  func(v, _ *Package) { v.Sdist = nil },
		"none of its files":      func(_, o *Package) { o.Archives[0].Name = "other-1.0.zip" },
		"without user":           func(_, o *Package) { o.Archives[0].URL = "https://token@files.example/own" },
		"url is \"own-5.0.zip\"": func(_, o *Package) { o.Archives[0].URL = "own-5.0.zip" },
		"url is \"https://-x/":   func(_, o *Package) { o.Archives[0].URL = "https://-x/own-5.0.zip" },
	} {
		l := direct()
		l.Sort()
		spoil(&l.Packages[0], &l.Packages[1])
		err := l.Check()
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Msg, words) || strings.Contains(e.Msg, "secret") || strings.Contains(e.Msg, "token") {
			t.Errorf("%q: %v", words, err)
		}
		if _, err := Parse("wheels.lock", l.Format()); err == nil {
			t.Errorf("%q: it can be read", words)
		}
	}
}

// Another commit under the same version is what a reviewer must see first.
func TestDirectDiff(t *testing.T) {
	a, b := direct(), direct()
	b.Packages[0].VCS.CommitID = strings.Repeat("b", 40)
	b.Packages[1].Archives = nil
	c := Diff(a, b)
	if len(c.Sources) != 2 || c.Empty() || !strings.HasPrefix(c.Sources[0].String(), "SOURCE CHANGED: kit 1.0 came from git+https://git.example/kit@aaaa") || !strings.HasSuffix(c.Sources[1].String(), "now comes from an index") {
		t.Errorf("%v", c.Sources)
	}
	if !Diff(a, direct()).Empty() {
		t.Errorf("%+v", Diff(a, direct()))
	}
}
