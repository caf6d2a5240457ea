package archive

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// A TarMember is one member of a source archive: a file, a folder ('d'), a
// symbolic link ('l') or a hard link ('h') to an earlier file.
type TarMember struct {
	Name string // with the top folder, without "./" and a folder's "/"
	Kind byte   // 'f', 'd', 'l' or 'h'
	Mode fs.FileMode
	Size int64
	Link string // where a link leads: for 'l' as written, for 'h' a member's name
	Time time.Time
}

// EachMember calls f for each member of the .tar.gz at file, in its order. It
// refuses what [Unpack] refuses, and a name twice whatever its bytes; nothing is
// written.
func EachMember(file string, f func(m TarMember, r io.Reader) error) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("opening an sdist: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("opening an sdist: %w", err)
	}
	l := &layout{file: path.Base(file), kinds: map[string]byte{}}
	if info.Size() > MaxArchive {
		return l.refuse("", TooBig, "%d bytes, at most %d are read", info.Size(), int64(MaxArchive))
	}
	err = walkTar(l.file, in, info.Size(), func(h *tarMember, r io.Reader) error {
		m := TarMember{Name: h.name, Kind: 'f', Mode: fs.FileMode(h.Mode) & fs.ModePerm, Size: h.Size, Time: h.ModTime}
		switch h.Typeflag {
		case tar.TypeDir:
			m.Kind = 'd'
		case tar.TypeSymlink:
			m.Kind, m.Link = 'l', h.Linkname
		case tar.TypeLink:
			m.Kind, m.Link = 'h', strings.TrimPrefix(h.Linkname, "./")
		}
		if err := l.add(&m); err != nil {
			return err
		}
		return f(m, r)
	})
	if err == nil && l.top == "" {
		err = l.refuse("", NoRoot, "it is empty")
	}
	return err
}

// layout knows which names of a source archive are taken, and by what.
type layout struct {
	file, top string
	kinds     map[string]byte
}

func (l *layout) refuse(name string, k Kind, format string, args ...any) *Error {
	return &Error{File: l.file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
}

func (l *layout) add(m *TarMember) error {
	top, _, below := strings.Cut(m.Name, "/")
	if l.top == "" {
		l.top = top
	}
	if top != l.top || !below && m.Kind != 'd' {
		return l.refuse(m.Name, NoRoot, "an sdist has one top folder and nothing beside it")
	}
	for _, p := range parents(m.Name) {
		switch l.kinds[p] {
		case 0:
			l.kinds[p] = 'd'
		case 'l':
			return l.refuse(m.Name, Link, "members stand below a link")
		case 'f', 'h':
			return l.refuse(m.Name, Duplicate, "members stand below a file")
		}
	}
	was := l.kinds[m.Name]
	switch {
	case was == 'd' && m.Kind == 'd':
	case was != 0:
		return l.refuse(m.Name, Duplicate, "it is there twice")
	case m.Kind == 'l' && leadsOutside(m.Name, m.Link):
		return l.refuse(m.Name, Link, "a link that leads outside, to %q", m.Link)
	case m.Kind == 'h' && l.kinds[m.Link] != 'f' && l.kinds[m.Link] != 'h':
		return l.refuse(m.Name, Link, "a link to %q, which is no earlier file of it", m.Link)
	}
	l.kinds[m.Name] = m.Kind
	return nil
}

// leadsOutside says whether the symbolic link name could lead out of the top
// folder. ".." is allowed at the target's beginning only: "link/.." would leave the
// folder that the link leads to, not the one that holds it.
func leadsOutside(name, target string) bool {
	up := 0
	rest := target
	for rest == ".." || strings.HasPrefix(rest, "../") {
		rest, up = strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/"), up+1
	}
	depth := strings.Count(name, "/") - 1 // folders between the top folder and the link
	return up > depth || strings.Contains("/"+rest+"/", "/../") || strings.HasPrefix(target, "/") ||
		target == "" || len(target) > MaxName || strings.ContainsAny(target, "\\\x00")
}
