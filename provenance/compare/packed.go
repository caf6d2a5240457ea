package compare

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// unpack gives what is in a compressed file, and what its header says.
func (c *run) unpack(file string, k kind, x content) (content, []field, error) {
	r, err := x.open()
	if err != nil {
		return x, nil, err
	}
	defer r.Close()
	var fields []field
	var out content
	switch k {
	case gzipKind:
		g := &gzipReader{in: bufio.NewReaderSize(r, 64<<10)}
		if out, err = c.spool(g); err == nil {
			fields = g.fields()
		}
	case bzip2Kind:
		out, err = c.spool(bzip2.NewReader(bufio.NewReaderSize(r, 64<<10)))
	case xzKind:
		out, err = c.unxz(file, r)
	case zstdKind:
		out, err = c.unzstd(r)
	}
	if err != nil && !c.ours(err) {
		why := archive.Checksum
		if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
			why = archive.Truncated
		}
		err = &archive.Error{File: file, Kind: why, Msg: fmt.Sprintf("its %s stream is broken or cut off: %v", k, err)}
	}
	return out, fields, err
}

// ours reports whether err is about this machine or the user, not about what is
// unpacked.
func (c *run) ours(err error) bool {
	var path *fs.PathError
	return c.ctx.Err() != nil || errors.As(err, new(*archive.Error)) || errors.As(err, &path)
}

// MaxDictionary is the most memory, in bytes, that a packed file may ask for to
// be unpacked. xz -9 asks for 64 MiB.
const MaxDictionary = 128 << 20

// unxz unpacks an .xz file whose blocks need no more memory than MaxDictionary.
func (c *run) unxz(file string, r io.Reader) (content, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(12 + 1024); xzDictionary(head) > MaxDictionary {
		return content{}, &archive.Error{File: file, Kind: archive.TooBig, Msg: fmt.Sprintf("unpacking it takes %d bytes of memory, at most %d are given", xzDictionary(head), int64(MaxDictionary))}
	}
	z, err := xz.NewReader(in)
	if err != nil {
		return content{}, fmt.Errorf("xz: %w", err)
	}
	return c.spool(z)
}

// xzDictionary is the size of the dictionary of the first block (xz-file-format
// 1.2.1, sections 3.1 and 5.3.1), 0 where it cannot be told.
func xzDictionary(b []byte) int64 {
	if len(b) < 14 {
		return 0
	}
	n := (int(b[12]) + 1) * 4
	if b[12] == 0 || 12+n > len(b) {
		return 0
	}
	i := bytes.Index(b[14:12+n], []byte{0x21, 0x01})
	if i < 0 || 14+i+2 >= 12+n {
		return 0
	}
	bits := b[14+i+2] & 0x3f
	if bits >= 40 {
		return 1<<32 - 1
	}
	return int64(2|bits&1) << (bits/2 + 11)
}

func (c *run) unzstd(r io.Reader) (content, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(MaxDictionary), zstd.WithDecoderMaxMemory(MaxUnpacked))
	if err != nil {
		return content{}, err
	}
	defer z.Close()
	return c.spool(z)
}

// gzipReader reads the streams of a gzip file (RFC 1952) and keeps the first
// header; what follows the last stream is counted, not an error.
type gzipReader struct {
	in      *bufio.Reader
	z       *gzip.Reader
	head    gzip.Header
	raw     []byte // the fixed part of the first header
	streams int
	after   int64
	done    bool
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for !g.done {
		if g.z == nil {
			g.raw, _ = g.in.Peek(10)
			g.raw = bytes.Clone(g.raw)
			z, err := gzip.NewReader(g.in)
			if err != nil {
				return 0, err
			}
			g.z, g.head, g.streams = z, z.Header, 1
			z.Multistream(false)
		}
		n, err := g.z.Read(p)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			return n, err
		}
		if next, _ := g.in.Peek(3); string(next) == "\x1f\x8b\x08" {
			if err := g.z.Reset(g.in); err != nil {
				return 0, err
			}
			g.z.Multistream(false)
			g.streams++
			continue
		}
		g.done = true
		if g.after, err = io.Copy(io.Discard, g.in); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

func (g *gzipReader) fields() []field {
	clock, raw := "none", make([]byte, 10)
	copy(raw, g.raw)
	if n := le.Uint32(raw[4:]); n != 0 {
		clock = time.Unix(int64(n), 0).UTC().Format(time.DateTime)
	}
	return []field{
		{name: "time", value: clock, cause: ZipTimes},
		{name: "name", value: g.head.Name, cause: Deflate},
		{name: "comment", value: g.head.Comment, cause: Deflate},
		{name: "extra field", value: hex.EncodeToString(g.head.Extra), cause: Deflate},
		{name: "level", value: map[byte]string{0: "unsaid", 2: "best", 4: "fastest"}[raw[8]] + fmt.Sprintf(" (%d)", raw[8]), cause: Deflate},
		{name: "system", value: fmt.Sprint(raw[9]), cause: ZipModes},
		{name: "flags", value: fmt.Sprint(raw[3]), cause: Deflate},
		{name: "streams", value: fmt.Sprint(g.streams), cause: Deflate},
		{name: "bytes after the end", value: fmt.Sprint(g.after), cause: Deflate},
	}
}

// compressed compares what two files unpack to, and then how they are packed.
func (c *run) compressed(at place, ka, kb kind, a, b content) (outcome, error) {
	if at.depth >= MaxNested {
		return c.tooDeep(at, a, b)
	}
	kinds, xs, names := [2]kind{ka, kb}, [2]content{a, b}, at.names
	var inner [2]content
	var heads [2][]field
	if err := twice(func(i int) (err error) {
		if !kinds[i].packed() {
			inner[i] = xs[i]
			return nil
		}
		inner[i], heads[i], err = c.unpack(names[i], kinds[i], xs[i])
		names[i] = strings.TrimSuffix(strings.Replace(names[i], ".tgz", ".tar", 1), path.Ext(names[i]))
		return err
	}); err != nil {
		return outcome{}, err
	}
	d := &differ{c: c, place: at}
	res := outcome{verdict: Content}
	equal, err := firstDifference(c.ctx, inner[0], inner[1])
	if err != nil {
		return res, err
	}
	if equal >= 0 {
		at.names, at.depth = names, at.depth+1
		if res, err = c.pair(at, inner[0], inner[1]); err != nil {
			return res, err
		}
	}
	if ka != kb {
		d.fact(Deflate, "compression: %s != %s", packedName(ka), packedName(kb))
	} else {
		d.whole(string(ka), heads[0], heads[1])
	}
	if len(d.facts)+len(res.facts) == 0 && res.leaf == nil {
		d.fact(Deflate, "%s: the same bytes packed otherwise, %d != %d", ka, a.size, b.size)
	}
	alike(d.facts)
	res.facts = append(res.facts, d.facts...)
	return res, nil
}

func packedName(k kind) string {
	if k.packed() {
		return string(k)
	}
	return "none"
}
