package trust

import (
	"errors"
	"time"
)

// A Chain is a verified sequence of roots from number 0 on.
type Chain struct {
	roots    []*Root
	signed   []Signed
	signers  [][]string
	position []int64
	holders  []map[keyID]Holder
}

type keyID struct {
	name string
	hash uint32
}

// VerifyChain checks every root against the one before it and the newest
// against the pins. Positions are those that [Chain.Place] sets; until then
// only root 0 has one.
func VerifyChain(origin string, roots []Signed, pins Pins) (*Chain, error) {
	return nil, errors.New("unwritten")
}

// Place tells the chain the log index of every root's statement, ascending
// and as many as there are roots; the first must be 0.
func (c *Chain) Place(positions []int64) error { return errors.New("unwritten") }

// Len is the number of roots.
func (c *Chain) Len() int { return len(c.roots) }

// Root gives root n. The caller must not change it.
func (c *Chain) Root(n int) *Root { return c.roots[n] }

// Signed gives the bytes of root n.
func (c *Chain) Signed(n int) Signed { return c.signed[n] }

// Signers are the fingerprints of the certificates that signed root n, ascending.
func (c *Chain) Signers(n int) []string { return c.signers[n] }

// Newest is the last root.
func (c *Chain) Newest() *Root { return c.roots[len(c.roots)-1] }

// At gives the root that is in force at a log index, its own statement included.
func (c *Chain) At(index int64) *Root { return nil }

// Holder finds who holds which role with this key (name and key ID of a note
// signature) at a log index. It returns ErrNotHeld or ErrStolen (inside an
// *Error). Expiry plays no part.
func (c *Chain) Holder(index int64, name string, hash uint32) (Holder, error) {
	return Holder{}, errors.New("unwritten")
}

// Holders lists everyone who holds a role at a log index, stolen keys left out.
func (c *Chain) Holders(index int64, role string) []Holder { return nil }

// MayAppend is Holder for a new statement at index: it also refuses, with
// ErrExpired, a role or a root that has run out at the given time.
func (c *Chain) MayAppend(index int64, now time.Time, name string, hash uint32) (Holder, error) {
	return Holder{}, errors.New("unwritten")
}
