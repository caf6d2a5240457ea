package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

const (
	// addTimeout bounds one statement: an append with its witnesses, and the way.
	addTimeout = appendWait + 15*time.Second
	// maxRefusal is how much of a refusal is read.
	maxRefusal = 4 << 10
	// maxPause is the longest that a server may ask us to wait before the next try.
	maxPause = 30 * time.Second
	// tries is how often a statement is sent to a server that is busy.
	tries = 6
)

// A Client sends statements to a server's /add.
type Client struct {
	URL  string       // of the log's folder; /add is below it
	HTTP *http.Client // nil: one that follows no redirect and waits as long as an append may take
	// Wait, if not nil, takes the place of waiting between two tries.
	Wait func(context.Context, time.Duration) error
}

// A RefusedError says that the log does not take a statement: another try would
// be answered alike.
type RefusedError struct {
	Status int
	Msg    string // what the server said, one line, not to be trusted
}

func (e *RefusedError) Error() string { return e.Msg }

// An UnavailableError says that the server could not be asked, or not now: the
// statement may be in the log all the same, and may be sent again.
type UnavailableError struct {
	URL string
	Msg string
	Err error // nil or what happened on the way
}

func (e *UnavailableError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.URL, e.Msg, e.Err)
	}
	return e.URL + ": " + e.Msg
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// Add sends a statement and returns the proof that the server answers with,
// parsed and not checked. Errors are [*RefusedError], [*UnavailableError], and
// that of the context.
func (c *Client) Add(ctx context.Context, leaf []byte) (*tlogproof.Proof, error) {
	for n := 1; ; n++ {
		p, pause, err := c.once(ctx, leaf)
		if err == nil || pause == 0 || n == tries {
			return p, err
		}
		wait := c.Wait
		if wait == nil {
			wait = sleep
		}
		if err := wait(ctx, min(pause, maxPause)); err != nil {
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once sends a statement once. pause says after what time another try may help;
// zero: none will.
func (c *Client) once(ctx context.Context, leaf []byte) (p *tlogproof.Proof, pause time.Duration, err error) {
	unavailable := func(msg string, err error) error { return &UnavailableError{c.URL, msg, err} }
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/add", bytes.NewReader(leaf))
	if err != nil {
		return nil, 0, unavailable("its address is none", err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	h := c.HTTP
	if h == nil {
		// A statement goes to the server that was named, and to no other.
		h = &http.Client{Timeout: addTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	resp, err := h.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, unavailable("not reached", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, tlogproof.MaxSize+1))
	if err != nil {
		return nil, 0, unavailable("reading its answer", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if p, err = tlogproof.Parse(body); err != nil {
			return nil, 0, unavailable("its answer is not a proof", err)
		}
		return p, 0, nil
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge:
		return nil, 0, &RefusedError{resp.StatusCode, oneLine(body)}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		pause = time.Second
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			pause = time.Duration(min(s, int(maxPause/time.Second))) * time.Second
		}
		return nil, pause, unavailable("it does not take the statement now: "+oneLine(body), nil)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return nil, 0, unavailable(fmt.Sprintf("it takes no statements (%s at /add)", resp.Status), nil)
	}
	return nil, 0, unavailable("it answered "+resp.Status, nil)
}

// oneLine is what a server says, as far as it is worth telling.
func oneLine(body []byte) string {
	line, _, _ := strings.Cut(string(body[:min(len(body), maxRefusal)]), "\n")
	if line = strings.ToValidUTF8(line, "?"); strings.TrimSpace(line) == "" {
		return "no reason given"
	}
	return line
}
