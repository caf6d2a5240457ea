package store

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// httpTimeout bounds one file.
const httpTimeout = time.Minute

// HTTP is a log behind an address. Nothing that it gives is believed more than a
// file in a folder; its sizes are bounded by who asks.
type HTTP struct {
	URL    string       // of the log's folder
	Client *http.Client // nil: one that gives up after a minute
}

// ReadFile gets a file below the address.
func (h HTTP) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	if !fs.ValidPath(path) {
		return nil, &fs.PathError{Op: "get", Path: path, Err: fs.ErrInvalid}
	}
	where, err := url.JoinPath(h.URL, strings.Split(path, "/")...)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, err
	}
	// Whatever lies between must not show us an old checkpoint.
	req.Header.Set("Cache-Control", "no-cache")
	client := h.Client
	if client == nil {
		client = &http.Client{Timeout: httpTimeout}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, &fs.PathError{Op: "get", Path: path, Err: fs.ErrNotExist}
	default:
		return nil, fmt.Errorf("reading %s: the server answered %s", path, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %s: more than %d bytes", path, limit)
	}
	return data, nil
}
