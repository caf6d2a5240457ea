package index

import (
	"context"
	"os"
)

// Offer puts files in the place of a name's page: the name is asked of no index
// until files is nil. For packages that a project takes from an address.
func (c *Client) Offer(name string, files []File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name = normalize(name)
	if c.offers == nil {
		c.offers = map[string]*Page{}
	}
	delete(c.offers, name)
	if files != nil {
		c.offers[name] = &Page{Name: name, Files: files}
	}
}

// NoOffers takes back what was offered.
func (c *Client) NoOffers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offers = nil
}

func (c *Client) offered(name string) *Page {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offers[name]
}

// made takes a file that Options.Make makes into the cache, if it has the hash
// that was promised.
func (c *Client) made(ctx context.Context, f File) (string, error) {
	path, err := c.o.Make(ctx, f)
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return c.store(f, file, -1)
}
