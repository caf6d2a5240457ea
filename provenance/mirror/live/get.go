package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// maxRedirects is how often one answer may lead elsewhere.
const maxRedirects = 5

// An AnswerError is an answer that is not the file: a fact about the mirror, where
// other errors are about the way there.
type AnswerError struct{ Msg string }

func (e *AnswerError) Error() string { return e.Msg }

// ErrStalled says that a mirror answered slower than 1 KiB/s.
var ErrStalled = errors.New("the mirror answers slower than 1 KiB/s")

// A Site is a mirror behind an address.
type Site struct {
	URL    *url.URL // of the folder that holds simple/ and log/
	Client *http.Client
	Stall  time.Duration // zero: 10 s
}

// address is the address of a path below the site.
func (s *Site) address(rel string) *url.URL {
	u := *s.URL
	u.Path = joinSlash(u.Path, rel)
	u.RawPath = ""
	return &u
}

func joinSlash(a, b string) string {
	for len(a) > 0 && a[len(a)-1] == '/' {
		a = a[:len(a)-1]
	}
	return a + "/" + b
}

// get copies a file to w and returns its content type and final address. A missing
// one wraps fs.ErrNotExist.
func (s *Site) get(ctx context.Context, u *url.URL, w io.Writer, limit int64) (kind string, at *url.URL, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Cache-Control", "no-cache")   // not what lies between, the mirror
	r.Header.Set("Accept-Encoding", "identity") // a bomb is a body that is larger than it comes
	c := *s.Client
	c.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return &AnswerError{"it redirects without end"}
		case next.URL.Scheme != "https" && (next.URL.Scheme != "http" || via[0].URL.Scheme == "https"):
			return &AnswerError{fmt.Sprintf("it redirects from %s to %s", via[0].URL.Scheme, next.URL.Scheme)}
		}
		return nil
	}
	watch := s.watch(cancel)
	defer watch.stop()
	res, err := c.Do(r)
	if err != nil {
		return "", nil, causeOf(ctx, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return "", nil, &fs.PathError{Op: "get", Path: u.Path, Err: fs.ErrNotExist}
	case res.StatusCode != http.StatusOK:
		return "", nil, &AnswerError{fmt.Sprintf("it answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
	}
	n, err := io.Copy(w, io.LimitReader(watch.of(res.Body), limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", nil, &AnswerError{fmt.Sprintf("it is cut short after %d of %d bytes", n, res.ContentLength)}
	case err != nil:
		return "", nil, causeOf(ctx, err)
	case n > limit:
		return "", nil, &AnswerError{fmt.Sprintf("it has more than %d bytes", limit)}
	}
	return res.Header.Get("Content-Type"), res.Request.URL, nil
}

// causeOf prefers why we gave up to what came of that.
func causeOf(ctx context.Context, err error) error {
	var no *AnswerError
	if errors.As(err, &no) {
		return no
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// A stallWatch ends a request in which too little comes.
type stallWatch struct {
	seen atomic.Int64
	done chan struct{}
}

func (s *Site) watch(cancel context.CancelCauseFunc) *stallWatch {
	every := s.Stall
	if every == 0 {
		every = 10 * time.Second
	}
	w := &stallWatch{done: make(chan struct{})}
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := int64(0); ; {
			select {
			case <-w.done:
				return
			case <-tick.C:
				now := w.seen.Load()
				if float64(now-last) < 1024*every.Seconds() {
					cancel(ErrStalled)
					return
				}
				last = now
			}
		}
	}()
	return w
}

func (w *stallWatch) stop() { close(w.done) }

func (w *stallWatch) of(r io.Reader) io.Reader { return &counting{r, &w.seen} }

type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
