package trust

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// The functions here are edits for [Draft] and [Next]: each changes the copy of a
// root that it is given, or says why that makes no sense.

// AdoptKeys puts the organisation's keys in the place of a provisional software
// key; root and roles last for DefaultLifetime from now on. threshold is how many
// of the keys must sign the next root; 0: all of them.
func AdoptKeys(r *Root, keys []OpenPGPKey, threshold int) error {
	if !r.Provisional {
		return fmt.Errorf("adopting: root %d is adopted already; rotate its keys instead", r.Number-1)
	}
	for _, k := range r.OpenPGP {
		for _, a := range keys {
			if a.Fingerprint == k.Fingerprint {
				return fmt.Errorf("adopting: %s is the provisional key itself", k.Fingerprint)
			}
		}
	}
	r.Provisional, r.OpenPGP = false, nil
	if threshold == 0 {
		threshold = len(keys)
	}
	if err := SetQuorum(r, keys, nil, threshold); err != nil {
		return err
	}
	return Renew(r, r.Created.Add(DefaultLifetime))
}

// SetQuorum changes the OpenPGP keys that sign roots: add comes in (or, where its
// fingerprint is there, takes the old certificate's place), drop goes out.
// threshold 0 leaves it, unless fewer keys than that are left.
func SetQuorum(r *Root, add []OpenPGPKey, drop []string, threshold int) error {
	for _, f := range drop {
		n := len(r.OpenPGP)
		r.OpenPGP = slices.DeleteFunc(r.OpenPGP, func(k OpenPGPKey) bool { return k.Fingerprint == f })
		if len(r.OpenPGP) == n {
			return fmt.Errorf("changing the root's keys: %s is none of them", f)
		}
	}
	for _, k := range add {
		i := slices.IndexFunc(r.OpenPGP, func(o OpenPGPKey) bool { return o.Fingerprint == k.Fingerprint })
		if i >= 0 {
			r.OpenPGP[i] = k
			continue
		}
		r.OpenPGP = append(r.OpenPGP, k)
	}
	switch {
	case len(r.OpenPGP) == 0:
		return errors.New("changing the root's keys: none would be left")
	case threshold < 0 || threshold > len(r.OpenPGP):
		return fmt.Errorf("changing the root's keys: threshold %d does not fit %d of them", threshold, len(r.OpenPGP))
	case threshold != 0:
		r.Threshold = threshold
	}
	r.Threshold = min(r.Threshold, len(r.OpenPGP))
	return nil
}

// Delegate lets a note key hold a role, as a spare one or not. A key that is
// there as the other of the two changes over.
func Delegate(r *Root, role, key string, spare bool) error {
	if revoked(r, key) {
		return fmt.Errorf("delegating: the key was revoked, and a revocation is never taken back")
	}
	i := slices.IndexFunc(r.Roles, func(k RoleKeys) bool { return k.Name == role })
	if i < 0 {
		if spare {
			return fmt.Errorf("delegating: the role %s has no key yet for which this one could stand in", role)
		}
		r.Roles = append(r.Roles, RoleKeys{Name: role, Threshold: 1, Expires: r.Expires, Keys: []string{key}})
		return nil
	}
	k := &r.Roles[i]
	from, to := &k.Spare, &k.Keys
	if spare {
		from, to = to, from
	}
	if slices.Contains(*to, key) {
		return fmt.Errorf("delegating: the key holds the role already")
	}
	*from = slices.DeleteFunc(*from, func(s string) bool { return s == key })
	*to = append(*to, key)
	if len(k.Keys) < k.Threshold {
		return fmt.Errorf("delegating: the role %s needs %d keys that are not spare", role, k.Threshold)
	}
	return nil
}

// Replace puts a new note key in the place of one that holds a role. What the old
// one signed before stays valid; it signs nothing new.
func Replace(r *Root, role, old, key string) error {
	if revoked(r, key) {
		return fmt.Errorf("replacing a key: the new one was revoked")
	}
	for i := range r.Roles {
		if r.Roles[i].Name != role {
			continue
		}
		for _, list := range [][]string{r.Roles[i].Keys, r.Roles[i].Spare} {
			if at := slices.Index(list, old); at >= 0 {
				list[at] = key
				return nil
			}
		}
	}
	return fmt.Errorf("replacing a key: it does not hold the role %s", role)
}

// Renew moves the expiry of the root and of all roles.
func Renew(r *Root, until time.Time) error {
	r.Expires = until.UTC().Truncate(time.Second)
	if !r.Expires.After(r.Created) {
		return fmt.Errorf("renewing: %s is not in the future", stamp(r.Expires))
	}
	for i := range r.Roles {
		r.Roles[i].Expires = r.Expires
	}
	return nil
}

// revoked reports whether a key was, under this name or another.
func revoked(r *Root, key string) bool {
	return slices.ContainsFunc(r.Revoked, func(v Revocation) bool { return v.Key == key || Material(v.Key) == Material(key) })
}

// Material is what makes the signatures of a verifier key, whatever it is called: who
// counts distinct keys counts these. It is the key itself where that is none.
func Material(key string) string {
	v, err := note.NewVerifier(key)
	if err != nil {
		return key
	}
	return string(v.Public())
}

// Revoke takes a note key out of all roles and records how it ended; from is the
// first log index that is void, for Stolen. A spare key steps in where it was the
// last. What was said before may become graver (lost, then stolen; stolen from an
// earlier index), never less so.
func Revoke(r *Root, key, how string, from int64) error {
	for i := range r.Revoked {
		if was := r.Revoked[i]; was.Key == key {
			if was.How == how && was.From == from {
				return fmt.Errorf("revoking: the key is revoked already, just so")
			}
			if was.How == Stolen && (how != Stolen || from > was.From) {
				return fmt.Errorf("revoking: it was stolen from log index %d on, and that is never taken back", was.From)
			}
			r.Revoked[i] = Revocation{key, how, from}
			return nil
		}
	}
	held := false
	for i := range r.Roles {
		k := &r.Roles[i]
		before := len(k.Keys) + len(k.Spare)
		k.Keys = slices.DeleteFunc(k.Keys, func(s string) bool { return s == key })
		k.Spare = slices.DeleteFunc(k.Spare, func(s string) bool { return s == key })
		held = held || len(k.Keys)+len(k.Spare) < before
		if len(k.Keys) == 0 {
			k.Keys, k.Spare = k.Spare, nil
		}
		k.Threshold = min(k.Threshold, len(k.Keys))
	}
	if !held {
		return ErrNotNamed
	}
	r.Roles = slices.DeleteFunc(r.Roles, func(k RoleKeys) bool { return len(k.Keys) == 0 })
	r.Revoked = append(r.Revoked, Revocation{key, how, from})
	return nil
}

// ErrNotNamed: [Revoke] was given a key that no role of the newest root has.
// Whoever knows the older roots may find it there: [RevokeFormer].
var ErrNotNamed = errors.New("revoking: no role has this key")

// RevokeFormer records how a key ended that only older roots name: it was
// replaced, and turns out to have been stolen.
func RevokeFormer(r *Root, key, how string, from int64) error {
	err := Revoke(r, key, how, from)
	if errors.Is(err, ErrNotNamed) {
		r.Revoked = append(r.Revoked, Revocation{key, how, from})
		return nil
	}
	return err
}
