// Package index reads Python package indexes: pages of files, the metadata of
// wheels and the files themselves. It is the only door through which anything
// from an index enters, and what passes has been checked.
//
// # Pages
//
// An index has one page for each project, at URL/NAME/ with NAME normalised
// as PEP 503 says. The JSON form (PEP 691, with the size and upload time of
// PEP 700) is asked for first, the HTML form (PEP 503, 592, 629, 658, 714) is
// understood; which of the two came is decided by the Content-Type of the
// answer, never by guessing at its bytes. For example
//
//	GET URL/courier/            Accept: application/vnd.pypi.simple.v1+json, ...
//	{"meta": {"api-version": "1.1"}, "name": "courier", "files": [
//	  {"filename": "courier-2.1.0-py3-none-any.whl",
//	   "url": "../../files/courier-2.1.0-py3-none-any.whl",
//	   "hashes": {"sha256": "9f86..."}, "size": 8123,
//	   "requires-python": ">=3.9", "upload-time": "2026-02-01T10:00:00Z",
//	   "core-metadata": {"sha256": "60bf..."}, "yanked": false}]}
//
// becomes a Page with one File. Version 2 of the interface is refused
// (PEP 629). Project status markers (PEP 792) are kept on the Page.
//
// # Several indexes
//
// Which indexes are asked for a name is decided by the options alone, before any
// request. A name that an Index lists in Packages is asked of that index and of
// nothing else, find-links included; a name in Options.Private only of indexes
// that are Private. All others are asked of the indexes without Packages in
// their order, the default one last; the first that has the page gives all of it.
// Pages are never merged, and a failure other than 404 or 410 is an error, never
// a reason to ask the next one.
//
// A pinned name's page must come from the origin of its index, redirects
// included. Requests about a private name (pages, files, metadata) go to the
// origin of its index and its Hosts only, whatever pages and redirects say.
//
// # Credentials
//
// They are bound to an origin and sent to no other, redirected to or named on a
// page; see Credential and Options.Netrc, Keyring. None is in an error, an Event
// or the cache. No request has a Referer.
//
// # Metadata of a wheel
//
// Two requests can give it without downloading the wheel: FILE.metadata
// (PEP 658), and byte ranges from the end of the zip, where its directory and,
// by custom, its METADATA lie. Pages promise FILE.metadata that is then
// missing, and servers ignore ranges, so the client counts for each origin
// which of the two answered, races them while it does not know, and falls
// back from one to the other, at last to the whole file.
//
// Where the page gives the hash of the metadata (core-metadata), the bytes are
// checked against it, whichever way they came. Where it gives none they are
// the index's word only: Client.Unverified lists such files, and Fetch, which
// checks the whole wheel against the page's hash, then compares the METADATA
// inside with what was believed. A lock is safe without that: what is
// installed is checked by hash, and a lie about dependencies shows in it as a
// wrong set of packages, not as wrong bytes.
//
// # Cache
//
// Under Options.CacheDir:
//
//	v1/pages/SHA256      a parsed page, by its address
//	v1/metadata/SHA256   a METADATA: one read from a whole wheel by the wheel's
//	                     hash, one that was believed by what the page said too
//	v1/files/SHA256/NAME a whole file, by its own hash
//	v1/missing/SHA256    when an index last said that it lacks a project, by the
//	                     page's address
//	v1/packs/SHA256      copies of the pages and metadata that the last run under
//	                     a name used, in one file, by that name; see Options.Pack
//
// Pages are served from it for as long as Cache-Control allows (Options.TTL
// where it says nothing), then asked again with If-None-Match. That there is no
// page stands for Options.TTL, unless AskAgain is called. Pages, metadata and
// notes begin with a checksum over what follows and over their own place, files
// are hashed when they are opened: an entry that does not match, also one that is
// good but was put in another's place, is thrown away and fetched again. What comes from the cache has been hashed once in this process.
// Entries are written beside and renamed, so any number of processes may share
// a cache. They are not fsynced: a torn entry is found by its checksum. Once
// a week Sweep removes what was neither written nor read for 90 days; the folder
// may be removed at any time, also while it is used.
//
// # Errors
//
// NotFoundError (no such project), UnavailableError (unreachable, refused,
// offline; wraps StallError and TruncatedError), PageError (a page that cannot
// be understood), HashError (bytes that are not what the page said). Each
// names the package or file, never shows a password, and has a Hint method
// that says what to try next.
package index

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"time"
)

// Limits on what comes from outside.
const (
	MaxPage     = 256 << 20 // bytes of one page, decompressed
	MaxMetadata = 16 << 20  // bytes of one METADATA
	MaxFile     = 8 << 30   // bytes of one file whose size the page does not say
	MaxFiles    = 1 << 20   // files on one page
	TailSize    = 16 << 10  // bytes of the first range request, from the end of a wheel
)

// File is one file that an index offers.
type File struct {
	Name           string    // file name, as "courier-2.1.0-py3-none-any.whl"
	URL            string    // absolute, without fragment and without user information
	Size           int64     // bytes; 0 when the page does not say
	SHA256         string    // lower-case hex; "" when the page gives no sha256
	OtherHash      string    // "sha512=..." when the page gives no sha256 but another; checked on Fetch
	RequiresPython string    // as written; "" when absent
	Uploaded       time.Time // UTC; zero when the page does not say
	Yanked         bool      // PEP 592
	YankedReason   string    // may be "" for a yanked file
	CoreMetadata   string    // lower-case hex sha256 of METADATA; "" when not given
	HasMetadata    bool      // the page says that URL.metadata exists
}

// IsWheel reports whether the file's name ends like a wheel's.
func (f File) IsWheel() bool { return strings.HasSuffix(f.Name, ".whl") }

// Page is what an index says about one project.
type Page struct {
	Name         string // normalised
	Status       string // PEP 792: "", "active", "archived", "quarantined", "deprecated"
	StatusReason string
	Files        []File // in the order of the page; find-links first
}

// Credential is shown to the origin of URL (scheme, host and port) and to no
// other; where one origin has several, the one whose path is nearest.
type Credential struct {
	URL            string
	User, Password string // a user without a password: the keyring is asked
	From           string // for messages: "the environment"
}

// Proxy holds proxy addresses: http, https, socks5 or socks5h URLs. HTTP
// serves http addresses, HTTPS serves https ones, No is a NO_PROXY list.
type Proxy struct{ HTTP, HTTPS, No string }

// Options configure a Client. CacheDir is required, and one of URL, Indexes,
// FindLinks.
type Options struct {
	URL       string   // of the default index: https, http, or file / a path for a folder; may carry user information
	Indexes   []Index  // asked before it, in this order
	Private   []string // patterns of names that only an Index with Private may be asked for
	FindLinks []string // folders, single files, or addresses of flat HTML pages
	CacheDir  string
	Pack      string // names what repeats, as a project's folder: its runs find what the last one used in one file, see WritePack; "": none
	Offline   bool   // only what the cache has, however old
	UserAgent string // default "wheellock"
	Jobs      int    // requests at once; default 32

	Proxy       Proxy
	Credentials []Credential
	Netrc       string // path of a netrc file; missing is no error
	// Keyring looks up what belongs to a service (an index's address or host),
	// user may be ""; nil: there is none. It is asked where an index wants a
	// password that nothing else knows.
	Keyring    func(ctx context.Context, service, user string) (Credential, error)
	CAFile     string // PEM certificates trusted besides the system's
	ClientCert string // PEM file with a certificate and its key, for servers that ask for one
	TLS        *tls.Config
	Transport  http.RoundTripper // replaces the client's own; Proxy, CAFile and TLS are then unused

	TTL             time.Duration // of a page whose server says nothing; default 10 minutes
	StallInterval   time.Duration // under 1 KiB/s for that long is an error; default 10 s
	ConnectTimeout  time.Duration // default 15 s
	ResponseTimeout time.Duration // until the first byte of an answer; default 30 s
	Attempts        int           // for one request; default 4
	Backoff         time.Duration // before the second attempt, then doubled; default 250 ms

	// Make makes the file at an address that begins with "git+", and gives its
	// path. Its hash is then checked like that of any other file.
	Make func(ctx context.Context, f File) (path string, err error)

	Now      func() time.Time
	Progress func(Event) // called from many goroutines
}

// Event tells what the client did, for progress bars and -v.
type Event struct {
	Op     string // "page", "metadata", "fetch", "retry", "cache", "credential"
	Name   string // package or file; of "credential" where it is from: "netrc", "keyring"
	Bytes  int64  // received
	Cached bool   // no bytes of it came over the network
	Err    error  // of "retry", "cache" and "credential": why
}

// Metadata tells where a wheel's METADATA came from.
type Metadata struct {
	Bytes    []byte
	Verified bool   // checked against a hash of the page, or taken from a file that was
	How      string // "metadata-file", "range", "file", "cache"
}
