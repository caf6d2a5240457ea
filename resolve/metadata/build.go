package metadata

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// Limits on pyproject.toml. Real ones have some hundred kilobytes at most, and
// tables some ten levels deep; the parser recurses on both kinds of brackets.
const (
	MaxPyProject = 4 << 20
	MaxDepth     = 10_000 // brackets opened and not closed, counting those in strings
)

// ErrPyProject is wrapped by every error about a pyproject.toml.
var ErrPyProject = errors.New("invalid pyproject.toml")

// LegacyBackend is what a source tree without a declared backend is built with
// (PEP 517): setuptools, running setup.py from the tree's own folder.
const LegacyBackend = "setuptools.build_meta:__legacy__"

// legacyRequires is pip's requirement for LegacyBackend: the first setuptools
// that has it.
const legacyRequires = "setuptools>=40.8.0"

// BuildSystem is how a source tree wants to be built (PEP 517 and 518).
type BuildSystem struct {
	Requires    []pep508.Requirement // in order; the backend may ask for more when called
	Backend     string               // "module.path:object.path", the object being optional
	BackendPath []string             // folders of the tree, with slashes, that come first on sys.path
	Implied     bool                 // the backend is LegacyBackend because none is declared
}

// ParseBuildSystem reads the [build-system] table of a pyproject.toml; nil or
// empty stands for a tree that has no such file. Its errors wrap ErrPyProject.
func ParseBuildSystem(pyproject []byte) (BuildSystem, error) {
	bs, err := parseBuildSystem(pyproject)
	if err != nil {
		return BuildSystem{}, fmt.Errorf("%w: %w", ErrPyProject, err)
	}
	return bs, nil
}

func parseBuildSystem(pyproject []byte) (BuildSystem, error) {
	var doc struct {
		BuildSystem *struct {
			Requires    *[]string `toml:"requires"`
			Backend     *string   `toml:"build-backend"`
			BackendPath any       `toml:"backend-path"`
		} `toml:"build-system"`
	}
	if err := decode(pyproject, &doc); err != nil {
		return BuildSystem{}, err
	}
	bs := BuildSystem{Backend: LegacyBackend, Implied: true}
	table := doc.BuildSystem
	if table == nil {
		bs.Requires = []pep508.Requirement{must(legacyRequires)}
		return bs, nil
	}
	// PEP 518 makes it the table's one mandatory key, and pip refuses without.
	if table.Requires == nil {
		return BuildSystem{}, errors.New("[build-system] has no requires")
	}
	for _, line := range *table.Requires {
		r, err := pep508.Parse(strings.TrimSpace(line))
		if err != nil {
			return BuildSystem{}, &LineError{Field: "build-system.requires", Value: line, Err: err}
		}
		bs.Requires = append(bs.Requires, r)
	}
	if table.Backend != nil {
		bs.Backend, bs.Implied = *table.Backend, false
		if !isBackend(bs.Backend) {
			return BuildSystem{}, fmt.Errorf("build-backend %q is not module.path:object.path", bs.Backend)
		}
	}
	paths, err := backendPath(table.BackendPath)
	if err != nil {
		return BuildSystem{}, err
	}
	for _, p := range paths {
		clean := path.Clean(strings.ReplaceAll(p, `\`, "/"))
		if p == "" || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, ":") {
			return BuildSystem{}, fmt.Errorf("backend-path %q is not inside the source tree", p)
		}
		bs.BackendPath = append(bs.BackendPath, clean)
	}
	return bs, nil
}

// backendPath reads a list of folders. flit_core 2 has one as a text, which pip
// takes for a list of letters: what comes of "." is the same.
func backendPath(v any) (paths []string, err error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if len(v) == 1 {
			return []string{v}, nil
		}
	case []any:
		for _, p := range v {
			s, ok := p.(string)
			if !ok {
				return nil, fmt.Errorf("backend-path has %v, which is no folder", p)
			}
			paths = append(paths, s)
		}
		return paths, nil
	}
	return nil, fmt.Errorf("backend-path is %q, not a list of folders", v)
}

// isBackend reports a PEP 517 entry point. The name ends up in a Python program
// that imports it, so nothing else may pass.
func isBackend(s string) bool {
	module, object, two := strings.Cut(s, ":")
	if two && !isDotted(object) {
		return false
	}
	return isDotted(module)
}

func isDotted(s string) bool {
	for _, part := range strings.Split(s, ".") {
		if part == "" || part[0] >= '0' && part[0] <= '9' {
			return false
		}
		for _, r := range part {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
			if !letter {
				return false
			}
		}
	}
	return true
}

// decode reads TOML within our limits.
func decode(doc []byte, into any) error {
	if len(doc) > MaxPyProject {
		return fmt.Errorf("longer than %d bytes", MaxPyProject)
	}
	depth := 0
	for _, c := range doc {
		switch c {
		case '[', '{':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("more than %d levels deep", MaxDepth)
			}
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	err := toml.NewDecoder(bytes.NewReader(doc)).Decode(into)
	var where *toml.DecodeError
	if errors.As(err, &where) {
		row, column := where.Position()
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

// must parses a requirement of our own.
func must(s string) pep508.Requirement {
	r, err := pep508.Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}
