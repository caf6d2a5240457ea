package index

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// auth adds credentials to the requests of the origins they are for. It sits
// below redirects, so that each hop is shown its own or none.
//
// What the user gave for an origin goes with each request to it. A netrc entry
// names a host only: it goes unasked to that host's https, as curl and pip do,
// and elsewhere (another port; plain http, to an index of the options or to this
// machine) once the server has asked for it with 401 or 403. The keyring is
// asked last, for indexes only, once for each.
type auth struct {
	base    http.RoundTripper
	client  *Client
	given   []Credential
	netrc   []machine
	indexes map[string]bool // origins of the options' addresses

	mu      sync.Mutex
	learned map[string]*lesson // by index, or by origin
}

// lesson is what was found out after a server had asked.
type lesson struct {
	mu    sync.Mutex
	done  bool
	found *Credential
}

func (c *Client) newAuth(base http.RoundTripper, given []Credential) (*auth, error) {
	a := &auth{base: base, client: c, given: given, indexes: map[string]bool{}, learned: map[string]*lesson{}}
	for _, s := range c.sources {
		a.indexes[origin(s.base)] = true
	}
	for _, u := range c.links {
		a.indexes[origin(u)] = true
	}
	var err error
	if c.o.Netrc != "" {
		a.netrc, err = readNetrc(c.o.Netrc)
	}
	return a, err
}

// RoundTrip is http.RoundTripper.
func (a *auth) RoundTrip(r *http.Request) (*http.Response, error) {
	cred := a.known(r.Context(), r.URL)
	resp, err := a.send(r, cred)
	if err != nil || cred != nil || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return resp, err
	}
	if cred = a.asked(r.Context(), r.URL); cred == nil {
		return resp, nil
	}
	io.CopyN(io.Discard, resp.Body, 4<<10) // lets the connection be used again
	resp.Body.Close()
	return a.send(r, cred)
}

func (a *auth) send(r *http.Request, cred *Credential) (*http.Response, error) {
	if cred == nil {
		return a.base.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.SetBasicAuth(cred.User, cred.Password)
	return a.base.RoundTrip(r)
}

// known is what a request to u carries unasked.
func (a *auth) known(ctx context.Context, u *url.URL) *Credential {
	if c := a.givenFor(u); c != nil {
		if c.Password == "" {
			if found := a.fromKeyring(ctx, u, c.User); found != nil {
				return found
			}
		}
		return c
	}
	if l := a.lesson(u, false); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.found != nil {
			return l.found
		}
	}
	if m := a.machine(u); m != nil && m.password != "" && m.unasked(u) {
		return a.fromNetrc(m)
	}
	return nil
}

// givenFor is the user's credential for u's origin that is nearest to its path.
func (a *auth) givenFor(u *url.URL) *Credential {
	var best *Credential
	longest := -1
	for i := range a.given {
		g, err := url.Parse(a.given[i].URL)
		if err != nil {
			continue
		}
		if n := common(g, u); n > longest {
			best, longest = &a.given[i], n
		}
	}
	return best
}

// asked is what to answer a server that wants a password.
func (a *auth) asked(ctx context.Context, u *url.URL) *Credential {
	m := a.machine(u)
	if m != nil && (u.Scheme == "http" && !a.indexes[origin(u)] && !loopback(u)) {
		m = nil // anybody on the way could read it, and a page could have named the address
	}
	if m != nil && m.password != "" {
		l := a.lesson(u, true)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.done, l.found = true, a.fromNetrc(m)
		return l.found
	}
	user := ""
	if m != nil {
		user = m.login
	}
	return a.fromKeyring(ctx, u, user)
}

// fromKeyring asks the keyring, once for each index. It is not asked about hosts
// that only a page names.
func (a *auth) fromKeyring(ctx context.Context, u *url.URL, user string) *Credential {
	s := a.client.at(u)
	if a.client.o.Keyring == nil || s == nil {
		return nil
	}
	l := a.lesson(u, true)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return l.found
	}
	// pip stores under the address, tools of others under the host.
	for _, service := range []string{s.base.String(), strings.TrimSuffix(s.base.String(), "/"), s.base.Host} {
		c, err := a.client.o.Keyring(ctx, service, user)
		if ctx.Err() != nil {
			return nil // the next request asks again
		}
		if err != nil {
			a.client.event(Event{Op: "credential", Name: "keyring", Err: err})
			break
		}
		if c.Password != "" {
			c.From = "the keyring"
			l.found = &c
			break
		}
	}
	l.done = true
	return l.found
}

func (a *auth) fromNetrc(m *machine) *Credential {
	a.client.event(Event{Op: "credential", Name: "netrc"})
	return &Credential{User: m.login, Password: m.password, From: a.client.o.Netrc}
}

func (a *auth) lesson(u *url.URL, create bool) *lesson {
	key := origin(u)
	if s := a.client.at(u); s != nil {
		key = s.base.String()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.learned[key] == nil && create {
		a.learned[key] = &lesson{}
	}
	return a.learned[key]
}

// machine is the first netrc entry for a host with its port, else for the host.
func (a *auth) machine(u *url.URL) *machine {
	for _, host := range []string{u.Host, u.Hostname()} {
		i := slices.IndexFunc(a.netrc, func(m machine) bool { return strings.EqualFold(m.host, host) })
		if i >= 0 {
			return &a.netrc[i]
		}
	}
	return nil
}

// unasked reports whether an entry goes with a request before the server asks.
func (m *machine) unasked(u *url.URL) bool {
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443" || strings.EqualFold(m.host, u.Host))
}

// shown says where the credential came from that u's server was shown; "": none.
func (a *auth) shown(u *url.URL) string {
	if l := a.lesson(u, false); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.found != nil {
			return l.found.From
		}
	}
	if c := a.givenFor(u); c != nil {
		return c.From
	}
	if m := a.machine(u); m != nil && m.password != "" && m.unasked(u) {
		return a.client.o.Netrc
	}
	return ""
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")
}

// origin is what credentials are bound to: scheme, host and port, in one
// spelling.
func origin(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && !(u.Scheme == "https" && port == "443") && !(u.Scheme == "http" && port == "80") {
		host += ":" + port
	}
	return u.Scheme + "://" + host
}
