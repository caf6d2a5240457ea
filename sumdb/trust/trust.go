// Package trust says who may sign what in a log, and since when.
//
// # Root documents
//
// A log's folder holds root/0.toml, root/1.toml, ... and beside each
// root/N.toml.asc. Root N names the keys that hold a role from the log index
// of the statement "root N" on, that index included; it is in force until the
// statement of root N+1. Nothing else delegates or revokes a key.
//
// A document is TOML in one spelling only: the keys below in this order, each
// on its own line, optional ones left out when empty, tables parted by one
// blank line, printable ASCII, a final newline. [ParseRoot] reads it, writes it
// again and refuses whatever does not give the same bytes.
//
//	root-version = "1"
//	number = 1
//	origin = "wheels.example.org"
//	previous = "sha256:…"                       # of root/0.toml; absent in root 0
//	provisional = false
//	policy = "sha256:…"                         # of the file policy; absent: none
//	created = 2026-11-22T14:00:00Z
//	expires = 2027-11-22T14:00:00Z
//	threshold = 1                               # OpenPGP signatures that this root needs
//
//	[[openpgp]]                                 # ascending by fingerprint
//	fingerprint = "4C049A61304CAF52CCA5ABCF5BAADCFE5EFAA7D1"
//	certificate = "…"                           # base64 of the minimal certificate
//
//	[[roles]]                                   # ascending by name
//	name = "builder"
//	threshold = 1
//	expires = 2027-11-22T14:00:00Z
//	keys = ["builder1.wheels.example.org+1f2e3d4c+A…"]
//	spare = ["builder2.wheels.example.org+…"]   # hold the role too; kept offline
//
//	[[revoked]]                                 # ascending by key
//	key = "builder0.wheels.example.org+…"
//	how = "stolen"                              # or "lost", which has no from
//	from = 4711                                 # what it signed here and later is void
//
// (The comments are for this page; a document has none.) Times are UTC, whole
// seconds. Roles are builder, log, publisher, reviewer, witness; log and its
// threshold 1 must be there. A verifier key stands in one role only, and once
// whatever it is called: two names for one key would be two who agree. What is
// revoked holds no role under another name. Its 32-bit key ID together with its
// name is unique in the document.
//
// # Signatures
//
// root/N.toml.asc holds detached OpenPGP signatures (version 4, type "binary",
// SHA-256 or stronger) over the document's bytes, one armor block a signer,
// ascending by the fingerprint of the signer's certificate, no signer twice and
// none that is not asked. The armor has one spelling, GnuPG's own: no headers,
// lines of 64, the CRC-24 (RFC 9580 makes it optional; we require it, since a
// changed byte has to be noticed even where nobody looks), LF, nothing before,
// between or after. See [Dearmor].
//
// # The chain
//
// As in TUF, root N is good when threshold(N-1) of root N-1's OpenPGP keys and
// threshold(N) of its own have signed it, its number is one more and previous
// is the hash of N-1; root 0 is signed by its own. The signers of the newest
// root must include the keys that the user pinned. A signature is judged by
// where it stands in the log, never by its own date or by the expiry of the
// certificate: an OpenPGP key that ran out does not turn an old release red.
// Revocations only grow from root to root.
package trust

import (
	"errors"
	"fmt"
	"time"

	xnote "golang.org/x/mod/sumdb/note"
)

// Roles that a note key can hold. The OpenPGP keys of a root have no name here:
// they sign roots (and, where a policy asks, lists), never statements.
const (
	RoleBuilder   = "builder"
	RoleLog       = "log"
	RolePublisher = "publisher"
	RoleReviewer  = "reviewer"
	RoleWitness   = "witness"
)

// Ways in which a key ends. What a lost key signed stays valid; what a stolen
// key signed from an index on is void.
const (
	Lost   = "lost"
	Stolen = "stolen"
)

// Caps on what comes from outside.
const (
	MaxRootSize        = 1 << 20 // bytes of root/N.toml
	MaxSignaturesSize  = 1 << 18 // bytes of root/N.toml.asc
	MaxCertificateSize = 1 << 16 // bytes of one minimal certificate
	MaxOpenPGPKeys     = 32      // OpenPGP keys in a root
	MaxRoleKeys        = 256     // keys and spare keys of one role
	MaxRevocations     = 4096    // revocations in a root
	MaxRoots           = 10000   // roots in a chain
	MaxOriginLength    = 200     // bytes of a log's origin
)

// A Root is one root document. See the package comment for its text form.
type Root struct {
	Number      int64
	Origin      string
	Previous    string // "sha256:" and 64 hex digits of the document before; "" in root 0
	Provisional bool
	Policy      string // "sha256:" and 64 hex digits of the file policy; "" for none
	Created     time.Time
	Expires     time.Time
	Threshold   int // how many of OpenPGP must sign
	OpenPGP     []OpenPGPKey
	Roles       []RoleKeys
	Revoked     []Revocation
}

// An OpenPGPKey is an organisation's key that may sign roots.
type OpenPGPKey struct {
	Fingerprint string // 40 hexadecimal digits, capitals
	Certificate []byte // minimal: primary key, its own user IDs, subkeys and their self-signatures
}

// RoleKeys are the note keys (vkey text, as x/mod/sumdb/note writes it) that hold a role.
type RoleKeys struct {
	Name      string
	Threshold int // how many distinct keys must agree
	Expires   time.Time
	Keys      []string
	Spare     []string
}

// A Revocation ends a note key.
type Revocation struct {
	Key  string // vkey
	How  string // Lost or Stolen
	From int64  // Stolen: first log index at which its signature is void
}

// Signed is a root document and its signatures, the bytes of root/N.toml and root/N.toml.asc.
type Signed struct {
	Document   []byte
	Signatures []byte
}

// Pins are the OpenPGP fingerprints that a user trusts.
type Pins struct {
	Fingerprints []string // 40 hexadecimal digits; case and spaces do not matter
	// Threshold is how many pinned keys must have signed the newest root. Zero
	// means as many as that root's own threshold, at most len(Fingerprints): then
	// the thief of one pinned key can make another root 0 with a threshold of one.
	Threshold int
}

// A Holder is a note key together with what it may do.
type Holder struct {
	Role     string
	Key      string // vkey
	Spare    bool
	Expires  time.Time // no new statements from here on; says nothing about old ones
	Verifier xnote.Verifier
}

// An Error says which part of the trust material is bad. Its text never
// repeats bytes from outside except names that passed the checks.
type Error struct {
	Part string // "root/2.toml", "root/2.toml.asc", "pins", ...
	Msg  string
	Err  error // one of the sentinels below, or nil
}

func (e *Error) Error() string { return e.Part + ": " + e.Msg }

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// What a caller may act on.
var (
	// ErrMalformed: not the one canonical spelling of the format.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: a signature is wrong, missing or by a key that is not asked.
	ErrSignature = errors.New("bad signature")
	// ErrQuorum: too few of the keys that must sign have signed.
	ErrQuorum = errors.New("quorum not reached")
	// ErrChain: the roots do not follow one another.
	ErrChain = errors.New("roots do not follow one another")
	// ErrPins: the newest root is not signed by the pinned keys.
	ErrPins = errors.New("not signed by the pinned keys")
	// ErrNotHeld: the key does not hold a role at that index.
	ErrNotHeld = errors.New("key holds no role there")
	// ErrStolen: the key held the role, but was stolen before that index.
	ErrStolen = errors.New("key was stolen")
	// ErrExpired: the role, or the root, has expired and takes no new statements.
	ErrExpired = errors.New("expired")
	// ErrStale: a draft of a root was overtaken by another root.
	ErrStale = errors.New("stale draft")
	// ErrClock: this machine's clock is before the newest root's.
	ErrClock = errors.New("the clock is wrong")
	// ErrPassphrase: a protected key could not be opened.
	ErrPassphrase = errors.New("the passphrase does not fit")
	// ErrExists: a key would be overwritten.
	ErrExists = errors.New("exists already")
	// ErrPermissions: a key file or folder can be read by others.
	ErrPermissions = errors.New("permissions too wide")
)

func fail(part string, err error, format string, args ...any) error {
	return &Error{Part: part, Msg: fmt.Sprintf(format, args...), Err: err}
}
