package index

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// maxRetryAfter caps how long a server may ask us to wait.
const maxRetryAfter = 10 * time.Second

// statusError is an answer that is not the one asked for.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string { return fmt.Sprintf("answer %d", e.status) }

// response is an answer whose body stalls no longer than allowed and gives its
// place in the queue back when closed.
type response struct {
	*http.Response
	Body io.ReadCloser
	url  *url.URL // after redirects, without user information
}

// getFile is get for a file or its metadata, which may be asked only of those
// who may know the name.
func (c *Client) getFile(ctx context.Context, f File, addr string, header map[string]string) (*response, error) {
	fence, err := c.fileFence(f.Name)
	if err != nil {
		return nil, err
	}
	return c.get(withFence(ctx, fence), addr, header)
}

// get makes one GET request; statuses other than 200, 206 and 304 are
// *statusError. The caller closes Body.
func (c *Client) get(ctx context.Context, addr string, header map[string]string) (*response, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	release := func() { <-c.slots }
	inner, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(inner, http.MethodGet, addr, nil)
	if err != nil {
		release()
		cancel(nil)
		return nil, errors.New("address is none") // url.Error would repeat a password
	}
	if f, _ := ctx.Value(fenceKey{}).(*fence); f.check(req.URL) != nil {
		release()
		cancel(nil)
		return nil, f.check(req.URL)
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		release()
		cancel(nil)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, withoutURL(err)
	}
	body := newStallReader(inner, cancel, resp.Body, c.o.StallInterval)
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified:
	default:
		io.CopyN(io.Discard, body, 4<<10) // lets the connection be used again
		body.Close()
		release()
		return nil, &statusError{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))}
	}
	final := *resp.Request.URL
	final.User = nil
	return &response{resp, &slotBody{body, release, false}, &final}, nil
}

// slotBody gives its place in the queue back when it is closed.
type slotBody struct {
	*stallReader
	release func()
	done    bool
}

func (b *slotBody) Close() error {
	if b.done {
		return nil
	}
	b.done = true
	defer b.release()
	return b.stallReader.Close()
}

// withoutURL drops the address from net/http's errors: ours name it, without
// user information.
func withoutURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

func retryAfter(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxRetryAfter)
}

// attempts runs work, again after a pause where the failure may pass.
func (c *Client) attempts(ctx context.Context, name string, work func() error) error {
	pause := c.o.Backoff
	for i := 1; ; i++ {
		err := work()
		if err == nil || i >= c.o.Attempts || ctx.Err() != nil || !passing(err) {
			return err
		}
		wait := pause + rand.N(pause/2+1) // not all of a run's requests at the same instant
		var se *statusError
		if errors.As(err, &se) && se.retryAfter > wait {
			wait = se.retryAfter
		}
		c.event(Event{Op: "retry", Name: name, Err: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause *= 2
	}
}

// passing reports whether trying again soon makes sense: a gateway's answer or
// a broken connection, but no clear "no" and nothing that has taken its time.
func passing(err error) bool {
	var se *statusError
	if errors.As(err, &se) {
		return se.status == 502 || se.status == 503 || se.status == 504 || se.status == 429
	}
	var truncated *TruncatedError
	if errors.As(err, &truncated) {
		return true
	}
	var stall *StallError
	var dns *net.DNSError
	var page *PageError
	var hash *HashError
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var timeout net.Error
	switch {
	case errors.As(err, &stall), errors.As(err, &page), errors.As(err, &hash),
		errors.As(err, &cert), errors.As(err, &authority), errors.As(err, &dns),
		errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, context.Canceled),
		errors.As(err, &timeout) && timeout.Timeout():
		return false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return isHTTP2(err)
}

// isHTTP2 recognises a stream or connection that the server gave up; net/http
// does not export these errors.
func isHTTP2(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		switch fmt.Sprintf("%T", err) {
		case "http.http2StreamError", "http.http2GoAwayError", "*http.http2GoAwayError", "http.http2ConnectionError":
			return true
		}
	}
	return false
}

// unavailable makes the error that a caller sees of one that happened between
// us and the server. Findings and the caller's own cancelling stay what they are.
func (c *Client) unavailable(ctx context.Context, op, name, addr string, err error) error {
	if err == nil {
		return nil
	}
	var page *PageError
	var hash *HashError
	var missing *NotFoundError
	var cache *CacheError
	var already *UnavailableError
	var route *RouteError
	if ctx.Err() != nil || errors.As(err, &page) || errors.As(err, &hash) || errors.As(err, &missing) || errors.As(err, &cache) || errors.As(err, &already) || errors.As(err, &route) {
		return err
	}
	e := &UnavailableError{Op: op, Name: name, URL: Redact(addr), Err: err}
	u, perr := url.Parse(addr)
	if perr == nil {
		if s := c.at(u); s != nil {
			e.Index = s.Name
		}
	}
	var se *statusError
	if errors.As(err, &se) {
		e.Err, e.Status = nil, se.status
		if perr == nil {
			e.Shown = c.auth.shown(u)
		}
	}
	return e
}

// Redact returns an address without user information, for messages.
func Redact(addr string) string {
	u, err := url.Parse(addr)
	if err != nil {
		return "(not an address)"
	}
	if u.User == nil {
		return addr
	}
	u.User = nil
	return u.String()
}

// readAll reads a body of at most limit bytes, of which announced were said to
// come (-1: unknown).
func readAll(body io.Reader, limit, announced int64) ([]byte, error) {
	size := min(max(announced, 0)+1, 1<<20)
	buf := make([]byte, 0, max(size, 512))
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):min(cap(buf), len(buf)+1<<20)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, errTooLarge
		}
		switch {
		case err == io.EOF:
			return buf, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, &TruncatedError{Want: max(announced, int64(len(buf))), Got: int64(len(buf))}
		case err != nil:
			return nil, err
		}
	}
}

var errTooLarge = errors.New("too large")
