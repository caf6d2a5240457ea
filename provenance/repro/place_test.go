package repro

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// TestTree: in a run of another suite nothing of this machine is seen but the copy.
func TestTree(t *testing.T) {
	tree := t.TempDir()
	for _, d := range []string{"usr/bin", "etc", "proc", "tmp", "home"} {
		if err := os.MkdirAll(filepath.Join(tree, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/bin", filepath.Join(tree, "bin")); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(tree, "etc/hostname"), []byte("tree\n"), 0o644)
	j := &job{Options: Options{Dir: "/some/project", Bwrap: "bwrap", Suite: &Suite{Name: "here", Other: "next", OtherTree: tree}}}
	v := build.Varied{Set: build.VarySuite | build.VaryHost, Round: 1}
	c := &cell{job: j, varied: v, at: placeOf("/", "project", v), work: "/w", tmp: "/t", files: t.TempDir(), root: j.root(v)}
	args, err := c.bubblewrap(map[string]string{"PATH": "/usr/bin"})
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Join(args, " ")
	for _, want := range []string{
		"--ro-bind-try " + tree + "/usr /usr", "--symlink usr/bin /bin", "--hostname other1", c.files + "/etc_hostname /etc/hostname",
		"--bind /w /build", "--chdir /build/project", "--unshare-all",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	for _, bad := range []string{"--ro-bind-try /usr /usr", "/sys", tree + "/tmp", tree + "/proc", "--share-net"} {
		if strings.Contains(line, bad) {
			t.Errorf("%s in %s", bad, line)
		}
	}
	if j.root(build.Varied{}) != "" {
		t.Error("the plain run is not on this machine")
	}
}

// TestCopy: a copy has the modes and times that its manner asks for, and a folder
// that changes meanwhile is told.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "a/b"), 0o755)
	os.WriteFile(filepath.Join(dir, "a/b/run"), []byte("#!"), 0o755)
	os.WriteFile(filepath.Join(dir, "a/text"), []byte("x"), 0o600)
	os.Symlink("text", filepath.Join(dir, "a/link"))
	s, err := readSource(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []manner{{keep: true}, {umask: 0o002, shift: -5e9, reverse: true}} {
		to := filepath.Join(t.TempDir(), "copy")
		if err := s.copy(to, m); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.entries {
			info, err := os.Lstat(filepath.Join(to, e.path))
			if err != nil {
				t.Fatal(err)
			}
			if e.mode&os.ModeSymlink != 0 {
				continue
			}
			want := e.mode.Perm()
			if !m.keep {
				want = map[bool]os.FileMode{true: 0o775, false: 0o664}[e.mode&0o100 != 0]
			}
			if info.Mode().Perm() != want || !info.ModTime().Equal(e.mtime.Add(m.shift)) {
				t.Errorf("%+v: %q has %s %s, want %s", m, e.path, info.Mode(), info.ModTime(), want)
			}
		}
	}
	os.WriteFile(filepath.Join(dir, "a/text"), []byte("changed"), 0o600)
	if err := s.copy(filepath.Join(t.TempDir(), "copy"), manner{keep: true}); err == nil || err.Error() != "a/text was changed while the command was being repeated" {
		t.Errorf("a changed folder: %v", err)
	}
}
