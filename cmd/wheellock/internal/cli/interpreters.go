package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Limits of the search: an interpreter answers in a tenth of a second, and who
// has more than this many need not be shown all of them.
const (
	probeTime       = 5 * time.Second
	maxInterpreters = 64
)

// found is an interpreter of this machine.
type found struct {
	Path   string
	Target tags.Target
}

// localTarget is the target of this machine's own Python, the first of python3
// and python on the path. It is written into the configuration, since a lock
// that means another thing on each machine is none.
func (a *app) localTarget(ctx context.Context) (pyproject.Target, error) {
	f, err := a.ownPython(ctx)
	if err != nil {
		return pyproject.Target{}, err
	}
	return declaration(f.Target), nil
}

func (a *app) ownPython(ctx context.Context) (found, error) {
	last := error(exec.ErrNotFound)
	for _, name := range []string{"python3", "python"} {
		path, err := exec.LookPath(name)
		if err == nil {
			var f found
			if f, err = a.probe(ctx, path); err == nil {
				return f, nil
			}
		}
		if ctx.Err() != nil {
			return found{}, ctx.Err()
		}
		last = err
	}
	return found{}, environment("name the target: --target bookworm", "finding this machine's Python: %v", last)
}

// declaration is how a configuration writes a target: by its name alone where
// that says everything.
func declaration(t tags.Target) pyproject.Target {
	if known, err := tags.Lookup(t.Name); err == nil && known == t {
		return pyproject.Target{Name: t.Name}
	}
	d := pyproject.Target{Name: t.Name, Python: t.Python, Platform: t.Platform, ABI: t.ABI}
	if t.Implementation != "cpython" {
		d.Implementation = t.Implementation
	}
	return d
}

// probe asks one interpreter what it is.
func (a *app) probe(ctx context.Context, path string) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-I", "-c", tags.ProbeScript)
	cmd.Env = a.Environ()
	cmd.WaitDelay = time.Second // a child that holds the pipe must not hold us
	out, err := cmd.Output()
	if err != nil {
		return found{}, err
	}
	var p tags.Probe
	if err := json.Unmarshal(out, &p); err != nil {
		return found{}, err
	}
	t, err := tags.FromInterpreter(p)
	return found{path, t}, err
}

// interpreters finds the Pythons of this machine, its own one first, then the
// newest first; each environment once. An interpreter that does not answer is
// left out: that it is broken is nobody's question here.
func (a *app) interpreters(ctx context.Context) ([]found, error) {
	own, err := a.ownPython(ctx)
	if err != nil && !errors.As(err, new(*Error)) {
		return nil, err
	}
	paths := a.candidates()
	list := make([]found, len(paths))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(a.jobs, 2*runtime.NumCPU()))
	for i, path := range paths {
		g.Go(func() error {
			if f, err := a.probe(gctx, path); err == nil {
				list[i] = f
			}
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(f found) bool { return f.Path == "" || f.Target == own.Target })
	slices.SortStableFunc(list, func(x, y found) int {
		return cmp.Or(y.Target.Version().Compare(x.Target.Version()), cmp.Compare(x.Target.Name, y.Target.Name))
	})
	list = slices.CompactFunc(list, func(x, y found) bool { return x.Target == y.Target })
	if own.Path != "" {
		list = append([]found{own}, list...)
	}
	return list, nil
}

// pythonName are the file names of interpreters: not python3-config.
var pythonName = regexp.MustCompile(`^(python|pypy)([23](\.[0-9]+t?)?)?(\.exe)?$`)

// candidates are the interpreters' files, each once, whatever links lead to it.
func (a *app) candidates() []string {
	var files []string
	for _, dir := range filepath.SplitList(a.Getenv("PATH")) {
		// What "." and the like stand for is up to whoever wrote the project.
		if filepath.IsAbs(dir) {
			files = append(files, pythonsIn(dir)...)
		}
	}
	for _, pattern := range a.pythonFolders() {
		dirs, _ := filepath.Glob(pattern)
		slices.Sort(dirs)
		for _, dir := range dirs {
			files = append(files, pythonsIn(dir)...)
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, f := range files {
		real, err := filepath.EvalSymlinks(f)
		if err != nil || seen[real] || build.IsShim(real) || len(out) == maxInterpreters {
			continue
		}
		seen[real] = true
		out = append(out, f)
	}
	return out
}

func pythonsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if pythonName.MatchString(e.Name()) && !e.IsDir() {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out
}

// pythonFolders are patterns for where systems, pyenv, uv, mise and asdf, and
// the installers of Windows and macOS put interpreters.
func (a *app) pythonFolders() []string {
	dirs := []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/python/*/bin",
		"/Library/Frameworks/Python.framework/Versions/*/bin"}
	below := func(root string, parts ...string) {
		if filepath.IsAbs(root) {
			dirs = append(dirs, filepath.Join(append([]string{root}, parts...)...))
		}
	}
	home := cmp.Or(a.Getenv("HOME"), a.Getenv("USERPROFILE"))
	share := cmp.Or(a.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	below(cmp.Or(a.Getenv("PYENV_ROOT"), filepath.Join(home, ".pyenv")), "versions", "*", "bin")
	uv := cmp.Or(a.Getenv("UV_PYTHON_INSTALL_DIR"), filepath.Join(share, "uv", "python"))
	below(uv, "*", "bin")
	below(uv, "*")
	below(cmp.Or(a.Getenv("MISE_DATA_DIR"), filepath.Join(share, "mise")), "installs", "python", "*", "bin")
	below(cmp.Or(a.Getenv("ASDF_DATA_DIR"), filepath.Join(home, ".asdf")), "installs", "python", "*", "bin")
	below(a.Getenv("APPDATA"), "uv", "data", "python", "*")
	below(a.Getenv("LOCALAPPDATA"), "Programs", "Python", "Python*")
	below(a.Getenv("ProgramFiles"), "Python*")
	return dirs
}

// homely shortens a path below the user's home, as a shell would.
func (a *app) homely(path string) string {
	home := a.Getenv("HOME")
	if rest, ok := strings.CutPrefix(path, home+"/"); ok && filepath.IsAbs(home) && !a.json {
		return "~/" + rest
	}
	return path
}
