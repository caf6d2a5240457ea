// Package pep508 is being written: this file holds the exported shapes.
package pep508

import (
	"errors"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

var errUnwritten = errors.New("unwritten")

// NormalizeName is the PEP 503 form of a project name.
func NormalizeName(s string) string { return "" }

// ValidName reports whether s is a project name (PEP 508 grammar).
func ValidName(s string) bool { return false }

// Requirement is one PEP 508 dependency specifier.
type Requirement struct {
	Name       string            // as written
	Extras     []string          // as written, sorted, without repeats
	Specifiers pep440.Specifiers // empty: any version
	URL        string            // direct reference, or ""
	Marker     *Marker           // nil: always
}

// Parse reads one requirement. Its error is a *SyntaxError.
func Parse(s string) (Requirement, error) { return Requirement{}, errUnwritten }

// String is the normal form.
func (r Requirement) String() string { return "" }

// Canonical is the normalised name.
func (r Requirement) Canonical() string { return NormalizeName(r.Name) }

// SyntaxError says what is wrong and where: Offset counts bytes into Input.
type SyntaxError struct {
	Input  string
	Offset int
	Msg    string
}

// Error is one line.
func (e *SyntaxError) Error() string { return e.Msg }

// Caret is two lines: the input, and a caret under the offset.
func (e *SyntaxError) Caret() string { return "" }

// Marker is a parsed environment marker.
type Marker struct{}

// ParseMarker reads a marker. Its error is a *SyntaxError.
func ParseMarker(s string) (*Marker, error) { return nil, errUnwritten }

// String is the normal form.
func (m *Marker) String() string { return "" }

// Environment maps a marker variable to its value, without extra.
type Environment map[string]string

// Eval reports whether m holds for any of extras, or with extra == "" when none is given. A nil marker holds.
// Errors: *UndefinedComparisonError, *UndefinedNameError.
func (m *Marker) Eval(env Environment, extras ...string) (bool, error) { return false, errUnwritten }

// Context says which variables a marker may use (PEP 751 adds extras and dependency_groups).
type Context int

// The contexts of packaging's Marker.evaluate.
const (
	ContextMetadata Context = iota
	ContextRequirement
	ContextLockFile
)

// Values is what EvalContext judges by; a nil set is an undefined one.
type Values struct {
	Environment      Environment
	Extra            *string
	Extras           []string
	DependencyGroups []string
}

// EvalContext is Eval with the variables that a lock file's marker may use.
func (m *Marker) EvalContext(c Context, v Values) (bool, error) { return false, errUnwritten }

// UndefinedComparisonError is an operator that has no meaning for its operands.
type UndefinedComparisonError struct{ Left, Op, Right string }

// Error is one line.
func (e *UndefinedComparisonError) Error() string { return e.Op }

// UndefinedNameError is a marker variable that the environment does not define.
type UndefinedNameError struct{ Name string }

// Error is one line.
func (e *UndefinedNameError) Error() string { return e.Name }
