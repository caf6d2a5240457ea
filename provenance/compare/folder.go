package compare

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// readFolder lists what is in a folder. Links are not followed, devices and pipes
// not opened. Times and owners are those of whoever unpacked it, so they are no
// part of a comparison of folders.
func (c *run) readFolder(dir string) (*tree, error) {
	t := &tree{kind: folderKind, columns: []column{{"modes", ZipModes, true}}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		if len(t.members) >= archive.MaxEntries {
			return &archive.Error{File: dir, Kind: archive.TooBig, Msg: fmt.Sprintf("more than %d files", archive.MaxEntries)}
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		m, err := folderMember(path, filepath.ToSlash(name), info)
		t.members = append(t.members, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a folder: %w", err)
	}
	return t, nil
}

func folderMember(path, name string, info fs.FileInfo) (*member, error) {
	m := &member{name: name, what: isFile}
	mode := info.Mode()
	switch mode.Type() {
	case 0:
		m.data = content{size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(path) }}
		m.exec = mode&0o111 != 0
	case fs.ModeDir:
		m.what = isFolder
	case fs.ModeSymlink:
		m.what = isLink
		target, err := os.Readlink(path)
		if err != nil {
			return nil, err
		}
		m.link = target
	case fs.ModeNamedPipe:
		m.what = isPipe
	case fs.ModeSocket:
		m.what = isSocket
	default:
		m.what = isBlock
		if mode&fs.ModeCharDevice != 0 {
			m.what = isChar
		}
	}
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	m.set = special(bits)
	if m.what != isLink {
		m.values = []string{fmt.Sprintf("%o", bits)}
	}
	return m, nil
}
