package trust

import (
	"fmt"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// A Chain is a verified sequence of roots from number 0 on.
type Chain struct {
	roots    []*Root
	signed   []Signed
	certs    [][]*certificate
	signers  [][]string
	position []int64 // log index of each root's statement; -1: not placed
	holders  []map[keyID]Holder
	stolen   map[keyID]int64 // from the newest root
}

type keyID struct {
	name string
	hash uint32
}

// VerifyChain checks every root against the one before it, and the newest
// against the pins. Pins without fingerprints are refused with ErrPins: use
// [CheckChain] where nobody has pinned anything yet. Until [Chain.Place] only
// root 0 has a position.
func VerifyChain(origin string, roots []Signed, pins Pins) (*Chain, error) {
	c, err := CheckChain(origin, roots)
	if err != nil {
		return nil, err
	}
	if err := c.checkPins(pins); err != nil {
		return nil, err
	}
	return c, nil
}

// CheckChain is VerifyChain without pins: the roots follow one another, but
// whose they are is not said.
func CheckChain(origin string, roots []Signed) (*Chain, error) {
	if len(roots) == 0 || len(roots) > MaxRoots {
		return nil, fail("root/0.toml", ErrChain, "is missing")
	}
	c := &Chain{}
	for _, s := range roots {
		if err := c.add(origin, s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Extend gives a new chain with one root more; c stays as it is. The new root has no position yet.
func (c *Chain) Extend(s Signed) (*Chain, error) {
	next := &Chain{roots: slices.Clip(c.roots), signed: slices.Clip(c.signed), certs: slices.Clip(c.certs),
		signers: slices.Clip(c.signers), position: slices.Clone(c.position), holders: slices.Clip(c.holders)}
	if err := next.add(c.Newest().Origin, s); err != nil {
		return nil, err
	}
	return next, nil
}

func (c *Chain) add(origin string, s Signed) error {
	n := len(c.roots)
	part := fmt.Sprintf("root/%d.toml", n)
	r, certs, err := parseRoot(part, s.Document)
	if err != nil {
		return err
	}
	if r.Origin != origin {
		return fail(part, ErrChain, "is for another log")
	}
	if r.Number != int64(n) {
		return fail(part, ErrChain, "has number %d", r.Number)
	}
	if n > 0 {
		if err := c.follows(part, r); err != nil {
			return err
		}
	}
	signers, err := c.checkSignatures(part+".asc", s, r, certs)
	if err != nil {
		return err
	}
	c.roots, c.signed, c.certs = append(c.roots, r), append(c.signed, s), append(c.certs, certs)
	c.signers, c.holders = append(c.signers, signers), append(c.holders, holdersOf(r))
	c.position = append(c.position, -1)
	c.position[0] = 0
	c.stolen = map[keyID]int64{}
	for _, k := range r.Revoked {
		if v, err := note.NewVerifier(k.Key); err == nil && k.How == Stolen {
			c.stolen[keyID{v.Name(), v.KeyHash()}] = k.From
		}
	}
	return nil
}

// follows checks what must hold between a root and the one before.
func (c *Chain) follows(part string, r *Root) error {
	n := len(c.roots)
	before := c.roots[n-1]
	switch {
	case r.Previous != Digest(c.signed[n-1].Document):
		return fail(part, ErrChain, "does not follow root %d: its previous hash differs", n-1)
	case r.Provisional && !before.Provisional:
		return fail(part, ErrChain, "makes an adopted root provisional again")
	}
	now := map[string]Revocation{}
	for _, k := range r.Revoked {
		now[k.Key] = k
	}
	for _, k := range before.Revoked {
		after, ok := now[k.Key]
		if !ok || k.How == Stolen && (after.How != Stolen || after.From > k.From) {
			return fail(part, ErrChain, "takes back a revocation")
		}
	}
	return nil
}

// checkSignatures checks every block and both quorums.
func (c *Chain) checkSignatures(part string, s Signed, r *Root, certs []*certificate) ([]string, error) {
	blocks, err := Dearmor(s.Signatures)
	if err != nil {
		return nil, fail(part, ErrMalformed, "is not a sequence of canonically armored signatures")
	}
	var before []*certificate
	threshold := 0
	if n := len(c.roots); n > 0 {
		before, threshold = c.certs[n-1], c.roots[n-1].Threshold
	}
	var signers []string
	old, own := 0, 0
	for i, b := range blocks {
		byOwn, err1 := signerOf(b, s.Document, certs)
		byOld, err2 := signerOf(b, s.Document, before)
		if err1 != nil && err2 != nil {
			return nil, fail(part, ErrSignature, "block %d is not a signature of this root by one of its keys", i+1)
		}
		if err1 == nil {
			own++
		}
		if err2 == nil {
			old++
		}
		signers = append(signers, max(byOwn, byOld))
		if i > 0 && signers[i] <= signers[i-1] {
			return nil, fail(part, ErrMalformed, "its signers are not sorted, or one is there twice")
		}
	}
	if own < r.Threshold {
		return nil, fail(part, ErrQuorum, "%d of its own keys signed, %d must", own, r.Threshold)
	}
	if old < threshold {
		return nil, fail(part, ErrQuorum, "%d keys of root %d signed, %d must", old, len(c.roots)-1, threshold)
	}
	return signers, nil
}

func (c *Chain) checkPins(pins Pins) error {
	newest := len(c.roots) - 1
	have := map[string]bool{}
	for _, f := range c.signers[newest] {
		have[f] = true
	}
	pinned := map[string]bool{}
	good := 0
	for _, f := range pins.Fingerprints {
		n, err := NormalizeFingerprint(f)
		if err != nil {
			return fail("pins", ErrPins, "%v", err)
		}
		if !pinned[n] && have[n] {
			good++
		}
		pinned[n] = true
	}
	want := pins.Threshold
	if want == 0 {
		want = min(c.roots[newest].Threshold, len(pinned))
	}
	if len(pinned) == 0 {
		return fail("pins", ErrPins, "no OpenPGP fingerprint is pinned")
	}
	if want > len(pinned) {
		return fail("pins", ErrPins, "%d pinned OpenPGP keys must sign, and only %d are pinned", want, len(pinned))
	}
	if good < max(want, 1) {
		return fail("pins", ErrPins, "%d of the pinned OpenPGP keys signed root %d, %d must", good, newest, max(want, 1))
	}
	return nil
}

func holdersOf(r *Root) map[keyID]Holder {
	m := map[keyID]Holder{}
	for _, role := range r.Roles {
		for i, key := range slices.Concat(role.Keys, role.Spare) {
			v, err := note.NewVerifier(key)
			if err != nil {
				continue // parseRoot has refused such a root
			}
			m[keyID{v.Name(), v.KeyHash()}] = Holder{Role: role.Name, Key: key,
				Spare: i >= len(role.Keys), Expires: role.Expires, Verifier: v}
		}
	}
	return m
}

// Place tells the chain the log index of the root statements that there are:
// ascending, from root 0, whose index must be 0, on; there may be fewer than
// roots. Roots without a statement are not in force. The caller has checked
// that the statement at that index names the root's two hashes.
func (c *Chain) Place(positions []int64) error {
	if len(positions) == 0 || len(positions) > len(c.roots) || positions[0] != 0 {
		return fail("roots", ErrChain, "%d roots and %d root statements", len(c.roots), len(positions))
	}
	for i := 1; i < len(positions); i++ {
		if positions[i] <= positions[i-1] {
			return fail("roots", ErrChain, "their statements are not in order")
		}
	}
	for i := range c.position {
		c.position[i] = -1
	}
	copy(c.position, positions)
	return nil
}

// Len is the number of roots.
func (c *Chain) Len() int { return len(c.roots) }

// Root gives root n. The caller must not change it.
func (c *Chain) Root(n int) *Root { return c.roots[n] }

// Signed gives the bytes of root n.
func (c *Chain) Signed(n int) Signed { return c.signed[n] }

// Signers are the fingerprints of the certificates that signed root n, ascending.
func (c *Chain) Signers(n int) []string { return c.signers[n] }

// Position is the log index of root n's statement, -1 as long as it has none.
func (c *Chain) Position(n int) int64 { return c.position[n] }

// Newest is the last root.
func (c *Chain) Newest() *Root { return c.roots[len(c.roots)-1] }

// Provisional reports that the newest root is still signed by a software key
// that a verb made on the spot.
func (c *Chain) Provisional() bool { return c.Newest().Provisional }

// at is the number of the root in force at a log index.
func (c *Chain) at(index int64) int {
	n := 0
	for i, p := range c.position {
		if p >= 0 && p <= index {
			n = i
		}
	}
	return n
}

// At gives the root that is in force at a log index, its own statement included.
func (c *Chain) At(index int64) *Root { return c.roots[c.at(index)] }

// Holder finds which role a key (name and key ID of a note signature) holds at
// a log index. It returns ErrNotHeld, or ErrStolen together with the holder
// that it would be, inside an *Error. Expiry plays no part.
func (c *Chain) Holder(index int64, name string, hash uint32) (Holder, error) {
	id := keyID{name, hash}
	n := c.at(index)
	h, ok := c.holders[n][id]
	if !ok {
		return Holder{}, fail("key", ErrNotHeld, "%s+%08x holds no role at log index %d (root %d)", name, hash, index, n)
	}
	if from, ok := c.stolen[id]; ok && index >= from {
		return h, fail("key", ErrStolen, "%s+%08x was stolen; its signatures from log index %d on are void", name, hash, from)
	}
	return h, nil
}

// Holders lists everyone who holds a role at a log index, stolen keys left
// out, ascending by key.
func (c *Chain) Holders(index int64, role string) []Holder {
	var list []Holder
	for id, h := range c.holders[c.at(index)] {
		if from, ok := c.stolen[id]; h.Role == role && !(ok && index >= from) {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b Holder) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return list
}

// MayAppend is Holder for a new statement at index: it also refuses, with
// ErrExpired, a role or a root that has run out at the given time.
func (c *Chain) MayAppend(index int64, now time.Time, name string, hash uint32) (Holder, error) {
	h, err := c.Holder(index, name, hash)
	if err != nil {
		return h, err
	}
	if !now.Before(h.Expires) {
		return h, fail("key", ErrExpired, "role %s of %s+%08x expired at %s", h.Role, name, hash, stamp(h.Expires))
	}
	if r := c.At(index); !now.Before(r.Expires) {
		return h, fail("root", ErrExpired, "root %d expired at %s", r.Number, stamp(r.Expires))
	}
	return h, nil
}
