package trust

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // hashes of OpenPGP signatures
	_ "crypto/sha512"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// An OpenPGPSigner makes detached OpenPGP signatures: a software key, or an
// agent or card behind gpg ([GPG]).
type OpenPGPSigner interface {
	// Fingerprint of the primary key, 40 capital hexadecimal digits.
	Fingerprint() string
	// Certificate is the minimal binary public key.
	Certificate() []byte
	// SignDetached returns one binary version 4 signature packet over data.
	SignDetached(data []byte) ([]byte, error)
}

// A softwareKey is a private key in memory.
type softwareKey struct {
	key  OpenPGPKey
	sign *packet.PrivateKey
	now  func() time.Time
}

func (k *softwareKey) Fingerprint() string { return k.key.Fingerprint }
func (k *softwareKey) Certificate() []byte { return k.key.Certificate }

func (k *softwareKey) SignDetached(data []byte) ([]byte, error) {
	pub := &k.sign.PublicKey
	sig := &packet.Signature{Version: pub.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: pub.PubKeyAlgo,
		Hash: crypto.SHA256, CreationTime: k.now(), IssuerKeyId: &pub.KeyId}
	if pub.PubKeyAlgo == packet.PubKeyAlgoECDSA {
		sig.Hash = crypto.SHA512 // as RFC 9580 asks: no weaker than the curve
	}
	h := sig.Hash.New()
	h.Write(data)
	if err := sig.Sign(h, k.sign, plainConfig()); err != nil {
		return nil, fmt.Errorf("signing with OpenPGP key %s: %w", k.key.Fingerprint, err)
	}
	var b bytes.Buffer
	if err := sig.Serialize(&b); err != nil {
		return nil, fmt.Errorf("signing with OpenPGP key %s: %w", k.key.Fingerprint, err)
	}
	return b.Bytes(), nil
}

// plainConfig turns off the library's random notation, so that a signature says
// nothing but what it signs.
func plainConfig() *packet.Config {
	return &packet.Config{NonDeterministicSignaturesViaNotation: packet.BoolPointer(false)}
}

// ReadPrivateKey reads an armored OpenPGP private key. ask is called for the
// passphrase when the key has one; nil means it must have none. The newest
// signing subkey whose private half is there signs, else the primary key.
func ReadPrivateKey(armored []byte, ask func() ([]byte, error)) (OpenPGPSigner, error) {
	data, err := dearmorKey(armored, armorPrivateKey)
	if err != nil {
		return nil, fmt.Errorf("reading an OpenPGP private key: expected one armored block %q: %w", armorPrivateKey, err)
	}
	e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(data)))
	if err != nil {
		return nil, fmt.Errorf("reading an OpenPGP private key: %w", err)
	}
	var public bytes.Buffer
	if err := e.Serialize(&public); err != nil {
		return nil, fmt.Errorf("reading an OpenPGP private key: %w", err)
	}
	key, err := ReadCertificate(public.Bytes())
	if err != nil {
		return nil, err
	}
	cert, err := parseCertificate(key.Certificate)
	if err != nil {
		return nil, err
	}
	private := signingKey(e, cert)
	if private == nil {
		return nil, fmt.Errorf("reading an OpenPGP private key: the file has no private part of a key of %s that may sign", key.Fingerprint)
	}
	if err := unlock(private, ask); err != nil {
		return nil, fmt.Errorf("unlocking OpenPGP key %s: %w", key.Fingerprint, err)
	}
	return &softwareKey{key, private, time.Now}, nil
}

func signingKey(e *openpgp.Entity, cert *certificate) *packet.PrivateKey {
	var best *packet.PrivateKey
	candidates := []*packet.PrivateKey{e.PrivateKey}
	for _, s := range e.Subkeys {
		candidates = append(candidates, s.PrivateKey)
	}
	for i, p := range candidates {
		if p == nil || p.Dummy() {
			continue
		}
		may := slices.ContainsFunc(cert.keys, func(k *packet.PublicKey) bool { return bytes.Equal(k.Fingerprint, p.Fingerprint) })
		if may && (best == nil || i > 0 && (best == e.PrivateKey || p.CreationTime.After(best.CreationTime))) {
			best = p
		}
	}
	return best
}

func unlock(p *packet.PrivateKey, ask func() ([]byte, error)) error {
	if !p.Encrypted {
		return nil
	}
	if ask == nil {
		return fmt.Errorf("it has a passphrase and none was given")
	}
	phrase, err := ask()
	if err != nil {
		return err
	}
	if err := p.Decrypt(phrase); err != nil {
		return fmt.Errorf("the passphrase does not fit")
	}
	return nil
}

// newSoftwareKey makes an Ed25519 key (in the form that GnuPG 2.2 reads) that
// only signs, and its armored private block.
func newSoftwareKey(random io.Reader, now time.Time, name string) (OpenPGPSigner, []byte, error) {
	cfg := plainConfig()
	cfg.Rand, cfg.Algorithm, cfg.Curve = random, packet.PubKeyAlgoEdDSA, packet.Curve25519
	cfg.Time = func() time.Time { return now }
	cfg.DefaultHash = crypto.SHA256
	e, err := openpgp.NewEntity(name, "", "", cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("making an OpenPGP key: %w", err)
	}
	e.Subkeys = nil // an encryption subkey; nothing is ever encrypted to this key
	var b bytes.Buffer
	if err := e.SerializePrivateWithoutSigning(&b, cfg); err != nil {
		return nil, nil, fmt.Errorf("making an OpenPGP key: %w", err)
	}
	text := armor(armorPrivateKey, b.Bytes())
	s, err := ReadPrivateKey(text, nil)
	return s, text, err
}

// ArmorCertificate gives a certificate as people exchange it.
func ArmorCertificate(certificate []byte) []byte { return armor(armorPublicKey, certificate) }

// SignDetachedArmored gives the content of FILE.asc, in canonical armor, one
// block a signer, ascending by fingerprint. Every signature is checked, by the
// reader's own rules, before it is handed out.
func SignDetachedArmored(data []byte, signers ...OpenPGPSigner) ([]byte, error) {
	sorted := slices.Clone(signers)
	slices.SortFunc(sorted, func(a, b OpenPGPSigner) int { return strings.Compare(a.Fingerprint(), b.Fingerprint()) })
	var out []byte
	for i, s := range sorted {
		if i > 0 && s.Fingerprint() == sorted[i-1].Fingerprint() {
			continue // the same key asked twice signs once
		}
		block, err := s.SignDetached(data)
		if err != nil {
			return nil, err
		}
		text := armor(armorSignature, block)
		who, err := VerifyDetached(data, text, s.Certificate())
		if err != nil || who[0] != s.Fingerprint() {
			return nil, fmt.Errorf("signing with OpenPGP key %s: the signature that came back is not one that can be verified", s.Fingerprint())
		}
		out = append(out, text...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("signing: no OpenPGP key to sign with")
	}
	return out, nil
}
