package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// A Folder is a destination on this machine's file system.
type Folder struct{ Dir string }

// NewFolder takes a folder that neither is, holds nor lies in the wheelhouse: a push
// would change what it reads.
func NewFolder(dir, wheelhouse string) (Folder, error) {
	to, err := real(dir)
	if err != nil {
		return Folder{}, err
	}
	from, err := real(wheelhouse)
	if err != nil {
		return Folder{}, err
	}
	if within(to, from) {
		return Folder{}, fmt.Errorf("%s is the wheelhouse or lies in it", dir)
	}
	if info, err := os.Stat(to); err == nil && !info.IsDir() {
		return Folder{}, fmt.Errorf("%s is not a folder", dir)
	}
	return Folder{Dir: to}, nil
}

// real resolves the links of as much of a path as there is.
func real(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		got, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(got, rest), nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			return "", err
		}
		rest, dir = filepath.Join(filepath.Base(dir), rest), up
	}
}

func within(dir, top string) bool {
	rel, err := filepath.Rel(top, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (d Folder) path(rel string) string { return filepath.Join(d.Dir, filepath.FromSlash(rel)) }

// straight refuses links on the way to a file: they lead anywhere, into the
// wheelhouse too.
func (d Folder) straight(rel string) error {
	at := d.Dir
	for part := range strings.SplitSeq(rel, "/") {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("%s is a symbolic link: nothing is written through it", at)
		}
	}
	return nil
}

// Read reads a file.
func (d Folder) Read(_ context.Context, path string, limit int64) ([]byte, error) {
	if err := d.straight(path); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return readAll(f, limit)
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return data, err
}

// Missing compares sizes, then hashes.
func (d Folder) Missing(ctx context.Context, items []Item) ([]Item, error) {
	var out []Item
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := d.straight(it.Path); err != nil {
			return nil, err
		}
		info, err := os.Lstat(d.path(it.Path))
		if err == nil && info.Mode().IsRegular() && info.Size() == it.Size {
			if have, err := mirror.HashFile(d.path(it.Path)); err == nil && have == it.SHA256 {
				continue
			}
		}
		out = append(out, it)
	}
	return out, nil
}

// Send writes each file beside its place and renames it, durably, and clears away
// what a killed push has left beside.
func (d Folder) Send(ctx context.Context, items []Item) error {
	swept := map[string]bool{}
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.straight(it.Path); err != nil {
			return err
		}
		to := d.path(it.Path)
		dir := filepath.Dir(to)
		if !swept[dir] {
			swept[dir] = true
			if err := durable.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := durable.RemoveTemps(dir); err != nil {
				return err
			}
		}
		data, err := it.Content()
		if err != nil {
			return err
		}
		if err := durable.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// List lists regular files.
func (d Folder) List(_ context.Context, folder string) ([]string, error) {
	if err := d.straight(folder); err != nil {
		return nil, err
	}
	var out []string
	err := filepath.WalkDir(d.path(folder), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(d.Dir, name)
		out = append(out, filepath.ToSlash(rel))
		return err
	})
	slices.Sort(out)
	return out, err
}

// Remove removes files, and the folders that are empty then.
func (d Folder) Remove(_ context.Context, paths []string) error {
	for _, p := range paths {
		if err := d.straight(p); err != nil {
			return err
		}
		if err := durable.Remove(d.path(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		os.Remove(filepath.Dir(d.path(p))) // when it was the last
	}
	return nil
}
