package trust

import (
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"time"
)

// DefaultLifetime is how long roots and roles last when nobody says.
const DefaultLifetime = 365 * 24 * time.Hour

// SetupOptions say how the first root is made.
type SetupOptions struct {
	Origin   string
	Now      time.Time
	Lifetime time.Duration // of root and roles; 0: DefaultLifetime
	Roles    []string      // besides log; nil: builder, publisher and reviewer
	Policy   []byte        // content of the file policy; nil: none
	Rand     io.Reader     // nil: crypto/rand
}

// Setup makes what the first verb that signs needs: note keys, a software
// OpenPGP key, and a provisional root 0 signed by it. Keys of the origin that
// the store has already are used again, so that an interrupted setup continues.
func Setup(s *Store, o SetupOptions) (Signed, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Roles == nil {
		o.Roles = []string{RoleBuilder, RolePublisher, RoleReviewer}
	}
	now := o.Now.UTC().Truncate(time.Second)
	r := &Root{Origin: o.Origin, Provisional: true, Created: now, Expires: now.Add(o.Lifetime), Threshold: 1}
	if o.Policy != nil {
		r.Policy = Digest(o.Policy)
	}
	for _, role := range append(slices.Clone(o.Roles), RoleLog) {
		vkey, err := firstKey(s, o, role)
		if err != nil {
			return Signed{}, err
		}
		r.Roles = append(r.Roles, RoleKeys{Name: role, Threshold: 1, Expires: r.Expires, Keys: []string{vkey}})
	}
	slices.SortFunc(r.Roles, func(a, b RoleKeys) int { return strings.Compare(a.Name, b.Name) })
	signer, err := softwareRoot(s, o, now)
	if err != nil {
		return Signed{}, err
	}
	r.OpenPGP = []OpenPGPKey{{signer.Fingerprint(), signer.Certificate()}}
	out, err := sign(r, signer)
	if err != nil {
		return Signed{}, err
	}
	_, err = CheckChain(o.Origin, []Signed{out})
	return out, err
}

func firstKey(s *Store, o SetupOptions, role string) (string, error) {
	have, err := s.Signers(o.Origin, role)
	if err != nil {
		return "", err
	}
	if len(have) > 0 {
		return have[0].Key, nil
	}
	return s.Generate(o.Rand, o.Origin, role)
}

func softwareRoot(s *Store, o SetupOptions, now time.Time) (OpenPGPSigner, error) {
	have, err := s.OpenPGP(o.Origin)
	if err != nil || len(have) > 0 {
		return append(have, nil)[0], err
	}
	signer, text, err := newSoftwareKey(o.Rand, now, "Provisional wheellock root of "+o.Origin)
	if err != nil {
		return nil, err
	}
	return signer, s.put(o.Origin, "openpgp-"+signer.Fingerprint()+".asc", text)
}

func sign(r *Root, signers ...OpenPGPSigner) (Signed, error) {
	doc := r.Format()
	if _, err := ParseRoot(doc); err != nil {
		return Signed{}, err
	}
	asc, err := SignDetachedArmored(doc, signers...)
	return Signed{doc, asc}, err
}

// Next makes root N+1: edit changes a copy of the newest root, as [Draft] does,
// then all signers sign, and the result is checked against the chain before it is
// returned.
func Next(c *Chain, now time.Time, edit func(*Root) error, signers ...OpenPGPSigner) (Signed, error) {
	doc, err := Draft(c, nil, now, edit)
	if err != nil {
		return Signed{}, err
	}
	asc, err := SignDetachedArmored(doc, signers...)
	if err != nil {
		return Signed{}, err
	}
	out := Signed{doc, asc}
	_, err = c.Extend(out)
	return out, err
}

func (r *Root) sort() {
	slices.SortFunc(r.OpenPGP, func(a, b OpenPGPKey) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	slices.SortFunc(r.Roles, func(a, b RoleKeys) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Revoked, func(a, b Revocation) int { return strings.Compare(a.Key, b.Key) })
	for i := range r.Roles {
		slices.Sort(r.Roles[i].Keys)
		slices.Sort(r.Roles[i].Spare)
	}
}

// Adopt makes the root that puts the organisation's keys in the place of the
// provisional software key, signed by old and adopted: see AdoptKeys.
func Adopt(c *Chain, now time.Time, old, adopted []OpenPGPSigner, threshold int) (Signed, error) {
	var keys []OpenPGPKey
	for _, a := range adopted {
		keys = append(keys, OpenPGPKey{a.Fingerprint(), a.Certificate()})
	}
	return Next(c, now, func(r *Root) error { return AdoptKeys(r, keys, threshold) }, append(slices.Clone(old), adopted...)...)
}
