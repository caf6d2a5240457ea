package archive

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Container is what a zip says of its members besides their content: order,
// times, modes and the like. Put around the files of our own build it gives the
// published bytes where nothing but the container differed. The "container" of a
// recipe is the SHA-256 of its text:
//
//	wheellock-container/v1
//	2026-11-06T06:25:42 81a40000 0314 0014 0000 8 0 0000 - - click/__init__.py
//
// A line a member, in the order of the zip: DOS time, external attributes,
// version made by, version needed, flags, method, bytes of the data descriptor,
// internal attributes, local and central extra field ("-" is none), then the
// name; time, method and descriptor in decimal, the rest in hex. Before the
// members stands "comment HEX" where the zip has one. There is no byte of a file
// in it, nor of a deflate stream.
type Container struct {
	Comment string
	Members []Member
}

// A Member is one line of a [Container].
type Member struct {
	Name       string // a folder's ends in "/"
	Time       time.Time
	External   uint32
	Creator    uint16
	Needed     uint16
	Flags      uint16
	Method     uint16
	Descriptor int // bytes after the data: 0, 12 or 16
	Internal   uint16
	Local      []byte // extra field of the local header
	Central    []byte // and of the directory
}

const (
	containerHead = "wheellock-container/v1\n"
	containerTime = "2006-01-02T15:04:05"
)

// MaxContainer is the most bytes of a container's text.
const MaxContainer = 64 << 20

// Container reads the container of an open wheel, local headers included. Zips
// that cannot be copied by such a text (zip64, members in another order than
// their directory) are refused with a [*Error] of kind [Method].
func (w *Wheel) Container() (*Container, error) {
	c := w.zip
	out := &Container{Comment: c.comment}
	size := int64(lenEnd + len(c.comment))
	if c.size-size < c.dir || len(c.entries) >= 0xffff {
		return nil, c.refuse("", Method, "a zip64 end record is not copied")
	}
	dir, err := c.at(c.dir, c.size-size-c.dir)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	for i := range c.entries {
		e := &c.entries[i]
		next := c.dir
		if i+1 < len(c.entries) {
			next = c.entries[i+1].Offset
		}
		data, err := c.local(e)
		if err != nil {
			return nil, err
		}
		rest := next - data - e.Packed
		switch {
		case e.Time.IsZero():
			return nil, c.refuse(e.Name, Method, "its time is none")
		case e.Comment != "":
			return nil, c.refuse(e.Name, Method, "its comment is not copied")
		case rest != 0 && (e.Flags&flagDescriptor == 0 || rest != 12 && rest != 16):
			return nil, c.refuse(e.Name, Method, "the members' order is not the directory's, or there are bytes between them")
		}
		head, err := c.at(e.Offset, data-e.Offset)
		if err != nil {
			return nil, err
		}
		m := Member{Name: e.Name, Time: e.Time, External: e.External, Creator: e.Creator, Needed: le.Uint16(dir[6:]), Flags: e.Flags,
			Method: e.Method, Descriptor: int(rest), Internal: le.Uint16(dir[36:]), Local: bytes.Clone(head[lenLocal+len(e.Name):]), Central: e.Extra}
		if le.Uint16(head[4:]) != m.Needed || m.Descriptor > 0 != (e.Flags&flagDescriptor != 0 && le.Uint32(head[14:]) == 0) {
			return nil, c.refuse(e.Name, Method, "its local header is of a kind that is not copied")
		}
		for _, x := range [][]byte{m.Local, m.Central} {
			if z, err := c.extra(e.Name, x); err != nil || z != nil || len(x) > MaxExtra {
				return nil, c.refuse(e.Name, Method, "its extra field is of a kind that is not copied")
			}
		}
		out.Members = append(out.Members, m)
		dir = dir[lenCentral+len(e.Name)+len(e.Extra)+len(e.Comment):]
	}
	return out, nil
}

// Text is the canonical text, whose SHA-256 a recipe names.
func (c *Container) Text() []byte {
	var b bytes.Buffer
	b.WriteString(containerHead)
	if c.Comment != "" {
		fmt.Fprintf(&b, "comment %x\n", c.Comment)
	}
	for _, m := range c.Members {
		fmt.Fprintf(&b, "%s %08x %04x %04x %04x %d %d %04x %s %s %s\n", m.Time.UTC().Format(containerTime), m.External, m.Creator, m.Needed,
			m.Flags, m.Method, m.Descriptor, m.Internal, hexOrDash(m.Local), hexOrDash(m.Central), m.Name)
	}
	return b.Bytes()
}

func hexOrDash(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString(b)
}

// ParseContainer reads a text strictly: what it accepts, Text writes again byte
// for byte.
func ParseContainer(text []byte) (*Container, error) {
	bad := func(n int, why string) error { return fmt.Errorf("parsing a container: line %d: %s", n, why) }
	if len(text) > MaxContainer {
		return nil, fmt.Errorf("parsing a container: %d bytes, at most %d are read", len(text), MaxContainer)
	}
	rest, ok := strings.CutPrefix(string(text), containerHead)
	if !ok {
		return nil, bad(1, "want wheellock-container/v1")
	}
	c := &Container{}
	names := map[string]bool{}
	n := 1
	for line := range strings.Lines(rest) {
		n++
		if x, ok := strings.CutPrefix(line, "comment "); ok && n == 2 {
			b, err := hex.DecodeString(strings.TrimSuffix(x, "\n"))
			if err != nil || len(b) > 0xffff {
				return nil, bad(n, "the comment is no hex")
			}
			c.Comment = string(b)
			continue
		}
		m, err := parseMember(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, bad(n, err.Error())
		}
		if msg := badName(m.Name, strings.HasSuffix(m.Name, "/")); msg != "" {
			return nil, bad(n, msg)
		}
		if names[m.Name] || len(c.Members) >= 0xfffe {
			return nil, bad(n, "a name twice, or too many members")
		}
		names[m.Name] = true
		c.Members = append(c.Members, m)
	}
	if !bytes.Equal(c.Text(), text) {
		return nil, fmt.Errorf("parsing a container: it is not written in the canonical way")
	}
	return c, nil
}

func parseMember(line string) (m Member, err error) {
	f := strings.SplitN(line, " ", 11)
	if len(f) != 11 {
		return m, fmt.Errorf("%d fields, want 11", len(f))
	}
	if m.Time, err = time.Parse(containerTime, f[0]); err != nil || m.Time.Second()%2 != 0 || m.Time.Year() < 1980 || m.Time.Year() > 2107 {
		return m, fmt.Errorf("%q is no time of a zip", f[0])
	}
	var v [7]uint64
	for i, spec := range []struct{ base, bits int }{{16, 32}, {16, 16}, {16, 16}, {16, 16}, {10, 16}, {10, 16}, {16, 16}} {
		if v[i], err = strconv.ParseUint(f[i+1], spec.base, spec.bits); err != nil {
			return m, fmt.Errorf("%q is no number", f[i+1])
		}
	}
	m.External, m.Creator, m.Needed, m.Flags, m.Method = uint32(v[0]), uint16(v[1]), uint16(v[2]), uint16(v[3]), uint16(v[4])
	m.Descriptor, m.Internal, m.Name = int(v[5]), uint16(v[6]), f[10]
	if m.Method != 0 && m.Method != 8 || m.Descriptor != 0 && m.Descriptor != 12 && m.Descriptor != 16 || m.Flags&flagEncrypted != 0 {
		return m, fmt.Errorf("method %d, descriptor %d or flags %04x are not written", m.Method, m.Descriptor, m.Flags)
	}
	for i, p := range []*[]byte{&m.Local, &m.Central} {
		if f[8+i] == "-" {
			continue
		}
		if *p, err = hex.DecodeString(f[8+i]); err != nil || len(*p) > MaxExtra {
			return m, fmt.Errorf("an extra field is no hex, or longer than %d bytes", MaxExtra)
		}
	}
	return m, nil
}
