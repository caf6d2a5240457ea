package cli

import (
	"context"
	"encoding/json"
	"os/exec"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// targetsOf turns the configuration's targets into environments.
func targetsOf(c pyproject.Config) ([]tags.Target, error) {
	var out []tags.Target
	for _, t := range c.Targets {
		got, err := tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}

// declared makes the configuration's form of a target from the command line.
// A name of the catalogue needs nothing more.
func declared(name string) (pyproject.Target, error) {
	if _, err := tags.Lookup(name); err != nil {
		return pyproject.Target{}, err
	}
	return pyproject.Target{Name: name}, nil
}

// localTarget is the interpreter of this machine. It is written into the
// configuration, since a lock that means another thing on each machine is none.
func (a *app) localTarget(ctx context.Context) (pyproject.Target, error) {
	var last error
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			last = err
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-I", "-c", tags.ProbeScript).Output()
		if err != nil {
			last = err
			continue
		}
		var p tags.Probe
		if err := json.Unmarshal(out, &p); err != nil {
			last = err
			continue
		}
		t, err := tags.FromInterpreter(p)
		if err != nil {
			last = err
			continue
		}
		return pyproject.Target{Name: t.Name, Python: t.FullVersion, Platform: t.Platform, Implementation: nonDefault(t.Implementation)}, nil
	}
	return pyproject.Target{}, environment("name the target: wheellock add NAME --target bookworm", "finding this machine's Python: %v", last)
}

func nonDefault(implementation string) string {
	if implementation == "cpython" {
		return ""
	}
	return implementation
}
