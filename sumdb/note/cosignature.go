package note

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
)

// A Cosignature is what a witness adds to a checkpoint (C2SP tlog-cosignature,
// cosignature/v1): the time at which it knew no larger tree of this log, and an
// Ed25519 signature of
//
//	cosignature/v1
//	time 1679315147
//	example.com/behind-the-sofa
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
// In the signature line the eight bytes of the time (big endian) stand before the
// 64 of the signature, or before the 2,420 of one by ML-DSA-44, which is over
// another message (see mldsa.go).
type Cosignature struct {
	Time int64 // seconds since 1970
	Sig  []byte
}

// ParseCosignature reads the bytes of a signature line after the key hash.
func ParseCosignature(sig []byte) (Cosignature, error) {
	if len(sig) != 8+ed25519.SignatureSize && len(sig) != 8+mldsa44.SignatureSize {
		return Cosignature{}, ErrMalformed
	}
	t := binary.BigEndian.Uint64(sig)
	if t > math.MaxInt64 {
		return Cosignature{}, ErrMalformed
	}
	return Cosignature{Time: int64(t), Sig: sig[8:]}, nil
}

// Bytes returns what stands after the key hash in the signature line.
func (c Cosignature) Bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(c.Time)), c.Sig...)
}

// CosignedMessage returns what a witness signs at a time (seconds since 1970)
// over a checkpoint's text.
func CosignedMessage(text string, time int64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", time, text)
}

// Cosigner is a witness: its signatures carry the time that Now gives, in
// seconds since 1970. It is a [Signer] for algorithm 4.
type Cosigner struct {
	Key *SigningKey
	Now func() int64
}

// Name returns the key's name.
func (c *Cosigner) Name() string { return c.Key.name }

// KeyHash returns the hash of the key as a witness, which is not the hash of
// the same key as a plain signer.
func (c *Cosigner) KeyHash() uint32 { return c.Verifier().KeyHash() }

// Verifier returns the witness's verifier key.
func (c *Cosigner) Verifier() *VerifierKey {
	return newVerifierKey(c.Key.name, AlgCosignature, c.Key.priv.Public().(ed25519.PublicKey))
}

// Sign cosigns a checkpoint's text.
func (c *Cosigner) Sign(text []byte) ([]byte, error) {
	t := c.Now()
	if t < 0 {
		return nil, fmt.Errorf("cosigning at %d: before 1970", t)
	}
	sig := ed25519.Sign(c.Key.priv, CosignedMessage(string(text), t))
	return Cosignature{t, sig}.Bytes(), nil
}
