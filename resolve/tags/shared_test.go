package tags

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// sharedCases reads one file of the reference's recorded cases. They are
// another project's data and not part of this repository.
func sharedCases(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join(repositoryRoot(t), "..", "shared")
	}
	data, err := os.ReadFile(filepath.Join(dir, "testdata", "packaging", name))
	if os.IsNotExist(err) {
		t.Skipf("recorded cases of Python's packaging are not here (set WHEELLOCK_SHARED): no %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func repositoryRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the package")
		}
		dir = parent
	}
}

func TestRecordedCompatibleTags(t *testing.T) {
	var cases []struct {
		Target string
		Spec   struct{ Python, ABI, OS, Arch, Glibc, Musl, MacOS, Platform string }
		Tags   []string
	}
	sharedCases(t, "compatible_tags.json", &cases)
	for _, c := range cases {
		platform := c.Spec.Platform
		under := func(v string) string {
			return "_" + strings.ReplaceAll(v, ".", "_") + "_" + c.Spec.Arch
		}
		switch {
		case c.Spec.Glibc != "":
			platform = "manylinux" + under(c.Spec.Glibc)
		case c.Spec.Musl != "":
			platform = "musllinux" + under(c.Spec.Musl)
		case c.Spec.MacOS != "":
			platform = "macosx" + under(c.Spec.MacOS)
		}
		target := Target{Name: "case", Python: c.Spec.Python, ABI: c.Spec.ABI, Platform: platform}
		if err := target.Check(); err != nil {
			t.Errorf("%s: %v", c.Target, err)
			continue
		}
		if d := cmp.Diff(c.Tags, tagStrings(target.Tags())); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.Target, d)
		}
		target.ABI = ""
		if got := target.ABITag(); got != c.Spec.ABI {
			t.Errorf("%s: usual ABI is %s, want %s", c.Target, got, c.Spec.ABI)
		}
	}
	t.Logf("%d cases", len(cases))
}

func tagStrings(tags []Tag) []string {
	out := make([]string, 0, len(tags))
	for _, t := range tags {
		out = append(out, t.String())
	}
	return out
}

func sortedTags(tags []Tag) []string {
	out := tagStrings(tags)
	sort.Strings(out)
	return out
}

func TestRecordedWheelFileNames(t *testing.T) {
	var cases []struct {
		In            string
		Valid         bool
		Name, Version string
		Build         []any
		Tags          []string
	}
	sharedCases(t, "wheel_filenames.json", &cases)
	for _, c := range cases {
		w, err := ParseWheelName(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid is %v, want %v (%v)", c.In, err == nil, c.Valid, err)
			continue
		}
		if err != nil {
			continue
		}
		var build []any
		if n, rest := w.BuildTag(); n != "" {
			build = []any{json.Number(n), rest}
		}
		want, _ := json.Marshal(append([]any{c.Name, c.Version, c.Tags}, c.Build...))
		got, _ := json.Marshal(append([]any{w.Name, w.Version.String(), sortedTags(w.Tags)}, build...))
		if string(got) != string(want) {
			t.Errorf("%q: %s, want %s", c.In, got, want)
		}
	}
	t.Logf("%d cases", len(cases))
}

func TestRecordedSdistFileNames(t *testing.T) {
	var cases []struct {
		In            string
		Valid         bool
		Name, Version string
	}
	sharedCases(t, "sdist_filenames.json", &cases)
	for _, c := range cases {
		s, err := ParseSdistName(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid is %v, want %v (%v)", c.In, err == nil, c.Valid, err)
			continue
		}
		if err == nil && (s.Name != c.Name || !s.Version.Equal(pep440.MustParse(c.Version))) {
			t.Errorf("%q: %s %s, want %s %s", c.In, s.Name, s.Version, c.Name, c.Version)
		}
	}
	t.Logf("%d cases", len(cases))
}

func TestRecordedTags(t *testing.T) {
	var cases []struct {
		In    string
		Valid *bool
		Tags  []string
	}
	sharedCases(t, "tag_parse.json", &cases)
	for _, c := range cases {
		tags, err := ParseTags(c.In)
		valid := c.Valid == nil || *c.Valid
		if (err == nil) != valid {
			t.Errorf("%q: valid is %v, want %v (%v)", c.In, err == nil, valid, err)
			continue
		}
		if d := cmp.Diff(c.Tags, sortedTags(tags)); valid && d != "" {
			t.Errorf("%q: (-want +got)\n%s", c.In, d)
		}
	}
	t.Logf("%d cases", len(cases))
}
