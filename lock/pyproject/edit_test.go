package pyproject

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// only gives the bytes of the one edit of a file.
func only(t testing.TB, p *Project, edits []Edit, name string) string {
	t.Helper()
	if len(edits) != 1 || edits[0].Path != filepath.Join(p.Dir, name) {
		t.Fatalf("edits %+v, want one of %s", edits, name)
	}
	return string(edits[0].Data)
}

func TestAddRequirement(t *testing.T) {
	tests := []struct{ name, file, before, req, group, after string }{
		{"one line", "pyproject.toml", "[project]\ndependencies = [\"a\"]  # why\n", "b>=1", "", "[project]\ndependencies = [\"a\", \"b>=1\"]  # why\n"},
		{"one line with a comma", "pyproject.toml", "[project]\ndependencies = [\"a\",]\n", "b", "", "[project]\ndependencies = [\"a\", \"b\",]\n"},
		{"sorted", "pyproject.toml", "[project]\ndependencies = ['a', 'c']\n", "b", "", "[project]\ndependencies = ['a', 'b', 'c']\n"},
		{"not sorted", "pyproject.toml", "[project]\ndependencies = ['c', 'a']\n", "b", "", "[project]\ndependencies = ['c', 'a', 'b']\n"},
		{"sorted by normal form", "pyproject.toml", "[project]\ndependencies = [\"A.x\", \"a-z\"]\n", "A_y", "", "[project]\ndependencies = [\"A.x\", \"A_y\", \"a-z\"]\n"},
		{"many lines", "pyproject.toml", "[project]\ndependencies = [\n  \"a\",  # one\n  # about c\n  \"c\",\n]\nname = \"x\"\n", "b", "",
			"[project]\ndependencies = [\n  \"a\",  # one\n  \"b\",\n  # about c\n  \"c\",\n]\nname = \"x\"\n"},
		{"many lines, first", "pyproject.toml", "[project]\ndependencies = [ # all\n\t\"b\",\n\t\"c\",\n]\n", "a", "", "[project]\ndependencies = [ # all\n\t\"a\",\n\t\"b\",\n\t\"c\",\n]\n"},
		{"many lines, no last comma", "pyproject.toml", "[project]\ndependencies = [\n    \"a\",\n    \"b\"  # two\n]\n", "c", "", "[project]\ndependencies = [\n    \"a\",\n    \"b\",  # two\n    \"c\"\n]\n"},
		{"bracket on the last line", "pyproject.toml", "[project]\ndependencies = [\n    \"a\",\n    \"b\"]\n", "c", "", "[project]\ndependencies = [\n    \"a\",\n    \"b\",\n    \"c\"]\n"},
		{"comment at the end", "pyproject.toml", "[project]\ndependencies = [\n    \"a\",\n    # \"b\",\n]\n", "c", "", "[project]\ndependencies = [\n    \"a\",\n    \"c\",\n    # \"b\",\n]\n"},
		{"empty", "pyproject.toml", "[project]\ndependencies = []\n", "a", "", "[project]\ndependencies = [\n    \"a\",\n]\n"},
		{"empty with a comment", "pyproject.toml", "[project]\ndependencies = [\n    # none\n]\n", "a", "", "[project]\ndependencies = [\n    # none\n    \"a\",\n]\n"},
		{"no key", "pyproject.toml", "[project]\nname = \"x\"\n\n[tool.y]\nz = 1\n", "a", "", "[project]\nname = \"x\"\ndependencies = [\n    \"a\",\n]\n\n[tool.y]\nz = 1\n"},
		{"marker", "pyproject.toml", "[project]\ndependencies = [\"a\"]\n", "b; os_name == \"nt\"", "", "[project]\ndependencies = [\"a\", 'b; os_name == \"nt\"']\n"},
		{"crlf", "pyproject.toml", "[project]\r\ndependencies = [\r\n  \"a\",\r\n]\r\n", "b", "", "[project]\r\ndependencies = [\r\n  \"a\",\r\n  \"b\",\r\n]\r\n"},
		{"replace", "pyproject.toml", "[project]\ndependencies = [\n  'A_b>=1', # keep\n]\n", "a-b>=2", "", "[project]\ndependencies = [\n  'a-b>=2', # keep\n]\n"},
		{"replace by marker", "pyproject.toml", "[project]\ndependencies = [\"a<2; os_name == 'nt'\", \"a\"]\n", "a>=3; os_name=='nt'", "", ""},
		{"group", "pyproject.toml", "[dependency-groups]\ndev = [\"a\", {include-group = \"x\"}]\nx = []\n", "b", "dev", "[dependency-groups]\ndev = [\"a\", {include-group = \"x\"}, \"b\"]\nx = []\n"},
		{"new group", "pyproject.toml", "[project]\nname = \"x\"", "b", "Dev.x", "[project]\nname = \"x\"\n\n[dependency-groups]\ndev-x = [\n    \"b\",\n]"},
		{"extra", "pyproject.toml", "[project.optional-dependencies]\nDev = [\"a\"]\n", "b", "dev", "[project.optional-dependencies]\nDev = [\"a\", \"b\"]\n"},
		{"dotted keys", "pyproject.toml", "project.name = \"x\"\nproject.dependencies = [\"a\"]\n", "b", "", "project.name = \"x\"\nproject.dependencies = [\"a\", \"b\"]\n"},
		{"requirements.in", "requirements.in", "# x\na\n", "b", "", "# x\na\nb\n"},
		{"requirements.in without a last line end", "requirements.in", "a", "b", "", "a\nb"},
		{"requirements.in with crlf", "requirements.in", "a\r\n", "b", "", "a\r\nb\r\n"},
		{"requirements.in empty", "requirements.in", "", "b", "", "b\n"},
		{"requirements.in replaced", "requirements.in", "a \\\n  >=1   # why\nb\n", "A==2", "", "A==2   # why\nb\n"},
		{"requirements.in with a byte order mark", "requirements.in", "\xef\xbb\xbfa==1\n", "a==2", "", "\xef\xbb\xbfa==2\n"},
		{"own requirements", "wheellock.toml", "requirements = [\"a\"]\n", "b", "", "requirements = [\"a\", \"b\"]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, tt.file+"\n"+tt.before)
			edits, err := p.AddRequirement(tt.req, tt.group)
			if tt.after == "" {
				asError(t, err, 2, "several places")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, only(t, p, edits, tt.file)); diff != "" {
				t.Fatal(diff)
			}
			q := apply(t, p)(edits, nil)
			if again, err := q.AddRequirement(tt.req, tt.group); err != nil || len(again) != 0 {
				t.Errorf("adding again: %v %v", again, err)
			}
		})
	}
}

func TestReplaceByMarker(t *testing.T) {
	p := open(t, "pyproject.toml\n[project]\ndependencies = [\"a<2; os_name == 'nt'\", \"a>=2; os_name != 'nt'\"]\n")
	edits, err := p.AddRequirement(`a>=3; os_name != "nt"`, "")
	if err != nil {
		t.Fatal(err)
	}
	want := "[project]\ndependencies = [\"a<2; os_name == 'nt'\", 'a>=3; os_name != \"nt\"']\n"
	if got := only(t, p, edits, "pyproject.toml"); got != want {
		t.Error(got)
	}
}

func TestAddToNothing(t *testing.T) {
	p := open(t)
	edits, err := p.AddRequirement("requests", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Edit{{filepath.Join(p.Dir, "requirements.in"), []byte("requests\n")}, {filepath.Join(p.Dir, "wheellock.toml"), []byte("sources = [\"requirements.in\"]\n")}}
	if diff := cmp.Diff(want, edits); diff != "" {
		t.Error(diff)
	}
	q := apply(t, p)(edits, nil)
	q = apply(t, q)(q.AddTarget(Target{Name: "bookworm"}))
	q = apply(t, q)(q.AddRequirement("idna", ""))
	want[0].Data = []byte("requests\nidna\n")
	want[1].Data = []byte("sources = [\"requirements.in\"]\n\n[[targets]]\nname = \"bookworm\"\n")
	if diff := cmp.Diff(want, q.Edits()); diff != "" {
		t.Error(diff)
	}
	// The other order, as the command line does it.
	q = apply(t, p)(p.AddTarget(Target{Name: "bookworm"}))
	q = apply(t, q)(q.AddRequirement("idna", ""))
	if len(q.Inputs) != 1 || len(q.Config.Targets) != 1 || len(q.Edits()) != 2 {
		t.Errorf("%+v", q.Edits())
	}
	if _, err := p.AddRequirement("x", "dev"); err == nil {
		t.Error("a group in a requirements file")
	}
}

func TestAddRefuses(t *testing.T) {
	for _, bad := range []string{"", "  ", ">=1", "-r x", "a\nb", "./x", "https://host.example/x.whl", "a --hash=x"} {
		_, err := open(t).AddRequirement(bad, "")
		asError(t, err, 0, "")
	}
	_, err := open(t, "pyproject.toml\n[dependency-groups]\ndev = []\n").AddRequirement("a", "")
	asError(t, err, 0, "[project]")
	_, err = open(t, "pyproject.toml\n[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n").AddRequirement("a", "")
	asError(t, err, 3, "dynamic")
	_, err = open(t, "requirements.in\na\n").AddRequirement("b", "dev")
	asError(t, err, 0, "no groups")
	// An inline table cannot be spliced safely: refused, not damaged.
	_, err = open(t, "pyproject.toml\nproject = { name = \"x\", dependencies = [\"a\"] }\n").AddRequirement("b", "")
	asError(t, err, -1, "by hand")
	_, err = open(t, "pyproject.toml\nproject = { name = \"x\", dependencies = [\"a\"] }\n").AddRequirement("a>=2", "")
	asError(t, err, -1, "by hand")
}

func TestRemoveRequirement(t *testing.T) {
	tests := []struct{ name, file, before, req, after string }{
		{"one line, first", "pyproject.toml", "[project]\ndependencies = [\"a\", \"b\"]\n", "A", "[project]\ndependencies = [\"b\"]\n"},
		{"one line, last", "pyproject.toml", "[project]\ndependencies = [\"a\", \"b\"]\n", "b", "[project]\ndependencies = [\"a\"]\n"},
		{"one line, last comma", "pyproject.toml", "[project]\ndependencies = [\"a\", \"b\",]\n", "b", "[project]\ndependencies = [\"a\",]\n"},
		{"one line, only", "pyproject.toml", "[project]\ndependencies = [\"a\"]\n", "a", "[project]\ndependencies = []\n"},
		{"many lines", "pyproject.toml", "[project]\ndependencies = [\n  # about a\n  \"a\",\n  \"b\", # about b\n  \"c\"\n]\n", "b", "[project]\ndependencies = [\n  # about a\n  \"a\",\n  \"c\"\n]\n"},
		{"many lines, last without comma", "pyproject.toml", "[project]\ndependencies = [\n  \"a\", # x\n  \"c\"\n]\n", "c", "[project]\ndependencies = [\n  \"a\" # x\n]\n"},
		{"everywhere", "pyproject.toml", "[project]\ndependencies = [\"a\", \"b\", \"a; os_name == 'nt'\"]\n[dependency-groups]\nx = [\"a[z]\"]\n", "a", "[project]\ndependencies = [\"b\"]\n[dependency-groups]\nx = []\n"},
		{"requirements.in", "requirements.in", "# x\na \\\n ==1\nb # c\n\n# y\n", "a", "# x\nb # c\n\n# y\n"},
		{"requirements.in, last", "requirements.in", "a\nb", "b", "a"},
		{"requirements.in, only", "requirements.in", "a", "a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, tt.file+"\n"+tt.before)
			edits, err := p.RemoveRequirement(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, only(t, p, edits, tt.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
	p := open(t, "requirements.in\nrequests\n-r more.in\n", "more.in\nidna\n")
	var nf *NotFoundError
	if _, err := p.RemoveRequirement("request"); !errors.As(err, &nf) || !cmp.Equal(nf.Near, []string{"requests"}) {
		t.Errorf("%v %+v", err, nf)
	}
	edits, err := p.RemoveRequirement("idna")
	if err != nil || only(t, p, edits, "more.in") != "" {
		t.Errorf("%v %v", edits, err)
	}
}

func TestTargets(t *testing.T) {
	tests := []struct{ name, file, before, after string }{
		{"block", "wheellock.toml", "# c\n[[targets]]\nname = \"bookworm\" # b\n", "# c\n[[targets]]\nname = \"bookworm\" # b\n\n[[targets]]\nname = \"focal\"\n"},
		{"no last line end", "wheellock.toml", "versions = \"newest\"", "versions = \"newest\"\n\n[[targets]]\nname = \"focal\""},
		{"inline", "wheellock.toml", "targets = [{ name = \"bookworm\" }]\n", "targets = [{ name = \"bookworm\" }, { name = \"focal\" }]\n"},
		{"crlf", "wheellock.toml", "versions = \"newest\"\r\n", "versions = \"newest\"\r\n\r\n[[targets]]\r\nname = \"focal\"\r\n"},
		{"pyproject", "pyproject.toml", "[project]\nname = \"x\"\n\n[tool.wheellock]\nversions = \"newest\"\n\n# other\n[tool.other]\nx = 1\n",
			"[project]\nname = \"x\"\n\n[tool.wheellock]\nversions = \"newest\"\n\n[[tool.wheellock.targets]]\nname = \"focal\"\n\n# other\n[tool.other]\nx = 1\n"},
		{"pyproject without configuration", "pyproject.toml", "[project]\nname = \"x\"\n", "[project]\nname = \"x\"\n\n[[tool.wheellock.targets]]\nname = \"focal\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, tt.file+"\n"+tt.before)
			edits, err := p.AddTarget(Target{Name: "focal"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, only(t, p, edits, tt.file)); diff != "" {
				t.Fatal(diff)
			}
			q := apply(t, p)(edits, nil)
			if again, err := q.AddTarget(Target{Name: "focal"}); err != nil || again != nil {
				t.Errorf("again: %v %v", again, err)
			}
			edits, err = q.RemoveTarget("focal")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.before, only(t, p, edits, tt.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
	p := open(t, "wheellock.toml\n[[targets]]\nname = \"bookworm\"\n\n# about focal\n[[targets]]\nname = \"focal\"\npython = \"3.9\"\n\n[policy]\nreviews = 1\n")
	var nf *NotFoundError
	if _, err := p.RemoveTarget("bookwrm"); !errors.As(err, &nf) || !cmp.Equal(nf.Near, []string{"bookworm"}) {
		t.Errorf("%v", err)
	}
	_, err := p.AddTarget(Target{Name: "focal", Python: "3.10"})
	asError(t, err, 1, "other settings")
	edits, err := p.RemoveTarget("bookworm")
	if err != nil || only(t, p, edits, "wheellock.toml") != "# about focal\n[[targets]]\nname = \"focal\"\npython = \"3.9\"\n\n[policy]\nreviews = 1\n" {
		t.Errorf("%v %s", err, edits[0].Data)
	}
	q := apply(t, p)(p.AddTarget(Target{Name: "ours", Python: "3.12", Platform: "manylinux_2_28_x86_64"}))
	if got := q.Config.Targets[2]; got != (Target{Name: "ours", Python: "3.12", Platform: "manylinux_2_28_x86_64"}) {
		t.Errorf("%+v", got)
	}
}

// A declaration keeps its place, its comments and its layout.
func TestReplaceTarget(t *testing.T) {
	custom := Target{Name: "ours", Python: "3.12", Platform: "manylinux_2_28_x86_64"}
	for _, c := range []struct {
		before, old string
		target      Target
		after       string
	}{
		{"[[targets]]\nname = \"a\"\n", "a", Target{Name: "b"}, "[[targets]]\nname = \"b\"\n"},
		{"# top\n[[targets]] # one\n# why\nname = 'a'   # till June\n\n[[targets]]\nname = \"z\"\n", "a", Target{Name: "b"},
			"# top\n[[targets]] # one\n# why\nname = 'b'   # till June\n\n[[targets]]\nname = \"z\"\n"},
		{"[[targets]]\npython = \"3.9\" # old\nname = \"a\"\nplatform = \"win32\"\n[policy]\nreviews = 1\n", "a", Target{Name: "b"},
			"[[targets]]\nname = \"b\"\n[policy]\nreviews = 1\n"},
		{"[[targets]]\nname = \"a\" # here", "a", custom, "[[targets]]\nname = \"ours\" # here\npython = \"3.12\"\nplatform = \"manylinux_2_28_x86_64\""},
		{"[[targets]]\r\nname = \"a\" # here\r\npython = \"3.9\"\r\n", "a", custom,
			"[[targets]]\r\nname = \"ours\" # here\r\nplatform = \"manylinux_2_28_x86_64\"\r\npython = \"3.12\"\r\n"},
		{"targets = [\n  { name = \"z\" },\n  { name = \"a\", python = \"3.9\" }, # ours\n]\n", "a", Target{Name: "b"},
			"targets = [\n  { name = \"z\" },\n  { name = \"b\" }, # ours\n]\n"},
	} {
		p := open(t, "wheellock.toml\n"+c.before)
		edits, err := p.ReplaceTarget(c.old, c.target)
		if err != nil {
			t.Errorf("%q: %v", c.before, err)
			continue
		}
		if d := cmp.Diff(c.after, only(t, p, edits, "wheellock.toml")); d != "" {
			t.Errorf("%q: (-want +got)\n%s", c.before, d)
		}
	}
	p := open(t, "wheellock.toml\n[[targets]]\nname = \"bookworm\"\n[[targets]]\nname = \"focal\"\n")
	var nf *NotFoundError
	if _, err := p.ReplaceTarget("bokworm", Target{Name: "trixie"}); !errors.As(err, &nf) || !cmp.Equal(nf.Near, []string{"bookworm"}) {
		t.Errorf("%v", err)
	}
	_, err := p.ReplaceTarget("bookworm", Target{Name: "focal"})
	asError(t, err, 1, "declared already")
}

func TestSettings(t *testing.T) {
	root := strings.Repeat("0123456789", 4)
	key := "w.example+0a1b2c3d+Acy9UKGQUgiRIPWmoxHrImMhN4uOQ0wPNvmoS3G6lxpp"
	tests := []struct{ name, file, before, after string }{
		{"new file", "wheellock.toml", "", "root = [\"ROOT\"]\nlog = \"KEY\"\n"},
		{"replaced", "wheellock.toml", "log = \"KEY\" # old\nroot = [] # r\n[[targets]]\nname = \"a\"\n", "log = \"KEY\" # old\nroot = [\"ROOT\"] # r\n[[targets]]\nname = \"a\"\n"},
		{"before tables", "wheellock.toml", "# ours\n\n[[targets]]\nname = \"a\"\n", "# ours\n\nroot = [\"ROOT\"]\nlog = \"KEY\"\n\n[[targets]]\nname = \"a\"\n"},
		{"only tables", "wheellock.toml", "[[targets]]\nname = \"a\"\n", "root = [\"ROOT\"]\nlog = \"KEY\"\n\n[[targets]]\nname = \"a\"\n"},
		{"pyproject", "pyproject.toml", "[tool.wheellock]\nversions = \"newest\"\n[tool.z]\n", "[tool.wheellock]\nversions = \"newest\"\nroot = [\"ROOT\"]\nlog = \"KEY\"\n[tool.z]\n"},
		{"pyproject with targets only", "pyproject.toml", "[[tool.wheellock.targets]]\nname = \"a\"\n", "[[tool.wheellock.targets]]\nname = \"a\"\n\n[tool.wheellock]\nroot = [\"ROOT\"]\nlog = \"KEY\"\n"},
	}
	fill := strings.NewReplacer("ROOT", root, "KEY", key)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, tt.file+"\n"+fill.Replace(tt.before))
			edits, err := p.SetPins([]string{root}, 1, key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fill.Replace(tt.after), only(t, p, edits, tt.file)); diff != "" {
				t.Fatal(diff)
			}
			q := apply(t, p)(edits, nil)
			if again, err := q.SetPins([]string{root}, 1, key); err != nil || len(again) > 0 {
				t.Errorf("again: %v %v", again, err)
			}
			if q = apply(t, q)(q.SetWheelhouse("../house")); q.Config.Wheelhouse != "../house" || q.Config.Log != key || q.Config.Root[0] != root {
				t.Errorf("%+v", q.Config)
			}
		})
	}
	// How many must sign is written where it is more than one, or was.
	p := open(t, "wheellock.toml\n")
	q := apply(t, p)(p.SetPins([]string{root, strings.Repeat("1", 40)}, 2, key))
	if q.Config.RootThreshold != 2 {
		t.Errorf("%+v", q.Config)
	}
	if q = apply(t, q)(q.SetPins([]string{root}, 1, key)); q.Config.RootThreshold != 1 {
		t.Errorf("%+v", q.Config)
	}
	if _, err := open(t).SetPins([]string{"short"}, 1, ""); err == nil {
		t.Error("a fingerprint that cannot be read back is written")
	}
}

func TestInit(t *testing.T) {
	for _, name := range Presets() {
		want, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		p := open(t, "wheellock.toml\n[policy]\nreviews = 2 # ours\n[[targets]]\nname = \"a\"\n")
		want.Policy.Reviews = 2
		if q := apply(t, p)(p.Init(name)); !cmp.Equal(q.Config.Policy, want.Policy) {
			t.Errorf("%s: %+v", name, q.Config.Policy)
		}
		p = open(t)
		if q := apply(t, p)(p.Init(name)); q.Config.File != "wheellock.toml" {
			t.Errorf("%s: %+v", name, q.Config)
		}
	}
	_, err := open(t).Init("secure")
	asError(t, err, 0, "securedrop")
}

// drawArray writes an array in one of the ways that people write them.
func drawArray(t *rapid.T, names []string) string {
	quote := rapid.SampledFrom([]string{`"`, `'`}).Draw(t, "quote")
	comma := rapid.Bool().Draw(t, "last comma")
	var b strings.Builder
	if rapid.Bool().Draw(t, "one line") {
		pad := rapid.SampledFrom([]string{"", " "}).Draw(t, "pad")
		b.WriteString("[" + pad)
		for i, n := range names {
			b.WriteString(quote + n + quote)
			if i < len(names)-1 {
				b.WriteString(", ")
			} else if comma {
				b.WriteString(",")
			}
		}
		return b.String() + pad + "]"
	}
	indent := rapid.SampledFrom([]string{"  ", "    ", "\t", ""}).Draw(t, "indent")
	b.WriteString("[" + rapid.SampledFrom([]string{"", " # start, \"x\""}).Draw(t, "start") + "\n")
	for i, n := range names {
		b.WriteString(rapid.SampledFrom([]string{"", indent + "# note ] [\n", "\n"}).Draw(t, "above"))
		b.WriteString(indent + quote + n + quote)
		if i < len(names)-1 || comma {
			b.WriteString(",")
		}
		b.WriteString(rapid.SampledFrom([]string{"", "  # why, 'really'"}).Draw(t, "beside") + "\n")
	}
	return b.String() + rapid.SampledFrom([]string{"", indent + "# end\n"}).Draw(t, "below") + "]"
}

// Adding and then removing gives the bytes that were there before, whatever the
// layout, and in between every other requirement is still there.
func TestAddThenRemove(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-w]{1,3}(>=[1-9])?`), 1, 5, nameOf).Draw(rt, "names")
		add := rapid.StringMatching(`[a-z]x?y(==1; os_name == "nt")?`).Filter(func(s string) bool {
			for _, n := range names {
				if nameOf(n) == nameOf(s) {
					return false
				}
			}
			return true
		}).Draw(rt, "add")
		var text, file, group string
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			file, text = "pyproject.toml", "# top\n[project]\nname = \"the-project\" # x\ndependencies = "+drawArray(rt, names)+"  # after\nversion = \"1\"\n"
		case 1:
			file, group = "pyproject.toml", "dev"
			text = "[dependency-groups]\nother = []\ndev = " + drawArray(rt, names) + "\n\n[tool.x]\ny = [\"z\"]"
		case 2:
			file = "requirements.in"
			for _, n := range names {
				text += rapid.SampledFrom([]string{"", "# c\n", "\n", "   # \\\n"}).Draw(rt, "above") + n + rapid.SampledFrom([]string{"\n", " # d\n", " \\\n  \n", " # e \n"}).Draw(rt, "end")
			}
			if rapid.Bool().Draw(rt, "no last line end") {
				text = strings.TrimSuffix(text, "\n")
			}
		}
		if rapid.Bool().Draw(rt, "crlf") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		p, err := load(dir, "", map[string][]byte{file: []byte(text)})
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		q := apply(rt, p)(p.AddRequirement(add, group))
		if len(q.Inputs) != len(p.Inputs)+1 {
			rt.Fatalf("%d inputs, were %d", len(q.Inputs), len(p.Inputs))
		}
		r := apply(rt, q)(q.RemoveRequirement(nameOf(add)))
		if got := string(r.files[file]); got != text {
			rt.Fatalf("before\n%q\nafter adding %s\n%q\nafter removing it\n%q", text, add, q.files[file], got)
		}
		for _, n := range names {
			s := apply(rt, q)(q.RemoveRequirement(nameOf(n)))
			if len(s.Inputs) != len(q.Inputs)-1 {
				rt.Fatalf("removing %s leaves %d of %d\n%s", n, len(s.Inputs), len(q.Inputs), s.files[file])
			}
		}
	})
}

// No bytes make the readers panic, and what TOML calls an array is cut into as
// many elements as it has.
func FuzzOpen(f *testing.F) {
	f.Add("[project]\ndependencies = [\"a\", '''b''', \"\"\"c\"\"\"\"\"]\n", "a\n-c x\n")
	f.Add(everyKey, "a \\\n # b \\\nc")
	f.Fuzz(func(t *testing.T, toml, reqs string) {
		load("nowhere", "", map[string][]byte{"requirements.in": []byte(reqs)})
		load("nowhere", "", map[string][]byte{"wheellock.toml": []byte(toml)})
		p, err := load("nowhere", "", map[string][]byte{"pyproject.toml": []byte(toml)})
		if err != nil {
			return
		}
		d, err := p.document("pyproject.toml")
		if err != nil {
			return
		}
		for _, l := range d.leaves {
			if fmt.Sprint(decode(d.src[l.from:l.to])) == "<nil>" {
				t.Errorf("%q is no value", d.src[l.from:l.to])
			}
			list, ok := d.get(l.path...).([]any)
			if ok && d.find(l.path...) != nil && len(elements(d.src, l.from, l.to)) != len(list) {
				t.Errorf("%q is cut into %d", d.src[l.from:l.to], len(elements(d.src, l.from, l.to)))
			}
		}
	})
}
