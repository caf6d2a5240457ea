package verify

import (
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// readPending takes the pending statements in that the log would take.
func (c *checker) readPending() error {
	if !c.local() {
		return nil
	}
	list, bad, err := log.ListPending(c.in.House.Path("pending"))
	if err != nil {
		return err
	}
	for _, b := range bad {
		c.add("pending-changed", c.show("pending/"+b.Name), "it is not a pending statement: %v", b.Err)
	}
	counted := 0
	expired := map[string]bool{}
	for _, p := range list {
		path := c.show("pending/" + p.Name)
		if c.chain == nil {
			counted++ // that there are no roots is said elsewhere; it backs nothing
			continue
		}
		key, expires := delegate(c.roots(), p.Role(), p.Signer, p.Hash)
		switch {
		case p.Log() != c.chain.Newest().Origin:
			c.add("pending-refused", path, "it is for another log")
		case key == nil:
			c.add("pending-refused", path, "its key %s+%08x has not the role %s", p.Signer, p.Hash, p.Role())
		case !p.Verify(key):
			c.add("pending-changed", path, "the signature of its %s is wrong", p.Role())
		default:
			counted++
			c.havePending = true
			c.book.add(pending, -1, key.String(), false, p.Signed)
			if now := c.in.Now; !now.IsZero() && !now.Before(expires) && !expired[p.Role()] {
				expired[p.Role()] = true
				c.add("role-expired", p.Role(), "the role ran out at %s, so what it signed can no longer be appended", expires.UTC().Format("2006-01-02 15:04"))
			}
		}
	}
	if counted > 0 {
		c.add("pending-statements", c.show("pending"), "%s not in the log yet", plural(counted, "signed statement")+are(counted))
	}
	return nil
}

func are(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// roots is the chain with the roots that the log does not state yet.
func (c *checker) roots() *trust.Chain {
	if c.log.chain != nil {
		return c.log.chain
	}
	return c.chain
}
