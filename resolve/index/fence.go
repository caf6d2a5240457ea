package index

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fence says which origins may see the requests about one name. It travels in
// the request's context, so that it holds for each redirect too: a server that
// forwards what it does not have would otherwise tell a public index the name,
// and be answered with somebody else's package.
type fence struct {
	name    string
	private bool
	sources []*source
}

type fenceKey struct{}

// pageFence is for the page of a name on one index.
func pageFence(r route, s *source) *fence {
	if !r.pinned {
		return nil
	}
	return &fence{r.name, r.private, []*source{s}}
}

// fileFence is for a file, by its name alone, so that no page can move it: of
// all names that the file may belong to none may be shown to others. Files of a
// name that is pinned but not private may lie anywhere; the page of the index
// vouches for them by hash.
func (c *Client) fileFence(file string) (*fence, error) {
	for _, name := range projectsOf(file) {
		r, err := c.route(name)
		if err != nil {
			return nil, err
		}
		if r.private {
			return &fence{name, true, r.sources}, nil
		}
	}
	return nil, nil
}

// check returns an *ElsewhereError for an address outside.
func (f *fence) check(u *url.URL) error {
	if f == nil {
		return nil
	}
	for _, s := range f.sources {
		if f.allows(s, u) {
			return nil
		}
	}
	return &ElsewhereError{Name: f.name, Private: f.private, Index: titles(f.sources), Origin: origin(u)}
}

func (f *fence) allows(s *source, u *url.URL) bool {
	if origin(s.base) == origin(u) {
		return true
	}
	// The same host over https is no other server.
	if s.base.Scheme == "http" && u.Scheme == "https" && s.base.Port() == "" && u.Port() == "" && strings.EqualFold(s.base.Host, u.Host) {
		return true
	}
	for _, h := range s.Hosts {
		if strings.EqualFold(h, u.Host) && (u.Scheme == "https" || u.Scheme == s.base.Scheme) {
			return true
		}
	}
	return false
}

// withoutPrivate drops from a public page the files that only a private index
// may give: to ask for them would tell that name to the server that the page
// names, and no honest page lists another project's files.
func (c *Client) withoutPrivate(p *Page) *Page {
	if len(c.private) == 0 && !slices.ContainsFunc(c.sources, func(s *source) bool { return s.Private && s.patterns != nil }) {
		return p
	}
	hidden := func(f File) bool {
		fence, err := c.fileFence(f.Name)
		return fence != nil || err != nil
	}
	return p.without(hidden)
}

// own drops from a private page the files whose names do not say that they are
// the project's: the fence would not know them again.
func (p *Page) own(name string) *Page {
	return p.without(func(f File) bool { return !belongs(f.Name, name) })
}

func (p *Page) without(drop func(File) bool) *Page {
	if !slices.ContainsFunc(p.Files, drop) {
		return p
	}
	q := *p
	q.Files = slices.DeleteFunc(slices.Clone(p.Files), drop)
	return &q
}

func withFence(ctx context.Context, f *fence) context.Context {
	if f == nil {
		return ctx
	}
	return context.WithValue(ctx, fenceKey{}, f)
}

// redirects refuses what would give away what https or a fence protects.
func redirects(r *http.Request, via []*http.Request) error {
	// It would show the address of one index to another.
	r.Header.Del("Referer")
	// Credentials come from the user, never from a server.
	r.URL.User = nil
	if len(via) >= 10 {
		return errors.New("ten redirects")
	}
	last := via[len(via)-1].URL
	switch {
	case r.URL.Scheme != "https" && r.URL.Scheme != "http":
		return fmt.Errorf("redirect to an address of kind %q", r.URL.Scheme)
	case last.Scheme == "https" && r.URL.Scheme == "http":
		return errors.New("redirect from https to http")
	}
	f, _ := r.Context().Value(fenceKey{}).(*fence)
	return f.check(r.URL)
}
