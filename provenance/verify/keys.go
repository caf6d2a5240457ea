package verify

import (
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// delegate finds a key in the newest root, and when it can no longer sign; nil
// where it has not the role there.
func delegate(c *trust.Chain, role, name string, hash uint32) (*note.VerifierKey, time.Time) {
	r := c.Newest()
	for _, k := range r.Roles {
		if k.Name != role {
			continue
		}
		if v := find(slices.Concat(k.Keys, k.Spare), name, hash); v != nil {
			expires := k.Expires
			if r.Expires.Before(expires) {
				expires = r.Expires
			}
			return v, expires
		}
	}
	return nil, time.Time{}
}

func find(keys []string, name string, hash uint32) *note.VerifierKey {
	for _, k := range keys {
		if v, err := note.NewVerifier(k); err == nil && v.Name() == name && v.KeyHash() == hash {
			return v
		}
	}
	return nil
}

// everHeld finds a key that some root gave one of the roles, unless it was
// stolen at or before a log index.
func everHeld(c *trust.Chain, at int64, name string, hash uint32, roles ...string) (v *note.VerifierKey, role string) {
	for _, k := range c.Newest().Revoked {
		if k.How == trust.Stolen && at >= k.From && find([]string{k.Key}, name, hash) != nil {
			return nil, ""
		}
	}
	for n := c.Len() - 1; n >= 0; n-- {
		for _, k := range c.Root(n).Roles {
			if !contains(roles, k.Name) {
				continue
			}
			if v := find(slices.Concat(k.Keys, k.Spare), name, hash); v != nil {
				return v, k.Name
			}
		}
	}
	return nil, ""
}

// logKeys are all keys that ever signed checkpoints.
func logKeys(c *trust.Chain) note.Verifiers {
	var list []note.Verifier
	seen := map[string]bool{}
	for n := range c.Len() {
		for _, k := range c.Root(n).Roles {
			if k.Name != trust.RoleLog {
				continue
			}
			for _, key := range slices.Concat(k.Keys, k.Spare) {
				if v, err := note.NewVerifier(key); err == nil && !seen[key] {
					seen[key] = true
					list = append(list, v)
				}
			}
		}
	}
	return note.List(list...)
}
