package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// linked are the files of a project in all find-links, folders first: what the
// user has put on this machine goes before what an address says.
func (c *Client) linked(ctx context.Context, name string) ([]File, error) {
	var files []File
	for _, local := range []bool{true, false} {
		for _, u := range c.links {
			if (u.Scheme == "file") != local {
				continue
			}
			page, err := c.flats.do(ctx, u.String(), func(ctx context.Context) (*Page, error) { return c.flat(ctx, u) })
			if err != nil {
				return nil, err
			}
			for _, f := range page.Files {
				if belongs(f.Name, name) {
					files = append(files, f)
				}
			}
		}
	}
	if err := hashLocal(files); err != nil {
		return nil, err
	}
	return withoutDoubles(files), nil
}

// flat reads one find-links entry.
func (c *Client) flat(ctx context.Context, u *url.URL) (*Page, error) {
	if u.Scheme == "file" {
		return localFlat(u)
	}
	if f, ok, err := (&htmlPage{base: u}).anchor(map[string]string{"href": u.String()}); ok && err == nil {
		return &Page{Files: []File{f}}, nil // the address of one file
	}
	s, err := c.document(ctx, "", u, u.String(), nil)
	if err != nil {
		return nil, c.unavailable(ctx, "page", "find-links", u.String(), err)
	}
	return s.page, nil
}

// localFlat reads a folder, a page in a file, or one file.
func localFlat(u *url.URL) (*Page, error) {
	path := filepath.FromSlash(u.Path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &UnavailableError{Op: "page", Name: "find-links", URL: path, Err: withoutPath(err)}
	case info.IsDir():
		files, err := folder(path)
		return &Page{Files: files}, err
	case isDistribution(info.Name()):
		return &Page{Files: []File{localFile(path, info)}}, nil
	}
	return readPageFile(path, "", u)
}

// folder lists the distributions in a folder, by name.
func folder(path string) ([]File, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if !isDistribution(e.Name()) || checkFileName(e.Name()) != nil {
			continue
		}
		full := filepath.Join(path, e.Name())
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() {
			files = append(files, localFile(full, info))
		}
	}
	return files, nil
}

func localFile(path string, info fs.FileInfo) File {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	return File{Name: info.Name(), URL: u.String(), Size: info.Size()}
}

// hashLocal gives files of this machine, for which no page vouches, the hash
// that they have now: from then on they may not change.
func hashLocal(files []File) error {
	for i, f := range files {
		if !isLocal(f.URL) || f.SHA256 != "" {
			continue
		}
		u, err := url.Parse(f.URL)
		if err != nil {
			return err
		}
		if files[i].SHA256, files[i].Size, err = hashFile(filepath.FromSlash(u.Path)); err != nil {
			return err
		}
	}
	return nil
}

func hashFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// localProject reads a project of an index that is a folder: its page in the
// project's folder (JSON before HTML), or the files there, or, as pip's
// --find-links, the files of the folder itself.
func localProject(base *url.URL, name string) (*Page, error) {
	dir := base.JoinPath(name + "/")
	path := filepath.FromSlash(dir.Path)
	for _, file := range []string{"index.json", "index.html"} {
		page, err := readPageFile(filepath.Join(path, file), name, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = hashLocal(page.Files)
		}
		return page, err
	}
	files, err := folder(path)
	if errors.Is(err, fs.ErrNotExist) {
		files, err = folder(filepath.FromSlash(base.Path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &UnavailableError{Op: "page", Name: name, URL: base.Path, Err: withoutPath(err)}
		}
		files = slices.DeleteFunc(files, func(f File) bool { return !belongs(f.Name, name) })
		if err == nil && len(files) == 0 {
			return nil, &NotFoundError{Name: name, Index: base.Path}
		}
	}
	if err != nil {
		return nil, err
	}
	return &Page{Name: name, Files: files}, hashLocal(files)
}

// readPageFile reads a page that lies on this machine.
func readPageFile(path, name string, base *url.URL) (*Page, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readAll(f, MaxPage, -1)
	if err != nil {
		return nil, &PageError{Name: name, URL: path, Err: err}
	}
	kind := "text/html"
	if strings.HasSuffix(path, ".json") {
		kind = "application/json"
	}
	page, err := parsePage(kind, string(body), name, base)
	if err != nil {
		return nil, &PageError{Name: name, URL: path, Err: err}
	}
	return page, nil
}

// withoutPath drops the path from an error, where the message has it already.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	}
	return err
}
