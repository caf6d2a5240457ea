package index

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Index is one of the package indexes that are asked before the default one.
type Index struct {
	Name     string   // in messages and in the names of environment variables: "corp"
	URL      string   // https, http, or file / a path for a folder; may carry user information
	Packages []string // patterns of the names that are asked here and nowhere else; nil: any name
	Private  bool     // may be asked for the names in Options.Private
	Hosts    []string // Private: other hosts that its files lie on, "files.example" or with a port
}

// source is an index, ready to be asked.
type source struct {
	Index
	base     *url.URL // ending in "/"
	patterns []string // of Packages, normalised; nil: any name
}

// title names an index in a message.
func (s *source) title() string {
	where := s.base.String()
	if s.base.Scheme == "file" {
		where = s.base.Path
	}
	if s.Name == "" {
		return where
	}
	return fmt.Sprintf("%s (%s)", s.Name, where)
}

// named puts the index's name into an error: another may have the same address.
func (s *source) named(err error) error {
	var down *UnavailableError
	if errors.As(err, &down) {
		down.Index = s.Name
	}
	return err
}

// route says which indexes may be asked for a name.
type route struct {
	name    string
	sources []*source // in order: the first that has the page gives it
	pinned  bool      // by a pin or as a private name: nothing else may give it
	private bool      // nobody but its index may learn of it
}

// route finds the indexes of a normalised name. It depends on nothing but the
// options, so no answer of a server can change who is asked. The error is a
// *RouteError.
func (c *Client) route(name string) (route, error) {
	r := route{name: name, private: matches(c.private, name)}
	for _, s := range c.sources {
		if s.patterns == nil || !matches(s.patterns, name) {
			continue
		}
		if r.private && !s.Private {
			return r, &RouteError{Name: name, Index: s.Name}
		}
		r.sources, r.pinned, r.private = []*source{s}, true, s.Private
		return r, nil
	}
	for _, s := range c.sources {
		if s.patterns == nil && (s.Private || !r.private) {
			r.sources = append(r.sources, s)
		}
	}
	r.pinned = r.private
	if r.private && len(r.sources) == 0 {
		return r, &RouteError{Name: name}
	}
	return r, nil
}

// pattern normalises a pattern of names, as PEP 503 does a name: who writes
// Our_Corp.* means ourcorp's packages, however they are spelled.
func pattern(s string) (string, error) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '*' && c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", fmt.Errorf("pattern %q of package names: letters, digits, - and * are understood", s)
		}
	}
	if s == "" {
		return "", errors.New("an empty pattern of package names")
	}
	return normalize(s), nil
}

func patterns(list []string) (out []string, err error) {
	for _, s := range list {
		p, err := pattern(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Matches reports whether one of the patterns of a configuration (names, in which a
// star stands for any characters) is the whole of a package's name.
func Matches(list []string, name string) bool {
	all, err := patterns(list)
	return err == nil && matches(all, name)
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if match(p, name) {
			return true
		}
	}
	return false
}

// match reports whether a pattern, in which a star stands for any characters,
// is the whole name.
func match(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return name == pattern
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// first asks the indexes of a route in order. The first that has the page gives
// it, all of it: pages are never merged, or whoever publishes a higher version
// on another index would decide what is installed (dependency confusion). Any
// failure but a clear "there is no such project" ends the search for the same
// reason.
func (c *Client) first(ctx context.Context, r route) (*Page, error) {
	missing := &NotFoundError{Name: r.name, Index: titles(r.sources)}
	for _, s := range r.sources {
		missing.Names = append(missing.Names, s.Name)
	}
	var remembered []*source
	for _, s := range r.sources {
		if c.rememberedMissing(s, r.name) {
			remembered = append(remembered, s)
			continue
		}
		page, err := c.project(ctx, s, r)
		if !isNotFound(err) {
			return page, err
		}
	}
	if c.o.Offline {
		return nil, missing
	}
	if len(remembered) == len(r.sources) && !c.askAgain.Load() {
		c.oldWord.Store(true)
		return nil, missing
	}
	// Before the answer is that nobody has it, nobody's old word counts.
	for _, s := range remembered {
		page, err := c.project(ctx, s, r)
		if !isNotFound(err) {
			return page, err
		}
	}
	return nil, missing
}

func isNotFound(err error) bool {
	var none *NotFoundError
	return errors.As(err, &none)
}

func titles(sources []*source) string {
	var list []string
	for _, s := range sources {
		list = append(list, s.title())
	}
	return strings.Join(list, ", ")
}

// at is the index that an address belongs to: of those of the same origin the
// one with the longest path in common, since one server may hold several.
func (c *Client) at(u *url.URL) *source {
	var best *source
	longest := -1
	for _, s := range c.sources {
		if n := common(s.base, u); n > longest {
			best, longest = s, n
		}
	}
	return best
}

// common is how many segments the paths of two addresses of one origin share; -1
// for two origins.
func common(a, b *url.URL) int {
	if a.Scheme == "file" || origin(a) != origin(b) {
		return -1
	}
	p, q := strings.Split(strings.Trim(a.Path, "/"), "/"), strings.Split(strings.Trim(b.Path, "/"), "/")
	n := 0
	for n < len(p) && n < len(q) && p[n] == q[n] {
		n++
	}
	return n
}
