package repo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/freedomofpress/wheellock"

// root is the repository's folder.
var root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			panic("no go.mod above the test")
		}
		dir = up
	}
})

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// command runs a command in the repository's folder and returns what it wrote to
// stdout and to stderr.
func command(name string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root(), &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// tracked lists the files of the repository: what git tracks or would, or where
// there is no git all that lies there.
func tracked(t *testing.T) []string {
	t.Helper()
	out, _, err := command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err == nil {
		var names []string
		for _, n := range strings.Split(strings.Trim(out, "\x00"), "\x00") {
			info, err := os.Lstat(filepath.Join(root(), n))
			if err == nil && info.Mode().IsRegular() {
				names = append(names, n)
			}
		}
		return names
	}
	var names []string
	err = filepath.WalkDir(root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			rel, _ := filepath.Rel(root(), path)
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A pkg is what `go list -json` says of a package. Test files count apart.
type pkg struct {
	ImportPath, Doc, Dir               string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

// packages lists all packages of the module.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, errs, err := command("go", "list", "-json=ImportPath,Doc,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	var all []pkg
	d := json.NewDecoder(strings.NewReader(out))
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// inside gives the path within the module: "lock/assemble"; ok is false for
// packages of others.
func inside(importPath string) (path string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}
