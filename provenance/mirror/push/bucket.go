package push

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Caps and waits of a bucket.
const (
	maxAnswer   = 16 << 20 // bytes of a list or an error
	maxObject   = 5 << 30  // bytes of one object: more is not taken in one request
	maxObjects  = 1_000_000
	bucketTries = 4
)

// hashHeader keeps the sha256 with the object: an ETag is the MD5 only of what was
// sent in one piece and without a key of the store's.
const hashHeader = "X-Amz-Meta-Sha256"

// A Bucket is a destination that speaks the S3 protocol, addressed by path
// (ENDPOINT/BUCKET/KEY), which every implementation understands.
type Bucket struct {
	Endpoint string // https://s3.example.org; http only on loopback
	Region   string
	Name     string
	Prefix   string // of every key, without slashes at its ends; may be empty
	Keys     Credentials
	HTTP     *http.Client
	Now      func() time.Time
	Wait     time.Duration // before a second try; it doubles
}

// A BucketError is a refusal of the store.
type BucketError struct {
	Method, Key  string
	Status       int
	Code, Detail string // the store's own words
}

func (e *BucketError) Error() string {
	s := fmt.Sprintf("%s %s: status %d", e.Method, e.Key, e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Is makes a missing object fs.ErrNotExist; a missing bucket is another thing.
func (e *BucketError) Is(target error) bool {
	return target == fs.ErrNotExist && e.Status == http.StatusNotFound && e.Code != "NoSuchBucket"
}

// Check looks at the address before anything is sent to it.
func (b *Bucket) Check() error {
	u, err := url.Parse(b.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("the endpoint is no address: expected as in https://s3.example.org")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && (ip != nil && ip.IsLoopback() || u.Hostname() == "localhost")) {
		return fmt.Errorf("the endpoint has the scheme %s: only https, and http on loopback", u.Scheme)
	}
	if b.Name == "" || strings.ContainsAny(b.Name, "/\\ ?#%") {
		return fmt.Errorf("%q is no name of a bucket", b.Name)
	}
	return nil
}

func (b *Bucket) key(p string) string { return strings.TrimPrefix(path.Join(b.Prefix, p), "/") }

// do sends one signed request; a store that is busy or gone for a moment is asked again.
func (b *Bucket) do(ctx context.Context, method, key string, query url.Values, header http.Header, body []byte) (*http.Response, []byte, error) {
	wait := b.Wait
	if wait == 0 {
		wait = time.Second
	}
	for try := 1; ; try++ {
		res, data, err := b.once(ctx, method, key, query, header, body)
		again := err != nil
		var no *BucketError
		if errors.As(err, &no) {
			again = no.Status >= 500 || no.Status == http.StatusTooManyRequests
		}
		if !again || ctx.Err() != nil || try == bucketTries {
			return res, data, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(wait << (try - 1)):
		}
	}
}

func (b *Bucket) once(ctx context.Context, method, key string, query url.Values, header http.Header, body []byte) (*http.Response, []byte, error) {
	u, err := url.Parse(b.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	u.Path = "/" + b.Name
	if key != "" {
		u.Path += "/" + key
	}
	u.RawPath, u.RawQuery = escape(u.Path, true), canonicalQuery(query)
	// A store that takes a minute for a kilobyte is gone.
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(len(body)>>10)*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.URL = u
	for k, v := range header {
		r.Header[k] = v
	}
	sum := sha256.Sum256(body)
	b.Keys.sign(r, b.Region, hex.EncodeToString(sum[:]), b.Now())
	res, err := b.client().Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	data, err := readAll(res.Body, maxAnswer)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, key, err)
	}
	if res.StatusCode/100 != 2 {
		no := &BucketError{Method: method, Key: b.Name + "/" + key, Status: res.StatusCode}
		var x struct{ Code, Message string }
		if xml.Unmarshal(data, &x) == nil {
			no.Code, no.Detail = x.Code, x.Message
		}
		return nil, nil, no
	}
	return res, data, nil
}

// client never follows: a signature is for one host, and an upload that went
// elsewhere is not where readers look.
func (b *Bucket) client() *http.Client {
	c := *b.HTTP
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// Read reads an object.
func (b *Bucket) Read(ctx context.Context, p string, limit int64) ([]byte, error) {
	_, data, err := b.do(ctx, http.MethodGet, b.key(p), nil, nil, nil)
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", p, limit)
	}
	return data, err
}

// Missing asks for each object's size and hash.
func (b *Bucket) Missing(ctx context.Context, items []Item) ([]Item, error) {
	lacks := make([]bool, len(items))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, it := range items {
		g.Go(func() error {
			res, _, err := b.do(ctx, http.MethodHead, b.key(it.Path), nil, nil, nil)
			if err != nil {
				lacks[i] = errors.Is(err, fs.ErrNotExist)
				if lacks[i] {
					return nil
				}
				return err
			}
			lacks[i] = res.Header.Get(hashHeader) != it.SHA256 || res.ContentLength != it.Size
			if !lacks[i] {
				lacks[i], err = changed(res.Header, it)
				return err
			}
			return nil
		})
	}
	err := g.Wait()
	var out []Item
	for i := range items {
		if lacks[i] {
			out = append(out, items[i])
		}
	}
	return out, err
}

// changed compares with the ETag, which is the MD5 of what the store holds unless it
// encrypts with a key of its own: the header alone is only what somebody said once.
func changed(h http.Header, it Item) (bool, error) {
	tag := strings.Trim(h.Get("ETag"), `"`)
	if _, err := hex.DecodeString(tag); err != nil || len(tag) != 2*md5.Size || strings.HasPrefix(h.Get("X-Amz-Server-Side-Encryption"), "aws:kms") {
		return false, nil
	}
	data, err := it.Content()
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:]) != tag, err
}

// Send puts objects: in the files stage several at a time, else one after the
// other in the order given.
func (b *Bucket) Send(ctx context.Context, items []Item) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	if len(items) > 0 && items[0].Stage >= Pages {
		g.SetLimit(1)
	}
	for _, it := range items {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if it.Size > maxObject {
				return fmt.Errorf("%s has %d bytes, at most %d are taken in one request", it.Path, it.Size, int64(maxObject))
			}
			data, err := it.Content()
			if err != nil {
				return err
			}
			h := http.Header{"Content-Type": {contentType(it.Path)}, hashHeader: {it.SHA256}}
			if it.Stage >= Pages {
				h.Set("Cache-Control", "no-cache")
			}
			_, _, err = b.do(ctx, http.MethodPut, b.key(it.Path), nil, h, data)
			return err
		})
	}
	return g.Wait()
}

// contentType is what clients expect of a static host.
func contentType(p string) string {
	switch {
	case strings.HasPrefix(p, "simple/") && strings.HasSuffix(p, ".json"):
		return "application/vnd.pypi.simple.v1+json"
	case strings.HasSuffix(p, ".html"):
		return "text/html; charset=utf-8"
	case strings.HasSuffix(p, ".whl"), strings.HasSuffix(p, ".zip"):
		return "application/zip"
	case strings.HasSuffix(p, ".gz"), strings.HasSuffix(p, ".crate"):
		return "application/gzip"
	case strings.HasPrefix(p, "log/"), strings.HasSuffix(p, ".metadata"), strings.HasSuffix(p, ".tlog-proof"), strings.Contains(p, "sha256sums.txt"):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// List lists keys (ListObjectsV2).
func (b *Bucket) List(ctx context.Context, folder string) ([]string, error) {
	var out []string
	q := url.Values{"list-type": {"2"}, "prefix": {b.key(folder) + "/"}}
	for {
		_, data, err := b.do(ctx, http.MethodGet, "", q, nil, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Contents              []struct{ Key string }
			IsTruncated           bool
			NextContinuationToken string
		}
		if err := xml.Unmarshal(data, &page); err != nil {
			return nil, fmt.Errorf("listing %s: %w", b.Name, err)
		}
		for _, c := range page.Contents {
			if rel, ok := strings.CutPrefix(c.Key, b.key("")+"/"); ok || b.Prefix == "" {
				out = append(out, rel)
			}
		}
		if len(out) > maxObjects {
			return nil, fmt.Errorf("%s holds more than %d objects", b.Name, maxObjects)
		}
		if !page.IsTruncated || page.NextContinuationToken == "" {
			slices.Sort(out)
			return out, nil
		}
		q.Set("continuation-token", page.NextContinuationToken)
	}
}

// Remove removes objects; one that is not there is no error.
func (b *Bucket) Remove(ctx context.Context, paths []string) error {
	for _, p := range paths {
		if _, _, err := b.do(ctx, http.MethodDelete, b.key(p), nil, nil, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
