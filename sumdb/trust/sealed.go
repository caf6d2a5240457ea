package trust

import (
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// A protected key file holds the private key under a passphrase:
//
//	wheellock-key/v1
//	key builder1.wheels.example.org+1f2e3d4c+A…
//	salt …
//	box …
//
// key is the verifier key, so that whose file it is can be seen without the
// passphrase. salt is 16 random bytes, new each time the file is written; box is
// the private key's text (a note signer key), encrypted. Both are standard base64.
// The secret is Argon2id (RFC 9106) of passphrase and salt with 3 passes over 64
// MiB in 4 lanes, the RFC's second recommended option; the cipher ChaCha20-Poly1305
// (RFC 8439) with a nonce of zeros, which is sound since no two files have one
// secret, and with the lines above as additional data. The parameters are fixed by
// the version: a file cannot ask for a weak or an endless derivation.
const (
	sealedMagic  = "wheellock-key/v1"
	saltSize     = 16
	argonPasses  = 3
	argonKiB     = 64 << 10
	argonLanes   = 4
	maxKeyFile   = 4096 // bytes
	maxPhrase    = 1024 // bytes
	phraseRefuse = "a passphrase has 1 to 1024 bytes"
)

type sealed struct {
	key  string // vkey
	salt []byte
	box  []byte
}

func (s *sealed) head() string {
	return fmt.Sprintf("%s\nkey %s\nsalt %s\n", sealedMagic, s.key, base64.StdEncoding.EncodeToString(s.salt))
}

func (s *sealed) format() []byte {
	return []byte(s.head() + "box " + base64.StdEncoding.EncodeToString(s.box) + "\n")
}

func (s *sealed) cipher(phrase []byte) (cipher.AEAD, error) {
	return chacha20poly1305.New(argon2.IDKey(phrase, s.salt, argonPasses, argonKiB, argonLanes, chacha20poly1305.KeySize))
}

// seal encrypts a note signer key.
func seal(random io.Reader, k *note.SigningKey, skey string, phrase []byte) ([]byte, error) {
	if len(phrase) == 0 || len(phrase) > maxPhrase {
		return nil, fmt.Errorf("%w: %s", ErrPassphrase, phraseRefuse)
	}
	s := &sealed{key: k.Verifier().String(), salt: make([]byte, saltSize)}
	if _, err := io.ReadFull(random, s.salt); err != nil {
		return nil, fmt.Errorf("protecting a key: %w", err)
	}
	c, err := s.cipher(phrase)
	if err != nil {
		return nil, fmt.Errorf("protecting a key: %w", err)
	}
	s.box = c.Seal(nil, make([]byte, c.NonceSize()), []byte(skey), []byte(s.head()))
	return s.format(), nil
}

// isSealed reports whether a key file says that it is protected.
func isSealed(data []byte) bool { return strings.HasPrefix(string(data), sealedMagic+"\n") }

// parseSealed reads a protected key file in its one spelling.
func parseSealed(data []byte) (*sealed, error) {
	lines := strings.Split(string(data), "\n")
	if len(data) > maxKeyFile || len(lines) != 5 || lines[0] != sealedMagic {
		return nil, ErrMalformed
	}
	s := &sealed{key: strings.TrimPrefix(lines[1], "key ")}
	var err1, err2 error
	s.salt, err1 = base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[2], "salt "))
	s.box, err2 = base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[3], "box "))
	if _, err := verifier(s.key); err != nil || err1 != nil || err2 != nil || len(s.salt) != saltSize || string(s.format()) != string(data) {
		return nil, ErrMalformed
	}
	return s, nil
}

// open decrypts the key. A wrong passphrase and a changed file look alike.
func (s *sealed) open(phrase []byte) (skey string, k *note.SigningKey, err error) {
	c, err := s.cipher(phrase)
	if err != nil {
		return "", nil, err
	}
	text, err := c.Open(nil, make([]byte, c.NonceSize()), s.box, []byte(s.head()))
	if err != nil {
		return "", nil, ErrPassphrase
	}
	k, err = note.NewSigner(string(text))
	if err != nil || k.Verifier().String() != s.key {
		return "", nil, ErrMalformed
	}
	return string(text), k, nil
}
