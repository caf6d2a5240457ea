package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// localName stands for the interpreter of this machine wherever a target is
// named on the command line.
const localName = "local"

// targetsOf turns the configuration's targets into environments.
func targetsOf(c pyproject.Config) ([]tags.Target, error) {
	var out []tags.Target
	written := map[string]string{}
	for _, t := range c.Targets {
		got, err := tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
		if err != nil {
			return nil, targetError(c, err)
		}
		if before, ok := written[got.Name]; ok {
			return nil, invalid("take one of them out", "%s: targets %s and %s are the same", c.File, before, t.Name)
		}
		written[got.Name] = t.Name
		out = append(out, got)
	}
	return out, nil
}

// targetError says that the configuration names a wrong target.
func targetError(c pyproject.Config, err error) error {
	e := &Error{Code: Usage, Msg: c.File + ": " + err.Error(), Hint: "wheellock target list --all shows the known ones", Err: err}
	var unknown *tags.UnknownTargetError
	if errors.As(err, &unknown) && unknown.Reason == nil {
		e.Hint = "another name needs python and platform below it; known ones: wheellock target list --all"
	}
	return e
}

// declared makes the configuration's form of a target from the command line: a
// name of the catalogue needs nothing more, and of several spellings one is
// written. "local" is this machine's Python.
func (a *app) declared(ctx context.Context, name string) (pyproject.Target, error) {
	if name == localName {
		return a.localTarget(ctx)
	}
	t, err := tags.Lookup(name)
	if err != nil {
		return pyproject.Target{}, err
	}
	return pyproject.Target{Name: t.Name}, nil
}

// coveredTargets finds the lock's targets that names on the command line mean,
// whichever of them says bookworm and which debian-12.
func coveredTargets(l *lock.Lock, names []string) ([]string, error) {
	var c pyproject.Config
	for _, t := range l.Targets {
		c.Targets = append(c.Targets, pyproject.Target{Name: t.Name})
	}
	var out []string
	for _, name := range names {
		covered := declaredName(c, name)
		if l.Target(covered) == nil {
			return nil, invalid("it has: "+targetList(l), "the lock has no target named %s", name)
		}
		out = append(out, covered)
	}
	return out, nil
}

// declaredName finds the declaration that a name on the command line means,
// whichever of them says bookworm and which debian-12. A name that is not
// declared stays as it is.
func declaredName(c pyproject.Config, name string) string {
	one := func(name string) string {
		if t, err := tags.Lookup(name); err == nil {
			return t.Name
		}
		return name
	}
	i := slices.IndexFunc(c.Targets, func(t pyproject.Target) bool { return t.Name == name })
	if i < 0 {
		i = slices.IndexFunc(c.Targets, func(t pyproject.Target) bool { return one(t.Name) == one(name) })
	}
	if i < 0 {
		return name
	}
	return c.Targets[i].Name
}
