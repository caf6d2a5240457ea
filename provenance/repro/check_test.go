package repro

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// locales are made once for all tests.
var locales = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "locales-")
	if err == nil {
		build.OtherLocales(context.Background(), dir)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(locales())
	os.Exit(code)
}

// options for a project of one script in a folder of its own, or a skip.
func options(t *testing.T, script string) Options {
	t.Helper()
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("no bubblewrap here")
	}
	if err := (&build.Builder{Bwrap: bwrap}).CheckSandbox(t.Context()); err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), "thing")
	for _, name := range []string{"src/one", "src/two", "src/three", "make.sh"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)
		os.Chtimes(path, old, old)
	}
	cache := t.TempDir()
	if err := os.Symlink(filepath.Join(locales(), "locale"), filepath.Join(cache, "locale")); err != nil {
		t.Fatal(err)
	}
	return Options{
		Dir: dir, Command: []string{"/bin/sh", "-ec", script}, Environ: []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}, Umask: 0o022,
		Vary: build.AllVariations, Times: 2, Cache: cache, Memory: "/dev/shm", Bwrap: bwrap,
		Event: func(s string) { t.Log(s) },
	}
}

func check(t *testing.T, o Options) *Report {
	t.Helper()
	rep, done, err := Check(t.Context(), o)
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestNamed: each dependency is found by bisecting and named, alone.
func TestNamed(t *testing.T) {
	for name, script := range map[string]string{
		"path":          "pwd > out",
		"zone":          "date -d @86400 +%H > out",
		"locale":        "printf 'z\\nt\\n' | sort > out",
		"umask":         "umask > out",
		"host":          "hostname > out || uname -n > out; cat /etc/hostname >> out",
		"user":          "id -un > out; id -u >> out; echo $USER >> out",
		"home":          "echo ~ > out",
		"file-order":    "ls -U src > out",
		"file-times":    "tar --sort=name --owner=0 --group=0 --mode=644 -cf out.tar src/one src/two",
		"cpus":          "nproc > out; getconf _NPROCESSORS_ONLN >> out",
		"hash-seed":     "/usr/bin/python3 -c 'print({str(n) for n in range(50)})' > out",
		"zone,locale":   `if test "$(date -d @0 +%H)" != 00 && test "$LC_ALL" != "$LANG_BEFORE" && test -n "$LC_ALL"; then echo x > out; else echo y > out; fi`,
		"host,user":     `echo "$(uname -n)-$(id -u)" > a; test "$(uname -n)" = other1 && test "$(id -u)" = 4321 && echo both > out || echo not > out; rm a`,
		"":              "tar --sort=name --owner=0 --group=0 --mode=644 --mtime=@0 -cf out.tar src; gzip -n out.tar",
		"nothing moved": "/usr/bin/python3 -c 'import os; print(os.urandom(8))' > out",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, script)
			rep := check(t, o)
			for _, n := range rep.NotVaried {
				if n.Name != "time" && strings.Contains(name, n.Name) {
					t.Skipf("%s: %s", n.Name, n.Why)
				}
			}
			if rep.Equal != (name == "") || len(rep.Files) != 1 || rep.Files[0].Equal != rep.Equal {
				t.Fatalf("report: %+v", rep)
			}
			if rep.Equal {
				return
			}
			if len(rep.Causes) != 1 {
				t.Fatalf("causes: %+v", rep.Causes)
			}
			c := rep.Causes[0]
			t.Logf("%d runs: %s\n%s", rep.Runs, c.Sentence, strings.Join(c.Differences, "\n"))
			want := strings.Split(name, ",")
			if name == "nothing moved" {
				want = []string{}
			}
			if !slices.Equal(c.Variations, want) || len(c.Differences) == 0 || !strings.HasPrefix(c.Sentence, "out") {
				t.Errorf("cause: %+v", c)
			}
			left, _ := filepath.Glob(filepath.Join(o.Cache, ".repro-*"))
			shm, _ := filepath.Glob("/dev/shm/wheellock-repro-*")
			if len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, shm)
			}
		})
	}
}

// TestSeveral: independent causes are all named, with what only fails.
func TestSeveral(t *testing.T) {
	o := options(t, "uname -n > host; umask > mask; /usr/bin/python3 -c 'import os; print(os.urandom(8))' > random; test $HOME = /tmp/home || { echo no home of mine >&2; exit 7; }")
	rep := check(t, o)
	var got []string
	for _, c := range rep.Causes {
		got = append(got, strings.Join(c.Variations, "+")+": "+c.Sentence)
	}
	// The failure hides the rest while home is varied, and nothing after.
	want := []string{
		": random differs from run to run with nothing varied", "home: the command fails with another home folder: exit status 7",
		"umask: mask depends on the umask", "host: host depends on the host name",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	var bad *CommandError
	if _, done, err := Check(t.Context(), options(t, "echo the flux is not ready; exit 3")); !errors.As(err, &bad) ||
		!strings.Contains(err.Error(), "exit status 3\nthe flux is not ready") {
		t.Errorf("a command that fails: %v", err)
	} else {
		done()
	}
	o := options(t, "true")
	o.Patterns = []string{"*.deb"}
	var none *NothingError
	if _, done, err := Check(t.Context(), o); !errors.As(err, &none) {
		t.Errorf("a command that writes nothing: %v", err)
	} else {
		done()
	}
	o = options(t, "echo x > out; echo changed >> src/one; touch src/two; echo y > ../beside; echo z > /usr/out || true; echo > "+"$SRC/new || true")
	rep := check(t, o)
	var names []string
	for _, f := range rep.Files {
		names = append(names, f.Name)
	}
	if want := []string{"../beside", "out", "src/one"}; !slices.Equal(names, want) {
		t.Errorf("wrote %v, want %v", names, want)
	}
	if text, _ := os.ReadFile(filepath.Join(o.Dir, "src/one")); string(text) != "src/one\n" {
		t.Errorf("the working folder was changed: %s", text)
	}
	for _, p := range []string{"", "[a"} {
		if CheckPattern(p) == nil {
			t.Errorf("%q is a pattern", p)
		}
	}
}

// TestHidden: no network, no keys, nothing of the machine can be written.
func TestHidden(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "keys")
	if err := os.MkdirAll(secret, 0o700); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(secret, "key"), []byte("secret"), 0o600)
	o := options(t, "cat "+secret+"/key > out 2>&1 || true; ls /sys/class/net >> out; /usr/bin/python3 -c 'import socket; print([n for _, n in socket.if_nameindex()])' >> out; env | grep -c SSH_ >> out || true; cat out")
	o.Hide = []string{secret}
	o.Environ = append(o.Environ, "SSH_AUTH_SOCK=/x")
	o.Vary = 0
	o.Keep = t.TempDir()
	check(t, o)
	text, err := os.ReadFile(filepath.Join(o.Keep, "1", "out"))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); strings.Contains(s, "secret") || !strings.Contains(s, "['lo']\n0\n") {
		t.Errorf("the command saw:\n%s", s)
	}
}

// TestPython: what people build with setuptools: a wheel with a set in its own order,
// and a source archive, whose times and owners setuptools takes from around it.
func TestPython(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import setuptools, wheel").Run(); err != nil {
		t.Skip("no setuptools and wheel here")
	}
	setup := `import setuptools, os
os.makedirs("thing", exist_ok=True)
open("thing/__init__.py", "w").write("NAMES = %s\n" % {"word%d" % n for n in range(30)})
setuptools.setup(name="thing", version="1.0", packages=["thing"])
`
	for command, want := range map[string][]string{"bdist_wheel": {"hash-seed", "umask"}, "sdist --formats=gztar": {"hash-seed", "time", "umask", "user"}} {
		o := options(t, "SOURCE_DATE_EPOCH=1700000000 /usr/bin/python3 setup.py -q "+command)
		if err := os.WriteFile(filepath.Join(o.Dir, "setup.py"), []byte(setup), 0o644); err != nil {
			t.Fatal(err)
		}
		o.Vary = build.VaryHashSeed | build.VaryUmask | build.VaryUser | build.VaryHost
		rep := check(t, o)
		found := map[string]string{}
		for _, c := range rep.Causes {
			found[strings.Join(c.Variations, "+")] = c.Sentence + "\n" + strings.Join(c.Differences, "\n")
		}
		for _, w := range want {
			if !strings.Contains(found[w], "dist/thing-1.0") || w == "hash-seed" && !strings.Contains(found[w], "thing/__init__.py") {
				t.Errorf("%s: %s is not named: %q", command, w, found)
			}
		}
		if command == "bdist_wheel" && (len(found) != 2 || !strings.Contains(found["hash-seed"], ": 1 of 5 files differ")) {
			t.Errorf("%s: %q", command, found)
		}
	}
}
