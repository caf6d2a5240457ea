package trust

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

const origin = "wheels.example.org"

var start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := OpenStore(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func setup(t testing.TB, s *Store) *Chain {
	t.Helper()
	root, err := Setup(s, SetupOptions{Origin: origin, Now: start, Policy: []byte("none\n")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := CheckChain(origin, []Signed{root})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func software(t testing.TB, name string) OpenPGPSigner {
	t.Helper()
	k, _, err := newSoftwareKey(rand.Reader, start, name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func own(t testing.TB, s *Store) []OpenPGPSigner {
	t.Helper()
	k, err := s.OpenPGP(origin)
	if err != nil || len(k) != 1 {
		t.Fatalf("software keys: %d, %v", len(k), err)
	}
	return k
}

func all(c *Chain) []Signed {
	var list []Signed
	for i := range c.Len() {
		list = append(list, c.Signed(i))
	}
	return list
}

func extend(t testing.TB, c *Chain, s Signed, err error) *Chain {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	next, err := c.Extend(s)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestSetup(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	if !c.Provisional() || c.Newest().Policy != Digest([]byte("none\n")) {
		t.Errorf("root 0: %+v", c.Newest())
	}
	for _, role := range []string{RoleBuilder, RolePublisher, RoleReviewer, RoleLog} {
		keys, err := s.Holding(c, 0, role)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s: %d keys, %v", role, len(keys), err)
		}
		h, err := c.Holder(0, keys[0].Name(), keys[0].KeyHash())
		if err != nil || h.Role != role || h.Key != keys[0].Key {
			t.Errorf("%s: %+v, %v", role, h, err)
		}
	}
	if k, _ := s.Signers(origin, RoleLog); k[0].Name() != origin {
		t.Errorf("the log's key is called %s", k[0].Name())
	}
	again := setup(t, s)
	if !bytes.Equal(again.Signed(0).Document, c.Signed(0).Document) {
		t.Error("a second setup with the same store made other keys")
	}
	if o, err := s.Origins(); err != nil || len(o) != 1 || o[0] != origin {
		t.Errorf("origins %v, %v", o, err)
	}
}

func TestStorePermissions(t *testing.T) {
	s := newStore(t)
	setup(t, s)
	files, err := filepath.Glob(filepath.Join(s.Dir(), origin, "*"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range append(files, filepath.Join(s.Dir(), origin), s.Dir()) {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, st.Mode())
		}
		if err := os.Chmod(f, st.Mode().Perm()|0o040); err != nil {
			t.Fatal(err)
		}
		_, err1 := s.Signers(origin, "")
		_, err2 := s.OpenPGP(origin)
		if !errors.Is(errors.Join(err1, err2), ErrPermissions) {
			t.Errorf("%s with mode 0%o was read: %v, %v", f, st.Mode().Perm()|0o040, err1, err2)
		}
		if err := os.Chmod(f, st.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(s.Dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(s.Dir()); !errors.Is(err, ErrPermissions) {
		t.Errorf("opened: %v", err)
	}
}

func TestStoreNeverOverwrites(t *testing.T) {
	s := newStore(t)
	skey, vkey, err := note.GenerateKey(rand.Reader, "builder1."+origin)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Put(origin, RoleBuilder, skey); err != nil || got != vkey {
		t.Fatalf("%s, %v", got, err)
	}
	if _, err := s.Put(origin, RoleBuilder, skey); !errors.Is(err, ErrExists) {
		t.Errorf("put twice: %v", err)
	}
	if _, err := s.Put(origin, "owner", skey); err == nil {
		t.Error("a role that does not exist was taken")
	}
	for _, bad := range []string{"", "..", "../x", "/", "a b", "-x", "a%2fb"} {
		if _, err := s.Put(bad, RoleBuilder, skey); err == nil {
			t.Errorf("origin %q was taken", bad)
		}
	}
	if _, err := s.Put("example.org/wheels", RoleBuilder, skey); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(s.Dir(), "*", ".new-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAdoptAndPins(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	org := software(t, "Example Organisation")
	root, err := Adopt(c, start.Add(time.Hour), own(t, s), []OpenPGPSigner{org}, 0)
	c1 := extend(t, c, root, err)
	if c1.Provisional() || c1.Newest().Number != 1 {
		t.Errorf("root 1: %+v", c1.Newest())
	}
	if c.Len() != 1 || !c.Provisional() {
		t.Error("extending changed the chain that was extended")
	}
	old := own(t, s)[0].Fingerprint()
	spaced := strings.ToLower(org.Fingerprint()[:20] + " " + org.Fingerprint()[20:])
	other := software(t, "Someone else").Fingerprint()
	for _, tc := range []struct {
		pins Pins
		want error
	}{
		{Pins{Fingerprints: []string{spaced}}, nil},
		{Pins{Fingerprints: []string{old}}, nil}, // it has signed root 1 too: nobody is locked out by the adoption
		{Pins{Fingerprints: []string{old, org.Fingerprint()}, Threshold: 2}, nil},
		{Pins{Fingerprints: []string{org.Fingerprint(), spaced}, Threshold: 2}, ErrPins}, // one key is not two
		{Pins{Fingerprints: []string{other}}, ErrPins},
		{Pins{}, ErrPins},
		{Pins{Fingerprints: []string{"12"}}, ErrPins},
	} {
		if _, err := VerifyChain(origin, all(c1), tc.pins); !errors.Is(err, tc.want) {
			t.Errorf("pins %v: %v, want %v", tc.pins, err, tc.want)
		}
	}
	if _, err := Adopt(c1, start, []OpenPGPSigner{org}, []OpenPGPSigner{org}, 0); err == nil {
		t.Error("adopted twice")
	}
	if _, err := Adopt(c, start, old1(t, s), old1(t, s), 0); err == nil {
		t.Error("the provisional key was adopted as the organisation's")
	}
	// From root 2 on the software key is not asked any more, and root 1 pins no longer hold.
	root, err = Next(c1, start.Add(2*time.Hour), func(*Root) error { return nil }, org)
	c2 := extend(t, c1, root, err)
	if _, err := VerifyChain(origin, all(c2), Pins{Fingerprints: []string{old}}); !errors.Is(err, ErrPins) {
		t.Errorf("root 2 with the software key pinned: %v", err)
	}
	if _, err := Next(c1, start.Add(2*time.Hour), func(*Root) error { return nil }, own(t, s)...); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrQuorum) {
		t.Errorf("the software key made root 2: %v", err)
	}
	if _, err := Next(c2, start.Add(3*time.Hour), func(r *Root) error { r.Provisional = true; return nil }, org); !errors.Is(err, ErrChain) {
		t.Errorf("provisional again: %v", err)
	}
}

func old1(t *testing.T, s *Store) []OpenPGPSigner { return own(t, s) }

func TestQuorums(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	a, b, d := software(t, "A"), software(t, "B"), software(t, "D")
	edit := func(r *Root) error {
		r.OpenPGP, r.Threshold, r.Provisional = nil, 2, false
		for _, k := range []OpenPGPSigner{a, b, d} {
			r.OpenPGP = append(r.OpenPGP, OpenPGPKey{k.Fingerprint(), k.Certificate()})
		}
		return nil
	}
	soft := own(t, s)[0]
	for _, tc := range []struct {
		signers []OpenPGPSigner
		want    error
	}{
		{[]OpenPGPSigner{soft, a, b}, nil},
		{[]OpenPGPSigner{soft, a, b, d}, nil},
		{[]OpenPGPSigner{soft, a}, ErrQuorum},
		{[]OpenPGPSigner{soft, a, a}, ErrQuorum}, // one key twice is one
		{[]OpenPGPSigner{a, b, d}, ErrQuorum},    // nobody of root 0
		{[]OpenPGPSigner{soft}, ErrQuorum},
		{[]OpenPGPSigner{soft, a, b, software(t, "X")}, ErrSignature},
	} {
		if _, err := Next(c, start, edit, tc.signers...); !errors.Is(err, tc.want) {
			t.Errorf("%d signers: %v, want %v", len(tc.signers), err, tc.want)
		}
	}
	root, err := Next(c, start, edit, soft, a, b)
	c1 := extend(t, c, root, err)
	// The newest root takes two signatures, so one pinned key of three is not enough.
	pins := Pins{Fingerprints: []string{a.Fingerprint(), d.Fingerprint()}}
	if _, err := VerifyChain(origin, all(c1), pins); !errors.Is(err, ErrPins) {
		t.Errorf("one of two pinned keys signed: %v", err)
	}
	pins.Threshold = 1
	if _, err := VerifyChain(origin, all(c1), pins); err != nil {
		t.Error(err)
	}
	// One thief of three makes a history of his own, whose root asks for one key:
	// only who has pinned how many must sign can tell.
	thief := setup(t, newStore(t))
	if _, err := Next(thief, start, func(r *Root) error {
		r.OpenPGP, r.Threshold, r.Provisional = []OpenPGPKey{{a.Fingerprint(), a.Certificate()}}, 1, false
		return nil
	}, a); err == nil {
		t.Fatal("a root without the old key's signature")
	}
	alone := *thief.Newest()
	alone.OpenPGP, alone.Provisional = []OpenPGPKey{{a.Fingerprint(), a.Certificate()}}, false
	forged, err := sign(&alone, a)
	if err != nil {
		t.Fatal(err)
	}
	three := Pins{Fingerprints: []string{a.Fingerprint(), b.Fingerprint(), d.Fingerprint()}, Threshold: 2}
	if _, err := VerifyChain(origin, []Signed{forged}, three); !errors.Is(err, ErrPins) {
		t.Errorf("one of three pinned keys made another root 0: %v", err)
	}
	if _, err := VerifyChain(origin, all(c1), three); err != nil {
		t.Error(err)
	}
	three.Threshold = 4
	if _, err := VerifyChain(origin, all(c1), three); !errors.Is(err, ErrPins) {
		t.Errorf("four of three: %v", err)
	}
	blocks := bytes.SplitAfter(root.Signatures, []byte("-----END PGP SIGNATURE-----\n"))
	swapped := Signed{root.Document, bytes.Join([][]byte{blocks[1], blocks[0], blocks[2]}, nil)}
	if _, err := c.Extend(swapped); !errors.Is(err, ErrMalformed) {
		t.Errorf("blocks in another order: %v", err)
	}
	twice := Signed{root.Document, bytes.Join([][]byte{blocks[0], blocks[0], blocks[1], blocks[2]}, nil)}
	if _, err := c.Extend(twice); !errors.Is(err, ErrMalformed) {
		t.Errorf("a block twice: %v", err)
	}
}

func TestChainRefuses(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	soft := own(t, s)[0]
	next := func(edit func(*Root) error) error {
		_, err := Next(c, start, edit, soft)
		return err
	}
	for name, edit := range map[string]func(*Root){
		"number":    func(r *Root) { r.Number = 2 },
		"previous":  func(r *Root) { r.Previous = Digest(nil) },
		"origin":    func(r *Root) { r.Origin = "other.example"; r.Roles = r.Roles[:1] },
		"no log":    func(r *Root) { r.Roles = r.Roles[:1] },
		"threshold": func(r *Root) { r.Threshold = 2 },
		"twice":     func(r *Root) { r.OpenPGP = append(r.OpenPGP, r.OpenPGP[0]) },
		"one key in two roles": func(r *Root) {
			r.Roles[0].Keys = append(r.Roles[0].Keys, r.Roles[2].Keys[0])
		},
		"a log key of another name": func(r *Root) { r.Roles[1].Keys = r.Roles[0].Keys; r.Roles = r.Roles[1:] },
		"a cosigner's key for builder": func(r *Root) {
			k, _ := note.NewVerifier(r.Roles[0].Keys[0])
			w, _ := note.NewVerifierKey(k.Name(), note.AlgCosignature, k.Public())
			r.Roles[0].Keys = []string{w.String()}
		},
		"one key under two names": func(r *Root) {
			k, _ := note.NewVerifier(r.Roles[0].Keys[0])
			w, _ := note.NewVerifierKey("another.example", note.AlgEd25519, k.Public())
			r.Roles[0].Keys = append(r.Roles[0].Keys, w.String())
		},
		"one key, two names, two roles": func(r *Root) {
			k, _ := note.NewVerifier(r.Roles[0].Keys[0])
			w, _ := note.NewVerifierKey("another.example", note.AlgEd25519, k.Public())
			r.Roles[2].Keys = append(r.Roles[2].Keys, w.String())
		},
		"the log's key as its witness": func(r *Root) {
			k, _ := note.NewVerifier(r.Roles[1].Keys[0])
			w, _ := note.NewVerifierKey("w.example", note.AlgCosignature, k.Public())
			r.Roles = append(r.Roles, RoleKeys{Name: RoleWitness, Threshold: 1, Expires: r.Expires, Keys: []string{w.String()}})
		},
		"revoked, and held under another name": func(r *Root) {
			k, _ := note.NewVerifier(r.Roles[0].Keys[0])
			w, _ := note.NewVerifierKey("another.example", note.AlgEd25519, k.Public())
			r.Revoked = []Revocation{{w.String(), Lost, 0}}
		},
		"revoked and held": func(r *Root) { r.Revoked = []Revocation{{r.Roles[0].Keys[0], Lost, 0}} },
		"expired at birth": func(r *Root) { r.Expires = r.Created },
		"quoted":           func(r *Root) { r.Policy = `sha256:"` },
	} {
		if err := next(func(r *Root) error { edit(r); return nil }); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := CheckChain(origin, nil); !errors.Is(err, ErrChain) {
		t.Errorf("no roots: %v", err)
	}
	if _, err := CheckChain("other.example", all(c)); !errors.Is(err, ErrChain) {
		t.Errorf("another log: %v", err)
	}
	root, err := Next(c, start, func(*Root) error { return nil }, soft)
	c1 := extend(t, c, root, err)
	if _, err := CheckChain(origin, all(c1)[1:]); err == nil {
		t.Error("a chain without root 0 was taken")
	}
	fork, err := Next(c, start.Add(time.Hour), func(*Root) error { return nil }, soft)
	c1b := extend(t, c, fork, err)
	root, err = Next(c1b, start.Add(2*time.Hour), func(*Root) error { return nil }, soft)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c1.Extend(root); !errors.Is(err, ErrChain) {
		t.Errorf("a root of a fork: %v", err)
	}
}

// Every changed byte of a root document or its signatures must be noticed.
func TestEveryByte(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	org := software(t, "Example Organisation")
	root, err := Adopt(c, start, own(t, s), []OpenPGPSigner{org}, 0)
	c1 := extend(t, c, root, err)
	roots := all(c1)
	for n := range roots {
		for part := range 2 {
			good := roots[n]
			data := [][]byte{good.Document, good.Signatures}[part]
			for i := range data {
				for _, bit := range []byte{0x01, 0x20, 0x80} {
					bad := bytes.Clone(data)
					bad[i] ^= bit
					roots[n] = good
					if part == 0 {
						roots[n].Document = bad
					} else {
						roots[n].Signatures = bad
					}
					if _, err := CheckChain(origin, roots); err == nil {
						t.Fatalf("root %d part %d byte %d ^ %02x was not noticed", n, part, i, bit)
					}
				}
			}
			for _, bad := range [][]byte{append(bytes.Clone(data), '\n'), append([]byte("\n"), data...), data[:len(data)-1], bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))} {
				roots[n] = good
				if part == 0 {
					roots[n].Document = bad
				} else {
					roots[n].Signatures = bad
				}
				if _, err := CheckChain(origin, roots); err == nil {
					t.Errorf("root %d part %d: %q... was taken", n, part, bad[:20])
				}
			}
			roots[n] = good
		}
	}
}

func TestDearmorRefuses(t *testing.T) {
	good := string(armor(armorSignature, []byte("some packet bytes that need more than one line of text, since lines are long")))
	if _, err := Dearmor([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"a header":        strings.Replace(good, "-----\n\n", "-----\nComment: x\n\n", 1),
		"no blank line":   strings.Replace(good, "-----\n\n", "-----\n", 1),
		"two blank lines": strings.Replace(good, "-----\n\n", "-----\n\n\n", 1),
		"space":           strings.Replace(good, "-----\n\n", "----- \n\n", 1),
		"text before":     "hello\n" + good,
		"text after":      good + "hello\n",
		"blank between":   good + "\n" + good,
		"no checksum":     good[:strings.Index(good, "\n=")] + good[strings.Index(good, "\n=")+6:],
		"other lines":     strings.Replace(good, "\n", "", 3),
		"another type":    strings.ReplaceAll(good, "SIGNATURE", "MESSAGE"),
		"empty":           "",
		"no end":          strings.TrimSuffix(good, "\n"),
	} {
		if bad == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := Dearmor([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDearmor(f *testing.F) {
	f.Add(armor(armorSignature, []byte("x")))
	f.Add(append(armor(armorSignature, []byte("x")), armor(armorSignature, bytes.Repeat([]byte("yz"), 100))...))
	f.Fuzz(func(t *testing.T, file []byte) {
		blocks, err := Dearmor(file)
		if err != nil {
			return
		}
		var again []byte
		for _, b := range blocks {
			again = append(again, armor(armorSignature, b)...)
		}
		if !bytes.Equal(again, file) {
			t.Errorf("%q gives %q", file, again)
		}
	})
}

func FuzzParseRoot(f *testing.F) {
	c := setup(f, newStore(f))
	f.Add(c.Signed(0).Document)
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ParseRoot(doc)
		if err == nil && !bytes.Equal(r.Format(), doc) {
			t.Errorf("%q gives %q", doc, r.Format())
		}
	})
}

func placed(at int64, c *Chain, n int) record.Placed {
	h := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	return record.Placed{At: at, Root: record.Root{Number: int64(n), Document: h(c.Signed(n).Document), Signature: h(c.Signed(n).Signatures)}}
}

func TestRevocation(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	builder := c.Newest().Roles[0].Keys[0]
	spare, err := s.Generate(rand.Reader, origin, RoleBuilder)
	if err != nil {
		t.Fatal(err)
	}
	soft := own(t, s)[0]
	root, err := Next(c, start, func(r *Root) error { r.Roles[0].Spare = []string{spare}; return nil }, soft)
	c1 := extend(t, c, root, err)
	for _, how := range []string{Lost, Stolen} {
		from := int64(0)
		if how == Stolen {
			from = 30
		}
		root, err := Next(c1, start, func(r *Root) error { return Revoke(r, builder, how, from) }, soft)
		c2 := extend(t, c1, root, err)
		if err := c2.Place([]int64{0, 10, 50}); err != nil {
			t.Fatal(err)
		}
		v, _ := note.NewVerifier(builder)
		sp, _ := note.NewVerifier(spare)
		for _, tc := range []struct {
			at           int64
			lost, stolen error
			spare        error
		}{
			{1, nil, nil, ErrNotHeld}, {9, nil, nil, ErrNotHeld}, {10, nil, nil, nil}, {29, nil, nil, nil},
			{30, nil, ErrStolen, nil}, {49, nil, ErrStolen, nil}, {50, ErrNotHeld, ErrNotHeld, nil}, {1000, ErrNotHeld, ErrNotHeld, nil},
		} {
			want := tc.lost
			if how == Stolen {
				want = tc.stolen
			}
			if h, err := c2.Holder(tc.at, v.Name(), v.KeyHash()); !errors.Is(err, want) || err == nil && h.Key != builder {
				t.Errorf("%s at %d: %v, want %v", how, tc.at, err, want)
			}
			if h, err := c2.Holder(tc.at, sp.Name(), sp.KeyHash()); !errors.Is(err, tc.spare) || err == nil && h.Spare != (tc.at < 50) {
				t.Errorf("spare at %d: %v, want %v", tc.at, err, tc.spare)
			}
		}
		// A replay of the log takes what was taken before the theft was known.
		if _, err := c2.Keys().Verifier(RoleBuilder, v.Name(), v.KeyHash(), 40, time.Time{}); err != nil {
			t.Errorf("%s: replay: %v", how, err)
		}
		if _, err := c2.Keys().Verifier(RoleBuilder, v.Name(), v.KeyHash(), 60, time.Time{}); !errors.Is(err, record.ErrNoRole) {
			t.Errorf("%s: %v", how, err)
		}
		if how == Lost {
			continue
		}
		if _, err := Next(c2, start.Add(3*time.Hour), func(r *Root) error { r.Revoked = nil; return nil }, soft); !errors.Is(err, ErrChain) {
			t.Errorf("a revocation was taken back: %v", err)
		}
		if _, err := Next(c2, start.Add(3*time.Hour), func(r *Root) error { r.Revoked[0].From++; return nil }, soft); !errors.Is(err, ErrChain) {
			t.Errorf("a revocation was weakened: %v", err)
		}
		if _, err := Next(c2, start.Add(3*time.Hour), func(r *Root) error { r.Revoked[0].From--; return nil }, soft); err != nil {
			t.Errorf("a revocation could not be strengthened: %v", err)
		}
	}
}

func TestExpiry(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	v, _ := note.NewVerifier(c.Newest().Roles[0].Keys[0])
	for _, tc := range []struct {
		now  time.Time
		want error
	}{{start, nil}, {start.Add(DefaultLifetime - time.Second), nil}, {start.Add(DefaultLifetime), ErrExpired}} {
		if _, err := c.MayAppend(5, tc.now, v.Name(), v.KeyHash()); !errors.Is(err, tc.want) {
			t.Errorf("%v: %v, want %v", tc.now, err, tc.want)
		}
	}
	if _, err := c.Holder(5, v.Name(), v.KeyHash()); err != nil {
		t.Errorf("an old statement of an expired key: %v", err)
	}
	if _, err := c.Keys().Verifier(RoleBuilder, v.Name(), v.KeyHash(), 5, start.Add(DefaultLifetime)); !errors.Is(err, record.ErrNoRole) || !errors.Is(err, ErrExpired) {
		t.Errorf("door: %v", err)
	}
	if _, err := c.Keys().Verifier(RoleReviewer, v.Name(), v.KeyHash(), 5, start); !errors.Is(err, record.ErrNoRole) {
		t.Errorf("another role: %v", err)
	}
}

func TestKeysPlace(t *testing.T) {
	s := newStore(t)
	c := setup(t, s)
	root, err := Next(c, start, func(*Root) error { return nil }, own(t, s)...)
	c = extend(t, c, root, err)
	k := c.Keys()
	if err := k.Place([]record.Placed{placed(0, c, 0)}); err != nil {
		t.Fatal(err)
	}
	if c.Position(1) != -1 || c.At(1000).Number != 0 {
		t.Error("a root without a statement is in force")
	}
	if err := k.Place([]record.Placed{placed(0, c, 0), placed(7, c, 1)}); err != nil {
		t.Fatal(err)
	}
	if c.At(6).Number != 0 || c.At(7).Number != 1 {
		t.Error("root 1 is not in force from its own statement on")
	}
	wrong := placed(7, c, 1)
	wrong.Root.Signature = strings.Repeat("0", 64)
	for name, list := range map[string][]record.Placed{
		"another signature file": {placed(0, c, 0), wrong},
		"root 0 not at 0":        {placed(1, c, 0)},
		"not ascending":          {placed(0, c, 0), placed(0, c, 1)},
		"unknown":                {placed(0, c, 0), placed(7, c, 1), {At: 9, Root: record.Root{Number: 2}}},
		"none":                   nil,
		"swapped":                {placed(0, c, 1), placed(7, c, 0)},
	} {
		if err := k.Place(list); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
