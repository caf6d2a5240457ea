package trust

import (
	"bytes"
	"crypto/elliptic"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/ecdsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// minRSABits is the smallest RSA key that may sign a root.
const minRSABits = 2048

// A certificate is a public key with the keys that may sign for it.
type certificate struct {
	fingerprint string
	keys        []*packet.PublicKey // primary or signing subkeys, not revoked
}

// ReadCertificate reads one OpenPGP public key, armored or binary, as people
// send it, and gives its minimal form and fingerprint.
func ReadCertificate(data []byte) (OpenPGPKey, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		var err error
		if data, err = dearmorKey(data, armorPublicKey); err != nil {
			return OpenPGPKey{}, fmt.Errorf("reading an OpenPGP certificate: the armor is damaged: %w", err)
		}
	}
	small, err := minimal(data)
	if err != nil {
		return OpenPGPKey{}, fmt.Errorf("reading an OpenPGP certificate: %w", err)
	}
	c, err := parseCertificate(small)
	if err != nil {
		return OpenPGPKey{}, fmt.Errorf("reading an OpenPGP certificate: %w", err)
	}
	return OpenPGPKey{Fingerprint: c.fingerprint, Certificate: small}, nil
}

// minimal keeps of a certificate what says which keys sign for it: the primary
// key with its revocations, its user IDs and signing subkeys with the newest
// self-signature and revocations of each. Photos, other people's signatures and
// encryption subkeys go; a root that carries them would change for no reason.
func minimal(data []byte) ([]byte, error) {
	list, err := splitPackets(data)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].tag != tagPublicKey {
		return nil, fmt.Errorf("%w: no public key at its beginning", ErrMalformed)
	}
	p, err := readOne(tagPublicKey, list[0].body)
	primary, ok := p.(*packet.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: its primary key cannot be read", ErrMalformed)
	}
	var out []byte
	for i := 0; i < len(list); {
		if i > 0 && list[i].tag == tagPublicKey {
			return nil, fmt.Errorf("%w: it holds more than one key", ErrMalformed)
		}
		j := i + 1
		for j < len(list) && list[j].tag == tagSignature {
			j++
		}
		out = append(out, component(primary, list[i], list[i+1:j], i == 0)...)
		i = j
	}
	if len(out) > MaxCertificateSize {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrMalformed, MaxCertificateSize)
	}
	return out, nil
}

// component gives what is kept of a key or user ID and the signatures after it.
func component(primary *packet.PublicKey, of rawPacket, sigs []rawPacket, first bool) []byte {
	if !first && of.tag != tagUserID && of.tag != tagSubkey {
		return nil
	}
	out := appendPacket(nil, of.tag, of.body)
	var newest []byte
	var newestSig *packet.Signature
	for _, s := range sigs {
		p, err := readOne(tagSignature, s.body)
		sig, ok := p.(*packet.Signature)
		if err != nil || !ok || !sig.CheckKeyIdOrFingerprint(primary) {
			continue
		}
		switch sig.SigType {
		case packet.SigTypeKeyRevocation, packet.SigTypeSubkeyRevocation, packet.SigTypeCertificationRevocation:
			out = appendPacket(out, tagSignature, s.body)
		default:
			if newestSig == nil || sig.CreationTime.After(newestSig.CreationTime) {
				newest, newestSig = s.body, sig
			}
		}
	}
	if of.tag == tagSubkey && (newestSig == nil || !newestSig.FlagSign) || of.tag == tagUserID && newestSig == nil {
		return nil
	}
	if newest != nil {
		out = appendPacket(out, tagSignature, newest)
	}
	return out
}

// parseCertificate reads a minimal certificate and checks the primary key's
// signatures over user IDs and subkeys, and the subkeys' back signatures. Expiry
// is left alone on purpose; a revoked primary key is refused. A subkey that is bound
// by SHA-1 signs nothing; a user ID may be, since the fingerprint is what is pinned.
func parseCertificate(small []byte) (*certificate, error) {
	if again, err := minimal(small); err != nil || !bytes.Equal(again, small) {
		return nil, fmt.Errorf("%w: not a minimal certificate", ErrMalformed)
	}
	e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(small)))
	if err != nil {
		return nil, fmt.Errorf("%w: its self-signatures are not right", ErrMalformed)
	}
	if e.PrimaryKey.Version != 4 {
		return nil, fmt.Errorf("%w: a version %d key; only version 4 keys can sign roots", ErrMalformed, e.PrimaryKey.Version)
	}
	c := &certificate{fingerprint: fingerprint(e.PrimaryKey)}
	if len(e.Revocations) > 0 {
		return nil, fmt.Errorf("key %s is revoked", c.fingerprint)
	}
	if primarySigns(e) && usable(e.PrimaryKey) == nil {
		c.keys = append(c.keys, e.PrimaryKey)
	}
	for _, s := range e.Subkeys {
		back := s.Sig.EmbeddedSignature
		if len(s.Revocations) == 0 && s.Sig.FlagSign && back != nil &&
			back.SigType == packet.SigTypePrimaryKeyBinding && strongHash(s.Sig.Hash) && strongHash(back.Hash) && s.PublicKey.Version == 4 && usable(s.PublicKey) == nil {
			c.keys = append(c.keys, s.PublicKey)
		}
	}
	if len(c.keys) == 0 {
		if err := usable(e.PrimaryKey); err != nil {
			return nil, fmt.Errorf("key %s cannot be used: %w", c.fingerprint, err)
		}
		return nil, fmt.Errorf("key %s has no key that may sign", c.fingerprint)
	}
	return c, nil
}

// primarySigns reads the key flags of the newest user ID that is not revoked. Keys older than
// flags may sign.
func primarySigns(e *openpgp.Entity) bool {
	var newest *packet.Signature
	for _, id := range e.Identities {
		s := id.SelfSignature
		if s != nil && len(id.Revocations) == 0 && (newest == nil || s.CreationTime.After(newest.CreationTime)) {
			newest = s
		}
	}
	return newest != nil && (!newest.FlagsValid || newest.FlagSign)
}

// usable names why a key's algorithm is not taken, or nil.
func usable(k *packet.PublicKey) error {
	switch k.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if n, err := k.BitLength(); err != nil || n < minRSABits {
			return fmt.Errorf("RSA with fewer than %d bits", minRSABits)
		}
		return nil
	case packet.PubKeyAlgoECDSA:
		// Brainpool and secp256k1 run in code that is not Go's own.
		pub, ok := k.PublicKey.(*ecdsa.PublicKey)
		if !ok {
			return fmt.Errorf("ECDSA without a key")
		}
		switch pub.GetCurve().GetCurveName() {
		case elliptic.P256().Params().Name, elliptic.P384().Params().Name, elliptic.P521().Params().Name:
			return nil
		}
		return fmt.Errorf("ECDSA on another curve than P-256, P-384 and P-521")
	case packet.PubKeyAlgoEdDSA:
		if c, err := k.Curve(); err != nil || c != packet.Curve25519 {
			return fmt.Errorf("EdDSA on another curve than Ed25519")
		}
		return nil
	case packet.PubKeyAlgoEd25519:
		return nil
	}
	return fmt.Errorf("public key algorithm %d; RSA, ECDSA and Ed25519 are taken", k.PubKeyAlgo)
}

func fingerprint(k *packet.PublicKey) string {
	return strings.ToUpper(hex.EncodeToString(k.Fingerprint))
}

// NormalizeFingerprint gives a version 4 fingerprint as 40 capital hexadecimal
// digits. People copy them with spaces, colons and 0x.
func NormalizeFingerprint(s string) (string, error) {
	t := strings.ToUpper(strings.NewReplacer(" ", "", ":", "", "\t", "").Replace(s))
	t = strings.TrimPrefix(t, "0X")
	if b, err := hex.DecodeString(t); err != nil || len(b) != 20 {
		return "", fmt.Errorf("%q is not an OpenPGP fingerprint of 40 hexadecimal digits", s)
	}
	return t, nil
}

// signedBy reports whether one of the certificate's keys made the signature.
func (c *certificate) signedBy(d *detached, data []byte) bool {
	for _, k := range c.keys {
		if d.verify(data, k) {
			return true
		}
	}
	return false
}

// VerifyDetached checks FILE.asc over data with OpenPGP certificates (armored
// or binary) and returns the fingerprints of those that signed, in the file's order. The
// armor must be canonical, every block by one of them, none twice.
func VerifyDetached(data, armored []byte, certificates ...[]byte) ([]string, error) {
	var certs []*certificate
	for _, b := range certificates {
		key, err := ReadCertificate(b)
		if err != nil {
			return nil, err
		}
		c, err := parseCertificate(key.Certificate)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	blocks, err := Dearmor(armored)
	if err != nil {
		return nil, fail("signature", ErrMalformed, "is not a detached OpenPGP signature in canonical armor")
	}
	var signers []string
	seen := map[string]bool{}
	for _, b := range blocks {
		who, err := signerOf(b, data, certs)
		if err != nil {
			return nil, fail("signature", err, "is wrong, or by none of the expected keys")
		}
		if seen[who] {
			return nil, fail("signature", ErrMalformed, "has two blocks by one key")
		}
		seen[who] = true
		signers = append(signers, who)
	}
	return signers, nil
}

// SignedAt gives the dates that the signers of FILE.asc claim. They prove nothing.
func SignedAt(armored []byte) ([]time.Time, error) {
	blocks, err := Dearmor(armored)
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for _, b := range blocks {
		d, err := parseSignature(b)
		if err != nil {
			return nil, err
		}
		times = append(times, d.sig.CreationTime.UTC())
	}
	return times, nil
}

func signerOf(block, data []byte, certs []*certificate) (string, error) {
	d, err := parseSignature(block)
	if err != nil {
		return "", err
	}
	for _, c := range certs {
		if c.signedBy(d, data) {
			return c.fingerprint, nil
		}
	}
	return "", ErrSignature
}
