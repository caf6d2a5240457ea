package resolvetest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// ServerOptions say what kind of index a Server is. The zero value answers
// ranges and both forms of pages, sends an ETag, says size, upload time and
// sha256 of each file, and has no metadata files.
type ServerOptions struct {
	NoJSON     bool          // HTML only
	NoHTML     bool          // JSON only
	NoRanges   bool          // whole files whatever is asked
	Metadata   Metadata      // what there is beside the wheels
	NoHashes   bool          // pages say no hash
	NoSizes    bool          // pages say no size and no time, as in HTML
	NoETag     bool          // no ETag, and nothing is answered with 304
	MaxAge     time.Duration // sent as Cache-Control; 0: nothing is sent
	PagesAge   bool          // MaxAge is sent with pages only
	Gzip       bool          // pages, where the client accepts it
	Delay      time.Duration // before every answer
	User, Pass string        // asked for with 401 when User is not empty
	Absolute   bool          // file addresses with scheme and host; otherwise relative to the page
}

// Metadata is how an index handles FILE.metadata (PEP 658).
type Metadata int

const (
	MetadataNone     Metadata = iota // neither there nor listed
	MetadataUnlisted                 // there, but no page says so
	MetadataListed                   // the page says true
	MetadataHashed                   // the page says its sha256
	MetadataPromised                 // the page says true, and the answer is 404
)

// Server is a package index on loopback. Projects are at /simple/NAME/ and
// files at /files/FILE; /flat/ is one page with all files, for find-links.
type Server struct {
	URL string // of the index, "http://127.0.0.1:PORT/simple"

	opt      ServerOptions
	http     *httptest.Server
	mu       sync.Mutex
	projects map[string][]object
	files    map[string]object
	faults   map[string]*Fault
	counts   map[string]int
	statuses map[int]int
	rendered map[pageKey]rendered
	gone     chan struct{} // closed by Close: ends what stalls
}

// Serve starts a server that stops when the test ends.
func Serve(t testing.TB, u Universe, o ServerOptions) *Server {
	s := NewServer(u, o)
	t.Cleanup(s.Close)
	return s
}

// NewServer starts a server; the caller closes it.
func NewServer(u Universe, o ServerOptions) *Server {
	s := &Server{opt: o, faults: map[string]*Fault{}, counts: map[string]int{}, statuses: map[int]int{},
		rendered: map[pageKey]rendered{}, gone: make(chan struct{})}
	s.Publish(u)
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL + "/simple"
	return s
}

// Close stops the server.
func (s *Server) Close() {
	close(s.gone)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Publish replaces what the index has.
func (s *Server) Publish(u Universe) { s.publish(publish(u)) }

// PublishSnapshot replaces what the index has by what was recorded: pages and
// metadata; wheels and sdists are 404.
func (s *Server) PublishSnapshot(recorded *Snapshot) { s.publish(recorded.projects) }

func (s *Server) publish(projects map[string][]object) {
	files := map[string]object{}
	for _, objects := range projects {
		for _, o := range objects {
			files[o.file.Name] = o
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projects, s.files = projects, files
	clear(s.rendered)
}

// Set changes the options of a running server.
func (s *Server) Set(o ServerOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt = o
}

// Count returns how many requests a path has had; a path that ends in "*"
// counts all that begin so, "" counts all there were.
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix, all := strings.CutSuffix(path, "*")
	n := 0
	for p, c := range s.counts {
		if p == path || path == "" || all && strings.HasPrefix(p, prefix) {
			n += c
		}
	}
	return n
}

// Statuses returns how many requests were answered with each status.
func (s *Server) Statuses() map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.statuses)
}

// ResetCounts forgets the requests so far.
func (s *Server) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
	clear(s.statuses)
}
