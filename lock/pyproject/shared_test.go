package pyproject

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is the folder with other projects' files, which are not copied here.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if root == filepath.Dir(root) {
				t.Skip("not within the repository: set WHEELLOCK_SHARED")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared")
	}
	dir = filepath.Join(dir, "testdata", "securedrop")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the shared test data is not here: set WHEELLOCK_SHARED")
	}
	return dir
}

// Real projects' inputs are read, and adding and removing a requirement leaves
// them as they were.
func TestRealProjects(t *testing.T) {
	read, groups := 0, 0
	err := filepath.WalkDir(shared(t), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		dir, name := filepath.Split(path)
		group := ""
		switch {
		case name == "pyproject.toml":
			group = "zz-new"
			groups++
		case !strings.HasSuffix(name, ".in"):
			return nil
		}
		p, err := load(dir, "", map[string][]byte{"wheellock.toml": []byte("sources = [\"" + name + "\"]\n")})
		var refused *Error
		if errors.As(err, &refused) && strings.Contains(refused.Msg, "[tool.poetry.") {
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		read++
		before := string(p.files[name])
		q := apply(t, p)(p.AddRequirement("zz-new-package>=1", group))
		r := apply(t, q)(q.RemoveRequirement("zz.new_package"))
		after := string(r.files[name])
		if group != "" { // the group that was made stays, empty
			after = strings.Replace(after, "zz-new = [\n]\n", "", 1)
			before, after = strings.TrimSpace(before), strings.TrimSpace(after)
			after = strings.TrimSpace(strings.TrimSuffix(after, "[dependency-groups]"))
		}
		if after != before {
			t.Errorf("%s is damaged:\n%s", path, after)
		}
		for _, in := range p.Inputs {
			if nameOf(in.Requirement) == "" && !strings.Contains(path, "fixtures") { // theirs has a broken one on purpose
				t.Errorf("%s: %q has no name", in.Origin(), in.Requirement)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 20 || groups < 5 {
		t.Errorf("only %d files and %d pyproject.toml found", read, groups)
	}
}

// A compiled file with hashes is an input, its hashes too; one that names an
// index that the configuration does not know is none.
func TestCompiledFiles(t *testing.T) {
	found := 0
	filepath.WalkDir(shared(t), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != "requirements.txt" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "--hash=") {
			return err
		}
		found++
		p, err := load(t.TempDir(), "", map[string][]byte{"requirements.in": b})
		var e2 *Error
		switch {
		case err != nil && (!errors.As(err, &e2) || !strings.Contains(e2.Hint, "index")):
			t.Errorf("%s: %v", path, err)
		case err == nil && len(p.Inputs[0].Hashes) == 0:
			t.Errorf("%s: no hash was read", path)
		}
		return nil
	})
	if found == 0 {
		t.Error("no compiled file found")
	}
}
