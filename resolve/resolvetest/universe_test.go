package resolvetest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
)

func TestParse(t *testing.T) {
	got := MustParse(`
# words
Courier 2.1 2.2
  python >=3.9
  date 2026-02-01
  needs ident <4,>=2.5
  needs shim; python_version < "3.10"
  extra socks: sockslib
  extra empty:
  yanked too soon
tiny 1
  wheels none
  native
`)
	shared := Release{
		Name: "Courier", Version: "2.1", RequiresPython: ">=3.9", Uploaded: time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC),
		Requires: []string{"ident <4,>=2.5", `shim; python_version < "3.10"`},
		Extras:   map[string][]string{"socks": {"sockslib"}, "empty": nil},
		Wheels:   []string{"py3-none-any"}, Yanked: true, YankedReason: "too soon",
	}
	second := shared
	second.Version = "2.2"
	want := Universe{[]Release{shared, second, {Name: "tiny", Version: "1", Native: true}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"  needs x":             "line 1: before any release",
		"name":                  "line 1: want a name and versions",
		"a 1\n  colour red":     `line 2: unknown word "colour"`,
		"a 1\n  native yes":     "takes no value",
		"a 1\n  date yesterday": "cannot parse",
		"a 1\n  python":         "needs a value",
		"a 1\n  extra x":        "want extra NAME",
		"a_b 1\n\nA-B 1":        "a-b 1 is there twice",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestExtraMarkers(t *testing.T) {
	r := Release{Name: "a", Version: "1", Extras: map[string][]string{"x": {"b", `c>1; os_name == "nt" or os_name == "posix"`}}}
	want := "Metadata-Version: 2.2\nName: a\nVersion: 1\nSummary: Invented for tests\nProvides-Extra: x\n" +
		"Requires-Dist: b; extra == \"x\"\nRequires-Dist: c>1; (os_name == \"nt\" or os_name == \"posix\") and extra == \"x\"\n" +
		"\n# a\n\nInvented for tests.\n"
	if d := cmp.Diff(want, string(r.Metadata())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSource(t *testing.T) {
	ctx := context.Background()
	s := NewSource(Standard(), t.TempDir())
	page, err := s.Page(ctx, "Hostname_Rules")
	if err != nil {
		t.Fatal(err)
	}
	if page.Name != "hostname-rules" || len(page.Files) != 4 {
		t.Fatalf("page %s has %d files", page.Name, len(page.Files))
	}
	for _, f := range page.Files {
		path, err := s.Fetch(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil || hexSum(data) != f.SHA256 || int64(len(data)) != f.Size {
			t.Errorf("%s: %d bytes, %v", f.Name, len(data), err)
		}
		if f.Yanked != strings.Contains(f.Name, "-1.5") {
			t.Errorf("%s yanked: %v", f.Name, f.Yanked)
		}
		if !f.IsWheel() {
			continue
		}
		meta, err := s.Metadata(ctx, f)
		if err != nil || hexSum(meta) != f.CoreMetadata {
			t.Errorf("%s: metadata %v", f.Name, err)
		}
	}
	var missing *index.NotFoundError
	if _, err := s.Page(ctx, "nobody"); !errors.As(err, &missing) || missing.Name != "nobody" {
		t.Errorf("unknown project: %v", err)
	}
	if s.Pages("hostname-rules") != 1 || s.MetadataOf(page.Files[0].Name) != 1 {
		t.Errorf("counts are %d and %d", s.Pages("hostname-rules"), s.MetadataOf(page.Files[0].Name))
	}
}
