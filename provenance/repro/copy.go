package repro

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// An entry is one file, link or folder below the working folder.
type entry struct {
	path  string // relative, "" is the folder itself
	mode  fs.FileMode
	size  int64
	mtime time.Time
	link  string
}

// A source is the working folder as it was when it was first looked at.
type source struct {
	dir     string
	entries []entry // a folder before what is in it
	bytes   int64
	left    []string // sockets and the like, which are not copied
}

// readSource lists a folder without the ones to skip (absolute paths).
func readSource(dir string, skip []string) (*source, error) {
	s := &source{dir: dir}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains(skip, path) && path != dir {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{mode: info.Mode(), mtime: info.ModTime()}
		if path != dir {
			e.path = path[len(dir)+1:]
		}
		switch {
		case e.mode.IsRegular():
			e.size = info.Size()
		case e.mode&fs.ModeSymlink != 0:
			if e.link, err = os.Readlink(path); err != nil {
				return err
			}
		case !e.mode.IsDir():
			s.left = append(s.left, e.path)
			return nil
		}
		s.entries, s.bytes = append(s.entries, e), s.bytes+e.size
		if len(s.entries) > MaxFiles || s.bytes > MaxBytes {
			return &TooBigError{Dir: filepath.Base(dir)}
		}
		return nil
	})
	return s, err
}

// TooBigError says that a folder is too big to be copied again and again.
type TooBigError struct{ Dir string }

func (e *TooBigError) Error() string {
	return fmt.Sprintf("%s holds more than %d files or %d GiB", e.Dir, MaxFiles, MaxBytes>>30)
}

// Hint is what helps.
func (e *TooBigError) Hint() string {
	return "run it in a clean checkout: git worktree add ../clean && wheellock -C ../clean repro ..."
}

// ChangedError says that the working folder did not stay as it was.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s was changed while the command was being repeated", e.Path)
}

// Hint is what helps.
func (e *ChangedError) Hint() string { return "run it again, and leave the folder alone meanwhile" }

// A manner is how a copy is made.
type manner struct {
	reverse bool          // the order in which files are made
	umask   fs.FileMode   // modes as a checkout under this umask has them; keep: as they are
	keep    bool          //
	shift   time.Duration // of the files' times
}

func mannerOf(v build.Varied, umask fs.FileMode) manner {
	m := manner{keep: true}
	if v.Set.Has(build.VaryUmask) {
		m.keep, m.umask = false, umask
	}
	if v.Set.Has(build.VaryFileTimes) {
		// Into the past: make warns of files from the future.
		m.shift = -time.Duration(max(v.Round, 1)) * (250*24 + 5) * time.Hour
	}
	m.reverse = v.Set.Has(build.VaryFileOrder)
	return m
}

func (m manner) mode(mode fs.FileMode) fs.FileMode {
	if m.keep {
		return mode.Perm()
	}
	owner := mode.Perm() & 0o700
	return (owner | owner>>3 | owner>>6) &^ m.umask
}

// copy makes a copy at to, which must not exist.
func (s *source) copy(to string, m manner) error {
	order := s.order(m.reverse)
	for _, i := range order {
		if err := s.copyOne(s.entries[i], to, m); err != nil {
			return err
		}
	}
	// Writing into a folder changes its time, and one without permission could not
	// be filled: from the innermost outwards, at the end.
	for i := len(s.entries) - 1; i >= 0; i-- {
		e := s.entries[i]
		if !e.mode.IsDir() {
			continue
		}
		path := filepath.Join(to, e.path)
		if err := os.Chmod(path, m.mode(e.mode)|0o700); err != nil {
			return err
		}
		if err := os.Chtimes(path, e.mtime.Add(m.shift), e.mtime.Add(m.shift)); err != nil {
			return err
		}
	}
	return nil
}

// order is the order in which the entries are made: by name, or each folder's the
// other way round. What was made last in a memory file system is listed first.
func (s *source) order(reverse bool) []int {
	out := make([]int, len(s.entries))
	for i := range out {
		out[i] = i
	}
	key := func(i int) []string {
		if s.entries[i].path == "" {
			return nil
		}
		return strings.Split(s.entries[i].path, "/")
	}
	slices.SortStableFunc(out, func(a, b int) int {
		x, y := key(a), key(b)
		n := min(len(x), len(y))
		if c := slices.Compare(x[:n], y[:n]); c != 0 {
			if !reverse {
				return -c
			}
			return c
		}
		return len(x) - len(y) // a folder before what is in it
	})
	return out
}

func (s *source) copyOne(e entry, to string, m manner) error {
	from, path := filepath.Join(s.dir, e.path), filepath.Join(to, e.path)
	switch {
	case e.mode.IsDir():
		return os.Mkdir(path, 0o700)
	case e.mode&fs.ModeSymlink != 0:
		return os.Symlink(e.link, path)
	}
	r, err := os.Open(from)
	if err != nil {
		return s.gone(e, err)
	}
	defer r.Close()
	if info, err := r.Stat(); err != nil || info.Size() != e.size || !info.ModTime().Equal(e.mtime) {
		return &ChangedError{Path: e.path}
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		w.Close()
		return err
	}
	if err := w.Chmod(m.mode(e.mode)); err != nil {
		w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Chtimes(path, e.mtime.Add(m.shift), e.mtime.Add(m.shift))
}

func (s *source) gone(e entry, err error) error {
	if os.IsNotExist(err) {
		return &ChangedError{Path: e.path}
	}
	return err
}
