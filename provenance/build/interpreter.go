package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// An Interpreter is one Python of this machine.
type Interpreter struct {
	Path    string // the program itself, symbolic links and shims resolved
	Prefix  string // sys.base_prefix
	Tag     string // "cp311"
	Full    string // "3.11.2"
	Headers bool   // Python.h is there: native code can be built
	Target  tags.Target
}

// probe prints where the interpreter lives; the facts about its platform come
// from tags.ProbeScript.
const probe = `import sys, os, json, sysconfig
print(json.dumps({"path": os.path.realpath(sys.executable), "prefix": os.path.realpath(getattr(sys, "base_prefix", sys.prefix)),
"headers": os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))}))`

// Interpreters finds the Pythons of a machine, each asked once.
type Interpreters struct {
	// Search are folders with programs named python, python3 or pythonX.Y, the
	// most wanted first. A system's own come before others, since it is what the
	// target has.
	Search []string

	once  sync.Once
	found []Interpreter
}

// All lists what was found, in order of Search.
func (p *Interpreters) All(ctx context.Context) []Interpreter {
	p.once.Do(func() { p.found = p.look(ctx) })
	return p.found
}

// Find returns an interpreter for a tag such as "cp311"; for native code one
// with headers. It returns nil when there is none.
func (p *Interpreters) Find(ctx context.Context, tag string, native bool) *Interpreter {
	var second *Interpreter
	for _, i := range p.All(ctx) {
		if i.Tag != tag {
			continue
		}
		if i.Headers || !native {
			return &i
		}
		if second == nil {
			second = &i
		}
	}
	return second
}

func (p *Interpreters) look(ctx context.Context) []Interpreter {
	type result struct {
		at int
		i  Interpreter
	}
	var paths []string
	seen := map[string]bool{}
	for _, dir := range p.Search {
		names, _ := filepath.Glob(filepath.Join(dir, "python*"))
		sort.Strings(names)
		for _, n := range names {
			real, err := filepath.EvalSymlinks(n)
			if err != nil || seen[real] || !plainName(filepath.Base(n)) || isScript(real) {
				continue
			}
			seen[real] = true
			paths = append(paths, n)
		}
	}
	results := make([]*Interpreter, len(paths))
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for k, path := range paths {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			if i, err := ask(ctx, path); err == nil {
				results[k] = &i
			}
		})
	}
	wg.Wait()
	var out []Interpreter
	for _, r := range results {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
}

// plainName tells python3.11 from python3.11-config.
func plainName(name string) bool {
	rest := strings.TrimPrefix(name, "python")
	return strings.Trim(rest, "0123456789.") == ""
}

// isScript: version managers put shims on the path, shell scripts that need a
// home and half a second; the sandbox has no home.
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, 2)
	f.Read(head)
	return bytes.Equal(head, []byte("#!"))
}

func ask(ctx context.Context, path string) (Interpreter, error) {
	var i Interpreter
	out, err := exec.CommandContext(ctx, path, "-I", "-c", tags.ProbeScript+"\n"+probe).Output()
	if err != nil {
		return i, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 2 {
		return i, fmt.Errorf("%s says %d lines", path, len(lines))
	}
	var where struct {
		Path, Prefix string
		Headers      bool
	}
	var facts tags.Probe
	if err := json.Unmarshal([]byte(strings.Join(lines[:len(lines)-1], "\n")), &facts); err != nil {
		return i, err
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &where); err != nil {
		return i, err
	}
	t, err := tags.FromInterpreter(facts)
	if err != nil {
		return i, err
	}
	return Interpreter{Path: where.Path, Prefix: where.Prefix, Headers: where.Headers, Tag: t.PythonTag(), Full: facts.FullVersion, Target: t}, nil
}
