package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// buildRun is one run of the verb build. What is built and how is the library's;
// the printing and the statements are done here.
type buildRun struct {
	*session
	*rebuild.Run
	library  *library
	keeper   *rebuild.Keeper // of what an interrupted run has built
	progress *buildProgress
	built    []builtWheel
	second   bool              // as another builder: the lock stays, whatever comes out
	before   map[string]string // the project's files before an order was carried out
}

// buildRun makes a run over a lock.
func (s *session) buildRun(ctx context.Context, l *lock.Lock) *buildRun {
	r := &buildRun{session: s, library: s.library(ctx)}
	r.Run = &rebuild.Run{
		Settings: settingsOf(s.project.Config),
		Builder:  s.builder(), Files: buildFiles{r.library}, Events: r, Lock: l, Check: 1, Jobs: s.jobs,
		KeepCrates:   s.project.Config.Policy.Mirror == "all",
		TakeUpstream: s.project.Config.Policy.Wheels == "build-unless-reproducible",
		Finding: func(err error) (string, bool) {
			e := classify(err)
			return e.Hint, e.Code == Finding
		},
	}
	return r
}

// buildFiles is the library as builds see it.
type buildFiles struct{ *library }

// Get finds a locked file.
func (f buildFiles) Get(ctx context.Context, project, file, sha256 string, places ...string) (string, error) {
	return f.get(ctx, project, file, sha256, places...)
}

// Source is the index.
func (f buildFiles) Source() (recipe.Source, error) { return f.client() }

// builder makes the builder for this machine.
func (s *session) builder() *build.Builder {
	s.builderOnce.Do(func() {
		cache, err := s.cache()
		if err != nil {
			cache = os.TempDir()
		}
		s.theBuilder = s.newBuilder(cache)
	})
	return s.theBuilder
}

// interpreterFolders lists where Pythons may be: the system's own first, since a
// distribution's interpreter is what a target of its name has; then PATH; then
// what version managers keep.
func (s *session) interpreterFolders() []string {
	out := []string{"/usr/bin", "/usr/local/bin"}
	for _, d := range filepath.SplitList(s.Getenv("PATH")) {
		if filepath.IsAbs(d) {
			out = append(out, d)
		}
	}
	home := s.Getenv("HOME")
	root := s.Getenv("PYENV_ROOT")
	if root == "" && home != "" {
		root = filepath.Join(home, ".pyenv")
	}
	for _, pattern := range []string{
		filepath.Join(root, "versions", "*", "bin"),
		filepath.Join(home, ".local", "share", "uv", "python", "*", "bin"),
	} {
		found, _ := filepath.Glob(pattern)
		sort.Strings(found)
		out = append(out, found...)
	}
	return out
}

// all builds the jobs in a folder that goes away with the session.
func (r *buildRun) all(ctx context.Context, jobs []*rebuild.Job) error {
	step := r.Build
	if r.second {
		step = r.Again
	}
	cache := r.builder().Cache
	build.Sweep(cache)
	build.Sweep(filepath.Join(cache, "env"))
	kept := "kept"
	if r.second {
		kept = "kept-second" // another builder's word needs another build
	}
	r.keeper = &rebuild.Keeper{Builder: r.Builder, Dir: filepath.Join(cache, kept)}
	r.keeper.Sweep()
	r.Builder = r.keeper
	dir, done, err := build.WorkDir(cache, ".out-")
	if err != nil {
		return err
	}
	r.undo = append(r.undo, done)
	r.Dir, r.Memory = dir, rebuild.AvailableMemory()
	r.progress = r.newProgress(len(jobs))
	defer r.progress.end()
	if err := step(ctx, jobs); err != nil && ctx.Err() != nil && r.keeper.Kept() > 0 {
		return &Error{Code: Interrupted, Msg: "interrupted", Err: err,
			Hint: fmt.Sprintf("run the same command again: it goes on from the %d builds that are done", r.keeper.Kept())}
	} else if err != nil {
		return err
	}
	return nil
}

// target is the environment of a locked target.
func (s *session) target(name string) (tags.Target, error) {
	if s.locked.Target(name) == nil {
		return tags.Target{}, usage("target %s is not in the lock; it covers %s", name, strings.Join(targetNames(s.locked), ", "))
	}
	return rebuild.Target(s.locked, name)
}
