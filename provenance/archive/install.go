package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Scheme says where the parts of a wheel go (PEP 427; sysconfig's paths), all
// absolute. Folders are made as needed.
type Scheme struct {
	Purelib     string // site-packages for pure wheels
	Platlib     string // site-packages for native ones; "": as Purelib
	Scripts     string // bin
	Headers     string // "": Data/include/site
	Data        string // the environment's prefix
	Interpreter string // absolute path for the first line of scripts
}

// Install unpacks the wheel at path into an environment, as pip would, without
// pip: RECORD must list exactly the wheel's files and its hashes are checked
// while they are written; entry points become scripts. Modes are 0644 and 0755
// whatever the umask. A file that is there already must have the same bytes
// (two wheels may share a namespace package's __init__.py), else *fs.PathError
// with fs.ErrExist. A failed Install leaves what it wrote so far.
func Install(file string, s Scheme) error {
	w, err := OpenWheel(file, Read)
	if err != nil {
		return err
	}
	defer w.Close()
	rows, err := w.recordRows()
	if err != nil {
		return err
	}
	in := &installer{w: w, s: s, roots: map[string]*os.Root{}, made: map[string]bool{}}
	defer in.close()
	for i := range w.Entries {
		e := &w.Entries[i]
		if e.Dir() {
			continue
		}
		if err := in.file(e, rows[e.Name]); err != nil {
			return err
		}
	}
	return in.entryPoints()
}

type installer struct {
	w     *Wheel
	s     Scheme
	roots map[string]*os.Root
	made  map[string]bool
}

func (in *installer) close() {
	for _, r := range in.roots {
		r.Close()
	}
}

// file installs one member.
func (in *installer) file(e *Entry, row RecordRow) error {
	dir, name, script, err := in.dest(e.Name)
	if err != nil {
		return err
	}
	if script {
		var b bytes.Buffer
		if err := in.w.copyChecked(&b, e, row); err != nil {
			return err
		}
		return in.write(dir, name, 0o755, in.text(in.shebang(b.Bytes())))
	}
	mode := fs.FileMode(0o644)
	if e.Executable() {
		mode = 0o755
	}
	return in.write(dir, name, mode, func(dst io.Writer) error { return in.w.copyChecked(dst, e, row) })
}

// dest maps a member's name to one of the scheme's folders.
func (in *installer) dest(name string) (dir, rel string, script bool, err error) {
	rest, isData := strings.CutPrefix(name, in.w.DataDir+"/")
	if !isData {
		dir = in.s.Platlib
		if in.w.Info.Purelib || dir == "" {
			dir = in.s.Purelib
		}
		return dir, name, false, nil
	}
	key, rel, _ := strings.Cut(rest, "/")
	switch key {
	case "purelib":
		dir = in.s.Purelib
	case "platlib":
		if dir = in.s.Platlib; dir == "" {
			dir = in.s.Purelib
		}
	case "scripts":
		dir, script = in.s.Scripts, true
	case "data":
		dir = in.s.Data
	case "headers":
		if dir = in.s.Headers; dir == "" {
			dir = filepath.Join(in.s.Data, "include", "site")
		}
		stem, _, _ := strings.Cut(in.w.DataDir, "-")
		rel = stem + "/" + rel
	}
	if dir == "" || rel == "" {
		return "", "", false, in.w.zip.refuse(name, BadField, "no known place for it in an environment")
	}
	return dir, rel, script, nil
}

// shebang puts the interpreter into a script's first line "#!python" (PEP 427).
func (in *installer) shebang(b []byte) []byte {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	if !bytes.HasPrefix(line, []byte("#!python")) {
		return b
	}
	return append([]byte("#!"+in.s.Interpreter+"\n"), rest...)
}

func (in *installer) text(b []byte) func(io.Writer) error {
	return func(dst io.Writer) error {
		_, err := dst.Write(b)
		return err
	}
}

// write makes the file dir/name, whose parts were checked when the wheel was
// opened, of what fill writes.
func (in *installer) write(dir, name string, mode fs.FileMode, fill func(io.Writer) error) error {
	root, err := in.root(dir)
	if err != nil {
		return err
	}
	if d := path.Dir(name); !in.made[dir+"\x00"+d] {
		if err := root.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("installing %s: %w", in.w.File, err)
		}
		in.made[dir+"\x00"+d] = true
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return in.same(root, name, fill)
	}
	if err != nil {
		return fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	err = fill(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	var refusal *Error
	if err != nil && !errors.As(err, &refusal) {
		err = fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	return err
}

// same demands that the file which is there has the bytes that fill writes.
func (in *installer) same(root *os.Root, name string, fill func(io.Writer) error) error {
	f, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	defer f.Close()
	have, err := sumOf(io.Discard, f)
	if err != nil {
		return fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	want := sha256.New()
	if err = fill(want); err == nil && have != [32]byte(want.Sum(nil)) {
		err = fmt.Errorf("installing %s: %w", in.w.File, &fs.PathError{Op: "write", Path: name, Err: fs.ErrExist})
	}
	return err
}

func (in *installer) root(dir string) (*os.Root, error) {
	if r := in.roots[dir]; r != nil {
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("installing %s: %w", in.w.File, err)
	}
	in.roots[dir] = r
	return r, nil
}
