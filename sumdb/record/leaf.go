package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// A Signed is a statement as the log holds it: with the name and hash of the
// one key that claims it. Whether the signature is good is for [Signed.Verify].
type Signed struct {
	*Statement
	Leaf   []byte // the bytes in the log
	Signer string // key name
	Hash   uint32 // key hash
	sig    []byte
	id     ID

	verified *note.VerifierKey // the key by which Preverify has checked the signature
}

// sigStart begins a signature line. A statement's text is ASCII, so these
// bytes cannot occur before it.
const sigStart = "— "

// Sign makes the leaf of a statement, signed by the one who claims it.
func Sign(s *Statement, signer note.Signer) ([]byte, error) {
	msg, err := note.Sign(string(s.Text()), signer)
	if err != nil {
		return nil, err
	}
	leaf, err := Leaf(msg)
	if err != nil {
		return nil, fmt.Errorf("signing a %s statement: %w", s.Kind(), err)
	}
	return leaf, nil
}

// Leaf turns a statement's note into its leaf by taking the blank line away.
func Leaf(msg []byte) ([]byte, error) {
	n, err := note.Parse(msg)
	if err != nil {
		return nil, malformed("%v", err)
	}
	if len(n.Sigs) != 1 {
		return nil, malformed("%d signatures", len(n.Sigs))
	}
	leaf := []byte(n.Text + n.Sigs[0].Line())
	_, err = ParseLeaf(leaf)
	return leaf, err
}

// Note turns a leaf into the note that [note.Open] reads by putting the blank
// line back.
func Note(leaf []byte) ([]byte, error) {
	i := bytes.Index(leaf, []byte("\n"+sigStart))
	if i < 0 {
		return nil, malformed("no signature")
	}
	msg := make([]byte, 0, len(leaf)+1)
	msg = append(msg, leaf[:i+1]...)
	msg = append(msg, '\n')
	return append(msg, leaf[i+1:]...), nil
}

// ParseLeaf reads a leaf strictly; it does not check the signature.
func ParseLeaf(leaf []byte) (*Signed, error) {
	if len(leaf) > MaxLeaf {
		return nil, malformed("%d bytes with the signature", len(leaf))
	}
	msg, err := Note(leaf)
	if err != nil {
		return nil, err
	}
	n, err := note.Parse(msg)
	if err != nil {
		return nil, malformed("%v", err)
	}
	// Exactly one: see the package comment.
	if len(n.Sigs) != 1 {
		return nil, malformed("%d signatures", len(n.Sigs))
	}
	s, err := Parse([]byte(n.Text))
	if err != nil {
		return nil, err
	}
	sig := n.Sigs[0]
	return &Signed{Statement: s, Leaf: leaf, Signer: sig.Name, Hash: sig.Hash, sig: sig.Sig, id: identity(s, sig)}, nil
}

// Verify reports whether the statement was signed by this key. A verifier of
// another name or hash never fits.
func (s *Signed) Verify(v note.Verifier) bool {
	if k, ok := v.(*note.VerifierKey); ok && k != nil && k == s.verified {
		return true // a VerifierKey never changes
	}
	return v != nil && v.Name() == s.Signer && v.KeyHash() == s.Hash && v.Verify(s.Text(), s.sig)
}

// Open parses a leaf and checks its signature against the keys given.
func Open(leaf []byte, known note.Verifiers) (*Signed, error) {
	s, err := ParseLeaf(leaf)
	if err != nil {
		return nil, err
	}
	v, err := known.Verifier(s.Signer, s.Hash)
	if err != nil {
		return nil, err
	}
	if !s.Verify(v) {
		return nil, &note.SignatureError{Name: s.Signer, Hash: s.Hash}
	}
	return s, nil
}

// An ID stands for a claim: a text and the key that claims it. The signature's
// bytes are left out, since the owner of an Ed25519 key can sign one text in
// many ways and each would look like a new statement.
type ID [32]byte

// ID returns the claim's identity: SHA-256 of the text, then the key's name, a
// plus, its hash in hex and a newline.
func (s *Signed) ID() ID { return s.id }

func identity(s *Statement, sig note.Signature) ID {
	text := make([]byte, 0, len(s.text)+len(sig.Name)+len("+12345678\n"))
	text = append(append(text, s.text...), sig.Name...)
	return sha256.Sum256(append(hex.AppendEncode(append(text, '+'), binary.BigEndian.AppendUint32(nil, sig.Hash)), '\n'))
}
