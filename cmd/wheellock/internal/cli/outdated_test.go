package cli

import (
	"bytes"
	"testing"
)

// A target's name that would push the table off the page stands with its reason.
func TestOutdatedOfLongNames(t *testing.T) {
	var out bytes.Buffer
	a := &app{World: World{Out: &out}}
	a.printOutdated([]outdatedRow{
		{Name: "numpy", Target: "bookworm-arm64", Locked: "2.4.6", Could: "2.4.6", Newest: "2.5.5", WhyNot: "needs Python 3.12"},
		{Name: "numpy", Target: "pypy3.11@manylinux_2_36_x86_64", Locked: "2.4.6", Could: "2.4.6", Newest: "2.5.5", WhyNot: "needs Python 3.12"},
		{Name: "six", Target: "focal", Locked: "1.16.0", Could: "1.17.0", Newest: "1.17.0"},
	}, 3, "")
	want := `PACKAGE  LOCKED  COULD BE  NEWEST  AGE
numpy    2.4.6   same      2.5.5   -
    bookworm-arm64, pypy3.11@manylinux_2_36_x86_64: needs Python 3.12
six      1.16.0  1.17.0    1.17.0  -
    focal
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s", got)
	}
}
