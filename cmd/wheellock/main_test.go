package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/cli"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// limitsVariable shortens waits in scripts: "stall=500ms build=3s". Only the
// test binary knows it; the program that users get reads nothing of the kind.
const limitsVariable = "WHEELLOCK_TEST_LIMITS"

// clockVariable is how far this machine's clock is off: "9000h".
const clockVariable = "WHEELLOCK_TEST_CLOCK"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wheellock": func() {
			w := cli.System()
			w.Limits = testLimits(os.Getenv(limitsVariable))
			if d, err := time.ParseDuration(os.Getenv(clockVariable)); err == nil {
				w.Now = func() time.Time { return time.Now().Add(d) }
			}
			os.Exit(cli.Main(os.Args[1:], w))
		},
	})
}

// testLimits: an index on loopback that has said nothing for a second is dead,
// and asking it again need not wait.
func testLimits(text string) cli.Limits {
	l := cli.Limits{Stall: 2 * time.Second, Backoff: time.Millisecond}
	for _, field := range strings.Fields(text) {
		key, value, _ := strings.Cut(field, "=")
		d, err := time.ParseDuration(value)
		if err != nil {
			panic(limitsVariable + ": " + err.Error())
		}
		switch key {
		case "stall":
			l.Stall = d
		case "build":
			l.Build = d
		case "lock":
			l.Lock = d
		default:
			panic(limitsVariable + ": " + field)
		}
	}
	return l
}

// TestScripts runs the sessions in testdata/script. Each has an index of its own
// on loopback, a home of its own, and begins in the empty folder
// $WORK/project.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		Cmds:                commands,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("WHEELLOCK_UPDATE") == "1",
	})
}

type indexKey struct{}

// setup makes the world of one script. Nothing of the user's environment but
// PATH gets in.
func setup(env *testscript.Env) error {
	server := resolvetest.NewServer(standard(), resolvetest.ServerOptions{})
	env.Defer(server.Close)
	env.Values[indexKey{}] = server
	env.Values[snapshotKey{}] = snapshots{}
	env.Values[listenersKey{}] = map[string]*listener{}
	home := filepath.Join(env.WorkDir, "home")
	env.Cd = filepath.Join(env.WorkDir, "project")
	for _, dir := range []string{home, env.Cd} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	env.Setenv("WHEELLOCK_INDEX_URL", server.URL)
	env.Setenv("INDEX", server.URL)
	env.Setenv("PYTHON", python())
	env.Setenv("UV", os.Getenv("WHEELLOCK_UV"))
	env.Setenv("PYTOOLS", os.Getenv("WHEELLOCK_PYTHON"))
	env.Setenv("PORT", freePort())
	env.Setenv("PORT2", freePort())
	env.Setenv("PIP_CONFIG_FILE", os.DevNull)
	env.Setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
	env.Setenv("PIP_FIND_LINKS", "")
	env.Setenv("PIP_NO_CACHE_DIR", "1")
	env.Setenv("PIP_ROOT_USER_ACTION", "ignore")
	env.Setenv("LANG", "C.UTF-8")
	if real, err := os.UserHomeDir(); err == nil && os.Getenv("RUSTUP_HOME") == "" {
		env.Setenv("RUSTUP_HOME", filepath.Join(real, ".rustup")) // rustup finds its toolchains by HOME
	}
	return nil
}

// standard is resolvetest's universe, made once: its wheels and sdists are
// computed by the server.
var standard = sync.OnceValue(resolvetest.Standard)

// python is the machine's Python with pip in it, past shims that need a home.
var python = sync.OnceValue(func() string {
	out, err := exec.Command("python3", "-c", "import pip, sys; print(sys.executable)").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
})

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// condition answers the words in brackets: [pip], [uv], [builds] (a sandbox and Python
// 3.11 are here), [native] (and its headers, and a compiler), [rust] (cargo and rustc),
// [tmpfs] (a file system can be mounted, so that it can be full), [pytools] (a Python
// with the tools of this project's wheels.lock).
func condition(word string) (bool, error) {
	switch word {
	case "pip":
		return python() != "", nil
	case "uv":
		return os.Getenv("WHEELLOCK_UV") != "" && python() != "", nil
	case "pytools":
		return os.Getenv("WHEELLOCK_PYTHON") != "", nil
	case "tmpfs":
		return canMount(), nil
	case "builds":
		return canBuild(), nil
	case "native":
		return canBuild() && canCompile(), nil
	case "rust":
		return canRust(), nil
	}
	return false, nil
}

var canBuild = sync.OnceValue(func() bool {
	return exec.Command("bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--", "/bin/true").Run() == nil &&
		exec.Command("python3.11", "-c", "").Run() == nil
})

var canRust = sync.OnceValue(func() bool {
	out, err := exec.Command("cargo", "--version").Output()
	var minor int
	if _, bad := fmt.Sscanf(string(out), "cargo 1.%d.", &minor); err != nil || bad != nil || minor < 63 {
		return false
	}
	return exec.Command("rustc", "--version").Run() == nil
})

var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tiny", dir).Run() != nil {
		return false
	}
	return exec.Command("umount", dir).Run() == nil
})

var canCompile = sync.OnceValue(func() bool {
	_, err := exec.LookPath("cc")
	if err != nil {
		return false
	}
	return exec.Command("python3.11", "-c", `import os, sysconfig, platform
assert os.path.exists(sysconfig.get_paths()["include"] + "/Python.h")
assert platform.libc_ver()[0] == "glibc" and tuple(map(int, platform.libc_ver()[1].split("."))) <= (2, 36)`).Run() == nil
})
