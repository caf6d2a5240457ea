package witness

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

const (
	// Timeout is how long one witness may take by default.
	Timeout = 10 * time.Second
	// Grace is how long Gather waits for the other witnesses once the quorum has
	// signed: one that is away must not make each append take its Timeout.
	Grace = 2 * time.Second
	// MaxSkew is how far a cosignature's time may be from the clock of who asks.
	// One of long ago is a repetition from somebody in between; one that is yet to
	// come would make this view of the log look young when it is old.
	MaxSkew = 10 * time.Minute
)

// A Client asks one witness.
type Client struct {
	Name string            // for messages
	URL  string            // submission prefix
	Key  *note.VerifierKey // of its cosignatures
	HTTP *http.Client      // nil: one with Timeout that follows no redirect
	Now  time.Time         // the clock; zero: the times of cosignatures are not looked at
}

// An Error says which witness did not cosign, and why.
type Error struct {
	Name string
	Msg  string
	// Fork: the witness has signed a checkpoint that ours does not continue.
	// Somebody signs two histories; this does not pass by waiting.
	Fork bool
	Err  error // nil or what happened on the way
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("witness %s: %s: %v", e.Name, e.Msg, e.Err)
	}
	return fmt.Sprintf("witness %s: %s", e.Name, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }

// Cosign asks the witness to sign a checkpoint. tree is the checkpoint's own; old
// is the size that the witness has probably signed last: if it says another, that
// one is proved instead. It returns the witness's signatures, checked. Errors are
// [*Error].
func (c *Client) Cosign(ctx context.Context, old int64, checkpoint []byte, tree *store.Tree) ([]note.Signature, error) {
	n, err := note.Parse(checkpoint)
	if err != nil {
		return nil, err
	}
	for again := range 3 {
		body, size, err := c.ask(ctx, old, checkpoint, tree)
		switch {
		case err != nil:
			return nil, err
		case body != nil:
			return c.read(n, body)
		case size > tree.Size():
			return nil, &Error{Name: c.Name, Msg: fmt.Sprintf("it has signed a checkpoint of %d, ours is of %d", size, tree.Size()), Fork: true}
		case size == old && again > 0:
			return nil, &Error{Name: c.Name, Msg: fmt.Sprintf("it has signed another tree of %d", size), Fork: true}
		}
		old = size
	}
	return nil, &Error{Name: c.Name, Msg: "it changes its mind about what it signed last"}
}

// ask sends one request. A nil body means that size is what the witness signed last.
func (c *Client) ask(ctx context.Context, old int64, checkpoint []byte, tree *store.Tree) (body []byte, size int64, err error) {
	req := &Request{Old: old, Checkpoint: checkpoint}
	if old > 0 && old < tree.Size() {
		if req.Proof, err = tree.ProveTree(ctx, old); err != nil {
			return nil, 0, err
		}
	}
	status, kind, body, err := c.post(ctx, req.Format())
	if err != nil {
		return nil, 0, err
	}
	switch {
	case status == http.StatusOK:
		return body, 0, nil
	case status == http.StatusConflict && kind == SizeType:
		size, err := parseSize(strings.TrimSuffix(string(body), "\n"))
		if err != nil {
			return nil, 0, &Error{Name: c.Name, Msg: "its answer is not a size"}
		}
		return nil, size, nil
	case status == http.StatusNotFound:
		return nil, 0, &Error{Name: c.Name, Msg: "it does not watch this log"}
	case status == http.StatusForbidden:
		return nil, 0, &Error{Name: c.Name, Msg: "it does not know the key that signed the checkpoint"}
	case status == http.StatusUnprocessableEntity:
		return nil, 0, &Error{Name: c.Name, Msg: fmt.Sprintf("it has signed another tree of %d than ours began with", old), Fork: true}
	}
	return nil, 0, &Error{Name: c.Name, Msg: fmt.Sprintf("it answered %d", status)}
}

func (c *Client) post(ctx context.Context, data []byte) (status int, kind string, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/add-checkpoint", bytes.NewReader(data))
	if err != nil {
		return 0, "", nil, &Error{Name: c.Name, Msg: "its address is none", Err: err}
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	h := c.HTTP
	if h == nil {
		// What a redirect leads to is not who the policy names.
		h = &http.Client{Timeout: Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	resp, err := h.Do(req)
	if err != nil {
		return 0, "", nil, &Error{Name: c.Name, Msg: "not reached", Err: cmp.Or(given(ctx), err)}
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1)); err != nil || len(body) > MaxResponse {
		return 0, "", nil, &Error{Name: c.Name, Msg: "reading its answer", Err: cmp.Or(given(ctx), err, note.ErrMalformed)}
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, nil
}

// given is the reason for which a call was given up, nil where it was not.
func given(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return cause
	}
	return nil
}

// read keeps the lines of the witness's own key that are right; lines of others
// are none of its business (the page: ignore them).
func (c *Client) read(n *note.Note, body []byte) ([]note.Signature, error) {
	var good []note.Signature
	for line := range strings.Lines(string(body)) {
		s, err := note.ParseLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, &Error{Name: c.Name, Msg: "its answer is not signature lines", Err: err}
		}
		if s.Name == c.Key.Name() && s.Hash == c.Key.KeyHash() {
			if !c.Key.Verify([]byte(n.Text), s.Sig) {
				return nil, &Error{Name: c.Name, Msg: "its cosignature is wrong", Err: &note.SignatureError{Name: s.Name, Hash: s.Hash}}
			}
			if err := c.onTime(s.Sig); err != nil {
				return nil, err
			}
			good = append(good, s)
		}
	}
	if len(good) == 0 {
		return nil, &Error{Name: c.Name, Msg: "its answer has no cosignature of its key"}
	}
	return good, nil
}

// onTime checks that a cosignature was made now.
func (c *Client) onTime(sig []byte) error {
	co, err := note.ParseCosignature(sig)
	if err != nil || c.Now.IsZero() {
		return err
	}
	if at := time.Unix(co.Time, 0); at.Sub(c.Now).Abs() > MaxSkew {
		return &Error{Name: c.Name, Msg: fmt.Sprintf("its cosignature is dated %s, and the clock here says %s", at.UTC().Format(time.RFC3339), c.Now.UTC().Format(time.RFC3339))}
	}
	return nil
}

// A MissingError says that the policy's quorum did not cosign.
type MissingError struct {
	Quorum error   // *policy.QuorumError
	Each   []error // what each witness said that did not
}

func (e *MissingError) Error() string {
	words := []string{e.Quorum.Error()}
	for _, err := range e.Each {
		words = append(words, err.Error())
	}
	return strings.Join(words, "; ")
}

func (e *MissingError) Unwrap() []error { return append([]error{e.Quorum}, e.Each...) }

// IsFork reports whether an error says that some witness has seen another
// history of the log.
func IsFork(err error) bool {
	var missing *MissingError
	if errors.As(err, &missing) {
		return slices.ContainsFunc(missing.Each, IsFork)
	}
	var one *Error
	return errors.As(err, &one) && one.Fork
}

// Gather asks all witnesses of a policy that have an address, side by side, and
// returns the checkpoint with what they signed, the log's line first, then
// theirs in the policy's order, one each. Once the quorum has signed the others
// have Grace. Without the quorum it is a [*MissingError]. With it, failed says
// which witnesses did not sign: a policy decides how many may be away, but a fork
// that one of them reports is something that whoever runs the log must hear of.
// now is the clock that cosignatures must agree with; zero: any time will do.
func Gather(ctx context.Context, p *policy.Policy, old int64, checkpoint []byte, tree *store.Tree, now time.Time) (cosigned []byte, failed []error, err error) {
	n, err := note.Parse(checkpoint)
	if err != nil {
		return nil, nil, err
	}
	answers, failed := askAll(ctx, p, now, func(ctx context.Context, c *Client) ([]note.Signature, error) {
		return c.Cosign(ctx, old, checkpoint, tree)
	})
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, sigs := range answers {
		if len(sigs) > 0 && !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Line() == sigs[0].Line() }) {
			n.Sigs = append(n.Sigs, sigs[0])
		}
	}
	cosigned = n.Bytes()
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if err := check(p, cosigned); err != nil {
		return nil, failed, &MissingError{err, failed}
	}
	return cosigned, failed, nil
}

// askAll asks the witnesses with an address, and gives what each answered at its
// place in the policy.
func askAll(ctx context.Context, p *policy.Policy, now time.Time, ask func(context.Context, *Client) ([]note.Signature, error)) ([][]note.Signature, []error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers, failed := make([][]note.Signature, len(p.Witnesses)), make([]error, len(p.Witnesses))
	done := make(chan int, len(p.Witnesses))
	waiting := 0
	for i, w := range p.Witnesses {
		if w.URL == "" {
			continue
		}
		waiting++
		go func() {
			answers[i], failed[i] = ask(ctx, &Client{Name: w.Name, URL: w.URL, Key: w.Cosigner(), Now: now})
			done <- i
		}()
	}
	signed := map[string]bool{}
	for late := (<-chan time.Time)(nil); waiting > 0; {
		select {
		case i := <-done:
			waiting--
			signed[p.Witnesses[i].Name] = failed[i] == nil
			if late == nil && p.Needs() > 0 && p.Satisfied(func(name string) bool { return signed[name] }) {
				late = time.After(Grace)
			}
		case <-late:
			cancel(fmt.Errorf("the quorum has signed, and no answer came within %v of it", Grace))
			late = nil
			// The rest ends now, with that error.
			for ; waiting > 0; waiting-- {
				<-done
			}
		}
	}
	return answers, failed
}

// check is policy.Check, also for a policy that names no log: the log is ours.
func check(p *policy.Policy, msg []byte) (err error) {
	if len(p.Logs) > 0 {
		_, _, err = p.Check(msg)
	} else {
		_, _, err = p.CheckCosignatures(msg)
	}
	return err
}
