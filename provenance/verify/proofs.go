package verify

import (
	"errors"
	"strings"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// readProof verifies the proof and takes its statements in.
func (c *checker) readProof() {
	if c.in.Proof == nil {
		return
	}
	want := Wants(c.lock)
	v, err := proof.Verify(c.in.Proof, c.in.Pins, want)
	if errors.Is(err, proof.ErrUnwanted) || errors.Is(err, proof.ErrIncomplete) {
		v, err = c.readOlderProof(want, err)
	}
	if err != nil {
		c.badProof(err)
		return
	}
	c.v, c.chain = v, v.Chain
	c.book.addProof(v)
	c.checked.Statements, c.checked.LogSize = len(v.Statements), v.Size
	if where, ok := c.book.locks[c.lockHash]; ok && where == inProof && len(c.uncovered) > 0 {
		// It states this very lock, so it was made for it, or for less on purpose.
		c.add("proof-incomplete", proofName, "it states this lock, but leaves out what the log has about %s", first(c.uncovered))
	}
}

// readOlderProof: a lock that has moved on since its proof was made is no
// attack. What the proof still covers counts; of the rest it proves nothing.
func (c *checker) readOlderProof(want []proof.Want, first error) (*proof.Verified, error) {
	covered, err := split(c.in.Proof, want, c.uncovered)
	if err != nil || len(c.uncovered) == 0 {
		return nil, first
	}
	v, err := proof.Verify(c.in.Proof, c.in.Pins, covered)
	if err != nil {
		return nil, first
	}
	return v, nil
}

// split finds the packages of which a proof tells all, and names the others in
// uncovered.
func split(data []byte, want []proof.Want, uncovered map[string]bool) (covered []proof.Want, err error) {
	p, err := proof.Parse(data)
	if err != nil {
		return nil, err
	}
	carried := map[int64]bool{}
	indexed := false
	for _, b := range p.Statements {
		carried[b.Number] = true
		if s, err := record.ParseLeaf(b.Data); err == nil && s.Kind() == record.KindIndex {
			indexed = true
		}
	}
	if !indexed {
		return want, nil
	}
	entries := map[string]index.Entry{}
	for _, b := range p.Entries {
		if e, err := index.ParseEntry(b.Data); err == nil {
			entries[e.Name] = e
		}
	}
	for _, w := range want {
		e, ok := entries[w.Name]
		for _, l := range e.Lines {
			needed := l.Kind == record.KindWithdraw || l.Version == index.NoVersion || contains(w.Versions, l.Version)
			ok = ok && (!needed || carried[l.Number])
		}
		if ok {
			covered = append(covered, w)
		} else {
			uncovered[w.Name] = true
		}
	}
	return covered, nil
}

func first(set map[string]bool) string {
	least := ""
	for s := range set {
		if least == "" || s < least {
			least = s
		}
	}
	return least
}

func (c *checker) badProof(err error) {
	what := strings.TrimPrefix(err.Error(), proofName+": ")
	switch {
	case errors.Is(err, trust.ErrPins) && len(c.in.Pins.Root.Fingerprints) == 0:
		c.add("root-not-pinned", proofName, "the configuration pins no OpenPGP fingerprint (root = [...]), so nobody knows whose roots these are")
	case errors.Is(err, trust.ErrPins):
		c.add("root-not-pinned", proofName, "its roots are not those that the configuration pins: %s", what)
	case errors.Is(err, proof.ErrIncomplete), errors.Is(err, proof.ErrUnwanted):
		c.add("proof-incomplete", proofName, "it leaves something out: %s", what)
	default:
		c.add("proof-changed", proofName, "it does not verify: %s", what)
	}
}
