package advisory

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/google/go-cmp/cmp"
)

// entry is a record about lib with these ranges and versions as JSON.
func entry(ranges, versions string) string {
	return fmt.Sprintf(`{"id": "X-1", "modified": "2026-01-02T00:00:00Z", "aliases": ["CVE-2026-1", "A-9"], "summary": "bad\nthing",
 "affected": [{"package": {"ecosystem": "PyPI", "name": "Lib"}, "ranges": %s, "versions": %s},
 {"package": {"ecosystem": "Go", "name": "lib"}, "versions": ["7"]}]}`, ranges, versions)
}

func events(list string) string { return `[{"type": "ECOSYSTEM", "events": [` + list + `]}]` }

func TestAffects(t *testing.T) {
	two := events(`{"introduced": "2.0"}, {"fixed": "2.5.0"}, {"introduced": "0"}, {"fixed": "1.26.20"}`)
	tests := []struct {
		name, ranges, versions string
		yes, no, fixed         string
	}{
		{"two branches", two, "[]", "0.1 1.26.19 2 2.5.0rc1 2.4+corp", "1.26.20 1.27 2.5 3 2.0a1", "1.26.20 2.5.0"},
		{"in one event", events(`{"introduced": "0", "fixed": "1.1"}`), "[]", "1 1.0.post1", "1.1", "1.1"},
		{"no end", events(`{"introduced": "1.0"}`), "[]", "1.0 99", "0.9 1.0rc1", ""},
		{"last affected", events(`{"introduced": "0"}, {"last_affected": "1.4"}`), "[]", "1.4 1.4.0", "1.4.1 1.4.post1", ""},
		{"listed", "[]", `["1.0", "1.0.0", "nonsense"]`, "1 1.0.0", "1.1 7", ""},
		{"listed and ranged", events(`{"introduced": "3"}, {"fixed": "4"}`), `["1.0"]`, "1.0 3.1", "2 4", "4"},
		{"commits", `[{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}]}]`, `["1.0"]`, "1.0", "2", ""},
		{"nothing is said", "[]", "[]", "1.0", "", ""},
		{"unreadable end", events(`{"introduced": "1"}, {"fixed": "the next one"}`), "[]", "1 99", "0.9", ""},
		{"unreadable beginning", events(`{"introduced": "?"}, {"fixed": "2"}`), "[]", "0.1 1", "2", "2"},
		{"only an end", events(`{"fixed": "2"}`), "[]", "0.1 1", "2", "2"},
		{"fixed and broken again at once", events(`{"introduced": "1"}, {"introduced": "2"}, {"fixed": "2"}`), "[]", "1.5 2 3", "0.9", ""},
		{"limit", events(`{"introduced": "1"}, {"limit": "*"}`), "[]", "1 3", "0.9", ""},
	}
	for _, tt := range tests {
		a, err := Parse([]byte(entry(tt.ranges, tt.versions)))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range strings.Fields(tt.yes) {
			if !a.Affects("lib", pep440.MustParse(v)) {
				t.Errorf("%s: %s is said to be good", tt.name, v)
			}
		}
		for _, v := range strings.Fields(tt.no) {
			if a.Affects("lib", pep440.MustParse(v)) {
				t.Errorf("%s: %s is said to be affected", tt.name, v)
			}
		}
		var fixed []string
		for _, v := range a.Fixed("lib") {
			fixed = append(fixed, v.String())
		}
		if got := strings.Join(fixed, " "); got != tt.fixed {
			t.Errorf("%s: fixed %q, want %q", tt.name, got, tt.fixed)
		}
		if a.Affects("other", pep440.MustParse("1")) {
			t.Errorf("%s: another package is affected", tt.name)
		}
	}
}

func TestWithdrawn(t *testing.T) {
	a, err := Parse([]byte(strings.Replace(entry("[]", `["1"]`), `"summary"`, `"withdrawn": "2026-02-01T00:00:00Z", "summary"`, 1)))
	if err != nil || a.Affects("lib", pep440.MustParse("1")) {
		t.Errorf("a withdrawn record counts, or %v", err)
	}
}

func TestNotARecord(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"id": 1}`, `{"id": "X"`, "\x00", `{"id":"X","affected":"all"}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is a record", text)
		}
	}
}

func TestDatabase(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	older := entry("[]", `["1"]`)
	write("lib/X-1.json", older)
	write("README.md", "no record")
	z, err := os.Create(filepath.Join(dir, "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(z)
	for name, text := range map[string]string{
		"X-1.json": strings.Replace(strings.Replace(older, "2026-01-02", "2026-03-01", 1), `["1"]`, `["2"]`, 1),
		"Y-2.json": strings.Replace(older, "X-1", "Y-2", 1),
	} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z.Close()
	var d Database
	if err := d.Load(dir); err != nil {
		t.Fatal(err)
	}
	ids := func(list []*Advisory) (got []string) {
		for _, a := range list {
			got = append(got, a.ID)
		}
		return got
	}
	both := []string{"X-1", "Y-2"}
	if got := ids(d.For("lib")); !cmp.Equal(got, both) {
		t.Errorf("for lib: %v", got)
	}
	if got := ids(d.Find("cve-2026-1")); !cmp.Equal(got, both) {
		t.Errorf("by alias: %v", got)
	}
	if x := d.Find("X-1"); len(x) != 1 || !x[0].Affects("lib", pep440.MustParse("2")) {
		t.Error("the older record of X-1 won")
	}
	write("bad.json", "{")
	if err := d.Load(dir); err == nil || !strings.Contains(err.Error(), "bad.json") {
		t.Errorf("a broken record: %v", err)
	}
}
