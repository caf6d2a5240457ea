package workorder

import (
	"strings"
	"testing"
)

// TestHeldSide: under prefer = lowest what is shared is newer than need be.
func TestHeldSide(t *testing.T) {
	for want, h := range map[string]Held{
		"newer": {Package: "lib", Target: "focal", Version: "1.10", Alone: "1.9", Days: 3, Why: "share"},
		"older": {Package: "lib", Target: "focal", Version: "1.9", Alone: "1.10", Days: 3, Why: "share"},
	} {
		a := Alignment{Versions: "fewest", Held: []Held{h}}
		if got := a.Summary() + "\n" + strings.Join(a.Lines(), "\n"); strings.Count(got, want) != 2 {
			t.Errorf("want %q in %q", want, got)
		}
	}
}
