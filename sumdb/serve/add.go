package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// A request is a statement that waits for its append.
type request struct {
	signed *record.Signed
	done   chan answer // has room for one
}

// An answer is what became of it.
type answer struct {
	outcome log.Outcome
	proof   []byte
	err     error // the append as a whole failed
}

// A refusal is an answer that is not a proof.
type refusal struct {
	status int
	msg    string
	wait   time.Duration // for Retry-After, if not zero
}

func (r *refusal) Error() string { return r.msg }

// add answers POST /add.
func (s *Server) add(w http.ResponseWriter, r *http.Request) {
	start := s.o.Now()
	w.Header().Set("Cache-Control", "no-store")
	a, err := s.take(w, r)
	var no *refusal
	if err == nil {
		err = refusalOf(a)
	}
	if errors.As(err, &no) {
		s.metrics.answered(no.status)
		if no.wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.wait.Seconds()))))
		}
		text(w, no.status, no.msg+"\n")
		return
	}
	if err != nil {
		return // the client is gone: nobody reads an answer
	}
	s.metrics.answered(http.StatusOK)
	s.metrics.seconds.observe(s.o.Now().Sub(start))
	w.Header().Set("Content-Type", plainText)
	w.Header().Set("Wheellock-Index", strconv.FormatInt(a.outcome.Index, 10))
	w.Write(a.proof)
}

// take reads a statement, lets it through the limits, and waits for its append.
func (s *Server) take(w http.ResponseWriter, r *http.Request) (answer, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if errors.As(err, new(*http.MaxBytesError)) {
		return answer{}, &refusal{status: http.StatusRequestEntityTooLarge, msg: fmt.Sprintf("a statement has at most %d bytes", record.MaxLeaf)}
	}
	if err != nil {
		return answer{}, &refusal{status: http.StatusBadRequest, msg: "the statement did not arrive"}
	}
	signed, err := parse(body)
	if err != nil {
		return answer{}, &refusal{status: http.StatusBadRequest, msg: err.Error()}
	}
	if err := s.authenticate(r.Context(), signed); err != nil {
		return answer{}, err
	}
	req := &request{signed, make(chan answer, 1)}
	if err := s.enqueue(req); err != nil {
		return answer{}, err
	}
	select {
	case a := <-req.done:
		return a, nil
	case <-r.Context().Done():
		return answer{}, r.Context().Err()
	}
}

// parse reads a leaf, or the signed note that it is made of.
func parse(body []byte) (*record.Signed, error) {
	signed, err := record.ParseLeaf(body)
	if err == nil {
		return signed, nil
	}
	leaf, lerr := record.Leaf(body)
	if lerr != nil {
		return nil, err
	}
	return record.ParseLeaf(leaf)
}

// authenticate checks who signed a statement, and then what they may add now.
func (s *Server) authenticate(ctx context.Context, signed *record.Signed) error {
	if kind := signed.Kind(); kind == record.KindRoot || kind == record.KindIndex {
		// A root needs its documents in the folder; an index is the log's own.
		return &refusal{status: http.StatusForbidden, msg: "a statement of the kind " + kind + " does not come in by this door"}
	}
	if signed.Log() != s.o.Origin {
		return &refusal{status: http.StatusConflict, msg: fmt.Sprintf("the statement is for the log %s, this is %s", signed.Log(), s.o.Origin)}
	}
	verifier := func() (note.Verifier, error) {
		return s.writer.Load().Auth.Verifier(signed.Role(), signed.Signer, signed.Hash, s.size.Load(), s.o.Now())
	}
	v, err := verifier()
	if errors.Is(err, record.ErrNoRole) && s.reopened(ctx) {
		v, err = verifier()
	}
	if errors.Is(err, record.ErrNoRole) {
		return &refusal{status: http.StatusForbidden, msg: err.Error()}
	}
	if err != nil {
		return s.unable(err)
	}
	if !signed.Verify(v) {
		return &refusal{status: http.StatusForbidden, msg: fmt.Sprintf("the signature of %s is wrong", signed.Signer)}
	}
	if wait, ok := s.keys.take(fmt.Sprintf("%s+%08x", signed.Signer, signed.Hash)); !ok {
		return &refusal{http.StatusTooManyRequests, "too many statements of this key", wait}
	}
	if wait, ok := s.global.take(); !ok {
		return &refusal{http.StatusTooManyRequests, "too many statements", wait}
	}
	return nil
}

// reopenPause is how often strangers can make the server read its roots again
// while one waits in the folder that the log has not stated.
const reopenPause = time.Second

// reopened reads the log again where somebody has put a root into the folder: the
// key that it names must not wait for somebody else's statement.
func (s *Server) reopened(ctx context.Context) bool {
	s.reopening.Lock()
	defer s.reopening.Unlock()
	if !s.newRoot() || s.o.Now().Sub(s.reopenedAt) < reopenPause {
		return false
	}
	s.reopenedAt = s.o.Now()
	// Who asked may leave; the others wait for the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendWait)
	defer cancel()
	if err := s.open(ctx); err != nil {
		s.o.Failed(err)
		return false
	}
	return true
}

func (s *Server) enqueue(req *request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return &refusal{http.StatusServiceUnavailable, "the server is stopping", time.Second}
	}
	select {
	case s.queue <- req:
		return nil
	default:
		return &refusal{http.StatusServiceUnavailable, "too many statements wait", time.Second}
	}
}

// unable is the answer to what is no fault of the statement. What it is exactly
// is for whoever runs the log.
func (s *Server) unable(err error) error {
	s.o.Failed(err)
	return &refusal{http.StatusServiceUnavailable, "the log cannot take it now; it may be in the log all the same: ask again", 5 * time.Second}
}

// refusalOf is nil for a statement that is in the log.
func refusalOf(a answer) error {
	if a.err != nil {
		return a.err
	}
	err := a.outcome.Err
	var door *record.DoorError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &door) && door.Rule == record.RuleSigner:
		return &refusal{status: http.StatusForbidden, msg: err.Error()}
	case errors.As(err, &door):
		return &refusal{status: http.StatusConflict, msg: err.Error()}
	}
	return &refusal{status: http.StatusBadRequest, msg: err.Error()}
}
