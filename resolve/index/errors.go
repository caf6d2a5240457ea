package index

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ErrOffline is wrapped where the network was needed but Options.Offline set.
var ErrOffline = errors.New("offline, and not in the cache")

// NotFoundError says that no index has a project of this name.
type NotFoundError struct {
	Name  string   // normalised
	Index string   // what was asked: names and addresses without user information
	Names []string // of the indexes that were asked, in order; "" is the default one
}

// Lacks says who does not have it, in a sentence: "the index corp does not have".
func (e *NotFoundError) Lacks() string {
	names := slices.Clone(e.Names)
	for i, n := range names {
		if n == "" {
			names[i] = "the default one"
		}
	}
	switch {
	case len(e.Names) == 0, len(e.Names) == 1 && e.Names[0] == "":
		return "the index does not have"
	case len(e.Names) == 1:
		return "the index " + e.Names[0] + " does not have"
	}
	return "none of the indexes has (" + strings.Join(names, ", ") + ")"
}

func (e *NotFoundError) Error() string {
	if strings.Contains(e.Index, ", ") {
		return fmt.Sprintf("no package named %q on the indexes %s", e.Name, e.Index)
	}
	return fmt.Sprintf("no package named %q on the index %s", e.Name, e.Index)
}

// Hint says what to try next.
func (e *NotFoundError) Hint() string {
	return "check the spelling, or name the index that has it with --index-url"
}

// RouteError says that no index may be asked for a name.
type RouteError struct {
	Name  string // normalised
	Index string // that the name is pinned to although it is private; "": there is no private one
}

func (e *RouteError) Error() string {
	if e.Index != "" {
		return fmt.Sprintf("%s is a private name, but pinned to the index %s, which is not private", e.Name, e.Index)
	}
	return fmt.Sprintf("%s is a private name, and there is no private index that may be asked for it", e.Name)
}

// Hint says what to try next.
func (e *RouteError) Hint() string {
	if e.Index != "" {
		return "write private = true below that index, or take the name out of private"
	}
	return "declare its index: [[indexes]] with name, url and private = true"
}

// ElsewhereError says that an index sends a request about a name that is its
// alone to another server. Nothing was asked there.
type ElsewhereError struct {
	Name    string // normalised
	Private bool   // else only pinned
	Index   string // its name and address
	Origin  string // where it sends to
}

func (e *ElsewhereError) Error() string {
	if e.Private {
		return fmt.Sprintf("%s is a private name of %s, so %s is not asked for it", e.Name, e.Index, e.Origin)
	}
	return fmt.Sprintf("%s is pinned to %s, which forwards to %s", e.Name, e.Index, e.Origin)
}

// Hint says what to try next.
func (e *ElsewhereError) Hint() string {
	_, host, _ := strings.Cut(e.Origin, "://")
	hint := "the index may forward names that it does not have: check the spelling"
	return hint + fmt.Sprintf("; if that server belongs to it, write hosts = [%q] below the index", host)
}

// UnavailableError says that the environment failed: the index could not be
// reached, refused, or broke off.
type UnavailableError struct {
	Op     string // "page", "metadata", "fetch"
	Name   string // package or file
	URL    string // without user information
	Index  string // name of the index that URL belongs to, "" for the default one
	Status int    // HTTP status, 0 when there was no answer
	Shown  string // where the credential is from that the server refused; "": it was shown none
	Err    error  // cause; nil when Status says it
}

func (e *UnavailableError) Error() string {
	what := map[string]string{
		"page": "reading the index page of ", "metadata": "reading the metadata of ",
		"fetch": "fetching ",
	}[e.Op] + e.Name
	switch {
	case errors.Is(e.Err, ErrOffline):
		return what + ": " + ErrOffline.Error()
	case e.Err != nil:
		return fmt.Sprintf("%s from %s: %v", what, e.where(), e.Err)
	}
	return fmt.Sprintf("%s: %s answers %d", what, e.where(), e.Status)
}

func (e *UnavailableError) where() string {
	if e.Index == "" {
		return e.URL
	}
	return fmt.Sprintf("the index %s (%s)", e.Index, e.URL)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// Hint says what to try next.
func (e *UnavailableError) Hint() string {
	var elsewhere *ElsewhereError
	switch {
	case errors.As(e.Err, &elsewhere):
		return elsewhere.Hint()
	case errors.Is(e.Err, ErrOffline):
		return "run the same command once without --offline"
	case e.Status == 407:
		return "check the user name and password in the proxy's address"
	case e.Refused() && e.Shown != "":
		return "the server does not accept the user name and password from " + e.Shown + ", or they do not give that right"
	case e.Refused():
		return e.howToLogIn()
	case e.Status == 404 && e.Op == "page":
		return "check the address given with --find-links"
	case e.Status == 404:
		return "the page lists a file that the server does not have: try again, or another index with --index-url"
	}
	return "check the network and the index address (wheellock doctor), then run the same command again"
}

// Refused reports whether the server wants other credentials, or any.
func (e *UnavailableError) Refused() bool { return e.Status == 401 || e.Status == 403 }

// howToLogIn names the ways to give a password to the index.
func (e *UnavailableError) howToLogIn() string {
	host, service := "HOST", "URL"
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Hostname()
		if service = u.Scheme + "://" + u.Host; e.Op == "page" {
			service = strings.TrimSuffix(strings.TrimSuffix(e.URL, "/"), "/"+e.Name) + "/"
		}
	}
	env := EnvName(e.Index)
	return fmt.Sprintf("give it a user name and password: a line \"machine %s login USER password PASSWORD\" in ~/.netrc, "+
		"or %s_USERNAME and %s_PASSWORD (or %s_TOKEN) in the environment, or `keyring set %s USER` and %s_USERNAME", host, env, env, env, service, env)
}

// EnvName is how the environment variables for an index begin: for "corp-a"
// WHEELLOCK_INDEX_CORP_A, for the default one ("") WHEELLOCK_INDEX.
func EnvName(index string) string {
	if index == "" {
		return "WHEELLOCK_INDEX"
	}
	return "WHEELLOCK_INDEX_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z' || '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, index)
}

// HashError says that bytes are not what the page promised.
type HashError struct {
	File      string // file name
	What      string // "file", "metadata" or "size"
	Want, Got string // "sha256:hex", or decimal sizes
}

func (e *HashError) Error() string {
	what := ""
	if e.What != "file" && e.What != "" {
		what = e.What + " of "
	}
	return fmt.Sprintf("%s%s does not match the index: page says %s, received %s", what, e.File, e.Want, e.Got)
}

// Hint says what to try next.
func (e *HashError) Hint() string {
	return "do not use this file: the index or something on the way to it changed it; compare with another index or network"
}

// PageError says that a page is not what the standards describe.
type PageError struct {
	Name string // package
	URL  string // without user information
	Err  error
}

func (e *PageError) Error() string {
	return fmt.Sprintf("parsing the index page of %s from %s: %v", e.Name, e.URL, e.Err)
}

func (e *PageError) Unwrap() error { return e.Err }

// Hint says what to try next.
func (e *PageError) Hint() string {
	return "the address may not be a package index: check --index-url, or try again later"
}

// StallError says that a transfer became slower than 1 KiB/s.
type StallError struct {
	Interval time.Duration
	Received int64 // bytes in that interval
}

func (e *StallError) Error() string {
	return fmt.Sprintf("transfer stalled: %d bytes in %v (least is 1 KiB/s)", e.Received, e.Interval)
}

// TruncatedError says that fewer bytes came than were announced.
type TruncatedError struct{ Want, Got int64 }

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("download broke off after %d of %d bytes", e.Got, e.Want)
}
