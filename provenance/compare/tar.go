package compare

import (
	"archive/tar"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// readTar lists the members of a tar. Data stay where they are.
func (c *run) readTar(file string, x content) (*tree, error) {
	s := io.NewSectionReader(x.at, 0, x.size)
	r := tar.NewReader(s)
	t := &tree{kind: tarKind, columns: tarColumns}
	refuse := func(name string, k archive.Kind, format string, args ...any) error {
		return &archive.Error{File: file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
	}
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, refuse("", archive.Truncated, "the tar ends within its member %d", len(t.members)+1)
		}
		if err != nil {
			return nil, refuse("", archive.NotZip, "its member %d cannot be read: %v", len(t.members)+1, err)
		}
		if len(t.members) >= archive.MaxEntries {
			return nil, refuse("", archive.TooBig, "more than %d members", archive.MaxEntries)
		}
		at, _ := s.Seek(0, io.SeekCurrent)
		if h.Size > x.size-at && !sparse(h) {
			return nil, refuse(h.Name, archive.Truncated, "the tar ends within it")
		}
		m := tarMember(h)
		m.values = c.intern(m.values)
		if at >= 512 {
			block := make([]byte, 512)
			if _, err := x.at.ReadAt(block, at-512); err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
			// Without name, size, time, checksum, target and prefix.
			m.residue = masked(block, 0, 100, 124, 156, 157, 257, 345, 500)
		}
		switch {
		case sparse(h):
			if m.data, err = c.spool(r); err != nil {
				return nil, refuse(h.Name, archive.Truncated, "its sparse map is broken: %v", err)
			}
		case m.what == isFile:
			m.data = section(x.at, at, h.Size)
		}
		t.members = append(t.members, m)
	}
	end, err := tarTail(s)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	t.fields = []field{{name: "end", value: end, cause: Deflate}}
	return t, nil
}

func sparse(h *tar.Header) bool {
	_, pax := h.PAXRecords["GNU.sparse.major"]
	_, old := h.PAXRecords["GNU.sparse.map"]
	return h.Typeflag == tar.TypeGNUSparse || pax || old
}

// tarTail says what stands behind the end mark: zeros, and how many.
func tarTail(s *io.SectionReader) (string, error) {
	at, _ := s.Seek(0, io.SeekCurrent)
	n, zero, first := s.Size()-at, true, int64(0)
	buf := make([]byte, 32<<10)
	for zero {
		m, err := s.Read(buf)
		if i := slices.IndexFunc(buf[:m], func(b byte) bool { return b != 0 }); i >= 0 {
			zero, first = false, first+int64(i)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if zero {
			first += int64(m)
		}
	}
	if zero {
		return fmt.Sprintf("%d zeros", n), nil
	}
	x := section(s, at+first, n-first)
	b, _, err := x.all(MaxText)
	if b == nil {
		return fmt.Sprintf("%d zeros and %d bytes that belong to no member", first, n-first), err
	}
	return fmt.Sprintf("%d zeros and %s that belong to no member", first, digest(b)), err
}

var tarColumns = []column{
	{"times", ZipTimes, false},
	{"access and change times", ZipTimes, false},
	{"modes", ZipModes, true},
	{"owners", ZipModes, true},
	{"format", Deflate, true},
	{"extended headers", Deflate, false},
}

func tarMember(h *tar.Header) *member {
	m := &member{name: h.Name, what: isFile, link: h.Linkname}
	switch h.Typeflag {
	case tar.TypeDir:
		m.what = isFolder
	case tar.TypeSymlink:
		m.what = isLink
	case tar.TypeLink:
		m.what = isHard
	case tar.TypeChar, tar.TypeBlock:
		m.what = map[byte]string{tar.TypeChar: isChar, tar.TypeBlock: isBlock}[h.Typeflag]
		m.link = fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)
	case tar.TypeFifo:
		m.what = isPipe
	case tar.TypeXGlobalHeader:
		m.what = isGlobal
	case tar.TypeReg, tar.TypeGNUSparse:
	default:
		m.what = fmt.Sprintf("member of type %q", h.Typeflag)
	}
	m.exec, m.set = h.Mode&0o111 != 0 && m.what == isFile, special(uint32(h.Mode))
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02 15:04:05.999999999")
	}
	m.values = []string{
		when(h.ModTime),
		strings.TrimSpace(when(h.AccessTime) + " " + when(h.ChangeTime)),
		fmt.Sprintf("%o", h.Mode),
		fmt.Sprintf("%d:%d %s:%s", h.Uid, h.Gid, h.Uname, h.Gname),
		h.Format.String(),
		records(h.PAXRecords),
	}
	return m
}

// records are the extended headers that say nothing which is shown elsewhere.
func records(pax map[string]string) string {
	var out []string
	for k, v := range pax {
		switch k {
		case "path", "linkpath", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname":
			continue
		}
		if !isText([]byte(v)) {
			v = hex.EncodeToString([]byte(v))
		}
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}
