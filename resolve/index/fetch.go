package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Fetch returns the path of a copy of the file in the cache, named as the file
// is, whose bytes have the hash and size that the page gave. The caller must
// not write to it. Where the page gives no sha256 the bytes are whatever came
// (OtherHash and Size are still checked) and the caller must keep their hash.
//
// Of a wheel whose metadata was believed without a hash, the METADATA inside is
// compared with it; a difference is a *HashError with What "metadata".
func (c *Client) Fetch(ctx context.Context, f File) (string, error) {
	if err := checkFileName(f.Name); err != nil {
		return "", err
	}
	path, err := c.copyOf(ctx, f)
	if err != nil {
		return "", err
	}
	return path, c.settle(f, path)
}

// copyOf is Fetch without the comparison of metadata.
func (c *Client) copyOf(ctx context.Context, f File) (string, error) {
	key := f.SHA256 + " " + f.URL + " " + f.Name
	get := func() (string, error) {
		return c.files.do(ctx, key, func(ctx context.Context) (string, error) {
			path, err := c.whole(ctx, f)
			return path, c.unavailable(ctx, "fetch", f.Name, f.URL, err)
		})
	}
	path, err := get()
	if err == nil && !fileExists(path) { // the cache was emptied under us
		c.files.forget(key)
		return get()
	}
	return path, err
}

// filePath is where a file lies in the cache: in a folder of its hash, under
// its own name, which tools need.
func (c *Client) filePath(sha256, name string) string {
	return filepath.Join(c.cache.path("files", sha256), name)
}

// whole finds the file in the cache or gets it.
func (c *Client) whole(ctx context.Context, f File) (string, error) {
	if f.SHA256 != "" {
		path := c.filePath(f.SHA256, f.Name)
		if c.cached(f, path) {
			c.event(Event{Op: "fetch", Name: f.Name, Cached: true})
			return path, nil
		}
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return "", errors.New("address is none")
	}
	if u.Scheme == "file" {
		return c.copyLocal(f, u)
	}
	if c.o.Make != nil && strings.HasPrefix(u.Scheme, "git+") {
		return c.made(ctx, f)
	}
	if c.o.Offline {
		return "", ErrOffline
	}
	var path string
	err = c.attempts(ctx, f.Name, func() (err error) {
		path, err = c.download(ctx, f)
		return err
	})
	return path, err
}

// cached reports whether an entry is there and whole; a damaged one is removed.
func (c *Client) cached(f File, path string) bool {
	// What is no regular file might not end, or change after it was hashed.
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	check := newChecker(f)
	if _, err := io.Copy(check, file); err == nil && check.check() == nil {
		return true
	}
	c.event(Event{Op: "cache", Name: f.Name, Err: errTable})
	os.Remove(path)
	return false
}

func (c *Client) copyLocal(f File, u *url.URL) (string, error) {
	file, err := os.Open(filepath.FromSlash(u.Path))
	if err != nil {
		return "", err
	}
	defer file.Close()
	return c.store(f, file, -1)
}

func (c *Client) download(ctx context.Context, f File) (string, error) {
	// identity: some servers send .tar.gz with Content-Encoding gzip, and
	// unpacking it in transit would change the bytes that the hash is of.
	resp, err := c.getFile(ctx, f, f.URL, map[string]string{"Accept-Encoding": "identity"})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return "", &statusError{status: resp.StatusCode}
	}
	if n := resp.ContentLength; n >= 0 && f.Size > 0 && n != f.Size {
		return "", sizeError(f, n)
	}
	return c.store(f, resp.Body, resp.ContentLength)
}

func sizeError(f File, got int64) error {
	return &HashError{File: f.Name, What: "size", Want: strconv.FormatInt(f.Size, 10), Got: strconv.FormatInt(got, 10)}
}

// store copies body into the cache, and leaves nothing behind unless it is the
// file that the page describes.
func (c *Client) store(f File, body io.Reader, announced int64) (path string, err error) {
	// The folder of the final name is not known without a hash, so the
	// temporary file lies one above.
	temp, err := c.cache.temp(filepath.Join(c.o.CacheDir, "v1", "files", "incoming"))
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
		}
	}()
	check := newChecker(f)
	if err := c.copyBody(f, temp, check, body, announced); err != nil {
		return "", err
	}
	if err := check.check(); err != nil {
		return "", err
	}
	path = c.filePath(check.sha256(), f.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", &CacheError{path, err}
	}
	if err := temp.Chmod(0o444); err != nil {
		return "", &CacheError{path, err}
	}
	c.event(Event{Op: "fetch", Name: f.Name, Bytes: check.n})
	return path, c.cache.commit(temp, path)
}

func (c *Client) copyBody(f File, temp io.Writer, check *checker, body io.Reader, announced int64) error {
	limit := f.Size
	if limit == 0 {
		limit = MaxFile
	}
	w := &cacheWriter{temp, nil}
	_, err := io.Copy(io.MultiWriter(w, check), io.LimitReader(body, limit+1))
	want := f.Size
	if want == 0 {
		want = max(announced, 0)
	}
	switch {
	case w.err != nil:
		return &CacheError{c.o.CacheDir, w.err}
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && check.n < want:
		return &TruncatedError{Want: max(want, check.n), Got: check.n}
	case err != nil:
		return err
	case check.n > limit && f.Size == 0:
		return fmt.Errorf("more than %d bytes", int64(MaxFile))
	case check.n > limit:
		return sizeError(f, check.n)
	}
	return nil
}

// cacheWriter tells an error of the disk from one of the network.
type cacheWriter struct {
	w   io.Writer
	err error
}

func (w *cacheWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}
