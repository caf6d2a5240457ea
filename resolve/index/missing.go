package index

import (
	"encoding/binary"
	"time"
)

// missingMagic begins the note that an index does not have a project; its
// payload is when it said so, in seconds. It stands for TTL, so that a run
// inside it makes no request; see first for where it is not enough.
const missingMagic = "wheellock-missing/2\n"

func missingKey(s *source, name string) string { return s.base.JoinPath(name + "/").String() }

func (c *Client) missingPath(key string) string {
	return c.cache.path("missing", hexSum([]byte(key)))
}

func (c *Client) rememberMissing(s *source, name string) {
	key := missingKey(s, name)
	entry := binary.BigEndian.AppendUint64(begin(missingMagic, 8), uint64(c.o.Now().Unix()))
	if err := c.cache.write(c.missingPath(key), seal(missingMagic, key, entry)); err != nil {
		c.event(Event{Op: "cache", Name: name, Err: err})
	}
}

// rememberedMissing reports whether an index said a while ago that it does not
// have a project; offline, whether that was its last word.
func (c *Client) rememberedMissing(s *source, name string) bool {
	if s.base.Scheme == "file" {
		return false
	}
	key := missingKey(s, name)
	said, ok := unseal(missingMagic, key, readEntry(c.missingPath(key), 1<<10))
	if !ok || len(said) != 8 {
		return false
	}
	age := c.o.Now().Sub(time.Unix(int64(binary.BigEndian.Uint64(said)), 0))
	return c.o.Offline || 0 <= age && age < c.o.TTL
}

// AskAgain makes the client ask an index again for what it said a while ago not
// to have, and reports whether such an old word has been used. Who was told that
// a package does not exist may just have published it: call it before a failure
// is shown that may be due to that.
func (c *Client) AskAgain() bool {
	return c.oldWord.Swap(false) && !c.askAgain.Swap(true)
}
