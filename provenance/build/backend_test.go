package build

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// put writes files below a folder: path, text, path, text ...
func put(t *testing.T, dir string, files ...string) string {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const debianSources = `Types: deb deb-src
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main
# a comment
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .

Types: deb
Enabled: no
URIs: http://off.example
Suites: bookworm
Components: main
`

func TestSourcesFor(t *testing.T) {
	debian := put(t, t.TempDir(), "sources.list.d/debian.sources", debianSources,
		"sources.list", "deb [arch=amd64 signed-by=/k.gpg] https://tools.example/apt nodistro main # theirs\n# deb http://no.example bookworm main\n")
	ubuntu := put(t, t.TempDir(), "sources.list", "deb http://archive.example/ubuntu jammy main universe\ndeb [signed-by=/u.gpg] http://archive.example/ubuntu jammy-security main\n")
	for _, c := range []struct {
		apt, release string
		suites       []string
		want         []string
	}{
		{debian, "trixie", nil, []string{
			"deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian trixie main",
			"deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian trixie-updates main",
			"deb http://security.example/debian-security trixie-security main"}},
		{debian, "bullseye", []string{"bullseye", "bullseye-backports", "bullseye-security"}, []string{
			"deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian bullseye main",
			"deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian bullseye-backports main",
			"deb http://security.example/debian-security bullseye-security main"}},
		{debian, "focal", nil, nil},
		{debian, "unstable", nil, []string{"deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian unstable main"}},
		{debian, "focal", []string{"focal"}, nil},
		{ubuntu, "focal", nil, []string{
			"deb http://archive.example/ubuntu focal main universe",
			"deb [signed-by=/u.gpg] http://archive.example/ubuntu focal-security main"}},
		{ubuntu, "bookworm", nil, nil},
	} {
		var got []string
		for _, s := range sourcesFor(aptSources(c.apt), c.release, c.suites) {
			got = append(got, s.line())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %v: %s", c.release, c.suites, diff)
		}
	}
}

// fakeTree is a script in mmdebstrap's place: it notes its arguments and input, and
// writes an archive, or ends with the text of a failure.
func fakeTree(t *testing.T, archive []byte, failure string) (*Trees, string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncat >" + dir + "/sources\necho \"$@\" >" + dir + "/args\n"
	if failure != "" {
		script += "echo 'I: trying' >&2\necho 'E: " + failure + "' >&2\nexit 1\n"
	} else {
		script += "cat " + dir + "/archive\n"
	}
	put(t, dir, "mmdebstrap", script, "archive", string(archive), "apt/sources.list.d/debian.sources", debianSources)
	return &Trees{
		Dir: filepath.Join(dir, "trees"), Mmdebstrap: filepath.Join(dir, "mmdebstrap"), Apt: filepath.Join(dir, "apt"),
		Environ: []string{"PATH=/usr/bin:/bin"}, Plans: map[string]TreePlan{},
	}, dir
}

func archiveOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		text := h.Uname // stands for the content
		h.Uname, h.Size = "", int64(len(text))
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	w.Close()
	return b.Bytes()
}

const status = "Package: gcc-14\nStatus: install ok installed\nVersion: 14.2.0-19\nDescription: x\n y\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: libc6-dev\nStatus: install ok installed\nVersion: 2.41-12\n"

// TestTreeUnpacked: what builds read is there, and nothing that a user may not own.
func TestTreeUnpacked(t *testing.T) {
	t.Parallel()
	trees, dir := fakeTree(t, archiveOf(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir}, tar.Header{Name: "./usr/bin/", Typeflag: tar.TypeDir},
		tar.Header{Name: "./usr/bin/gcc", Uname: "program", Mode: 0o4755}, tar.Header{Name: "./usr/bin/cc", Typeflag: tar.TypeSymlink, Linkname: "/etc/alternatives/cc"},
		tar.Header{Name: "./usr/bin/gcc-14", Typeflag: tar.TypeLink, Linkname: "./usr/bin/gcc"},
		tar.Header{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"},
		tar.Header{Name: "./etc/shadow", Uname: "secret"}, tar.Header{Name: "./dev/sda", Typeflag: tar.TypeBlock}, tar.Header{Name: "./usr/share/doc/x", Uname: "x"},
		tar.Header{Name: "./usr/lib/", Typeflag: tar.TypeDir}, tar.Header{Name: "./usr/lib/disk", Typeflag: tar.TypeBlock},
		tar.Header{Name: "./var/lib/dpkg/", Typeflag: tar.TypeDir}, tar.Header{Name: "./var/lib/dpkg/status", Uname: status},
	), "")
	var told []string
	trees.Tell = func(s string) { told = append(told, s) }
	tree, err := trees.Tree(t.Context(), "trixie", TreePlan{Packages: []string{"libpq-dev"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"gcc-14 14.2.0-19", "libc6-dev 2.41-12"}; !slices.Equal(tree.Packages, want) || len(tree.Digest) != 64 {
		t.Errorf("packages %v, digest %s", tree.Packages, tree.Digest)
	}
	var got []string
	filepath.WalkDir(tree.Root(), func(path string, d os.DirEntry, err error) error {
		info, _ := d.Info()
		got = append(got, strings.TrimPrefix(path, tree.Root())+" "+info.Mode().String())
		return nil
	})
	want := []string{
		" drwxr-xr-x", "/bin Lrwxrwxrwx", "/usr drwxr-xr-x", "/usr/bin drwxr-xr-x", "/usr/bin/cc Lrwxrwxrwx", "/usr/bin/gcc -rwxr-xr-x", "/usr/bin/gcc-14 -rwxr-xr-x",
		"/usr/lib drwxr-xr-x", "/var drwxr-xr-x", "/var/lib drwxr-xr-x", "/var/lib/dpkg drwxr-xr-x", "/var/lib/dpkg/status -rwxr-xr-x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	sources, _ := os.ReadFile(filepath.Join(dir, "sources"))
	if !strings.Contains(string(args), "libpq-dev") || !strings.HasSuffix(string(args), " trixie - -\n") || strings.Count(string(sources), "deb ") != 3 {
		t.Errorf("args %s, sources %s", args, sources)
	}
	// It is made once.
	trees.Mmdebstrap, trees.Offline = "/bin/false", true
	again, err := trees.Tree(t.Context(), "trixie", TreePlan{Packages: []string{"libpq-dev"}})
	if err != nil || again.Digest != tree.Digest || len(told) != 1 || !strings.Contains(told[0], "trixie, trixie-updates, trixie-security") {
		t.Errorf("again: %v, told %v", err, told)
	}
	if _, err := trees.Tree(t.Context(), "trixie", TreePlan{}); !strings.Contains(err.Error(), "making one needs the network") {
		t.Errorf("offline: %v", err)
	}
}

// TestTreeRefused: an archive that leaves its folder, and a mmdebstrap that fails.
func TestTreeRefused(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "outside")
	bad, _ := fakeTree(t, archiveOf(t,
		tar.Header{Name: "./usr/lib", Typeflag: tar.TypeSymlink, Linkname: filepath.Dir(out)}, tar.Header{Name: "./usr/lib/outside", Uname: "x"}), "")
	failing, _ := fakeTree(t, nil, "suite is gone")
	for name, c := range map[string]struct {
		trees *Trees
		want  string
	}{
		"link": {bad, "unpacking a tree of trixie"}, "failure": {failing, "making a tree of trixie: mmdebstrap: suite is gone"},
	} {
		_, err := c.trees.Tree(t.Context(), "trixie", TreePlan{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(c.trees.Dir, "*[!k]")); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written outside of the tree")
	}
	var tree *TreeError
	if _, err := failing.Tree(t.Context(), "slink", TreePlan{}); !errors.As(err, &tree) {
		t.Errorf("an unknown release: %v", err)
	}
}

// TestBackends: which place is picked, and what is said where there is none.
func TestBackends(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if archSuffix() != "" {
		t.Skip("the targets below are of another processor")
	}
	trees, _ := fakeTree(t, nil, "not made in this test")
	bullseye, _ := tags.Lookup("bullseye")
	focal, _ := tags.Lookup("focal")
	older, err := tags.New("ours", "3.9", "manylinux_2_31_x86_64", "", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		backend    string
		target     tags.Target
		mmdebstrap bool
		why        string // "" it can
		way        string
	}{
		"tree":                {"", bullseye, true, "", ""},
		"tree by its facts":   {"", older, true, "", ""},
		"no mmdebstrap":       {"", bullseye, false, "", "apt-get install mmdebstrap"},
		"host only":           {BackendHost, bullseye, true, "2.31 here|Python 3.9", "bullseye itself|Python 3.9"},
		"other distribution":  {"", focal, true, "2.31 here|Python 3.8", ""},
		"chroot of another":   {BackendChroot, focal, true, "no tree can be made for it", ""},
		"podman without":      {BackendPodman, bullseye, true, "no container image", ""},
		"chroot without tool": {BackendChroot, bullseye, false, "mmdebstrap is not installed", "apt-get install mmdebstrap"},
	} {
		b := &Builder{Cache: w.Cache, Bwrap: w.Bwrap, Interpreters: w.Interpreters, Backend: c.backend, Trees: &Trees{Dir: trees.Dir, Apt: trees.Apt, Plans: trees.Plans}}
		if c.mmdebstrap {
			b.Trees.Mmdebstrap = trees.Mmdebstrap
		}
		err := b.CanBuild(t.Context(), c.target, c.target.PythonTag(), true)
		var no *NoPlaceError
		if c.why == "" && c.way == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		anyOf := func(text, list string) bool {
			return slices.ContainsFunc(strings.Split(list, "|"), func(s string) bool { return strings.Contains(text, s) })
		}
		if !errors.As(err, &no) || !anyOf(no.Why, c.why) || !anyOf(no.Hint(), c.way) {
			t.Errorf("%s: got %v (%v), want %q and %q", name, err, no.Ways, c.why, c.way)
		}
	}
}

// fakePodman does with bubblewrap what podman does with an image: it parses the same
// arguments, and hands descriptors 3 and 4 on.
const fakePodman = `#!/usr/bin/python3
import os, sys
a = sys.argv[1:]
open(os.environ["NOTES"], "a").write("\n".join(a[:60]) + "\n\n")
if a[:2] == ["image", "inspect"]:
    if a[-1] != "builders/here:1": sys.exit("no such image")
    print("ab" * 32); sys.exit()
assert a.pop(0) == "run"
bwrap = ["bwrap", "--unshare-all", "--unshare-user", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
for d in ("bin", "lib", "lib64"):
    bwrap += ["--symlink", "usr/" + d, "/" + d]
program, late = None, []
single = ("--rm", "--interactive", "--read-only")
while a[0].startswith("--"):
    o = a.pop(0)
    if o in single or "=" in o: continue
    v = a.pop(0)
    if o == "--tmpfs": bwrap += ["--tmpfs", v.split(":")[0]]
    if o == "--volume": late += ["--ro-bind"] + v.split(":")[:2]
    if o == "--env": bwrap += ["--setenv"] + v.split("=", 1)
    if o == "--entrypoint": program = v
assert a.pop(0) == "ab" * 32, "images are run by digest"
os.execvp("bwrap", bwrap + late + ["--", program] + a)
`

func TestPodman(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if _, err := os.Stat("/usr/bin/python3"); err != nil || !strings.HasPrefix(w.here.Path, "/usr/bin/") {
		t.Skip("no Python of the system here, which the fake engine runs")
	}
	dir := put(t, t.TempDir(), "podman", fakePodman)
	notes := filepath.Join(dir, "notes")
	w.Backend = BackendPodman
	w.Engine = &Engine{Path: filepath.Join(dir, "podman"), Environ: []string{"PATH=/usr/bin:/bin", "NOTES=" + notes}}
	j := w.job(release("ident", "3.2"))
	w.Trees = &Trees{Plans: map[string]TreePlan{j.Target.Name: {Image: "builders/here:1"}}}
	got, err := w.Build(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if got.Place != "container image sha256:"+strings.Repeat("ab", 32) || !strings.HasPrefix(got.Walls, "podman; ") {
		t.Errorf("place %q, walls %q", got.Place, got.Walls)
	}
	said, _ := os.ReadFile(notes)
	for _, want := range []string{"--network\nnone", "--read-only\n", "--cap-drop\nall", "no-new-privileges", "--pull\nnever", "--user\n1000:1000", "--preserve-fds\n2", "--pids-limit\n", "--memory\n"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("podman is not told %q", want)
		}
	}
	w.Trees.Plans[j.Target.Name] = TreePlan{Image: "builders/gone:1"}
	var no *NoPlaceError
	if _, err := w.Build(t.Context(), w.job(release("ident", "3.2"))); !errors.As(err, &no) || !strings.Contains(no.Why, "podman has no image builders/gone:1") {
		t.Errorf("got %v", err)
	}
	w.Engine.Path = ""
	var sandbox *SandboxError
	if _, err := w.Build(t.Context(), j); !errors.As(err, &sandbox) || sandbox.Fix != "apt-get install podman" {
		t.Errorf("got %v", err)
	}
}

// TestToolchain: the packages of what was read and linked, by dpkg's records; and a
// recipe whose packages are gone.
func TestToolchain(t *testing.T) {
	t.Parallel()
	root := put(t, t.TempDir(), "var/lib/dpkg/status", status,
		"var/lib/dpkg/info/gcc-14.list", "/.\n/usr\n/usr/bin/gcc-14\n", "var/lib/dpkg/info/libc6-dev:amd64.list", "/usr/include/stdio.h\n", "var/lib/dpkg/info/gone.list", "/usr/include/gone.h\n")
	got := dpkg(root).owners([]string{"/usr/include/stdio.h", "/usr/bin/gcc-14", "/usr/include/gone.h", "/usr/include/nobodys.h"})
	if want := []string{"gcc-14 14.2.0-19", "libc6-dev 2.41-12"}; !slices.Equal(got, want) {
		t.Errorf("owners %v, want %v", got, want)
	}
	w := newWorkshop(t)
	j := w.job(release("ident", "3.2"))
	i := &Interpreter{Root: root, Tree: "tree of trixie"}
	for toolchain, want := range map[string]string{
		"gcc-14 14.2.0-19": "",
		"gcc-14 14.2.0-18": "building ident 3.2: toolchain-gone: the recipe was built with gcc-14 14.2.0-18; tree of trixie has gcc-14 14.2.0-19",
		"gone 1":           "building ident 3.2: toolchain-gone: the recipe was built with gone 1; tree of trixie has gone not installed",
	} {
		j.Recipe.Toolchain = []string{toolchain}
		err := toolchainGone(j, i)
		var gone *GoneError
		if (err == nil) != (want == "") || err != nil && (err.Error() != want || !errors.As(err, &gone) || !strings.Contains(gone.Hint(), "wheellock build ident --supersede")) {
			t.Errorf("%s: got %v", toolchain, err)
		}
	}
}

// TestSecondWall: where bubblewrap had a hole, Landlock stands behind it. The guard
// runs without bubblewrap here: all of this machine is the hole.
func TestSecondWall(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	// Not in /tmp, which is a build's own, and where this checkout may lie.
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	hole, err := os.MkdirTemp(home, ".wheellock-hole-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(hole)
	hole, _ = filepath.Abs(put(t, hole, "secret", "x"))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	args := guarded(w.here.Path, w.limits(), false, []string{w.here.Path, "-I", "-S", "-c", `
import os, sys
for name, f in (("read", lambda: open(sys.argv[1] + "/secret")), ("write", lambda: open(sys.argv[1] + "/new", "w")), ("remove", lambda: os.unlink(sys.argv[1] + "/secret")), ("scratch", lambda: os.stat("/tmp"))):
    try:
        f()
        print(name, "done")
    except PermissionError:
        print(name, "refused")
`, hole})
	cmd := exec.Command(args[0], args[1:]...)
	cmd.ExtraFiles = []*os.File{null, write}
	out, err := cmd.CombinedOutput()
	write.Close()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := readReport(read)
	if r.landlock == 0 {
		t.Skip("no second wall here: " + r.why)
	}
	if got, want := string(out), "read refused\nwrite refused\nremove refused\nscratch done\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTree builds native code for another release than this machine's, in a tree that
// is kept for later runs of the tests.
func TestTree(t *testing.T) {
	if os.Getenv("WHEELLOCK_NETWORK") == "" {
		t.Skip("WHEELLOCK_NETWORK=1 is not set: no tree is made")
	}
	mmdebstrap, err := exec.LookPath("mmdebstrap")
	if err != nil {
		t.Skip("mmdebstrap is not installed")
	}
	w := newWorkshop(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	w.Backend = BackendChroot
	w.Trees = &Trees{Dir: filepath.Join(cache, "wheellock-dev", "trees"), Mmdebstrap: mmdebstrap, Environ: os.Environ(), Tell: func(s string) { t.Log(s) }}
	here := aptSources("/etc/apt")
	if len(here) == 0 {
		t.Skip("this machine's packages come from no distribution that trees can be made of")
	}
	family := slices.DeleteFunc(slices.Clone(familyOf(codename(here[0].suite))), func(s string) bool { return slices.Contains(rolling, s) })
	other := family[len(family)-1]
	if other == codename(here[0].suite) {
		other = family[len(family)-2]
	}
	target, err := tags.Lookup(other + archSuffix())
	if err != nil {
		t.Fatal(err)
	}
	var built []*Result
	for range 2 {
		j := w.job(release("charguess", "3.5.2"))
		j.Target, j.Recipe.Python = target, target.PythonTag()
		r, err := w.Build(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, r)
	}
	a, _ := os.ReadFile(built[0].Path)
	b, _ := os.ReadFile(built[1].Path)
	if r := built[0]; !r.Native || !strings.HasPrefix(r.Place, "tree of "+other) || !strings.Contains(r.File, target.PythonTag()) || !bytes.Equal(a, b) {
		t.Errorf("got %s in %s, twice the same: %v", r.File, r.Place, bytes.Equal(a, b))
	}
	tree, err := w.Trees.Tree(t.Context(), other, TreePlan{})
	if err != nil {
		t.Fatal(err)
	}
	tools := strings.Join(built[0].Toolchain, ", ")
	for _, tool := range built[0].Toolchain {
		if !slices.Contains(tree.Packages, tool) {
			t.Errorf("the tree has no %s", tool)
		}
	}
	for _, name := range []string{"gcc-", "binutils", "libc6-dev ", "libpython"} {
		if !strings.Contains(tools, name) {
			t.Errorf("the toolchain has no %s: %s", name, tools)
		}
	}
}
