package build

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Limits on a tree.
const (
	maxTree      = 16 << 30 // bytes
	maxTreeFiles = 500_000
)

// unneeded are folders of a tree that no build reads.
var unneeded = []string{"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/bug"}

// needed reports whether a build sees a path of a tree, or dpkg's records are there.
func needed(name string) bool {
	for _, d := range unneeded {
		if name == d || strings.HasPrefix(name, d+"/") {
			return false
		}
	}
	top, rest, _ := strings.Cut(name, "/")
	switch top {
	case "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return true
	case "etc":
		return rest == "" || rest == "alternatives" || strings.HasPrefix(rest, "alternatives/") || strings.HasPrefix(rest, "ld.so.")
	case "var":
		return rest == "" || rest == "lib" || rest == "lib/dpkg" || rest == "lib/dpkg/status" || rest == "lib/dpkg/info" || strings.HasSuffix(rest, ".list")
	}
	return false
}

// untar unpacks a tree below dir; nothing is written outside of it, whatever links
// the archive has.
func untar(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(io.LimitReader(r, maxTree))
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxTreeFiles {
			return errors.New("it has more than 500,000 files")
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if name == "" || !needed(name) {
			continue
		}
		if err := member(root, t, h, name); err != nil {
			return err
		}
	}
}

func member(root *os.Root, r io.Reader, h *tar.Header, name string) error {
	mode := fs.FileMode(h.Mode)&0o755 | 0o600
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		from := strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")
		return root.Link(from, name)
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, r); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		// Python compares the time of a module with that in its bytecode.
		return root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return nil // devices and the like
}
