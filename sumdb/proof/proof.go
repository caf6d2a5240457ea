// Package proof makes and checks wheels.lock.proof: what verify needs from the
// log, so that it needs no network.
//
// # What it proves
//
// For each wanted package a proof holds every statement about the locked
// versions, and every withdrawal and every statement about all versions, up to
// the checkpoint. None can be left out, whoever writes the proof:
//
//   - all leaves after the last index statement are there (at most 256), one by
//     one, so the last index statement can be no other;
//   - what came before is in the package's whole index entry, whose hash is
//     proved against that statement, and each line that matters has its leaf;
//   - a package that the index does not have is shown absent by its two
//     neighbours in the sorted list;
//   - the entry _root goes the same way, so no root, and with it no revocation,
//     is missing.
//
// As long as a log has no index statement, all its leaves (at most 256) are there.
//
// # Format
//
//	wheellock-proof/v1
//	checkpoint 187                     bytes of the signed note that follows
//	wheels.example.org
//	2
//	fSp1…=
//
//	— wheels.example.org Az3grl…
//	roots 1
//	0 1802 251                         number, bytes of root/0.toml and of root/0.toml.asc, which follow
//	root-version = "1"
//	…
//	-----END PGP SIGNATURE-----
//	statements 2                       ascending by number
//	0 312                              log index, bytes of the leaf that follows
//	wheellock/v1 root
//	…
//	— wheels.example.org Az3grl…
//	1 745
//	wheellock/v1 build
//	…
//	hashes 0                           subtrees without any of these leaves
//	entries 0                          index entries, ascending by place in the list
//	hashes 0                           subtrees of the list without any of these entries
//
// A line of hashes is "LEVEL INDEX BASE64": the hash of the complete subtree of
// the leaves from INDEX·2^LEVEL to (INDEX+1)·2^LEVEL, left to right. Exactly the
// largest complete subtrees that hold none of the given leaves are listed, so
// none is missing and none unused. Lines of entries are "PLACE LENGTH" and then
// the entry (package index says what is in it).
//
// Nothing else is accepted: numbers without sign or leading zero, base64 in its
// one spelling, no unknown line, nothing at the end. [Parse] and [Proof.Format]
// are inverse to each other. In the checkpoint stand the log's signature and
// then those of witnesses that the root names, ascending, one a key; a
// signature that nobody could check is not let in, since its bytes could be
// changed without anybody noticing.
package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// Caps on what comes from outside.
const (
	MaxSize       = 512 << 20 // bytes of a proof
	MaxStatements = 1 << 20
	MaxEntries    = 1 << 18
)

// A Proof is the parsed form of wheels.lock.proof; nothing in it is checked.
type Proof struct {
	Checkpoint  []byte // signed note
	Roots       []trust.Signed
	Statements  []Block // by log index
	Hashes      []Subtree
	Entries     []Block // by place in the index's list
	EntryHashes []Subtree
}

// A Block is a leaf or an entry and where it stands.
type Block struct {
	Number int64
	Data   []byte
}

// A Subtree is the hash of a complete subtree of 2^Level leaves.
type Subtree struct {
	Level int
	Index int64
	Hash  tlog.Hash
}

// A Want names a package whose history a proof must hold completely: every
// statement about these versions, and every withdrawal and every statement
// about all versions ("-").
type Want struct {
	Name     string // normalised
	Versions []string
}

// Pins are what the user trusts without proof.
type Pins struct {
	Root trust.Pins
	Log  string // verifier key of the log; "" pins only the root
}

// A Statement is a leaf whose place in the log and whose signature are checked.
type Statement struct {
	Number int64 // log index
	*record.Signed
	Role  string // of the signer at that index
	Key   string // its verifier key
	Spare bool
	Void  bool // the key was stolen at or before that index: do not count it
}

// Verified is what a proof proves.
type Verified struct {
	Origin     string
	Size       int64     // of the log
	Hash       tlog.Hash // root hash of the log
	Checkpoint []byte    // the signed note
	Chain      *trust.Chain
	Statements []Statement // all that the proof carries, ascending
	Cosigned   []Cosigned  // by distinct witnesses
	byName     map[string][]int
	lines      map[string][]index.Line
}

// Cosigned is a witness's word that it knew no other tree of this log then.
type Cosigned struct {
	Key  string // vkey
	Time int64  // seconds since 1970
}

// History gives the statements about a package that the proof carries,
// ascending: complete for the wanted versions. For kinds that are about no package the name is
// "_" and the kind, and only _root is complete.
func (v *Verified) History(name string) []Statement {
	var list []Statement
	for _, i := range v.byName[name] {
		list = append(list, v.Statements[i])
	}
	return list
}

// Lines gives everything ever stated about a wanted package, whatever its
// version, as numbers, kinds and versions.
func (v *Verified) Lines(name string) []index.Line { return v.lines[name] }

// An Error says which part of a proof is wrong. It never repeats hostile bytes.
type Error struct {
	Part string // "checkpoint", "statement 17", "entry requests", ...
	Msg  string
	Err  error
}

func (e *Error) Error() string {
	s := "wheels.lock.proof: " + e.Part + ": " + e.Msg
	if e.Err != nil && e.Msg == "" {
		s = "wheels.lock.proof: " + e.Part + ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

var (
	// ErrMalformed: not a proof in its one spelling.
	ErrMalformed = errors.New("malformed proof")
	// ErrTampered: the parts do not fit each other.
	ErrTampered = errors.New("proof does not fit together")
	// ErrIncomplete: something that must be there was left out.
	ErrIncomplete = errors.New("proof leaves something out")
	// ErrUnwanted: the proof was made for other packages or versions.
	ErrUnwanted = errors.New("proof does not cover the lock")
)

func fail(part string, err error, format string, args ...any) error {
	return &Error{Part: part, Msg: fmt.Sprintf(format, args...), Err: err}
}
