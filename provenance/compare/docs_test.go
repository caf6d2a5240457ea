package compare

import (
	"os"
	"regexp"
	"slices"
	"sort"
	"testing"
)

// docs/causes.md has a row for each cause, and no other; so has the schema.
func TestCausesPage(t *testing.T) {
	for _, c := range []struct{ file, row string }{
		{"../../docs/causes.md", "(?m)^\\| `([a-z-]+)` \\| [^|]{10,} \\| [^|]{10,} \\|$"},
		{"../../schema/compare.json", `(?m)^        "([a-z]+(?:-[a-z]+)*)",?$`},
	} {
		page, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range regexp.MustCompile(c.row).FindAllSubmatch(page, -1) {
			if w := string(m[1]); Meaning(w) != "" {
				got = append(got, w)
			} else if c.file == "../../docs/causes.md" {
				t.Errorf("%s: %s is no cause", c.file, w)
			}
		}
		sort.Strings(got)
		if !slices.Equal(got, Causes()) {
			t.Errorf("%s has %q", c.file, got)
		}
	}
}
