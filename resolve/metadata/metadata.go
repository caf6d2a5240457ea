package metadata

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// MaxSize is the most bytes of a METADATA or PKG-INFO file. The largest ones in
// the world carry a change log of some 2 MB.
const MaxSize = 16 << 20

// Metadata is what a resolver needs of core metadata, and the other fields as
// written.
type Metadata struct {
	MetadataVersion string               // "2.1"; "" if the file does not say
	Name            string               // as written
	Version         pep440.Version       // of Parse never the zero Version; of ParseProject it is when dynamic
	RequiresPython  string               // as written; see PythonSpecifiers
	RequiresDist    []pep508.Requirement // in order, without the broken ones
	ProvidesExtra   []string             // normalised, sorted, without repeats
	Dynamic         []string             // in lower case, sorted, without repeats
	Broken          []LineError          // Requires-Dist lines that are no requirement
	Fields          map[string][]string  // all headers but Description: lower-case name to values in order
}

// LineError is a field that cannot be read.
type LineError struct {
	Field string // "Requires-Dist"
	Value string // as written
	Err   error  // often a *pep508.SyntaxError
}

// Error is one line.
func (e *LineError) Error() string {
	const most = 200
	v := e.Value
	if len(v) > most {
		v = v[:most] + "..."
	}
	return fmt.Sprintf("%s %q: %v", e.Field, v, e.Err)
}

// Unwrap is the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Err is nil, or the *LineError of the first requirement that cannot be read.
// What the version requires is then not known, and it must not be chosen.
func (m Metadata) Err() error {
	if len(m.Broken) == 0 {
		return nil
	}
	return &m.Broken[0]
}

// PythonSpecifiers is Requires-Python as pip takes it: one that cannot be read
// admits every Python, like none at all, and ok is false. Pre-releases of
// Python are judged like others: call Contains with pep440.PreAllow.
func (m Metadata) PythonSpecifiers() (s pep440.Specifiers, ok bool) {
	s, err := pep440.ParseSpecifiers(m.RequiresPython)
	if err != nil {
		return pep440.Specifiers{}, false
	}
	return s, true
}

// ErrMetadata is wrapped by every error about a file that is no core metadata.
var ErrMetadata = errors.New("invalid package metadata")

// Parse reads a METADATA or PKG-INFO file. Its errors wrap ErrMetadata; a broken
// requirement is none of them.
func Parse(b []byte) (Metadata, error) {
	m, err := parse(b)
	if err != nil {
		return Metadata{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return m, nil
}

func parse(b []byte) (Metadata, error) {
	if len(b) > MaxSize {
		return Metadata{}, fmt.Errorf("longer than %d bytes", MaxSize)
	}
	m := Metadata{Fields: headers(b)}
	var err error
	if m.MetadataVersion, err = m.single("Metadata-Version", false); err != nil {
		return Metadata{}, err
	}
	if err := checkMetadataVersion(m.MetadataVersion); err != nil {
		return Metadata{}, err
	}
	if m.Name, err = m.single("Name", true); err != nil {
		return Metadata{}, err
	}
	if !pep508.ValidName(m.Name) {
		return Metadata{}, fmt.Errorf("field Name: %q is no project name", m.Name)
	}
	version, err := m.single("Version", true)
	if err != nil {
		return Metadata{}, err
	}
	if m.Version, err = pep440.Parse(version); err != nil {
		return Metadata{}, err
	}
	if all := m.Fields["requires-python"]; len(all) > 0 {
		m.RequiresPython = strings.TrimSpace(all[0])
	}
	for _, line := range m.Fields["requires-dist"] {
		m.require("Requires-Dist", line)
	}
	m.ProvidesExtra = names(m.Fields["provides-extra"], pep508.NormalizeName)
	m.Dynamic = names(m.Fields["dynamic"], strings.ToLower)
	return m, nil
}

// single is the value of a field that may stand once.
func (m Metadata) single(field string, required bool) (string, error) {
	all := m.Fields[strings.ToLower(field)]
	switch {
	case len(all) > 1:
		return "", fmt.Errorf("%s stands %d times", field, len(all))
	case len(all) == 1 && strings.TrimSpace(all[0]) != "":
		return strings.TrimSpace(all[0]), nil
	case required:
		return "", fmt.Errorf("%s is missing", field)
	}
	return "", nil
}

// checkMetadataVersion refuses a major version that we do not know, as the
// specification demands; a newer minor one only adds fields.
func checkMetadataVersion(s string) error {
	if s == "" {
		return nil
	}
	v, err := pep440.Parse(s)
	if err != nil {
		return fmt.Errorf("field Metadata-Version: %q is no version", s)
	}
	if v.Compare(pep440.MustParse("3.dev0")) >= 0 {
		return fmt.Errorf("metadata version %s is newer than what is known here, 2.x", s)
	}
	return nil
}

// require adds one requirement, or what is wrong with it.
func (m *Metadata) require(field, line string) {
	line = strings.TrimSpace(line)
	r, err := pep508.Parse(line)
	if err != nil {
		m.Broken = append(m.Broken, LineError{Field: field, Value: line, Err: err})
		return
	}
	m.RequiresDist = append(m.RequiresDist, r)
}

// names normalises, sorts and removes repeats and empty ones.
func names(values []string, normalize func(string) string) []string {
	var out []string
	for _, v := range values {
		if v = normalize(strings.TrimSpace(v)); v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// static reports whether PEP 643 lets the file speak for every build.
func (m Metadata) static() bool {
	v, err := pep440.Parse(m.MetadataVersion)
	if err != nil || v.Compare(pep440.MustParse("2.2")) < 0 {
		return false
	}
	for _, f := range []string{"requires-dist", "provides-extra", "requires-python"} {
		if slices.Contains(m.Dynamic, f) {
			return false
		}
	}
	return true
}
