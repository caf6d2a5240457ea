package vcs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Caps on a repository's tree.
const (
	MaxFiles = 200_000
	MaxBytes = 1 << 30 // of all files
	maxDepth = 128     // folders in folders
)

// Tree is the content of a commit, or of a subdirectory of it.
type Tree struct {
	Time       time.Time // of the commit, in seconds
	Files      []File    // sorted by name as bytes
	Submodules []string  // which are not followed: their folders are empty
}

// File is a file or symbolic link.
type File struct {
	Name string
	Mode int64 // 0644, 0755, or 0777 of a link
	Link bool  // Data is where it leads
	Data []byte
}

// Find gives a file's content; nil: there is none.
func (t *Tree) Find(name string) []byte {
	for _, f := range t.Files {
		if f.Name == name && !f.Link {
			return f.Data
		}
	}
	return nil
}

// reader asks `git cat-file --batch` for objects and checks their ids.
type reader struct {
	in    io.Writer
	out   *bufio.Reader
	sum   func() hash.Hash
	bytes int64
	tree  *Tree
}

// read reads the commit out of the cache.
func (g Git) read(ctx context.Context, dir string, r Ref) (*Tree, error) {
	var t *Tree
	err := g.objects(ctx, dir, len(r.Revision), func(o *reader) error {
		t = o.tree
		return o.commit(r)
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(t.Files, func(i, j int) bool { return t.Files[i].Name < t.Files[j].Name })
	return t, nil
}

// objects calls f with a reader of the objects in a repository, whose ids have
// that many digits.
func (g Git) objects(ctx context.Context, dir string, digits int, f func(*reader) error) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := g.command(ctx, dir, "--git-dir=.", "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer cancel()
	o := &reader{in: in, out: bufio.NewReaderSize(out, 1<<16), sum: sha1.New, tree: &Tree{}}
	if digits == 64 {
		o.sum = sha256.New
	}
	return f(o)
}

// object reads one object and computes its id, which must be the one asked for.
func (o *reader) object(id, kind string) ([]byte, error) {
	if _, err := fmt.Fprintf(o.in, "%s\n", id); err != nil {
		return nil, err
	}
	head, err := o.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	words := strings.Fields(head)
	if len(words) != 3 || words[1] != kind {
		return nil, fmt.Errorf("object %s is %s, expected a %s", id, strings.Join(words[min(1, len(words)):], " "), kind)
	}
	n, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || n < 0 || o.bytes+n > MaxBytes {
		return nil, fmt.Errorf("the commit has more than %d bytes", int64(MaxBytes))
	}
	o.bytes += n
	data := make([]byte, n+1)
	if _, err := io.ReadFull(o.out, data); err != nil {
		return nil, err
	}
	data = data[:n]
	h := o.sum()
	fmt.Fprintf(h, "%s %d\x00", kind, n)
	h.Write(data)
	if got := hex.EncodeToString(h.Sum(nil)); got != id {
		return nil, fmt.Errorf("object %s has the content of %s", id, got)
	}
	return data, nil
}

func (o *reader) commit(r Ref) error {
	data, err := o.object(r.Revision, "commit")
	if err != nil {
		return err
	}
	var tree string
	for _, line := range strings.Split(string(data), "\n") {
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, " ")
		switch {
		case key == "tree" && tree == "":
			tree = value
		case key == "committer" && o.tree.Time.IsZero():
			words := strings.Fields(value)
			if len(words) < 2 {
				return errors.New("the commit has no time")
			}
			seconds, err := strconv.ParseInt(words[len(words)-2], 10, 64)
			if err != nil {
				return errors.New("the commit has no time")
			}
			o.tree.Time = time.Unix(max(0, seconds), 0).UTC()
		}
	}
	for _, part := range strings.Split(r.Subdirectory, "/") {
		if part == "" {
			continue
		}
		entries, err := o.entries(tree)
		if err != nil {
			return err
		}
		tree = ""
		for _, e := range entries {
			if e.name == part && e.mode == "40000" {
				tree = e.id
			}
		}
		if tree == "" {
			return fmt.Errorf("the commit has no folder %s", r.Subdirectory)
		}
	}
	return o.walk(tree, "", 0)
}

type treeEntry struct{ mode, name, id string }

// entries parses a tree object: "MODE NAME\0" and the raw id, again and again.
func (o *reader) entries(id string) ([]treeEntry, error) {
	data, err := o.object(id, "tree")
	if err != nil {
		return nil, err
	}
	size := o.sum().Size()
	var list []treeEntry
	for len(data) > 0 {
		space, zero := bytes.IndexByte(data, ' '), bytes.IndexByte(data, 0)
		if space < 0 || zero < space || len(data) < zero+1+size {
			return nil, fmt.Errorf("tree %s is malformed", id)
		}
		e := treeEntry{string(data[:space]), string(data[space+1 : zero]), hex.EncodeToString(data[zero+1 : zero+1+size])}
		if e.name == "" || e.name == "." || e.name == ".." || strings.EqualFold(e.name, ".git") || strings.ContainsAny(e.name, "/\\\n") {
			return nil, fmt.Errorf("tree %s has a file named %q", id, e.name)
		}
		list = append(list, e)
		data = data[zero+1+size:]
	}
	return list, nil
}

func (o *reader) walk(id, dir string, depth int) error {
	if depth > maxDepth {
		return errors.New("folders lie too deep")
	}
	entries, err := o.entries(id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.name)
		f := File{Name: name, Mode: 0o644}
		switch e.mode {
		case "40000":
			if err := o.walk(e.id, name, depth+1); err != nil {
				return err
			}
			continue
		case "160000":
			o.tree.Submodules = append(o.tree.Submodules, name)
			continue
		case "120000":
			f.Mode, f.Link = 0o777, true
		case "100755":
			f.Mode = 0o755
		}
		if len(o.tree.Files) >= MaxFiles {
			return fmt.Errorf("the commit has more than %d files", MaxFiles)
		}
		if f.Data, err = o.object(e.id, "blob"); err != nil {
			return err
		}
		if f.Link && !inside(dir, string(f.Data)) {
			return fmt.Errorf("%s is a link to %q, out of the project", name, f.Data)
		}
		o.tree.Files = append(o.tree.Files, f)
	}
	return nil
}

// inside reports whether a link in a folder leads to a place below the root.
func inside(dir, link string) bool {
	if link == "" || path.IsAbs(link) || strings.Contains(link, "\\") {
		return false
	}
	to := path.Join(dir, link)
	return to != ".." && !strings.HasPrefix(to, "../")
}
