package verify

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// witnessed is a finished world whose root names a policy of three witnesses, two
// of which must cosign.
func witnessed(t *testing.T) (*world, []*note.Cosigner) {
	w := newWorld(t)
	p := &policy.Policy{Quorum: "two"}
	var all []*note.Cosigner
	g := policy.Group{Name: "two", Threshold: 2}
	for _, name := range []string{"w1.example", "w2.example", "w3.example"} {
		seed := sha256.Sum256([]byte(name))
		skey, _, err := note.GenerateKey(bytes.NewReader(seed[:]), name)
		w.must(err)
		key, err := note.NewSigner(skey)
		w.must(err)
		c := &note.Cosigner{Key: key}
		all = append(all, c)
		p.Witnesses = append(p.Witnesses, policy.Witness{Name: name, Key: c.Verifier(), URL: "https://" + name})
		g.Members = append(g.Members, name)
	}
	p.Groups = []policy.Group{g}
	w.write("log/policy", p.Format())
	w.nextRoot(func(r *trust.Root) error {
		r.Policy = trust.Digest(p.Format())
		role := trust.RoleKeys{Name: trust.RoleWitness, Threshold: 2, Expires: r.Expires}
		for _, c := range all {
			role.Keys = append(role.Keys, c.Verifier().String())
		}
		slices.Sort(role.Keys)
		r.Roles = append(r.Roles, role)
		return nil
	})
	return w, all
}

// cosign puts cosignatures of a time on the published checkpoint, in place of
// those that it has.
func (w *world) cosign(at time.Time, by ...*note.Cosigner) {
	w.t.Helper()
	n, err := note.Parse(w.readHouse("log/checkpoint"))
	w.must(err)
	n.Sigs = n.Sigs[:1]
	for _, c := range by {
		c.Now = at.Unix
		sig, err := c.Sign([]byte(n.Text))
		w.must(err)
		n.Sigs = append(n.Sigs, note.Signature{Name: c.Name(), Hash: c.KeyHash(), Sig: sig})
	}
	w.write("log/checkpoint", n.Bytes())
}

func TestQuorum(t *testing.T) {
	w, all := witnessed(t)
	w.prove()
	w.expect(w.verify(), 1, "quorum-missing")
	w.cosign(w.clock, all[0])
	w.prove()
	w.expect(w.verify(), 1, "quorum-missing")
	// The same key twice is one witness.
	once, err := note.Parse(w.readHouse("log/checkpoint"))
	w.must(err)
	w.cosign(w.clock.Add(time.Second), all[0])
	twice, err := note.Parse(w.readHouse("log/checkpoint"))
	w.must(err)
	twice.Sigs = append(twice.Sigs, once.Sigs[1])
	w.write("log/checkpoint", twice.Bytes())
	w.prove()
	w.expect(w.verify(), 1, "quorum-missing")
	w.cosign(w.clock, all[0], all[2])
	w.prove()
	w.policy.Witnesses = 2
	r := w.verify()
	w.expect(r, 0)
	if r.Trust.Witnesses != 2 {
		t.Errorf("%d witnesses", r.Trust.Witnesses)
	}
	// The policy that the root names, and no other.
	w.write("log/policy", []byte("quorum none\n"))
	w.expect(w.verify(), 1, "policy-changed")
}

// TestQuorumWithoutPolicy: lock and proof alone, the wheelhouse is elsewhere.
func TestQuorumWithoutPolicy(t *testing.T) {
	for n, want := range [][]string{{"quorum-missing"}, {"quorum-missing"}, {"quorum-unknown"}, {}} {
		w, all := witnessed(t)
		w.cosign(w.clock, all[:n]...)
		w.prove()
		in := w.input()
		in.ReadOnlyHouse = true
		code := 1
		if n > 1 {
			code = 0
		}
		w.expect(w.verifyInput(in), code, want...)
	}
}

func TestFresh(t *testing.T) {
	w, all := witnessed(t)
	w.cosign(w.clock, all...)
	w.prove()
	in := w.input()
	day := 24 * time.Hour
	in.Now = w.clock.Add(20 * day)
	w.expect(w.verifyInput(in), 0) // nobody asked: an old release stays green
	in.Fresh = true
	w.expect(w.verifyInput(in), 1, "not-fresh")
	in.MaxAge = 30 * day
	w.expect(w.verifyInput(in), 0)
	in.MaxAge = 0

	// One young cosignature of three makes no quorum young; two do.
	w.cosign(in.Now, all[0])
	young := w.readHouse("log/checkpoint")
	mixed := func(fresh, old []*note.Cosigner) {
		w.cosign(w.clock, old...)
		n, err := note.Parse(w.readHouse("log/checkpoint"))
		w.must(err)
		w.cosign(in.Now, fresh...)
		m, err := note.Parse(w.readHouse("log/checkpoint"))
		w.must(err)
		m.Sigs = append(m.Sigs, n.Sigs[1:]...)
		w.write("log/checkpoint", m.Bytes())
	}
	mixed(all[:1], all[1:])
	w.expect(w.verifyInput(in), 1, "not-fresh")
	mixed(all[:2], all[2:])
	w.expect(w.verifyInput(in), 0)
	// Without a quorum nobody says how old it is; nor do times that have not come.
	w.write("log/checkpoint", young)
	w.expect(w.verifyInput(in), 1, "age-unknown")
	w.cosign(in.Now.Add(400*day), all...)
	w.expect(w.verifyInput(in), 1, "age-unknown")

	// A frozen copy beside a proof that is no older: what the folder shows counts.
	w.cosign(w.clock, all...)
	w.expect(w.verifyInput(in), 1, "not-fresh")

	// What runs out is said before, and is red only where freshness is asked for.
	expires := w.chain.Newest().Expires
	w.cosign(expires.Add(-day), all...)
	in.Now = expires.Add(-day)
	r := w.verifyInput(in)
	w.expect(r, 0, "expires-soon")
	if r.Class != OK {
		t.Errorf("a warning makes the class %s", r.Class)
	}
	in.Now = expires.Add(day)
	w.expect(w.verifyInput(in), 1, "expired")
	in.Fresh = false
	w.expect(w.verifyInput(in), 0)
}

func TestFreshWithoutWitnesses(t *testing.T) {
	w := newWorld(t)
	in := w.input()
	in.Fresh = true
	w.expect(w.verifyInput(in), 1, "age-unknown")
}
