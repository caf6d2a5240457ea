package compare

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// Caps on what a comparison does with files from outside.
const (
	MaxText     = 4 << 20  // bytes of a file of which two versions are compared line by line
	MaxNested   = 8        // archives within archives that are opened; below, bytes are compared
	MaxUnpacked = 16 << 30 // bytes that both sides together unpack to, whatever is in what
	MaxCode     = 32 << 20 // bytes of Python bytecode that is taken apart
	MaxScan     = 16 << 20 // bytes of a section that are searched for build folders
	inMemory    = 8 << 20  // unpacked bytes kept in memory; more go to a temporary file
)

// content is bytes that can be read as often as needed.
type content struct {
	size int64 // -1: only reading tells
	open func() (io.ReadCloser, error)
	at   io.ReaderAt // nil where they come as a stream only
}

// section is a content within a file.
func section(r io.ReaderAt, off, size int64) content {
	s := io.NewSectionReader(r, off, size)
	return content{size: size, at: s, open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(s, 0, size)), nil
	}}
}

// head is the first n bytes, or fewer.
func (x content) head(n int) ([]byte, error) {
	r, err := x.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if x.size >= 0 {
		n = int(min(int64(n), x.size))
	}
	b := make([]byte, n)
	m, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:m], err
}

// all reads everything, at most limit bytes; ok tells whether that was all.
func (x content) all(limit int64) (b []byte, ok bool, err error) {
	if x.size > limit {
		return nil, false, nil
	}
	r, err := x.open()
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	var buf bytes.Buffer
	buf.Grow(int(max(x.size, 0)) + bytes.MinRead)
	_, err = buf.ReadFrom(io.LimitReader(r, limit+1))
	b = buf.Bytes()
	if cap(b) > 2*len(b) {
		b = bytes.Clone(b) // it may be kept, and a buffer has 512 bytes to spare: of 400,000 small files they are 200 MB
	}
	return b, err == nil && int64(len(b)) <= limit, err
}

// sum is the SHA-256 of everything.
func (x content) sum(ctx context.Context) (sum [32]byte, err error) {
	r, err := x.open()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, reader{ctx, r}); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// reader stops when the user does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// buffers are for comparing streams: archives have many members.
var buffers = sync.Pool{New: func() any { return &[2][]byte{make([]byte, 64<<10), make([]byte, 64<<10)} }}

// firstDifference is the offset of the first byte that differs, -1 for equal
// contents.
func firstDifference(ctx context.Context, a, b content) (int64, error) {
	ra, err := a.open()
	if err != nil {
		return 0, err
	}
	defer ra.Close()
	rb, err := b.open()
	if err != nil {
		return 0, err
	}
	defer rb.Close()
	bufs := buffers.Get().(*[2][]byte)
	defer buffers.Put(bufs)
	x, y := bufs[0], bufs[1]
	for off := int64(0); ; {
		n, errA := io.ReadFull(reader{ctx, ra}, x)
		m, errB := io.ReadFull(reader{ctx, rb}, y)
		if !bytes.Equal(x[:n], y[:m]) {
			i := 0
			for i < min(n, m) && x[i] == y[i] {
				i++
			}
			return off + int64(i), nil
		}
		off += int64(n)
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return 0, err
			}
		}
		if errA != nil {
			return -1, nil
		}
	}
}

// count takes n unpacked bytes off what a comparison may unpack.
func (c *run) count(n int64) error {
	if c.left.Add(-n) < 0 {
		return &archive.Error{File: "what is compared", Kind: archive.Bomb, Msg: fmt.Sprintf("it unpacks to more than %d bytes", int64(MaxUnpacked))}
	}
	return nil
}

// counted is a stream whose bytes count.
type counted struct {
	c *run
	r io.Reader
}

func (r counted) Read(p []byte) (int, error) {
	if err := r.c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if e := r.c.count(int64(n)); e != nil {
		return n, e
	}
	return n, err
}

// spool keeps a stream so that it can be read anywhere: a little in memory, much
// in a temporary file, which has no name and vanishes with this program.
func (c *run) spool(r io.Reader) (content, error) {
	r = counted{c, r}
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, inMemory)
	if err == io.EOF {
		return section(bytes.NewReader(b.Bytes()), 0, n), nil
	}
	if err != nil {
		return content{}, err
	}
	f, err := os.CreateTemp(c.o.Temp, "wheellock-compare-")
	if err != nil {
		return content{}, fmt.Errorf("making room for unpacked bytes: %w", err)
	}
	c.mu.Lock()
	c.spooled = append(c.spooled, f)
	c.mu.Unlock()
	if err := os.Remove(f.Name()); err != nil {
		return content{}, fmt.Errorf("making room for unpacked bytes: %w", err)
	}
	w := bufio.NewWriterSize(f, 256<<10)
	m, err := io.Copy(w, io.MultiReader(&b, r))
	if err == nil {
		err = w.Flush()
	}
	return section(f, 0, m), err
}

// solid is the same bytes with random access.
func (c *run) solid(x content) (content, error) {
	if x.at != nil {
		return x, nil
	}
	r, err := x.open()
	if err != nil {
		return x, err
	}
	defer r.Close()
	return c.spool(r)
}

// mark and release free the temporary files of one pair of members.
func (c *run) mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spooled)
}

func (c *run) release(mark int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.spooled[mark:] {
		f.Close()
	}
	c.spooled = c.spooled[:mark]
}

// twice does the same for both sides at a time.
func twice(f func(i int) error) error {
	done := make(chan error, 1)
	go func() { done <- f(1) }()
	err := f(0)
	if e := <-done; err == nil {
		err = e
	}
	return err
}
