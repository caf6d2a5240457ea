package pep508

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// An Environment gives marker variables their values: os_name, sys_platform,
// platform_machine, platform_python_implementation, platform_release,
// platform_system, platform_version, python_version, python_full_version,
// implementation_name, implementation_version. The extra is given apart from it.
type Environment map[string]string

// A Context says which variables a marker may use besides the environment's.
type Context int

const (
	// ContextMetadata is a package's own metadata: extra is defined, "" unless given.
	ContextMetadata Context = iota
	// ContextRequirement is any other requirement: extra is defined only if given.
	ContextRequirement
	// ContextLockFile is a lock file (PEP 751): extras and dependency_groups are defined, empty unless given.
	ContextLockFile
)

// Values is what EvalContext judges by.
type Values struct {
	Environment      Environment
	Extra            *string  // nil: not given
	Extras           []string // nil: not given
	DependencyGroups []string // nil: not given
}

// Eval reports whether m holds in env with one of the extras requested, or with
// none if none is. A nil marker holds. The error is an
// *UndefinedComparisonError or *UndefinedNameError.
func (m *Marker) Eval(env Environment, extras ...string) (bool, error) {
	if len(extras) == 0 || !m.Mentions("extra") {
		return m.EvalContext(ContextMetadata, Values{Environment: env})
	}
	for _, extra := range extras {
		ok, err := m.EvalContext(ContextMetadata, Values{Environment: env, Extra: &extra})
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// EvalContext reports whether m holds for v, with errors as Eval.
func (m *Marker) EvalContext(c Context, v Values) (bool, error) {
	if m == nil {
		return true, nil
	}
	if c == ContextLockFile {
		if v.Extras == nil {
			v.Extras = []string{}
		}
		if v.DependencyGroups == nil {
			v.DependencyGroups = []string{}
		}
	}
	if _, inEnvironment := v.Environment["extra"]; c == ContextMetadata && v.Extra == nil && !inEnvironment {
		v.Extra = new(string)
	}
	return m.root.eval(&v)
}

// eval judges every term, so that an error shows whatever the others say.
func (l *list) eval(v *Values) (bool, error) {
	some, all := false, true
	for i, t := range l.terms {
		holds, err := t.eval(v)
		if err != nil {
			return false, err
		}
		if i > 0 && l.joins[i-1] == "or" {
			some, all = some || all, true
		}
		all = all && holds
	}
	return some || all, nil
}

func (t term) eval(v *Values) (bool, error) {
	if t.group != nil {
		return t.group.eval(v)
	}
	return t.comparison.eval(v)
}

// setValued reports the variables whose values are sets of names.
func setValued(name string) bool { return name == "extras" || name == "dependency_groups" }

// versionValued reports the variables that are compared as versions.
func versionValued(name string) bool {
	switch name {
	case "python_version", "python_full_version", "implementation_version", "platform_release":
		return true
	}
	return false
}

// set is the value of a set-valued variable, nil if there is none.
func (v *Values) set(name string) []string {
	switch name {
	case "extras":
		return v.Extras
	case "dependency_groups":
		return v.DependencyGroups
	}
	return nil
}

// text is the value of any other variable.
func (v *Values) text(name string) (string, error) {
	if name == "extra" && v.Extra != nil {
		return NormalizeName(*v.Extra), nil
	}
	value, ok := v.Environment[name]
	if !ok {
		return "", &UndefinedNameError{name}
	}
	switch {
	case name == "extra":
		return NormalizeName(value), nil
	case name == "python_full_version" && strings.HasSuffix(value, "+"):
		return value + "local", nil // an interpreter built from an untagged commit says "3.14.0+"
	}
	return value, nil
}

// eval judges one comparison. If the left operand is a variable it decides how
// to compare, and the right one counts as text even if it is a variable too;
// if it is a string, the right operand names the variable even if
// it is quoted. Both are the reference's reading of what the grammar allows.
func (c *comparison) eval(v *Values) (bool, error) {
	if c.left.variable {
		if v.set(c.left.value) != nil {
			return false, &UndefinedComparisonError{c.left.value, c.op, c.right.value}
		}
		left, err := v.text(c.left.value)
		if err != nil {
			return false, err
		}
		if !c.spec.IsEmpty() {
			return c.spec.ContainsString(left, pep440.PreAllow), nil
		}
		return compareText(left, c.op, c.right.value)
	}
	if set := v.set(c.right.value); set != nil {
		return compareSet(c.left.value, c.op, c.right.value, set)
	}
	right, err := v.text(c.right.value)
	if err != nil {
		return false, err
	}
	if versionValued(c.right.value) {
		if spec, err := pep440.ParseSpecifier(c.op + right); err == nil {
			return spec.ContainsString(c.left.value, pep440.PreAllow), nil
		}
	}
	return compareText(c.left.value, c.op, right)
}

func compareText(left, op, right string) (bool, error) {
	switch op {
	case "==", "<=", ">=":
		return left == right, nil
	case "!=":
		return left != right, nil
	case "<", ">":
		return false, nil
	case "in":
		return strings.Contains(right, left), nil
	case "not in":
		return !strings.Contains(right, left), nil
	}
	return false, &UndefinedComparisonError{left, op, right}
}

// compareSet compares a name with a set of names; only in and not in are of any use.
func compareSet(left, op, variable string, set []string) (bool, error) {
	left = NormalizeName(left)
	switch op {
	case "in", "not in":
		found := slices.ContainsFunc(set, func(name string) bool { return NormalizeName(name) == left })
		return found == (op == "in"), nil
	case "!=":
		return true, nil
	case "==", "<=", ">=", "<", ">":
		return false, nil
	}
	return false, &UndefinedComparisonError{left, op, variable}
}
