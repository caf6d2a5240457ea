package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// TestList: the figures are of 105 packages, each version once.
func TestList(t *testing.T) {
	lines := strings.Fields(list)
	if len(lines) != 105 {
		t.Errorf("%d packages", len(lines))
	}
	slices.Sort(lines)
	if got := slices.Compact(slices.Clone(lines)); len(got) != len(lines) {
		t.Error("one stands twice")
	}
	for _, l := range lines {
		name, version, _ := strings.Cut(l, "==")
		if _, err := pep440.Parse(version); err != nil || pep508.NormalizeName(name) != name {
			t.Errorf("%q is no normalised name and version", l)
		}
	}
}
