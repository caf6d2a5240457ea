package cli

import (
	"os/exec"
	"path/filepath"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/crates"
	"github.com/freedomofpress/wheellock/provenance/mirror"
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
		Rust:   &build.Rust{Rustc: program("rustc"), Environ: s.Environ()},
		Crates: &crates.Store{
			Dir: filepath.Join(cache, "crates"), Places: s.crateFolders(), Cargo: program("cargo"), Home: s.cargoHome(),
			Environ: s.Environ(), Offline: s.offline, Tell: func(text string) { s.say("%s", text) },
		},
	}
}

// cargoHome is where cargo has its configuration and its cache.
func (s *session) cargoHome() string {
	if dir := s.Getenv("CARGO_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if home := s.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".cargo")
	}
	return ""
}

// crateFolders are those where crates may lie that no registry has to be asked for.
func (s *session) crateFolders() []string {
	if s.project == nil || s.readOnly() {
		return nil
	}
	return []string{s.house().Path(mirror.CrateFolder)}
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
