package resolvetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// Server is a package index on loopback.
type Server struct {
	URL string // of the index, "http://127.0.0.1:PORT/simple"
}

// ServerOptions say what kind of index a Server is. The zero value answers
// ranges and both page forms, sends ETag, and lists no metadata.
type ServerOptions struct {
	NoJSON       bool   // HTML only
	NoRanges     bool   // whole files whatever is asked
	Metadata     string // "": no FILE.metadata; "files": there but not listed; "listed"; "hashed": listed with hash; "promised": listed but 404
	NoHashes     bool   // pages without hashes
	NoETag       bool
	MaxAge       time.Duration // sent as Cache-Control; 0: nothing is sent
	Gzip         bool
	Delay        time.Duration // before every answer
	User, Pass   string        // asked for with 401 when not empty
	RelativeURLs bool          // file addresses relative to the page
}

// Fault is what goes wrong on one path.
type Fault struct {
	Status   int           // answer this status
	Times    int           // only the first so many requests; 0: always
	Stall    bool          // send headers and the first bytes, then nothing
	Truncate int64         // send so many bytes fewer than announced
	Corrupt  bool          // flip one bit in the middle of the body
	Reset    bool          // reset the connection
	Delay    time.Duration // before the answer
	Body     []byte        // answer this body
	Type     string        // Content-Type of Body
}

// Serve starts a server that stops when the test ends.
func Serve(t testing.TB, u Universe, o ServerOptions) *Server { return &Server{} }

// NewServer starts a server; the caller closes it.
func NewServer(u Universe, o ServerOptions) *Server { return &Server{} }

// Close stops the server.
func (s *Server) Close() {}

// Fault makes a path fail; a path is as "/simple/courier/" or
// "/files/courier-2.1.0-py3-none-any.whl". The zero Fault heals it.
func (s *Server) Fault(path string, f Fault) {}

// Count returns how many requests a path has had; "" counts all.
func (s *Server) Count(path string) int { return 0 }

// Source is the same universe without a network; it has the methods of
// *index.Client that the resolver uses.
type Source struct{}

// NewSource returns a Source whose Fetch writes files into dir.
func NewSource(u Universe, dir string) *Source { return &Source{} }

// Page returns *index.NotFoundError for an unknown project.
func (s *Source) Page(ctx context.Context, name string) (*index.Page, error) {
	return nil, errors.New("unwritten")
}

// Metadata returns the METADATA of a wheel.
func (s *Source) Metadata(ctx context.Context, f index.File) ([]byte, error) {
	return nil, errors.New("unwritten")
}

// Fetch writes the file and returns its path.
func (s *Source) Fetch(ctx context.Context, f index.File) (string, error) {
	return "", errors.New("unwritten")
}
