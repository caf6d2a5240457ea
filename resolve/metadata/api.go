// Package metadata is being written: this file holds the exported shapes.
package metadata

import (
	"errors"
	"io"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

var errUnwritten = errors.New("unwritten")

// Metadata is what a resolver needs of core metadata.
type Metadata struct {
	MetadataVersion string
	Name            string // as written
	Version         pep440.Version
	RequiresPython  string // as written; RequiresPythonSpec judges
	RequiresDist    []pep508.Requirement
	ProvidesExtra   []string            // normalised, sorted, no repeats
	Dynamic         []string            // lower case, sorted
	Broken          []LineError         // Requires-Dist lines that are no requirement: refuse this version
	Fields          map[string][]string // every header, lower-case name to values
}

// LineError is one field that cannot be read.
type LineError struct {
	Field, Value string
	Err          error
}

// Error is one line.
func (e LineError) Error() string { return e.Field }

// Unwrap is the cause.
func (e LineError) Unwrap() error { return e.Err }

// Err is nil, or the first broken Requires-Dist line.
func (m Metadata) Err() error { return nil }

// PythonSpecifiers is Requires-Python as pip reads it: an invalid one, as none, admits any Python; ok is false then.
func (m Metadata) PythonSpecifiers() (s pep440.Specifiers, ok bool) { return s, false }

// Parse reads METADATA or PKG-INFO.
func Parse(b []byte) (Metadata, error) { return Metadata{}, errUnwritten }

// BuildSystem is PEP 518's [build-system] with PEP 517's defaults.
type BuildSystem struct {
	Requires    []pep508.Requirement
	Backend     string
	BackendPath []string
	Implied     bool // there was no [build-system], or no build-backend in it
}

// ParseBuildSystem reads pyproject.toml; nil or empty gives the defaults.
func ParseBuildSystem(pyproject []byte) (BuildSystem, error) { return BuildSystem{}, errUnwritten }

// ParseProject reads PEP 621's [project]; static reports whether dependencies and the rest can be relied on without a build.
func ParseProject(pyproject []byte) (m Metadata, static bool, err error) {
	return Metadata{}, false, errUnwritten
}

// Sdist is what tells of dependencies and build in a source archive.
type Sdist struct {
	Root       string // top folder
	PKGInfo    []byte // nil: none
	PyProject  []byte
	SetupCfg   []byte
	HasSetupPy bool
	Files      int
}

// ReadSdist reads an sdist; ext is ".tar.gz", ".tgz", ".tar", ".tar.bz2" or ".zip".
func ReadSdist(r io.Reader, ext string) (Sdist, error) { return Sdist{}, errUnwritten }

// Static is the dependency metadata that holds for every build of the sdist, if there is some.
func (s Sdist) Static() (Metadata, bool) { return Metadata{}, false }

// BuildSystem is ParseBuildSystem of the sdist's pyproject.toml.
func (s Sdist) BuildSystem() (BuildSystem, error) { return ParseBuildSystem(s.PyProject) }
