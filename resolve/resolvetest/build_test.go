package resolvetest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pythons are the interpreters of this machine that the backend is tried with.
func pythons(t *testing.T) []string {
	var found []string
	for _, name := range []string{"python3", "python3.6", "python3.8", "python3.11", "python3.13", "/usr/bin/python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.Command(path, "-c", "import zipfile").Run() == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Skip("no Python here: the backend cannot be run")
	}
	return found
}

// unpack writes an sdist to a new folder and returns its root.
func unpack(t *testing.T, data []byte) string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	dir, root := t.TempDir(), ""
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if err == io.EOF {
			return filepath.Join(dir, root)
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if root == "" {
			root, _, _ = strings.Cut(h.Name, "/")
		}
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// build runs the backend on an sdist as a PEP 517 front end does.
func build(t *testing.T, python string, r Release, env ...string) (name string, wheel []byte, output string, err error) {
	t.Helper()
	_, data := BuildSdist(r)
	root, out, backend := unpack(t, data), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(backend, "smallbuild.py"), []byte(smallbuildSource), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `import sys, smallbuild; print("WHEEL", smallbuild.build_wheel(sys.argv[1]))`
	cmd := exec.Command(python, "-c", script, out)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PYTHONPATH="+backend, "PYTHONDONTWRITEBYTECODE=1",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.Time().Unix()), "HOME="+out)
	cmd.Env = append(cmd.Env, env...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", nil, string(text), err
	}
	_, name, _ = strings.Cut(strings.TrimSpace(string(text)), "WHEEL ")
	wheel, err = os.ReadFile(filepath.Join(out, name))
	return name, wheel, string(text), err
}

func TestBackendBuildsThePublishedWheel(t *testing.T) {
	u := Standard().With(Release{Name: "Odd.Name", Version: "0.1", Bulk: 3, Wheels: []string{"py2.py3-none-any"},
		Uploaded: time.Date(2020, 2, 29, 23, 59, 59, 5, time.UTC), Extras: map[string][]string{"b": {"x; os_name == 'nt'"}, "a": nil}})
	var todo []Release
	var roots []string
	for _, r := range u.Releases {
		if r.Native || r.Misbehave != "" || r.OldMetadata || r.BuiltWith != "" || r.Name == "rhythm" {
			continue
		}
		_, sdist := BuildSdist(r)
		todo, roots = append(todo, r), append(roots, unpack(t, sdist))
	}
	// One interpreter builds them all: starting one takes longer than a build.
	script := `import os, sys, smallbuild
for root, epoch in zip(sys.argv[1::2], sys.argv[2::2]):
    os.chdir(root)
    os.environ["SOURCE_DATE_EPOCH"] = epoch
    print(smallbuild.build_wheel(os.path.dirname(root)))`
	for _, python := range pythons(t) {
		args := []string{"-c", script}
		for i, r := range todo {
			args = append(args, roots[i], fmt.Sprint(r.Time().Unix()))
		}
		cmd := exec.Command(python, args...)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+abs(t, "smallbuild"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", python, err, out)
		}
		names := strings.Fields(string(out))
		for i, r := range todo {
			wantName, want := BuildWheel(r, r.PureTag())
			got, err := os.ReadFile(filepath.Join(filepath.Dir(roots[i]), names[i]))
			if err != nil {
				t.Fatal(err)
			}
			if names[i] != wantName || bytes.Equal(got, want) == r.Differs {
				t.Errorf("%s: %s %s: built %s, published %s, equal bytes: %v, meant to differ: %v",
					python, r.Name, r.Version, names[i], wantName, bytes.Equal(got, want), r.Differs)
			}
		}
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNativeBuildRuns(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler here")
	}
	r := Standard().MustFind("charguess", "3.5.2")
	for _, python := range pythons(t) {
		name, wheel, out, err := build(t, python, r)
		if err != nil {
			t.Fatalf("%s: %v\n%s", python, err, out)
		}
		if !strings.Contains(name, "-cp3") || !strings.Contains(name, "-linux_") && !strings.Contains(name, "-macosx") {
			t.Errorf("%s: wheel %s", python, name)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, wheel, 0o644); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		script := `import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2]); sys.path.insert(0, sys.argv[2])
from charguess._native import answer; print(answer())`
		got, err := exec.Command(python, "-c", script, path, dir).CombinedOutput()
		if err != nil || strings.TrimSpace(string(got)) != "42" {
			t.Errorf("%s: the extension says %q, %v", python, got, err)
		}
	}
}

func TestPublishedNativeWheelFallsBack(t *testing.T) {
	python := pythons(t)[0]
	r := Standard().MustFind("charguess", "3.5.2")
	for _, tag := range r.Wheels {
		name, data := BuildWheel(r, tag)
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		script := `import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2]); sys.path.insert(0, sys.argv[2])
from charguess import answer; print(answer())`
		got, err := exec.Command(python, "-c", script, path, t.TempDir()).CombinedOutput()
		if err != nil || strings.TrimSpace(string(got)) != "42" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestPipInstalls(t *testing.T) {
	python := pythons(t)[0]
	if exec.Command(python, "-m", "pip", "--version").Run() != nil {
		t.Skip("no pip here")
	}
	s := Serve(t, Standard(), ServerOptions{Metadata: MetadataHashed})
	dir := t.TempDir()
	cmd := exec.Command(python, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--index-url", s.URL,
		"--target", dir, "--python-version", "3.11", "--platform", "manylinux_2_17_x86_64", "--only-binary", ":all:", "courier", "sealed")
	cmd.Env = append(os.Environ(), "PIP_FIND_LINKS=", "PIP_CONFIG_FILE="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for _, pattern := range []string{"*.dist-info"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, p := range paths {
			got = append(got, strings.TrimSuffix(filepath.Base(p), ".dist-info"))
		}
	}
	want := []string{"charguess-3.5.2", "courier-2.5.0", "hostname_rules-1.4", "ident-3.2", "lettercase-2.8.0", "sealed-1.0", "trustroots-2026.10.18"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("installed (-want +got):\n%s", d)
	}
}

func TestMisbehaviours(t *testing.T) {
	python, u := pythons(t)[0], Standard()
	differ := func(name string) {
		r := u.MustFind(name, "1.0")
		_, a, out, err := build(t, python, r)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		if _, b, _, _ := build(t, python, r); bytes.Equal(a, b) {
			t.Errorf("%s: two builds gave the same bytes", name)
		}
	}
	differ("noisy")
	differ("clockwork")
	differ("homesick")
	if name, _, _, err := build(t, python, u.MustFind("impostor", "1.0")); !strings.HasSuffix(name, "-cp27-cp27mu-linux_x86_64.whl") {
		t.Errorf("impostor built %s, %v", name, err)
	}
	if name, _, _, err := build(t, python, u.MustFind("pretender", "1.0")); !strings.HasPrefix(name, "impostor-") {
		t.Errorf("pretender built %s, %v", name, err)
	}
	if _, _, out, err := build(t, python, u.MustFind("faulty", "1.0")); err == nil || !strings.Contains(out, "flux") {
		t.Errorf("faulty: %v\n%s", err, out)
	}
	for _, name := range []string{"quitter", "emptyhanded"} {
		if _, wheel, _, _ := build(t, python, u.MustFind(name, "1.0")); strings.HasPrefix(string(wheel), "PK") {
			t.Errorf("%s made a wheel", name)
		}
	}
}

func TestNetworkMisbehaviour(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := Standard().MustFind("caller", "1.0")
	r.Address = l.Addr().String()
	if _, _, out, err := build(t, pythons(t)[0], r); err != nil || !strings.Contains(out, "network: connected") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestArchivesAreReadable(t *testing.T) {
	for _, r := range Standard().Releases {
		for _, tag := range r.Wheels {
			name, data := BuildWheel(r, tag)
			z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, f := range z.File {
				rc, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(rc); err != nil { // checks the CRC
					t.Errorf("%s: %s: %v", name, f.Name, err)
				}
				if !f.Modified.Equal(r.Time()) {
					t.Errorf("%s: %s is of %v, want %v", name, f.Name, f.Modified, r.Time())
				}
			}
		}
	}
}

// TestBytes pins the bytes of the fixtures: they may change only on purpose,
// since other tests' golden files hold their hashes.
func TestBytes(t *testing.T) {
	r := Release{Name: "pinned", Version: "1.0", Requires: []string{"ident>=2"}}
	_, sdist := BuildSdist(r)
	_, wheel := BuildWheel(r, "py3-none-any")
	got := []string{hexSum(sdist), hexSum(wheel)}
	want := []string{
		"d057ef3895060167072fb09b97d9a974305c3011ff9a6077518147cf00e25454",
		"805adce98a6b95b3916971480058ba4d7d165e9d757bc3b4e309a3173ee7277c",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
