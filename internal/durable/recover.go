package durable

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	journalMagic = "wheellock-journal/v1"

	// maxJournal is the largest journal that Recover reads, in bytes.
	maxJournal = 16 << 20
)

// A JournalError says that a journal cannot be followed: it is malformed, or a
// file that it names is not what it says. Path is the journal or that file.
type JournalError struct {
	Path string
	Msg  string
}

func (e *JournalError) Error() string { return "recovering: " + e.Path + ": " + e.Msg }

// journal is what DIR/journal says. Paths here are usable as they are; in the
// file they are relative to dir, so that a moved project can still be recovered.
type journal struct {
	dir     string
	folders []string // to be made, outermost first
	files   []txFile
	rel     map[string]string
}

// relative fills rel.
func (j *journal) relative() error {
	j.rel = map[string]string{}
	base, err := filepath.Abs(j.dir)
	if err != nil {
		return err
	}
	add := func(p string) error {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		r, err := filepath.Rel(base, abs)
		j.rel[p] = r
		return err
	}
	for _, d := range j.folders {
		if err := add(d); err != nil {
			return err
		}
	}
	for _, f := range j.files {
		if err := errors.Join(add(f.path), add(f.temp)); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) targetFolders() []string {
	var dirs []string
	seen := map[string]bool{}
	for _, f := range j.files {
		if d := filepath.Dir(f.path); !seen[d] {
			seen[d] = true
			dirs = append(dirs, d)
		}
	}
	return dirs
}

func (j *journal) format() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, journalMagic)
	for _, d := range j.folders {
		fmt.Fprintf(&b, "folder\t%s\n", j.rel[d])
	}
	for _, f := range j.files {
		fmt.Fprintf(&b, "file\t%s\t%s\t%s\n", j.rel[f.path], j.rel[f.temp], f.sum)
	}
	fmt.Fprintln(&b, "end")
	return b.Bytes()
}

func readJournal(dir, name string) (*journal, error) {
	path := filepath.Join(dir, name)
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxJournal {
		return nil, &JournalError{path, "not a journal"}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	j, msg := parseJournal(dir, string(b))
	if msg != "" {
		return nil, &JournalError{path, msg}
	}
	return j, nil
}

func parseJournal(dir, text string) (*journal, string) {
	lines := strings.Split(text, "\n")
	n := len(lines)
	if n < 3 || lines[0] != journalMagic || lines[n-1] != "" || lines[n-2] != "end" {
		return nil, "not a whole journal"
	}
	j := &journal{dir: dir}
	for i, line := range lines[1 : n-2] {
		f := strings.Split(line, "\t")
		switch {
		case len(f) == 2 && f[0] == "folder" && len(j.files) == 0:
			j.folders = append(j.folders, filepath.Join(dir, f[1]))
		case len(f) == 4 && f[0] == "file":
			t := txFile{path: filepath.Join(dir, f[1]), temp: filepath.Join(dir, f[2]), sum: f[3]}
			if filepath.Dir(t.path) != filepath.Dir(t.temp) || !IsTemp(filepath.Base(t.temp)) {
				return nil, fmt.Sprintf("line %d: the temporary file is not one of ours", i+2)
			}
			j.files = append(j.files, t)
		default:
			return nil, fmt.Sprintf("line %d: unknown record", i+2)
		}
	}
	return j, ""
}

// Recover completes or takes back the transaction that a crash left in dir; it
// does nothing when there is none, and may itself be interrupted and repeated.
// The caller holds the same lock as for the transaction. An error of type
// [*JournalError] names what stands in the way.
func Recover(dir string) error { return recoverDir(nil, dir) }

func recoverDir(h hook, dir string) error {
	j, err := readJournal(dir, journalName)
	if err != nil {
		return err
	}
	if j != nil {
		return rollForward(h, dir, j)
	}
	j, err = readJournal(dir, preparedName)
	if err != nil {
		return err
	}
	if j == nil {
		return nil
	}
	return rollback(h, dir, j)
}

// rollForward does the renames that have not been done, then drops the journal.
// All temporary files are checked before the first rename: a damaged one must
// not leave a mixture.
func rollForward(h hook, dir string, j *journal) error {
	var todo []txFile
	for _, f := range j.files {
		sum, err := sumFile(f.temp)
		if errors.Is(err, fs.ErrNotExist) {
			// Temporary files were durable before the journal was, and only
			// the rename takes them away: this one is done.
			continue
		}
		if err != nil {
			return err
		}
		if sum != f.sum {
			return &JournalError{f.temp, "not the bytes that the journal names"}
		}
		todo = append(todo, f)
	}
	for _, f := range todo {
		if err := h.rename(f.temp, f.path); err != nil {
			return err
		}
		// After each one, so that the order holds on the disk too.
		if err := h.syncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	// A rename that was done before the crash may not have been synced.
	for _, d := range j.targetFolders() {
		if err := SyncDir(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return drop(h, dir, journalName)
}

// rollback removes the temporary files, the folders that were made for them,
// and the prepared journal. j may be nil.
func rollback(h hook, dir string, j *journal) error {
	if j != nil {
		for _, f := range j.files {
			if err := h.remove(f.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		removeEmpty(j.folders)
	}
	return drop(h, dir, preparedName)
}

func drop(h hook, dir, name string) error {
	if err := h.remove(filepath.Join(dir, name)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return h.syncDir(dir)
}

// sumFile returns the hex sha256 of a regular file; anything else is an error.
func sumFile(path string) (string, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() {
		return "", &JournalError{path, "not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
