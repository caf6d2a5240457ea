package metadata

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// ParseProject reads the [project] table of a pyproject.toml (PEP 621) as the
// metadata that a backend must make of it. Optional dependencies become
// requirements with an extra in their marker.
//
// static reports whether dependencies, extras and Requires-Python hold for every
// build; it is false without a table, and then m is empty. The version is the
// zero Version when the table leaves it to the backend. Its errors wrap
// ErrPyProject.
func ParseProject(pyproject []byte) (m Metadata, static bool, err error) {
	m, static, err = parseProject(pyproject)
	if err != nil {
		return Metadata{}, false, fmt.Errorf("%w: %w", ErrPyProject, err)
	}
	return m, static, nil
}

type projectTable struct {
	Name           string              `toml:"name"`
	Version        *string             `toml:"version"`
	RequiresPython *string             `toml:"requires-python"`
	Dependencies   *[]string           `toml:"dependencies"`
	Optional       map[string][]string `toml:"optional-dependencies"`
	Dynamic        []string            `toml:"dynamic"`
}

func parseProject(pyproject []byte) (Metadata, bool, error) {
	var doc struct {
		Project *projectTable `toml:"project"`
		Tool    struct {
			Poetry any `toml:"poetry"`
		} `toml:"tool"`
	}
	if err := decode(pyproject, &doc); err != nil {
		return Metadata{}, false, err
	}
	p := doc.Project
	if p == nil {
		return Metadata{}, false, nil
	}
	if !pep508.ValidName(p.Name) {
		return Metadata{}, false, fmt.Errorf("project.name %q is no project name", p.Name)
	}
	m := Metadata{Name: p.Name, Dynamic: names(p.Dynamic, strings.ToLower)}
	if err := p.version(&m); err != nil {
		return Metadata{}, false, err
	}
	if p.RequiresPython != nil {
		m.RequiresPython = *p.RequiresPython
	}
	if err := p.requires(&m); err != nil {
		return Metadata{}, false, err
	}
	static := true
	for _, key := range []string{"dependencies", "optional-dependencies", "requires-python"} {
		if slices.Contains(m.Dynamic, key) {
			static = false
		}
	}
	// Poetry takes dependencies from its own table when [project] has none,
	// whatever PEP 621 says of an absent key.
	if p.Dependencies == nil && doc.Tool.Poetry != nil {
		static = false
	}
	return m, static, nil
}

// version sets the version, if it is static.
func (p *projectTable) version(m *Metadata) error {
	if slices.Contains(m.Dynamic, "name") {
		return errors.New("project.name may not be dynamic")
	}
	if p.Version == nil {
		if !slices.Contains(m.Dynamic, "version") {
			return errors.New("project.version is missing, and not dynamic")
		}
		return nil
	}
	v, err := pep440.Parse(*p.Version)
	if err != nil {
		return fmt.Errorf("project.version: %w", err)
	}
	m.Version = v
	return nil
}

func (p *projectTable) requires(m *Metadata) error {
	if p.Dependencies != nil {
		for _, line := range *p.Dependencies {
			m.require("project.dependencies", line)
		}
	}
	var extras []string
	for extra := range p.Optional {
		extras = append(extras, extra)
	}
	slices.Sort(extras) // a map has no order, and results must not depend on it
	for _, extra := range extras {
		if !pep508.ValidName(extra) {
			return fmt.Errorf("project.optional-dependencies: %q is no name of an extra", extra)
		}
		m.ProvidesExtra = append(m.ProvidesExtra, extra)
		field := "project.optional-dependencies." + extra
		for _, line := range p.Optional[extra] {
			m.require(field, line)
			if n := len(m.Broken); n > 0 {
				break
			}
			r := &m.RequiresDist[len(m.RequiresDist)-1]
			var err error
			if r.Marker, err = withExtra(r.Marker, extra); err != nil {
				return &LineError{Field: field, Value: line, Err: err}
			}
		}
	}
	m.ProvidesExtra = names(m.ProvidesExtra, pep508.NormalizeName)
	// A backend refuses the whole table, so nothing of it can be relied on.
	return m.Err()
}

// withExtra is the marker that holds where the old one does and the extra is
// asked for.
func withExtra(m *pep508.Marker, extra string) (*pep508.Marker, error) {
	s := fmt.Sprintf("extra == %q", pep508.NormalizeName(extra))
	if m != nil {
		s = "(" + m.String() + ") and " + s
	}
	return pep508.ParseMarker(s)
}
