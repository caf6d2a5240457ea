package verify

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// TestAttestations: another word about alpha's wheel comes into the log, with evidence
// that is not what it should be.
func TestAttestations(t *testing.T) {
	for name, test := range map[string]struct {
		evidence func(w *world, b *record.Build) // changes what the statement names
		exit     int
		id, what string
	}{
		"as it should be": {func(w *world, b *record.Build) {}, 0, "", ""},
		"of another package": {func(w *world, b *record.Build) { b.Evidence = w.rebuild("beta", 0, "bookworm").Evidence },
			1, "attestation-differs", "its package is beta 2.1, the statement's alpha 1.0"},
		"for another target": {func(w *world, b *record.Build) { b.Target = "focal" },
			1, "attestation-differs", "its target is bookworm, the statement's focal"},
		"by another key": {func(w *world, b *record.Build) {
			mine := w.who[trust.RoleBuilder]
			w.who[trust.RoleBuilder] = w.signer(trust.RolePublisher)
			b.Evidence = w.rebuild("alpha", 0, "bookworm").Evidence
			w.who[trust.RoleBuilder] = mine
		}, 1, "attestation-forged", "says to have signed it"},
		"by another key under the name of ours": {func(w *world, b *record.Build) {
			theirs := w.readHouse(mirror.Evidence(b.Evidence))
			i := strings.Index(string(theirs), `"sig":"`) + len(`"sig":"`)
			sig, err := w.signer(trust.RolePublisher).Sign([]byte("x"))
			w.must(err)
			b.Evidence = w.keep(append(append(theirs[:i:i], base64.StdEncoding.EncodeToString(sig)...), "\"}]}\n"...))
		}, 1, "attestation-forged", "not signed by the key"},
		"of another project": {func(w *world, b *record.Build) { b.Evidence = w.foreign(b) },
			1, "attestation-differs", "its log is other.example, the statement's " + origin},
		"with more in it": {func(w *world, b *record.Build) {
			data := string(w.readHouse(mirror.Evidence(b.Evidence)))
			b.Evidence = w.keep([]byte(strings.Replace(data, `"signatures"`, `"more":1,"signatures"`, 1)))
		}, 1, "attestation-malformed", "unknown field"},
		"a text": {func(w *world, b *record.Build) { b.Evidence = w.keep([]byte("log of a build\n")) },
			0, "attestation-missing", "is no attestation"},
		"nothing": {func(w *world, b *record.Build) { b.Evidence = "" },
			0, "attestation-missing", "names no evidence"},
		"not here": {func(w *world, b *record.Build) { w.remove(mirror.Evidence(b.Evidence)) },
			0, "evidence-missing", "the attestation of alpha 1.0 by "},
		"without its log": {func(w *world, b *record.Build) {
			e, err := attest.Open(w.readHouse(mirror.Evidence(b.Evidence)))
			w.must(err)
			w.remove(mirror.Evidence(e.Provenance.BuildLog))
			w.addKey(trust.RoleBuilder)
			*b = w.rebuild("alpha", 0, "bookworm")
			w.remove(mirror.Evidence(e.Provenance.BuildLog))
		}, 0, "evidence-missing", "the build log of alpha 1.0 by "},
		"swapped in place": {func(w *world, b *record.Build) {
			w.write(mirror.Evidence(b.Evidence), w.readHouse(mirror.Evidence(w.rebuild("beta", 0, "bookworm").Evidence)))
		}, 1, "evidence-changed", "sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.rebuild("alpha", 0, "bookworm")
			test.evidence(w, &b)
			w.state(b)
			w.prove()
			r := w.verify()
			if test.id == "" {
				w.expect(r, test.exit)
				return
			}
			w.expect(r, test.exit, test.id)
			if !strings.Contains(dump(r), test.what) {
				t.Errorf("want %q in\n%s", test.what, dump(r))
			}
			in := w.input()
			in.ForRelease = true
			if r := w.verifyInput(in); r.Exit() != 1 {
				t.Errorf("good enough for a release:\n%s", dump(r))
			}
			// The lock and its proof stand without the wheelhouse.
			w.must(os.RemoveAll(w.house.Dir))
			in = w.input()
			in.House, in.Policy.Mirror = mirror.Wheelhouse{}, "none"
			w.expect(w.verifyInput(in), 0)
		})
	}
}

// TestRecipeEvidence: without what a recipe names nobody can build by it again.
func TestRecipeEvidence(t *testing.T) {
	w := emptyWorld(t)
	text := []byte("wheellock-container/v1\n")
	w.container = "sha256:" + hashOf(text)
	w.fill()
	r := w.verify()
	w.expect(r, 0, "evidence-missing")
	if want := "the container of the recipe of alpha 1.0 is not here"; strings.Count(dump(r), want) != 1 {
		t.Errorf("want %q once in\n%s", want, dump(r))
	}
	w.keep(text)
	w.expect(w.verify(), 0)
}

// keep puts bytes into evidence.
func (w *world) keep(data []byte) string {
	w.t.Helper()
	w.write(mirror.Evidence(hashOf(data)), data)
	return hashOf(data)
}

// foreign is a good attestation of the same build, for another log.
func (w *world) foreign(b *record.Build) string {
	w.t.Helper()
	e, err := attest.Open(w.readHouse(mirror.Evidence(b.Evidence)))
	w.must(err)
	e.Provenance.Log = "other.example"
	data, err := attest.Seal(e.Provenance, w.signer(trust.RoleBuilder))
	w.must(err)
	return w.keep(data)
}
