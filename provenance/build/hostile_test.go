package build

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A hostile is a source whose build does what none may. Each is stopped, or its
// attempt comes to nothing, and the error says in a line what it was.
type hostile struct {
	name, code string
	why        string // in the error's first line
	log        string // in the log, where the attempt itself is refused
}

// hostiles run as the body of build_wheel; one that comes to its end says so.
var hostiles = []hostile{
	{name: "tcp", why: "stopped: it tried to reach the network", code: `
s = socket.socket()
try: s.connect(("192.0.2.1", 443))
except OSError: pass
return good(out)`},
	{name: "tcp6", why: "stopped: it tried to reach the network", code: `
s = socket.socket(socket.AF_INET6)
try: s.connect(("2001:db8::1", 443))
except OSError: pass
return good(out)`},
	{name: "udp", why: "stopped: it tried to reach the network", code: `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: s.sendto(b"x", ("192.0.2.1", 9))
except OSError: pass
return good(out)`},
	{name: "dns", why: "stopped: it asked for a name on the network (DNS)", code: `
try: socket.getaddrinfo("telemetry.example", 443)
except OSError: pass
return good(out)`},
	{name: "loopback", why: "stopped: it tried to reach a server on this machine", code: `
try: socket.create_connection(("127.0.0.1", PORT))
except OSError: pass
return good(out)`},
	{name: "unix-socket", why: "it looked for another program's socket", code: `
socket.socket(socket.AF_UNIX).connect("SOCKET")`},
	{name: "abstract-socket", why: "it looked for another program's socket", code: `
socket.socket(socket.AF_UNIX).connect("\0wheellock-test-ABSTRACT")`},
	{name: "writes-outside", why: "it wrote outside of its folder (/usr/intruder)", code: `
open("/usr/intruder", "w")`},
	{name: "writes-home", why: "it looked for a home", code: `
open(os.path.join(HOME, ".profile"), "a")`},
	{name: "reads-secrets", why: "told its story", log: "found: none\n", code: `
found = []
for path in (os.path.expanduser("~"), HOME, HOME + "/secret", "/etc/shadow", "/etc/hostname", "/root", "/home", "/run", "/var", "/proc/1/environ", "/proc/kcore", "/sys"):
    try:
        (os.listdir if os.path.isdir(path) else open)(path)
        found.append(path)
    except OSError: pass
for pid in os.listdir("/proc"):
    try:
        if pid.isdigit() and b"SECRET" in open("/proc/%s/environ" % pid, "rb").read(): found.append("environment of " + pid)
    except OSError: pass
found += [k for k in os.environ if "SECRET" in k or "SSH" in k]
print("found:", ", ".join(found) or "none")
raise SystemExit("told its story")`},
	{name: "forks", why: "stopped: it started processes without end", code: `
while True:
    try: os.fork()
    except OSError: time.sleep(0.01)`},
	{name: "threads", why: "stopped: it started processes without end", code: `
import threading
threading.stack_size(1 << 16)
while True:
    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError: time.sleep(0.01)`},
	{name: "fills-build", why: "it filled the disk", code: `
with open("/build/much", "wb") as f:
    while True: f.write(b"x" * (1 << 20)); f.flush()`},
	{name: "fills-tmp-quietly", why: "stopped: it filled the disk", code: `
for n in range(1 << 30):
    try: open("/tmp/%d" % n, "wb").write(b"x" * (1 << 20))
    except OSError: time.sleep(0.1)`},
	{name: "fills-shm-quietly", why: "stopped: it filled the disk", code: `
for n in range(1 << 30):
    try: open("/dev/shm/%d" % n, "wb").write(b"x" * (1 << 18))
    except OSError: time.sleep(0.1)`},
	{name: "files", why: "stopped: it made files without end", code: `
for n in range(1 << 30): os.mknod("/build/%d" % n)`},
	{name: "allocates", why: "stopped: it took memory without end", code: `
held = []
while True: held.append(b"x" * (16 << 20))`},
	{name: "allocates-in-many", why: "stopped: it took memory without end", code: `
for _ in range(8):
    if os.fork() == 0:
        held = b"x" * (48 << 20)
        time.sleep(60)
time.sleep(60)`},
	{name: "allocates-unseen", why: "the backend failed", log: "refused 2 of 2", code: `
import ctypes
libc, held, refused = ctypes.CDLL(None, use_errno=True), 0, 0
for _ in range(16):
    fd = libc.memfd_create(b"unseen", 0)
    if fd < 0: refused = 1; break
    held += os.write(fd, b"x" * (32 << 20))
refused += libc.shmget(0, ctypes.c_size_t(1 << 29), 0o1600) < 0
print("refused %d of 2, %d bytes held" % (refused, held))
raise SystemExit(1)`},
	{name: "sleeps", why: "stopped: it hangs (no processor time used for 2s)", code: `
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)`},
	{name: "spins", why: "stopped after 6s", code: `
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: pass`},
	{name: "writes-without-end", why: "stopped: it wrote output without end", code: `
while True: os.write(1, b"all work and no play\n" * 4096)`},
	{name: "leaves-processes", why: "the backend failed", log: "left some", code: `
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
raise SystemExit("left some")`},
	{name: "device", why: "the backend failed", log: "PermissionError", code: `
os.mknod("/build/disk", 0o660 | 0o060000, os.makedev(8, 0))`},
	{name: "setuid", why: "the backend failed", log: "euid 0: False", code: `
shutil.copy("/usr/bin/id", "/build/id")
os.chmod("/build/id", 0o6755)
print("euid 0:", b"euid=0" in subprocess.run(["/build/id"], stdout=subprocess.PIPE).stdout)
raise SystemExit(1)`},
	{name: "link-as-wheel", why: "wrote a bad wheel", code: `
os.symlink("/etc/passwd", os.path.join(out, NAME))
return NAME`},
	{name: "folder-as-wheel", why: "the backend failed", log: "Is a directory", code: `
os.mkdir(os.path.join(out, NAME))
return NAME`},
	{name: "outside-wheel", why: "the backend failed", log: "no file name of a wheel", code: `
return "../../../" + NAME`},
	{name: "pipe-as-wheel", why: "stopped: it hangs", code: `
os.mkfifo(os.path.join(out, NAME))
return NAME`},
	{name: "escapes", why: "the backend failed", log: `\x1b]0;owned\a\x1b[2J`, code: `
os.write(2, b"\x1b]0;owned\x07\x1b[2J\xff\x9b31m")
raise SystemExit(1)`},
	{name: "kills-guard", why: "the backend", code: `
for pid in range(1, 10):
    try: os.kill(pid, 9)
    except OSError: pass`},
}

const hostileFrame = `
import os, shutil, signal, socket, subprocess, sys, time, zipfile
NAME, HOME, PORT = "intruder-1.0-py3-none-any.whl", %q, %d
def good(out):
    with zipfile.ZipFile(os.path.join(out, NAME), "w") as z: z.writestr("x", "")
    return NAME
def build_wheel(out, config_settings=None, metadata_directory=None):
%s
    raise SystemExit("it was let do")
`

// TestHostile: with control groups, and as where none can be made.
func TestHostile(t *testing.T) {
	t.Setenv("WHEELLOCK_SECRET", "SECRET")
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "secret"), []byte("SECRET"), 0o644); err != nil {
		t.Fatal(err)
	}
	port := listenAll(t, home)
	for _, uncaged := range []bool{false, true} {
		for _, h := range hostiles {
			if uncaged && !strings.Contains(h.why, "end") {
				continue // a group has no part in it
			}
			t.Run(fmt.Sprintf("%s/uncaged=%v", h.name, uncaged), func(t *testing.T) {
				w := newWorkshop(t)
				w.uncaged = uncaged
				w.Time, w.Idle, w.Processes, w.Memory, w.Disk = 6*time.Second, 2*time.Second, 200, 256<<20, 64<<20
				if h.name == "files" {
					w.Disk, w.Memory, w.Files = 4<<30, 4<<30, 20_000
				}
				code := strings.NewReplacer("SOCKET", filepath.Join(home, "agent"), "ABSTRACT", fmt.Sprint(port)).Replace(h.code)
				j := w.job(release("ident", "3.2"))
				j.Name, j.Version, j.Requires = "intruder", "1.0", nil
				j.Recipe.Backend, j.Recipe.BackendPath = "backend", []string{"."}
				j.Sdist = sourceOf(t, fmt.Sprintf(hostileFrame, home, port, strings.ReplaceAll(code, "\n", "\n    ")))
				start := time.Now()
				_, err := w.Build(t.Context(), j)
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("got %v", err)
				}
				first, _, _ := strings.Cut(err.Error(), "\n")
				if why, _ := e.Diagnosis(); why != "" {
					first += ": " + why
				}
				if !strings.HasPrefix(first, "building intruder 1.0: ") || !strings.Contains(err.Error()+first, h.why) {
					t.Errorf("%q does not say %q:\n%s", first, h.why, e.Log)
				}
				if log := string(e.Log); !strings.Contains(log, h.log) || strings.Contains(log, "it was let do") || strings.ContainsRune(log, '\x1b') {
					t.Errorf("log: %s", log)
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("it took %s", took)
				}
				w.clean(j, 0)
			})
		}
	}
}

// listenAll opens what a build must not reach: a port, a socket and an abstract one.
func listenAll(t *testing.T, home string) int {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	list := []net.Listener{tcp}
	for _, name := range []string{filepath.Join(home, "agent"), fmt.Sprintf("@wheellock-test-%d", port)} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	for _, l := range list {
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				t.Errorf("a build reached %s", l.Addr())
				c.Close()
			}
		}()
	}
	return port
}
