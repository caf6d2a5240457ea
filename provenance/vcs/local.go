package vcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Checkout is a repository on this machine with a working folder.
//
// Its objects are read through an empty repository that borrows them, so that
// nothing of its configuration, its hooks, its replaced objects and its untracked
// attributes has a say in what a commit holds.
type Checkout struct {
	Top     string // of the working folder
	Prefix  string // of the project in it, with slashes; "" for the top
	Shallow bool

	git    Git    // with the user's environment
	inner  Git    // without what git's variables say
	dir    string // the project
	border string // the empty repository
}

// ErrNoRepository is a folder that lies in no git repository.
var ErrNoRepository = errors.New("not in a git repository")

// OpenCheckout finds the repository of the project in dir. g.Env is the user's whole
// environment; temp is a folder for the time of work, which the caller removes.
func (g Git) OpenCheckout(ctx context.Context, dir, temp string) (*Checkout, error) {
	c := &Checkout{git: g, inner: Git{Path: g.Path}, dir: dir, border: filepath.Join(temp, "border.git")}
	for _, kv := range g.Env {
		if !strings.HasPrefix(kv, "GIT_") {
			c.inner.Env = append(c.inner.Env, kv)
		}
	}
	out, err := c.Run(ctx, "rev-parse", "--show-toplevel", "--show-prefix", "--is-shallow-repository", "--show-object-format")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", ErrNoRepository, err)
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) != 5 {
		return nil, fmt.Errorf("%w: git answered %q", ErrNoRepository, out)
	}
	c.Top, c.Prefix, c.Shallow = lines[0], strings.TrimSuffix(lines[1], "/"), lines[2] == "true"
	objects, err := c.Run(ctx, "rev-parse", "--git-path", "objects")
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(string(objects), "\n")
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if err := os.MkdirAll(c.border, 0o700); err != nil {
		return nil, err
	}
	if _, err := c.inner.run(ctx, c.border, Ref{URL: dir, Revision: "HEAD"}, "init", "--quiet", "--bare", "--object-format="+lines[3], "."); err != nil {
		return nil, err
	}
	// A file, not the variable: that one splits at colons.
	if err := os.WriteFile(filepath.Join(c.border, "objects", "info", "alternates"), []byte(path+"\n"), 0o600); err != nil {
		return nil, err
	}
	return c, nil
}

// Run runs git in the project's folder as the user would, but for hooks and the
// network, and returns what it prints.
func (c *Checkout) Run(ctx context.Context, args ...string) ([]byte, error) {
	hard := []string{"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.allow=never"}
	cmd := exec.CommandContext(ctx, c.git.Path, append(hard, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(append([]string{}, c.git.Env...), "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("git %s: %s", args[0], said(strings.ReplaceAll(errs.String(), "error: ", "fatal: "), err))
	}
	return out.Bytes(), nil
}

// A Tag is what a name in refs/tags leads to.
type Tag struct {
	Name   string
	Object string // id of the tag's object; "" of a lightweight tag
	Commit string
	// Text is what was signed, Signature its armor; nil where there is none.
	Text, Signature []byte
	// Kind of signature: "openpgp", "ssh", "x509"; "" for none.
	Kind string
}

// Errors of Tag.
var (
	ErrNoTag    = errors.New("there is no such tag")
	ErrTagName  = errors.New("is no name of a tag")
	ErrBadTag   = errors.New("is no tag of a commit")
	ErrOtherTag = errors.New("is the object of another tag, under this name")
)

// Tag reads a tag. Its object's id is computed from its bytes; the name in it must be
// the one asked for: an old signed tag could be put in the place of another.
func (c *Checkout) Tag(ctx context.Context, name string) (*Tag, error) {
	ref := "refs/tags/" + name
	if _, err := c.Run(ctx, "check-ref-format", ref); err != nil || strings.HasPrefix(name, "-") {
		return nil, fmt.Errorf("%q %w", name, ErrTagName)
	}
	out, err := c.Run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("tag %s: %w", name, ErrNoTag)
	}
	id := strings.TrimSpace(string(out))
	if !IsCommit(id) {
		return nil, fmt.Errorf("tag %s: git answered %q", name, id)
	}
	kind, err := c.inside(ctx, "cat-file", "-t", id)
	if err != nil {
		return nil, err
	}
	t := &Tag{Name: name}
	switch strings.TrimSpace(string(kind)) {
	case "commit":
		t.Commit = id
		return t, nil
	case "tag":
	default:
		return nil, fmt.Errorf("%s %w", name, ErrBadTag)
	}
	t.Object = id
	var data []byte
	err = c.inner.objects(ctx, c.border, len(id), func(o *reader) (err error) {
		data, err = o.object(id, "tag")
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, t.parse(data)
}

// parse reads "object ID\ntype commit\ntag NAME\ntagger ...\n\nMESSAGE" and the
// signature at its end.
func (t *Tag) parse(data []byte) error {
	head, _, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	field := func(n int, key string) string {
		if n >= len(lines) {
			return ""
		}
		v, ok := strings.CutPrefix(lines[n], key+" ")
		if !ok {
			return ""
		}
		return v
	}
	if t.Commit = field(0, "object"); !IsCommit(t.Commit) || field(1, "type") != "commit" {
		return fmt.Errorf("%s %w", t.Name, ErrBadTag)
	}
	if field(2, "tag") != t.Name {
		return fmt.Errorf("%s %w (it says %q)", t.Name, ErrOtherTag, field(2, "tag"))
	}
	at := -1
	for _, m := range []struct{ kind, line string }{
		{"openpgp", "-----BEGIN PGP SIGNATURE-----"}, {"ssh", "-----BEGIN SSH SIGNATURE-----"}, {"x509", "-----BEGIN SIGNED MESSAGE-----"},
	} {
		// The last one counts, as for git: what stands before it is signed.
		if i := bytes.LastIndex(data, []byte("\n"+m.line+"\n")); i >= 0 && i+1 > at {
			at, t.Kind = i+1, m.kind
		}
	}
	if at >= 0 {
		t.Text, t.Signature = data[:at], data[at:]
	}
	return nil
}

// TagsAt are the names of the tags that lead to a commit.
func (c *Checkout) TagsAt(ctx context.Context, commit string) ([]string, error) {
	out, err := c.Run(ctx, "for-each-ref", "--format=%(refname:strip=2)", "--points-at="+commit, "refs/tags")
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// Head is the commit that is checked out.
func (c *Checkout) Head(ctx context.Context) (string, error) {
	out, err := c.Run(ctx, "rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(out))
	if !IsCommit(id) {
		return "", fmt.Errorf("git rev-parse: answered %q", id)
	}
	return id, nil
}

// Dirty lists what differs from the commit: changed, staged and untracked files,
// below the repository's top. Ignored files are not looked at.
func (c *Checkout) Dirty(ctx context.Context) ([]string, error) {
	out, err := c.Run(ctx, "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=none", "--no-renames")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, line := range strings.Split(string(out), "\x00") {
		if len(line) > 3 {
			list = append(list, line[3:])
		}
	}
	return list, nil
}

// Tree reads the project's part of a commit.
func (c *Checkout) Tree(ctx context.Context, commit string) (*Tree, error) {
	return c.inner.read(ctx, c.border, Ref{URL: c.dir, Revision: commit, Subdirectory: c.Prefix})
}

// Ignored lists the names of t, submodules too, that .gitattributes of the commit
// give export-ignore, they or a folder above them.
func (c *Checkout) Ignored(ctx context.Context, commit string, t *Tree) (map[string]bool, error) {
	if _, err := c.inside(ctx, "read-tree", commit); err != nil {
		return nil, err
	}
	var ask bytes.Buffer
	asked := map[string]bool{}
	name := func(n string) string {
		if c.Prefix == "" {
			return n
		}
		return c.Prefix + "/" + n
	}
	names := append([]string{}, t.Submodules...)
	for _, f := range t.Files {
		names = append(names, f.Name)
	}
	for _, n := range names {
		for p := n; p != ""; {
			if !asked[p] {
				asked[p] = true
				ask.WriteString(name(p) + "\x00")
			}
			i := strings.LastIndexByte(strings.TrimSuffix(p, "/"), '/')
			p = p[:i+1] // a folder, with its slash
		}
	}
	cmd := c.inner.command(ctx, c.border, "--git-dir=.", "check-attr", "--cached", "--stdin", "-z", "export-ignore")
	cmd.Env = append(cmd.Env, "GIT_INDEX_FILE=index")
	cmd.Stdin = &ask
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git check-attr: %w", err)
	}
	set := map[string]bool{}
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+2 < len(fields); i += 3 {
		if fields[i+2] == "set" {
			set[fields[i]] = true
		}
	}
	ignored := map[string]bool{}
	for _, n := range names {
		for p := n; p != ""; {
			if set[name(p)] {
				ignored[n] = true
			}
			p = p[:strings.LastIndexByte(strings.TrimSuffix(p, "/"), '/')+1]
		}
	}
	return ignored, nil
}

// inside runs git in the empty repository.
func (c *Checkout) inside(ctx context.Context, args ...string) ([]byte, error) {
	return c.inner.run(ctx, c.border, Ref{URL: c.dir}, append([]string{"--git-dir=."}, args...)...)
}
