package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	Root    string // folder of the tree that Path and Prefix are in; "": this machine's own
	Tree    string // name and digest of that tree
	list    string // its packages, a line each
	Image   string // digest of the container image that Path is in; "": none

	linkers map[string]string // its LDSHARED and LDCXXSHARED
}

// place names the file system that the interpreter is of.
func (i *Interpreter) place() string {
	switch {
	case i.Image != "":
		return "container image sha256:" + i.Image
	case i.Root != "":
		return i.Tree
	}
	return "this machine"
}

// probe prints where the interpreter lives; the facts about its platform come
// from tags.ProbeScript.
const probe = `import sys, os, json, sysconfig
print(json.dumps({"path": os.path.realpath(sys.executable), "prefix": os.path.realpath(getattr(sys, "base_prefix", sys.prefix)),
"headers": os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")),
"linkers": {k: sysconfig.get_config_var(k) or "" for k in ("LDSHARED", "LDCXXSHARED")}}))`

// Interpreters finds the Pythons of a machine. Only those of the version that is
// asked for are run, each once.
type Interpreters struct {
	// Search are folders with programs named pythonX.Y, the most wanted first. A
	// system's own come before others, since it is what the target has.
	Search []string

	mu    sync.Mutex
	found map[string][]Interpreter // by tag
}

// Find returns an interpreter for a tag such as "cp311"; for native code one
// with headers, if there is any. It returns nil when there is none.
func (p *Interpreters) Find(ctx context.Context, tag string, native bool) *Interpreter {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, ok := p.found[tag]
	if !ok {
		list = p.look(ctx, tag)
		if p.found == nil {
			p.found = map[string][]Interpreter{}
		}
		p.found[tag] = list
	}
	for _, i := range list {
		if i.Headers || !native {
			return &i
		}
	}
	if len(list) > 0 {
		return &list[0]
	}
	return nil
}

func (p *Interpreters) look(ctx context.Context, tag string) []Interpreter {
	var out []Interpreter
	name := programName(tag)
	seen := map[string]bool{}
	for _, dir := range p.Search {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil || seen[real] || IsShim(real) {
			continue
		}
		seen[real] = true
		i, err := ask(ctx, real)
		if err != nil || i.Tag != tag {
			continue
		}
		out = append(out, i)
		if i.Headers {
			break // as good as it gets
		}
	}
	return out
}

// programName is the name under which an interpreter of a tag is installed.
func programName(tag string) string {
	name := "python" + tagVersion(tag)
	if strings.HasPrefix(tag, "pp") {
		name = "pypy" + tagVersion(tag)
	}
	return name
}

// IsShim reports whether the file at a path is a script, or cannot be read. Version
// managers put such on the path: they start another interpreter, or say that there
// is none, and need half a second and a home, which the sandbox has not. Where
// that other one lies is searched too.
func IsShim(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, 2)
	f.Read(head)
	return bytes.Equal(head, []byte("#!"))
}

// ask runs an interpreter of this machine.
func ask(ctx context.Context, path string) (Interpreter, error) {
	return askBy(ctx, []string{path}, nil)
}

// askBy runs an interpreter by a command line and reads what it says of itself.
func askBy(ctx context.Context, args, environ []string) (Interpreter, error) {
	var i Interpreter
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "-I", "-c", tags.ProbeScript+"\n"+probe)...)
	cmd.Env = environ
	out, err := cmd.Output()
	if err != nil {
		return i, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 2 {
		return i, fmt.Errorf("%s says %d lines", args[0], len(lines))
	}
	var where struct {
		Path, Prefix string
		Headers      bool
		Linkers      map[string]string
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
	return Interpreter{Path: where.Path, Prefix: where.Prefix, Headers: where.Headers, linkers: where.Linkers, Tag: t.PythonTag(), Full: facts.FullVersion, Target: t}, nil
}
