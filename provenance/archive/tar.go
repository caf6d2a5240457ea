package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// tarMember is one member of a tar, its name checked and without "./" and a
// folder's "/".
type tarMember struct {
	*tar.Header
	name string
}

// walkTar calls f for each member of a gzip-compressed tar of size bytes.
// Members that say nothing to a build (the pax header that git archive writes,
// "./" itself) are passed over.
func walkTar(file string, r io.Reader, size int64, f func(m *tarMember, r io.Reader) error) error {
	refuse := func(name string, k Kind, format string, args ...any) *Error {
		return &Error{File: file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return tarError(file, NotZip, err)
	}
	plain := &capped{r: z, left: max(RatioFree, min(MaxTotal, size*MaxRatio))}
	t := tar.NewReader(plain)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return tarError(file, NotZip, err)
		}
		if n >= MaxEntries {
			return refuse("", TooBig, "more than %d members", MaxEntries)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag == tar.TypeDir {
			if name = strings.TrimSuffix(name, "/"); name == "" || name == "." {
				continue
			}
		}
		if msg := badName(name, false); msg != "" {
			return refuse(h.Name, BadName, "%s", msg)
		}
		if h.Size > MaxFile {
			return refuse(name, TooBig, "%d bytes, at most %d are read", h.Size, int64(MaxFile))
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
		default:
			return refuse(name, Special, "a device, pipe or sparse file (type %q)", h.Typeflag)
		}
		if err := f(&tarMember{h, name}, t); err != nil {
			return tarError(file, Truncated, err)
		}
	}
	return tarEnd(file, plain)
}

// tarEnd reads what follows the tar's end mark: padding, nothing else. Python's
// reader and others disagree about members that stand behind the mark.
func tarEnd(file string, r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return &Error{File: file, Kind: Surplus, Msg: "bytes after the end of the tar"}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return tarError(file, Surplus, err)
		}
	}
}

// tarError makes refusals of what the gzip and tar readers report, and leaves
// errors of the operating system as they are.
func tarError(file string, k Kind, err error) error {
	var refusal *Error
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &refusal), errors.As(err, &path), errors.As(err, &link):
		return err
	case errors.Is(err, errCap):
		return &Error{File: file, Kind: Bomb, Msg: "it unpacks to too many times its size"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Error{File: file, Kind: Truncated, Msg: "it ends too early"}
	case errors.Is(err, gzip.ErrChecksum):
		return &Error{File: file, Kind: Checksum, Msg: "its gzip checksum is wrong"}
	}
	return &Error{File: file, Kind: k, Msg: "not a tar compressed by gzip: " + err.Error()}
}

var errCap = errors.New("past the cap")

// capped fails with errCap after left bytes.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errCap
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func (u *unpacker) tar(r io.Reader, size int64) error {
	return walkTar(u.file, r, size, func(m *tarMember, r io.Reader) error {
		switch m.Typeflag {
		case tar.TypeDir:
			return u.folder(m.name, m.ModTime)
		case tar.TypeSymlink:
			return u.symlink(m.name, m.Linkname, m.ModTime)
		case tar.TypeLink:
			return u.hardlink(m.name, m.Linkname, m.ModTime)
		}
		return u.regular(m.name, fs.FileMode(m.Mode)&fs.ModePerm, m.ModTime, r)
	})
}

func (u *unpacker) zip(r io.ReaderAt, size int64) error {
	c, err := openZip(u.file, r, size)
	if err != nil {
		return err
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.Dir() {
			if err := u.folder(strings.TrimSuffix(e.Name, "/"), e.Time); err != nil {
				return err
			}
			continue
		}
		mode := fs.FileMode(e.Mode) & fs.ModePerm
		if mode == 0 {
			mode = 0o644
		}
		m, err := c.open(e)
		if err != nil {
			return err
		}
		err = u.regular(e.Name, mode, e.Time, m)
		m.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// sumOf copies r to w and returns the SHA-256 of what passed.
func sumOf(w io.Writer, r io.Reader) (sum [32]byte, err error) {
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}
