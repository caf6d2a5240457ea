package pyproject

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What poetry alone reads is refused with the same in words that are read here.
func TestPoetry(t *testing.T) {
	const text = `[tool.poetry]
name = "app"
[tool.poetry.dependencies]
python = ">=3.10,<3.15"
caret = "^1.25.3"
zero = "^0.2.3"
deep = "^0.0.3"
tilde = "~1.2"
exact = "1.2"
equals = "=3.3.11"
bounds = ">=1, !=1.5"
any = "*"
wild = "1.2.*"
either = "^1 || ^2"
mac = { version = "^2", platform = "darwin", python = ">=3.11" }
rich = { version = "*", extras = ["a", "b"], markers = "os_name == 'nt' or os_name == 'x'", platform = "win32" }
repo = { git = "https://u:secret@git.example/repo", tag = "v1" }
here = { path = "../here" }
two = [{ version = "1", python = "<3.11" }, { version = "2", python = ">=3.11" }]
`
	dir := write(t, "pyproject.toml\n"+text)
	_, err := Open(dir, "")
	asError(t, err, 3, "only poetry reads")
	want := `write them into [project] (poetry 2 reads them there, too):
requires-python = ">=3.10,<3.15"
dependencies = [
    "any",
    "bounds>=1,!=1.5",
    "caret>=1.25.3,<2",
    "deep>=0.0.3,<0.0.4",
    "either", # correct this one by hand
    "equals==3.3.11",
    "exact==1.2",
    "here @ file:../here",
    "mac>=2,<3 ; sys_platform == 'darwin' and python_version >= '3.11'",
    "repo @ git+https://git.example/repo@v1",
    "rich[a,b] ; (os_name == 'nt' or os_name == 'x') and sys_platform == 'win32'",
    "tilde>=1.2,<1.3",
    "two==1 ; python_version < '3.11'",
    "two==2 ; python_version >= '3.11'",
    "wild==1.2.*",
    "zero>=0.2.3,<0.3",
]`
	if e, ok := err.(*Error); ok {
		if diff := cmp.Diff(want, e.Hint); diff != "" {
			t.Error(diff)
		}
	}
	refused(t, 1, "[dependency-groups]", "pyproject.toml\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"\n")
	refused(t, 2, "dependencies in [project]", "pyproject.toml\n[tool.flit.metadata]\nrequires = [\"six\"]\n")
	refused(t, 1, "\"six\",", "requirements.in\n./lib\n", "lib/pyproject.toml\n[tool.poetry.dependencies]\nsix = \"*\"\n")
	// A requirements file beside it says what is needed.
	if p := open(t, "pyproject.toml\n"+text, "requirements.in\nsix\n"); len(p.Inputs) != 1 {
		t.Errorf("%+v", p.Inputs)
	}
}

// Tables of other tools that change what a project needs are named.
func TestIgnored(t *testing.T) {
	p := open(t, `pyproject.toml
[project]
name = "My.App"
version = "1"
requires-python = ">=3.11"
dependencies = ["six"]
[tool.poetry.group.dev.dependencies]
idna = "*"
[tool.poetry.dependencies]
python = "*"
[[tool.uv.index]]
name = "corp"
url = "https://corp.example/simple"
[tool.uv]
constraint-dependencies = ["six<2"]
override-dependencies = []
`)
	var got []string
	for _, x := range p.Ignored {
		got = append(got, x.String())
	}
	want := []string{
		"pyproject.toml:6: [tool.poetry.group.dev.dependencies] is not read here: [dependency-groups] is",
		"pyproject.toml:10: [tool.uv] index is not read here: [[indexes]] in the configuration is",
		"pyproject.toml:14: [tool.uv] constraint-dependencies is not read here: constraints in the configuration is",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.Own) != 1 || p.Own[0].Name != "my-app" || p.Own[0].RequiresPython != ">=3.11" || p.Own[0].Origin() != "pyproject.toml:4" {
		t.Errorf("%+v", p.Own)
	}
	refused(t, 1, "not a table", "pyproject.toml\nproject = [1]\n")
	refused(t, 1, "not a table", "pyproject.toml\nproject = \"x\"\n")
	refused(t, 2, "not a string", "pyproject.toml\n[project]\nrequires-python = 3\n")
	refused(t, 1, "control", "wheellock.toml\nwheelhouse = \"a\\u0000b\"\n")
}

// What stands in the place of a file is said where the file is named.
func TestUnreadable(t *testing.T) {
	dir := write(t, "requirements.in\nsix\n-r other.in\n", "file\n")
	other := filepath.Join(dir, "other.in")
	for _, tt := range []struct {
		make  func() error
		words string
	}{
		{func() error { return os.Symlink("other.in", other) }, "leads in a circle"},
		{func() error { return os.Mkdir(other, 0o755) }, "other.in: not a regular file"},
	} {
		if err := tt.make(); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, "")
		asError(t, err, 2, tt.words)
		os.Remove(other)
	}
	refused(t, 1, "is a file, not a folder", "requirements.in\n-r file/x.in\n", "file\n")
	refused(t, 1, "no file can have", "requirements.in\n-r "+strings.Repeat("x", 4000)+"\n")
	refused(t, 1, "no folder", "requirements.in\n-e ./gone\n")
	refused(t, 1, "no folder", "requirements.in\n-e ./file\n", "file\n")
	refused(t, 3, "-r lib/deps/a.txt", "requirements.in\n./lib\n", "lib/pyproject.toml\n[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n[tool.setuptools.dynamic]\ndependencies = { file = [\"deps/a.txt\"] }\n")
}
