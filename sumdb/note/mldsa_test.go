package note

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
)

// TestMLDSA44 signs a checkpoint as a witness with such a key does, and opens it.
func TestMLDSA44(t *testing.T) {
	const name = "witness.example/pq"
	text := "wheels.example.org\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n"
	pub, priv := mldsa44.NewKeyFromSeed(&[32]byte{1, 2, 3})
	k, err := NewVerifierKey(name, AlgMLDSA44, pub.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if back, err := NewVerifier(k.String()); err != nil || back.String() != k.String() || !back.Cosigns() {
		t.Fatalf("the key's text is not read back: %v", err)
	}
	sign := func(name, text string, time int64) []byte {
		t.Helper()
		// Written out here from the page, byte by byte.
		lines := strings.Split(text, "\n")
		var m bytes.Buffer
		m.WriteString("subtree/v1\n\x00")
		m.WriteByte(byte(len(name)))
		m.WriteString(name)
		binary.Write(&m, binary.BigEndian, time)
		m.WriteByte(byte(len(lines[0])))
		m.WriteString(lines[0])
		binary.Write(&m, binary.BigEndian, [2]uint64{0, 7})
		hash, _ := decode64(lines[2])
		m.Write(hash)
		sig := make([]byte, mldsa44.SignatureSize)
		if err := mldsa44.SignTo(priv, m.Bytes(), nil, false, sig); err != nil {
			t.Fatal(err)
		}
		return Cosignature{time, sig}.Bytes()
	}
	open := func(sig []byte, text string) error {
		n := &Note{Text: text, Sigs: []Signature{{name, k.KeyHash(), sig}}}
		_, err := Open(n.Bytes(), List(k))
		return err
	}
	sig := sign(name, text, 1679315147)
	if err := open(sig, text); err != nil {
		t.Errorf("a good cosignature: %v", err)
	}
	if err := open(sig, strings.Replace(text, "extension", "another", 1)); err != nil {
		t.Errorf("extension lines are not signed, and yet: %v", err)
	}
	for what, bad := range map[string]error{
		"another size":   open(sig, strings.Replace(text, "\n7\n", "\n8\n", 1)),
		"another origin": open(sig, strings.Replace(text, "wheels", "wheelz", 1)),
		"another name":   open(sign("other.example", text, 5), text),
		"another time":   open(append([]byte{0, 0, 0, 0, 0, 0, 0, 9}, sig[8:]...), text),
		"no checkpoint":  open(sig, "wheels.example.org\n7\n"),
		"cut short":      open(sig[:len(sig)-1], text),
	} {
		if bad == nil {
			t.Errorf("%s: let through", what)
		}
	}
	if _, err := NewVerifierKey(name, AlgMLDSA44, pub.Bytes()[1:]); err == nil {
		t.Error("a short key is let through")
	}
}
