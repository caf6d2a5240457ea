package build

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestBootstraps reads a system that has one wheel of a package and one of nobody's.
func TestBootstraps(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("var/lib/dpkg/status", "Package: python3-pip-whl\nStatus: install ok installed\nVersion: 23.0.1+dfsg-1\n\n")
	write("var/lib/dpkg/info/python3-pip-whl.list", "/.\n"+bootstrapFolder+"/pip-23.0.1-py3-none-any.whl\n")
	write(bootstrapFolder+"/pip-23.0.1-py3-none-any.whl", "pip")
	write(bootstrapFolder+"/own-1.0-py3-none-any.whl", "own")
	sum := func(s string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))) }
	want := []string{"- - own-1.0-py3-none-any.whl " + sum("own"), "python3-pip-whl 23.0.1+dfsg-1 pip-23.0.1-py3-none-any.whl " + sum("pip")}
	i := &Interpreter{Prefix: "/usr", Root: root}
	if got := bootstrapsOf(i); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := bootstrapsOf(&Interpreter{Prefix: "/opt/python", Root: root}); got != nil {
		t.Errorf("an interpreter that is no distribution's: %q", got)
	}
}
