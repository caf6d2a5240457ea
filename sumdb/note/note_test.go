package note

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xnote "golang.org/x/mod/sumdb/note"
)

// shared returns a file of other projects' test data, which is not part of this repository.
func shared(t testing.TB, elem ...string) []byte {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(append([]string{dir, "testdata", "tlog"}, elem...)...))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("shared test data is not there: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newKey(t testing.TB, name string) *SigningKey {
	t.Helper()
	skey, vkey, err := GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Verifier().String(); got != vkey {
		t.Fatalf("verifier key %s, want %s", got, vkey)
	}
	return k
}

func signed(t testing.TB, text string, keys ...Signer) []byte {
	t.Helper()
	msg, err := Sign(text, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestSignAndOpen(t *testing.T) {
	a, b, stranger := newKey(t, "example.com/a"), newKey(t, "example.com/b"), newKey(t, "example.com/a")
	msg := signed(t, "one\n\ntwo\n", a, b, stranger)
	o, err := Open(msg, List(a.Verifier(), b.Verifier()))
	if err != nil {
		t.Fatal(err)
	}
	if o.Text != "one\n\ntwo\n" || len(o.Verified) != 2 || len(o.Unknown) != 1 {
		t.Errorf("opened as %+v", o)
	}
	if _, err := Open(msg, List()); !errors.Is(err, ErrUnsigned) {
		t.Errorf("without keys: %v", err)
	}
	if _, err := Open(msg, nil); !errors.Is(err, ErrUnsigned) {
		t.Errorf("with nil: %v", err)
	}
}

func TestKnownKeyWithWrongSignatureFailsTheNote(t *testing.T) {
	a, b := newKey(t, "a"), newKey(t, "b")
	n, err := Parse(signed(t, "text\n", a, b))
	if err != nil {
		t.Fatal(err)
	}
	n.Sigs[1].Sig[0] ^= 1
	_, err = Open(n.Bytes(), List(a.Verifier(), b.Verifier()))
	var bad *SignatureError
	if !errors.As(err, &bad) || bad.Name != "b" {
		t.Errorf("got %v", err)
	}
	if _, err := Open(n.Bytes(), List(a.Verifier())); err != nil {
		t.Errorf("a stranger's signature must be ignored: %v", err)
	}
}

// Some verifiers lie about who they are.
type liar struct{ Verifiers }

func (l liar) Verifier(string, uint32) (Verifier, error) { return l.Verifiers.Verifier("other", 7) }

type any7 struct{}

func (any7) Name() string               { return "other" }
func (any7) KeyHash() uint32            { return 7 }
func (any7) Verify(text, _ []byte) bool { return true }

func TestOpenDistrustsItsVerifiers(t *testing.T) {
	msg := signed(t, "text\n", newKey(t, "a"))
	if o, err := Open(msg, liar{List(any7{})}); err == nil {
		t.Errorf("another key's verifier was believed: %+v", o)
	}
	if _, err := Open(signed(t, "text\n", newKey(t, "a")), List(any7{}, any7{})); !errors.Is(err, ErrUnsigned) {
		t.Errorf("got %v", err)
	}
	k := newKey(t, "twice")
	if _, err := Open(signed(t, "text\n", k), List(k.Verifier(), k.Verifier())); err == nil {
		t.Error("a key that is listed twice was taken")
	}
}

// A witness may sign twice; it still counts once.
func TestOneKeyCountsOnce(t *testing.T) {
	k := newKey(t, "witness")
	at := int64(1)
	c := &Cosigner{Key: k, Now: func() int64 { at++; return at }}
	text := "origin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	o, err := Open(signed(t, text, c, c), List(c.Verifier()))
	if err != nil || len(o.Verified) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestRefused(t *testing.T) {
	k := newKey(t, "k")
	good := string(signed(t, "text\n", k))
	line := good[strings.Index(good, sigPrefix):]
	raw := make([]byte, 4+64)
	pad := base64.StdEncoding.EncodeToString(raw) // ends in "=": two unused bits
	loose := pad[:len(pad)-2] + "B="
	for name, msg := range map[string]string{
		"empty":                        "",
		"no signature":                 "text\n\n",
		"no blank line":                "text\n" + line,
		"no final newline":             strings.TrimSuffix(good, "\n"),
		"carriage returns":             strings.ReplaceAll(good, "\n", "\r\n"),
		"control character":            strings.Replace(good, "text", "te\x01xt", 1),
		"tab":                          strings.Replace(good, "text", "te\txt", 1),
		"invalid UTF-8":                strings.Replace(good, "text", "te\xffxt", 1),
		"hyphen for the dash":          strings.Replace(good, sigPrefix, "- ", 1),
		"plus in the name":             strings.Replace(good, sigPrefix+"k", sigPrefix+"k+l", 1),
		"no-break space in the name":   strings.Replace(good, sigPrefix+"k", sigPrefix+"k\u00a0l", 1),
		"C1 control in the name":       strings.Replace(good, sigPrefix+"k", sigPrefix+"k\u0080", 1),
		"delete in the name":           strings.Replace(good, sigPrefix+"k", sigPrefix+"k\u007f", 1),
		"empty name":                   strings.Replace(good, sigPrefix+"k", sigPrefix, 1),
		"long name":                    strings.Replace(good, sigPrefix+"k", sigPrefix+strings.Repeat("k", MaxName+1), 1),
		"the same line twice":          good + line,
		"unused base64 bits":           "text\n\n" + sigPrefix + "k " + loose + "\n",
		"base64 without padding":       strings.Replace(good, "=\n", "\n", 1),
		"base64 for addresses":         "text\n\n" + sigPrefix + "k ____________\n",
		"signature of no bytes":        "text\n\n" + sigPrefix + "k AAAAAA==\n",
		"two spaces":                   strings.Replace(good, sigPrefix+"k ", sigPrefix+"k  ", 1),
		"space at the end":             strings.TrimSuffix(good, "\n") + " \n",
		"text after the signatures":    good + "more\n",
		"blank line after signatures":  good + "\n",
		"a hundred and one signatures": "text\n\n" + manyLines(MaxSigs+1),
		"too large":                    strings.Repeat("x", MaxSize) + "\n\n" + line,
	} {
		if n, err := Parse([]byte(msg)); err == nil {
			t.Errorf("%s: taken as %+v", name, n)
		}
	}
	if _, err := Parse([]byte("text\n\n" + manyLines(MaxSigs))); err != nil {
		t.Errorf("%d signatures: %v", MaxSigs, err)
	}
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(Signature{"k", uint32(i), []byte{1}}.Line())
	}
	return b.String()
}

func TestKeysRefused(t *testing.T) {
	k := newKey(t, "example.com/k")
	vkey, skey := k.Verifier().String(), k.text()
	hash := fmt.Sprintf("%08x", k.KeyHash())
	other := fmt.Sprintf("%08x", k.KeyHash()^1)
	for name, change := range map[string][2]string{
		"another hash":    {hash, other},
		"short hash":      {hash, hash[:7]},
		"signed hash":     {hash, "+" + hash[1:]},
		"another name":    {"example.com/k", "example.com/l"},
		"no name":         {"example.com/k", ""},
		"space in name":   {"example.com/k", "example.com k"},
		"no base64 end":   {"", ""},
		"line break":      {"+A", "+A\n"},
		"other algorithm": {"+AQ", "+Ag"},
	} {
		for _, key := range []string{vkey, skey} {
			bad := strings.Replace(key, change[0], change[1], 1)
			if name == "no base64 end" {
				bad = key[:len(key)-1]
			}
			if bad == key {
				continue
			}
			if _, err := NewVerifier(bad); err == nil {
				t.Errorf("verifier key with %s was taken: %q", name, bad)
			}
			_, err := NewSigner(bad)
			if err == nil {
				t.Errorf("signer key with %s was taken", name)
			} else if strings.Contains(err.Error(), key[len(key)-20:]) {
				t.Errorf("the error repeats the secret: %v", err)
			}
		}
	}
	if upper := strings.Replace(vkey, hash, strings.ToUpper(hash), 1); upper != vkey {
		if _, err := NewVerifier(upper); err == nil {
			t.Error("upper-case hash was taken")
		}
	}
	if _, err := NewSigner(vkey); err == nil {
		t.Error("a verifier key was taken for a signer key")
	}
	if _, err := NewVerifier(skey); err == nil {
		t.Error("a signer key was taken for a verifier key")
	}
	if _, _, err := GenerateKey(rand.Reader, "a b"); err == nil {
		t.Error("made a key with a space in its name")
	}
}

// Notes and keys of golang.org/x/mod work here, and ours there.
func TestAgainstXMod(t *testing.T) {
	skey, vkey, err := xnote.GenerateKey(rand.Reader, "example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := xnote.NewSigner(ours.text())
	if err != nil {
		t.Fatal(err)
	}
	ourV, err := NewVerifier(vkey)
	if err != nil || ourV.String() != vkey || ours.Verifier().String() != vkey {
		t.Fatalf("%v, %v", ourV, err)
	}
	theirV, err := xnote.NewVerifier(ourV.String())
	if err != nil {
		t.Fatal(err)
	}
	a := signed(t, "text\n", ours)
	b, err := xnote.Sign(&xnote.Note{Text: "text\n"}, theirs)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("signed differently: %q, %q, %v", a, b, err)
	}
	if _, err := xnote.Open(a, xnote.VerifierList(theirV)); err != nil {
		t.Errorf("x/mod opening ours: %v", err)
	}
	if _, err := Open(b, List(theirV)); err != nil {
		t.Errorf("opening theirs: %v", err)
	}
}

func TestC2SPVectors(t *testing.T) {
	v, err := NewVerifier(strings.TrimSuffix(string(shared(t, "c2sp", "signed-note-example.vkey")), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	msg := shared(t, "c2sp", "signed-note-example.note")
	if _, err := Open(msg, List(v)); err != nil {
		t.Error(err)
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if _, err := Open(bad, List(v)); err == nil {
			t.Errorf("byte %d changed, and it opens", i)
		}
	}
	for _, name := range []string{"signed-note-utf8-parse-only.note", "checkpoint-parse-only.checkpoint", "checkpoint-cosigned-parse-only.checkpoint"} {
		msg := shared(t, "c2sp", name)
		n, err := Parse(msg)
		if err != nil || !bytes.Equal(n.Bytes(), msg) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n, err := Parse(shared(t, "c2sp", "checkpoint-cosigned-parse-only.checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCosignature(n.Sigs[1].Sig)
	if err != nil || c.Time != 1679315147 || !bytes.Equal(c.Bytes(), n.Sigs[1].Sig) {
		t.Errorf("cosignature %+v, %v", c, err)
	}
	if want := shared(t, "c2sp", "cosignature-v1-message.txt"); !bytes.Equal(CosignedMessage(n.Text, c.Time), want) {
		t.Errorf("cosigned message %q, want %q", CosignedMessage(n.Text, c.Time), want)
	}
}

func TestXModVectors(t *testing.T) {
	var v struct {
		VKeys          map[string]string `json:"vkeys"`
		Text           string            `json:"text"`
		SignatureLines map[string]string `json:"signature_lines"`
	}
	if err := json.Unmarshal(shared(t, "xmod", "note.json"), &v); err != nil {
		t.Fatal(err)
	}
	var keys []Verifier
	msg := v.Text + "\n"
	for name, vkey := range v.VKeys {
		k, err := NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		msg += v.SignatureLines[name]
	}
	o, err := Open([]byte(msg), List(keys...))
	if err != nil || len(o.Verified) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestWycheproof(t *testing.T) {
	var v struct {
		TestGroups []struct {
			PublicKey struct{ Pk string }
			Tests     []struct {
				TcID             int `json:"tcId"`
				Msg, Sig, Result string
				Comment          string
			}
		}
	}
	if err := json.Unmarshal(shared(t, "wycheproof", "ed25519_test.json"), &v); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range v.TestGroups {
		pk, err := hex.DecodeString(g.PublicKey.Pk)
		if err != nil {
			t.Fatal(err)
		}
		k, err := NewVerifierKey("k", AlgEd25519, pk)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range g.Tests {
			msg, _ := hex.DecodeString(c.Msg)
			sig, _ := hex.DecodeString(c.Sig)
			if got := k.Verify(msg, sig); got != (c.Result == "valid") {
				t.Errorf("case %d (%s): %v, want %s", c.TcID, c.Comment, got, c.Result)
			}
			n++
		}
	}
	if n < 100 {
		t.Errorf("only %d cases", n)
	}
}

func TestCosignatures(t *testing.T) {
	k := newKey(t, "witness.example/w")
	c := &Cosigner{Key: k, Now: func() int64 { return 1679315147 }}
	text := "origin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	msg := signed(t, text, c)
	v, err := NewVerifier(c.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(msg, List(v))
	if err != nil {
		t.Fatal(err)
	}
	// A cosignature is no signature, nor the other way round, though the key is the same.
	if k.Verifier().Verify([]byte(text), o.Verified[0].Sig) || k.KeyHash() == c.KeyHash() {
		t.Error("a cosignature passes for a signature")
	}
	sig := o.Verified[0].Sig
	sig[7] ^= 1
	if v.Verify([]byte(text), sig) {
		t.Error("the time is not signed")
	}
	for _, bad := range [][]byte{nil, sig[:71], append(sig, 0), append([]byte{0x80}, sig[1:]...)} {
		if _, err := ParseCosignature(bad); err == nil {
			t.Errorf("%d bytes were taken", len(bad))
		}
	}
	past := &Cosigner{Key: k, Now: func() int64 { return -1 }}
	if _, err := Sign(text, past); err == nil {
		t.Error("signed before 1970")
	}
}

func TestSignRefusesWhatNobodyCouldRead(t *testing.T) {
	k := newKey(t, "k")
	for _, text := range []string{"", "no newline", "control\x01\n", "bad \xff\n"} {
		if msg, err := Sign(text, k); err == nil {
			t.Errorf("signed %q as %q", text, msg)
		}
	}
	if _, err := Sign("text\n"); err == nil {
		t.Error("signed by nobody")
	}
}

// FuzzParse: what is accepted comes back byte for byte, and x/mod accepts it too.
func FuzzParse(f *testing.F) {
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	skey, _, _ := GenerateKey(bytes.NewReader(seed), "fuzz")
	k, _ := NewSigner(skey)
	msg, _ := Sign("text\n\nmore\n", k)
	f.Add(msg)
	f.Add([]byte("\n\n" + sigPrefix + "k AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		n, err := Parse(msg)
		if err != nil {
			return
		}
		if !bytes.Equal(n.Bytes(), msg) {
			t.Errorf("%q came back as %q", msg, n.Bytes())
		}
		x, err := xnote.Open(msg, nil)
		var un *xnote.UnverifiedNoteError
		if !errors.As(err, &un) || un.Note.Text != n.Text || len(un.Note.UnverifiedSigs) != len(n.Sigs) {
			t.Errorf("x/mod reads %q as %v, %v", msg, x, err)
		}
	})
}

// FuzzParseCosignature: what is accepted is spelt in one way only.
func FuzzParseCosignature(f *testing.F) {
	f.Add(Cosignature{Time: 1795000000, Sig: make([]byte, 64)}.Bytes())
	f.Add(Cosignature{Time: 0, Sig: make([]byte, 2420)}.Bytes())
	f.Add([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, sig []byte) {
		c, err := ParseCosignature(sig)
		if err == nil && !bytes.Equal(c.Bytes(), sig) {
			t.Errorf("%x is read as %v, which is %x", sig, c, c.Bytes())
		}
	})
}
