package report

import (
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/provenance/workorder"
)

// Where the columns do not fit, each version has a line with its targets.
func TestVersionLines(t *testing.T) {
	cols := []column{{targets: []string{"focal"}}, {targets: []string{"pypy3.11@manylinux_2_36_x86_64", "macos"}}, {targets: []string{"windows"}}}
	p := &workorder.Package{Versions: map[string]string{"focal": "1.0", "pypy3.11@manylinux_2_36_x86_64": "2.0", "windows": "1.0"}}
	got := strings.Join(versionLines(p, cols), "|")
	if want := "1.0 focal, windows|2.0 pypy3.11@manylinux_2_36_x86_64 +1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestColumnTitle(t *testing.T) {
	for _, c := range []struct{ name, python, want string }{
		{"bookworm", "3.11", "BOOKWORM 3.11"},
		{"bookworm-arm64", "3.11", "BOOKWORM-ARM64 3.11"},
		{"3.11.7@manylinux_2_36_x86_64", "3.11.7", "MANYLINUX_2_36 3.11.7"},
		{"3.12@musllinux_1_2_aarch64", "3.12", "MUSLLINUX_1_2_AARCH64 3.12"},
		{"manylinux_2_28-3.12", "3.12", "MANYLINUX_2_28 3.12"},
		{"ours", "3.9", "OURS 3.9"},
	} {
		if got := columnTitle(workorder.Target{Name: c.name, Python: c.python}); got != c.want {
			t.Errorf("columnTitle(%s, %s) = %q, want %q", c.name, c.python, got, c.want)
		}
	}
}
