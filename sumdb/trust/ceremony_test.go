package trust

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// adopted is a chain whose root needs two of three keys.
func adopted(t *testing.T) (*Chain, []OpenPGPSigner) {
	t.Helper()
	s := newStore(t)
	c := setup(t, s)
	people := []OpenPGPSigner{software(t, "Ada"), software(t, "Ben"), software(t, "Cleo")}
	root, err := Adopt(c, start, own(t, s), people, 2)
	return extend(t, c, root, err), people
}

func signature(t *testing.T, doc []byte, who OpenPGPSigner) SignatureFile {
	t.Helper()
	asc, err := SignDetachedArmored(doc, who)
	if err != nil {
		t.Fatal(err)
	}
	return SignatureFile{who.Fingerprint()[:8] + ".asc", asc}
}

// A root that changes the quorum needs the old and the new one. Signatures come
// in whatever form and order, and who is missing is told.
func TestGather(t *testing.T) {
	c, people := adopted(t)
	dora := software(t, "Dora")
	doc, err := Draft(c, nil, start.Add(time.Hour), func(r *Root) error {
		return SetQuorum(r, []OpenPGPKey{{dora.Fingerprint(), dora.Certificate()}}, []string{people[0].Fingerprint(), people[1].Fingerprint()}, 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	a, b, d := signature(t, doc, people[0]), signature(t, doc, people[1]), signature(t, doc, dora)
	g, err := Gather(c, doc, a, b, a)
	if err != nil || g.Complete() || !g.Quorums[0].Reached() || len(g.Quorums[1].Missing) != 2 {
		t.Fatalf("%+v, %v", g, err)
	}
	if _, err := c.Extend(g.Signed); !errors.Is(err, ErrQuorum) {
		t.Errorf("a root that only the old quorum signed: %v", err)
	}
	crlf := SignatureFile{"mailed.asc", bytes.ReplaceAll(append([]byte("\n"), d.Data...), []byte("\n"), []byte("\r\n"))}
	blocks, err := ReadSignatures(signature(t, doc, people[2]).Data)
	if err != nil {
		t.Fatal(err)
	}
	binary := SignatureFile{"cleo.sig", blocks[0]}
	both := SignatureFile{"both.asc", append(bytes.Clone(b.Data), a.Data...)}
	g, err = Gather(c, doc, crlf, both, binary)
	if err != nil || !g.Complete() {
		t.Fatalf("%+v, %v", g, err)
	}
	next, err := c.Extend(g.Signed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Gather(c, doc, binary, both, crlf)
	if err != nil || !bytes.Equal(again.Signatures, g.Signatures) {
		t.Error("the order in which signatures came changed the file")
	}
	if err := Follows(next, doc); !errors.Is(err, ErrStale) {
		t.Errorf("the same document again: %v", err)
	}
	other, err := Next(c, start.Add(2*time.Hour), func(*Root) error { return nil }, people...)
	overtaken := extend(t, c, other, err)
	if _, err := Gather(overtaken, doc, a); !errors.Is(err, ErrStale) {
		t.Errorf("another root came meanwhile: %v", err)
	}
}

func TestGatherRefuses(t *testing.T) {
	c, people := adopted(t)
	doc, err := Draft(c, nil, start.Add(time.Hour), func(r *Root) error { return Renew(r, start.Add(48*time.Hour)) })
	if err != nil {
		t.Fatal(err)
	}
	a := signature(t, doc, people[0])
	for name, f := range map[string]SignatureFile{
		"by a stranger":         signature(t, doc, software(t, "Eve")),
		"over another document": signature(t, append(doc, '\n'), people[0]),
		"cut":                   {"x", a.Data[:len(a.Data)-20]},
		"flipped":               {"x", bytes.Replace(a.Data, []byte("\n\n"), []byte("\n\nAAAA"), 1)},
		"empty":                 {"x", nil},
		"text":                  {"x", []byte("signed, Ada\n")},
		"a certificate":         {"x", ArmorCertificate(people[0].Certificate())},
		"cleartext":             {"x", append([]byte("-----BEGIN PGP SIGNED MESSAGE-----\n\n"), a.Data...)},
	} {
		if _, err := Gather(c, doc, f); err == nil || !strings.Contains(err.Error(), f.Name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Draft(c, nil, start.Add(-time.Hour), func(*Root) error { return nil }); !errors.Is(err, ErrClock) {
		t.Errorf("a clock before the newest root's: %v", err)
	}
	if _, err := Draft(c, doc, start.Add(time.Hour), func(r *Root) error { return Delegate(r, RoleBuilder, r.Roles[1].Keys[0], false) }); err == nil {
		t.Error("one key in two roles")
	}
}

// What whoever signs has to see is in the list, and what gets weaker is marked.
func TestChanges(t *testing.T) {
	c, people := adopted(t)
	edit := func(r *Root) error {
		if err := SetQuorum(r, nil, []string{people[0].Fingerprint()}, 1); err != nil {
			return err
		}
		builder := roleOf(r, RoleBuilder).Keys[0]
		if err := Revoke(r, roleOf(r, RoleReviewer).Keys[0], Stolen, 7); err != nil {
			return err
		}
		r.Policy = ""
		return Replace(r, RoleBuilder, builder, freshKey(t, "builder9."+origin))
	}
	doc, err := Draft(c, nil, start.Add(time.Hour), edit)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRoot(doc)
	if err != nil {
		t.Fatal(err)
	}
	var got, weak []string
	for _, ch := range Changes(c.Newest(), r) {
		words := strings.Fields(ch.What)
		got = append(got, strings.Join(words[:3], " "))
		if ch.Weaker {
			weak = append(weak, words[0])
		}
	}
	want := "root key out:|signatures that a|builder key out:|builder key in:|reviewer key out:|nobody is reviewer|revoked as stolen:|witnesses: the file"
	if strings.Join(got, "|") != want {
		t.Errorf("changes %q", got)
	}
	if strings.Join(weak, " ") != "signatures nobody witnesses:" {
		t.Errorf("weaker: %q", weak)
	}
	if len(Changes(r, r)) != 0 {
		t.Error("a root differs from itself")
	}
}

// A revocation gets graver, never lighter; a spare key steps in.
func TestRevokeOnlyGrows(t *testing.T) {
	c, _ := adopted(t)
	r, err := ParseRoot(c.Newest().Format())
	if err != nil {
		t.Fatal(err)
	}
	key := roleOf(r, RoleBuilder).Keys[0]
	spare := freshKey(t, "builder2."+origin)
	if err := Delegate(r, RoleBuilder, spare, true); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		how  string
		from int64
		ok   bool
	}{{Lost, 0, true}, {Lost, 0, false}, {Stolen, 9, true}, {Stolen, 4, true}, {Stolen, 5, false}, {Lost, 0, false}} {
		if err := Revoke(r, key, step.how, step.from); (err == nil) != step.ok {
			t.Errorf("%+v: %v", step, err)
		}
	}
	if b := roleOf(r, RoleBuilder); len(b.Keys) != 1 || b.Keys[0] != spare || len(b.Spare) != 0 {
		t.Errorf("the spare key did not step in: %+v", b)
	}
	if err := Delegate(r, RoleBuilder, key, false); err == nil {
		t.Error("a revoked key was delegated again")
	}
}

// A key under a passphrase: nobody who has not the words can sign, every changed
// byte is noticed, and the file says whose it is.
func TestProtectedKeys(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	keys, err := s.Holding(c, 0, RoleBuilder)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Protect(origin, keys[0], []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	asked := 0
	open := func(phrase string) Signer {
		t.Helper()
		s, err := OpenStore(s.Dir())
		if err != nil {
			t.Fatal(err)
		}
		s.Ask(func(string) ([]byte, error) { asked++; return []byte(phrase), nil })
		held, err := s.Holding(c, 0, RoleBuilder)
		if err != nil || len(held) != 1 || !held[0].Protected || held[0].Key != keys[0].Key {
			t.Fatalf("%+v, %v", held, err)
		}
		return held[0]
	}
	if err := open("battery staple").Unlock(); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong words: %v", err)
	}
	if _, err := open("").Sign([]byte("x")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("no words: %v", err)
	}
	k := open("correct horse")
	asked = 0
	for range 2 {
		sig, err := k.Sign([]byte("text"))
		v, _ := verifier(k.Key)
		if err != nil || !v.Verify([]byte("text"), sig) {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}

	files, _ := filepath.Glob(filepath.Join(s.Dir(), origin, "builder-*.key"))
	good, err := os.ReadFile(files[0])
	if err != nil || bytes.Contains(good, []byte("PRIVATE")) {
		t.Fatalf("%s, %v", good, err)
	}
	box := bytes.LastIndex(good, []byte("box "))
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		f, err := parseSealed(bad)
		if err != nil {
			continue
		}
		if i > box+8 && i%16 != 0 { // the derivation is slow on purpose
			continue
		}
		if _, _, err := f.open([]byte("correct horse")); err == nil {
			t.Fatalf("byte %d changed and not noticed", i)
		}
	}
	for _, bad := range []string{"", string(good) + "\n", strings.Replace(string(good), "\n", "\r\n", 1), "wheellock-key/v2" + string(good[16:])} {
		if _, err := parseSealed([]byte(bad)); err == nil {
			t.Errorf("taken: %q", bad)
		}
	}
	if err := s.Protect(origin, k, nil); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Holding(c, 0, RoleBuilder); err != nil || again[0].Protected {
		t.Errorf("still protected: %v", err)
	}
}

func freshKey(t *testing.T, name string) string {
	t.Helper()
	_, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}
