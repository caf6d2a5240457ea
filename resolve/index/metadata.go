package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// wholeBelow is the size under which a wheel is fetched whole instead of by
// ranges: the bytes are nearly the same, and can be checked by hash.
const wholeBelow = 2 * TailSize

// Metadata returns the METADATA of a wheel, whose body (the description) may be
// missing.
func (c *Client) Metadata(ctx context.Context, f File) ([]byte, error) {
	m, err := c.MetadataOf(ctx, f)
	return m.Bytes, err
}

// MetadataOf is Metadata with where it came from.
func (c *Client) MetadataOf(ctx context.Context, f File) (Metadata, error) {
	if !f.IsWheel() {
		return Metadata{}, fmt.Errorf("metadata of %s: not a wheel", f.Name)
	}
	if err := checkFileName(f.Name); err != nil {
		return Metadata{}, err
	}
	if m, ok := c.packedMetadata(f); ok {
		return m, nil
	}
	return c.metadata.do(ctx, f.URL+" "+f.SHA256+" "+f.CoreMetadata, func(ctx context.Context) (Metadata, error) {
		m, err := c.findMetadata(ctx, f)
		if err != nil {
			return m, c.unavailable(ctx, "metadata", f.Name, f.URL, err)
		}
		if !m.Verified {
			c.believe(f, m, hexSum(m.Bytes))
		}
		return m, nil
	})
}

// metadataKeys are where a wheel's metadata lies in the cache: what was read
// from the whole file by the file's hash; all else under the address and the
// page's words too, so that one index's lie is not served as another's.
func metadataKeys(f File) (whole, said string) {
	return f.SHA256, hexSum([]byte("said\n" + f.SHA256 + "\n" + f.URL + "\n" + f.CoreMetadata))
}

func (c *Client) findMetadata(ctx context.Context, f File) (Metadata, error) {
	whole, said := metadataKeys(f)
	if whole == "" {
		return c.askMetadata(ctx, f) // nothing that a cache entry could be bound to
	}
	for _, key := range []string{whole, said} {
		if m, ok := c.cache.readMetadata(key); ok {
			m.How = "cache"
			c.packMetadata(key, m)
			c.event(Event{Op: "metadata", Name: f.Name, Cached: true})
			return m, checkCore(f, m.Bytes)
		}
	}
	m, err := c.askMetadata(ctx, f)
	if err != nil {
		return m, err
	}
	key := said
	if m.How == "file" {
		key = whole
	}
	if err := c.cache.writeMetadata(key, m); err != nil {
		c.event(Event{Op: "cache", Name: f.Name, Err: err})
	}
	c.packMetadata(key, m)
	return m, nil
}

// checkCore compares METADATA with the page's core-metadata.
func checkCore(f File, data []byte) error {
	if got := hexSum(data); f.CoreMetadata != "" && got != f.CoreMetadata {
		return &HashError{File: f.Name, What: "metadata", Want: "sha256:" + f.CoreMetadata, Got: "sha256:" + got}
	}
	return nil
}

// askMetadata gets it from the files that are here already, or the network.
func (c *Client) askMetadata(ctx context.Context, f File) (Metadata, error) {
	here := isLocal(f.URL) || f.SHA256 != "" && fileExists(c.filePath(f.SHA256, f.Name))
	if here || c.o.Offline {
		return c.fromWhole(ctx, f)
	}
	o := originOf(f.URL)
	lanes, race := c.origins.plan(o, f.HasMetadata)
	if !race {
		return c.inTurn(ctx, f, lanes)
	}
	return c.race(ctx, f)
}

// inTurn tries one way after the other while they are not answered.
func (c *Client) inTurn(ctx context.Context, f File, lanes []lane) (m Metadata, err error) {
	for _, l := range lanes {
		var se *statusError
		if m, err = c.try(ctx, f, l); err == nil || !errors.Is(err, errNoAnswer) && !errors.As(err, &se) {
			return m, err
		}
	}
	return c.fromWhole(ctx, f)
}

// race asks both ways at once and takes the first answer.
func (c *Client) race(ctx context.Context, f File) (Metadata, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		m   Metadata
		err error
	}
	results := make(chan result, 2)
	for _, l := range []lane{laneFile, laneRange} {
		go func() {
			m, err := c.try(ctx, f, l)
			results <- result{m, err}
		}()
	}
	var failed error
	for range 2 {
		r := <-results
		var hash *HashError
		switch {
		case r.err == nil, errors.As(r.err, &hash): // a wrong hash is an answer too
			return r.m, r.err
		case !errors.Is(r.err, errNoAnswer):
			failed = r.err
		}
	}
	if failed != nil {
		return Metadata{}, failed
	}
	return c.fromWhole(ctx, f)
}

// errNoAnswer says that a server does not offer metadata in this way.
var errNoAnswer = errors.New("not offered")

// try asks in one way, checks what came, and remembers whether the origin
// answered. An error that wraps errNoAnswer means: try another way.
func (c *Client) try(ctx context.Context, f File, l lane) (Metadata, error) {
	var data []byte
	var err error
	m := Metadata{How: "metadata-file", Verified: f.CoreMetadata != ""}
	if l == laneFile {
		data, err = c.metadataFile(ctx, f)
	} else if f.Size > 0 && f.Size <= wholeBelow {
		return c.fromWhole(ctx, f)
	} else {
		m.How = "range"
		data, err = c.metadataRange(ctx, f)
	}
	if err == nil || errors.Is(err, errNoAnswer) {
		c.origins.learn(originOf(f.URL), l, err == nil)
	}
	if err != nil {
		return Metadata{}, err
	}
	m.Bytes = data
	return m, checkCore(f, data)
}

// metadataFile requests FILE.metadata.
func (c *Client) metadataFile(ctx context.Context, f File) (data []byte, err error) {
	// PEP 658 puts the suffix behind the path; a query stays behind it.
	addr, query, has := strings.Cut(f.URL, "?")
	addr += ".metadata"
	if has {
		addr += "?" + query
	}
	err = c.attempts(ctx, f.Name, func() error {
		resp, err := c.getFile(ctx, f, addr, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return &statusError{status: resp.StatusCode}
		}
		data, err = readAll(resp.Body, MaxMetadata, resp.ContentLength)
		return err
	})
	var se *statusError
	switch {
	case errors.As(err, &se) && se.status < 500, errors.Is(err, errTooLarge):
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	case err != nil:
		return nil, err
	}
	// Some servers answer 200 with a page of their own for what they lack.
	if f.CoreMetadata == "" && !looksLikeMetadata(data) {
		return nil, errNoAnswer
	}
	c.event(Event{Op: "metadata", Name: f.Name, Bytes: int64(len(data))})
	return data, nil
}

func looksLikeMetadata(data []byte) bool {
	head, _, _ := bytes.Cut(data, []byte("\n\n"))
	head = append([]byte("\n"), head...)
	return bytes.Contains(head, []byte("\nMetadata-Version:")) && bytes.Contains(head, []byte("\nName:"))
}

// metadataRange reads METADATA out of the wheel by byte ranges.
func (c *Client) metadataRange(ctx context.Context, f File) ([]byte, error) {
	r, err := c.openRange(ctx, f)
	if err == nil {
		err = r.wantDirectory()
	}
	var data []byte
	if err == nil {
		data, err = wheelMetadata(f.Name, r, r.size)
	}
	if errors.Is(err, errNoRange) {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return data, err
}

// fromWhole fetches the wheel, which is checked, and looks inside.
func (c *Client) fromWhole(ctx context.Context, f File) (Metadata, error) {
	path, err := c.copyOf(ctx, f)
	if err != nil {
		return Metadata{}, err
	}
	data, err := readWheelFile(f.Name, path)
	if err != nil {
		return Metadata{}, err
	}
	return Metadata{data, true, "file"}, checkCore(f, data)
}

func originOf(addr string) string {
	u, err := url.Parse(addr)
	if err != nil {
		return ""
	}
	return origin(u)
}

func isLocal(addr string) bool { return strings.HasPrefix(addr, "file:") }
