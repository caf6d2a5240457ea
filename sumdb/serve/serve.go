// Package serve answers for a log over HTTP: its folder as static files, and a
// door through which statements come in.
//
//	GET  /checkpoint             the signed note                  no-cache, ETag
//	GET  /tile/0/x001/000        a full tile                      immutable
//	GET  /tile/0/000.p/17        a partial one                    max-age=60
//	GET  /index/...  /policy  and the files below root/           max-age=60, ETag
//	POST /add                    one signed statement: its leaf, or the note of it
//	GET  /healthz                200 ok, or 503 with the reason: the last append
//	                             failed, and looking again has not shown that another would not
//	GET  /metrics                counters, in the text format of Prometheus
//
// Nothing else of the folder can be asked for, the private .state least of all.
// Paths and media types of tiles and checkpoint are those of C2SP tlog-tiles.
//
// # Adding
//
// The answer to /add is the tlog-proof (C2SP; package tlogproof) of the statement,
// which names its place, under a checkpoint that is already published. The field
// Wheellock-Index repeats the place. The same statement again gets the same
// place. Otherwise the answer is one line of text:
//
//	400  not a statement in its one spelling
//	403  the signer does not hold the role, or did not sign this
//	409  another rule of the log refuses it: what a source's hash was before ...
//	413  larger than a statement can be
//	429  more statements than this key, or all together, may add now (Retry-After)
//	503  it could not be appended now, or the server is stopping (Retry-After);
//	     it may be in the log all the same, and asking again will tell
//
// A statement is authenticated by its own signature and role before it counts
// against any limit, so that nobody can use up another one's. Statements that
// come in while one append is under way go into the next one together: one
// commit, one signature, one round of witnesses for all.
//
// # The folder
//
// The folder stays the truth. Each append takes the writer's lock, so another
// process with the log's key (a verb) takes turns with this one; roots that it
// has appended are seen at the next batch. There is no other state: a server
// that was killed begins again where the folder is.
package serve

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// Defaults and bounds.
const (
	DefaultRate    = 2000                 // statements a second, all keys together
	DefaultKeyRate = 500                  // of one key
	DefaultCollect = 5 * time.Millisecond // how long the first statement of a batch waits for others
	DefaultRetry   = 10 * time.Second     // between two looks whether a failure has passed
	MaxBatch       = 1024                 // statements in one append
	MaxWaiting     = 8192                 // statements that wait for an append
	// MaxBody is the most that /add reads: a leaf, or the note of it.
	MaxBody = record.MaxLeaf + 1
)

// A Writer is the log opened for appending.
type Writer struct {
	Log *log.Log
	// Auth says who may sign what, with the roots in their places. It is asked
	// by many at once and must not be the value that Log has: that one learns
	// of new roots while an append is under way.
	Auth    record.Keys
	LogKeys note.Verifiers
	Roots   int // how many roots it knows
}

// Options say what to serve.
type Options struct {
	Dir    string // the log's folder
	Origin string
	// Open opens the log. It is called again when the folder has a root that
	// the last Writer did not know, or when an append has failed.
	Open func(ctx context.Context) (*Writer, error)
	// Rate and KeyRate bound how many statements are taken a second, for twice as
	// many at once; zero is the default, negative no bound.
	Rate, KeyRate float64
	Collect       time.Duration // zero: DefaultCollect
	// Refresh is how often the witnesses are asked to sign the checkpoint again
	// although nothing was added; zero is never.
	Refresh time.Duration
	// Retry is how often it is looked whether what made an append fail has
	// passed; zero: DefaultRetry.
	Retry time.Duration
	// Failed, if not nil, hears of what went wrong on this side.
	Failed func(error)
	Now    func() time.Time // nil: time.Now
}

// A Server is the http.Handler for a log.
type Server struct {
	o       Options
	root    *os.Root
	mux     *http.ServeMux
	writer  atomic.Pointer[Writer]
	size    atomic.Int64
	broken  atomic.Pointer[string] // why the last append failed
	global  *bucket
	keys    buckets
	metrics metrics

	reopening  sync.Mutex
	reopenedAt time.Time

	mu      sync.RWMutex // held for reading while a statement is put into queue
	closed  bool
	queue   chan *request
	stopped chan struct{}
}

// New opens the log and starts the writer. Whoever called it calls Close.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Collect == 0 {
		o.Collect = DefaultCollect
	}
	if o.Retry == 0 {
		o.Retry = DefaultRetry
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, root: root, queue: make(chan *request, MaxWaiting), stopped: make(chan struct{})}
	s.global = newBucket(rate(o.Rate, DefaultRate), o.Now)
	s.keys = buckets{rate: rate(o.KeyRate, DefaultKeyRate), now: o.Now, of: map[string]*bucket{}}
	s.metrics.start = o.Now()
	if err := s.open(ctx); err != nil {
		root.Close()
		return nil, err
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /add", s.add)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /metrics", s.serveMetrics)
	s.mux.HandleFunc("GET /", s.static)
	go s.run()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.mux.ServeHTTP(w, r)
}

// Close takes no more statements and returns when those that came before are in
// the log.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
	s.mu.Unlock()
	<-s.stopped
	s.root.Close()
}

// open opens the log, completes what an earlier process began, and learns how
// large it is.
func (s *Server) open(ctx context.Context) error {
	w, err := s.o.Open(ctx)
	if err != nil {
		return err
	}
	if err := w.Log.Recover(ctx); err != nil {
		return err
	}
	c, _, err := store.Checkpoint(ctx, store.Folder(s.o.Dir), s.o.Origin, w.LogKeys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.size.Store(c.Size)
	s.writer.Store(w)
	return nil
}

// newRoot reports whether somebody has put a root into the folder that the
// writer does not know.
func (s *Server) newRoot() bool {
	_, err := os.Stat(filepath.Join(s.o.Dir, rootPath(s.writer.Load().Roots)))
	return err == nil
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	why := ""
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	_, _, err := store.Checkpoint(r.Context(), store.Folder(s.o.Dir), s.o.Origin, s.writer.Load().LogKeys)
	switch broken := s.broken.Load(); {
	case closed:
		why = "stopping"
	case err != nil:
		why = "the checkpoint cannot be read"
	case broken != nil:
		why = "the last append failed"
	}
	if why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	text(w, http.StatusOK, "ok\n")
}

// HTTPServer is an http.Server with bounds on what a client may do: no header
// larger than 16 KiB, none that takes more than five seconds to arrive, no body
// that takes fifteen, no answer that takes a minute to be fetched.
func HTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// MaxConnections is how many connections a server should hold at a time.
const MaxConnections = 4096
