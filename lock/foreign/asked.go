package foreign

import (
	"maps"
	"slices"
	"strings"
)

// Asked is what a pyproject.toml asks for in [project] dependencies and in
// [tool.poetry.dependencies], in this order. A marker is kept as it stands; what
// poetry says of Python or platforms is left to the lock.
func Asked(pyproject []byte) ([]Dependency, error) {
	var x struct {
		Project struct {
			Dependencies []string `toml:"dependencies"`
		} `toml:"project"`
		Tool struct {
			Poetry struct {
				Dependencies map[string]any `toml:"dependencies"`
			} `toml:"poetry"`
		} `toml:"tool"`
	}
	if err := decodeTOML("pyproject.toml", pyproject, &x); err != nil {
		return nil, err
	}
	var out []Dependency
	for _, r := range x.Project.Dependencies {
		head, marker, _ := strings.Cut(r, ";")
		if name := named.FindString(strings.TrimSpace(head)); name != "" {
			out = append(out, Dependency{Name: name, Marker: strings.TrimSpace(marker)})
		}
	}
	poetry := x.Tool.Poetry.Dependencies
	for _, name := range slices.Sorted(maps.Keys(poetry)) {
		if name != "python" {
			out = append(out, needs(name, poetry[name])...)
		}
	}
	return out, nil
}

// Regroup gives the packages of a poetry.lock from before groups were written
// there (1.5 to 1.8) their groups: "main" is what pyproject.toml asks for and what
// that needs, "others" the rest. A lock that has groups stays as it is.
func Regroup(l *Lock, asked []Dependency) {
	byName := map[string][]int{}
	for i, p := range l.Packages {
		if len(p.Groups) > 0 {
			return
		}
		byName[Normalize(p.Name)] = append(byName[Normalize(p.Name)], i)
	}
	next := slices.Clone(asked)
	seen := map[string]bool{}
	for len(next) > 0 {
		name := Normalize(next[len(next)-1].Name)
		next = next[:len(next)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, i := range byName[name] {
			l.Packages[i].Groups = []string{"main"}
			for _, d := range l.Packages[i].Needs {
				if !d.Optional {
					next = append(next, d)
				}
			}
		}
	}
	for i := range l.Packages {
		if l.Packages[i].Groups == nil {
			l.Packages[i].Groups = []string{"others"}
			l.Groups = []string{"others"}
		}
	}
}
