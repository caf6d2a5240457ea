package attest

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/sumdb/record"
)

// check says what of a provenance cannot be written.
func (p *Provenance) check() error {
	if len(p.Tools) > MaxTools || len(p.Crates) > MaxTools || len(p.Toolchain) > MaxTools || len(p.Varied) > MaxTools {
		return fmt.Errorf("more than %d tools", MaxTools)
	}
	if len(p.Recipe) == 0 {
		return errors.New("it has no recipe")
	}
	if p.Times < 1 {
		return fmt.Errorf("built %d times", p.Times)
	}
	if p.Finished.Before(p.Started) || p.Started.Year() < 1970 || p.Finished.Year() > 9999 || p.Started.Nanosecond()+p.Finished.Nanosecond() != 0 {
		return fmt.Errorf("built from %s to %s", p.Started, p.Finished)
	}
	sums := []string{p.SHA256, p.Content, p.Source.SHA256, p.BuildLog, p.Comparison}
	words := []string{p.Log, p.Builder, p.Wheellock, p.Package, p.Version, p.Target, p.File, p.Source.Name, p.Python}
	for _, t := range slices.Concat(p.Tools, p.Crates) {
		sums, words = append(sums, t.SHA256), append(words, t.Name, t.Version)
	}
	for _, t := range p.Toolchain {
		name, version, _ := strings.Cut(t, " ")
		words = append(words, name, version)
	}
	for _, s := range sums {
		if b, err := hex.DecodeString(s); err != nil || len(b) != 32 || strings.ToLower(s) != s {
			return fmt.Errorf("%.80q is no hex sha256", s)
		}
	}
	for _, w := range words {
		if w == "" || strings.ContainsRune(w, ' ') || !printable(w) {
			return fmt.Errorf("%.80q is not a word", w)
		}
	}
	for _, s := range append([]string{p.Place, p.Walls}, p.Varied...) {
		if !printable(s) {
			return fmt.Errorf("%.80q is not printable ASCII", s)
		}
	}
	return nil
}

func printable(s string) bool {
	return len(s) <= MaxValue && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

// Differs says in words where a provenance says other than the build statement that
// names it as evidence; empty where they agree. Among what has to agree is the log:
// a build attested for one is none of another.
func (p *Provenance) Differs(b *record.Build) []string {
	var out []string
	compare := func(what, attested, stated string) {
		if attested != stated {
			out = append(out, fmt.Sprintf("its %s is %s, the statement's %s", what, short(attested), short(stated)))
		}
	}
	compare("log", p.Log, b.Log)
	compare("package", p.Package+" "+p.Version, b.Name+" "+b.Version)
	compare("subject", p.File, b.File.Name)
	compare("subject's sha256", p.SHA256, b.File.SHA256)
	compare("content", p.Content, b.Content)
	compare("source", p.Source.SHA256, b.Source)
	compare("recipe", p.RecipeDigest(), b.Recipe)
	compare("target", p.Target, b.Target)
	return out
}

// short is a hash as sentences have it, and all else as it is.
func short(s string) string {
	if b, err := hex.DecodeString(s); err == nil && len(b) == 32 {
		return s[:12]
	}
	return s
}

// Ways in which an attestation is not the evidence of a build statement.
var (
	// ErrForged: the statement's key did not sign it.
	ErrForged = errors.New("it is not signed by the key that signed the statement")
	// ErrDiffers: it is about another build.
	ErrDiffers = errors.New("it is about another build")
)

// Check reads the evidence of a build statement and holds it against the statement:
// by its key, about its build. keyID is the signer's, see [KeyID]. The error wraps
// [ErrMalformed], [ErrForged] or [ErrDiffers].
func Check(data []byte, b *record.Build, keyID string, key ed25519.PublicKey) (*Provenance, error) {
	e, err := Open(data)
	if err != nil {
		return nil, err
	}
	if e.KeyID != keyID {
		return nil, fmt.Errorf("%w: %s says to have signed it, the statement is by %s", ErrForged, e.KeyID, keyID)
	}
	if !e.Verify(key) {
		return nil, ErrForged
	}
	if d := e.Provenance.Differs(b); len(d) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrDiffers, strings.Join(d, "; "))
	}
	return e.Provenance, nil
}
