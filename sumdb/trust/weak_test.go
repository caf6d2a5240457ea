package trust

import (
	"bytes"
	"crypto"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// TestWeakBinding: what says that a subkey signs for a key must not be signed over
// SHA-1, for which two texts with one hash can be made.
func TestWeakBinding(t *testing.T) {
	for hash, good := range map[crypto.Hash]bool{crypto.SHA256: true, crypto.SHA1: false} {
		config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256}
		e, err := openpgp.NewEntity("Weak", "", "weak@tests.example", config)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.AddSigningSubkey(config); err != nil {
			t.Fatal(err)
		}
		sub := &e.Subkeys[len(e.Subkeys)-1]
		sub.Sig.Hash = hash
		if err := sub.Sig.SignKey(sub.PublicKey, e.PrivateKey, &packet.Config{DefaultHash: hash, NonDeterministicSignaturesViaNotation: packet.BoolPointer(false)}); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := e.Serialize(&b); err != nil {
			t.Fatal(err)
		}
		key, err := ReadCertificate(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCertificate(key.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if good {
			want = 2
		}
		if len(c.keys) != want {
			t.Errorf("%v: %d keys may sign, want %d", hash, len(c.keys), want)
		}
	}
}
