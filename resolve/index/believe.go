package index

import (
	"os"
	"slices"
	"strings"
)

// believed is metadata that no hash of the page vouched for.
type believed struct {
	file File
	sum  string // hex sha256 of the METADATA
}

// believe notes metadata of which nothing but its sum says that it is the file's.
func (c *Client) believe(f File, m Metadata, sum string) {
	if m.Verified {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unverified[f.URL] = believed{f, sum}
}

// settle compares what was believed of a wheel with what is in it.
func (c *Client) settle(f File, path string) error {
	c.mu.Lock()
	b, ok := c.unverified[f.URL]
	c.mu.Unlock()
	if !ok {
		return nil
	}
	data, err := readWheelFile(f.Name, path)
	if err != nil {
		return err
	}
	if got := hexSum(data); got != b.sum {
		return &HashError{File: f.Name, What: "metadata", Want: "sha256:" + b.sum, Got: "sha256:" + got}
	}
	c.mu.Lock()
	delete(c.unverified, f.URL)
	c.mu.Unlock()
	if f.SHA256 != "" { // the next run need not believe
		m := Metadata{Bytes: data, Verified: true}
		if err := c.cache.writeMetadata(f.SHA256, m); err != nil {
			c.event(Event{Op: "cache", Name: f.Name, Err: err})
		}
		c.packMetadata(f.SHA256, m)
	}
	return nil
}

func readWheelFile(name, path string) ([]byte, error) {
	data, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	info, err := data.Stat()
	if err != nil {
		return nil, err
	}
	return wheelMetadata(name, data, info.Size())
}

// Unverified lists, by name, the wheels whose metadata was believed on the
// index's word and whose bytes have not been fetched since.
func (c *Client) Unverified() []File {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]File, 0, len(c.unverified))
	for _, b := range c.unverified {
		out = append(out, b.file)
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name+" "+a.URL, b.Name+" "+b.URL) })
	return out
}
