package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Signatures and fixed lengths of APPNOTE 6.3.10, section 4.3.
const (
	sigLocal      = 0x04034b50
	sigCentral    = 0x02014b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50
	sigDescriptor = 0x08074b50

	lenLocal     = 30
	lenCentral   = 46
	lenEnd       = 22
	lenEnd64     = 56
	lenLocator64 = 20

	extraZip64       = 0x0001
	extraUnicodePath = 0x7075

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
)

// container is an open zip whose central directory was checked.
type container struct {
	file    string
	r       io.ReaderAt
	size    int64
	dir     int64 // offset of the central directory
	entries []Entry
	comment string
	byName  map[string]int
}

func (c *container) refuse(name string, k Kind, format string, args ...any) *Error {
	return &Error{File: c.file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// at reads exactly n bytes at off.
func (c *container) at(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > c.size || n > c.size-off {
		return nil, c.refuse("", Truncated, "%d bytes at %d lie outside of the file's %d", n, off, c.size)
	}
	b := make([]byte, n)
	if m, err := c.r.ReadAt(b, off); int64(m) < n {
		if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, c.refuse("", Truncated, "the file ends at %d, not at %d", off+int64(m), c.size)
		}
		return nil, fmt.Errorf("reading %s: %w", c.file, err)
	}
	return b, nil
}

// openZip reads the end record and the central directory.
func openZip(file string, r io.ReaderAt, size int64) (*container, error) {
	c := &container{file: file, r: r, size: size}
	if size > MaxArchive {
		return nil, c.refuse("", TooBig, "%d bytes, at most %d are read", size, int64(MaxArchive))
	}
	if size < lenEnd {
		return nil, c.refuse("", NotZip, "%d bytes are no zip", size)
	}
	count, dirSize, err := c.readEnd()
	if err != nil {
		return nil, err
	}
	b, err := c.at(c.dir, dirSize)
	if err != nil {
		return nil, err
	}
	if err := c.readCentral(b, count); err != nil {
		return nil, err
	}
	if err := c.checkNames(); err != nil {
		return nil, err
	}
	return c, c.checkSpans()
}

// readEnd finds the end record. Readers search for it backwards and accept what
// they meet first, so a comment that looks like another one would let two
// readers see two directories: the last signature in the file must be the one
// whose comment ends the file.
func (c *container) readEnd() (count uint64, dirSize int64, err error) {
	n := min(c.size, lenEnd+0xffff+lenLocator64+lenEnd64)
	tail, err := c.at(c.size-n, n)
	if err != nil {
		return 0, 0, err
	}
	p := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if p < 0 || len(tail)-p < lenEnd {
		return 0, 0, c.refuse("", NotZip, "no end record: not a zip, or cut off")
	}
	le := binary.LittleEndian
	e := tail[p:]
	commentLen := int(le.Uint16(e[20:]))
	if len(e) != lenEnd+commentLen {
		return 0, 0, c.refuse("", Surplus, "%d bytes after the end record, its comment has %d", len(e)-lenEnd, commentLen)
	}
	c.comment = string(e[lenEnd:])
	disk, dirDisk := le.Uint16(e[4:]), le.Uint16(e[6:])
	here, total := uint64(le.Uint16(e[8:])), uint64(le.Uint16(e[10:]))
	dirLen, dirOff := uint64(le.Uint32(e[12:])), uint64(le.Uint32(e[16:]))
	end := c.size - n + int64(p) // where the directory must end

	if p >= lenLocator64 && le.Uint32(tail[p-lenLocator64:]) == sigLocator64 {
		if p < lenLocator64+lenEnd64 {
			return 0, 0, c.refuse("", Truncated, "the zip64 end record is cut off")
		}
		loc := tail[p-lenLocator64:]
		end -= lenLocator64 + lenEnd64
		z := tail[p-lenLocator64-lenEnd64:]
		if le.Uint32(z) != sigEnd64 || le.Uint64(z[4:]) != lenEnd64-12 || le.Uint64(loc[8:]) != uint64(end) {
			return 0, 0, c.refuse("", HeaderDiffer, "the zip64 end record is not where its locator says")
		}
		if le.Uint32(loc[4:]) != 0 || le.Uint32(loc[16:]) > 1 || le.Uint32(z[16:]) != 0 || le.Uint32(z[20:]) != 0 {
			return 0, 0, c.refuse("", NotZip, "a zip in several volumes")
		}
		h, t, l, o := le.Uint64(z[24:]), le.Uint64(z[32:]), le.Uint64(z[40:]), le.Uint64(z[48:])
		if !saturated(here, h, 0xffff) || !saturated(total, t, 0xffff) || !saturated(dirLen, l, 0xffffffff) || !saturated(dirOff, o, 0xffffffff) {
			return 0, 0, c.refuse("", HeaderDiffer, "the end record and the zip64 end record disagree")
		}
		here, total, dirLen, dirOff = h, t, l, o
	}
	switch {
	case disk != 0 || dirDisk != 0 || here != total:
		return 0, 0, c.refuse("", NotZip, "a zip in several volumes")
	case total > MaxEntries:
		return 0, 0, c.refuse("", TooBig, "%d members, at most %d are read", total, MaxEntries)
	case dirLen > MaxDirectory:
		return 0, 0, c.refuse("", TooBig, "a directory of %d bytes, at most %d are read", dirLen, MaxDirectory)
	case dirOff > uint64(end) || dirOff+dirLen > uint64(end):
		return 0, 0, c.refuse("", Truncated, "the directory is said to end at %d, the end record stands at %d", dirOff+dirLen, end)
	case dirOff+dirLen < uint64(end):
		return 0, 0, c.refuse("", Surplus, "%d bytes stand before the archive or after its directory", uint64(end)-dirOff-dirLen)
	}
	c.dir = int64(dirOff)
	return total, int64(dirLen), nil
}

// saturated reports whether the short field agrees with the long one: equal,
// or filled with ones to say "see there".
func saturated(short, long, full uint64) bool { return short == long || short == full }

// readCentral reads count headers, which must fill b.
func (c *container) readCentral(b []byte, count uint64) error {
	le := binary.LittleEndian
	c.entries = make([]Entry, 0, min(count, uint64(len(b)/lenCentral)))
	total := int64(0)
	for i := range count {
		if len(b) < lenCentral || le.Uint32(b) != sigCentral {
			return c.refuse("", Truncated, "the directory has %d of %d members", i, count)
		}
		nl, xl, cl := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
		if len(b) < lenCentral+nl+xl+cl {
			return c.refuse("", Truncated, "the directory has %d of %d members", i, count)
		}
		v := b[lenCentral:]
		e := Entry{
			Name: string(v[:nl]), Order: int(i),
			Creator: le.Uint16(b[4:]), Flags: le.Uint16(b[8:]), Method: le.Uint16(b[10:]),
			Time:  dosTime(le.Uint16(b[14:]), le.Uint16(b[12:])),
			CRC32: le.Uint32(b[16:]), Packed: int64(le.Uint32(b[20:])), Size: int64(le.Uint32(b[24:])),
			External: le.Uint32(b[38:]), Offset: int64(le.Uint32(b[42:])),
			Extra: bytes.Clone(v[nl : nl+xl]), Comment: string(v[nl+xl : nl+xl+cl]),
			dos: le.Uint32(b[12:]),
		}
		e.Mode = e.External >> 16
		if le.Uint16(b[34:]) != 0 {
			return c.refuse(e.Name, NotZip, "it lies on another volume")
		}
		if xl > MaxExtra {
			return c.refuse(e.Name, TooBig, "an extra field of %d bytes, at most %d are read", xl, MaxExtra)
		}
		if err := c.widen(&e); err != nil {
			return err
		}
		if err := c.checkEntry(&e); err != nil {
			return err
		}
		if total += e.Size; total > MaxTotal {
			return c.refuse("", TooBig, "it unpacks to more than %d bytes", int64(MaxTotal))
		}
		c.entries = append(c.entries, e)
		b = b[lenCentral+nl+xl+cl:]
	}
	if len(b) != 0 {
		return c.refuse("", Surplus, "%d bytes in the directory after its %d members", len(b), count)
	}
	return nil
}

// widen replaces saturated 32-bit fields by those of the zip64 extra field.
func (c *container) widen(e *Entry) error {
	z, err := c.extra(e.Name, e.Extra)
	if err != nil {
		return err
	}
	for _, f := range []*int64{&e.Size, &e.Packed, &e.Offset} {
		if *f != 0xffffffff {
			continue
		}
		if len(z) < 8 {
			return c.refuse(e.Name, HeaderDiffer, "its zip64 field is missing or too short")
		}
		v := binary.LittleEndian.Uint64(z)
		if v > MaxArchive && f != &e.Size || v > MaxFile && f == &e.Size {
			return c.refuse(e.Name, TooBig, "its zip64 field says %d", v)
		}
		*f, z = int64(v), z[8:]
	}
	return nil
}

// extra returns the body of the zip64 field; a field that some readers take for
// the name (Info-ZIP's Unicode path) and fields twice are refused.
func (c *container) extra(name string, x []byte) (zip64 []byte, err error) {
	seen := false
	for len(x) >= 4 {
		id, n := binary.LittleEndian.Uint16(x), int(binary.LittleEndian.Uint16(x[2:]))
		if n > len(x)-4 {
			return nil, c.refuse(name, HeaderDiffer, "its extra field is cut off")
		}
		switch {
		case id == extraUnicodePath:
			return nil, c.refuse(name, BadName, "it has a second name in its extra field")
		case id == extraZip64 && seen:
			return nil, c.refuse(name, HeaderDiffer, "two zip64 fields")
		case id == extraZip64:
			zip64, seen = x[4:4+n], true
		}
		x = x[4+n:]
	}
	return zip64, nil
}

// checkEntry refuses what no wheel or sdist may hold.
func (c *container) checkEntry(e *Entry) error {
	if msg := badName(e.Name, e.Dir()); msg != "" {
		return c.refuse(e.Name, BadName, "%s", msg)
	}
	if !isASCII(e.Name) && e.Flags&flagUTF8 == 0 {
		// Readers take such a name for CP437, for UTF-8 or for the local code page.
		return c.refuse(e.Name, BadName, "its name is not ASCII and not marked as UTF-8")
	}
	switch typ := e.Mode & 0o170000; {
	case typ == 0o120000:
		return c.refuse(e.Name, Link, "a symbolic link")
	case typ != 0 && typ != 0o100000 && typ != 0o040000:
		return c.refuse(e.Name, Special, "a device, pipe or socket (mode %o)", e.Mode)
	case typ == 0o040000 && !e.Dir() || typ == 0o100000 && e.Dir():
		return c.refuse(e.Name, Special, "its mode %o and its name disagree about whether it is a folder", e.Mode)
	}
	if e.Flags&(flagEncrypted|flagStrong|flagMasked) != 0 {
		return c.refuse(e.Name, Encrypted, "it is encrypted")
	}
	if e.Method != 0 && e.Method != 8 || e.Flags&flagPatch != 0 {
		return c.refuse(e.Name, Method, "method %d, only stored and deflated are read", e.Method)
	}
	switch {
	case e.Dir() && e.Size != 0:
		return c.refuse(e.Name, Special, "a folder with %d bytes of its own", e.Size)
	case e.Method == 0 && e.Size != e.Packed:
		return c.refuse(e.Name, HeaderDiffer, "stored, but %d bytes are said to be %d", e.Packed, e.Size)
	case e.Size > MaxFile:
		return c.refuse(e.Name, TooBig, "%d bytes, at most %d are read", e.Size, int64(MaxFile))
	case e.Size > RatioFree && e.Size/MaxRatio > e.Packed:
		return c.refuse(e.Name, Bomb, "%d bytes unpack to %d, more than %d times", e.Packed, e.Size, MaxRatio)
	}
	return nil
}

// dosTime is the zip's time read as UTC; zero when the fields name no instant.
func dosTime(date, clock uint16) time.Time {
	y, mo, d := int(date>>9)+1980, time.Month(date>>5&15), int(date&31)
	h, mi, s := int(clock>>11), int(clock>>5&63), int(clock&31)*2
	t := time.Date(y, mo, d, h, mi, s, 0, time.UTC)
	if t.Month() != mo || t.Day() != d || t.Hour() != h || t.Minute() != mi || t.Second() != s {
		return time.Time{}
	}
	return t
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
