package pyproject

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRequirementsFile(t *testing.T) {
	p := open(t, `requirements.in
# the web
requests>=2.31  # http
-r sub/more.in
--constraint=constraints.txt
flask \
  >=3 ; \
  python_version >= "3.9"
git-thing @ git+https://host.example/x#egg=y
a==1 # a comment \
b==2
  # indented comment
c==3 \
# a comment ends the continuation
d==4
`, "sub/more.in\n-c ../constraints.txt\r\nidna\r\n", "constraints.txt\nurllib3<3\n-r sub/only.in\n", "sub/only.in\nsix")
	want := []string{
		"|requests>=2.31|requirements.in:2",
		"|idna|sub/more.in:2",
		"|flask   >=3 ;   python_version >= \"3.9\"|requirements.in:5",
		"|git-thing @ git+https://host.example/x#egg=y|requirements.in:8",
		"|a==1|requirements.in:9",
		"|c==3|requirements.in:12",
		"|d==4|requirements.in:14",
	}
	if diff := cmp.Diff(want, inputs(p.Inputs)); diff != "" {
		t.Error(diff)
	}
}

func TestRequirementsFileConstraints(t *testing.T) {
	p := open(t, "requirements.in\nidna\n-cc.txt\n", "c.txt\nurllib3<3\n-r d.txt\n", "d.txt\nsix\n")
	if diff := cmp.Diff([]string{"|urllib3<3|c.txt:1", "|six|d.txt:1"}, inputs(p.Constraints)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"|idna|requirements.in:1"}, inputs(p.Inputs)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c.txt", "d.txt", "requirements.in"}, p.Files()); diff != "" {
		t.Error(diff)
	}
}

func TestRequirementsFileRefuses(t *testing.T) {
	for _, tt := range []struct {
		text  string
		line  int
		words string
	}{
		{"idna\n--index-url https://index.example/simple\n", 2, "index-url"},
		{"-i https://index.example/simple\n", 1, "index-url"},
		{"--extra-index-url=https://other.example/simple\n", 1, "[[indexes]]"},
		{"--find-links https://u:secret@h.example/\n", 1, "user name or a password"},
		{"-e .\n", 1, "[project]"},
		{"-e\n", 1, "names nothing"},
		{"idna==1 --hash=sha256:00\n", 1, "is no sha256"},
		{"idna==1 \\\n --hash=md5:00\n", 1, "--hash"},
		{"idna==1 --hash=sha512:00\n", 1, "a lock holds sha256"},
		{"--only-binary a==1\n", 1, "no name of a package"},
		{"--prefer-binary\n", 1, "policy"},
		{"idna --config-settings=x\n", 1, "--config-settings"},
		{"--requirements-of x\n", 1, "--requirements-of"},
		{"-r\n", 1, "names no file"},
		{"-r missing.in\n", 1, "no file missing.in"},
		{"-r requirements.in\n", 1, "names itself"},
		{"\n-r https://host.example/r.txt\n", 2, "network"},
		{"idna==${VERSION}\n", 1, "environment variables"},
		{"./local\n", 1, "no folder"},
		{"./dist/x-1.0-py3-none-any.whl\n", 1, "find-links"},
		{"x @ file://other.example/x\n", 1, "another machine"},
		{"~/x\n", 1, "every machine"},
		{"git+https://git.example/x@abc\n", 1, "without a name"},
		{"https://host.example/x-1.whl\n", 1, "without a name"},
		{"idna\x00\n", 1, "zero byte"},
	} {
		refused(t, tt.line, tt.words, "requirements.in\n"+tt.text)
	}
}

// What pip-compile writes is an input like another: its hashes bind.
func TestRequirementsFileOptions(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("B", 64)
	p := open(t, `requirements.in
# by pip-compile
--index-url https://index.example/simple/
--pre
--no-binary=one,Two
--only-binary :all:
--no-binary two
-r more/deep.txt
idna==3.10 \
    --hash=sha256:`+b+` \
    --hash sha256:`+a+` \
    # via requests
tomli==2.0 ; python_version < "3.11" --hash=sha256:`+a+`
git+https://git.example/x@`+a[:40]+`#egg=Some_Name[e]&subdirectory=s ; os_name == "posix"
https://files.example/my_lib-1.0-py3-none-any.whl#sha256=`+a+`
https://files.example/other-lib-2.0.tar.gz
`, "more/deep.txt\n-c bounds.txt\nsix  # why\n", "more/bounds.txt\nsix<2\n", "wheellock.toml\nindex-url = \"https://index.example/simple\"\n")
	var got []string
	for _, in := range append(p.Inputs, p.Constraints...) {
		got = append(got, in.Origin()+" "+in.Requirement+" "+strings.Join(in.Hashes, ","))
	}
	want := []string{
		"more/deep.txt:2 six ",
		"requirements.in:8 idna==3.10 " + a + "," + strings.ToLower(b),
		"requirements.in:12 tomli==2.0 ; python_version < \"3.11\" " + a,
		"requirements.in:13 Some_Name[e] @ git+https://git.example/x@" + a[:40] + "#subdirectory=s ; os_name == \"posix\" ",
		"requirements.in:14 my_lib @ https://files.example/my_lib-1.0-py3-none-any.whl#sha256=" + a + " ",
		"requirements.in:15 other-lib @ https://files.example/other-lib-2.0.tar.gz ",
		"more/bounds.txt:1 six<2 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !p.Prereleases || !cmp.Equal(p.OnlyBinary, []string{All}) || !cmp.Equal(p.NoBinary, []string{"two"}) {
		t.Errorf("%v %v %v", p.Prereleases, p.OnlyBinary, p.NoBinary)
	}
	for _, line := range []string{"hash \"idna\"", "no-binary \"two\"", "only-binary \":all:\"", "prereleases \"allow\""} {
		if !strings.Contains(p.RequiresText(), line) {
			t.Errorf("the digest does not cover %s", line)
		}
	}
}

// Projects in the user's own tree bring their requirements and are not locked.
func TestLocals(t *testing.T) {
	files := []string{`requirements.in
-e ./libs/one[fast] ; python_version >= "3.9"
two @ file:./libs/two
`, `libs/one/pyproject.toml
[project]
name = "One"
version = "1.5"
requires-python = ">=3.8"
dependencies = [
  "six>=1",
  "tomli ; python_version < '3.11' or os_name == 'nt'",
]
[project.optional-dependencies]
fast = ["orjson"]
slow = ["idna"]
`, `libs/two/pyproject.toml
[project]
name = "two"
version = "2.0"
dependencies = ["one>=1"]
`}
	p := open(t, files...)
	var got []string
	for _, in := range p.Inputs {
		got = append(got, in.Origin()+" "+in.Requirement)
	}
	want := []string{
		"libs/one/pyproject.toml:6 six>=1 ; python_version >= \"3.9\"",
		"libs/one/pyproject.toml:7 tomli ; (python_version < '3.11' or os_name == 'nt') and (python_version >= \"3.9\")",
		"libs/one/pyproject.toml:10 orjson ; python_version >= \"3.9\"",
		"libs/two/pyproject.toml:4 one>=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.Locals) != 2 || p.Locals[0].Name != "one" || p.Locals[0].Version != "1.5" || p.Locals[1].Dir != "libs/two" || p.Locals[1].Line != 2 {
		t.Errorf("%+v", p.Locals)
	}
	q := apply(t, p)(p.RemoveRequirement("one"))
	if string(q.files["requirements.in"]) != "two @ file:./libs/two\n" {
		t.Errorf("%s", q.files["requirements.in"])
	}
	refused(t, 4, "dynamic", "requirements.in\n./lib\n", "lib/pyproject.toml\n[project]\nname = \"x\"\nversion = \"1\"\ndynamic = [\"dependencies\"]\n")
	refused(t, 1, "has no extra", "requirements.in\n./lib[gui]\n", "lib/pyproject.toml\n[project]\nname = \"x\"\nversion = \"1\"\n")
	refused(t, 1, `is named "x"`, "requirements.in\ny @ file:lib\n", "lib/pyproject.toml\n[project]\nname = \"x\"\nversion = \"1\"\n")
}

func TestPyproject(t *testing.T) {
	p := open(t, `pyproject.toml
[project]
name = "My.App"
dependencies = [
    "requests>=2",  # http
    'tomli; python_version < "3.11"',
]
[project.optional-dependencies]
socks = ["pysocks"]
All = ["my_app[socks, all]", "colorama"]
[dependency-groups]
test = ["pytest", {include-group = "Type_Check"}]
type-check = [
    "mypy",
]
`)
	want := []string{
		"|requests>=2|pyproject.toml:4", "|tomli; python_version < \"3.11\"|pyproject.toml:5",
		"all|pysocks|pyproject.toml:8", "all|colorama|pyproject.toml:9", "socks|pysocks|pyproject.toml:8",
		"test|pytest|pyproject.toml:11", "test|mypy|pyproject.toml:13", "type-check|mypy|pyproject.toml:13",
	}
	if diff := cmp.Diff(want, inputs(p.Inputs)); diff != "" {
		t.Error(diff)
	}
}

func TestPyprojectRefuses(t *testing.T) {
	for _, tt := range []struct {
		text  string
		line  int
		words string
	}{
		{"[project]\ndependencies = \"x\"\n", 2, "not an array"},
		{"[project]\ndependencies = [\n\"x\",\n3]\n", 4, "not a string"},
		{"[project\n", 1, "not TOML"},
		{"[project]\nname = \"x\"\nname = \"y\"\n", 3, "not TOML"},
		{"[dependency-groups]\na = [{include-group = \"b\"}]\nb = [{include-group = \"a\"}]\n", 3, "itself"},
		{"[dependency-groups]\na = [{include-group = \"c\"}]\n", 2, "not there"},
		{"[dependency-groups]\na = [{include = \"c\"}]\n", 2, "include-group"},
		{"[dependency-groups]\na-b = []\nA_b = []\n", 2, "same name"},
		{"[dependency-groups]\na = \"x\"\n", 2, "not an array"},
		{"[project]\nname = \"me\"\n[project.optional-dependencies]\na = [\"me[b]\"]\n", 4, "no extra"},
		{"dependency-groups = 1\n", 1, "not a table"},
	} {
		refused(t, tt.line, tt.words, "pyproject.toml\n"+tt.text)
	}
}

func TestSources(t *testing.T) {
	project := "pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"fromproject\"]\n"
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"both: the project's table wins", []string{project, "requirements.in\nfromfile\n"}, "fromproject"},
		{"dynamic: the file wins", []string{"pyproject.toml\n[project]\nname = \"a\"\ndynamic = [\"dependencies\"]\n", "requirements.in\nfromfile\n"}, "fromfile"},
		{"only tools in pyproject.toml", []string{"pyproject.toml\n[tool.x]\ny = 1\n", "requirements.in\nfromfile\n"}, "fromfile"},
		{"named", []string{project, "requirements.in\nfromfile\n", "wheellock.toml\nsources = [\"requirements.in\"]\n"}, "fromfile"},
		{"own", []string{"wheellock.toml\nrequirements = [\"own\"]\n"}, "own"},
		{"nothing", nil, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, i := range open(t, tt.files...).Inputs {
			got = append(got, i.Requirement)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	refused(t, 1, "no file gone.in", "wheellock.toml\nsources = [\"gone.in\"]\n")
	if _, err := Open(t.TempDir(), "gone.toml"); err == nil {
		t.Error("a configuration that is not there is accepted")
	}
}

const everyKey = `
wheelhouse = "wheelhouse"
root = ["0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567"]
log = "wheels.example.org+0a1b2c3d+Acy9UKGQUgiRIPWmoxHrImMhN4uOQ0wPNvmoS3G6lxpp"
versions = "bounded"
bounded-by = "90 days"
prefer = "least-work"
exclude-newer = "7 days"
private = ["ourcorp-*"]
index-url = "https://index.example/simple"
find-links = ["dist"]
sources = []
requirements = ["idna"]
constraints = ["idna<4"]
overrides = ["urllib3==1.26.20"]
no-binary = ["Mark_up"]
only-binary = [":all:"]
conflicts = []
backend = "chroot"
release-keys = ["89abcdef0123456789abcdef0123456789abcdef"]
advisories = ["advisories"]
[policy]
wheels = "build"
mirror = "all"
build-requirements = "build"
append = "pending"
normal-form = "1"
builders = 2
reviews = 1
witnesses = 3
ceremony = ["root", "new-package"]
[[targets]]
name = "bookworm"
[[targets]]
name = "ours"
python = "3.12"
platform = "manylinux_2_28_x86_64"
implementation = "pypy"
[[indexes]]
name = "corp"
url = "https://corp.example/simple/"
packages = ["ourcorp-*", "lib"]
private = true
[[indexes]]
name = "first"
url = "https://index.example/simple/"
default = false
[[metadata]]
name = "old"
version = "1.0"
requires = ["six"]
requires-python = ">=3"
[[build]]
name = "pynacl"
version = "1.5.0"
env = { SODIUM_INSTALL = "system" }
config-settings = { "--build-option" = ["--x", "--y"], k = "v" }
build-requires = ["cython<3"]
normal-form = "none"
[[build]]
name = "other"
[build.env]
A = "1"
[trees.bullseye]
suites = ["bullseye", "bullseye-backports"]
packages = ["libpq-dev", "cmake/bullseye-backports"]
image = "builders/bullseye:1"
`

func TestConfig(t *testing.T) {
	want := Config{
		Wheelhouse: "wheelhouse", Root: []string{"0123456789ABCDEF0123456789ABCDEF01234567"},
		Log:      "wheels.example.org+0a1b2c3d+Acy9UKGQUgiRIPWmoxHrImMhN4uOQ0wPNvmoS3G6lxpp",
		Versions: "bounded", BoundedBy: "90 days", Prefer: "least-work", ExcludeNewer: "7 days", Private: []string{"ourcorp-*"},
		IndexURL: "https://index.example/simple", FindLinks: []string{"dist"}, Sources: []Source{}, Requirements: []string{"idna"},
		Constraints: []string{"idna<4"}, Overrides: []string{"urllib3==1.26.20"}, NoBinary: []string{"mark-up"}, OnlyBinary: []string{":all:"},
		Advisories: []string{"advisories"},
		Policy:     Policy{"build", "all", "build", "pending", "1", 2, 1, 3, []string{"root", "new-package"}},
		Targets: []Target{{Name: "bookworm"},
			{Name: "ours", Python: "3.12", Platform: "manylinux_2_28_x86_64", Implementation: "pypy"}},
		Metadata: []Metadata{{"old", "1.0", ">=3", []string{"six"}}},
		Builds: []Build{{"pynacl", "1.5.0", map[string]string{"SODIUM_INSTALL": "system"}, map[string][]string{"--build-option": {"--x", "--y"}, "k": {"v"}}, []string{"cython<3"}, "none"},
			{Name: "other", Env: map[string]string{"A": "1"}}},
		Backend: "chroot", Trees: []Tree{{"bullseye", []string{"bullseye", "bullseye-backports"}, []string{"libpq-dev", "cmake/bullseye-backports"}, "builders/bullseye:1"}},
		ReleaseKeys: []string{"89ABCDEF0123456789ABCDEF0123456789ABCDEF"},
		File:        "wheellock.toml",
	}
	indexes := func(line int) []Index {
		return []Index{
			{"corp", "https://corp.example/simple/", []string{"ourcorp-*", "lib"}, true, nil, false, line},
			{"first", "https://index.example/simple/", nil, false, nil, false, line + 5},
		}
	}
	want.Indexes = indexes(39)
	got := open(t, "wheellock.toml\n"+everyKey).Config
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The same keys below [tool.wheellock].
	text := strings.NewReplacer("[policy]", "[tool.wheellock.policy]", "[[targets]]", "[[tool.wheellock.targets]]", "[[metadata]]", "[[tool.wheellock.metadata]]", "[[indexes]]", "[[tool.wheellock.indexes]]", "[[build]]", "[[tool.wheellock.build]]", "[build.", "[tool.wheellock.build.", "[trees.", "[tool.wheellock.trees.").Replace(everyKey)
	want.File = "pyproject.toml"
	want.Indexes = indexes(39)
	if diff := cmp.Diff(want, open(t, "pyproject.toml\n[tool.wheellock]"+text).Config); diff != "" {
		t.Error(diff)
	}
	// Dotted and inline spellings mean the same.
	p := open(t, "wheellock.toml\npolicy.reviews = 4\ntargets = [\n  { name = \"focal\" },\n  { name = \"bionic\", python = \"3.6\" },\n]\n")
	if p.Config.Policy.Reviews != 4 || !cmp.Equal(p.Config.Targets, []Target{{Name: "focal"}, {Name: "bionic", Python: "3.6"}}) {
		t.Errorf("%+v", p.Config)
	}
	if p := open(t, "wheellock.toml\npolicy = { reviews = 5 }\n"); p.Config.Policy.Reviews != 5 || p.Config.Policy.Builders != 1 {
		t.Errorf("%+v", p.Config.Policy)
	}
	if p := open(t); !cmp.Equal(p.Config, defaults()) {
		t.Errorf("%+v", p.Config)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		text  string
		line  int
		words string
	}{
		{"whelhouse = \"x\"\n", 1, `did you mean "wheelhouse"`},
		{"\n[policy]\nbuilder = 1\n", 3, `did you mean "builders"`},
		{"[policies]\nbuilders = 1\n", 1, "unknown key"},
		{"[[targets]]\nname = \"a\"\npyhton = \"3\"\n", 3, `did you mean "python"`},
		{"[[target]]\nname = \"a\"\n", 1, `did you mean "targets"`},
		{"[[targets]]\n", 1, "no name"},
		{"[[targets]]\nname = \"a\"\n[[targets]]\nname = \"a\"\n", 1, "twice"},
		{"versions = \"newst\"\n", 1, "did you mean newest?"},
		{"prefer = 3\n", 1, "expected newest"},
		{"root = [\"abc\"]\n", 1, "fingerprint"},
		{"log = \"abc\"\n", 1, "verifier key"},
		{"exclude-newer = \"soon\"\n", 1, "cooldown"},
		{"exclude-newer = 2026-11-15T00:00:00\n", 1, "offset"},
		{"bounded-by = \"07 days\"\n", 1, "180 days"},
		{"[policy]\nreviews = -1\n", 2, "0 to 100"},
		{"[policy]\nreviews = \"1\"\n", 2, "0 to 100"},
		{"[policy]\nceremony = [\"never\"]\n", 2, "new-package"},
		{"policy = 1\n", 1, "[policy]"},
		{"targets = \"bookworm\"\n", 1, "[[targets]]"},
		{"wheelhouse = \"\"\n", 1, "content"},
		{"wheelhouse = 1\n", 1, "string"},
		{"private = \"x\"\n", 1, "list of strings"},
		{"private = [\"ourcorp-[ab]\"]\n", 1, "no name of a package nor a pattern"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://a.example\"\nhosts = [\"f.example\"]\n", 1, "has hosts"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://a.example\"\nprivate = true\nhosts = [\"https://f.example\"]\n", 5, "no host"},
		{"[[metadata]]\nname = \"x\"\n", 1, "lacks"},
		{"[[build]]\nname = \"x\"\n", 1, "says nothing"},
		{"[[build]]\nenv = { A = \"1\" }\n", 1, "lacks a name"},
		{"[[build]]\nname = \"x\"\nenv = \"A=1\"\n", 3, "is not a table"},
		{"[[build]]\nname = \"x\"\nenv = { A = 1 }\n", 3, "A of env is not a string"},
		{"[[build]]\nname = \"x\"\nenv = { \"A B\" = \"1\" }\n", 3, "no name of an environment variable"},
		{"[[build]]\nname = \"x\"\nenv = { SOURCE_DATE_EPOCH = \"1\" }\n", 3, "the sandbox's own"},
		{"[[build]]\nname = \"x\"\nconfig-settings = { a = [] }\n", 3, "no value"},
		{"[[build]]\nname = \"x\"\nbuild-require = []\n", 3, `did you mean "build-requires"`},
		{"[[build]]\nname = \"x\"\nenv = { A = \"1\" }\n[[build]]\nname = \"X\"\nenv = { A = \"2\" }\n", 1, "twice"},
		{"wheelhouse = x\n", 1, "not TOML"},
		{"override = [\"x\"]\n", 1, `did you mean "overrides"`},
		{"no-binary = \"x\"\n", 1, "list of strings"},
		{"only-binary = [\"x==1\"]\n", 1, "no name of a package"},
		{"conflicts = [\"gpu\", \"cpu\"]\n", 1, "not a list of groups"},
		{"conflicts = [[\"gpu\"]]\n", 1, "two different"},
		{"conflicts = [[\"gpu\", \"GPU\"]]\n", 1, "two different"},
		{"conflicts = [[\"gpu\", \"cpu\"]]\n", 1, "no such group"},
		{"constraints = [3]\n", 1, "constraints has a member"},
		{"[[index]]\nname = \"a\"\n", 1, "unknown key"},
		{"[[indexes]]\n", 1, "lacks name or url"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://u:secret@h.example/\"\n", 3, "holds a user name or a password"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://h.example/\"\npackages = [\"a b\"]\n", 4, "pattern"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://h.example/\"\npackages = []\n", 4, "is empty"},
		{"[[indexes]]\nname = \"a\"\nurl = \"https://h.example/\"\nprivate = \"yes\"\n", 4, "true or false"},
		{"[[indexes]]\nname = \"a\"\nurl = \"u\"\n[[indexes]]\nname = \"a\"\nurl = \"v\"\n", 4, "twice"},
		{"[[indexes]]\nname = \"a\"\nurl = \"u\"\nprivat = true\n", 4, `did you mean "private"`},
	} {
		refused(t, tt.line, tt.words, "wheellock.toml\n"+tt.text)
	}
	refused(t, 1, "only one is read", "pyproject.toml\n[tool.wheellock]\n", "wheellock.toml\n")
	refused(t, 2, `did you mean "versions"`, "pyproject.toml\n[tool.wheellock]\nversion = \"newest\"\n")
	refused(t, 2, `did you mean "versions"`, "pyproject.toml\n[tool]\nwheellock = { version = \"newest\" }\n")
}

func TestCutoff(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 5, time.UTC)
	for text, want := range map[string]string{
		`"7 days"`: "2026-11-15T12:00:00Z", `"1 week"`: "2026-11-15T12:00:00Z", `"12 hours"`: "2026-11-22T00:00:00Z",
		"2026-11-01T01:00:00+01:00": "2026-11-01T00:00:00Z", "2026-11-01": "2026-11-01T00:00:00Z", `"2026-11-01"`: "2026-11-01T00:00:00Z",
	} {
		p := open(t, "wheellock.toml\nexclude-newer = "+text+"\n")
		at, ok, err := p.Config.Cutoff(now)
		if err != nil || !ok || at.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v %v, want %s", text, at, ok, err, want)
		}
		if p.Config.ExcludeNewer != strings.Trim(text, `"`) {
			t.Errorf("%s is kept as %q", text, p.Config.ExcludeNewer)
		}
	}
	if _, ok, err := (Config{}).Cutoff(now); ok || err != nil {
		t.Error("no cut-off")
	}
}

func TestRequiresText(t *testing.T) {
	p := open(t, "requirements.in\nRequests[socks] >= 2.31, <3   # http\ntomli; python_version < '3.11'\n", "wheellock.toml\n[[targets]]\nname = \"bookworm\"\n")
	want := `wheellock-requires/v1
policy "append" "now"
policy "build-requirements" "upstream"
policy "builders" "1"
policy "ceremony" "root"
policy "mirror" "unreproducible"
policy "reviews" "0"
policy "wheels" "build-unless-reproducible"
policy "witnesses" "0"
prefer "newest"
require "" "requests[socks]<3,>=2.31"
require "" "tomli ; python_version<\"3.11\""
target "bookworm" "" "" ""
versions "newest"
`
	if diff := cmp.Diff(want, p.RequiresText()); diff != "" {
		t.Error(diff)
	}
	if sum := sha256.Sum256([]byte(want)); p.RequiresDigest() != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Error(p.RequiresDigest())
	}
	same := []string{
		"tomli ;python_version<\"3.11\"\n\n# x\nrequests [Socks]<3,>=2.31\n",
		"requests[socks] (>=2.31,<3)\ntomli;python_version  <  '3.11'\ntomli; python_version < '3.11'\n",
	}
	for _, s := range same {
		if got := open(t, "requirements.in\n"+s, "wheellock.toml\n[[targets]]\nname = \"bookworm\"\n").RequiresDigest(); got != p.RequiresDigest() {
			t.Errorf("another digest for\n%s", s)
		}
	}
	base := "tomli ; python_version < '3.11'\nrequests[socks]>=2.31,<3\n"
	config := "[[targets]]\nname = \"bookworm\"\n"
	seen := map[string]string{p.RequiresDigest(): "the base"}
	for _, o := range [][2]string{
		{strings.Replace(base, "2.31", "2.32", 1), config}, {strings.Replace(base, "[socks]", "", 1), config},
		{strings.Replace(base, "3.11", "3.12", 1), config}, {base + "idna\n", config}, {base + "-c c.txt\n", config},
		{strings.Replace(base, "'3.11'", "'3. 11'", 1), config},
		{base, config + "python = \"3.12\"\n"}, {base, config + "[[targets]]\nname = \"focal\"\n"},
		{base, "prefer = \"lowest\"\n" + config}, {base, "versions = \"fewest\"\n" + config}, {base, "versions = \"bounded\"\n" + config},
		{base, "versions = \"bounded\"\nbounded-by = \"1 day\"\n" + config},
		{base, "exclude-newer = \"7 days\"\n" + config}, {base, "exclude-newer = \"1 week\"\n" + config}, {base, "[policy]\nreviews = 1\n" + config},
		{base, "[[metadata]]\nname = \"x\"\nversion = \"1\"\nrequires = []\n" + config},
	} {
		d := open(t, "requirements.in\n"+o[0], "wheellock.toml\n"+o[1], "c.txt\nsix<2\n").RequiresDigest()
		if seen[d] != "" {
			t.Errorf("the digest of %q is that of %s", o, seen[d])
		}
		seen[d] = o[0] + o[1]
	}
}
