package trust

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gnupg is a GnuPG home of its own; its agent is stopped at the end.
type gnupg struct {
	t          *testing.T
	path, home string
}

func newGnuPG(t *testing.T) *gnupg {
	path, err := exec.LookPath("gpg")
	if err != nil {
		t.Skip("skipped: no gpg on this machine, so nothing is compared with GnuPG")
	}
	// Sockets have short paths: t.TempDir can be too long for them.
	home, err := os.MkdirTemp("", "wl")
	if err != nil {
		t.Fatal(err)
	}
	g := &gnupg{t, path, home}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	return g
}

func (g *gnupg) run(args ...string) string {
	g.t.Helper()
	out, err := g.try(args...)
	if err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (g *gnupg) try(args ...string) (string, error) {
	cmd := exec.Command(g.path, append([]string{"--homedir", g.home, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (g *gnupg) file(name string, data []byte) string {
	g.t.Helper()
	path := filepath.Join(g.home, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// newKey makes a key whose primary certifies (and signs, if subkey is "").
func (g *gnupg) newKey(user, algorithm, subkey, expire string) string {
	g.t.Helper()
	usage := "cert,sign"
	if subkey != "" {
		usage = "cert"
	}
	g.run("--quick-generate-key", user, algorithm, usage, expire)
	fpr := g.fingerprint(user)
	if subkey != "" {
		g.run("--quick-add-key", fpr, subkey, "sign", "never")
		g.run("--quick-add-key", fpr, "rsa2048", "encr", "never")
	}
	return fpr
}

func (g *gnupg) fingerprint(user string) string {
	g.t.Helper()
	found := primaries(g.run("--with-colons", "--list-secret-keys", user))
	if len(found) != 1 {
		g.t.Fatalf("%s: %v", user, found)
	}
	return found[0]
}

var keyKinds = []struct{ name, primary, sub string }{
	{"rsa2048", "rsa2048", ""},
	{"ed25519", "ed25519", ""},
	{"nistp256", "nistp256", ""},
	{"nistp384 with subkey nistp521", "nistp384", "nistp521/ecdsa"},
	{"rsa with subkey ed25519", "rsa2048", "ed25519"},
	{"ed25519 with subkey rsa", "ed25519", "rsa3072"},
}

// We verify what GnuPG signs with every kind of key, GnuPG what we sign with
// the same key exported, and both agree that a changed file is wrong.
func TestGnuPGBothWays(t *testing.T) {
	for _, kind := range keyKinds {
		t.Run(kind.name, func(t *testing.T) {
			g := newGnuPG(t)
			fpr := g.newKey("Release <release@example.org>", kind.primary, kind.sub, "never")
			data := []byte("aa11  wheels/any/x-1-py3-none-any.whl\n")
			file := g.file("list", data)

			signer, err := NewGPG(g.path, g.home, fpr)
			if err != nil {
				t.Fatal(err)
			}
			if signer.Fingerprint() != fpr {
				t.Fatalf("fingerprint %s, want %s", signer.Fingerprint(), fpr)
			}
			asc, err := SignDetachedArmored(data, signer)
			if err != nil {
				t.Fatal(err)
			}
			g.run("--verify", g.file("list.asc", asc), file)

			// What gpg itself armors is canonical for us.
			g.run("--yes", "--armor", "--detach-sign", "--output", filepath.Join(g.home, "theirs.asc"), file)
			theirs, err := os.ReadFile(filepath.Join(g.home, "theirs.asc"))
			if err != nil {
				t.Fatal(err)
			}
			public := g.run("--armor", "--export", fpr)
			if who, err := VerifyDetached(data, theirs, []byte(public)); err != nil || who[0] != fpr {
				t.Fatalf("%v, %v", who, err)
			}
			if _, err := VerifyDetached(append(data, '\n'), theirs, []byte(public)); !errors.Is(err, ErrSignature) {
				t.Errorf("another file: %v", err)
			}
			for i := range theirs {
				bad := bytes.Clone(theirs)
				bad[i] ^= 1
				if _, err := VerifyDetached(data, bad, []byte(public)); err == nil {
					t.Fatalf("byte %d of %q changed and not noticed", i, theirs)
				}
			}

			soft, err := ReadPrivateKey([]byte(g.run("--armor", "--export-secret-keys", fpr)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if soft.Fingerprint() != fpr || !bytes.Equal(soft.Certificate(), signer.Certificate()) {
				t.Error("the exported private key has another certificate than the public one")
			}
			ours, err := SignDetachedArmored(data, soft)
			if err != nil {
				t.Fatal(err)
			}
			out := g.run("--status-fd", "1", "--verify", g.file("ours.asc", ours), file)
			if !strings.Contains(out, "VALIDSIG") || !strings.Contains(out, fpr) {
				t.Error(out)
			}
			g.file("list", []byte("changed\n"))
			if out, err := g.try("--verify", filepath.Join(g.home, "ours.asc"), file); err == nil {
				t.Errorf("gpg took a changed file: %s", out)
			}
		})
	}
}

// The key that setup makes must be one that GnuPG reads, and a root of two
// signers one that GnuPG verifies.
func TestGnuPGReadsRoots(t *testing.T) {
	g := newGnuPG(t)
	s := newStore(t)
	c := setup(t, s)
	fpr := g.newKey("Organisation <root@example.org>", "rsa2048", "ed25519", "never")
	org, err := NewGPG(g.path, g.home, "root@example.org")
	if err != nil {
		t.Fatal(err)
	}
	root, err := Adopt(c, time.Now(), own(t, s), []OpenPGPSigner{org}, 0)
	c1 := extend(t, c, root, err)
	if _, err := VerifyChain(origin, all(c1), Pins{Fingerprints: []string{fpr}}); err != nil {
		t.Fatal(err)
	}
	soft := own(t, s)[0]
	g.run("--import", g.file("soft.asc", ArmorCertificate(soft.Certificate())))
	doc := g.file("1.toml", root.Document)
	for _, asc := range [][]byte{c.Signed(0).Signatures, root.Signatures} {
		file := doc
		if bytes.Equal(asc, c.Signed(0).Signatures) {
			file = g.file("0.toml", c.Signed(0).Document)
		}
		for _, block := range bytes.SplitAfter(asc, []byte("-----END PGP SIGNATURE-----\n")) {
			if len(block) > 0 {
				g.run("--verify", g.file("block.asc", block), file)
			}
		}
	}
	out := g.run("--status-fd", "1", "--verify", g.file("1.toml.asc", root.Signatures), doc)
	if n := strings.Count(out, "VALIDSIG"); n != 2 {
		t.Logf("gpg looks at %d of 2 blocks when they stand in one file", n)
	}
	// The whole certificate works as well as the minimal one, and a smart gpg.conf does not disturb.
	g.file("gpg.conf", []byte("armor\ncomment hello\nemit-version\nsig-notation note@example.org=x\n"))
	if _, err := Next(c1, time.Now(), func(*Root) error { return nil }, org); err != nil {
		t.Errorf("with a gpg.conf that asks for armor and comments: %v", err)
	}
}

// GnuPG exits with 0 for a signature by an expired key; we judge by position and do not look at the date.
func TestGnuPGExpiredKey(t *testing.T) {
	g := newGnuPG(t)
	fpr := g.newKey("Old <old@example.org>", "ed25519", "", "seconds=2")
	signer, err := NewGPG(g.path, g.home, fpr)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("list\n")
	asc, err := SignDetachedArmored(data, signer)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	if out, _ := g.try("--status-fd", "1", "--verify", g.file("a.asc", asc), g.file("a", data)); !strings.Contains(out, "EXPKEYSIG") {
		t.Fatalf("the key has not expired: %s", out)
	}
	if _, err := VerifyDetached(data, asc, signer.Certificate()); err != nil {
		t.Errorf("an old signature turned red: %v", err)
	}
	if _, err := signer.SignDetached(data); err == nil {
		t.Error("gpg signed with an expired key")
	}
}

func TestGnuPGRevokedAndProtected(t *testing.T) {
	g := newGnuPG(t)
	fpr := g.newKey("Revoked <revoked@example.org>", "ed25519", "", "never")
	cert := []byte(g.run("--armor", "--export", fpr))
	// gpg writes the revocation certificate with a colon in front, against accidents.
	rev, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", fpr+".rev"))
	if err != nil {
		t.Fatal(err)
	}
	g.run("--import", g.file("rev", bytes.Replace(rev, []byte(":-----BEGIN"), []byte("-----BEGIN"), 1)))
	if _, err := ReadCertificate(cert); err != nil {
		t.Errorf("before: %v", err)
	}
	if _, err := ReadCertificate([]byte(g.run("--armor", "--export", fpr))); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked key: %v", err)
	}

	out, err := exec.Command(g.path, "--homedir", g.home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "open sesame",
		"--quick-generate-key", "Locked <locked@example.org>", "rsa2048", "cert,sign", "never").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	locked, err := exec.Command(g.path, "--homedir", g.home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "open sesame",
		"--armor", "--export-secret-keys", "locked@example.org").Output()
	if err != nil {
		t.Fatal(err)
	}
	for phrase, want := range map[string]bool{"open sesame": true, "guess": false} {
		k, err := ReadPrivateKey(locked, func() ([]byte, error) { return []byte(phrase), nil })
		if (err == nil) != want {
			t.Errorf("passphrase %q: %v", phrase, err)
		}
		if err == nil {
			if _, err := SignDetachedArmored([]byte("x"), k); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := ReadPrivateKey(locked, nil); err == nil {
		t.Error("a key with a passphrase was read without one")
	}
	if _, err := NewGPG(g.path, g.home, "example.org"); err == nil || !strings.Contains(err.Error(), "2 keys fit") {
		t.Errorf("an ambiguous id: %v", err)
	}
	if _, err := NewGPG(g.path, g.home, "nobody@example.org"); err == nil {
		t.Error("a key that is not there was found")
	}
}

// Algorithms that we do not take are named in the error.
func TestGnuPGRefused(t *testing.T) {
	g := newGnuPG(t)
	for _, algorithm := range []string{"rsa1024", "dsa2048", "brainpoolP256r1"} {
		user := algorithm + "@example.org"
		if out, err := g.try("--quick-generate-key", user, algorithm, "cert,sign", "never"); err != nil {
			t.Logf("gpg makes no %s key: %s", algorithm, out)
			continue
		}
		if _, err := ReadCertificate([]byte(g.run("--armor", "--export", user))); err == nil {
			t.Errorf("a %s key was taken", algorithm)
		} else {
			t.Log(err)
		}
	}
}

// Real signatures of real releases, where the shared data is at hand.
func TestRealSignatures(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	builders := filepath.Join(dir, "testdata", "securedrop", "securedrop-builder")
	snapshots, _ := filepath.Glob(filepath.Join(builders, "*"))
	if len(snapshots) == 0 {
		t.Skip("skipped: no shared data (WHEELLOCK_SHARED)")
	}
	good := 0
	for _, snap := range snapshots {
		var certs [][]byte
		pubs, _ := filepath.Glob(filepath.Join(snap, "pubkeys", "*"))
		for _, p := range pubs {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			key, err := ReadCertificate(b)
			if err != nil {
				t.Logf("%s: %v", p, err)
				continue
			}
			certs = append(certs, key.Certificate)
		}
		a, _ := filepath.Glob(filepath.Join(snap, "*.asc"))
		b, _ := filepath.Glob(filepath.Join(snap, "*", "*.asc"))
		for _, asc := range append(a, b...) {
			sig, err := os.ReadFile(asc)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(strings.TrimSuffix(asc, ".asc"))
			if err != nil {
				continue
			}
			who, err := VerifyDetached(data, sig, certs...)
			if err != nil {
				t.Errorf("%s: %v", asc, err)
				continue
			}
			good++
			if _, err := VerifyDetached(append(data, 'x'), sig, certs...); err == nil {
				t.Errorf("%s: by %s, also over other bytes", asc, who)
			}
		}
	}
	t.Logf("%d real signatures verified", good)
	if good == 0 {
		t.Error("none verified")
	}
}
