package resolve

import (
	"context"
	"slices"
	"testing"
	"time"
)

// TestAlignSnapshot shows on real data what sharing versions saves and costs:
// with 17 common requirements for five Pythons (57 packages), elsewhere 12
// requirements gave 120 distinct versions with none older than needed against 65
// with 175 older.
func TestAlignSnapshot(t *testing.T) {
	src := snapshot(t)
	req := Request{Targets: pythons(t, "3.8", "3.9", "3.10", "3.11", "3.12"), Requirements: requirements(t, inputs(t, "server.in")...)}
	choices := []Choice{{}, {Versions: VersionsBounded, BoundedBy: 180 * 24 * time.Hour}, {Versions: VersionsFewest}}
	all, err := ResolveEach(context.Background(), src, req, choices)
	if err != nil {
		t.Fatal(err)
	}
	var count, older []int
	for k, sol := range all {
		a := sol.Alignment
		var days []int
		for _, h := range a.Held {
			days = append(days, int(h.Behind.Hours()/24))
			if choices[k].Versions == VersionsBounded && h.Behind > choices[k].BoundedBy {
				t.Errorf("%+v is out of bounds", h)
			}
		}
		slices.Sort(days)
		median := 0
		if len(days) > 0 {
			median = days[len(days)/2]
		}
		t.Logf("%-8s %3d distinct versions, %3d pins older, median %d days", choices[k].Versions, a.Together.Versions, len(days), median)
		count, older = append(count, a.Together.Versions), append(older, len(days))
	}
	if older[0] != 0 || !(count[0] > count[1] && count[1] > count[2]) || count[2] > count[0]*2/3 {
		t.Errorf("distinct versions %v, older %v", count, older)
	}
}

func BenchmarkAlignLarge(b *testing.B) {
	src := snapshot(b)
	for _, versions := range []string{VersionsNewest, VersionsFewest} {
		b.Run(versions, func(b *testing.B) {
			req := Request{Targets: pythons(b, "3.9", "3.10", "3.11", "3.12", "3.13"), Requirements: requirements(b, inputs(b, "large.in")...)}
			req.Versions = versions
			for b.Loop() {
				if _, err := Resolve(context.Background(), src, req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
