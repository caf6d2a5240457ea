package pep508

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedCases reads one file of the reference's recorded cases. They are
// another project's data and not part of this repository.
func sharedCases(t *testing.T, name string, into any) {
	t.Helper()
	path := filepath.Join(sharedDir(t), "testdata", "packaging", name)
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("recorded cases of Python's packaging are not here (set WHEELLOCK_SHARED): no %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// sharedDir is $WHEELLOCK_SHARED, or the folder "shared" beside the repository.
func sharedDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("WHEELLOCK_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the package")
		}
		dir = parent
	}
}
