package compare

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// The zip reader of this package is the opposite of package archive's: it takes
// what it can get, names twice, symbolic links, stubs in front, encrypted members,
// since showing them is what a comparison is for. It refuses only what it cannot
// make out at all (APPNOTE 6.3.10, sections 4.3 and 4.4).

var le = binary.LittleEndian

type zipReader struct {
	file  string
	r     io.ReaderAt
	size  int64
	base  int64 // bytes before the archive: offsets count from there
	dir   int64
	c     *run
	spans []span
}

// span is where a member lies in the file.
type span struct{ from, to int64 }

func (z *zipReader) refuse(name string, k archive.Kind, format string, args ...any) error {
	return &archive.Error{File: z.file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
}

func (z *zipReader) read(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > z.size || n > z.size-off {
		return nil, z.refuse("", archive.Truncated, "%d bytes at %d lie outside of the file's %d", n, off, z.size)
	}
	b := make([]byte, n)
	if m, err := z.r.ReadAt(b, off); int64(m) < n {
		return nil, fmt.Errorf("reading %s: %w", z.file, err)
	}
	return b, nil
}

// readZip lists the members of a zip.
func (c *run) readZip(file string, x content) (*tree, error) {
	z := &zipReader{file: file, r: x.at, size: x.size, c: c}
	t := &tree{kind: zipKind, columns: zipColumns}
	count, dirSize, comment, err := z.end()
	if err != nil {
		return nil, err
	}
	if count > archive.MaxEntries || dirSize > archive.MaxDirectory {
		return nil, z.refuse("", archive.TooBig, "%d members in a directory of %d bytes, at most %d and %d are read", count, dirSize, archive.MaxEntries, int64(archive.MaxDirectory))
	}
	b, err := z.read(z.dir, dirSize)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for i := range count {
		m, rest, err := z.member(b)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, z.refuse("", archive.Truncated, "the directory has %d of %d members", i, count)
		}
		if total += m.data.size; total > MaxUnpacked/2 || total < 0 {
			return nil, z.refuse("", archive.Bomb, "its members are said to unpack to more than %d bytes", int64(MaxUnpacked/2))
		}
		b, t.members = rest, append(t.members, m)
	}
	loose, err := z.loose()
	if err != nil {
		return nil, err
	}
	t.fields = []field{
		{name: "comment", value: comment, cause: Deflate},
		{name: "bytes that belong to no member", value: loose, cause: Deflate},
		{name: "bytes in the directory after its members", value: digest(b), cause: Deflate},
	}
	return t, nil
}

// digest is a short name for bytes, "" for none.
func digest(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%d bytes (%x)", len(b), sum[:4])
}

// end finds the end record: the last one whose comment fits into the file.
func (z *zipReader) end() (count, dirSize int64, comment string, err error) {
	const lenEnd, lenLocator, lenEnd64 = 22, 20, 56
	n := min(z.size, lenEnd+0xffff+lenLocator+lenEnd64)
	tail, err := z.read(z.size-n, n)
	if err != nil {
		return 0, 0, "", err
	}
	p := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	for p >= 0 && (len(tail)-p < lenEnd || int(le.Uint16(tail[p+20:])) > len(tail)-p-lenEnd) {
		p = bytes.LastIndex(tail[:p], []byte("PK\x05\x06"))
	}
	if p < 0 {
		return 0, 0, "", z.refuse("", archive.Truncated, "no end record: not a zip, or cut off")
	}
	e := tail[p:]
	comment = string(e[lenEnd:]) // and whatever follows it
	count, dirSize = int64(le.Uint16(e[10:])), int64(le.Uint32(e[12:]))
	dirOff, end := int64(le.Uint32(e[16:])), z.size-n+int64(p)
	if p >= lenLocator+lenEnd64 && bytes.HasPrefix(tail[p-lenLocator:], []byte("PK\x06\x07")) {
		if r := tail[p-lenLocator-lenEnd64:]; bytes.HasPrefix(r, []byte("PK\x06\x06")) {
			count, dirSize, dirOff = int64(le.Uint64(r[32:])), int64(le.Uint64(r[40:])), int64(le.Uint64(r[48:]))
			end -= lenLocator + lenEnd64
		}
	}
	if dirSize < 0 || dirOff < 0 || count < 0 || dirSize > end || dirOff > end-dirSize {
		return 0, 0, "", z.refuse("", archive.Truncated, "its directory is said to lie at %d, past its end record at %d", dirOff, end)
	}
	z.dir = end - dirSize
	z.base = z.dir - dirOff
	return count, dirSize, comment, nil
}

// member reads the first header of a directory; nil when there is none.
func (z *zipReader) member(b []byte) (*member, []byte, error) {
	if len(b) < 46 || le.Uint32(b) != 0x02014b50 {
		return nil, b, nil
	}
	nl, xl, cl := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	all := 46 + nl + xl + cl
	if len(b) < all {
		return nil, b, nil
	}
	h, name, extra := b[:46], string(b[46:46+nl]), b[46+nl:46+nl+xl]
	if len(name) > archive.MaxName {
		return nil, nil, z.refuse("", archive.BadName, "a name of %d bytes", len(name))
	}
	m := &member{name: name, what: isFile}
	size, packed, off := int64(le.Uint32(h[24:])), int64(le.Uint32(h[20:])), int64(le.Uint32(h[42:]))
	z64, others := zip64(extra)
	for _, f := range []*int64{&size, &packed, &off} {
		if *f == 0xffffffff && len(z64) >= 8 {
			*f, z64 = int64(le.Uint64(z64)), z64[8:]
		}
	}
	if size < 0 || packed < 0 || off < 0 {
		return nil, nil, z.refuse(name, archive.TooBig, "its sizes are past any file's")
	}
	mode := le.Uint32(h[38:]) >> 16
	flags, method := le.Uint16(h[8:]), le.Uint16(h[10:])
	switch {
	case strings.HasSuffix(name, "/"):
		m.what = isFolder
	case mode&0o170000 == 0o120000:
		m.what = isLink // its target stands where a file's bytes stand
	case mode&0o170000 != 0 && mode&0o170000 != 0o100000:
		m.what = fmt.Sprintf("special file (mode %o)", mode)
	}
	m.exec, m.set = mode&0o111 != 0 && m.what == isFile, special(mode)
	local, data, err := z.local(m, off, packed)
	if err != nil {
		return nil, nil, err
	}
	x := section(z.r, data, packed)
	m.packing = &packing{method: method2(method), data: x}
	if flags&1 != 0 {
		m.packing.opaque = "encrypted"
	} else if method != 0 && method != 8 {
		m.packing.opaque = "packed by " + method2(method)
	}
	m.data = z.unpacked(m, x, method, size, le.Uint32(h[16:]))
	if m.packing.opaque != "" {
		m.data = x
	}
	m.values = z.c.intern(zipValues(h, mode, others, string(b[46+nl+xl:all])))
	m.residue = z.c.text(masked(h, 16, 28, 42, 46) + "/" + local)
	return m, b[all:], nil
}

var zipColumns = []column{
	{"times", ZipTimes, false},
	{"extra fields", ZipTimes, false},
	{"modes", ZipModes, true},
	{"attributes", ZipModes, true},
	{"system", ZipModes, true},
	{"version needed", Deflate, true},
	{"flags", Deflate, true},
	{"internal attributes", Deflate, true},
	{"comments", Deflate, false},
}

func zipValues(h []byte, mode uint32, extra []byte, comment string) []string {
	return []string{
		dosClock(le.Uint16(h[14:]), le.Uint16(h[12:])),
		hex.EncodeToString(extra),
		fmt.Sprintf("%o", mode),
		fmt.Sprintf("%#x", le.Uint16(h[38:])),
		fmt.Sprintf("%d, version %d", h[5], h[4]),
		fmt.Sprint(le.Uint16(h[6:])),
		fmt.Sprintf("%#x", le.Uint16(h[8:])),
		fmt.Sprint(le.Uint16(h[36:])),
		comment,
	}
}

// special names the bits of a mode that change whom a file runs as.
func special(mode uint32) string {
	var s []string
	for _, b := range []struct {
		bit  uint32
		name string
	}{{0o4000, "setuid"}, {0o2000, "setgid"}, {0o1000, "sticky"}} {
		if mode&b.bit != 0 {
			s = append(s, b.name)
		}
	}
	return strings.Join(s, " ")
}

func method2(m uint16) string {
	switch m {
	case 0:
		return "stored"
	case 8:
		return "deflate"
	}
	return fmt.Sprintf("method %d", m)
}

// dosClock has no zone; a date that does not exist stands as it is.
func dosClock(date, clock uint16) string {
	t := time.Date(int(date>>9)+1980, time.Month(date>>5&15), int(date&31), int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
	if int(t.Month()) != int(date>>5&15) || t.Day() != int(date&31) || t.Hour() != int(clock>>11) || t.Minute() != int(clock>>5&63) {
		return fmt.Sprintf("none (%#04x %#04x)", date, clock)
	}
	return t.Format(time.DateTime)
}

// zip64 takes the field of long sizes out of an extra field.
func zip64(extra []byte) (body, others []byte) {
	for len(extra) >= 4 {
		n := 4 + int(le.Uint16(extra[2:]))
		if n > len(extra) {
			break
		}
		if le.Uint16(extra) == 1 && body == nil {
			body = extra[4:n]
		} else {
			others = append(others, extra[:n]...)
		}
		extra = extra[n:]
	}
	return body, append(others, extra...)
}

// masked is a digest of b without the ranges from, to, from, to.
func masked(b []byte, ranges ...int) string {
	b = bytes.Clone(b)
	for i := 0; i+1 < len(ranges); i += 2 {
		clear(b[ranges[i]:ranges[i+1]])
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// local reads a member's own header: what it says beside the directory, and
// where the data begin.
func (z *zipReader) local(m *member, off, packed int64) (residue string, data int64, err error) {
	off += z.base
	h, err := z.read(off, 30)
	if err != nil || le.Uint32(h) != 0x04034b50 {
		return "", 0, z.refuse(m.name, archive.HeaderDiffer, "no local header at %d", off)
	}
	nl, xl := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	data = off + 30 + nl + xl
	v, err := z.read(off+30, nl+xl)
	if err != nil || data > z.size || packed > z.size-data {
		return "", 0, z.refuse(m.name, archive.Truncated, "%d packed bytes at %d lie outside of the file's %d", packed, data, z.size)
	}
	_, others := zip64(v[nl:])
	residue = masked(h, 14, 26) + "/" + hex.EncodeToString(others)
	if string(v[:nl]) != m.name {
		residue += "/" + string(v[:nl])
	}
	end := data + packed
	if le.Uint16(h[6:])&8 != 0 {
		end += z.descriptor(end)
	}
	z.spans = append(z.spans, span{off, end})
	return residue, data, nil
}

// descriptor is the length of the data descriptor at off.
func (z *zipReader) descriptor(off int64) int64 {
	b, err := z.read(off, min(24, z.size-off))
	if err != nil || len(b) < 12 {
		return 0
	}
	n := int64(12)
	if bytes.HasPrefix(b, []byte("PK\x07\x08")) {
		n = 16
	}
	for _, long := range []int64{0, 8} { // sizes of four bytes, or of eight
		next := off + n + long
		if sig, err := z.read(next, 4); err == nil && (le.Uint32(sig) == 0x04034b50 || le.Uint32(sig) == 0x02014b50) {
			return n + long
		}
	}
	return n
}

// loose is a digest of the bytes before, between and after the members.
func (z *zipReader) loose() (string, error) {
	spans := append(z.spans, span{z.dir, z.dir})
	sort.Slice(spans, func(i, j int) bool { return spans[i].from < spans[j].from })
	h, n, at := sha256.New(), int64(0), int64(0)
	for _, s := range spans {
		if gap := s.from - at; gap > 0 {
			n += gap
			if _, err := io.Copy(h, io.NewSectionReader(z.r, at, gap)); err != nil {
				return "", fmt.Errorf("reading %s: %w", z.file, err)
			}
		}
		at = max(at, s.to)
	}
	if n == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d bytes (%x)", n, h.Sum(nil)[:4]), nil
}

// unpacked is a member's bytes, whose size and CRC are checked at their end.
func (z *zipReader) unpacked(m *member, x content, method uint16, size int64, crc uint32) content {
	return content{size: size, open: func() (io.ReadCloser, error) {
		r, err := x.open()
		if err != nil {
			return nil, err
		}
		u := &unpacker{z: z, m: m, close: r.Close, r: counted{z.c, r}, size: size, crc: crc}
		if method == 8 {
			f := inflaters.Get().(*inflater)
			f.in.Reset(r)
			f.Reset(f.in, nil)
			u.r, u.close = counted{z.c, f}, func() error { inflaters.Put(f); return r.Close() }
		}
		return u, nil
	}}
}

// inflater is a decompressor that is used again.
type inflater struct {
	in *bufio.Reader
	io.ReadCloser
	flate.Resetter
}

var inflaters = sync.Pool{New: func() any {
	in := bufio.NewReaderSize(nil, 16<<10)
	f := flate.NewReader(in)
	return &inflater{in, f, f.(flate.Resetter)}
}}

type unpacker struct {
	z       *zipReader
	m       *member
	r       io.Reader
	close   func() error
	n, size int64
	sum     uint32
	crc     uint32
}

func (u *unpacker) Close() error { return u.close() }

func (u *unpacker) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), u.size-u.n+1)]
	n, err := u.r.Read(p)
	u.n += int64(n)
	u.sum = crc32.Update(u.sum, crc32.IEEETable, p[:n])
	_, corrupt := err.(flate.CorruptInputError)
	switch {
	case u.n > u.size:
		return 0, u.z.refuse(u.m.name, archive.Checksum, "it unpacks to more than %d bytes", u.size)
	case corrupt || err == io.ErrUnexpectedEOF:
		return 0, u.z.refuse(u.m.name, archive.Checksum, "its deflate stream is broken")
	case err == io.EOF && u.n != u.size:
		return 0, u.z.refuse(u.m.name, archive.Checksum, "%d bytes instead of %d", u.n, u.size)
	case err == io.EOF && u.sum != u.crc:
		return 0, u.z.refuse(u.m.name, archive.Checksum, "its CRC is %08x, not %08x", u.sum, u.crc)
	}
	return n, err
}
