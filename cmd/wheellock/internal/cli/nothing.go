package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock/pyproject"
)

// nothingToLock is the error where no input requires anything. It names the
// files beside it that other tools would have read.
func nothingToLock(p *pyproject.Project) error {
	const msg = "nothing to lock: there are no requirements here"
	files := p.Files()
	var others []string
	for _, pattern := range []string{"requirements.txt", "requirements/*.in", "requirements/*.txt", "*requirements*.in"} {
		found, _ := filepath.Glob(filepath.Join(p.Dir, pattern))
		for _, f := range found {
			if rel, err := filepath.Rel(p.Dir, f); err == nil && !slices.Contains(files, filepath.ToSlash(rel)) && len(others) < 3 {
				others = append(others, `"`+filepath.ToSlash(rel)+`"`)
			}
		}
	}
	if len(others) > 0 {
		return invalid("write sources = ["+strings.Join(slices.Compact(others), ", ")+"] into the configuration", msg)
	}
	for _, name := range []string{"setup.py", "setup.cfg", "Pipfile", "environment.yml"} {
		if _, err := os.Stat(filepath.Join(p.Dir, name)); err == nil {
			return invalid("write what "+name+" requires into requirements.in or dependencies = [...] of pyproject.toml", "%s; %s is not read", msg, name)
		}
	}
	return invalid("wheellock add NAME", msg)
}
