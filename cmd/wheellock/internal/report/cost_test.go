package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

// The largest numbers, the longest names and somebody's escape sequences stay in
// 80 columns.
func TestCostFits(t *testing.T) {
	row := CostChoice{Choice: "least-work", Configured: true, SourceBytes: 98_765_400_000, Builds: CostBuilds{Pure: 12_000, Native: 8_000}, Versions: 12_345, Median: 12_345, Worst: 12_345}
	for i := range 1234 {
		name := fmt.Sprintf("some-package-with-a-long-name-%d", i)
		row.New, row.Moved = append(row.New, name), append(row.Moved, name)
		row.Sources = append(row.Sources, CostSource{Package: name, Version: "1.0", File: name + "-1.0.tar.gz"})
		row.Held = append(row.Held, workorder.Held{Package: name, Target: "manylinux_2_28-3.12", Version: "2026.10.18.post1", Alone: "2026.11.19.post1", Days: 12_345 - i, Why: "share"})
	}
	row.Gone = []string{"evil\x1b[2J"}
	c := Cost{Requirements: []string{"requests[socks]>=2", "x"}, Targets: []string{"a"}, LockedVersions: 7, Choices: []CostChoice{row}}
	for _, verbose := range []bool{false, true} {
		var b strings.Builder
		WriteCost(&b, c, term.Style{}, verbose)
		for _, line := range strings.Split(b.String(), "\n") {
			if term.Len(line) > term.Width {
				t.Errorf("%d columns: %s", term.Len(line), line)
			}
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Error("an escape sequence comes through")
		}
		if want := "wheellock add 'requests[socks]>=2' x"; !strings.Contains(b.String(), want) {
			t.Errorf("no %s", want)
		}
		if got := strings.Contains(b.String(), "-v names them all"); got == verbose {
			t.Errorf("verbose %v: cut %v", verbose, got)
		}
	}
}
