package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
)

// intruder is a backend that tries every door and says which were open, in the
// end of its message.
const intruder = `
import ctypes, os, sys
def attempt(name, f):
    try:
        f()
    except Exception:
        return
    open_doors.append(name)
def call(number, *args):
    if ctypes.CDLL(None).syscall(number, *args) < 0:
        raise OSError
def build_wheel(out, config_settings=None, metadata_directory=None):
    arm = os.uname().machine == "aarch64"
    for d in ("/", "/env", "/source", "/usr", "/dev", "/proc", "/etc", "/run", "/home"):
        attempt("write " + d, lambda: open(d + "/intruder", "w").close())
    for f in ("kernel/core_pattern", "kernel/hostname", "vm/drop_caches"):
        attempt("sysctl " + f, lambda: open("/proc/sys/" + f, "w").close())
    attempt("descriptor", lambda: os.fstat(99))
    attempt("descriptor of process 1", lambda: os.stat("/proc/1/fd/99"))
    attempt("keyctl", lambda: call(219 if arm else 250, 0, -3, 1))
    attempt("add_key", lambda: call(217 if arm else 248, b"user", b"intruder", b"x", 1, -3))
    attempt("user namespace", lambda: call(97 if arm else 272, 0x10000000))
    raise SystemExit("doors open: " + ", ".join(open_doors))
open_doors = []
`

// sourceOf makes an sdist whose backend is its own file.
func sourceOf(t *testing.T, backend string, empty ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	files := [][2]string{{"intruder-1.0/PKG-INFO", "Name: intruder\nVersion: 1.0\n"}, {"intruder-1.0/backend.py", backend}}
	for _, name := range empty {
		files = append(files, [2]string{"intruder-1.0/" + name})
	}
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(f[1]))
	}
	w.Close()
	z.Close()
	path := filepath.Join(t.TempDir(), "intruder-1.0.tar.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run builds an sdist on this machine, or skips.
func run(t *testing.T, source string) error {
	t.Helper()
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("no bubblewrap here")
	}
	b := &Builder{Cache: t.TempDir(), Bwrap: bwrap, Interpreters: &Interpreters{Search: []string{"/usr/bin", "/usr/local/bin"}}}
	if err := b.CheckSandbox(context.Background()); err != nil {
		t.Skip(err)
	}
	for _, version := range []string{"3.11", "3.12", "3.13", "3.14", "3.10", "3.9"} {
		tag := "cp" + strings.ReplaceAll(version, ".", "")
		i := b.Interpreters.Find(context.Background(), tag, false)
		if i == nil {
			continue
		}
		_, err := b.Build(context.Background(), Job{
			Name: "intruder", Version: "1.0", Sdist: source, Target: i.Target, Into: t.TempDir(),
			Recipe: &lock.Recipe{Python: tag, Umask: "022", Backend: "backend", BackendPath: []string{"."}, BuildPath: "/build/intruder-1.0"},
		})
		return err
	}
	t.Skip("no Python here")
	return nil
}

func TestNoDoorIsOpen(t *testing.T) {
	// What a shell may have left open when it started wheellock.
	folder, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := syscall.Dup2(int(folder.Fd()), 99); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(99)

	err = run(t, sourceOf(t, intruder))
	if err == nil {
		t.Fatal("the build worked")
	}
	at := strings.LastIndex(err.Error(), "doors open: ")
	if at < 0 {
		t.Fatalf("the backend did not come to its end: %v", err)
	}
	doors := strings.TrimSpace(err.Error()[at+len("doors open: "):])
	if bwrap, _ := exec.LookPath("bwrap"); !bwrapOptions(context.Background(), bwrap)["--disable-userns"] {
		doors = strings.TrimPrefix(doors, "user namespace")
	}
	if doors != "" {
		t.Errorf("open: %s", doors)
	}
}

// TestOldBubblewrap: options that a release does not know would end every build
// on the very systems that old targets are to be built on.
func TestOldBubblewrap(t *testing.T) {
	s := &sandbox{interpreter: &Interpreter{Prefix: "/usr"}, env: "/e", source: "/s", users: "/u", host: "build", vars: []string{"A=1"}}
	for _, o := range []string{"--clearenv", "--disable-userns", "--size"} {
		if slices.Contains(s.args(), o) {
			t.Errorf("%s is given to a bubblewrap that lacks it", o)
		}
		s.can = map[string]bool{o: true}
		if !slices.Contains(s.args(), o) {
			t.Errorf("%s is not given to a bubblewrap that has it", o)
		}
		s.can = nil
	}
}

// TestCallFilter runs the filter as the kernel would.
func TestCallFilter(t *testing.T) {
	if verdict(0xc000003e, 0) != "allow" || verdict(0x12345678, 250) != "allow" {
		t.Error("other calls are refused")
	}
	for _, a := range refusedCalls {
		for _, n := range a.calls {
			if got := verdict(a.arch, n); got != "refuse" {
				t.Errorf("call %d of %x: %s", n, a.arch, got)
			}
		}
		if got := verdict(a.arch, a.calls[2]+1); got != "allow" {
			t.Errorf("call %d of %x: %s", a.calls[2]+1, a.arch, got)
		}
	}
	if got := verdict(0xc000003e, 0x40000000|250); got != "refuse" {
		t.Errorf("keyctl by the x32 convention: %s", got)
	}
}

func verdict(arch, number uint32) string {
	program := callFilter()
	var acc uint32
	for at := 0; at*8 < len(program); at++ {
		s := program[at*8:]
		code, jt, jf, k := binary.NativeEndian.Uint16(s), s[2], s[3], binary.NativeEndian.Uint32(s[4:])
		switch code {
		case 0x20:
			if acc = number; k == 4 {
				acc = arch
			}
		case 0x54:
			acc &= k
		case 0x15:
			if acc == k {
				at += int(jt)
			} else {
				at += int(jf)
			}
		case 0x06:
			if k == 0x7fff0000 {
				return "allow"
			}
			return "refuse"
		}
	}
	return "the end"
}

// TestLeftProcesses: a build that leaves processes behind is over when its
// hook is, and they go with it.
func TestLeftProcesses(t *testing.T) {
	start := time.Now()
	err := run(t, sourceOf(t, `
import os, time
def build_wheel(out, config_settings=None, metadata_directory=None):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    raise SystemExit("left one")
`))
	if err == nil || !strings.Contains(err.Error(), "left one") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

func TestAskedFor(t *testing.T) {
	for asked, want := range map[string]string{
		`["x @ file:///etc/passwd"]`: "an address cannot be pinned",
		`["../.. \x1b[2J"]`:          "is no requirement",
		`["a"] * 300`:                "asks for 300 requirements",
	} {
		err := run(t, sourceOf(t, "def get_requires_for_build_wheel(c=None):\n    return "+asked+"\n"))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", asked, err, want)
		}
	}
}
