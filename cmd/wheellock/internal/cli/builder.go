package cli

import (
	"os/exec"
	"path/filepath"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
)

// newBuilder makes the builder of this machine by the project's configuration.
func (s *session) newBuilder(cache string) *build.Builder {
	var c pyproject.Config
	if s.project != nil {
		c = s.project.Config
	}
	return &build.Builder{
		Cache: filepath.Join(cache, "build"), Bwrap: program("bwrap"), Time: s.Limits.Build, Backend: c.Backend,
		Interpreters: &build.Interpreters{Search: s.interpreterFolders()},
		Trees: &build.Trees{
			Dir: filepath.Join(cache, "trees"), Mmdebstrap: program("mmdebstrap"), Plans: treePlans(c.Trees),
			Offline: s.offline, Environ: s.Environ(),
			Tell: func(text string) { s.say("%s", text) },
		},
		Engine: &build.Engine{Path: program("podman"), Environ: s.Environ()},
	}
}

// program finds a program on the path; "" where there is none.
func program(name string) string {
	path, _ := exec.LookPath(name)
	return path
}

func treePlans(trees []pyproject.Tree) map[string]build.TreePlan {
	out := map[string]build.TreePlan{}
	for _, t := range trees {
		out[t.Name] = build.TreePlan{Suites: t.Suites, Packages: t.Packages, Image: t.Image}
	}
	return out
}
