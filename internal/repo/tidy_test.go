package repo

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestModuleIsTidy(t *testing.T) {
	out, errs, err := command("go", "mod", "tidy", "-diff")
	if err == nil {
		return
	}
	if out == "" && os.Getenv("WHEELLOCK_NETWORK") != "1" {
		t.Skipf("go mod tidy needs modules that are not here (set WHEELLOCK_NETWORK=1): %s", strings.TrimSpace(errs))
	}
	t.Errorf("go mod tidy would change go.mod or go.sum:\n%s%s", out, errs)
}

var requireLine = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)
var listLine = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// Each module that go.mod asks for by its own has a line in docs/dependencies.md
// that says what it is for, and no line is left over.
func TestDependenciesAreListed(t *testing.T) {
	required, listed := map[string]bool{}, map[string]bool{}
	for _, m := range requireLine.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		required[m[1]] = true
	}
	for _, m := range listLine.FindAllStringSubmatch(read(t, "docs/dependencies.md"), -1) {
		if listed[m[1]] {
			t.Errorf("docs/dependencies.md lists %s twice", m[1])
		}
		listed[m[1]] = true
	}
	if len(required) == 0 {
		t.Fatal("no require in go.mod was understood")
	}
	for m := range required {
		if !listed[m] {
			t.Errorf("docs/dependencies.md does not say what %s is for", m)
		}
	}
	for m := range listed {
		if !required[m] {
			t.Errorf("docs/dependencies.md lists %s, which go.mod does not require", m)
		}
	}
}
