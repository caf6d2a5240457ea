package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A workshop builds releases of an invented universe on this machine.
type workshop struct {
	*Builder
	t      *testing.T
	here   *Interpreter
	target tags.Target
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("no bubblewrap here")
	}
	b := &Builder{
		Cache: t.TempDir(), Bwrap: bwrap, Time: time.Minute,
		Interpreters: &Interpreters{Search: []string{"/usr/bin", "/usr/local/bin"}},
	}
	if err := b.CheckSandbox(t.Context()); err != nil {
		t.Skip(err)
	}
	for _, tag := range []string{"cp311", "cp312", "cp313", "cp314", "cp310", "cp39"} {
		if i := b.Interpreters.Find(t.Context(), tag, true); i != nil {
			return &workshop{b, t, i, i.Target}
		}
	}
	t.Skip("no Python here")
	return nil
}

// job makes the job of a release, with its sdist and the backend's wheel on disk.
func (w *workshop) job(r resolvetest.Release) Job {
	w.t.Helper()
	dir := w.t.TempDir()
	name, data := resolvetest.BuildSdist(r)
	sdist := filepath.Join(dir, name)
	backend, _ := resolvetest.Standard().Find(resolvetest.Backend, resolvetest.BackendVersion)
	tool, wheel := resolvetest.BuildWheel(backend, "py3-none-any")
	for path, b := range map[string][]byte{sdist: data, filepath.Join(dir, tool): wheel} {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	sum := sha256.Sum256(wheel)
	return Job{
		Name: r.Name, Version: r.Version, Sdist: sdist, Target: w.target, Into: w.t.TempDir(),
		Requires: []Requirement{{Name: backend.Name, Version: backend.Version, SHA256: hex.EncodeToString(sum[:]), Path: filepath.Join(dir, tool)}},
		Recipe: &lock.Recipe{
			Backend: "smallbuild", Python: w.here.Tag, Umask: "022", BuildPath: "/build/" + r.Name + "-" + r.Version,
			Epoch: &lock.Epoch{Value: r.Time().Unix(), From: "sdist"},
		},
	}
}

func release(name, version string) resolvetest.Release {
	return resolvetest.Standard().MustFind(name, version)
}

// clean fails the test if a job has left anything behind.
func (w *workshop) clean(j Job, wheels int) {
	w.t.Helper()
	if found, _ := filepath.Glob(filepath.Join(w.Cache, ".build-*")); len(found) > 0 {
		w.t.Errorf("left behind: %v", found)
	}
	if found, _ := filepath.Glob(filepath.Join(j.Into, "*")); len(found) != wheels {
		w.t.Errorf("%d files were written, want %d: %v", len(found), wheels, found)
	}
}

// TestPure: the wheel is bit for bit the published one, and again the same where
// everything that the recipe leaves open is different.
func TestPure(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	r := release("ident", "3.2")
	wantName, want := resolvetest.BuildWheel(r, "py3-none-any")
	for variation := range 3 {
		j := w.job(r)
		j.Vary = Varied{Set: varied(variation), Round: variation}
		got, err := w.Build(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(got.Path)
		if err != nil {
			t.Fatal(err)
		}
		if got.File != wantName || !bytes.Equal(data, want) {
			t.Errorf("variation %d: %s with %d bytes, want %s with %d", variation, got.File, len(data), wantName, len(want))
		}
		if got.Native || got.Python != w.here.Full || got.Elapsed <= 0 || len(got.Tags) != 1 {
			t.Errorf("variation %d: result %+v", variation, got)
		}
		w.clean(j, 1)
	}
}

func TestNative(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if _, err := exec.LookPath("cc"); err != nil || !w.here.Headers {
		t.Skip("no compiler or no Python.h here")
	}
	var content []string
	for variation := range 2 {
		j := w.job(release("charguess", "3.5.2"))
		j.Vary = Varied{Set: varied(variation), Round: variation}
		got, err := w.Build(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Native || !strings.HasSuffix(got.File, "-linux_"+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+".whl") {
			t.Errorf("got %+v", got)
		}
		c, err := archive.Content(got.Path)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, c)
	}
	if content[0] != content[1] {
		t.Errorf("two builds have other contents: %v", content)
	}

	// Linked here, it would not run where the libc is older.
	j := w.job(release("charguess", "3.5.2"))
	older, err := tags.New("old", w.target.Python, "manylinux_2_17_"+w.target.Arch(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	j.Target = older
	_, err = w.Build(t.Context(), j)
	var no *NoPlaceError
	if !errors.As(err, &no) || !strings.Contains(no.Why, "no glibc 2.17 here: this machine has ") || len(no.Ways) == 0 {
		t.Errorf("for an older libc: %v", err)
	}
	w.clean(j, 0)
}

// TestRecipe: what the recipe says arrives in the build, and nothing else does.
func TestRecipe(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	j := w.job(release("ident", "3.2"))
	j.Sdist = sourceOf(t, `
import os, socket, sys, time
def build_wheel(out, config_settings=None, metadata_directory=None):
    mask = os.umask(0)
    print("umask %03o" % mask)
    print("folder", os.getcwd())
    for k in sorted(os.environ): print("env", k, os.environ[k])
    print("host", socket.gethostname())
    print("uid", os.getuid(), os.getgid())
    print("time", time.tzname[0])
    print("passwd", "daemon" in open("/etc/passwd").read())
    print("folders", os.path.exists("/home"), os.path.exists("/var"))
    print("interfaces", [n for _, n in socket.if_nameindex()])
    raise SystemExit("seen")
`)
	j.Name, j.Version, j.Requires = "intruder", "1.0", nil
	j.Recipe = &lock.Recipe{
		Backend: "backend", BackendPath: []string{"."}, Python: w.here.Tag, Umask: "027", BuildPath: "/build/elsewhere",
		Epoch: &lock.Epoch{Value: 1234567890, From: "project"}, Env: map[string]string{"SPEEDUPS": "1", "TZ": "UTC"},
	}
	_, err := w.Build(t.Context(), j)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	log := string(e.Log)
	for _, want := range []string{
		"umask 027", "folder /build/elsewhere", "env SOURCE_DATE_EPOCH 1234567890", "env SPEEDUPS 1", "env HOME /nonexistent",
		"host build", "time UTC", "folders False False", "passwd False", "interfaces ['lo']",
	} {
		if !strings.Contains(log, want+"\n") {
			t.Errorf("the build does not see %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{"env USER", "env XDG", "env SSH", "env PIP"} {
		if strings.Contains(log, secret) {
			t.Errorf("the build sees %q:\n%s", secret, log)
		}
	}
	var seen []string
	for _, line := range strings.Split(log, "\n") {
		if name, ok := strings.CutPrefix(line, "env "); ok {
			seen = append(seen, strings.Fields(name)[0])
		}
	}
	known := []string{
		"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LDCXXSHARED", "LDSHARED", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONNOUSERSITE",
		"SOURCE_DATE_EPOCH", "SPEEDUPS", "SUNPRO_DEPENDENCIES", "TMPDIR", "TZ", "VIRTUAL_ENV",
	}
	for _, s := range seen {
		if !slices.Contains(known, s) {
			t.Errorf("the build sees the variable %s", s)
		}
	}
}

// TestMisbehaving: each is an *Error that says what went wrong, and leaves nothing
// behind.
func TestMisbehaving(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	for name, want := range map[string]string{
		"faulty":      "told to fail: the flux is not ready",
		"quitter":     "without an answer",
		"emptyhanded": "emptyhanded-1.0-py3-none-any.whl",
		"impostor":    "cp27-cp27mu-linux_x86_64",
		"pretender":   "another package or version",
	} {
		j := w.job(release(name, "1.0"))
		if name == "impostor" {
			j.Recipe.ExpectTags = []string{"py3-none-any"}
		}
		_, err := w.Build(t.Context(), j)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Package != name+" 1.0" {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
		w.clean(j, 0)
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.Time = 2 * time.Second
	start := time.Now()
	_, err := w.Build(t.Context(), w.job(release("sleeper", "1.0")))
	if err == nil || !strings.Contains(err.Error(), "stopped after 2s") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestCancel: the context's error, not a finding about the package.
func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	ctx, cancel := context.WithCancel(t.Context())
	j := w.job(release("sleeper", "1.0"))
	time.AfterFunc(time.Second, cancel)
	if _, err := w.Build(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.clean(j, 0)
}

// TestNetwork: a server that answers here cannot be reached from a build.
func TestNetwork(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	called := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
			called <- struct{}{}
		}
	}()
	r := release("caller", "1.0")
	r.Address = l.Addr().String()
	_, err = w.Build(t.Context(), w.job(r))
	var e *Error
	if !errors.As(err, &e) || e.Why != "stopped: it tried to reach a server on this machine" || !strings.Contains(string(e.Log), "network: refused") {
		t.Errorf("got %v", err)
	}
	select {
	case <-called:
		t.Error("the build reached the server")
	default:
	}
}

// TestMuchOutput: a log without end costs no more memory than is allowed.
func TestMuchOutput(t *testing.T) {
	t.Parallel()
	l := &cappedLog{}
	chunk := bytes.Repeat([]byte("words and words\n"), 1<<16)
	for range 2 * MaxLog / len(chunk) {
		if n, err := l.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := len(l.bytes()); n != MaxLog {
		t.Errorf("%d bytes are kept, want %d", n, MaxLog)
	}
}

// TestFullDisk: what a build writes goes to a file system of limited size.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.Disk = 1 << 20
	j := w.job(release("ident", "3.2"))
	j.Name, j.Version, j.Requires = "intruder", "1.0", nil
	j.Recipe.Backend, j.Recipe.BackendPath = "backend", []string{"."}
	j.Sdist = sourceOf(t, `
def build_wheel(out, config_settings=None, metadata_directory=None):
    with open("much", "wb") as f:
        for _ in range(64): f.write(b"x" * (1 << 20))
    raise SystemExit("wrote all")
`)
	_, err := w.Build(t.Context(), j)
	if err == nil || strings.Contains(err.Error(), "wrote all") {
		t.Errorf("got %v", err)
	}
}

// TestAnswers: the driver's end of the pipe is in the hands of the build.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"no JSON", "hello\n"},
		{"empty object", "{}\n"},
		{"a folder in the name", `{"wheel": "../x-1-py3-none-any.whl", "size": 1}` + "\nx"},
		{"a hidden name", `{"wheel": ".x-1-py3-none-any.whl", "size": 1}` + "\nx"},
		{"no wheel", `{"wheel": "authorized_keys", "size": 1}` + "\nx"},
		{"no size", `{"wheel": "x-1-py3-none-any.whl"}` + "\nx"},
		{"too large", `{"wheel": "x-1-py3-none-any.whl", "size": 99999999999}` + "\nx"},
		{"cut", `{"wheel": "x-1-py3-none-any.whl", "size": 10}` + "\nx"},
		{"too long", `{"wheel": "x-1-py3-none-any.whl", "size": 1}` + "\nxy"},
		{"a line without end", strings.Repeat("x", MaxHookReply+10)},
	} {
		dir := t.TempDir()
		_, err := receive(strings.NewReader(c.text), dir, func([]string) error { return nil })
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %s is left", c.name, left[0].Name())
		}
	}
	asked := errors.New("asked")
	if _, err := receive(strings.NewReader(`{"requires": ["a"]}`+"\n"), "", func(list []string) error {
		if !slices.Equal(list, []string{"a"}) {
			t.Errorf("asked for %v", list)
		}
		return asked
	}); err != asked {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	path, err := receive(io.MultiReader(strings.NewReader(`{"requires": []}`+"\n"+`{"wheel": "x-1-py3-none-any.whl", "size": 3}`+"\n"), strings.NewReader("abc")), dir, func([]string) error { return nil })
	if data, _ := os.ReadFile(path); err != nil || string(data) != "abc" {
		t.Errorf("got %s, %v", data, err)
	}
}

// TestNoPlace: where nothing can be built, the error names the ways out.
func TestNoPlace(t *testing.T) {
	t.Parallel()
	b := &Builder{Cache: t.TempDir(), Interpreters: &Interpreters{Search: []string{t.TempDir()}}}
	var sandbox *SandboxError
	if err := b.CheckSandbox(t.Context()); !errors.As(err, &sandbox) || sandbox.Hint() == "" {
		t.Errorf("no bwrap: %v", err)
	}
	target, err := tags.Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	var no *NoPlaceError
	if err := b.CanBuild(t.Context(), target, "cp311", false); !errors.As(err, &no) || no.Why != "no Python 3.11 here" || len(no.Ways) != 2 {
		t.Errorf("no interpreter: %v", err)
	}
	if err := b.CanBuild(t.Context(), target, "pp311", true); !errors.As(err, &no) || no.Why != "no PyPy 3.11 here" {
		t.Errorf("no PyPy: %v", err)
	}
	other, err := tags.Lookup("windows") // sandboxes are of Linux
	if err != nil {
		t.Fatal(err)
	}
	if err := b.CanBuild(t.Context(), other, "cp313", true); !errors.As(err, &no) || no.Why != "this machine is no "+other.OS()+" system" {
		t.Errorf("another system: %v", err)
	}
	for _, c := range []struct{ host, target, want string }{
		{"bookworm", "focal", "no glibc 2.31 here: this machine has 2.36"},
		{"bookworm", "trixie", ""},
		{"bookworm", "bookworm", ""},
		{"bookworm", "bookworm-arm64", "no aarch64 processor here: this machine is x86_64"},
		{"bookworm", "alpine-3.20", "no musl here: this machine has glibc"},
		{"alpine-3.20", "bookworm", "no glibc here: this machine has musl"},
		{"3.13@manylinux_2_36_x86_64", "3.13t@manylinux_2_36_x86_64", "no Python with the ABI cp313t here: this machine's has cp313"},
		{"pypy3.11@manylinux_2_36_x86_64", "pypy3.11.17@manylinux_2_36_x86_64", "no Python with the ABI pypy311_pp80 here: this machine's has pypy311_pp73"},
	} {
		host, err := tags.Lookup(c.host)
		if err != nil {
			t.Fatal(err)
		}
		target, err := tags.Lookup(c.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostMismatch(host, target); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.target, c.host, got, c.want)
		}
	}
}
