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
