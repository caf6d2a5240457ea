package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// errNoRange says that the server does not answer range requests.
var errNoRange = errors.New("no byte ranges here")

const (
	readAhead  = 32 << 10 // bytes asked for where a reader wants fewer
	maxCentral = 64 << 20 // bytes of a zip's directory that are read ahead
	eocdSize   = 22       // end of central directory record of a zip
)

// ranger reads a file of a server by byte ranges and keeps what it has read.
type ranger struct {
	c    *Client
	ctx  context.Context
	f    File
	size int64

	mu    sync.Mutex
	spans []span // sorted, not overlapping
	err   error  // of the last request that was not answered
}

// broken is the network's error, if there was one.
func (r *ranger) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

type span struct {
	off  int64
	data []byte
}

func (s span) end() int64 { return s.off + int64(len(s.data)) }

// OpenRange opens a file for random access without downloading all of it,
// where the server has ranges; ctx is used for all reads. It is not checked by
// hash (a part cannot be): use it to look, never to install. A reader that is
// also an io.Closer may be closed.
func (c *Client) OpenRange(ctx context.Context, f File) (io.ReaderAt, int64, error) {
	if !c.o.Offline && !isLocal(f.URL) && !(f.SHA256 != "" && fileExists(c.filePath(f.SHA256, f.Name))) {
		r, err := c.openRange(ctx, f)
		if err == nil {
			return r, r.size, nil
		}
		if !errors.Is(err, errNoRange) {
			return nil, 0, c.unavailable(ctx, "fetch", f.Name, f.URL, err)
		}
	}
	path, err := c.Fetch(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// openRange reads the end of the file, where a zip has its directory.
func (c *Client) openRange(ctx context.Context, f File) (*ranger, error) {
	r := &ranger{c: c, ctx: ctx, f: f, size: f.Size}
	// A suffix range says nothing of the size and some servers refuse it, so
	// it is used only where the page does not tell the size.
	spec := fmt.Sprintf("bytes=-%d", TailSize)
	if f.Size > 0 {
		spec = fmt.Sprintf("bytes=%d-%d", max(0, f.Size-TailSize), f.Size-1)
	}
	return r, c.attempts(ctx, f.Name, func() error { return r.request(spec, f.Size > 0) })
}

// request makes one range request and keeps the span that comes.
func (r *ranger) request(spec string, sized bool) error {
	resp, err := r.c.getFile(r.ctx, r.f, r.f.URL, map[string]string{"Range": spec, "Accept-Encoding": "identity"})
	var se *statusError
	if errors.As(err, &se) && (se.status == http.StatusRequestedRangeNotSatisfiable || se.status == http.StatusNotImplemented || se.status == http.StatusBadRequest && !sized) {
		return errNoRange
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	from, to, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if resp.StatusCode != http.StatusPartialContent || !ok || strings.HasPrefix(resp.Header.Get("Content-Type"), "multipart/") {
		return errNoRange
	}
	if r.size > 0 && total != r.size {
		return sizeError(r.f, total)
	}
	data, err := readAll(resp.Body, to-from+1, to-from+1)
	if errors.Is(err, errTooLarge) {
		return errNoRange
	}
	if err != nil {
		return err
	}
	if int64(len(data)) < to-from+1 {
		return &TruncatedError{Want: to - from + 1, Got: int64(len(data))}
	}
	r.size = total
	r.c.event(Event{Op: "metadata", Name: r.f.Name, Bytes: int64(len(data))})
	r.keep(span{from, data})
	return nil
}

// contentRange reads "bytes 0-99/1234".
func contentRange(s string) (from, to, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, all, ok2 := strings.Cut(s, "/")
	a, b, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, false
	}
	var err [3]error
	from, err[0] = strconv.ParseInt(a, 10, 62)
	to, err[1] = strconv.ParseInt(b, 10, 62)
	total, err[2] = strconv.ParseInt(all, 10, 62)
	return from, to, total, errors.Join(err[:]...) == nil && 0 <= from && from <= to && to < total && to-from <= maxCentral
}

// keep adds a span, without what others already cover.
func (r *ranger) keep(s span) {
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].off >= s.off })
	if i > 0 && r.spans[i-1].end() > s.off {
		cut := r.spans[i-1].end() - s.off
		if cut >= int64(len(s.data)) {
			return
		}
		s = span{s.off + cut, s.data[cut:]}
	}
	for i < len(r.spans) && r.spans[i].end() <= s.end() {
		r.spans = append(r.spans[:i], r.spans[i+1:]...)
	}
	if i < len(r.spans) && r.spans[i].off < s.end() {
		s.data = s.data[:r.spans[i].off-s.off]
	}
	r.spans = append(r.spans, span{})
	copy(r.spans[i+1:], r.spans[i:])
	r.spans[i] = s
}

// ReadAt is io.ReaderAt. Errors of the network are returned as they are.
func (r *ranger) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		at := off + int64(n)
		if at >= r.size {
			return n, io.EOF
		}
		if data := r.at(at); len(data) > 0 {
			n += copy(p[n:], data)
			continue
		}
		if err := r.load(at, at+max(int64(len(p)-n), readAhead)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// at returns what is known from an offset on.
func (r *ranger) at(off int64) []byte {
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].end() > off })
	if i < len(r.spans) && r.spans[i].off <= off {
		return r.spans[i].data[off-r.spans[i].off:]
	}
	return nil
}

// load requests [from, to), less what is already known at its end.
func (r *ranger) load(from, to int64) error {
	to = min(to, r.size)
	for _, s := range r.spans {
		if s.off > from && s.off < to {
			to = s.off
		}
	}
	to = min(to, from+maxCentral)
	err := r.c.attempts(r.ctx, r.f.Name, func() error {
		return r.request(fmt.Sprintf("bytes=%d-%d", from, to-1), true)
	})
	if err == nil && len(r.at(from)) == 0 {
		err = errNoRange // another range than the one asked for
	}
	r.err = err
	return err
}

// want loads [from, to) in one request unless it is known.
func (r *ranger) want(from, to int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for from < min(to, r.size) {
		data := r.at(from)
		if len(data) == 0 {
			if err := r.load(from, to); err != nil {
				return err
			}
			continue
		}
		from += int64(len(data))
	}
	return nil
}

// wantDirectory loads the zip's directory in one request, which archive/zip
// would read in many small pieces.
func (r *ranger) wantDirectory() error {
	r.mu.Lock()
	tailAt := max(0, r.size-TailSize)
	tail := r.at(tailAt)
	r.mu.Unlock()
	for i := len(tail) - eocdSize; i >= 0; i-- {
		if string(tail[i:i+4]) != "PK\x05\x06" || int(binary.LittleEndian.Uint16(tail[i+20:]))+i+eocdSize != len(tail) {
			continue
		}
		start := int64(binary.LittleEndian.Uint32(tail[i+16:]))
		if size := int64(binary.LittleEndian.Uint32(tail[i+12:])); size > maxCentral || start >= tailAt {
			return nil // known already, or zip64, or nonsense: left to archive/zip
		}
		return r.want(start, tailAt)
	}
	return nil
}
