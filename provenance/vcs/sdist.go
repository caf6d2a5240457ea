package vcs

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
	"time"
)

// Sdist makes NAME-VERSION.tar.gz; see the package comment. version "": the
// file has no PKG-INFO, and its name is without a version: it is good only for
// asking the backend.
func (t *Tree) Sdist(name, version string) ([]byte, error) {
	files := t.Files
	root := strings.ReplaceAll(name, "-", "_")
	if version != "" {
		root += "-" + version
		if t.Find("PKG-INFO") == nil {
			files = append([]File{{Name: "PKG-INFO", Mode: 0o644, Data: fmt.Appendf(nil, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)}}, files...)
			sort.SliceStable(files, func(i, j int) bool { return files[i].Name < files[j].Name })
		}
	}
	return pack(root, files, t.Time)
}

// Archive packs the tree below the folder root, without the names in skip.
func (t *Tree) Archive(root string, skip map[string]bool) ([]byte, error) {
	files := slices.DeleteFunc(slices.Clone(t.Files), func(f File) bool { return skip[f.Name] })
	return pack(root, files, t.Time)
}

// IsPointer reports whether a file is what Git LFS keeps in the place of another.
func IsPointer(data []byte) bool {
	return len(data) < 1024 && bytes.HasPrefix(data, []byte("version https://git-lfs.")) && bytes.Contains(data, []byte("\noid sha256:"))
}

func pack(root string, files []File, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: root + "/" + f.Name, Mode: f.Mode, ModTime: when, Typeflag: tar.TypeReg, Size: int64(len(f.Data)), Format: tar.FormatPAX}
		if f.Link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, string(f.Data), 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if !f.Link {
			if _, err := w.Write(f.Data); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return stored(b.Bytes()), nil
}

// stored is gzip (RFC 1952) without compression (RFC 1951, 3.2.4): other
// compressors may change their output with their version.
func stored(data []byte) []byte {
	const most = 65535
	out := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	for rest := data; ; {
		n := min(most, len(rest))
		final := byte(0)
		if n == len(rest) {
			final = 1
		}
		out = append(out, final)
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
		out = binary.LittleEndian.AppendUint16(out, ^uint16(n))
		out = append(out, rest[:n]...)
		if rest = rest[n:]; final == 1 {
			break
		}
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(out, uint32(len(data)))
}
