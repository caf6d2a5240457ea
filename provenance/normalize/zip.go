package normalize

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// Fields of a zip (APPNOTE 6.3.10, section 4.3) that are the same in each member.
const (
	sigLocal   = 0x04034b50
	sigCentral = 0x02014b50
	sigEnd     = 0x06054b50
	madeBy     = 0x0314 // Unix, version 2.0
	needed     = 20
	flagUTF8   = 1 << 11
	maxOffset  = 0xfffffffe
	maxMembers = 0xfffe
)

type member struct {
	name       string
	crc        uint32
	size       int64
	executable bool
}

// zipWriter writes a zip into a file. How long a packed member is is known only
// after it was written, so that one field is written last.
type zipWriter struct {
	f     *os.File
	b     *bufio.Writer
	n     int64
	when  uint32 // DOS time and date
	dir   bytes.Buffer
	count int
	late  []patch
	d     deflater
	err   error // the zip is too large
}

type patch struct {
	at     int64
	packed uint32
}

func newZip(f *os.File, epoch int64) *zipWriter {
	t := time.Unix(epoch, 0).UTC()
	date := uint32(t.Year()-1980)<<9 | uint32(t.Month())<<5 | uint32(t.Day())
	clock := uint32(t.Hour())<<11 | uint32(t.Minute())<<5 | uint32(t.Second()/2)
	z := &zipWriter{f: f, when: date<<16 | clock}
	z.b = bufio.NewWriterSize(z, 1<<18)
	return z
}

// Write is where the buffer goes.
func (z *zipWriter) Write(p []byte) (int, error) { return z.f.Write(p) }

// counted counts the bytes of a packed member.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (z *zipWriter) add(m member, r io.Reader) error {
	if z.n > maxOffset || m.size > maxOffset || z.count >= maxMembers {
		z.err = errLarge
		return nil
	}
	le := binary.LittleEndian
	flags, method, mode := uint16(0), uint16(8), uint32(0o100644)
	if !ascii(m.name) {
		flags = flagUTF8
	}
	if m.size == 0 {
		method = 0
	}
	if m.executable {
		mode = 0o100755
	}
	common := le.AppendUint16(nil, needed)
	common = le.AppendUint16(le.AppendUint16(common, flags), method)
	common = le.AppendUint32(le.AppendUint32(common, z.when), m.crc)
	at := z.n
	head := append(le.AppendUint32(nil, sigLocal), common...)
	head = le.AppendUint32(le.AppendUint32(head, 0), uint32(m.size)) // 0: see late
	head = le.AppendUint16(le.AppendUint16(head, uint16(len(m.name))), 0)
	c := &counted{w: z.b}
	if _, err := z.b.Write(append(head, m.name...)); err != nil {
		return err
	}
	// A reader that is read to its end has checked what it read.
	var err error
	if method == 8 {
		err = z.d.pack(c, r)
	} else {
		_, err = io.Copy(c, r)
	}
	if err != nil {
		return err
	}
	z.n += int64(len(head)+len(m.name)) + c.n
	if c.n > maxOffset {
		z.err = errLarge
	}
	z.late = append(z.late, patch{at + 18, uint32(c.n)})
	z.count++
	d := append(le.AppendUint16(le.AppendUint32(nil, sigCentral), madeBy), common...)
	d = le.AppendUint32(le.AppendUint32(d, uint32(c.n)), uint32(m.size))
	for _, v := range []uint16{uint16(len(m.name)), 0, 0, 0, 0} {
		d = le.AppendUint16(d, v)
	}
	d = le.AppendUint32(le.AppendUint32(d, mode<<16), uint32(at))
	z.dir.Write(append(d, m.name...))
	return nil
}

// end writes the directory, and the lengths that were not known.
func (z *zipWriter) end(file string) error {
	if z.err != nil || z.n+int64(z.dir.Len()) > maxOffset {
		return &archive.Error{File: file, Kind: archive.TooBig, Msg: errLarge.Error()}
	}
	le := binary.LittleEndian
	e := le.AppendUint32(le.AppendUint32(nil, sigEnd), 0)
	e = le.AppendUint16(le.AppendUint16(e, uint16(z.count)), uint16(z.count))
	e = le.AppendUint32(le.AppendUint32(e, uint32(z.dir.Len())), uint32(z.n))
	e = le.AppendUint16(e, 0)
	z.b.Write(z.dir.Bytes())
	z.b.Write(e)
	if err := z.b.Flush(); err != nil {
		return err
	}
	for _, p := range z.late {
		if _, err := z.f.WriteAt(le.AppendUint32(nil, p.packed), p.at); err != nil {
			return err
		}
	}
	return nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
