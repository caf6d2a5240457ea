package durable

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	journalName  = "journal"
	preparedName = "journal.prepared"
)

// ErrCommitted is wrapped by the error of a Commit that passed its instant of
// truth and then could not finish: the change has happened, and [Recover] will
// complete it. Any other error of Commit means that nothing has changed.
var ErrCommitted = errors.New("committed, to be completed by the next command")

// ErrPending is wrapped by the error of Begin when an interrupted transaction
// lies in the folder: call [Recover] first.
var ErrPending = errors.New("an interrupted change has to be recovered first")

// A Tx replaces several files, all or none. It is not safe for concurrent use,
// and the caller holds a lock that keeps other transactions out of dir.
type Tx struct {
	dir   string
	files []txFile
	hook  hook
	done  bool
}

type txFile struct {
	path string
	temp string
	data []byte
	perm os.FileMode
	sum  string // hex sha256 of data
}

// Begin starts a transaction whose journal will lie in dir, which is made when
// needed and, if made, removed again at the end when it is empty. Nothing is
// written before Commit.
func Begin(dir string) (*Tx, error) {
	for _, name := range []string{journalName, preparedName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return nil, fmt.Errorf("beginning a change in %s: %w", dir, ErrPending)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return &Tx{dir: dir}, nil
}

// Write plans to replace path with data; later calls come later in the order.
// Writing one path twice keeps the first place and the last content. Missing
// folders are made at Commit. data is not copied.
func (t *Tx) Write(path string, data []byte, perm os.FileMode) error {
	if strings.ContainsAny(path, "\n\t\r") {
		return fmt.Errorf("writing %q: a file name with a control character", path)
	}
	sum := sha256.Sum256(data)
	f := txFile{path: path, temp: tempName(path), data: data, perm: perm, sum: hex.EncodeToString(sum[:])}
	for i := range t.files {
		if filepath.Clean(t.files[i].path) == filepath.Clean(path) {
			t.files[i] = f
			return nil
		}
	}
	t.files = append(t.files, f)
	return nil
}

// Commit does what was planned. On nil all files are replaced, durably. An
// error that wraps [ErrCommitted] leaves the rest to [Recover]; after any other
// error every file is as it was. A Tx commits once.
func (t *Tx) Commit() error {
	if t.done {
		return errors.New("committing: this transaction has ended")
	}
	t.done = true
	if len(t.files) == 0 {
		return nil
	}
	j, madeDirs, err := t.prepare()
	if err != nil {
		rollback(t.hook, t.dir, j)
		removeEmpty(madeDirs)
		return fmt.Errorf("preparing a change: %w", err)
	}
	prepared, journal := filepath.Join(t.dir, preparedName), filepath.Join(t.dir, journalName)
	if err := t.hook.rename(prepared, journal); err != nil {
		// The rename may have happened although an error came back: what is
		// on the disk decides, not what we were told.
		if _, serr := os.Lstat(journal); serr == nil {
			return fmt.Errorf("committing a change: %w: %w", ErrCommitted, err)
		}
		rollback(t.hook, t.dir, j)
		removeEmpty(madeDirs)
		return fmt.Errorf("committing a change: %w", err)
	}
	if err := t.hook.syncDir(t.dir); err != nil {
		return fmt.Errorf("committing a change: %w: %w", ErrCommitted, err)
	}
	if err := rollForward(t.hook, t.dir, j); err != nil {
		return fmt.Errorf("completing a change: %w: %w", ErrCommitted, err)
	}
	removeEmpty(madeDirs)
	return nil
}

// prepare writes the prepared journal and the temporary files. It returns the
// folders made for the journal, outermost first.
func (t *Tx) prepare() (*journal, []string, error) {
	j, err := t.journal()
	if err != nil {
		return nil, nil, err
	}
	made, err := mkdirAll(t.hook, t.dir, 0o777)
	if err != nil {
		return j, made, err
	}
	if err := writeFile(t.hook, filepath.Join(t.dir, preparedName), j.format(), 0o644); err != nil {
		return j, made, err
	}
	for _, d := range j.folders {
		if err := t.hook.mkdir(d, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return j, made, err
		}
		if err := t.hook.syncDir(filepath.Dir(d)); err != nil {
			return j, made, err
		}
	}
	for _, f := range t.files {
		if err := t.hook.create(f.temp, f.data, narrow(f.path, f.perm)); err != nil {
			return j, made, err
		}
	}
	for _, d := range j.targetFolders() {
		if err := t.hook.syncDir(d); err != nil {
			return j, made, err
		}
	}
	return j, made, nil
}

func (t *Tx) journal() (*journal, error) {
	j := &journal{dir: t.dir}
	seen := map[string]bool{}
	for _, f := range t.files {
		missing, err := missingDirs(filepath.Dir(f.path))
		if err != nil {
			return nil, err
		}
		for _, d := range missing {
			if !seen[d] {
				seen[d] = true
				j.folders = append(j.folders, d)
			}
		}
		j.files = append(j.files, f)
	}
	return j, j.relative()
}

func removeEmpty(dirs []string) {
	for i := len(dirs) - 1; i >= 0; i-- {
		os.Remove(dirs[i])
	}
}
