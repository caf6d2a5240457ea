package index

import (
	"errors"
	"fmt"
	"time"
)

// ErrOffline is wrapped where the network was needed but Options.Offline set.
var ErrOffline = errors.New("offline, and not in the cache")

// NotFoundError says that no index has a project of this name.
type NotFoundError struct {
	Name  string // normalised
	Index string // address asked, without user information
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no package named %q on the index %s", e.Name, e.Index)
}

// Hint says what to try next.
func (e *NotFoundError) Hint() string {
	return "check the spelling, or name the index that has it with --index-url"
}

// UnavailableError says that the environment failed: the index could not be
// reached, refused, or broke off.
type UnavailableError struct {
	Op     string // "page", "metadata", "fetch"
	Name   string // package or file
	URL    string // without user information
	Status int    // HTTP status, 0 when there was no answer
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
		return fmt.Sprintf("%s from %s: %v", what, e.URL, e.Err)
	}
	return fmt.Sprintf("%s: %s answers %d", what, e.URL, e.Status)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// Hint says what to try next.
func (e *UnavailableError) Hint() string {
	switch {
	case errors.Is(e.Err, ErrOffline):
		return "run the same command once without --offline"
	case e.Status == 401 || e.Status == 403 || e.Status == 407:
		return "check the user name and password for this index (netrc, or in the index address)"
	case e.Status == 404 && e.Op == "page":
		return "check the address given with --find-links"
	case e.Status == 404:
		return "the page lists a file that the server does not have: try again, or another index with --index-url"
	}
	return "check the network and the index address (wheellock doctor), then run the same command again"
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
