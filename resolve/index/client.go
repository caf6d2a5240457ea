package index

import (
	"context"
	"errors"
	"io"
)

// Client reads one index, with its find-links. It is safe for use by many
// goroutines.
type Client struct{}

// New checks the options and returns a client. It makes no request.
func New(o Options) (*Client, error) { return nil, errors.New("unwritten") }

// Page returns the page of a project, whose name need not be normalised.
func (c *Client) Page(ctx context.Context, name string) (*Page, error) {
	return nil, errors.New("unwritten")
}

// Metadata returns the METADATA of a wheel.
func (c *Client) Metadata(ctx context.Context, f File) ([]byte, error) {
	return nil, errors.New("unwritten")
}

// MetadataOf is Metadata with where it came from.
func (c *Client) MetadataOf(ctx context.Context, f File) (Metadata, error) {
	return Metadata{}, errors.New("unwritten")
}

// Unverified lists, by name, the wheels whose metadata was believed on the
// index's word and whose bytes have not been fetched since.
func (c *Client) Unverified() []File { return nil }

// Fetch returns the path of a copy of the file in the cache, whose bytes have
// the hash and size that the page gave. The caller must not write to it.
func (c *Client) Fetch(ctx context.Context, f File) (string, error) {
	return "", errors.New("unwritten")
}

// OpenRange opens a file for random access without downloading all of it.
func (c *Client) OpenRange(ctx context.Context, f File) (io.ReaderAt, int64, error) {
	return nil, 0, errors.New("unwritten")
}
