package note

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
)

// Algorithm bytes of C2SP signed-note.
const (
	AlgEd25519     = 0x01 // Ed25519 over the text
	AlgCosignature = 0x04 // Ed25519 with a time: cosignature/v1
	AlgMLDSA44     = 0x06 // ML-DSA-44 with a time: subtree/v1; read only, nothing here signs with it
)

// ErrKey is the answer to every text that is not a key.
var ErrKey = errors.New("malformed key")

// KeyHash returns the hash that stands for a key in signature lines.
func KeyHash(name string, alg byte, key []byte) uint32 {
	h := sha256.New()
	io.WriteString(h, name)
	h.Write([]byte{'\n', alg})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// A VerifierKey is a public key with its name. It is a [Verifier].
type VerifierKey struct {
	name string
	alg  byte
	key  []byte
	hash uint32
}

// NewVerifierKey makes a verifier key for an algorithm and its public key: 32
// bytes for AlgEd25519 and AlgCosignature, 1,312 for AlgMLDSA44. The error is
// [ErrKey].
func NewVerifierKey(name string, alg byte, key []byte) (*VerifierKey, error) {
	if !ValidName(name) || len(key) != publicSize(alg) {
		return nil, ErrKey
	}
	return newVerifierKey(name, alg, key), nil
}

func newVerifierKey(name string, alg byte, key []byte) *VerifierKey {
	return &VerifierKey{name, alg, bytes.Clone(key), KeyHash(name, alg, key)}
}

// publicSize is the length of an algorithm's public keys; -1: no such algorithm.
func publicSize(alg byte) int {
	switch alg {
	case AlgEd25519, AlgCosignature:
		return ed25519.PublicKeySize
	case AlgMLDSA44:
		return mldsa44.PublicKeySize
	}
	return -1
}

// NewVerifier parses a verifier key's text. The error is [ErrKey].
func NewVerifier(vkey string) (*VerifierKey, error) {
	name, hash, alg, key, err := parseKey(vkey)
	if err != nil {
		return nil, err
	}
	k, err := NewVerifierKey(name, alg, key)
	if err != nil || k.KeyHash() != hash {
		return nil, ErrKey
	}
	return k, nil
}

// parseKey splits NAME+HASH+BASE64 into its parts.
func parseKey(s string) (name string, hash uint32, alg byte, key []byte, err error) {
	parts := strings.SplitN(s, "+", 3)
	if len(parts) != 3 || !ValidName(parts[0]) || len(parts[1]) != 8 {
		return "", 0, 0, nil, ErrKey
	}
	if strings.Trim(parts[1], "0123456789abcdef") != "" {
		return "", 0, 0, nil, ErrKey
	}
	if _, err := fmt.Sscanf(parts[1], "%08x", &hash); err != nil {
		return "", 0, 0, nil, ErrKey
	}
	raw, ok := decode64(parts[2])
	if !ok || len(raw) == 0 {
		return "", 0, 0, nil, ErrKey
	}
	return parts[0], hash, raw[0], raw[1:], nil
}

// Name returns the key's name.
func (k *VerifierKey) Name() string { return k.name }

// KeyHash returns the hash that stands for the key in signature lines.
func (k *VerifierKey) KeyHash() uint32 { return k.hash }

// Alg returns the algorithm byte.
func (k *VerifierKey) Alg() byte { return k.alg }

// Public returns a copy of the public key's bytes.
func (k *VerifierKey) Public() []byte { return bytes.Clone(k.key) }

// Cosigns reports whether the key's signatures are cosignatures, with a time.
func (k *VerifierKey) Cosigns() bool { return k.alg == AlgCosignature || k.alg == AlgMLDSA44 }

// String returns the verifier key's text.
func (k *VerifierKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{k.alg}, k.key...)))
}

// Verify reports whether sig is this key's signature of a note's text.
func (k *VerifierKey) Verify(text, sig []byte) bool {
	if k.alg == AlgEd25519 {
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.key, text, sig)
	}
	c, err := ParseCosignature(sig)
	if err != nil {
		return false
	}
	if k.alg == AlgMLDSA44 {
		return verifyMLDSA44(k.name, k.key, string(text), c)
	}
	return len(c.Sig) == ed25519.SignatureSize && ed25519.Verify(k.key, CosignedMessage(string(text), c.Time), c.Sig)
}

// A SigningKey is an Ed25519 private key with its name. It is a [Signer] for
// algorithm 1.
type SigningKey struct {
	name string
	priv ed25519.PrivateKey
}

// GenerateKey makes a key pair for a name from 32 bytes of rand (crypto/rand.Reader).
// The skey is secret.
func GenerateKey(rand io.Reader, name string) (skey, vkey string, err error) {
	if !ValidName(name) {
		return "", "", fmt.Errorf("making a key: %q cannot be a key name", name)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return "", "", fmt.Errorf("making a key: %w", err)
	}
	k := &SigningKey{name, ed25519.NewKeyFromSeed(seed)}
	return k.text(), k.Verifier().String(), nil
}

func (k *SigningKey) text() string {
	raw := append([]byte{AlgEd25519}, k.priv.Seed()...)
	return fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", k.name, k.KeyHash(), base64.StdEncoding.EncodeToString(raw))
}

// NewSigner parses a signer key's text. The error is [ErrKey], which never
// repeats any of the text: it is secret.
func NewSigner(skey string) (*SigningKey, error) {
	rest, ok := strings.CutPrefix(skey, "PRIVATE+KEY+")
	if !ok {
		return nil, ErrKey
	}
	name, hash, alg, seed, err := parseKey(rest)
	if err != nil || alg != AlgEd25519 || len(seed) != ed25519.SeedSize {
		return nil, ErrKey
	}
	k := &SigningKey{name, ed25519.NewKeyFromSeed(seed)}
	if k.KeyHash() != hash {
		return nil, ErrKey
	}
	return k, nil
}

// Name returns the key's name.
func (k *SigningKey) Name() string { return k.name }

// KeyHash returns the hash that stands for the key in signature lines.
func (k *SigningKey) KeyHash() uint32 {
	return KeyHash(k.name, AlgEd25519, k.priv.Public().(ed25519.PublicKey))
}

// Sign signs a note's text.
func (k *SigningKey) Sign(text []byte) ([]byte, error) { return ed25519.Sign(k.priv, text), nil }

// Verifier returns the public half.
func (k *SigningKey) Verifier() *VerifierKey {
	return newVerifierKey(k.name, AlgEd25519, k.priv.Public().(ed25519.PublicKey))
}
