package index

import (
	"encoding/binary"
	"os"
	"time"
)

// missingMagic begins the note that an index does not have a project: then when
// it said so, in seconds. It stands for TTL, so that a run inside it makes no
// request where several indexes are asked in turn; where nobody has the project
// it is asked for again.
const missingMagic = "wheellock-missing/1\n"

func (c *Client) missingPath(s *source, name string) string {
	return c.cache.path("missing", hexSum([]byte(s.base.JoinPath(name+"/").String())))
}

func (c *Client) rememberMissing(s *source, name string) {
	data := binary.BigEndian.AppendUint64([]byte(missingMagic), uint64(c.o.Now().Unix()))
	if err := c.cache.write(c.missingPath(s, name), data); err != nil {
		c.event(Event{Op: "cache", Name: name, Err: err})
	}
}

// rememberedMissing reports whether an index said a while ago that it does not
// have a project; offline, whether that was its last word.
func (c *Client) rememberedMissing(s *source, name string) bool {
	if s.base.Scheme == "file" {
		return false
	}
	data, err := os.ReadFile(c.missingPath(s, name))
	if err != nil || len(data) != len(missingMagic)+8 || string(data[:len(missingMagic)]) != missingMagic {
		return false
	}
	said := time.Unix(int64(binary.BigEndian.Uint64(data[len(missingMagic):])), 0)
	age := c.o.Now().Sub(said)
	return c.o.Offline || 0 <= age && age < c.o.TTL
}
