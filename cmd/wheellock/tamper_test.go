package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/cli"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// A person is somebody at a command line, in this process: much quicker than a
// process a command, where a test needs thousands of them.
type person struct {
	t        *testing.T
	dir      string
	env      map[string]string
	out, err bytes.Buffer
}

func newPerson(t *testing.T, u resolvetest.Universe) *person {
	home := t.TempDir()
	dir := filepath.Join(home, "project")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return &person{t: t, dir: dir, env: map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, "config"), "XDG_CACHE_HOME": filepath.Join(home, "cache"),
		"WHEELLOCK_INDEX_URL": resolvetest.Serve(t, u, resolvetest.ServerOptions{}).URL, "PATH": os.Getenv("PATH"),
	}}
}

// run returns the exit code of a command.
func (p *person) run(args ...string) int {
	p.out.Reset()
	p.err.Reset()
	return cli.Main(args, cli.World{
		In: strings.NewReader(""), Out: &p.out, Err: &p.err, Now: time.Now, Dir: p.dir,
		Getenv:  func(key string) string { return p.env[key] },
		Environ: func() []string { return []string{"PATH=" + p.env["PATH"]} },
	})
}

func (p *person) must(code int, args ...string) {
	p.t.Helper()
	if got := p.run(args...); got != code {
		p.t.Fatalf("wheellock %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, p.out.String(), p.err.String())
	}
}

// released makes a project in which nothing is left to do.
func released(t *testing.T) *person {
	if !canBuild() {
		t.Skip("no sandbox or no Python 3.11 here")
	}
	p := newPerson(t, standard())
	p.must(0, "add", "driftwood", "--target", "bookworm")
	p.must(0, "build", "--missing")
	p.must(0, "sign")
	p.must(0, "mirror", "sync")
	p.must(0, "verify")
	return p
}

// protected are the files whose every byte verify answers for. The rest of a
// wheelhouse is evidence for people and caches that anyone can make again.
func protected(rel string) bool {
	switch {
	case rel == "wheels.lock", rel == "wheels.lock.proof":
		return true
	case strings.HasPrefix(rel, "wheelhouse/log/.state/"):
		return false
	}
	for _, p := range []string{"sdists/", "wheels/", "simple/", "sha256sums.txt", "log/"} {
		if strings.HasPrefix(rel, "wheelhouse/"+p) {
			return true
		}
	}
	return false
}

// TestEveryByte: after any change of any protected file verify exits with 1, and
// it is green again when the change is undone. It changes a sample of the bytes,
// all of them with WHEELLOCK_EVERY_BYTE=1.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	p := released(t)
	var files []string
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if rel, _ := filepath.Rel(p.dir, path); protected(filepath.ToSlash(rel)) {
				files = append(files, rel)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 15 {
		t.Fatalf("only %d files to change: %v", len(files), files)
	}
	for _, rel := range files {
		p.tamper(rel)
	}
	p.must(0, "verify")
}

// tamper changes one file in many ways.
func (p *person) tamper(rel string) {
	path := filepath.Join(p.dir, rel)
	good, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	// A page that says less than it could is old, not forged: the hashes on it are
	// checked by whoever downloads. A lock with another digest of its inputs looks
	// like one that was not made again.
	old := rel == "wheels.lock" || strings.HasPrefix(rel, filepath.Join("wheelhouse", "simple"))
	try := func(what string, data []byte) {
		p.t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			p.t.Fatal(err)
		}
		got := p.run("verify")
		if class := p.class(); got != 1 || class != "TAMPERED" && !(old && class == "STALE") {
			p.t.Errorf("%s %s: verify exits with %d: %s\n%s", rel, what, got, class, p.err.String())
		}
	}
	step := 1
	if os.Getenv("WHEELLOCK_EVERY_BYTE") != "1" {
		step = max(1, len(good)/50) | 1
	}
	for at := 0; at < len(good); at += step {
		p.flip(try, good, at)
	}
	p.flip(try, good, len(good)-1)
	try("with a byte more", append(bytes.Clone(good), '\n'))
	try("with a byte less", good[:len(good)-1])
	try("empty", nil)
	if err := os.Remove(path); err != nil {
		p.t.Fatal(err)
	}
	if got := p.run("verify"); got != whenMissing(p, rel) {
		p.t.Errorf("%s removed: verify exits with %d: %s\n%s", rel, got, p.class(), p.err.String())
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) flip(try func(string, []byte), good []byte, at int) {
	data := bytes.Clone(good)
	data[at] ^= []byte{1, 0x20, 0x80}[at%3]
	try(fmt.Sprintf("changed at %d", at), data)
}

// class is the first word of the last report.
func (p *person) class() string {
	word, _, _ := strings.Cut(p.out.String(), ":")
	return word
}

// whenMissing is the exit code of verify without a file. What a verb makes again
// is work that is left, not a wrong.
func whenMissing(p *person, rel string) int {
	switch rel = strings.TrimPrefix(filepath.ToSlash(rel), "wheelhouse/"); {
	case rel == "wheels.lock":
		return 2
	case strings.HasPrefix(rel, "sha256sums.txt"), strings.HasPrefix(rel, "simple/"), strings.HasSuffix(rel, ".metadata"):
		if p.class() != "INCOMPLETE" {
			p.t.Errorf("%s removed: class %s", rel, p.class())
		}
		return 0
	case superseded(p, rel):
		return 0
	}
	return 1
}

// superseded: a partial tile that a wider one beside it has replaced.
func superseded(p *person, rel string) bool {
	if !strings.Contains(rel, ".p/") {
		return false
	}
	mine, _ := strconv.Atoi(filepath.Base(rel))
	all, _ := os.ReadDir(filepath.Join(p.dir, "wheelhouse", filepath.Dir(rel)))
	for _, e := range all {
		if n, _ := strconv.Atoi(e.Name()); n > mine {
			return true
		}
	}
	return false
}
