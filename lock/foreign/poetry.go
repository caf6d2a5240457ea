package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

type poetryFile struct {
	File string `toml:"file"`
	Hash string `toml:"hash"`
}

type poetryLock struct {
	Package []struct {
		Name         string         `toml:"name"`
		Version      string         `toml:"version"`
		Optional     bool           `toml:"optional"`
		Category     string         `toml:"category"` // until 1.4
		Groups       []string       `toml:"groups"`   // from 2.0
		Markers      any            `toml:"markers"`  // from 2.0: a string, or a table by group
		Marker       string         `toml:"marker"`   // 1.0
		Files        []poetryFile   `toml:"files"`
		Dependencies map[string]any `toml:"dependencies"`
		Source       struct {
			Type string `toml:"type"`
			URL  string `toml:"url"`
		} `toml:"source"`
	} `toml:"package"`
	Metadata struct {
		Version string         `toml:"lock-version"`
		Files   map[string]any `toml:"files"`  // until 1.2: files by name
		Hashes  map[string]any `toml:"hashes"` // 1.0: hashes by name
	} `toml:"metadata"`
}

// readPoetry reads a poetry.lock of format 1.0 to 2.x.
func readPoetry(file string, data []byte) (*Lock, error) {
	var x poetryLock
	if err := decodeTOML(file, data, &x); err != nil {
		return nil, err
	}
	if v := x.Metadata.Version; v != "" && !strings.HasPrefix(v, "1.") && !strings.HasPrefix(v, "2.") {
		return nil, &Error{file, 0, fmt.Sprintf("its lock-version is %q; known are 1.0 to 2.x", v), "poetry lock --regenerate with a poetry of version 2, or poetry export"}
	}
	l := &Lock{Format: Poetry}
	at := blocks(data)
	groups := map[string]bool{}
	for i, p := range x.Package {
		out := Package{Name: p.Name, Version: p.Version, Optional: p.Optional, Groups: p.Groups, Marker: p.Marker}
		if i < len(at) {
			out.Line = at[i]
		}
		if p.Name == "" || p.Version == "" {
			return nil, &Error{file, out.Line, "a package without name or version", "poetry lock"}
		}
		if p.Category != "" {
			out.Groups = []string{p.Category}
		}
		for _, g := range out.Groups {
			groups[g] = true
		}
		switch m := p.Markers.(type) {
		case string:
			out.Marker = m
		case map[string]any: // a marker for each group
			out.Marker, _ = m["main"].(string)
		}
		switch p.Source.Type {
		case "", "legacy":
			if p.Source.URL != "" {
				l.Sources++
			}
		default:
			out.Direct = p.Source.Type
		}
		files := p.Files
		if len(files) == 0 {
			files = filesOf(x.Metadata.Files, x.Metadata.Hashes, p.Name)
		}
		for _, f := range files {
			hex, ok := hash(f.Hash)
			if !ok {
				return nil, &Error{file, out.Line, fmt.Sprintf("%s %s: %q is no hash", p.Name, p.Version, f.Hash), "poetry lock"}
			}
			out.Files = append(out.Files, File{Name: f.File, SHA256: hex})
		}
		for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
			out.Needs = append(out.Needs, needs(name, p.Dependencies[name])...)
		}
		l.Packages = append(l.Packages, out)
	}
	delete(groups, "main")
	l.Groups = slices.Sorted(maps.Keys(groups))
	return l, nil
}

// needs reads one dependency: a version, a table, or several tables told apart by
// their markers.
func needs(name string, v any) []Dependency {
	switch v := v.(type) {
	case map[string]any:
		d := Dependency{Name: name}
		d.Marker, _ = v["markers"].(string)
		d.Optional, _ = v["optional"].(bool)
		return []Dependency{d}
	case []any:
		var out []Dependency
		for _, x := range v {
			out = append(out, needs(name, x)...)
		}
		return out
	}
	return []Dependency{{Name: name}}
}

// filesOf finds a package's files in the tables of the first formats.
func filesOf(files, hashes map[string]any, name string) []poetryFile {
	var out []poetryFile
	list, _ := files[name].([]any)
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			file, _ := m["file"].(string)
			digest, _ := m["hash"].(string)
			out = append(out, poetryFile{file, digest})
		}
	}
	list, _ = hashes[name].([]any)
	for _, x := range list {
		if s, ok := x.(string); ok && !strings.Contains(s, ":") {
			out = append(out, poetryFile{"", "sha256:" + s})
		}
	}
	return out
}

// blocks are the lines of the [[package]] headers.
func blocks(data []byte) (lines []int) {
	for n, line := range bytes.Split(data, []byte("\n")) {
		if s := strings.TrimSpace(string(line)); s == "[[package]]" || s == "[[packages]]" {
			lines = append(lines, n+1)
		}
	}
	return lines
}

func decodeTOML(file string, data []byte, to any) error {
	err := toml.Unmarshal(data, to)
	var d *toml.DecodeError
	if errors.As(err, &d) {
		line, _ := d.Position()
		msg := strings.TrimPrefix(d.Error(), "toml: ")
		if bytes.Contains(data, []byte("\n<<<<<<< ")) {
			msg = "an unresolved merge conflict"
		}
		return &Error{file, line, msg, "write the lock anew with its own tool"}
	}
	if err != nil {
		return &Error{file, 0, strings.TrimPrefix(err.Error(), "toml: "), "write the lock anew with its own tool"}
	}
	return nil
}
