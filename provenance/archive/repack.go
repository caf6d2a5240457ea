package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// Repack writes w's files into dst within another container. A member's packed
// bytes are kept as they are, so that no compressor of ours has a say in a hash;
// only what the container wants stored is unpacked. The error is a [*Error] of
// kind [Method] where the container does not fit: another set of files, or one
// that it wants packed and w has stored.
func (w *Wheel) Repack(dst io.Writer, c *Container) error {
	r := &repacker{w: w, dst: dst}
	left := map[string]bool{}
	for i := range w.Entries {
		if !w.Entries[i].Dir() {
			left[w.Entries[i].Name] = true
		}
	}
	for i := range c.Members {
		if err := r.member(&c.Members[i]); err != nil {
			return err
		}
		delete(left, c.Members[i].Name)
	}
	if len(left) > 0 {
		return w.zip.refuse("", Method, "%d files are not in the container that it is to be put into", len(left))
	}
	return r.end(len(c.Members), c.Comment)
}

type repacker struct {
	w   *Wheel
	dst io.Writer
	n   int64        // bytes written
	dir bytes.Buffer // central directory
}

// member writes one local header with its data, and keeps the entry of the directory.
func (r *repacker) member(m *Member) error {
	data, crc, size, err := r.data(m)
	if err != nil {
		return err
	}
	if r.n > 0xfffffffe || size > 0xfffffffe {
		return r.w.zip.refuse(m.Name, TooBig, "zip64 is not written")
	}
	packed := uint32(len(data))
	le := binary.LittleEndian
	h := make([]byte, 0, lenLocal+len(m.Name)+len(m.Local)+16)
	h = le.AppendUint32(h, sigLocal)
	common := make([]byte, 0, 26)
	for _, v := range []uint16{m.Needed, m.Flags, m.Method, dosClock(m.Time), dosDate(m.Time)} {
		common = le.AppendUint16(common, v)
	}
	sums := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, crc), packed), uint32(size))
	h = append(h, common...)
	if m.Descriptor > 0 {
		h = append(h, make([]byte, 12)...)
	} else {
		h = append(h, sums...)
	}
	h = le.AppendUint16(le.AppendUint16(h, uint16(len(m.Name))), uint16(len(m.Local)))
	h = append(append(h, m.Name...), m.Local...)
	offset := r.n
	tail := sums
	switch m.Descriptor {
	case 0:
		tail = nil
	case 16:
		tail = append(le.AppendUint32(nil, sigDescriptor), sums...)
	}
	for _, b := range [][]byte{h, data, tail} {
		if err := r.write(b); err != nil {
			return err
		}
	}
	d := le.AppendUint16(le.AppendUint32(nil, sigCentral), m.Creator)
	d = append(append(d, common...), sums...)
	for _, v := range []uint16{uint16(len(m.Name)), uint16(len(m.Central)), 0, 0, m.Internal} {
		d = le.AppendUint16(d, v)
	}
	d = le.AppendUint32(le.AppendUint32(d, m.External), uint32(offset))
	r.dir.Write(d)
	r.dir.WriteString(m.Name)
	r.dir.Write(m.Central)
	return nil
}

// data gives a member's packed bytes, with CRC and size of the unpacked ones.
func (r *repacker) data(m *Member) (data []byte, crc uint32, size int64, err error) {
	if strings.HasSuffix(m.Name, "/") {
		if m.Method == 8 {
			return []byte{3, 0}, 0, 0, nil // what deflate makes of nothing
		}
		return nil, 0, 0, nil
	}
	e := r.w.Lookup(m.Name)
	if e == nil {
		return nil, 0, 0, r.w.zip.refuse(m.Name, Method, "the container that it is to be put into has this file, the wheel has not")
	}
	if e.Method == m.Method {
		src, err := r.w.OpenPacked(e)
		if err != nil {
			return nil, 0, 0, err
		}
		data, err = io.ReadAll(src)
		return data, e.CRC32, e.Size, err
	}
	if m.Method != 0 {
		return nil, 0, 0, r.w.zip.refuse(m.Name, Method, "it is stored, and the container wants it packed")
	}
	data, err = r.w.ReadFile(m.Name, MaxFile)
	return data, e.CRC32, e.Size, err
}

// end writes the directory and the end record.
func (r *repacker) end(count int, comment string) error {
	if r.n+int64(r.dir.Len()) > 0xfffffffe {
		return r.w.zip.refuse("", TooBig, "zip64 is not written")
	}
	le := binary.LittleEndian
	e := le.AppendUint32(le.AppendUint32(nil, sigEnd), 0)
	e = le.AppendUint16(le.AppendUint16(e, uint16(count)), uint16(count))
	e = le.AppendUint32(le.AppendUint32(e, uint32(r.dir.Len())), uint32(r.n))
	e = append(le.AppendUint16(e, uint16(len(comment))), comment...)
	if err := r.write(r.dir.Bytes()); err != nil {
		return err
	}
	return r.write(e)
}

func (r *repacker) write(b []byte) error {
	n, err := r.dst.Write(b)
	r.n += int64(n)
	if err != nil {
		return fmt.Errorf("writing a wheel: %w", err)
	}
	return nil
}

// dosDate and dosClock are the two fields of a zip's time, seconds halved.
func dosDate(t time.Time) uint16 {
	return uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day())
}

func dosClock(t time.Time) uint16 {
	return uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2)
}
