package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/schema"
)

type script = testscript.TestScript

// commands are what scripts can say besides testscript's own words.
//
//	exits N PROGRAM ARG...    runs it; the exit code must be N
//	json SCHEMA               the last stdout is JSON of that schema
//	page                      the last stdout has no line of more than 80 columns
//	snapshot NAME [DIR]       remembers every file of DIR (default: the project)
//	unchanged NAME [DIR]      DIR is byte for byte what it was
//	differs NAME FILE...      exactly these files differ from the snapshot
//	flip FILE OFFSET          changes one bit; from the end when OFFSET < 0
//	cut FILE N                drops the last N bytes
//	replace FILE OLD NEW      replaces the one occurrence of OLD
//	fault PATH WORD...        the index misbehaves on a path: status=500 stall
//	                          truncate=N corrupt reset times=N body=TEXT type=T
//	index down|heal PATH|asked PATH
//	index publish FILE        adds releases, or puts them in place of the standard's
//	copyname PATTERN VAR      puts the one file that matches into $VAR
//	await URL                 waits until something answers there
//	running TEXT              waits until a process whose program is TEXT runs
//	interrupt [-SIGNAL] TEXT  sends SIGINT to the process of this script whose
//	                          program is called TEXT
//	alone                     no process of this script is left
//	tiny DIR BYTES [INODES]   mounts a small file system there (root only)
var commands = map[string]func(ts *script, neg bool, args []string){
	"exits":     exits,
	"json":      validate,
	"page":      page,
	"snapshot":  snapshot,
	"unchanged": unchanged,
	"differs":   differs,
	"flip":      flip,
	"cut":       cut,
	"replace":   replace,
	"fault":     fault,
	"index":     index,
	"copyname":  copyname,
	"await":     await,
	"running":   running,
	"alone":     alone,
	"interrupt": interrupt,
	"tiny":      tiny,
}

func need(ts *script, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) > 1, "exits N PROGRAM ARG...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if got > 0 {
		checkMessage(ts)
	}
}

var message = regexp.MustCompile(`(?m)^wheellock: (.)`)

// checkMessage holds every error message of every script to the house rules:
// "wheellock: " in front, lower case, no full stop, and no word of Go.
func checkMessage(ts *script) {
	text := ts.ReadFile("stderr")
	m := message.FindStringSubmatch(text)
	if m == nil {
		return // the report on stdout says it
	}
	if r, _ := utf8.DecodeRuneInString(m[1]); r >= 'A' && r <= 'Z' {
		ts.Fatalf("the message begins with a capital: %s", text)
	}
	for _, bad := range []string{"failed to", "panic", "goroutine", "unwritten", "%!", "0xc0", "<nil>"} {
		if strings.Contains(text, bad) {
			ts.Fatalf("the message says %q: %s", bad, text)
		}
	}
	if first, _, _ := strings.Cut(text[strings.Index(text, m[0]):], "\n"); strings.HasSuffix(first, ".") && !strings.HasSuffix(first, "...") {
		ts.Fatalf("the message ends with a full stop: %s", first)
	}
}

func validate(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "json SCHEMA")
	if err := schema.Validate(args[0], []byte(ts.ReadFile("stdout"))); err != nil {
		ts.Fatalf("stdout is not of the schema %s: %v", args[0], err)
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func page(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 0, "page")
	for n, line := range strings.Split(ts.ReadFile("stdout"), "\n") {
		// A word alone on its line, such as the name of a wheel, may be as long as
		// it is.
		if w := utf8.RuneCountInString(escape.ReplaceAllString(line, "")); w > 80 && len(strings.Fields(line)) > 1 {
			ts.Fatalf("line %d has %d columns: %s", n+1, w, line)
		}
		if strings.TrimRight(line, " \t") != line {
			ts.Fatalf("line %d ends in space: %q", n+1, line)
		}
	}
}

// tree reads a folder: path to mode and content, or what a link points to.
func tree(ts *script, dir string) map[string]string {
	out := map[string]string{}
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			out[rel+"/"] = info.Mode().String()
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			out[rel] = "-> " + to
			return err
		default:
			data, err := os.ReadFile(path)
			out[rel] = info.Mode().String() + " " + printable(data)
			return err
		}
		return nil
	}))
	return out
}

func printable(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return base64.StdEncoding.EncodeToString(data)
}

func snapshotDir(ts *script, args []string) string {
	if len(args) > 1 {
		return ts.MkAbs(args[1])
	}
	return filepath.Join(ts.Getenv("WORK"), "project")
}

type snapshots map[string]map[string]string

func remembered(ts *script) snapshots {
	return ts.Value(snapshotKey{}).(snapshots)
}

type snapshotKey struct{}

func snapshot(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) >= 1 && len(args) <= 2, "snapshot NAME [DIR]")
	remembered(ts)[args[0]] = tree(ts, snapshotDir(ts, args))
}

func unchanged(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) >= 1 && len(args) <= 2, "unchanged NAME [DIR]")
	if d := cmp.Diff(remembered(ts)[args[0]], tree(ts, snapshotDir(ts, args))); d != "" {
		ts.Fatalf("the files have changed (-before +after):\n%s", d)
	}
}

func differs(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) > 1, "differs NAME FILE...")
	before, now := remembered(ts)[args[0]], tree(ts, snapshotDir(ts, args[:1]))
	changed := []string{}
	for path, text := range now {
		if before[path] != text && !strings.HasSuffix(path, "/") {
			changed = append(changed, path)
		}
	}
	for path := range before {
		if _, ok := now[path]; !ok && !strings.HasSuffix(path, "/") {
			changed = append(changed, path)
		}
	}
	sort.Strings(changed)
	if d := cmp.Diff(args[1:], changed); d != "" {
		ts.Fatalf("other files have changed (-want +got):\n%s", d)
	}
}

// edit changes a file's bytes and keeps its mode.
func edit(ts *script, file string, change func([]byte) []byte) {
	path := ts.MkAbs(file)
	data, err := os.ReadFile(path)
	ts.Check(err)
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(data), info.Mode().Perm()))
}

func flip(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 2, "flip FILE OFFSET")
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	edit(ts, args[0], func(data []byte) []byte {
		if at < 0 {
			at += len(data)
		}
		if at < 0 || at >= len(data) {
			ts.Fatalf("%s has %d bytes", args[0], len(data))
		}
		data[at] ^= 1
		return data
	})
}

func cut(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 2, "cut FILE N")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	edit(ts, args[0], func(data []byte) []byte { return data[:len(data)-n] })
}

func replace(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 3, "replace FILE OLD NEW")
	edit(ts, args[0], func(data []byte) []byte {
		if n := bytes.Count(data, []byte(args[1])); n != 1 {
			ts.Fatalf("%q stands %d times in %s", args[1], n, args[0])
		}
		return bytes.Replace(data, []byte(args[1]), []byte(strings.ReplaceAll(args[2], `\n`, "\n")), 1)
	})
}

func server(ts *script) *resolvetest.Server { return ts.Value(indexKey{}).(*resolvetest.Server) }

func fault(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) > 1, "fault PATH WORD...")
	var f resolvetest.Fault
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "status":
			f.Status = n
		case "times":
			f.Times = n
		case "truncate":
			f.Truncate = int64(n)
		case "stall":
			f.Stall = true
		case "corrupt":
			f.Corrupt = true
		case "reset":
			f.Reset = true
		case "body":
			f.Body = []byte(value)
			if file, ok := strings.CutPrefix(value, "@"); ok {
				f.Body = []byte(ts.ReadFile(file))
			}
		case "type":
			f.Type = value
		default:
			ts.Fatalf("fault: unknown word %s", word)
		}
	}
	server(ts).Fault(strings.TrimPrefix(args[0], "all"), f)
}

func index(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) > 0, "index down | heal PATH | publish FILE | asked PATH")
	s := server(ts)
	switch {
	case args[0] == "down" && len(args) == 1:
		// The port stays closed: nobody answers.
		s.Fault("", resolvetest.Fault{Reset: true})
		ts.Setenv("WHEELLOCK_INDEX_URL", "http://127.0.0.1:"+freePort()+"/simple")
	case args[0] == "heal" && len(args) == 2:
		s.Heal(strings.TrimPrefix(args[1], "all"))
	case args[0] == "publish" && len(args) == 2:
		text := strings.ReplaceAll(ts.ReadFile(args[1]), "INDEX", strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/simple"))
		u, err := resolvetest.Parse(text)
		ts.Check(err)
		s.Publish(without(standard(), u).With(u.Releases...))
	case args[0] == "asked" && len(args) == 2:
		wait(ts, "a request for "+args[1], func() bool { return s.Count(args[1]) > 0 })
	default:
		ts.Fatalf("index: unknown %v", args)
	}
}

// without leaves the releases out that u has, too.
func without(all, u resolvetest.Universe) resolvetest.Universe {
	var kept resolvetest.Universe
	for _, r := range all.Releases {
		if _, other := u.Find(r.Name, r.Version); !other {
			kept.Releases = append(kept.Releases, r)
		}
	}
	return kept
}

func copyname(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 2, "copyname PATTERN VAR")
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d files match %s", len(found), args[0])
	}
	ts.Setenv(args[1], found[0])
}

// wait polls; everything that scripts wait for takes well under a second.
func wait(ts *script, what string, done func() bool) {
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	ts.Fatalf("waited ten seconds for %s", what)
}

func await(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "await URL")
	wait(ts, args[0], func() bool {
		r, err := http.Get(args[0])
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// processes lists all processes that have to do with this script: started by
// it, working in its folder, or in a sandbox that sees it.
func processes(ts *script) []process {
	work := ts.Getenv("WORK")
	found, _ := filepath.Glob("/proc/[0-9]*")
	var out []process
	for _, p := range found {
		pid, _ := strconv.Atoi(filepath.Base(p))
		line, err := os.ReadFile(p + "/cmdline")
		if pid == os.Getpid() || err != nil || len(line) == 0 {
			continue // gone, or a zombie that waits for its parent
		}
		// A sandboxed process sees only /env and /build; what is mounted there
		// tells whose it is. A file system that a script mounts itself is seen by
		// all.
		env, _ := os.ReadFile(p + "/environ")
		mounts, _ := os.ReadFile(p + "/mountinfo")
		mounts = bytes.ReplaceAll(mounts, []byte(work+"/tiny"), nil)
		if bytes.Contains(env, []byte("\x00WORK="+work+"\x00")) || bytes.Contains(line, []byte(work)) || bytes.Contains(mounts, []byte(work)) {
			out = append(out, process{pid, strings.ReplaceAll(string(line), "\x00", " ")})
		}
	}
	return out
}

// A process of this script.
type process struct {
	pid  int
	line string // its words, each ended by a space
}

func running(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "running TEXT")
	wait(ts, "a process with "+args[0], func() bool {
		for _, p := range processes(ts) {
			if strings.HasPrefix(p.line, args[0]+" ") {
				return true
			}
		}
		return false
	})
}

func interrupt(ts *script, neg bool, args []string) {
	sig := syscall.SIGINT
	if len(args) == 2 {
		sig = map[string]syscall.Signal{"-TERM": syscall.SIGTERM, "-KILL": syscall.SIGKILL, "-INT": syscall.SIGINT}[args[0]]
		args = args[1:]
	}
	need(ts, !neg && len(args) == 1 && sig != 0, "interrupt [-SIGNAL] TEXT")
	for _, p := range processes(ts) {
		if strings.HasPrefix(p.line, args[0]+" ") {
			ts.Check(syscall.Kill(p.pid, sig))
			return
		}
	}
	ts.Fatalf("no process %s among %v", args[0], processes(ts))
}

func alone(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 0, "alone")
	// The kernel takes a moment to end a process namespace.
	wait(ts, fmt.Sprint("these to end: ", processes(ts)), func() bool { return len(processes(ts)) == 0 })
}

func tiny(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) >= 2 && len(args) <= 3, "tiny DIR BYTES [INODES]")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	options := "size=" + args[1]
	if len(args) == 3 {
		options += ",nr_inodes=" + args[2]
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tiny", dir).CombinedOutput(); err != nil {
		ts.Fatalf("mount: %s", out)
	}
	ts.Defer(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			ts.Logf("umount: %s", out)
		}
	})
}
