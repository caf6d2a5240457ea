package archive

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Unpack unpacks the sdist (.tar.gz, .tgz or .zip) at file into the folder dir,
// which must exist, and returns the name of its one top folder. Nothing is
// written outside dir, and no file that is there already is touched.
//
// Modes are what a build under umask sees. Folders get 0777 without the umask's
// bits. A file keeps the archive's bits, its owner may always read and write,
// and the umask's bits are taken away: under 002 the group-write bit of a 0664
// member survives, and ends up in the zip that setuptools writes.
//
// File times are those of the archive, to the nanosecond where it has them: flit
// without an epoch, and build systems that compare times, look at them. Folders
// get the archive's newest time. A zip's time has no zone and is read as UTC.
func Unpack(file, dir string, umask fs.FileMode) (root string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("opening an sdist: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("opening an sdist: %w", err)
	}
	if info.Size() > MaxArchive {
		return "", &Error{File: path.Base(file), Kind: TooBig, Msg: fmt.Sprintf("%d bytes, at most %d are read", info.Size(), int64(MaxArchive))}
	}
	u, err := newUnpacker(path.Base(file), dir, umask)
	if err != nil {
		return "", err
	}
	defer u.root.Close()
	if strings.HasSuffix(file, ".zip") {
		err = u.zip(f, info.Size())
	} else {
		err = u.tar(f, info.Size())
	}
	if err == nil {
		err = u.finish()
	}
	return u.top, err
}

// Times are the modification times of the members of the sdist at file, in whole
// seconds, by name without the top folder.
func Times(file string) (map[string]time.Time, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening an sdist: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening an sdist: %w", err)
	}
	times := map[string]time.Time{}
	see := func(name string, t time.Time) {
		_, below, _ := strings.Cut(strings.TrimSuffix(name, "/"), "/")
		times[below] = t.Truncate(time.Second)
	}
	if strings.HasSuffix(file, ".zip") {
		c, err := openZip(path.Base(file), f, info.Size())
		if err != nil {
			return nil, err
		}
		for _, e := range c.entries {
			see(e.Name, e.Time)
		}
		return times, nil
	}
	return times, walkTar(path.Base(file), f, info.Size(), func(m *tarMember, _ io.Reader) error {
		see(m.name, m.ModTime)
		return nil
	})
}

// NewestTime is the newest of an sdist's Times; zero when it has no members.
func NewestTime(file string) (newest time.Time, err error) {
	times, err := Times(file)
	for _, t := range times {
		if t.After(newest) {
			newest = t
		}
	}
	return newest, err
}

// unpacker writes members below one folder. Every path goes through an os.Root,
// so that even a mistake here could not leave it.
type unpacker struct {
	file   string
	root   *os.Root
	umask  fs.FileMode
	top    string
	kinds  map[string]byte // path -> 'd', 'f' or 'l'
	sums   map[string][32]byte
	dirs   []string // in order of creation
	newest time.Time
}

func newUnpacker(file, dir string, umask fs.FileMode) (*unpacker, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder to unpack into: %w", err)
	}
	return &unpacker{file: file, root: root, umask: umask, kinds: map[string]byte{}, sums: map[string][32]byte{}}, nil
}

func (u *unpacker) refuse(name string, k Kind, format string, args ...any) *Error {
	return &Error{File: u.file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// place checks that name may be written: below the one top folder, below folders only.
func (u *unpacker) place(name string, mtime time.Time) error {
	top, _, below := strings.Cut(name, "/")
	if u.top == "" {
		u.top = top
	}
	if top != u.top || !below && u.kinds[name] != 'd' {
		return u.refuse(name, NoRoot, "an sdist has one top folder and nothing beside it")
	}
	if mtime.After(u.newest) {
		u.newest = mtime
	}
	for _, p := range parents(name) {
		if err := u.mkdir(p); err != nil {
			return err
		}
	}
	return nil
}

// parents lists the folders above name, the topmost first.
func parents(name string) []string {
	var ps []string
	for i := range len(name) {
		if name[i] == '/' {
			ps = append(ps, name[:i])
		}
	}
	return ps
}

func (u *unpacker) mkdir(name string) error {
	switch u.kinds[name] {
	case 'd':
		return nil
	case 'l':
		// A member below a link would be written wherever the link points.
		return u.refuse(name, Link, "members stand below a link")
	case 'f':
		return u.refuse(name, Duplicate, "members stand below a file")
	}
	if err := u.root.Mkdir(name, 0o700); err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	u.kinds[name], u.dirs = 'd', append(u.dirs, name)
	return nil
}

// folder writes a folder's member.
func (u *unpacker) folder(name string, mtime time.Time) error {
	if !strings.Contains(name, "/") && (u.top == "" || u.top == name) {
		u.top = name
		return u.mkdir(name)
	}
	if err := u.place(name, mtime); err != nil {
		return err
	}
	return u.mkdir(name)
}

// regular writes a file. The same file twice is let pass when it has the same
// bytes: some old sdists list one twice, and every reader then sees the same.
func (u *unpacker) regular(name string, mode fs.FileMode, mtime time.Time, r io.Reader) error {
	if err := u.place(name, mtime); err != nil {
		return err
	}
	if u.kinds[name] == 'f' {
		sum, err := sumOf(io.Discard, r)
		if err == nil && sum != u.sums[name] {
			err = u.refuse(name, Duplicate, "it is there twice, with other bytes")
		}
		return err
	} else if u.kinds[name] != 0 {
		return u.refuse(name, Duplicate, "it is there twice")
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	sum, err := sumOf(f, r)
	if err == nil {
		err = f.Chmod(Perm(mode|0o600, u.umask&^0o600))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = u.root.Chtimes(name, mtime, mtime)
	}
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	u.kinds[name], u.sums[name] = 'f', sum
	return nil
}

// symlink writes a symbolic link that stays below the top folder.
func (u *unpacker) symlink(name, target string, mtime time.Time) error {
	if err := u.place(name, mtime); err != nil {
		return err
	}
	if u.kinds[name] != 0 {
		return u.refuse(name, Duplicate, "it is there twice")
	}
	if leadsOutside(name, target) {
		return u.refuse(name, Link, "a link that leads outside, to %q", target)
	}
	if err := u.root.Symlink(target, name); err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	u.kinds[name] = 'l'
	return nil
}

// hardlink copies the file that target, an earlier member, holds.
func (u *unpacker) hardlink(name, target string, mtime time.Time) error {
	target = strings.TrimPrefix(target, "./")
	if u.kinds[target] != 'f' {
		return u.refuse(name, Link, "a link to %q, which is no earlier file of it", target)
	}
	b, err := u.root.ReadFile(target)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	info, err := u.root.Lstat(target)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", u.file, err)
	}
	return u.regular(name, info.Mode(), mtime, bytes.NewReader(b))
}

// finish gives folders their modes and times, which writing into them changed.
func (u *unpacker) finish() error {
	if u.top == "" {
		return u.refuse("", NoRoot, "it is empty")
	}
	for i := len(u.dirs) - 1; i >= 0; i-- {
		err := u.root.Chmod(u.dirs[i], Perm(0o777, u.umask&^0o700))
		if err == nil && !u.newest.IsZero() {
			err = u.root.Chtimes(u.dirs[i], u.newest, u.newest)
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", u.file, err)
		}
	}
	return nil
}
