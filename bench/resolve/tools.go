package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// target is CPython 3.11 on Linux with the libc that uv means by "linux".
const target = "3.11@manylinux_2_28_x86_64"

// sample is one run of a process.
type sample struct {
	wall time.Duration
	rss  int64 // bytes, at its highest
}

// command runs a program and takes its time, memory and output. Only what is
// in env is in its environment: a proxy or a configuration file of this machine
// would be measured too.
func command(dir, program string, args ...string) (sample, []byte, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "NO_PROXY=127.0.0.1", "PIP_CONFIG_FILE=" + os.DevNull}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(start)}
	if err != nil {
		return s, nil, fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, errs.Bytes())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return s, nil, errors.New("no resource usage on this system")
	}
	s.rss = int64(usage.Maxrss) << 10
	return s, out.Bytes(), nil
}

// project is a folder with requirements, and a cache for each tool.
type project struct {
	dir     string
	targets []string
}

func (b *bench) project(name, set string, targets ...string) (*project, error) {
	p := &project{dir: filepath.Join(b.dir, name), targets: targets}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(b.snapshot, "requirements", set))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(p.dir, "requirements.in"), data, 0o644); err != nil {
		return nil, err
	}
	// Nothing is to be built: the recording has no sources to plan builds from,
	// and uv would not look at them either.
	config := "sources = [\"requirements.in\"]\n[policy]\nwheels = \"upstream\"\n"
	for _, t := range targets {
		config += fmt.Sprintf("[[targets]]\nname = %q\n", t)
	}
	return p, os.WriteFile(filepath.Join(p.dir, "wheellock.toml"), []byte(config), 0o644)
}

func (p *project) lockFile() string { return filepath.Join(p.dir, lock.FileName) }

func (p *project) cache(tool string) string { return filepath.Join(p.dir, "cache-"+tool) }

// A tool resolves a project with its own cache.
type tool struct {
	name string
	run  func(p *project) (sample, []byte, error)
}

func (b *bench) lockTool() tool {
	return tool{"wheellock", func(p *project) (sample, []byte, error) {
		if err := os.Remove(p.lockFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return sample{}, nil, err
		}
		return command(p.dir, b.wheellock, "lock", "--quiet", "--no-progress", "--index-url", b.server.url, "--cache-dir", p.cache("wheellock"))
	}}
}

func (b *bench) onlyTool() tool {
	return tool{"resolve", func(p *project) (sample, []byte, error) {
		self, err := os.Executable()
		if err != nil {
			return sample{}, nil, err
		}
		return command(p.dir, self, childOnly, b.server.url, p.cache("resolve"), "requirements.in", p.targets[0])
	}}
}

func (b *bench) uvTool() tool {
	return tool{"uv", func(p *project) (sample, []byte, error) {
		t, err := tags.Lookup(target)
		if err != nil {
			return sample{}, nil, err
		}
		// It is told an interpreter: to look for one takes it seconds where
		// there are many, and its answer does not depend on which it finds.
		return command(p.dir, b.uv, "pip", "compile", "requirements.in", "--python", b.python, "--quiet", "--no-header", "--no-annotate", "--no-config",
			"--default-index", b.server.url, "--python-version", t.FullVersion, "--python-platform", "x86_64-manylinux_2_28", "--cache-dir", p.cache("uv"))
	}}
}

// locked reads the versions that a lock has for its first target.
func (p *project) locked() (map[string]string, error) {
	data, err := os.ReadFile(p.lockFile())
	if err != nil {
		return nil, err
	}
	l, err := lock.Parse(lock.FileName, data)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, k := range l.Packages {
		out[k.Name] = k.Version
	}
	return out, nil
}

// compiled reads lines NAME==VERSION.
func compiled(out []byte) map[string]string {
	versions := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), "=="); ok {
			name, _, _ = strings.Cut(name, "[")
			if v, err := pep440.Parse(version); err == nil {
				version = v.String()
			}
			versions[pep508.NormalizeName(name)] = version
		}
	}
	return versions
}
