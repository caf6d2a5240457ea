package trust

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// GPG signs through the gpg program, so that agents and smart cards work.
type GPG struct {
	path, home string
	key        OpenPGPKey
}

// NewGPG asks gpg for the secret key with that fingerprint, key ID or address,
// which must fit exactly one. path is the executable, which the caller has
// looked up; home is for --homedir, "" for gpg's own default.
func NewGPG(path, home, id string) (*GPG, error) {
	if id == "" {
		return nil, fmt.Errorf("asking gpg for a key: no fingerprint given")
	}
	g := &GPG{path: path, home: home}
	list, err := g.run(nil, "--with-colons", "--fixed-list-mode", "--list-secret-keys", "--", id)
	if err != nil {
		return nil, fmt.Errorf("asking gpg for the secret key: %w", err)
	}
	found := primaries(string(list))
	if len(found) != 1 {
		return nil, fmt.Errorf("asking gpg for the secret key: %d keys fit, exactly one must; give its whole fingerprint", len(found))
	}
	cert, err := g.run(nil, "--export-options", "export-minimal", "--export", "--", found[0])
	if err != nil {
		return nil, fmt.Errorf("exporting key %s from gpg: %w", found[0], err)
	}
	if g.key, err = ReadCertificate(cert); err != nil {
		return nil, err
	}
	if g.key.Fingerprint != found[0] {
		return nil, fmt.Errorf("exporting key %s from gpg: another key came back", found[0])
	}
	return g, nil
}

// primaries reads the fingerprints of primary keys out of gpg's colon listing
// (doc/DETAILS of GnuPG: a sec record, then its fpr record).
func primaries(listing string) []string {
	var found []string
	primary := false
	for _, line := range strings.Split(listing, "\n") {
		f := strings.Split(line, ":")
		switch {
		case f[0] == "sec":
			primary = true
		case f[0] == "ssb":
			primary = false
		case f[0] == "fpr" && primary && len(f) > 9:
			found = append(found, f[9])
			primary = false
		}
	}
	return found
}

// Fingerprint of the primary key.
func (g *GPG) Fingerprint() string { return g.key.Fingerprint }

// Certificate is what gpg exports, made minimal.
func (g *GPG) Certificate() []byte { return g.key.Certificate }

// SignDetached runs gpg --detach-sign, which may ask for a passphrase or a card.
func (g *GPG) SignDetached(data []byte) ([]byte, error) {
	out, err := g.run(data, "--no-armor", "--no-textmode", "--digest-algo", "SHA512", "--local-user", g.key.Fingerprint, "--detach-sign", "--output", "-")
	if err != nil {
		return nil, fmt.Errorf("signing with gpg key %s: %w", g.key.Fingerprint, err)
	}
	return out, nil
}

func (g *GPG) run(stdin []byte, args ...string) ([]byte, error) {
	full := []string{"--batch", "--no-greeting", "--quiet"}
	if g.home != "" {
		full = append(full, "--homedir", g.home)
	}
	cmd := exec.Command(g.path, append(full, args...)...)
	var out, diag bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &diag
	if err := cmd.Run(); err != nil {
		last := strings.TrimSpace(diag.String())
		if i := strings.LastIndexByte(last, '\n'); i >= 0 {
			last = last[i+1:]
		}
		if last == "" {
			last = err.Error()
		}
		return nil, fmt.Errorf("%s", last)
	}
	return out.Bytes(), nil
}
