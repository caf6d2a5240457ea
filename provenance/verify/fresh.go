package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const (
	// DefaultMaxAge is how old a view of the log may be where freshness is asked for.
	DefaultMaxAge = 7 * 24 * time.Hour
	// ExpiryWarning is how long before a root or a role runs out it is said.
	ExpiryWarning = 30 * 24 * time.Hour
	// maxSkew is how far a witness's clock may be ahead of ours.
	maxSkew = 10 * time.Minute
)

// witnesses holds the checkpoint's cosignatures against the number that the
// configuration asks for, and the quorum of the policy that the root names.
// Keys are counted, not signatures: package proof gives each key once.
func (c *checker) witnesses() error {
	if c.v == nil {
		return nil
	}
	if n := len(c.v.Cosigned); n < c.in.Policy.Witnesses {
		c.add("too-few-witnesses", proofName, "%s cosigned its checkpoint, the policy asks for %d", plural(n, "witness"), c.in.Policy.Witnesses)
	}
	p, err := c.witnessPolicy(c.chain.Newest().Policy)
	if err != nil {
		return err
	}
	if p == nil {
		c.withoutPolicy(c.chain.Newest())
		return nil
	}
	var short *policy.QuorumError
	if _, _, err := p.CheckCosignatures(c.v.Checkpoint); errors.As(err, &short) {
		c.add("quorum-missing", proofName, "its checkpoint is cosigned by %d of %d witnesses, which is not the quorum %s of log/policy",
			len(short.Signed), len(short.Signed)+len(short.Missing), short.Quorum)
	}
	return nil
}

// withoutPolicy judges the cosignatures where a root names a policy that is not here:
// the proof carries its hash only. The root itself says how many witnesses a quorum
// has at least, and all of them are a quorum whatever the policy says; what lies
// between is not known, and said.
func (c *checker) withoutPolicy(r *trust.Root) {
	if r.Policy == "" {
		return
	}
	for _, role := range r.Roles {
		if role.Name != trust.RoleWitness {
			continue
		}
		n := 0
		for _, w := range c.v.Cosigned {
			if slices.Contains(role.Keys, w.Key) {
				n++
			}
		}
		switch of := len(role.Keys); {
		case n < role.Threshold:
			c.add("quorum-missing", proofName, "its checkpoint is cosigned by %d of %d witnesses, root %d asks for %d at least", n, of, r.Number, role.Threshold)
		case n < of && !slices.ContainsFunc(c.findings, func(f Finding) bool { return f.ID == "policy-changed" }):
			c.add("quorum-unknown", proofName, "its checkpoint is cosigned by %d of %d witnesses; whether that is a quorum stands in log/policy, which is not here", n, of)
		}
	}
}

// witnessPolicy reads a policy by the hash that a root names; nil where none is
// named, or where the wheelhouse does not have it: what the configuration asks
// for still counts.
func (c *checker) witnessPolicy(digest string) (*policy.Policy, error) {
	if digest == "" || !c.local() {
		return nil, nil
	}
	for _, name := range []string{c.logPath("policy"), mirror.Evidence(digest[len("sha256:"):])} {
		text, err := c.read(name, policy.MaxSize)
		if err != nil && !errors.Is(err, errTooLarge) {
			return nil, err
		}
		if text == nil || trust.Digest(text) != digest {
			continue
		}
		p, err := policy.Parse(text)
		if err != nil {
			c.add("policy-changed", c.show(name), "it is no policy: %v", err)
			return nil, nil
		}
		return p, nil
	}
	return nil, nil
}

// fresh says whether what is here could be an old view of the log that somebody
// keeps showing, and what runs out soon. checkpoint is the wheelhouse's, or nil.
func (c *checker) fresh(checkpoint []byte) error {
	if !c.in.Fresh || c.roots() == nil {
		return nil
	}
	subject := c.show(c.logPath("checkpoint"))
	if checkpoint == nil && c.v != nil {
		checkpoint, subject = c.v.Checkpoint, proofName
	}
	if checkpoint == nil {
		return nil // no-proof and checkpoint-changed say it
	}
	c.expiry(c.roots().Newest())
	p, err := c.witnessPolicy(c.roots().Newest().Policy)
	if err != nil {
		return err
	}
	seen := c.seen(p, checkpoint)
	most := cmp.Or(c.in.MaxAge, DefaultMaxAge)
	since, ok := freshest(p, seen)
	if !ok {
		c.add("age-unknown", subject, "no quorum of witnesses says when this was the newest view of the log: it may be a frozen one")
		return nil
	}
	at := time.Unix(since, 0)
	if age := c.in.Now.Sub(at); age > most {
		c.add("not-fresh", subject, "its witnesses cosigned it last on %s, %s ago, at most %s are asked for: it may be a frozen view",
			at.UTC().Format("2006-01-02 15:04"), Age(age), Age(most))
	}
	return nil
}

// seen are the cosignatures of a checkpoint by the policy's witnesses or, without
// a policy, by those that hold the role. Times that have not come yet say nothing.
func (c *checker) seen(p *policy.Policy, checkpoint []byte) []policy.Seen {
	n, err := note.Parse(checkpoint)
	if err != nil {
		return nil
	}
	var list []policy.Seen
	for _, s := range n.Sigs {
		v, role := everHeld(c.roots(), 1<<62, s.Name, s.Hash, trust.RoleWitness)
		if v == nil || role != trust.RoleWitness || !v.Verify([]byte(n.Text), s.Sig) {
			continue
		}
		co, err := note.ParseCosignature(s.Sig)
		if err != nil || time.Unix(co.Time, 0).After(c.in.Now.Add(maxSkew)) {
			continue
		}
		w := policy.Witness{Name: v.Name(), Key: v}
		if p != nil {
			for _, x := range p.Witnesses {
				if x.Cosigner().String() == v.String() {
					w = x
				}
			}
		}
		list = append(list, policy.Seen{Witness: w, Time: co.Time})
	}
	return list
}

// freshest is when a quorum said so last; without a policy any witness will do.
func freshest(p *policy.Policy, seen []policy.Seen) (since int64, ok bool) {
	if p != nil && p.Needs() > 0 {
		return p.Fresh(seen)
	}
	for _, s := range seen {
		since, ok = max(since, s.Time), true
	}
	return since, ok
}

// expiry names what runs out within ExpiryWarning. It does not change the class:
// nothing that is signed becomes worse by it.
func (c *checker) expiry(r *trust.Root) {
	say := func(what string, at time.Time) {
		left := at.Sub(c.in.Now)
		switch {
		case left <= 0:
			c.add("expired", c.show(c.logPath("root")), "%s ran out on %s: nothing new can be signed under it", what, at.UTC().Format("2006-01-02"))
		case left <= ExpiryWarning:
			c.add("expires-soon", c.show(c.logPath("root")), "%s runs out on %s, in %s", what, at.UTC().Format("2006-01-02"), Age(left))
		}
	}
	say(fmt.Sprintf("root %d", r.Number), r.Expires)
	for _, k := range r.Roles {
		if !k.Expires.Equal(r.Expires) {
			say("the role "+k.Name, k.Expires)
		}
	}
}

// Age is a time span as people say it.
func Age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", max(1, d/time.Minute))
}
