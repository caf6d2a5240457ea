package pyproject

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSourcesWithGroups(t *testing.T) {
	files := map[string]string{
		"wheellock.toml":   "sources = [\n  \"requirements.in\",\n  { file = \"a/pyproject.toml\", group = \"Shop\" },\n  { file = \"b/reqs.txt\", group = \"player\" },\n]\nconflicts = [[\"shop-dev\", \"player\"]]\n",
		"requirements.in":  "six\n",
		"a/pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"idna\"]\n[dependency-groups]\ndev = [\"pytest\"]\n",
		"b/reqs.txt":       "tango\n-r more.txt\n",
		"b/more.txt":       "foxtrot\n",
	}
	var list []string
	for name, text := range files {
		list = append(list, name+"\n"+text)
	}
	p := open(t, list...)
	var got []string
	for _, in := range p.Inputs {
		got = append(got, fmt.Sprintf("%s %s %s", in.Group, in.Requirement, in.Origin()))
	}
	want := []string{" six requirements.in:1", "shop idna a/pyproject.toml:4", "shop-dev pytest a/pyproject.toml:6", "player tango b/reqs.txt:1", "player foxtrot b/more.txt:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"player", "shop", "shop-dev"}, p.Groups()); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct{ req, group, file, want string }{
		{"attrs", "", "requirements.in", "six\nattrs\n"},
		{"attrs", "player", "b/reqs.txt", "tango\n-r more.txt\nattrs\n"},
		{"tango<2", "player", "b/reqs.txt", "tango<2\n-r more.txt\n"},
		{"idna<4", "shop", "a/pyproject.toml", strings.Replace(files["a/pyproject.toml"], "\"idna\"", "\"idna<4\"", 1)},
		{"attrs", "Shop.dev", "a/pyproject.toml", strings.Replace(files["a/pyproject.toml"], "[\"pytest\"]", "[\"pytest\", \"attrs\"]", 1)},
	} {
		edits, err := p.AddRequirement(tt.req, tt.group)
		if err != nil || len(edits) != 1 || p.name(edits[0].Path) != tt.file || string(edits[0].Data) != tt.want {
			t.Errorf("%s to %q: %v %q", tt.req, tt.group, err, edits)
		}
	}
	for _, group := range []string{"player-dev", "other"} {
		if _, err := p.AddRequirement("attrs", group); err == nil {
			t.Errorf("added to %s, which no file can hold", group)
		}
	}
	if _, err := p.RemoveFrom("idna", "player"); err == nil {
		t.Error("idna is removed from a group that does not ask for it")
	}
}

func TestBadSources(t *testing.T) {
	for text, want := range map[string]string{
		`[{ file = "requirements.in" }]`:                                 `has the group ""`,
		`[{ group = "a" }]`:                                              "neither the name of a file",
		`[{ file = "requirements.in", group = "a b" }]`:                  `has the group "a b"`,
		`[{ file = "requirements.in", group = "a", extra = "x" }]`:       `unknown key "extra"`,
		`["requirements.in", { file = "requirements.in", group = "a" }]`: "twice",
		`[1]`:   "neither the name of a file",
		`"one"`: "not a list",
	} {
		dir := write(t, "wheellock.toml\nsources = "+text+"\n", "requirements.in\nsix\n")
		if _, err := Open(dir, ""); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "wheellock.toml:1: ") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
