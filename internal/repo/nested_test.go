package repo

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Modules within this one compare us with the software of others. They take us
// from the folders above, so that they are about this very checkout, they are
// tidy, and nothing here imports them.
func TestNestedModules(t *testing.T) {
	want := map[string]bool{"bench/log": true, "sumdb/interop": true}
	for _, name := range tracked(t) {
		if path.Base(name) != "go.mod" || name == "go.mod" {
			continue
		}
		dir := path.Dir(name)
		if !want[dir] {
			t.Errorf("%s is a module that this test does not know", dir)
			continue
		}
		delete(want, dir)
		text := read(t, name)
		up, err := filepath.Rel(filepath.FromSlash(dir), ".")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"module " + module + "/" + dir, "replace " + module + " => " + filepath.ToSlash(up)} {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("%s: no line %q", name, line)
			}
		}
		cmd := exec.Command("go", "mod", "tidy", "-diff")
		cmd.Dir = filepath.Join(root(), dir)
		out, err := cmd.Output()
		switch {
		case err == nil:
		case len(out) == 0 && os.Getenv("WHEELLOCK_NETWORK") != "1":
			t.Logf("%s: its modules are not here", dir)
		default:
			t.Errorf("%s: go mod tidy would change it:\n%s", dir, out)
		}
	}
	for dir := range want {
		t.Errorf("%s is no module", dir)
	}
}
