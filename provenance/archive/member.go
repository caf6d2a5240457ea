package archive

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sort"
	"sync"
)

// checkSpans refuses members that share bytes and bytes before the first one.
// It knows the central directory only, so it assumes the shortest local header;
// [container.auditSpans] accounts for every byte.
func (c *container) checkSpans() error {
	end := int64(0)
	for i, e := range c.byOffset() {
		if e.Offset > c.dir || e.Packed > c.dir-e.Offset {
			return c.refuse(e.Name, Overlap, "it reaches into the directory")
		}
		if e.Offset < end {
			return c.refuse(e.Name, Overlap, "it shares bytes with another member")
		}
		if i == 0 && e.Offset != 0 {
			return c.refuse("", Surplus, "%d bytes stand before the first member", e.Offset)
		}
		end = e.Offset + lenLocal + int64(len(e.Name)) + e.Packed
	}
	if end > c.dir {
		return c.refuse("", Overlap, "the last member reaches into the directory")
	}
	if len(c.entries) == 0 && c.dir != 0 {
		return c.refuse("", Surplus, "%d bytes and no member", c.dir)
	}
	return nil
}

func (c *container) byOffset() []*Entry {
	es := make([]*Entry, len(c.entries))
	for i := range c.entries {
		es[i] = &c.entries[i]
	}
	sort.SliceStable(es, func(i, j int) bool { return es[i].Offset < es[j].Offset })
	return es
}

// auditSpans demands that local headers, data and descriptors fill the file up
// to the directory without a gap.
func (c *container) auditSpans() error {
	es := c.byOffset()
	for i, e := range es {
		data, err := c.local(e)
		if err != nil {
			return err
		}
		next := c.dir
		if i+1 < len(es) {
			next = es[i+1].Offset
		}
		rest := next - data - e.Packed
		if e.Flags&flagDescriptor == 0 || rest == 0 {
			if rest != 0 {
				return c.refuse(e.Name, Surplus, "%d bytes after it that belong to no member", rest)
			}
			continue
		}
		if err := c.descriptor(e, data+e.Packed, rest); err != nil {
			return err
		}
	}
	return nil
}

// descriptor checks the n bytes after a member's data: CRC and two sizes, of 4
// or 8 bytes each, with or without a signature.
func (c *container) descriptor(e *Entry, off, n int64) error {
	if n != 12 && n != 16 && n != 20 && n != 24 {
		return c.refuse(e.Name, Surplus, "%d bytes after it are no data descriptor", n)
	}
	b, err := c.at(off, n)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	if n == 16 || n == 24 {
		if le.Uint32(b) != sigDescriptor {
			return c.refuse(e.Name, Surplus, "%d bytes after it are no data descriptor", n)
		}
		b = b[4:]
	}
	crc, packed, size := le.Uint32(b), uint64(0), uint64(0)
	if len(b) == 12 {
		packed, size = uint64(le.Uint32(b[4:])), uint64(le.Uint32(b[8:]))
	} else {
		packed, size = le.Uint64(b[4:]), le.Uint64(b[12:])
	}
	if crc != e.CRC32 || packed != uint64(e.Packed) || size != uint64(e.Size) {
		return c.refuse(e.Name, HeaderDiffer, "its data descriptor and the directory disagree")
	}
	return nil
}

// local checks e's local header against the directory and returns where its data begin.
func (c *container) local(e *Entry) (int64, error) {
	h, err := c.at(e.Offset, lenLocal)
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	if le.Uint32(h) != sigLocal {
		return 0, c.refuse(e.Name, HeaderDiffer, "no local header at %d", e.Offset)
	}
	nl, xl := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	data := e.Offset + lenLocal + nl + xl
	if data > c.dir || e.Packed > c.dir-data {
		return 0, c.refuse(e.Name, Overlap, "it reaches into the directory")
	}
	v, err := c.at(e.Offset+lenLocal, nl+xl)
	if err != nil {
		return 0, err
	}
	if string(v[:nl]) != e.Name {
		return 0, c.refuse(e.Name, HeaderDiffer, "its local header calls it %q", v[:nl])
	}
	zip64, err := c.extra(e.Name, v[nl:])
	if err != nil {
		return 0, err
	}
	if le.Uint16(h[6:]) != e.Flags || le.Uint16(h[8:]) != e.Method || le.Uint32(h[10:]) != e.dos {
		return 0, c.refuse(e.Name, HeaderDiffer, "local header and directory disagree about flags, method or time")
	}
	crc, packed, size := le.Uint32(h[14:]), uint64(le.Uint32(h[18:])), uint64(le.Uint32(h[22:]))
	for _, f := range []*uint64{&size, &packed} {
		if *f == 0xffffffff && len(zip64) >= 8 {
			*f, zip64 = le.Uint64(zip64), zip64[8:]
		}
	}
	same := crc == e.CRC32 && packed == uint64(e.Packed) && size == uint64(e.Size)
	later := e.Flags&flagDescriptor != 0 && crc == 0 && packed == 0 && size == 0
	if !same && !later {
		return 0, c.refuse(e.Name, HeaderDiffer, "local header and directory disagree about its CRC or sizes")
	}
	return data, nil
}

// member reads one member and checks its size, its CRC and that its packed data
// end where the directory says.
type member struct {
	c     *container
	e     *Entry
	raw   *bufio.Reader
	sect  *io.SectionReader
	flate io.ReadCloser // nil for a stored member
	crc   uint32
	n     int64
	err   error
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

func (c *container) open(e *Entry) (io.ReadCloser, error) {
	data, err := c.local(e)
	if err != nil {
		return nil, err
	}
	m := &member{c: c, e: e, sect: io.NewSectionReader(c.r, data, e.Packed)}
	m.raw = bufio.NewReaderSize(m.sect, 32<<10)
	if e.Method == 8 {
		m.flate = inflaters.Get().(io.ReadCloser)
		if err := m.flate.(flate.Resetter).Reset(m.raw, nil); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *member) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	var r io.Reader = m.raw
	if m.flate != nil {
		r = m.flate
	}
	// One byte more than promised is asked for, to notice a member that has it.
	p = p[:min(int64(len(p)), m.e.Size-m.n+1)]
	n, err := r.Read(p)
	m.n += int64(n)
	m.crc = crc32.Update(m.crc, crc32.IEEETable, p[:n])
	switch {
	case m.n > m.e.Size:
		n, err = 0, m.c.refuse(m.e.Name, Checksum, "it unpacks to more than %d bytes", m.e.Size)
	case err == io.EOF:
		err = m.finish()
	case err != nil:
		if _, corrupt := err.(flate.CorruptInputError); corrupt || err == io.ErrUnexpectedEOF {
			err = m.c.refuse(m.e.Name, Checksum, "its deflate stream is broken")
		}
	}
	m.err = err
	return n, err
}

func (m *member) finish() error {
	pos, _ := m.sect.Seek(0, io.SeekCurrent)
	left := m.e.Packed - pos + int64(m.raw.Buffered())
	switch {
	case m.n != m.e.Size:
		return m.c.refuse(m.e.Name, Checksum, "%d bytes instead of %d", m.n, m.e.Size)
	case m.crc != m.e.CRC32:
		return m.c.refuse(m.e.Name, Checksum, "its CRC is %08x, not %08x", m.crc, m.e.CRC32)
	case left != 0:
		return m.c.refuse(m.e.Name, Surplus, "%d bytes after its deflate stream", left)
	}
	return io.EOF
}

// Close gives the decompressor back. It does not read to the end.
func (m *member) Close() error {
	if m.flate != nil {
		inflaters.Put(m.flate)
		m.flate, m.err = nil, io.ErrClosedPipe
	}
	return nil
}
