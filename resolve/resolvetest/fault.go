package resolvetest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// Fault is what goes wrong on one path. Fields combine where that makes sense:
// {Status: 503, Times: 1} is an index that recovers.
type Fault struct {
	Times    int               // only the first so many requests; 0: all
	Delay    time.Duration     // before the answer
	Status   int               // answer this status
	Header   map[string]string // set on the answer
	Body     []byte            // answer this body with 200 (or Status)
	Type     string            // Content-Type of Body
	Redirect string            // answer 302 to this address
	Stall    bool              // send headers and the first bytes, then nothing more
	Truncate int64             // announce the whole length, send so many bytes fewer, close
	Corrupt  bool              // flip one bit in the middle of the body
	Reset    bool              // reset the connection before any answer
}

// Fault makes a path fail from now on; a path is as "/simple/courier/" or
// "/files/courier-2.1.0-py3-none-any.whl". The empty path is every one that
// has no fault of its own.
func (s *Server) Fault(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = &f
}

// Heal takes the fault of a path away.
func (s *Server) Heal(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, path)
}

// takeFault returns the fault for one request and counts it; s.mu is held.
func (s *Server) takeFault(path string) *Fault {
	for _, key := range []string{path, ""} {
		f, ok := s.faults[key]
		if !ok {
			continue
		}
		now := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				delete(s.faults, key)
			}
		}
		return &now
	}
	return nil
}

func (s *Server) serveFault(w http.ResponseWriter, r *http.Request, opt ServerOptions, f Fault) {
	if !s.pause(r, f.Delay) {
		return
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	switch {
	case f.Reset:
		reset(w)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	case f.Body != nil || f.Type != "":
		w.Header().Set("Content-Type", f.Type)
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		w.Write(f.Body)
	case f.Status != 0:
		http.Error(w, "told to fail", f.Status)
	case f.Stall, f.Truncate > 0, f.Corrupt:
		s.serveBroken(w, r, opt, f)
	default: // a Delay, or headers only
		s.answer(w, r, opt)
	}
}

// serveBroken lets a healthy index answer and spoils what it said.
func (s *Server) serveBroken(w http.ResponseWriter, r *http.Request, opt ServerOptions, f Fault) {
	rec := httptest.NewRecorder()
	s.answer(rec, r, opt)
	body := rec.Body.Bytes()
	if f.Corrupt && len(body) > 0 {
		body[len(body)/2] ^= 0x10
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(rec.Code)
	switch {
	case f.Stall:
		w.Write(body[:min(len(body)/2, 100)])
		http.NewResponseController(w).Flush()
		select {
		case <-s.gone:
		case <-r.Context().Done():
		}
	case f.Truncate > 0:
		w.Write(body[:max(0, len(body)-int(f.Truncate))])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection without the rest
	default:
		w.Write(body)
	}
}

// reset takes the connection from the server and resets it.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
