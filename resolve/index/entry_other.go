//go:build !unix

package index

import "os"

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
