package witness

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// A Log is one that a witness watches.
type Log struct {
	Origin string
	Keys   []note.Verifier // any of them may sign its checkpoints; they bear the origin's name
}

// An Event is a request that was answered, for the log file of whoever runs a
// witness.
type Event struct {
	Origin    string // "" where the request named none that can be read
	Old, Size int64
	Status    int
	Err       error // why it was not cosigned; nil with 200
}

// A Server is a witness: an http.Handler for add-checkpoint below any prefix.
type Server struct {
	// Observe, if not nil, hears of each request. It is set before the first one.
	Observe func(Event)

	dir    string
	key    *note.Cosigner
	logs   map[string]*watched
	unlock func()
}

type watched struct {
	Log
	mu   sync.Mutex // from reading what was signed last to having written what is signed now
	last int64      // time of the last cosignature
}

// NewServer opens a witness's folder, makes it if it is not there, and keeps
// every other process out until Close (durable.ErrLocked). It has one key, and
// state for each log by its origin.
func NewServer(dir string, key *note.Cosigner, logs ...Log) (*Server, error) {
	if err := durable.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		return nil, fmt.Errorf("opening the witness's folder: %w", err)
	}
	unlock, err := durable.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("opening the witness's folder: %w", err)
	}
	s := &Server{dir: dir, key: key, logs: map[string]*watched{}, unlock: unlock}
	for _, l := range logs {
		if s.logs[l.Origin] != nil {
			unlock()
			return nil, fmt.Errorf("the log %s is given twice", l.Origin)
		}
		w := &watched{Log: l}
		s.logs[l.Origin] = w
		// Whoever starts a witness must learn at once that its memory is damaged.
		if _, err := s.latest(w); err != nil {
			unlock()
			return nil, err
		}
	}
	return s, nil
}

// Close lets the folder go. No request may be under way.
func (s *Server) Close() { s.unlock() }

// A StateError says that what a witness remembers of a log cannot be believed.
type StateError struct {
	Path, Origin string
	Err          error
}

func (e *StateError) Error() string {
	return fmt.Sprintf("%s: what was last signed for %s: %v", e.Path, e.Origin, e.Err)
}

func (e *StateError) Unwrap() error { return e.Err }

func (s *Server) statePath(origin string) string {
	return filepath.Join(s.dir, "logs", fmt.Sprintf("%x", sha256.Sum256([]byte(origin))))
}

// latest reads the last checkpoint that was cosigned; that of an empty log if
// there was none.
func (s *Server) latest(w *watched) (tile.Checkpoint, error) {
	path := s.statePath(w.Origin)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tile.Checkpoint{Origin: w.Origin, Root: tile.EmptyRoot()}, nil
	}
	bad := func(err error) (tile.Checkpoint, error) { return tile.Checkpoint{}, &StateError{path, w.Origin, err} }
	if err != nil {
		return bad(err)
	}
	defer f.Close()
	msg, err := io.ReadAll(io.LimitReader(f, note.MaxSize+1))
	if err != nil {
		return bad(err)
	}
	// The log's keys may have changed since; what it rests on is our own word.
	c, opened, err := tile.OpenCheckpoint(msg, w.Origin, note.List(s.key.Verifier()))
	if err != nil {
		return bad(err)
	}
	if at, err := note.ParseCosignature(opened.Verified[0].Sig); err == nil {
		w.last = max(w.last, at.Time)
	}
	return c, nil
}

// Latest returns the last checkpoint that was cosigned for a log.
func (s *Server) Latest(origin string) (tile.Checkpoint, error) {
	w := s.logs[origin]
	if w == nil {
		return tile.Checkpoint{}, fs.ErrNotExist
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.latest(w)
}

// An answer is anything but signature lines.
type answer struct {
	status int
	text   string
	size   bool // the text is a size
}

func (a *answer) Error() string { return a.text }

func refuse(status int, format string, args ...any) error {
	return &answer{status: status, text: fmt.Sprintf(format, args...) + "\n"}
}

// ServeHTTP answers add-checkpoint, below any prefix.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "add-checkpoint is a POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if err != nil {
		http.Error(w, ErrRequest.Error(), http.StatusBadRequest)
		return
	}
	lines, err := s.Add(r.Context(), body)
	s.observe(body, err)
	var a *answer
	switch {
	case errors.As(err, &a):
		if a.size {
			w.Header().Set("Content-Type", SizeType)
		} else {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.text)
	case err != nil:
		// What is wrong here is for whoever runs it, not for who asks.
		http.Error(w, "the witness cannot answer now", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, lines)
	}
}

func (s *Server) observe(body []byte, err error) {
	if s.Observe == nil {
		return
	}
	e := Event{Status: http.StatusOK, Err: err}
	var a *answer
	switch {
	case errors.As(err, &a):
		e.Status = a.status
		if a.size {
			e.Err = fmt.Errorf("signed last was %s", strings.TrimSpace(a.text))
		} else {
			e.Err = errors.New(strings.TrimSpace(a.text))
		}
	case err != nil:
		e.Status = http.StatusInternalServerError
	}
	if req, err := ParseRequest(body); err == nil {
		if n, err := note.Parse(req.Checkpoint); err == nil {
			if c, err := tile.ParseCheckpoint(n.Text); err == nil {
				e.Origin, e.Old, e.Size = c.Origin, req.Old, c.Size
			}
		}
	}
	s.Observe(e)
}

// Add does what add-checkpoint does with a request's body, and returns the
// signature lines.
func (s *Server) Add(ctx context.Context, body []byte) (string, error) {
	req, err := ParseRequest(body)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	n, err := note.Parse(req.Checkpoint)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	c, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	l := s.logs[c.Origin]
	if l == nil {
		return "", refuse(http.StatusNotFound, "the log %q is not watched here", c.Origin)
	}
	_, opened, err := tile.OpenCheckpoint(req.Checkpoint, c.Origin, note.List(l.Keys...))
	if err != nil {
		return "", refuse(http.StatusForbidden, "%v", err)
	}
	if req.Old > c.Size {
		return "", refuse(http.StatusBadRequest, "old is %d, the checkpoint's size %d", req.Old, c.Size)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A request that nobody waits for any more is not worth a signature.
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return s.cosign(l, c, opened, req)
}

// cosign is called under the log's lock.
func (s *Server) cosign(l *watched, c tile.Checkpoint, opened *note.Opened, req *Request) (string, error) {
	last, err := s.latest(l)
	if err != nil {
		return "", err
	}
	if err := consistent(last, c, req); err != nil {
		return "", err
	}
	sig, err := s.sign(l, c)
	if err != nil {
		return "", err
	}
	// Of the signatures that came along only the log's are kept: nobody can fill
	// the witness's folder with others.
	keep := note.Note{Text: opened.Text, Sigs: append([]note.Signature{sig}, opened.Verified...)}
	if err := durable.WriteFile(s.statePath(c.Origin), keep.Bytes(), 0o600); err != nil {
		return "", err
	}
	return sig.Line(), nil
}

func (s *Server) sign(l *watched, c tile.Checkpoint) (note.Signature, error) {
	// A clock that goes back must not make an older statement of a newer one.
	l.last = max(l.last, s.key.Now())
	at := *s.key
	at.Now = func() int64 { return l.last }
	sig, err := at.Sign([]byte(c.Text()))
	return note.Signature{Name: at.Name(), Hash: at.KeyHash(), Sig: sig}, err
}

// consistent checks a new checkpoint against the last one, in the page's order.
func consistent(last, c tile.Checkpoint, req *Request) error {
	if req.Old != last.Size {
		return &answer{status: http.StatusConflict, text: fmt.Sprintf("%d\n", last.Size), size: true}
	}
	if req.Old == c.Size {
		if len(req.Proof) > 0 {
			return refuse(http.StatusUnprocessableEntity, "a proof between two trees of one size is empty")
		}
		if c.Root != last.Root {
			return &answer{status: http.StatusConflict, text: fmt.Sprintf("%d\n", last.Size), size: true}
		}
		return nil
	}
	if req.Old == 0 {
		if len(req.Proof) > 0 {
			return refuse(http.StatusUnprocessableEntity, "a proof from the empty tree is empty")
		}
		return nil
	}
	if err := tlog.CheckTree(req.Proof, c.Size, c.Root, last.Size, last.Root); err != nil {
		return refuse(http.StatusUnprocessableEntity, "the proof from %d to %d does not hold", last.Size, c.Size)
	}
	return nil
}
