package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What moves fits the page, whatever the names and reasons.
func TestMoves(t *testing.T) {
	var b strings.Builder
	Moves(&b, "focal", "bookworm", 13, []Move{
		{Name: "importlib-metadata", From: "8.5.0", Why: "needed on focal only, by flask"},
		{Name: "numpy", From: "1.24.4", To: "1.26.4", Why: "1.24.4 has no source, and its wheel needs CPython 3.8 (cp38)"},
		{Name: "tango", To: "2.0", Why: "needed on bookworm only"},
	})
	const want = `bookworm keeps 13 versions of focal; 3 move:
  importlib-metadata  8.5.0 goes        needed on focal only, by flask
  numpy               1.24.4 -> 1.26.4  1.24.4 has no source, and its wheel
                                        needs CPython 3.8 (cp38)
  tango               new 2.0           needed on bookworm only

`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	b.Reset()
	Moves(&b, "a", "b", 1, []Move{{Name: strings.Repeat("long-", 9), From: "1", To: "2", Why: "other requirements hold there"}})
	for line := range strings.SplitSeq(b.String(), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}
