package vcs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Commits and tags of a repository here, whatever its configuration says, with ids
// of either length.
func TestCheckout(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		dir, _, _ := repository(t)
		if format == "sha256" {
			dir = filepath.Join(t.TempDir(), "a:b") // a colon would part GIT_ALTERNATE_OBJECT_DIRECTORIES
			if err := os.MkdirAll(filepath.Join(dir, "sub", "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "init", "-q", "-b", "main", "--object-format=sha256")
			os.WriteFile(filepath.Join(dir, "sub", "x", "a.py"), nil, 0o644)
			os.WriteFile(filepath.Join(dir, "sub", "kit.py"), nil, 0o644)
			os.WriteFile(filepath.Join(dir, ".gitattributes"), []byte("sub/x export-ignore\n"), 0o644)
			git(t, dir, "add", ".")
			git(t, dir, "commit", "-q", "-m", "one")
			git(t, dir, "tag", "-a", "v1.0", "-m", "one")
		}
		ctx := context.Background()
		g := client(t)
		g.Env = append(g.Env, "GIT_INDEX_FILE=/nonexistent/index", "GIT_OBJECT_DIRECTORY="+filepath.Join(dir, ".git", "objects"))
		c, err := g.OpenCheckout(ctx, filepath.Join(dir, "sub"), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		tag, err := c.Tag(ctx, "v1.0")
		if err != nil || tag.Object == "" || tag.Kind != "" {
			t.Fatalf("%s: tag %+v, %v", format, tag, err)
		}
		tree, err := c.Tree(ctx, tag.Commit)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range tree.Files {
			names = append(names, f.Name)
		}
		if !slices.Contains(names, "kit.py") || slices.Contains(names, "pyproject.toml") {
			t.Errorf("%s: the project's part is %q", format, names)
		}
		skip, err := c.Ignored(ctx, tag.Commit, tree)
		if want := format == "sha256"; err != nil || skip["x/a.py"] != want || skip["kit.py"] == want {
			t.Errorf("%s: ignored %v, %v", format, skip, err)
		}
		git(t, dir, "tag", "-a", "twice", "-m", "a tag of a tag", "v1.0")
		git(t, dir, "update-ref", "refs/tags/other", tag.Object)
		git(t, dir, "tag", "folder", "v1.0^{tree}")
		for name, want := range map[string]error{"twice": ErrBadTag, "other": ErrOtherTag, "folder": ErrBadTag, "none": ErrNoTag, "-x": ErrTagName, "a..b": ErrTagName} {
			if _, err := c.Tag(ctx, name); !errors.Is(err, want) {
				t.Errorf("%s: tag %s: %v, want %v", format, name, err, want)
			}
		}
	}
	if _, err := client(t).OpenCheckout(context.Background(), t.TempDir(), t.TempDir()); !errors.Is(err, ErrNoRepository) {
		t.Errorf("no repository: %v", err)
	}
}

// The signature is what follows the last armor, as for git.
func TestTagSignature(t *testing.T) {
	const head = "object 0123456789abcdef0123456789abcdef01234567\ntype commit\ntag x\ntagger A <a@host.example> 1 +0000\n\nmessage\n"
	const sig = "-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n"
	tag := &Tag{Name: "x"}
	if err := tag.parse([]byte(head + sig + "more\n" + sig)); err != nil || string(tag.Signature) != sig || !strings.HasSuffix(string(tag.Text), "more\n") || tag.Kind != "openpgp" {
		t.Errorf("parsed %q and %q, %v", tag.Text, tag.Signature, err)
	}
	tag = &Tag{Name: "x"}
	if err := tag.parse([]byte(head + sig + "-----BEGIN SSH SIGNATURE-----\nxx\n")); err != nil || tag.Kind != "ssh" {
		t.Errorf("a signature of ssh is of kind %q, %v", tag.Kind, err)
	}
}
