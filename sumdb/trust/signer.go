package trust

import "errors"

// An OpenPGPSigner makes detached OpenPGP signatures: a software key or a card behind gpg.
type OpenPGPSigner interface {
	// Fingerprint of the primary key, 40 capital hexadecimal digits.
	Fingerprint() string
	// Certificate is the binary public key; roots keep its minimal form.
	Certificate() []byte
	// SignDetached returns one binary version 4 signature packet over data.
	SignDetached(data []byte) ([]byte, error)
}

// GPG signs through the gpg program, so that agents and cards work.
type GPG struct {
	Path    string // of the executable; the caller looks it up
	HomeDir string // --homedir; "" for gpg's own default
	key     string
	cert    []byte
}

// NewGPG asks gpg for the key with that fingerprint or id (which must fit exactly one key).
func NewGPG(path, homeDir, id string) (*GPG, error) { return nil, errors.New("unwritten") }

// Fingerprint of the primary key.
func (g *GPG) Fingerprint() string { return g.key }

// Certificate is what gpg exports, minimal.
func (g *GPG) Certificate() []byte { return g.cert }

// SignDetached runs gpg --detach-sign.
func (g *GPG) SignDetached(data []byte) ([]byte, error) { return nil, errors.New("unwritten") }

// ReadPrivateKey reads an armored OpenPGP private key. ask is called for the
// passphrase when the key has one; nil means it must have none.
func ReadPrivateKey(armored []byte, ask func() ([]byte, error)) (OpenPGPSigner, error) {
	return nil, errors.New("unwritten")
}

// SignDetachedArmored gives the content of FILE.asc, in canonical armor, one
// block a signer. Every signature is checked before it is handed out.
func SignDetachedArmored(data []byte, signers ...OpenPGPSigner) ([]byte, error) {
	return nil, errors.New("unwritten")
}

// VerifyDetached checks FILE.asc over data with binary certificates and returns
// the fingerprints of the certificates that signed, ascending. Every block must
// be by one of them.
func VerifyDetached(data, armored []byte, certificates ...[]byte) ([]string, error) {
	return nil, errors.New("unwritten")
}

// ReadCertificate reads an OpenPGP public key, armored or binary, as people
// send it, and gives its minimal form and fingerprint.
func ReadCertificate(data []byte) (OpenPGPKey, error) { return OpenPGPKey{}, errors.New("unwritten") }
