package metadata

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBuildSystem(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "setuptools>=40.8.0|setuptools.build_meta:__legacy__||implied"},
		{"[project]\nname = 'a'\n", "setuptools>=40.8.0|setuptools.build_meta:__legacy__||implied"},
		{"[build-system]\nrequires = ['setuptools', 'wheel']\n", "setuptools wheel|setuptools.build_meta:__legacy__||implied"},
		{"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.', 'a/../b']\n", "|backend|. b|"},
		{"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = '.'\n", "|backend|.|"},
		{"[build-system]\nrequires = ['flit_core >=3,<4; python_version > \"3\"']\nbuild-backend = 'flit_core.buildapi'\n", `flit_core<4,>=3; python_version > "3"|flit_core.buildapi||`},
		{"[build-system]\nrequires = ['x']\nbuild-backend = 'a.b:c.d'\nunknown = 1\n", "x|a.b:c.d||"},
	} {
		bs, err := ParseBuildSystem([]byte(c.in))
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		got := strings.Join(requirements(Metadata{RequiresDist: bs.Requires}), " ") + "|" + bs.Backend + "|" + strings.Join(bs.BackendPath, " ") + "|"
		if bs.Implied {
			got += "implied"
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestParseBuildSystemRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"[build-system]\nbuild-backend = 'x'\n", "no requires"},
		{"[build-system]\nrequires = 'x'\n", "line 2"},
		{"[build-system]\nrequires = ['x y']\n", `"x y"`},
		{"[build-system]\nrequires = [1]\n", "line 2"},
		{"[build-system\n", "line 1"},
		{"build-system = 3\n", "line 1"},
		{"[build-system]\nrequires = []\nbuild-backend = 'os; import sys'\n", "is not module.path"},
		{"[build-system]\nrequires = []\nbuild-backend = 'a:'\n", "is not module.path"},
		{"[build-system]\nrequires = []\nbuild-backend = ''\n", "is not module.path"},
		{"[build-system]\nrequires = []\nbackend-path = ['../x']\n", "not inside"},
		{"[build-system]\nrequires = []\nbackend-path = ['/x']\n", "not inside"},
		{"[build-system]\nrequires = []\nbackend-path = 'src'\n", "not a list"},
		{"[build-system]\nrequires = []\nbackend-path = [1]\n", "no folder"},
		{"[build-system]\nrequires = []\nbackend-path = ['a\\..\\..\\x']\n", "not inside"},
		{"[build-system]\nrequires = []\nbackend-path = ['C:/x']\n", "not inside"},
		{"a = " + strings.Repeat("[", MaxDepth+1), "levels deep"},
		{"a = " + strings.Repeat("[", MaxDepth-1), "line 1"},
		{"a = " + strings.Repeat("{a=", MaxDepth-1), "line 1"},
		{strings.Repeat("#", MaxPyProject+1), "longer than"},
	} {
		_, err := ParseBuildSystem([]byte(c.in))
		if !errors.Is(err, ErrPyProject) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: %.200v, want %q", c.in, err, c.want)
		}
	}
}

func TestParseProject(t *testing.T) {
	m, static, err := ParseProject([]byte(`
[project]
name = "Foo"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["b>=1", "a @ https://files.example/a.whl"]
dynamic = ["readme"]
[project.optional-dependencies]
zed = ["z"]
"Two_Words" = ["x; python_version < '3.10' or os_name == 'nt'", "y[e] @ https://files.example/y.zip"]
`))
	if err != nil || !static {
		t.Fatal(static, err)
	}
	want := []string{
		"b>=1", "a@ https://files.example/a.whl",
		`x; (python_version < "3.10" or os_name == "nt") and extra == "two-words"`,
		`y[e]@ https://files.example/y.zip ; extra == "two-words"`,
		`z; extra == "zed"`,
	}
	got := requirements(m)
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], " @ ", "@ ")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"two-words", "zed"}, m.ProvidesExtra); d != "" {
		t.Error(d)
	}
	if m.Name != "Foo" || m.Version.String() != "1.0" || m.RequiresPython != ">=3.9" {
		t.Errorf("%+v", m)
	}
}

func TestParseProjectStatic(t *testing.T) {
	for _, c := range []struct {
		in     string
		static bool
		err    string
	}{
		{"", false, ""},
		{"[tool.poetry]\nname = 'a'\n", false, ""},
		{"[project]\nname='a'\nversion='1'\n", true, ""},
		{"[project]\nname='a'\ndynamic=['version']\n", true, ""},
		{"[project]\nname='a'\nversion='1'\ndynamic=['dependencies']\n", false, ""},
		{"[project]\nname='a'\nversion='1'\ndynamic=['optional-dependencies']\n", false, ""},
		{"[project]\nname='a'\nversion='1'\ndynamic=['requires-python']\n", false, ""},
		{"[project]\nname='a'\nversion='1'\n[tool.poetry.dependencies]\nx='*'\n", false, ""},
		{"[project]\nname='a'\nversion='1'\ndependencies=[]\n[tool.poetry.dependencies]\nx='*'\n", true, ""},
		{"[project]\nversion='1'\n", false, "project.name"},
		{"[project]\nname='a'\n", false, "project.version is missing"},
		{"[project]\nname='a'\nversion='x'\n", false, "project.version"},
		{"[project]\nname='a'\nversion='1'\ndynamic=['name']\n", false, "may not be dynamic"},
		{"[project]\nname='a'\nversion='1'\ndependencies=['b c']\n", false, `project.dependencies "b c"`},
		{"[project]\nname='a'\nversion='1'\ndependencies='b'\n", false, "line 4"},
		{"[project]\nname='a'\nversion='1'\noptional-dependencies={'x y'=[]}\n", false, "no name of an extra"},
		{"[project]\nname='a'\nversion='1'\noptional-dependencies={x=['b c']}\n", false, `optional-dependencies.x "b c"`},
	} {
		_, static, err := ParseProject([]byte(c.in))
		if static != c.static || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: static %v, %v", c.in, static, err)
		}
	}
}

func FuzzPyProject(f *testing.F) {
	f.Add([]byte("[build-system]\nrequires = ['x']\nbuild-backend = 'a:b'\nbackend-path = ['c']\n[project]\nname = 'a'\nversion = '1'\ndependencies = ['b']\noptional-dependencies = {c = ['d']}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bs, err := ParseBuildSystem(b); err == nil {
			if !isBackend(bs.Backend) {
				t.Fatalf("%q: backend %q", b, bs.Backend)
			}
			for _, p := range bs.BackendPath {
				if strings.HasPrefix(p, "/") || strings.Contains(p, "..") && strings.HasPrefix(p, "..") {
					t.Fatalf("%q: path %q", b, p)
				}
			}
		}
		if m, static, err := ParseProject(b); err == nil && static && m.Err() != nil {
			t.Fatalf("%q: static with %v", b, m.Err())
		}
	})
}
