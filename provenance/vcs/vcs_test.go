package vcs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@host.example", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@host.example",
		"GIT_AUTHOR_DATE=2026-03-01T10:00:00Z", "GIT_COMMITTER_DATE=2026-03-01T12:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes one with two commits and a tag; the older commit is returned.
func repository(t *testing.T) (dir, commit, tag string) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir = t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pyproject.toml", "[project]\nname = \"kit\"\nversion = \"1.0\"\n")
	write("sub/kit.py", "x = 1\r\n")
	write("sub/run.sh", "#!/bin/sh\n")
	write(".gitattributes", "* text=auto export-subst export-ignore\n")
	if err := os.Symlink("sub/kit.py", filepath.Join(dir, "link.py")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	git(t, dir, "update-index", "--chmod=+x", "sub/run.sh")
	git(t, dir, "commit", "-q", "-m", "one")
	commit = git(t, dir, "rev-parse", "HEAD")
	git(t, dir, "tag", "-a", "v1.0", "-m", "one")
	write("later.py", "")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "two")
	return dir, commit, "v1.0"
}

func client(t *testing.T) Git {
	path, _ := exec.LookPath("git")
	return Git{Path: path, Cache: filepath.Join(t.TempDir(), "vcs"), Env: []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, Online: true}
}

func list(t *testing.T, file []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	var b strings.Builder
	for {
		h, err := r.Next()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		fmt.Fprintf(&b, "%o %d:%d %s %s%s %q\n", h.Mode, h.Uid, h.Gid, h.ModTime.UTC().Format("2006-01-02T15:04"), h.Name, h.Linkname, data)
	}
}

func TestSdist(t *testing.T) {
	dir, commit, _ := repository(t)
	ctx := context.Background()
	r := Ref{URL: "file://" + dir, Revision: commit}
	tree, err := client(t).Fetch(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	one, err := tree.Sdist("my-kit", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	// Pinned: the same commit gives this file on every machine, with any git and any Go.
	if got := fmt.Sprintf("%x", sha256.Sum256(one)); got != "132f21ba08d0f5770b84988a23347b3c0c828ec7bf9e5670732c9926cc8be008" {
		t.Errorf("sha256 %s", got)
	}
	want := `644 0:0 2026-03-01T12:00 my_kit-1.0/.gitattributes "* text=auto export-subst export-ignore\n"
644 0:0 2026-03-01T12:00 my_kit-1.0/PKG-INFO "Metadata-Version: 2.1\nName: my-kit\nVersion: 1.0\n"
777 0:0 2026-03-01T12:00 my_kit-1.0/link.pysub/kit.py ""
644 0:0 2026-03-01T12:00 my_kit-1.0/pyproject.toml "[project]\nname = \"kit\"\nversion = \"1.0\"\n"
644 0:0 2026-03-01T12:00 my_kit-1.0/sub/kit.py "x = 1\n"
755 0:0 2026-03-01T12:00 my_kit-1.0/sub/run.sh "#!/bin/sh\n"
`
	if got := list(t, one); got != want {
		t.Errorf("%s", got)
	}
	// A server that knows nothing of single commits (files over http), from an
	// empty cache, and a link that leaves the subdirectory.
	git(t, dir, "update-server-info")
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, ".git"))))
	defer server.Close()
	g := client(t)
	again, err := g.Fetch(ctx, Ref{URL: server.URL, Revision: commit})
	if err != nil {
		t.Fatal(err)
	}
	two, _ := again.Sdist("my-kit", "1.0")
	if !bytes.Equal(one, two) {
		t.Error("another way to fetch gives other bytes")
	}
	server.Close()
	g.Online = false // the cache has it
	if sub, err := g.Fetch(ctx, Ref{URL: server.URL, Revision: commit, Subdirectory: "sub"}); err != nil || len(sub.Files) != 2 || sub.Find("kit.py") == nil {
		t.Errorf("%+v, %v", sub, err)
	}
	if _, err := g.Fetch(ctx, Ref{URL: server.URL, Revision: strings.Repeat("0", 40)}); !errors.Is(err, ErrOffline) {
		t.Errorf("%v", err)
	}
}

func TestResolve(t *testing.T) {
	dir, commit, tag := repository(t)
	g := client(t)
	ctx := context.Background()
	if got, err := g.Resolve(ctx, Ref{URL: "file://" + dir, Revision: tag}); got != commit || err != nil {
		t.Errorf("%s, %v, want the tagged commit %s", got, err, commit)
	}
	if _, err := g.Resolve(ctx, Ref{URL: "file://" + dir, Revision: "nope"}); !errors.Is(err, ErrNoRevision) {
		t.Errorf("%v", err)
	}
	var e *FetchError
	if _, err := g.Fetch(ctx, Ref{URL: "file://" + dir, Revision: strings.Repeat("1", 40)}); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

// What a commit or a cache may not bring in.
func TestAttacks(t *testing.T) {
	dir, commit, _ := repository(t)
	ctx := context.Background()
	g := client(t)
	r := Ref{URL: "file://" + dir, Revision: commit}
	if _, err := g.Fetch(ctx, r); err != nil {
		t.Fatal(err)
	}
	// An object in the cache that is replaced by another.
	caches, _ := filepath.Glob(filepath.Join(g.Cache, "*"))
	blob := git(t, caches[0], "rev-parse", commit+":sub/kit.py")
	evil := filepath.Join(t.TempDir(), "evil")
	if err := os.WriteFile(evil, []byte("import os\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := git(t, caches[0], "hash-object", "-w", evil)
	git(t, caches[0], "update-ref", "refs/replace/"+blob, other)
	if tree, err := g.Fetch(ctx, r); err != nil || string(tree.Find("sub/kit.py")) != "x = 1\n" {
		t.Errorf("a replaced object was taken: %v", err)
	}
	for _, p := range mustGlob(t, filepath.Join(caches[0], "objects", "pack", "*.pack")) {
		os.Remove(p)
		os.Remove(strings.TrimSuffix(p, ".pack") + ".idx")
	}
	loose := filepath.Join(caches[0], "objects", blob[:2], blob[2:])
	os.MkdirAll(filepath.Dir(loose), 0o755)
	b, err := os.ReadFile(filepath.Join(caches[0], "objects", other[:2], other[2:]))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(loose)
	os.WriteFile(loose, b, 0o644)
	if tree, err := g.Fetch(ctx, r); err == nil && string(tree.Find("sub/kit.py")) != "x = 1\n" {
		t.Error("a swapped object was believed")
	}
	// A link out of the project.
	if err := os.Symlink("../../etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "three")
	if _, err := client(t).Fetch(ctx, Ref{URL: "file://" + dir, Revision: git(t, dir, "rev-parse", "HEAD")}); err == nil || !strings.Contains(err.Error(), "out of the project") {
		t.Errorf("%v", err)
	}
}

func mustGlob(t *testing.T, pattern string) []string {
	list, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParse(t *testing.T) {
	c := strings.Repeat("a", 40)
	for address, want := range map[string]Ref{
		"git+https://git.example/o/r.git@" + c:              {"https://git.example/o/r.git", c, ""},
		"git+ssh://git@git.example/o/r@v1#subdirectory=a/b": {"ssh://git@git.example/o/r", "v1", "a/b"},
		"git+file:///srv/r@" + c + "#egg=x":                 {"file:///srv/r", c, ""},
		"git+http://127.0.0.1:80/r@main":                    {"http://127.0.0.1:80/r", "main", ""},
	} {
		got, err := Parse(address)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	for address, want := range map[string]error{
		"git+https://me:secret@git.example/r@" + c: ErrUser, "git+https://token@git.example/r@" + c: ErrUser, "git+ssh://a:secret@git.example/r@" + c: ErrUser,
		"git+http://git.example/r@" + c: ErrScheme, "git+ext://sh -c@x": nil, "https://git.example/r@" + c: ErrScheme, "git+git://git.example/r@" + c: ErrScheme,
		"git+https://git.example/r": ErrRevision, "git+ssh://-oProxyCommand=x/r@" + c: ErrAddress, "git+file://host/r@" + c: ErrAddress,
		"git+https://git.example/r@--upload-pack=x": nil, "git+https://git.example/r@" + c + "#branch=x": nil,
	} {
		_, err := Parse(address)
		if err == nil || want != nil && !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
}
