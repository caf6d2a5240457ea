package trust

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// A Change is one difference between two roots, in words for whoever is asked to
// sign the second.
type Change struct {
	What string
	// Weaker: fewer people must agree than before, or more may sign. It may be
	// what is wanted; whoever signs has to have seen it.
	Weaker bool
}

// Changes lists what root b changes of root a, in a fixed order. Names of people
// come out of certificates: clean them before they reach a terminal.
func Changes(a, b *Root) []Change {
	d := &differ{}
	if a.Provisional && !b.Provisional {
		d.say("the root is adopted: no longer a key that a verb made on the spot")
	}
	d.openPGP(a, b)
	for _, role := range []string{RoleLog, RoleBuilder, RolePublisher, RoleReviewer, RoleWitness} {
		d.role(role, roleOf(a, role), roleOf(b, role))
	}
	d.revoked(a, b)
	if a.Policy != b.Policy {
		d.list = append(d.list, Change{fmt.Sprintf("witnesses: the file log/policy changes from %s to %s", orNone(a.Policy), orNone(b.Policy)), b.Policy == ""})
	}
	d.expiry("root", a, b)
	return d.list
}

type differ struct{ list []Change }

func (d *differ) say(format string, args ...any) {
	d.list = append(d.list, Change{What: fmt.Sprintf(format, args...)})
}

func (d *differ) weaker(format string, args ...any) {
	d.list = append(d.list, Change{fmt.Sprintf(format, args...), true})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (d *differ) openPGP(a, b *Root) {
	find := func(r *Root, f string) *OpenPGPKey {
		for i := range r.OpenPGP {
			if r.OpenPGP[i].Fingerprint == f {
				return &r.OpenPGP[i]
			}
		}
		return nil
	}
	for _, k := range a.OpenPGP {
		if find(b, k.Fingerprint) == nil {
			d.say("root key out: %s %s", k.Fingerprint, k.UserID())
		}
	}
	for _, k := range b.OpenPGP {
		switch old := find(a, k.Fingerprint); {
		case old == nil:
			d.say("root key in: %s %s", k.Fingerprint, k.UserID())
		case !bytes.Equal(old.Certificate, k.Certificate):
			d.say("root key has another certificate (subkeys, names): %s %s", k.Fingerprint, k.UserID())
		}
	}
	if a.Threshold != b.Threshold || len(a.OpenPGP) != len(b.OpenPGP) {
		d.list = append(d.list, Change{fmt.Sprintf("signatures that a root needs: %d of %d, before %d of %d", b.Threshold, len(b.OpenPGP), a.Threshold, len(a.OpenPGP)),
			b.Threshold < a.Threshold})
	}
}

func roleOf(r *Root, name string) RoleKeys {
	for _, k := range r.Roles {
		if k.Name == name {
			return k
		}
	}
	return RoleKeys{Name: name}
}

// ShortKey is name and key hash of a verifier key: what signature lines show.
func ShortKey(key string) string {
	v, err := note.NewVerifier(key)
	if err != nil {
		return "?"
	}
	return fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())
}

func (d *differ) role(name string, a, b RoleKeys) {
	was := slices.Concat(a.Keys, a.Spare)
	is := slices.Concat(b.Keys, b.Spare)
	for _, k := range was {
		if !slices.Contains(is, k) {
			d.say("%s key out: %s", name, ShortKey(k))
		}
	}
	for i, k := range is {
		spare := i >= len(b.Keys)
		switch {
		case !slices.Contains(was, k) && spare:
			d.say("%s key in, spare: %s", name, ShortKey(k))
		case !slices.Contains(was, k):
			d.say("%s key in: %s", name, ShortKey(k))
		case spare != slices.Contains(a.Spare, k) && spare:
			d.say("%s key becomes spare: %s", name, ShortKey(k))
		case spare != slices.Contains(a.Spare, k):
			d.say("%s key is no longer spare: %s", name, ShortKey(k))
		}
	}
	if len(was) > 0 && len(is) > 0 && a.Threshold != b.Threshold {
		d.list = append(d.list, Change{fmt.Sprintf("%s keys that must agree: %d, before %d", name, b.Threshold, a.Threshold), b.Threshold < a.Threshold})
	}
	if len(is) == 0 && len(was) > 0 {
		d.weaker("nobody is %s any more", name)
	}
}

func (d *differ) revoked(a, b *Root) {
	was := map[string]Revocation{}
	for _, k := range a.Revoked {
		was[k.Key] = k
	}
	for _, k := range b.Revoked {
		if old, ok := was[k.Key]; ok && old == k {
			continue
		}
		if k.How == Stolen {
			d.say("revoked as stolen: %s; what it signed from log index %d on is void", ShortKey(k.Key), k.From)
		} else {
			d.say("revoked as lost: %s; what it signed stays valid", ShortKey(k.Key))
		}
	}
	for _, k := range a.Revoked {
		if !slices.ContainsFunc(b.Revoked, func(o Revocation) bool { return o.Key == k.Key }) {
			d.weaker("a revocation is taken back: %s", ShortKey(k.Key))
		}
	}
}

func (d *differ) expiry(what string, a, b *Root) {
	day := func(t time.Time) string { return t.Format("2006-01-02") }
	if day(a.Expires) != day(b.Expires) {
		d.say("the %s expires %s, before %s", what, day(b.Expires), day(a.Expires))
	}
	for _, k := range b.Roles {
		// Where a role lasts as long as its root, the line about that says it.
		old := roleOf(a, k.Name)
		if len(old.Keys) > 0 && day(old.Expires) != day(k.Expires) && (!k.Expires.Equal(b.Expires) || !old.Expires.Equal(a.Expires)) {
			d.say("the role %s expires %s, before %s", k.Name, day(k.Expires), day(old.Expires))
		}
	}
}

// UserID is a name in the key's certificate, the least where there are several;
// "" where it cannot be read. It comes from outside.
func (k OpenPGPKey) UserID() string {
	e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(k.Certificate)))
	if err != nil {
		return ""
	}
	least := ""
	for name := range e.Identities {
		if least == "" || name < least {
			least = name
		}
	}
	return least
}
