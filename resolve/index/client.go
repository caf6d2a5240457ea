package index

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Client reads one index, with its find-links. It is safe for use by many
// goroutines. It remembers pages and metadata for its own lifetime, so that one
// run sees one state of the index.
type Client struct {
	o       Options
	sources []*source // in the order in which they are asked; none: find-links only
	private []string  // patterns of Options.Private
	links   []*url.URL
	http    *http.Client
	auth    *auth
	slots   chan struct{}
	cache   cache
	pack    *pack

	pages    flight[*Page]
	flats    flight[*Page]
	metadata flight[Metadata]
	files    flight[string]
	origins  origins

	oldWord, askAgain atomic.Bool // see AskAgain

	mu         sync.Mutex
	unverified map[string]believed // by URL
	offers     map[string]*Page    // see Offer
}

// New checks the options and returns a client. It makes no request.
func New(o Options) (*Client, error) {
	o = withDefaults(o)
	if o.CacheDir == "" {
		return nil, errors.New("index client without a cache folder")
	}
	c := &Client{o: o, slots: make(chan struct{}, o.Jobs), cache: cache{o.CacheDir}, unverified: map[string]believed{}}
	c.pack = newPack(c.cache, o.Pack)
	creds := append([]Credential(nil), o.Credentials...)
	if err := c.addresses(&creds); err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		var err error
		if transport, err = newTransport(o); err != nil {
			return nil, err
		}
	}
	var err error
	if c.auth, err = c.newAuth(transport, creds); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: c.auth, CheckRedirect: redirects}
	return c, nil
}

func withDefaults(o Options) Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.TTL, 10*time.Minute)
	set(&o.StallInterval, 10*time.Second)
	set(&o.ConnectTimeout, 15*time.Second)
	set(&o.ResponseTimeout, 30*time.Second)
	set(&o.Backoff, 250*time.Millisecond)
	if o.Jobs <= 0 {
		o.Jobs = 32
	}
	if o.Attempts <= 0 {
		o.Attempts = 4
	}
	if o.UserAgent == "" {
		o.UserAgent = "wheellock"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// addresses parses the options' addresses and takes their user information out.
func (c *Client) addresses(creds *[]Credential) (err error) {
	indexes := slices.Clone(c.o.Indexes)
	if c.o.URL != "" {
		indexes = append(indexes, Index{URL: c.o.URL})
	}
	if len(indexes) == 0 && len(c.o.FindLinks) == 0 {
		return errors.New("no index: name one with --index-url, or a folder with --find-links")
	}
	for _, x := range indexes {
		base, err := address(x.URL, creds)
		if err != nil {
			return err
		}
		s := &source{Index: x, base: base.JoinPath("/")}
		if s.patterns, err = patterns(x.Packages); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		c.sources = append(c.sources, s)
	}
	if c.private, err = patterns(c.o.Private); err != nil {
		return fmt.Errorf("private: %w", err)
	}
	for _, link := range c.o.FindLinks {
		u, err := address(link, creds)
		if err != nil {
			return err
		}
		c.links = append(c.links, u)
	}
	return nil
}

// address parses an address or a path on this machine.
func address(s string, creds *[]Credential) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		abs, err := filepath.Abs(s)
		if err != nil {
			return nil, err
		}
		return &url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("index address is none (a password in it must be percent-encoded)")
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("index address %s has no host", Redact(s))
		}
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return nil, fmt.Errorf("index address %s is on another machine", Redact(s))
		}
		u.Host = ""
	default:
		return nil, fmt.Errorf("index address %s: https, http, file or a path is expected", Redact(s))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		user := u.User.Username()
		u.User = nil
		*creds = append([]Credential{{URL: u.String(), User: user, Password: password, From: "the index address"}}, *creds...)
	}
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	return u, nil
}

// CloseIdle closes the connections that no request uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

func (c *Client) event(e Event) {
	if c.o.Progress != nil {
		c.o.Progress(e)
	}
}
