package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A Group replaces several files, each atomically, in no particular order and
// not all or none: for files that nothing refers to yet. All are durable when
// [Group.Commit] has returned nil. It makes the same calls as [WriteFile] for
// each, but waits for the disk once and not once a file: fsync of many files at
// the same time is one commit of the file system's journal.
type Group struct {
	files []groupFile
	dirs  map[string]bool // to be synced
}

type groupFile struct{ temp, path string }

// Write writes a temporary file beside path, and makes the folders that are
// missing with dirPerm.
func (g *Group) Write(path string, data []byte, perm, dirPerm os.FileMode) error {
	if err := g.makeDirs(filepath.Dir(path), dirPerm); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	temp := tempName(path)
	f, err := openNew(temp, data, narrow(path, perm))
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		os.Remove(temp)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	g.files = append(g.files, groupFile{temp, path})
	g.dirs[filepath.Dir(path)] = true
	return nil
}

func (g *Group) makeDirs(dir string, perm os.FileMode) error {
	if g.dirs == nil {
		g.dirs = map[string]bool{}
	}
	missing, err := missingDirs(dir)
	if err != nil {
		return err
	}
	for _, d := range missing {
		if err := hook(nil).mkdir(d, perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		g.dirs[filepath.Dir(d)] = true
	}
	return nil
}

// Commit makes the files durable and puts them into their places.
func (g *Group) Commit() error {
	defer g.Discard()
	// Each before its rename: see WriteFile.
	if err := each(g.files, func(f groupFile) error { return syncFile(f.temp) }); err != nil {
		return err
	}
	for _, f := range g.files {
		if err := rename(f.temp, f.path); err != nil {
			return fmt.Errorf("writing %s: %w", f.path, err)
		}
	}
	g.files = nil
	return each(slices.Sorted(maps.Keys(g.dirs)), SyncDir)
}

// Discard removes the temporary files of a group that was not committed.
func (g *Group) Discard() {
	for _, f := range g.files {
		os.Remove(f.temp)
	}
	g.files = nil
}

// each calls do for all at once and returns the first error by their order.
func each[T any](all []T, do func(T) error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	turn := make(chan struct{}, 16)
	for i, x := range all {
		turn <- struct{}{}
		wg.Go(func() {
			errs[i] = do(x)
			<-turn
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return traced(f.Sync(), Event{Op: "sync", Path: path})
}
