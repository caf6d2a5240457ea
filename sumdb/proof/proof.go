// Package proof makes and checks wheels.lock.proof.
package proof

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A Want names a package whose history a proof must hold completely: every
// statement about these versions, and every withdrawal whatever its version.
type Want struct {
	Name     string // normalised
	Versions []string
}

// A Source is the log that a proof is made from. Nothing in it is believed.
type Source struct {
	Checkpoint []byte         // the signed note
	Roots      []trust.Signed // from 0 on
	Hashes     tlog.HashReader
	Leaf       func(n int64) ([]byte, error)
	Index      *index.Snapshot // of the last index statement; nil when there is none
}

// Build makes the bytes of wheels.lock.proof. extra are log indexes of further
// statements to carry (the lock statement, the publication of the list).
func Build(src Source, want []Want, extra []int64) ([]byte, error) {
	return nil, errors.New("unwritten")
}

// Pins are what the user trusts without proof.
type Pins struct {
	Root trust.Pins
	Log  string // verifier key of the log; "" pins only the root
}

// Verify checks a proof without any network.
func Verify(data []byte, pins Pins, want []Want) (*Verified, error) {
	return nil, errors.New("unwritten")
}

// A Signer is who signed a statement.
type Signer struct {
	Name string // of the key
	Role string
	Key  string // vkey
	Void bool   // the key was stolen at or before that index: do not count it
}

// A Statement is a leaf whose place in the log and whose signatures are checked.
type Statement struct {
	Number  int64 // log index
	Kind    string
	Leaf    []byte
	Signers []Signer
}

// Verified is what a proof proves.
type Verified struct {
	Origin     string
	Size       int64
	Hash       tlog.Hash
	Chain      *trust.Chain
	Statements []Statement // ascending
	Witnesses  []string    // vkeys of the distinct witnesses that cosigned
}

// History gives all statements about a wanted name that the proof carries, ascending.
func (v *Verified) History(name string) []Statement { return nil }
