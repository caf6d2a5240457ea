// Package note reads and writes signed notes, strictly.
//
// The format is C2SP signed-note, which is that of golang.org/x/mod/sumdb/note:
//
//	This is an example message.
//
//	— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//
// That is: a text that ends in a newline, an empty line, then one signature
// line a signature: em dash, space, key name, space, base64 of a 32-bit key
// hash (big endian) and the signature, newline. The last empty line of the
// message ends the text. The key hash is
//
//	SHA-256(name || "\n" || algorithm byte || public key)[:4]
//
// and keys are written
//
//	NAME+HASH+BASE64(algorithm byte || public key)              verifier key
//	PRIVATE+KEY+NAME+HASH+BASE64(algorithm byte || seed)        signer key
//
// with HASH as eight lower-case hex digits. Algorithm 1 is Ed25519 over the
// text; algorithms 4 (Ed25519) and 6 (ML-DSA-44, which is only read here) are the
// timestamped witness signatures of C2SP tlog-cosignature (see [Cosignature]).
//
// # What is refused here and accepted elsewhere
//
// There is one spelling for one note: what [Parse] accepts, [Note.Bytes] gives
// back byte for byte. Hence base64 whose unused bits are set, base64 with line
// breaks, hex in upper case and a line that is there twice are errors. Control
// characters (U+007F and U+0080 to U+009F too) cannot stand in a key name, and
// a name has at most [MaxName] bytes.
package note

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	xnote "golang.org/x/mod/sumdb/note"
)

const (
	// MaxSize is the largest note that is read, in bytes.
	MaxSize = 1 << 20
	// MaxSigs is the largest number of signatures of a note. C2SP asks for 16 at least.
	MaxSigs = 100
	// MaxName is the longest key name, in bytes.
	MaxName = 255
	// maxSig bounds one signature in bytes; the largest standard one
	// (ML-DSA-44 with its time) has 2,428.
	maxSig = 16 << 10
)

const sigPrefix = "— "

// ErrMalformed is what every note that is not one is answered with. What
// exactly is wrong with hostile bytes helps only who sent them.
var ErrMalformed = errors.New("malformed note")

// ErrUnsigned says that no key that the caller knows has signed a well-formed note.
var ErrUnsigned = errors.New("note is not signed by any known key")

// A SignatureError says that a known key's signature does not fit the text.
type SignatureError struct {
	Name string
	Hash uint32
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("invalid signature of key %s+%08x", e.Name, e.Hash)
}

// These interfaces are those of golang.org/x/mod/sumdb/note, so that its keys
// and ours can stand in for each other.
type (
	// A Verifier checks signatures of one key.
	Verifier = xnote.Verifier
	// A Signer makes signatures with one key.
	Signer = xnote.Signer
	// Verifiers finds the known key of a name and hash; it answers
	// *UnknownKeyError for keys that it does not know.
	Verifiers = xnote.Verifiers
	// An UnknownKeyError says that a name and hash is not a known key's.
	UnknownKeyError = xnote.UnknownVerifierError
)

// A Signature is one signature line. Sig is what follows the key hash.
type Signature struct {
	Name string
	Hash uint32
	Sig  []byte
}

// Line returns the signature line with its newline.
func (s Signature) Line() string {
	raw := binary.BigEndian.AppendUint32(nil, s.Hash)
	return sigPrefix + s.Name + " " + base64.StdEncoding.EncodeToString(append(raw, s.Sig...)) + "\n"
}

// A Note is a text and its signatures, none of them checked.
type Note struct {
	Text string // ends in a newline
	Sigs []Signature
}

// Bytes returns the message that Parse reads.
func (n *Note) Bytes() []byte {
	var b strings.Builder
	b.WriteString(n.Text)
	b.WriteByte('\n')
	for _, s := range n.Sigs {
		b.WriteString(s.Line())
	}
	return []byte(b.String())
}

// Parse splits a message into text and signatures without checking any of
// them. The error is [ErrMalformed].
func Parse(msg []byte) (*Note, error) {
	if len(msg) > MaxSize || !validText(msg) {
		return nil, ErrMalformed
	}
	s := string(msg)
	i := strings.LastIndex(s, "\n\n")
	if i < 0 {
		return nil, ErrMalformed
	}
	n := &Note{Text: s[:i+1]}
	rest := s[i+2:]
	var seen map[string]bool // most notes have one signature
	for rest != "" {
		line, tail, ok := strings.Cut(rest, "\n")
		if !ok || seen[line] || len(n.Sigs) == MaxSigs {
			return nil, ErrMalformed
		}
		sig, err := ParseLine(line)
		if err != nil {
			return nil, err
		}
		n.Sigs = append(n.Sigs, sig)
		if rest = tail; rest != "" {
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[line] = true
		}
	}
	if len(n.Sigs) == 0 {
		return nil, ErrMalformed
	}
	return n, nil
}

// validText reports whether b is UTF-8 without ASCII control characters other
// than newline.
func validText(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\n' {
			return false
		}
	}
	return utf8.Valid(b)
}

// ParseLine reads one signature line, without its newline.
func ParseLine(line string) (Signature, error) {
	rest, ok := strings.CutPrefix(line, sigPrefix)
	if !ok {
		return Signature{}, ErrMalformed
	}
	name, b64, ok := strings.Cut(rest, " ")
	if !ok || !ValidName(name) || len(b64) > base64.StdEncoding.EncodedLen(maxSig) {
		return Signature{}, ErrMalformed
	}
	raw, ok := decode64(b64)
	if !ok || len(raw) < 5 {
		return Signature{}, ErrMalformed
	}
	return Signature{Name: name, Hash: binary.BigEndian.Uint32(raw), Sig: raw[4:]}, nil
}

// decode64 decodes standard base64 in its one canonical spelling. The library's
// decoder skips line breaks, and without Strict it ignores unused bits.
func decode64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil
}

// ValidName reports whether name can be a key name: 1 to MaxName bytes of UTF-8
// without plus, Unicode space or control character.
func ValidName(name string) bool {
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) < 0
}

// Opened is a note with at least one checked signature.
type Opened struct {
	Text     string
	Verified []Signature // by known keys, each key once
	Unknown  []Signature // not checked: nobody knows their keys
}

// Note returns the whole note again, verified signatures first.
func (o *Opened) Note() *Note {
	return &Note{Text: o.Text, Sigs: append(append([]Signature(nil), o.Verified...), o.Unknown...)}
}

// Open parses a message and checks the signatures of all known keys. A known
// key whose signature is wrong fails the whole note ([*SignatureError]), as
// does a note without any known key's ([ErrUnsigned]). The verifier that known
// hands back is itself not believed: another name or hash than asked for is an error.
func Open(msg []byte, known Verifiers) (*Opened, error) {
	n, err := Parse(msg)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, ErrUnsigned
	}
	o := &Opened{Text: n.Text}
	type key struct {
		name string
		hash uint32
	}
	verified := map[key]bool{}
	for _, s := range n.Sigs {
		v, err := known.Verifier(s.Name, s.Hash)
		var unknown *UnknownKeyError
		if errors.As(err, &unknown) {
			o.Unknown = append(o.Unknown, s)
			continue
		}
		if err != nil {
			return nil, err
		}
		if v.Name() != s.Name || v.KeyHash() != s.Hash {
			return nil, fmt.Errorf("asked for key %s+%08x, got %s+%08x", s.Name, s.Hash, v.Name(), v.KeyHash())
		}
		if !v.Verify([]byte(n.Text), s.Sig) {
			return nil, &SignatureError{s.Name, s.Hash}
		}
		// A witness may have signed twice, at two times; the first counts, and
		// no caller can count one key as two.
		if k := (key{s.Name, s.Hash}); !verified[k] {
			verified[k] = true
			o.Verified = append(o.Verified, s)
		}
	}
	if len(o.Verified) == 0 {
		return nil, ErrUnsigned
	}
	return o, nil
}

// Sign returns text, signed by each of the signers in the order given.
func Sign(text string, signers ...Signer) ([]byte, error) {
	n := &Note{Text: text}
	for _, s := range signers {
		if !ValidName(s.Name()) {
			return nil, fmt.Errorf("signing: %q cannot be a key name", s.Name())
		}
		sig, err := s.Sign([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("signing with %s: %w", s.Name(), err)
		}
		n.Sigs = append(n.Sigs, Signature{s.Name(), s.KeyHash(), sig})
	}
	msg := n.Bytes()
	// Never write what we would not read.
	back, err := Parse(msg)
	if err != nil || back.Text != text {
		return nil, fmt.Errorf("signing: %w", ErrMalformed)
	}
	return msg, nil
}

// List returns the keys given as Verifiers. Two different keys with one name
// and hash are an attack on the list; asking for them is an error.
func List(keys ...Verifier) Verifiers { return list(keys) }

type list []Verifier

func (l list) Verifier(name string, hash uint32) (Verifier, error) {
	var found Verifier
	for _, v := range l {
		if v.Name() != name || v.KeyHash() != hash {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("key %s+%08x is listed twice", name, hash)
		}
		found = v
	}
	if found == nil {
		return nil, &UnknownKeyError{Name: name, KeyHash: hash}
	}
	return found, nil
}
