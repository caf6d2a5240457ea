package repro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// A job is one command that is repeated.
type job struct {
	Options
	source  *source
	temp    string // for everything that is removed at the end
	copies  string // where the copies are made: a memory file system, where there is room in one
	locales []build.Locale
	clock   string    // libfaketime; "" while the clock is left alone
	freeze  bool      // the clock stands still
	began   time.Time // when the plain run did
	took    time.Duration
	runs    int
}

// run runs the command once.
func (j *job) run(ctx context.Context, v build.Varied) (*outcome, error) {
	if j.runs++; j.runs > MaxRuns {
		return nil, fmt.Errorf("no cause was found in %d runs", MaxRuns)
	}
	dir := filepath.Join(j.temp, strconv.Itoa(j.runs))
	c := &cell{job: j, varied: v, tmp: filepath.Join(dir, "tmp"), files: filepath.Join(dir, "files"), root: j.root(v)}
	if j.Bwrap != "" {
		c.at, c.work = placeOf("/", j.name(), v), filepath.Join(j.copies, strconv.Itoa(j.runs))
	} else {
		// Without a sandbox the path is what it is, so it has to be the same one.
		c.at = placeOf(j.copies, j.name(), v)
		c.work, c.tmp = c.at.parent, filepath.Join(j.temp, "tmp")
		defer removeAll(c.tmp)
	}
	defer removeAll(c.work)
	for _, d := range []string{c.work, c.tmp, c.files} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	m := mannerOf(v, fs.FileMode(j.umask(v)))
	if err := j.source.copy(filepath.Join(c.work, c.at.name), m); err != nil {
		return nil, err
	}
	o, err := c.do(ctx)
	if err != nil {
		return nil, err
	}
	o.varied, o.dir = v, filepath.Join(dir, "kept")
	if o.failed == "" {
		if o.outputs, err = j.source.outputs(c.work, c.at.name, j.Patterns, m); err != nil {
			return nil, err
		}
	}
	removeAll(filepath.Join(dir, "tmp"))
	return o, o.keep()
}

// keep moves the outputs to where nothing removes them.
func (o *outcome) keep() error {
	for i := range o.outputs {
		to := filepath.Join(o.dir, keptName(o.outputs[i].name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := move(o.outputs[i].path, to); err != nil {
			return err
		}
		o.outputs[i].path = to
	}
	return nil
}

// keptName is a name that stays below a folder.
func keptName(name string) string {
	if rest, ok := strings.CutPrefix(name, "../"); ok {
		return "beside/" + rest
	}
	return name
}

// do starts the command and waits for its end.
func (c *cell) do(ctx context.Context) (*outcome, error) {
	limit := MaxTime
	if c.took > 0 {
		limit = min(limit, 10*c.took+5*time.Minute)
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd, err := c.command(inner)
	if err != nil {
		return nil, err
	}
	log := &tail{also: c.Output}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = 2 * time.Second
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, &build.SandboxError{Why: err.Error(), Fix: "apt-get install bubblewrap"}
	}
	err = cmd.Wait()
	if c.Bwrap == "" {
		// What it left running must not write into the next copy.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	c.took = max(c.took, time.Since(start))
	o := &outcome{log: log.bytes()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case inner.Err() != nil:
		o.failed = fmt.Sprintf("stopped after %s", limit.Round(time.Second))
	case errors.As(err, &exit):
		if said := string(o.log); c.Bwrap != "" && strings.HasPrefix(said, "bwrap: ") {
			return nil, &build.SandboxError{Why: lastLines(o.log, 3), Fix: "run it in another folder, or without bubblewrap: --no-sandbox"}
		}
		o.failed = exit.Error()
	case errors.Is(err, exec.ErrWaitDelay): // it left something behind that holds its output
	case err != nil:
		return nil, err
	}
	return o, nil
}

// command is the process to start.
func (c *cell) command(ctx context.Context) (*exec.Cmd, error) {
	began := time.Now()
	if c.began.IsZero() {
		c.began = began
	}
	tmp := "/tmp"
	if c.Bwrap == "" {
		tmp = c.tmp
	}
	home := homeOf(tmp, c.varied)
	if err := os.MkdirAll(homeOf(c.tmp, c.varied), 0o755); err != nil {
		return nil, err
	}
	vars := c.environ(began, home)
	var args []string
	if c.Bwrap != "" {
		var err error
		if args, err = c.bubblewrap(vars); err != nil {
			return nil, err
		}
	}
	// A process inherits its umask; only a shell can set it on the way.
	args = append(args, "/bin/sh", "-c", `umask "$1" && shift && exec "$@"`, "sh", fmt.Sprintf("%03o", c.umask(c.varied)))
	args = append(args, c.Command...)
	if c.varied.Set.Has(build.VaryCPUs) {
		args = append([]string{taskset, "-c", strconv.Itoa(firstCPU())}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{}
	if c.Bwrap == "" {
		cmd.Dir = c.at.dir()
		vars["TMPDIR"] = c.tmp
		for _, k := range sortedKeys(vars) {
			cmd.Env = append(cmd.Env, k+"="+vars[k])
		}
		// What it starts ends with it: a group of its own, ended as one.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
	return cmd, nil
}

// umask of a run: the caller's, or another.
func (j *job) umask(v build.Varied) int {
	if !v.Set.Has(build.VaryUmask) {
		return j.Umask
	}
	others := []int{0o002, 0o077, 0o022}
	for i := range others {
		if u := others[(v.Round+2+i)%3]; u != j.Umask {
			return u
		}
	}
	return j.Umask
}

func (j *job) name() string { return filepath.Base(j.Dir) }

// tail keeps the last MaxLog bytes, or twice as many, of what is written.
type tail struct {
	mu   sync.Mutex
	b    []byte
	also io.Writer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.also != nil {
		t.also.Write(p)
	}
	if t.b = append(t.b, p...); len(t.b) > 2*MaxLog {
		t.b = append([]byte{}, t.b[len(t.b)-MaxLog:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.b)
}

// move renames, or copies where that leads to another file system.
func move(from, to string) error {
	if err := os.Rename(from, to); !errors.Is(err, syscall.EXDEV) {
		return err
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// removeAll removes a folder even where folders in it may not be written.
func removeAll(dir string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}
