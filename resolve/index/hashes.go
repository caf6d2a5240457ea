package index

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"os"
	"path/filepath"
	"strings"
)

// otherHashes are what a page may give instead of sha256, best first. The weak
// ones at the end find a broken transfer, not an attacker; what such a page
// offers is locked by the sha256 that we compute ourselves.
var otherHashes = []struct {
	name string
	size int
	make func() hash.Hash
}{
	{"sha512", 64, sha512.New},
	{"sha384", 48, sha512.New384},
	{"sha224", 28, sha256.New224},
	{"sha1", 20, sha1.New},
	{"md5", 16, md5.New},
}

// checker hashes a file while it is read and compares it with its entry.
type checker struct {
	f     File
	sum   hash.Hash
	other hash.Hash // nil: OtherHash is not given
	n     int64
}

func newChecker(f File) *checker {
	c := &checker{f: f, sum: sha256.New()}
	alg, _, _ := strings.Cut(f.OtherHash, "=")
	for _, o := range otherHashes {
		if o.name == alg {
			c.other = o.make()
		}
	}
	return c
}

func (c *checker) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.sum.Write(p)
	if c.other != nil {
		c.other.Write(p)
	}
	return len(p), nil
}

// sha256 returns the hash of what was written so far.
func (c *checker) sha256() string { return hex.EncodeToString(c.sum.Sum(nil)) }

// check returns a *HashError for bytes that are not the entry's.
func (c *checker) check() error {
	if got := c.sha256(); c.f.SHA256 != "" && got != c.f.SHA256 {
		return &HashError{File: c.f.Name, What: "file", Want: "sha256:" + c.f.SHA256, Got: "sha256:" + got}
	}
	if c.other != nil {
		alg, want, _ := strings.Cut(c.f.OtherHash, "=")
		if got := hex.EncodeToString(c.other.Sum(nil)); got != want {
			return &HashError{File: c.f.Name, What: "file", Want: alg + ":" + want, Got: alg + ":" + got}
		}
	}
	return nil
}

// Hashed returns the file with its sha256 and size, for which it is fetched where
// the page gives none.
func (c *Client) Hashed(ctx context.Context, f File) (File, error) {
	if f.SHA256 != "" {
		return f, nil
	}
	path, err := c.Fetch(ctx, f)
	if err != nil {
		return f, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return f, &CacheError{path, err}
	}
	f.SHA256, f.Size = filepath.Base(filepath.Dir(path)), info.Size()
	return f, nil
}
