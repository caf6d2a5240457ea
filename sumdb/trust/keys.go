package trust

import (
	"errors"
	"fmt"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// Keys gives the chain as the log's door asks for it.
func (c *Chain) Keys() record.Keys { return doorKeys{c} }

type doorKeys struct{ c *Chain }

// Place takes the root statements that the log holds so far and checks that
// each names the documents that the chain has.
func (k doorKeys) Place(roots []record.Placed) error {
	if err := k.c.Matches(roots); err != nil {
		return err
	}
	positions := make([]int64, len(roots))
	for i, r := range roots {
		positions[i] = r.At
	}
	return k.c.Place(positions)
}

// Matches checks that root statements, from root 0 on, name the chain's
// documents and signature files by their hashes.
func (c *Chain) Matches(roots []record.Placed) error {
	for i, r := range roots {
		part := fmt.Sprintf("root/%d.toml", i)
		switch {
		case i >= len(c.roots):
			return fail(part, ErrChain, "is stated at log index %d, but the document is missing", r.At)
		case r.Root.Number != int64(i):
			return fail(part, ErrChain, "log index %d states root %d", r.At, r.Root.Number)
		case "sha256:"+r.Root.Document != Digest(c.signed[i].Document):
			return fail(part, ErrChain, "is not the document that log index %d states", r.At)
		case "sha256:"+r.Root.Signature != Digest(c.signed[i].Signatures):
			return fail(part+".asc", ErrChain, "is not the file that log index %d states", r.At)
		}
	}
	return nil
}

// Verifier finds the key for a statement at an index. A replay (zero now) takes
// what a key signed before anyone knew that it was stolen: the log holds such
// statements for ever, and readers void them by [Chain.Holder].
func (k doorKeys) Verifier(role, name string, hash uint32, at int64, now time.Time) (note.Verifier, error) {
	h, err := k.c.Holder(at, name, hash)
	if errors.Is(err, ErrStolen) && now.IsZero() {
		err = nil
	}
	if err == nil && !now.IsZero() {
		h, err = k.c.MayAppend(at, now, name, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", record.ErrNoRole, err)
	}
	if h.Role != role {
		return nil, fmt.Errorf("%w: the key holds the role %s", record.ErrNoRole, h.Role)
	}
	return h.Verifier, nil
}

// LogKeys are the keys that may have signed checkpoints: those that any root
// delegates as the log's, but for stolen ones. A reader who wants the key in
// force at the checkpoint's end asks [Chain.Holders] with its size less one.
func (c *Chain) LogKeys() note.Verifiers {
	seen := map[string]bool{}
	var list []note.Verifier
	for n := range c.roots {
		for id, h := range c.holders[n] {
			if _, stolen := c.stolen[id]; h.Role == RoleLog && !stolen && !seen[h.Key] {
				seen[h.Key] = true
				list = append(list, h.Verifier)
			}
		}
	}
	return note.List(list...)
}
