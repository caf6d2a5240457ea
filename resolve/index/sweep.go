package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The cache is swept by whoever ends a run when nobody has for a week: what was
// neither written nor read for a quarter of a year goes, and what killed
// processes left half-written. Where a file system does not keep the time of
// reading an entry may go that is in use; it is fetched again.
const (
	sweepEvery   = 7 * 24 * time.Hour
	keepUnused   = 90 * 24 * time.Hour
	keepTemp     = 24 * time.Hour
	sweptMark    = "swept"
	maxSwept     = 1 << 20 // entries looked at in one sweep
	tempPrefix   = ".wheellock-"
	tempSuffix   = ".tmp"
	tempTemplate = tempPrefix + "*" + tempSuffix
)

// Sweep removes from the cache what nobody has used for 90 days, if nobody has
// swept it for a week. A new cache is only marked. Errors are no reason to stop:
// the next sweep will find what is left.
func (c *Client) Sweep() {
	mark := filepath.Join(c.o.CacheDir, "v1", sweptMark)
	now := c.o.Now()
	info, err := os.Lstat(mark)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.mark(mark, now)
		return
	case err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < sweepEvery:
		return
	}
	c.mark(mark, now) // first, so that nobody else begins
	left := maxSwept
	for _, kind := range []string{"pages", "metadata", "missing", "packs", "files"} {
		c.sweep(filepath.Join(c.o.CacheDir, "v1", kind), now, &left)
	}
}

// mark notes the time of a sweep in the client's own time.
func (c *Client) mark(path string, now time.Time) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		f.Close()
		os.Chtimes(path, now, now)
	}
}

// sweep looks at a folder of entries, and at the folders of its files. It
// follows no link: a cache need not be ours.
func (c *Client) sweep(dir string, now time.Time, left *int) {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if *left--; *left < 0 {
			return
		}
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			if filepath.Base(dir) == "files" {
				c.sweep(path, now, left)
				os.Remove(path) // only if nothing is left in it
			}
			continue
		}
		keep := keepUnused
		if strings.HasPrefix(e.Name(), tempPrefix) && strings.HasSuffix(e.Name(), tempSuffix) {
			keep = keepTemp
		}
		if used, ok := lastUse(path); ok && now.Sub(used) > keep {
			os.Remove(path)
		}
	}
}
