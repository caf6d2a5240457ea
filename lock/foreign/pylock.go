package foreign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type pylockFile struct {
	Name   string            `toml:"name"`
	URL    string            `toml:"url"`
	Path   string            `toml:"path"`
	Hashes map[string]string `toml:"hashes"`
}

type pylock struct {
	Version  string `toml:"lock-version"`
	Packages []struct {
		Name         string `toml:"name"`
		Version      string `toml:"version"`
		Marker       string `toml:"marker"`
		Index        string `toml:"index"`
		Dependencies []struct {
			Name string `toml:"name"`
		} `toml:"dependencies"`
		VCS       map[string]any `toml:"vcs"`
		Directory map[string]any `toml:"directory"`
		Archive   map[string]any `toml:"archive"`
		Sdist     *pylockFile    `toml:"sdist"`
		Wheels    []pylockFile   `toml:"wheels"`
	} `toml:"packages"`
}

// readPylock reads a pylock.toml (PEP 751), format 1.x.
func readPylock(file string, data []byte) (*Lock, error) {
	var x pylock
	if err := decodeTOML(file, data, &x); err != nil {
		return nil, err
	}
	if x.Version != "1" && !strings.HasPrefix(x.Version, "1.") {
		return nil, &Error{file, 0, fmt.Sprintf("its lock-version is %q; known is 1.0", x.Version), "write it anew with its own tool"}
	}
	l := &Lock{Format: Pylock}
	at := blocks(data)
	sources := map[string]bool{}
	for i, p := range x.Packages {
		out := Package{Name: p.Name, Version: p.Version, Marker: p.Marker}
		if i < len(at) {
			out.Line = at[i]
		}
		if p.Name == "" {
			return nil, &Error{file, out.Line, "a package without a name", "write it anew with its own tool"}
		}
		switch {
		case p.VCS != nil:
			out.Direct = "git"
		case p.Directory != nil:
			out.Direct = "directory"
		case p.Archive != nil:
			out.Direct = "url"
		}
		if p.Index != "" {
			sources[p.Index] = true
		}
		files := p.Wheels
		if p.Sdist != nil {
			files = append(slices.Clone(files), *p.Sdist)
		}
		for _, f := range files {
			hex, ok := f.Hashes["sha256"], true
			if hex != "" {
				hex, ok = hash("sha256:" + hex)
			}
			if !ok {
				return nil, &Error{file, out.Line, fmt.Sprintf("%s: %q is no sha256", p.Name, f.Hashes["sha256"]), "write it anew with its own tool"}
			}
			name := f.Name
			for _, s := range []string{f.URL, f.Path} {
				if name == "" && s != "" {
					name = s[strings.LastIndexByte(s, '/')+1:]
				}
			}
			out.Files = append(out.Files, File{Name: name, SHA256: hex})
		}
		for _, d := range p.Dependencies {
			out.Needs = append(out.Needs, Dependency{Name: d.Name})
		}
		l.Packages = append(l.Packages, out)
	}
	l.Sources = len(slices.Collect(maps.Keys(sources)))
	return l, nil
}
