package recipe

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestSwitchesAreDocumented holds the table against the one for people.
func TestSwitchesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/builds.md")
	if err != nil {
		t.Fatal(err)
	}
	text := func(m map[string]string) string {
		var out []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, "`"+k+"="+m[k]+"`")
		}
		if len(out) == 0 {
			return ""
		}
		return strings.Join(out, ", ") + " "
	}
	for _, name := range slices.Sorted(maps.Keys(switches)) {
		s := switches[name]
		if row := fmt.Sprintf("| %s | %s| %s|\n", name, text(s.native), text(s.pure)); !strings.Contains(string(b), row) {
			t.Errorf("docs/builds.md lacks %q", row)
		}
	}
}
