package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// A SandboxError says that no sandbox can be had on this machine. Building
// without one is not offered: a source must not see keys or the network.
type SandboxError struct {
	Why string
	Fix string
}

func (e *SandboxError) Error() string { return "no sandbox: " + e.Why }

// Hint is what mends it.
func (e *SandboxError) Hint() string { return e.Fix }

// sandbox is the command line of bubblewrap for one build.
type sandbox struct {
	bwrap       string
	interpreter *Interpreter
	env         string // folder that becomes /env
	source      string // folder that becomes /source
	users       string // folder with passwd and group
	host        string // host name to show
	user        string // user's name to show, and uid its number
	uid         int
	locale      string // folder that becomes /locale; "" for none
	rust        *rusty // nil: none
	oneCPU      bool   // pinned to one processor
	vars        []string
	limits      limits
	engine      *Engine
	cage        *cage
	can         map[string]bool // options that not every bubblewrap has
}

// hostFolders are bound read-only where they exist. /etc is left out but for
// what the linker and the compiler's alternatives need: it holds the host's name,
// users and secrets.
var hostFolders = []string{"/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"}

// folders are the arguments that show the programs of this machine (root "") or
// of a tree.
func folders(root string) []string {
	var a []string
	for _, d := range hostFolders {
		if _, err := os.Lstat(root + d); err == nil {
			a = append(a, "--ro-bind", root+d, d)
		}
	}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		// On merged-usr systems these are links into /usr; elsewhere folders.
		if to, err := os.Readlink(root + d); err == nil {
			a = append(a, "--symlink", to, d)
		} else if _, err := os.Stat(root + d); err == nil {
			a = append(a, "--ro-bind", root+d, d)
		}
	}
	return a
}

// prefixFolders are the arguments that show an interpreter that lies elsewhere.
func (i *Interpreter) prefixFolders() []string {
	var a []string
	if p := i.Prefix; !strings.HasPrefix(p, "/usr/") && p != "/usr" {
		// Not the prefix itself: it may be somebody's home.
		for _, sub := range []string{"bin", "lib", "lib64", "include", "share"} {
			if d := filepath.Join(p, sub); isDir(d) {
				a = append(a, "--ro-bind", d, d)
			}
		}
	}
	return a
}

func (s *sandbox) args() []string {
	a := []string{
		"--unshare-all", "--unshare-user", "--uid", strconv.Itoa(s.uid), "--gid", strconv.Itoa(s.uid), "--cap-drop", "ALL",
		"--die-with-parent", "--new-session", "--hostname", s.host,
	}
	if s.can["--clearenv"] { // 0.5; the environment is empty before, but for what a shell adds
		a = append(a, "--clearenv")
	}
	if s.can["--disable-userns"] { // 0.8
		a = append(a, "--disable-userns")
	}
	a = append(a, folders(s.interpreter.Root)...)
	// Where wheellock runs as root, the build's user is root's under another number, and
	// the kernel lets it write whatever of /proc belongs to root, without a capability:
	// /proc/sys/kernel/core_pattern names a program that then runs outside.
	a = append(a, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev")
	for _, m := range []struct {
		dir  string
		size int64
	}{{"/dev/shm", s.limits.shared}, {"/tmp", s.limits.tmp}, {"/build", s.limits.disk}} {
		if s.can["--size"] { // 0.7; without it the watchdog holds the limit
			a = append(a, "--size", strconv.FormatInt(m.size, 10))
		}
		a = append(a, "--tmpfs", m.dir)
	}
	a = append(a, "--remount-ro", "/dev")
	a = append(a, s.interpreter.prefixFolders()...)
	for _, f := range []string{"passwd", "group"} {
		a = append(a, "--ro-bind", filepath.Join(s.users, f), "/etc/"+f)
	}
	if s.locale != "" {
		a = append(a, "--ro-bind", s.locale, localeFolder)
	}
	if s.rust != nil {
		a = append(a, s.rust.args()...)
	}
	a = append(a, "--ro-bind", s.env, "/env", "--ro-bind", s.source, "/source", "--chdir", "/build")
	for _, v := range s.vars {
		k, val, _ := strings.Cut(v, "=")
		a = append(a, "--setenv", k, val)
	}
	return append(a, "--remount-ro", "/", "--info-fd", "5", "--seccomp", "6")
}

// writeUsers makes the one user that a build sees; the host's are none of its
// business, but getpwuid has to find somebody.
func writeUsers(dir, name string, id int) error {
	user := fmt.Sprintf("%s:x:%d:%d:%s:/nonexistent:/bin/sh\n", name, id, id, name)
	if err := os.WriteFile(filepath.Join(dir, "passwd"), []byte(user), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "group"), fmt.Appendf(nil, "%s:x:%d:\n", name, id), 0o644)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// taskset is util-linux's program that pins a process to one processor.
const taskset = "/usr/bin/taskset"

// name is what the outer wall is called in evidence.
func (s *sandbox) name() string {
	if s.interpreter.Image != "" {
		return "podman"
	}
	return "bubblewrap"
}

// command is the sandboxed process, to be started by the caller. Descriptor 3 is the
// pipe for answers, 4 for what the guard says, 5 for the number of process 1 and 6 the
// filter of system calls; bubblewrap closes these two before anything runs.
func (s *sandbox) command(ctx context.Context, files []*os.File) *exec.Cmd {
	if s.interpreter.Image != "" {
		return s.engine.command(ctx, s, files)
	}
	args := append([]string{s.bwrap}, s.args()...)
	args = append(args, "--")
	args = append(args, guarded(s.interpreter.Path, s.limits, len(s.cage.dirs) == 0, []string{"/env/bin/python", "-c", driver})...)
	if s.oneCPU {
		if _, err := os.Stat(taskset); err == nil {
			args = append([]string{taskset, "-c", "0"}, args...)
		}
	}
	args = s.cage.wrap(args)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.ExtraFiles = files
	cmd.Env = []string{}
	return cmd
}

// bwrapOptions are the options among those used here that old releases lack:
// bullseye has 0.4.
func bwrapOptions(ctx context.Context, bwrap string) map[string]bool {
	if v, ok := options.Load(bwrap); ok {
		return v.(map[string]bool)
	}
	out, _ := exec.CommandContext(ctx, bwrap, "--help").CombinedOutput() // before 0.5 it exits 1
	can := map[string]bool{}
	for _, o := range []string{"--clearenv", "--disable-userns", "--size"} {
		can[o] = strings.Contains(string(out), " "+o+" ")
	}
	if ctx.Err() == nil {
		options.Store(bwrap, can)
	}
	return can
}

var options sync.Map // bwrap path to map[string]bool: it is asked once a process

var checked sync.Map // bwrap path to error: it is asked once a process

// CheckSandbox returns nil when builds can be sandboxed here, or a
// *SandboxError that says what to do.
func (b *Builder) CheckSandbox(ctx context.Context) error {
	if b.engineReady() && (b.Backend == BackendPodman || b.bubblewrap(ctx) != nil) {
		return nil
	}
	if b.Backend == BackendPodman {
		return &SandboxError{Why: "podman is not installed", Fix: "apt-get install podman"}
	}
	return b.bubblewrap(ctx)
}

// bubblewrap returns nil where it works.
func (b *Builder) bubblewrap(ctx context.Context) error {
	if b.Bwrap == "" {
		return &SandboxError{Why: "bubblewrap (bwrap) is not installed", Fix: "apt-get install bubblewrap"}
	}
	if v, ok := checked.Load(b.Bwrap); ok {
		err, _ := v.(error)
		return err
	}
	err := tryBwrap(ctx, b.Bwrap)
	checked.Store(b.Bwrap, err)
	return err
}

func tryBwrap(ctx context.Context, bwrap string) error {
	if _, err := os.Stat(bwrap); err != nil {
		return &SandboxError{Why: filepath.Base(bwrap) + " is not there", Fix: "apt-get install bubblewrap"}
	}
	out, err := exec.CommandContext(ctx, bwrap, "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--", "/bin/true").CombinedOutput()
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	text := strings.TrimSpace(string(out))
	if text == "" {
		text = err.Error()
	}
	return &SandboxError{
		Why: fmt.Sprintf("bubblewrap does not start: %s", text),
		Fix: "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or build on another machine",
	}
}
