//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/freedomofpress/wheellock/lock"
)

// world is where the benchmark runs.
type world struct {
	dir, bin, python string
	names            []string // of packages
	sdists           []string // their paths, once they were built
	env              []string
}

func (w *world) close() { os.RemoveAll(w.dir) }

// prepare locks the packages and picks those that are pure.
func prepare(bin, python string, count int) (*world, error) {
	// Whatever a sandbox leaves to be waited for comes to us, and is counted.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wheellock-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, bin: bin, python: python}
	w.env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"PIP_CACHE_DIR="+filepath.Join(dir, "pip"), "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_ROOT_USER_ACTION=ignore")
	if w.bin == "" {
		w.bin = filepath.Join(dir, "wheellock")
		if out, err := exec.Command("go", "build", "-o", w.bin, "github.com/freedomofpress/wheellock/cmd/wheellock").CombinedOutput(); err != nil {
			return w, fmt.Errorf("building wheellock: %v\n%s", err, out)
		}
	}
	version, err := exec.Command(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		return w, fmt.Errorf("%s does not run: %w", python, err)
	}
	config := "sources = [\"requirements.in\"]\n[policy]\nwheels = \"build\"\n[[targets]]\nname = \"here\"\npython = \"" +
		strings.TrimSpace(string(version)) + "\"\nplatform = \"manylinux_2_28_x86_64\"\n"
	base := filepath.Join(dir, "base")
	if err := os.Mkdir(base, 0o755); err != nil {
		return w, err
	}
	for name, text := range map[string]string{"requirements.in": packages, "wheellock.toml": config} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(text), 0o644); err != nil {
			return w, err
		}
	}
	if _, err := w.run(base, w.bin, "lock", "-q"); err != nil {
		return w, err
	}
	b, err := os.ReadFile(filepath.Join(base, lock.FileName))
	if err != nil {
		return w, err
	}
	l, err := lock.Parse(lock.FileName, b)
	if err != nil {
		return w, err
	}
	for _, p := range l.Packages {
		if p.Group == "" && len(p.Wheels) == 1 && p.Wheels[0].Recipe != "" && p.KindOf(&p.Wheels[0]) == lock.Pure && len(w.names) < count {
			w.names = append(w.names, p.Name)
		}
	}
	if len(w.names) < count {
		return w, fmt.Errorf("%d of the packages are pure and can be planned, want %d", len(w.names), count)
	}
	return w, nil
}

// wheellock builds in a copy of the locked project.
func (w *world) wheellock() (figure, error) {
	dir := filepath.Join(w.dir, "project")
	os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(w.dir, "base"))); err != nil {
		return figure{}, err
	}
	f, err := w.run(dir, w.bin, append([]string{"build", "--missing", "-q"}, w.names...)...)
	if err != nil {
		return f, err
	}
	if w.sdists == nil {
		found, _ := filepath.Glob(filepath.Join(dir, "wheelhouse", "sdists", "*"))
		for _, path := range found {
			to := filepath.Join(w.dir, filepath.Base(path))
			if err := os.Rename(path, to); err != nil {
				return f, err
			}
			w.sdists = append(w.sdists, to)
		}
	}
	return f, w.counted(filepath.Join(dir, "wheelhouse", "wheels", "*", "*.whl"))
}

// pip builds the same source archives.
func (w *world) pip() (figure, error) {
	out := filepath.Join(w.dir, "wheels")
	os.RemoveAll(out)
	f, err := w.run(w.dir, w.python, append([]string{"-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", out}, w.sdists...)...)
	if err != nil {
		return f, err
	}
	// It keeps what it has built, too.
	os.RemoveAll(filepath.Join(w.dir, "pip", "wheels"))
	return f, w.counted(filepath.Join(out, "*.whl"))
}

func (w *world) counted(pattern string) error {
	found, _ := filepath.Glob(pattern)
	if len(found) != len(w.names) {
		return fmt.Errorf("%d wheels came out, want %d", len(found), len(w.names))
	}
	return nil
}

// run runs a program to its end and counts the processor time of all processes that it
// started, be they waited for by it or not.
func (w *world) run(dir, name string, args ...string) (figure, error) {
	var said bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, w.env, &said, &said
	before, start := used(), time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	for {
		if _, e := syscall.Wait4(-1, nil, 0, nil); e != nil && !errors.Is(e, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return figure{}, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(slices.Clip(args[:min(3, len(args))]), " "), err, said.String())
	}
	return figure{Wall: wall.Seconds(), CPU: (used() - before).Seconds()}, nil
}

// used is the processor time of all processes that ended below this one.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
