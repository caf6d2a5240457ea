package attest

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// PayloadType is the only one that is taken.
	PayloadType = "application/vnd.in-toto+json"
	// MaxSize is the largest envelope in bytes.
	MaxSize = 4 << 20
)

// ErrMalformed is wrapped by every error about bytes that are not an envelope as
// [Seal] writes it.
var ErrMalformed = errors.New("malformed attestation")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// A Signer is a builder's note key: its Sign gives a plain Ed25519 signature of the
// bytes, as sumdb/note's does.
type Signer interface {
	Name() string
	KeyHash() uint32
	Sign(msg []byte) ([]byte, error)
}

// KeyID is the keyid of a note key: "NAME+HASH".
func KeyID(name string, hash uint32) string { return fmt.Sprintf("%s+%08x", name, hash) }

// An Envelope is what was read from one.
type Envelope struct {
	KeyID      string
	Provenance *Provenance

	payload, sig []byte
}

type envelope struct {
	Payload     string      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// pae is DSSE's pre-authentication encoding: the type is signed with the payload.
func pae(payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(PayloadType), PayloadType, len(payload)), payload...)
}

// Seal signs a provenance. Its Builder has to be the signer's key id.
func Seal(p *Provenance, key Signer) ([]byte, error) {
	if id := KeyID(key.Name(), key.KeyHash()); id != p.Builder {
		return nil, fmt.Errorf("attesting: the builder is %s, the key is %s", p.Builder, id)
	}
	payload, err := p.payload()
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(pae(payload))
	if err != nil {
		return nil, fmt.Errorf("attesting: %w", err)
	}
	data, err := seal(payload, p.Builder, sig)
	if err == nil && len(data) > MaxSize {
		err = fmt.Errorf("attesting: %d bytes, at most %d are allowed", len(data), MaxSize)
	}
	return data, err
}

func seal(payload []byte, keyID string, sig []byte) ([]byte, error) {
	b64 := base64.StdEncoding.EncodeToString
	data, err := encode(envelope{b64(payload), PayloadType, []signature{{keyID, b64(sig)}}})
	return append(data, '\n'), err
}

// Open reads an envelope. Nothing of it is to be believed before [Envelope.Verify].
// The error wraps [ErrMalformed].
func Open(data []byte) (*Envelope, error) {
	if len(data) > MaxSize {
		return nil, malformed("%d bytes, at most %d are allowed", len(data), MaxSize)
	}
	var e envelope
	if err := decode(data, &e); err != nil {
		return nil, err
	}
	if e.PayloadType != PayloadType {
		return nil, malformed("the payload's type is %.80q, not %s", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 {
		return nil, malformed("%d signatures: an envelope has exactly one", len(e.Signatures))
	}
	payload, err := decode64(e.Payload)
	if err != nil {
		return nil, malformed("the payload: %v", err)
	}
	sig, err := decode64(e.Signatures[0].Sig)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return nil, malformed("the signature is not the base64 of %d bytes", ed25519.SignatureSize)
	}
	if again, err := seal(payload, e.Signatures[0].KeyID, sig); err != nil || !bytes.Equal(again, data) {
		return nil, cmp.Or(explain(data), malformed("the envelope is not in its one spelling"))
	}
	p, err := parse(payload)
	if err != nil {
		return nil, err
	}
	if p.Builder != e.Signatures[0].KeyID {
		return nil, malformed("keyid is %.80q, the builder is %s", e.Signatures[0].KeyID, p.Builder)
	}
	return &Envelope{KeyID: e.Signatures[0].KeyID, Provenance: p, payload: payload, sig: sig}, nil
}

// Verify reports whether the holder of an Ed25519 key signed the envelope.
func (e *Envelope) Verify(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, pae(e.payload), e.sig)
}

// decode64 reads base64 in its one spelling: no stray bits, no line breaks.
func decode64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err == nil && base64.StdEncoding.EncodeToString(b) != s {
		err = errors.New("base64 that is not in its one spelling")
	}
	return b, err
}

// encode writes JSON without white space and without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
