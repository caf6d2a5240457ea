package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
)

func hexOf(n int) string { return fmt.Sprintf("%064x", n) }

// sample is a lock with every kind of row, in no particular order.
func sample() *Lock {
	at := time.Date(2026, 11, 15, 1, 0, 0, 999, time.FixedZone("", 3600))
	l := &Lock{
		RequiresDigest: "sha256:" + hexOf(1),
		ExcludeNewer:   &at,
		Targets: []Target{
			{Name: "focal", Python: "3.8", Platform: "manylinux_2_31_x86_64"},
			{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"},
		},
		Packages: []Package{
			{Name: "setuptools", Version: "75.8.0", Group: GroupBuild, Targets: []string{"bookworm"},
				Wheels: []Wheel{{Name: "setuptools-75.8.0-py3-none-any.whl", Origin: OriginUpstream, Size: 10, SHA256: hexOf(7)}}},
			{Name: "six", Version: "1.17.0", RequiresPython: ">=2.7, !=3.0.*", Targets: []string{"focal", "bookworm"},
				Sdist:    &File{"six-1.17.0.tar.gz", 34031, hexOf(2)},
				Wheels:   []Wheel{{Name: "six-1.17.0-py2.py3-none-any.whl", Origin: OriginBuilt, Targets: []string{"bookworm", "focal"}}},
				Upstream: []Upstream{{Name: "six-1.17.0-py2.py3-none-any.whl", Size: 11050, SHA256: hexOf(3), Verdict: VerdictUntried}}},
			{Name: "markupsafe", Version: "3.0.2", Targets: []string{"bookworm"}, Groups: []string{"docs", "dev"},
				Sdist: &File{"MarkupSafe-3.0.2.tar.gz", 0, hexOf(4)},
				Wheels: []Wheel{{Name: "markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl", Origin: OriginBuilt, Size: 27190,
					SHA256: hexOf(5), Content: hexOf(6)}},
				Upstream: []Upstream{{Name: "MarkupSafe-3.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
					SHA256: hexOf(8), Verdict: VerdictDiffers, Causes: []string{"native-compiler", "vendored-libs"}}}},
			{Name: "requests", Version: "2.32.4", Dependencies: []string{"six"},
				TargetDependencies: map[string][]string{"bookworm": {"markupsafe", "idna"}, "focal": {"idna"}},
				Wheels:             []Wheel{{Name: "requests-2.32.4-py3-none-any.whl", Origin: OriginUpstream, SHA256: hexOf(9)}}},
		},
		Recipes: []Recipe{{
			Sdist: "sha256:" + hexOf(4), Backend: "setuptools.build_meta:__legacy__", BackendPath: []string{"."},
			BuildRequires: []BuildRequire{{"setuptools", "75.8.0", hexOf(7)}}, Python: "cp311",
			Epoch: &Epoch{1729281600, "sdist"}, Umask: "022", BuildPath: "/build/markupsafe-3.0.2",
			Env: map[string]string{"B": "new\nline \"é\" \\", "A_1": "𝄞"}, Toolchain: []string{"gcc-12 12.2.0-14"},
			ExpectTags: []string{"cp311-cp311-linux_x86_64"}, NormalForm: "1",
		}},
	}
	l.Recipes[0].Digest = l.Recipes[0].ComputeDigest()
	l.Packages[2].Wheels[0].Recipe = l.Recipes[0].Digest
	return l
}

func TestFormat(t *testing.T) {
	l := sample()
	got := string(l.Format())
	want := `lock-version = "1"
created-by = "wheellock"
requires-digest = "sha256:` + hexOf(1) + `"
exclude-newer = 2026-11-15T00:00:00Z

[[targets]]
name = "bookworm"
python = "3.11"
platform = "manylinux_2_36_x86_64"

[[targets]]
name = "focal"
python = "3.8"
platform = "manylinux_2_31_x86_64"

[[packages]]
name = "markupsafe"
version = "3.0.2"
groups = ["dev", "docs"]
targets = ["bookworm"]
dependencies = []
[packages.sdist]
name = "MarkupSafe-3.0.2.tar.gz"
hashes = { sha256 = "` + hexOf(4) + `" }
[[packages.wheels]]
name = "markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl"
origin = "built"
recipe = "` + l.Recipes[0].Digest + `"
size = 27190
hashes = { sha256 = "` + hexOf(5) + `", content = "` + hexOf(6) + `" }
[[packages.upstream]]
name = "MarkupSafe-3.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
hashes = { sha256 = "` + hexOf(8) + `" }
verdict = "differs"
causes = ["native-compiler", "vendored-libs"]

[[packages]]
name = "requests"
version = "2.32.4"
dependencies = ["idna", "six"]
target-dependencies = { bookworm = ["markupsafe"] }
[[packages.wheels]]
name = "requests-2.32.4-py3-none-any.whl"
origin = "upstream"
hashes = { sha256 = "` + hexOf(9) + `" }

[[packages]]
name = "setuptools"
version = "75.8.0"
group = "build"
targets = ["bookworm"]
dependencies = []
[[packages.wheels]]
name = "setuptools-75.8.0-py3-none-any.whl"
origin = "upstream"
size = 10
hashes = { sha256 = "` + hexOf(7) + `" }

[[packages]]
name = "six"
version = "1.17.0"
requires-python = ">=2.7, !=3.0.*"
dependencies = []
[packages.sdist]
name = "six-1.17.0.tar.gz"
size = 34031
hashes = { sha256 = "` + hexOf(2) + `" }
[[packages.wheels]]
name = "six-1.17.0-py2.py3-none-any.whl"
origin = "built"
[[packages.upstream]]
name = "six-1.17.0-py2.py3-none-any.whl"
size = 11050
hashes = { sha256 = "` + hexOf(3) + `" }
verdict = "untried"

[[recipes]]
digest = "` + l.Recipes[0].Digest + `"
sdist = "sha256:` + hexOf(4) + `"
backend = "setuptools.build_meta:__legacy__"
backend-path = ["."]
build-requires = [{ name = "setuptools", version = "75.8.0", sha256 = "` + hexOf(7) + `" }]
python = "cp311"
epoch = { value = 1729281600, from = "sdist" }
umask = "022"
build-path = "/build/markupsafe-3.0.2"
env = { A_1 = "\U0001D11E", B = "new\u000Aline \"\u00E9\" \\" }
toolchain = ["gcc-12 12.2.0-14"]
expect-tags = ["cp311-cp311-linux_x86_64"]
normal-form = "1"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	back, err := Parse("wheels.lock", []byte(got))
	if err != nil {
		t.Fatal(err)
	}
	before := string(sample().Format())
	if string(l.Format()) != before {
		t.Error("Format changed its lock")
	}
	l.Sort()
	if diff := cmp.Diff(l, back); diff != "" {
		t.Error(diff)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

func TestPackageCommentExample(t *testing.T) {
	// The worked example of the package comment is a real lock.
	text := `lock-version = "1"
created-by = "wheellock"
requires-digest = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
exclude-newer = 2026-11-15T00:00:00Z

[[targets]]
name = "bookworm"
python = "3.11"
platform = "manylinux_2_36_x86_64"

[[packages]]
name = "six"
version = "1.17.0"
dependencies = []
[packages.sdist]
name = "six-1.17.0.tar.gz"
size = 34031
hashes = { sha256 = "ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81" }
[[packages.wheels]]
name = "six-1.17.0-py2.py3-none-any.whl"
origin = "built"
`
	if _, err := Parse("wheels.lock", []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// The writer's text means, to a TOML reader that is not ours, what the lock says.
func TestFormatIsTOML(t *testing.T) {
	var v struct {
		ExcludeNewer time.Time `toml:"exclude-newer"`
		Packages     []struct {
			Name               string
			Dependencies       []string
			TargetDependencies map[string][]string `toml:"target-dependencies"`
			Sdist              *struct {
				Name   string
				Size   int64
				Hashes map[string]string
			}
			Wheels []struct{ Name, Origin, Recipe string }
		}
		Recipes []struct {
			Env   map[string]string
			Epoch struct {
				Value int64
				From  string
			}
		}
	}
	if err := toml.Unmarshal(sample().Format(), &v); err != nil {
		t.Fatal(err)
	}
	l := sample()
	l.Sort()
	if !v.ExcludeNewer.Equal(*l.ExcludeNewer) {
		t.Errorf("exclude-newer %v", v.ExcludeNewer)
	}
	if diff := cmp.Diff(l.Recipes[0].Env, v.Recipes[0].Env); diff != "" {
		t.Error(diff)
	}
	if v.Recipes[0].Epoch.Value != 1729281600 || v.Recipes[0].Epoch.From != "sdist" {
		t.Errorf("epoch %+v", v.Recipes[0].Epoch)
	}
	if len(v.Packages) != 4 || v.Packages[3].Sdist.Hashes["sha256"] != hexOf(2) || v.Packages[0].Wheels[0].Recipe != l.Recipes[0].Digest {
		t.Errorf("packages %+v", v.Packages)
	}
	if diff := cmp.Diff(map[string][]string{"bookworm": {"markupsafe"}}, v.Packages[1].TargetDependencies); diff != "" {
		t.Error(diff)
	}
}

func TestJSONFitsSchema(t *testing.T) {
	b := sample().JSON()
	if err := schema.Validate("wheels.lock", b); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if v["exclude-newer"] != "2026-11-15T00:00:00Z" {
		t.Errorf("exclude-newer %v", v["exclude-newer"])
	}
}

// Every mutation of a valid text is refused, with the right line and words.
func TestParseRefuses(t *testing.T) {
	good := string(sample().Format())
	lineOf := func(sub string) int { return 1 + strings.Count(good[:strings.Index(good, sub)], "\n") }
	tests := []struct {
		name, old, new string
		line           int
		msg            string
	}{
		{"crlf", "\n", "\r\n", 1, "carriage return"},
		{"version", `lock-version = "1"`, `lock-version = "2"`, 1, `lock-version is "2"`},
		{"no version", "lock-version = \"1\"\n", "", 0, `lock-version is ""`},
		{"creator", `"wheellock"`, `"other"`, 0, `created-by is "other"`},
		{"unknown key", "requires-python =", "requires-pyton =", lineOf("requires-python ="), `did you mean "requires-python"`},
		{"key order", "name = \"bookworm\"\npython = \"3.11\"", "python = \"3.11\"\nname = \"bookworm\"", lineOf("[[targets]]") + 2, "out of order"},
		{"comment", "[[targets]]", "# hello\n[[targets]]", lineOf("[[targets]]"), "comment"},
		{"conflict", "size = 27190", "<<<<<<< HEAD\nsize = 27190", lineOf("size = 27190"), "merge conflict"},
		{"conflict at block", "[[targets]]", "<<<<<<< HEAD\n[[targets]]", lineOf("[[targets]]"), "merge conflict"},
		{"blank line", "origin = \"built\"", "\norigin = \"built\"", lineOf("origin = \"built\"") + 1, "expected"},
		{"two blank lines", "\n[[targets]]", "\n\n[[targets]]", lineOf("[[targets]]"), "empty line too many"},
		{"trailing blank", "size = 27190", "size = 27190 ", lineOf("size = 27190"), "end of the line"},
		{"spacing", "size = 27190", "size=27190", lineOf("size = 27190"), "expected"},
		{"leading zero", "size = 27190", "size = 027190", lineOf("size = 27190"), "leading zero"},
		{"plus", "size = 27190", "size = +27190", lineOf("size = 27190"), "number"},
		{"underscore", "size = 27190", "size = 27_190", lineOf("size = 27190"), "end of the line"},
		{"literal string", `umask = "022"`, `umask = '022'`, lineOf("umask"), "double quotes"},
		{"needless escape", `umask = "022"`, `umask = "02\u0032"`, lineOf("umask"), "not in canonical form"},
		{"small escape", `\u00E9`, `\u00e9`, lineOf("env ="), "not in canonical form"},
		{"unknown escape", `\u000A`, `\n`, lineOf("env ="), "escapes"},
		{"surrogate", `\u000A`, `\uD800`, lineOf("env ="), "escapes"},
		{"raw unicode", `\u00E9`, `é`, lineOf("env ="), "not printable ASCII"},
		{"list order", `["dev", "docs"]`, `["docs", "dev"]`, lineOf("groups =") - 3, "sorted names"},
		{"list spacing", `["dev", "docs"]`, `["dev","docs"]`, lineOf("groups ="), "expected"},
		{"trailing comma", `["dev", "docs"]`, `["dev", "docs",]`, lineOf("groups ="), "expected"},
		{"duplicate in list", `["dev", "docs"]`, `["dev", "dev"]`, lineOf("groups =") - 3, "sorted names"},
		{"date", "2026-11-15T00:00:00Z", "2026-11-15T00:00:00+00:00", 4, "instant"},
		{"fraction", "2026-11-15T00:00:00Z", "2026-11-15T00:00:00.0Z", 4, "instant"},
		{"all targets named", "requires-python = \">=2.7, !=3.0.*\"\n", "requires-python = \">=2.7, !=3.0.*\"\ntargets = [\"bookworm\", \"focal\"]\n", lineOf("name = \"six\"") - 1, "no list where it would name all"},
		{"unknown target", `targets = ["bookworm"]`, `targets = ["xenial"]`, lineOf("targets = [") - 4, "targets"},
		{"unsorted targets", "name = \"bookworm\"", "name = \"woody\"", lineOf("name = \"focal\"") - 1, "out of order"},
		{"duplicate package", "name = \"requests\"\nversion = \"2.32.4\"\ndependencies = [\"idna\", \"six\"]\ntarget-dependencies = { bookworm = [\"markupsafe\"] }\n[[packages.wheels]]\nname = \"requests-2.32.4", "name = \"markupsafe\"\nversion = \"3.0.2\"\ndependencies = [\"idna\", \"six\"]\ntarget-dependencies = { bookworm = [\"markupsafe\"] }\n[[packages.wheels]]\nname = \"markupsafe-3.0.2", lineOf("name = \"requests\"") - 1, "two versions of markupsafe"},
		{"name not normal", "name = \"six\"\nversion", "name = \"Six\"\nversion", lineOf("name = \"six\"") - 1, "not in normal form"},
		{"version not normal", `version = "1.17.0"`, `version = "1.17.00"`, lineOf("name = \"six\"") - 1, "PEP 440"},
		{"upper-case hash", hexOf(6), strings.Repeat("A", 64), lineOf("recipe = ") - 3, "lower-case"},
		{"short hash", hexOf(5), hexOf(5)[1:], lineOf("recipe = ") - 3, "64"},
		{"size without hash", "\nsize = 27190\nhashes = { sha256 = \"" + hexOf(5) + "\", content = \"" + hexOf(6) + "\" }", "\nsize = 27190", lineOf("recipe = ") - 3, "neither size nor hashes"},
		{"zero size", "size = 27190", "size = 0", lineOf("recipe = ") - 3, "size is 0"},
		{"origin", `origin = "upstream"`, `origin = "elsewhere"`, lineOf("requests-2.32.4-py3") - 1, "origin"},
		{"no wheel", "[[packages.wheels]]\nname = \"requests-2.32.4-py3-none-any.whl\"\norigin = \"upstream\"\nhashes = { sha256 = \"" + hexOf(9) + "\" }\n", "", lineOf("name = \"requests\"") - 1, "0 wheels to install on bookworm"},
		{"other package's wheel", "requests-2.32.4-py3", "flask-2.32.4-py3", lineOf("requests-2.32.4-py3") - 1, "not the name of a wheel"},
		{"other version's wheel", "requests-2.32.4-py3", "requests-2.32.5-py3", lineOf("requests-2.32.4-py3") - 1, "not the name of a wheel"},
		{"path in a name", "requests-2.32.4-py3-none-any.whl", "../requests-2.32.4-py3-none-any.whl", lineOf("requests-2.32.4-py3") - 1, "not the name of a wheel"},
		{"other source", "six-1.17.0.tar.gz", "six-1.16.0.tar.gz", lineOf("[packages.sdist]\nname = \"six"), "not the name of a source"},
		{"verdict", `"untried"`, `"fine"`, lineOf("verdict = \"untried\"") - 4, "verdict"},
		{"recipe changed", `umask = "022"`, `umask = "002"`, lineOf("[[recipes]]"), "its content has the digest"},
		{"environment of the sandbox", `env = { `, `env = { LD_AUDIT = "/source/walls.so", `, lineOf("[[recipes]]"), "sandbox's own"},
		{"another epoch than the field's", `env = { `, `env = { SOURCE_DATE_EPOCH = "1", `, lineOf("[[recipes]]"), "sandbox's own"},
		{"recipe for another source", "hashes = { sha256 = \"" + hexOf(4), "hashes = { sha256 = \"" + hexOf(44), lineOf("recipe = ") - 3, "another source"},
		{"build requirement not locked", "hashes = { sha256 = \"" + hexOf(7), "hashes = { sha256 = \"" + hexOf(77), lineOf("[[recipes]]"), "not locked with this hash"},
		{"target called any", "name = \"bookworm\"", "name = \"any\"", lineOf("name = \"bookworm\"") - 1, "target name"},
		{"unknown table", "[[recipes]]", "[[receipts]]", lineOf("[[recipes]]"), "unknown"},
		{"dependency everywhere", `target-dependencies = { bookworm = ["markupsafe"] }`, `target-dependencies = { bookworm = ["markupsafe"], focal = ["markupsafe"] }`, lineOf("target-dependencies") - 4, "every target needs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("the sample has no %q", tt.old)
			}
			_, err := Parse("wheels.lock", []byte(strings.Replace(good, tt.old, tt.new, 1)))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Line != tt.line {
				t.Errorf("line %d, want %d: %v", e.Line, tt.line, e)
			}
			if !strings.Contains(e.Msg, tt.msg) {
				t.Errorf("message %q, want %q in it", e.Msg, tt.msg)
			}
			if e.Hint == "" || e.File != "wheels.lock" {
				t.Errorf("no hint or file: %+v", e)
			}
		})
	}
}

func TestParseEnds(t *testing.T) {
	good := sample().Format()
	for _, bad := range []string{"", "\n", string(good) + "\n", string(good[:len(good)-1]), "\xef\xbb\xbf" + string(good), string(good) + "x", string(good) + "\x00\n"} {
		if _, err := Parse("wheels.lock", []byte(bad)); err == nil {
			t.Errorf("accepted %.20q...%.20q", bad, bad[max(0, len(bad)-20):])
		}
	}
	// A text cut at any line is refused or is a smaller lock with the same spelling.
	for i, c := range good {
		if c != '\n' {
			continue
		}
		if l, err := Parse("wheels.lock", good[:i+1]); err == nil && string(l.Format()) != string(good[:i+1]) {
			t.Errorf("cut at %d reads as something else", i)
		}
	}
}

func TestQueries(t *testing.T) {
	l := sample()
	l.Sort()
	six := l.Find("six", "focal")
	if six == nil || l.Find("markupsafe", "focal") != nil || l.Find("setuptools", "bookworm") != nil {
		t.Fatal("Find")
	}
	if w := l.WheelFor(six, "focal"); w == nil || !w.Missing() {
		t.Errorf("six on focal: %+v", w)
	}
	if l.WheelFor(six, "xenial") != nil {
		t.Error("a wheel for a target that is not locked")
	}
	m := l.Find("markupsafe", "bookworm")
	if got := l.WheelTargets(m, &m.Wheels[0]); !cmp.Equal(got, []string{"bookworm"}) {
		t.Errorf("WheelTargets %q", got)
	}
	if got := l.Find("requests", "bookworm").DependenciesOn("bookworm"); !cmp.Equal(got, []string{"idna", "markupsafe", "six"}) {
		t.Errorf("DependenciesOn %q", got)
	}
	if l.UpstreamFor(m, "bookworm") == nil || l.Recipe(l.Recipes[0].Digest) == nil || l.Recipe("sha256:") != nil {
		t.Error("UpstreamFor or Recipe")
	}
}

func TestRecipeDigest(t *testing.T) {
	r := sample().Recipes[0]
	d := r.ComputeDigest()
	r.ExpectTags, r.Digest = nil, "x"
	if r.ComputeDigest() != d {
		t.Error("expect-tags or the digest itself changes the digest")
	}
	r.Env = map[string]string{"A_1": "b"}
	if r.ComputeDigest() == d {
		t.Error("env does not change the digest")
	}
}

func TestDiff(t *testing.T) {
	a, b := sample(), sample()
	if d := Diff(a, b); !d.Empty() {
		t.Fatalf("no change gives %+v", d)
	}
	b.Packages[2].Wheels[0].SHA256 = hexOf(50)
	b.Packages[1].Wheels[0].SHA256, b.Packages[1].Wheels[0].Size = hexOf(51), 5
	b.Packages[3].Version = "2.33.0"
	b.Packages[0].Name = "flit-core"
	b.Packages[2].Upstream[0].Verdict = VerdictContent
	b.Targets[0].Python = "3.9"
	b.ExcludeNewer = nil
	b.RequiresDigest = ""
	d := Diff(a, b)
	if len(d.Hashes) != 1 || d.Hashes[0].Target != "bookworm" || d.Hashes[0].New != hexOf(50) {
		t.Errorf("hashes %+v", d.Hashes)
	}
	if !strings.HasPrefix(d.Hashes[0].String(), "HASH CHANGED: markupsafe 3.0.2 on bookworm") {
		t.Error(d.Hashes[0])
	}
	if len(d.Built) != 2 || d.Built[0].Target != "bookworm" || d.Built[1].Target != "focal" {
		t.Errorf("built %+v", d.Built)
	}
	if len(d.Versions) != 2 || d.Versions[0].Old[0] != "2.32.4" || d.Versions[0].New[0] != "2.33.0" {
		t.Errorf("versions %+v", d.Versions)
	}
	if !cmp.Equal(d.Added, []PackageRef{{"flit-core", "75.8.0", "build"}}) || !cmp.Equal(d.Removed, []PackageRef{{"setuptools", "75.8.0", "build"}}) {
		t.Errorf("added %+v removed %+v", d.Added, d.Removed)
	}
	if len(d.Verdicts) != 1 || len(d.Targets) != 1 || d.Cutoff == nil || !d.Requires {
		t.Errorf("rest %+v", d)
	}
}
