package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the direction of imports between rooms. Within a room everything
// may, and lock/assemble stands out: it alone turns a solution into a lock.
var mayImport = map[string][]string{
	"bench":         {"lock", "lock/assemble", "resolve", "provenance", "sumdb", "schema", "internal"},
	"cmd":           {"lock", "lock/assemble", "resolve", "provenance", "sumdb", "schema", "internal"},
	"provenance":    {"lock", "lock/assemble", "resolve", "sumdb", "schema", "internal"},
	"lock":          {"schema", "internal"},
	"lock/assemble": {"lock", "resolve", "internal"},
	"resolve":       {"internal"},
	"sumdb":         {"internal"},
	"schema":        {},
	"internal":      {},
}

func room(path string) string {
	if path == "lock/assemble" {
		return path
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

func TestImportDirections(t *testing.T) {
	for _, p := range packages(t) {
		path, ok := inside(p.ImportPath)
		if !ok {
			t.Errorf("%s: outside of the module", p.ImportPath)
			continue
		}
		from := room(path)
		if _, known := mayImport[from]; !known {
			t.Errorf("%s: no such room", path)
			continue
		}
		for _, i := range p.Imports {
			to, ok := inside(i)
			if !ok {
				continue
			}
			if room(to) != from && !slices.Contains(mayImport[from], room(to)) {
				t.Errorf("%s imports %s", path, to)
			}
			// The repository's own folder internal has one package to share.
			if strings.HasPrefix(to, "internal/") && to != "internal/durable" {
				t.Errorf("%s imports %s: only internal/durable is for all", path, to)
			}
		}
	}
}

// fake reports whether a package is one for tests by its name: resolvetest, sumdbtest.
func fake(path string) bool {
	return strings.HasSuffix(path, "test") && !strings.HasSuffix(path, "/attest")
}

// Fakes are for tests and measurements: no package that our program links imports one.
func TestFakesStayInTests(t *testing.T) {
	for _, p := range packages(t) {
		if path, _ := inside(p.ImportPath); room(path) == "bench" || fake(path) {
			continue
		}
		for _, i := range p.Imports {
			if to, ok := inside(i); ok && fake(to) {
				t.Errorf("%s imports %s", p.ImportPath, to)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.Doc, "Package ") && !strings.HasPrefix(p.Doc, "Command ") {
			t.Errorf("%s: no package comment", p.ImportPath)
		}
	}
}

// A library returns errors and is told what it needs: it does not print, log,
// exit, or ask the environment. Fakes (...test) take part in tests and may.
var worldly = map[string][]string{
	"os":  {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "UserHomeDir", "UserConfigDir", "UserCacheDir", "Getwd", "Exit", "Stdin", "Stdout", "Stderr"},
	"fmt": {"Print", "Printf", "Println"},
	// exec.LookPath reads PATH, exec.Command does so for names without a slash.
	"os/exec":  {"LookPath"},
	"log":      nil, // nil: nothing of it
	"log/slog": nil,
}

func TestLibrariesAskNobody(t *testing.T) {
	for _, p := range packages(t) {
		path, _ := inside(p.ImportPath)
		if room(path) == "cmd" || room(path) == "bench" || fake(path) {
			continue
		}
		for _, f := range p.GoFiles {
			checkWorldly(t, path+"/"+f, filepath.Join(p.Dir, f))
		}
	}
}

func checkWorldly(t *testing.T, name, file string) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	local := map[string]string{} // the name a package has in this file -> its path
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		banned, watched := worldly[path]
		if !watched {
			continue
		}
		if banned == nil {
			t.Errorf("%s imports %s", name, path)
			continue
		}
		as := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			as = i.Name.Name
		}
		local[as] = path
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && slices.Contains(worldly[local[x.Name]], n.Sel.Name) {
				t.Errorf("%s:%d uses %s.%s", name, files.Position(n.Pos()).Line, x.Name, n.Sel.Name)
			}
		case *ast.CallExpr:
			x, ok := n.Fun.(*ast.Ident)
			if ok && (x.Name == "print" || x.Name == "println") {
				t.Errorf("%s:%d calls %s", name, files.Position(n.Pos()).Line, x.Name)
			}
		}
		return true
	})
}
