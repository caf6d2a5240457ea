package index

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// accept prefers JSON; the weights are those that PEP 691 recommends.
const accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"

// maxFresh caps what Cache-Control may ask for.
const maxFresh = 24 * time.Hour

// Page returns the page of a project, whose name need not be normalised, with
// what find-links have of it in front. The caller must not change it.
func (c *Client) Page(ctx context.Context, name string) (*Page, error) {
	name = normalize(name)
	if p := c.offered(name); p != nil {
		return p, nil
	}
	if p, ok := c.pages.at(name, func() (*Page, bool) {
		p := c.packedProject(name)
		return p, p != nil
	}); ok {
		return p, nil
	}
	return c.pages.do(ctx, name, func(ctx context.Context) (*Page, error) {
		return c.merged(ctx, name)
	})
}

func (c *Client) merged(ctx context.Context, name string) (*Page, error) {
	r, err := c.route(name)
	if err != nil {
		return nil, err
	}
	if !validProject(name) {
		return nil, &NotFoundError{Name: name, Index: titles(r.sources)}
	}
	var linked []File
	if !r.pinned { // else it must not be taken from anywhere else
		if linked, err = c.linked(ctx, name); err != nil {
			return nil, err
		}
	}
	page, err := c.first(ctx, r)
	if isNotFound(err) && len(linked) > 0 {
		page, err = &Page{Name: name}, nil
	}
	if err != nil {
		return nil, err
	}
	page = c.visible(r, page)
	if len(linked) == 0 {
		return page, nil
	}
	merged := *page
	merged.Files = withoutDoubles(append(linked, page.Files...))
	return &merged, nil
}

// visible is the page without the files that must not come from it.
func (c *Client) visible(r route, p *Page) *Page {
	if r.private {
		return p.own(r.name)
	}
	return c.withoutPrivate(p)
}

// withoutDoubles keeps the first file of each name.
func withoutDoubles(files []File) []File {
	seen := make(map[string]bool, len(files))
	out := files[:0:0]
	for _, f := range files {
		if !seen[f.Name] {
			seen[f.Name] = true
			out = append(out, f)
		}
	}
	return out
}

// validProject reports whether a normalised name is one.
func validProject(name string) bool {
	if name == "" || len(name) > 200 || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// project reads the page of a project on one index.
func (c *Client) project(ctx context.Context, from *source, r route) (*Page, error) {
	u, key := pageAddress(r, from)
	if from.base.Scheme == "file" {
		page, err := localProject(from.base, r.name)
		return page, from.named(c.unavailable(ctx, "page", r.name, from.base.Path, err))
	}
	s, err := c.document(ctx, r.name, u, key, pageFence(r, from))
	var se *statusError
	if errors.As(err, &se) && (se.status == http.StatusNotFound || se.status == http.StatusGone) {
		c.rememberMissing(from, r.name)
		return nil, &NotFoundError{Name: r.name, Index: from.title()}
	}
	if err != nil {
		return nil, from.named(c.unavailable(ctx, "page", r.name, u.String(), err))
	}
	return s.page, nil
}

// pageAddress is where a page lies on an index, and its key in the cache.
func pageAddress(r route, from *source) (*url.URL, string) {
	u := from.base.JoinPath(r.name + "/")
	key := u.String()
	if r.pinned {
		key = "fenced\n" + key // a page that came by a redirect before there was a fence is none of its own
	}
	return u, key
}

// fresh reports whether a page may be used without asking.
func (c *Client) fresh(s *stored) bool {
	now := c.o.Now()
	return now.Before(s.until) && !now.Before(s.checked)
}

// document reads a page from the cache or the network. The name of the page is
// "" where it is flat.
func (c *Client) document(ctx context.Context, name string, u *url.URL, key string, f *fence) (*stored, error) {
	if s := c.packed(name, key); s != nil {
		return s, nil
	}
	path := c.cache.path("pages", hexSum([]byte(key)))
	old := c.readPage(path, key, name)
	if old != nil && (c.o.Offline || c.fresh(old)) {
		c.event(Event{Op: "page", Name: name, Cached: true})
		return old, nil
	}
	if c.o.Offline {
		return nil, ErrOffline
	}
	var s *stored
	err := c.attempts(ctx, name, func() (err error) {
		s, err = c.requestPage(withFence(ctx, f), name, u, old)
		return err
	})
	var se *statusError
	if errors.As(err, &se) && se.status == http.StatusNotFound {
		os.Remove(path) // so that an offline run does not see what was taken back
	}
	if err != nil {
		return nil, err
	}
	os.Remove(c.missingPath(u.String())) // it is there after all
	entry := s.encode(key)
	if !s.private {
		if err := c.cache.write(path, entry); err != nil {
			c.event(Event{Op: "cache", Name: name, Err: err}) // the page itself is good
		}
		c.pack.use(packKey{packedPage, key}, entry)
	}
	if old != nil && s.page == old.page {
		return s, nil
	}
	// The texts of a parsed page are parts of its body, which has several times
	// their size; those of the entry are the entry.
	return decodeTable(key, entry)
}

// maxEntry caps a cached page: its table is shorter than the page was.
const maxEntry = 2 * MaxPage

func (c *Client) readPage(path, key, name string) *stored {
	data := readEntry(path, maxEntry)
	if data == nil {
		return nil
	}
	s, err := decodeTable(key, data)
	if err != nil || s.page.Name != name {
		c.event(Event{Op: "cache", Name: name, Err: errTable})
		os.Remove(path)
		return nil
	}
	if c.fresh(s) {
		c.pack.use(packKey{packedPage, key}, data)
	}
	return s
}

// requestPage asks the server for a page that is newer than old.
func (c *Client) requestPage(ctx context.Context, name string, u *url.URL, old *stored) (*stored, error) {
	header := map[string]string{"Accept": accept}
	if name == "" { // there is no flat form in JSON
		header["Accept"] = "text/html, application/xhtml+xml;q=0.9"
	}
	if old != nil && old.etag != "" {
		header["If-None-Match"] = old.etag
	} else if old != nil && old.lastMod != "" {
		header["If-Modified-Since"] = old.lastMod
	}
	resp, err := c.get(ctx, u.String(), header)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	now := c.o.Now()
	fresh, store := freshness(resp.Header, c.o.TTL)
	s := &stored{checked: now, until: now.Add(fresh), etag: resp.Header.Get("ETag"), lastMod: resp.Header.Get("Last-Modified"), private: !store}
	if resp.StatusCode == http.StatusNotModified {
		if old == nil {
			return nil, &statusError{status: resp.StatusCode}
		}
		s.etag, s.lastMod, s.body, s.page = old.etag, old.lastMod, old.body, old.page
		c.event(Event{Op: "page", Name: name, Cached: true})
		return s, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{status: resp.StatusCode}
	}
	broken := func(err error) error { return &PageError{Name: name, URL: Redact(u.String()), Err: err} }
	body, err := readAll(resp.Body, MaxPage, resp.ContentLength)
	if errors.Is(err, errTooLarge) {
		return nil, broken(fmt.Errorf("more than %d MB", MaxPage>>20))
	}
	if err != nil {
		return nil, err
	}
	c.event(Event{Op: "page", Name: name, Bytes: int64(len(body))})
	if s.body = hexSum(body); old != nil && old.body == s.body {
		s.page = old.page // nothing new: parsing is the dearer part
		return s, nil
	}
	if s.page, err = parsePage(resp.Header.Get("Content-Type"), string(body), name, resp.url); err != nil {
		return nil, broken(err)
	}
	return s, nil
}

// ParsePage reads a project's page as an installer would, by its Content-Type; base is
// the address that it came from.
func ParsePage(contentType, body, name string, base *url.URL) (*Page, error) {
	return parsePage(contentType, body, name, base)
}

// parsePage reads a page by its Content-Type. A flat page has no name.
func parsePage(contentType, body, name string, base *url.URL) (*Page, error) {
	page, err := parseKind(contentType, body, name, base)
	if err != nil {
		return nil, err
	}
	return page, page.single()
}

// single drops what a page lists twice, and refuses one that gives two hashes
// for one file: whoever reads the first and whoever reads the last would not
// install the same.
func (p *Page) single() error {
	seen := make(map[string]int, len(p.Files))
	twice := false
	for i := range p.Files {
		f := &p.Files[i]
		k, ok := seen[f.Name]
		if !ok {
			seen[f.Name] = i
			continue
		}
		first := &p.Files[k]
		if first.SHA256 != f.SHA256 || first.OtherHash != f.OtherHash {
			return fmt.Errorf("it lists %s twice, with different hashes", f.Name)
		}
		twice = true
	}
	if twice {
		p.Files = withoutDoubles(p.Files)
	}
	return nil
}

func parseKind(contentType, body, name string, base *url.URL) (*Page, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && kind == "" {
		return nil, fmt.Errorf("content type %q", contentType)
	}
	switch kind {
	case "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json", "application/json":
		return parseJSON(body, name, base)
	case "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html", "text/html", "application/xhtml+xml":
		return parseHTML(body, name, base)
	}
	return nil, fmt.Errorf("content type %q is neither JSON nor HTML of an index", kind)
}

// freshness is how long an answer may be used without asking (RFC 9111), ttl
// where the server does not say, and whether it may be kept at all.
func freshness(h http.Header, ttl time.Duration) (fresh time.Duration, store bool) {
	said := false
	for part := range strings.SplitSeq(strings.ToLower(h.Get("Cache-Control")), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "no-store":
			return 0, false
		case "no-cache":
			return 0, true
		case "max-age":
			n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0, true
			}
			ttl, said = time.Duration(n)*time.Second, true
		}
	}
	if said {
		if age, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
			ttl -= time.Duration(age) * time.Second
		}
	}
	return max(0, min(ttl, maxFresh)), true
}
