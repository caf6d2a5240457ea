//go:build !unix

package index

import (
	"os"
	"time"
)

// readEntry returns what lies at path. Whatever is no regular file, is larger
// than it can be, or cannot be read counts as absent.
func readEntry(path string, most int64) []byte {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return data
}

// lastUse is when an entry was last written.
func lastUse(path string) (time.Time, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
