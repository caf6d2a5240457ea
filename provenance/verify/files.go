package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// maxLFS is the size below which a file may be the pointer that Git LFS leaves in
// place of one.
const maxLFS = 1024

var errTooLarge = errors.New("it is too large, or not a regular file")

// read reads a file of the wheelhouse; nil where there is none.
func (c *checker) read(rel string, limit int64) ([]byte, error) {
	if info, err := os.Stat(c.in.House.Path(rel)); err == nil && !info.Mode().IsRegular() {
		return nil, errTooLarge // opening a pipe would wait for a writer
	}
	f, err := os.Open(c.in.House.Path(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if data == nil {
		data = []byte{}
	}
	return data, err
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// hidden files (.gitattributes, .gitkeep, what a writer left over) are no part of
// a wheelhouse: nobody serves or installs them.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || durable.IsTemp(name) }

// scanned is a file that was hashed.
type scanned struct {
	rel       string
	hash      string // "" where it is irregular
	irregular bool   // a link, a device: not hashed
	pointer   bool   // Git LFS has not fetched it
}

// startScan hashes the wheelhouse's files while the proof is verified; the
// function that it returns waits for it.
func (c *checker) startScan(ctx context.Context) (wait func() error) {
	if !c.local() {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		files, err := scan(ctx, c.in.House, c.in.Jobs, "sdists", "wheels", "locks", "evidence")
		c.files = files
		done <- err
	}()
	return func() error { return <-done }
}

// beside reports files that lie beside a wheel or source: metadata is checked as a
// page, and a proof proves itself.
func beside(top, path string) bool {
	return top == "wheels" && strings.HasSuffix(path, ".metadata") ||
		(top == "wheels" || top == "sdists") && strings.HasSuffix(path, mirror.ProofExtension)
}

func scan(ctx context.Context, house mirror.Wheelhouse, jobs int, tops ...string) ([]scanned, error) {
	var files []scanned
	for _, top := range tops {
		err := filepath.WalkDir(house.Path(top), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() || hidden(d.Name()) || beside(top, path) {
				return err
			}
			rel, err := filepath.Rel(house.Dir, path)
			files = append(files, scanned{rel: filepath.ToSlash(rel), irregular: !d.Type().IsRegular()})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].rel < files[j].rel })
	return files, hashAll(ctx, house, jobs, files)
}

// hashAll fills in the hashes of files, side by side.
func hashAll(ctx context.Context, house mirror.Wheelhouse, jobs int, files []scanned) error {
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i := range files {
		if files[i].irregular {
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return hash(house.Path(files[i].rel), &files[i])
		})
	}
	return g.Wait()
}

func hash(path string, f *scanned) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading the wheelhouse: %w", err)
	}
	if info.Mode().IsRegular() && info.Size() <= maxLFS {
		data, err := os.ReadFile(path)
		f.hash = hashOf(data)
		f.pointer = strings.HasPrefix(string(data), "version https://git-lfs.github.com/spec/v1\n")
		return err
	}
	f.hash, err = mirror.HashFile(path)
	return err
}
