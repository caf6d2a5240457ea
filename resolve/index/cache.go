package index

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CacheError says that the cache could not be written: no space, no right.
type CacheError struct {
	Path string
	Err  error
}

func (e *CacheError) Error() string { return fmt.Sprintf("writing the cache: %v", e.Err) }

func (e *CacheError) Unwrap() error { return e.Err }

// Hint says what to try next.
func (e *CacheError) Hint() string {
	return "make room or name another folder with --cache-dir"
}

// cache is a folder of entries that anybody may have damaged: each is checked
// when read. internal/durable is not used, since its fsyncs (a thousand on a
// cold run) would buy nothing that the checksums do not give.
type cache struct{ dir string }

// path of an entry. Folders are flat: making one more for each entry takes as
// long as the entry itself.
func (c cache) path(kind, key string) string {
	return filepath.Join(c.dir, "v1", kind, key)
}

// write replaces an entry atomically.
func (c cache) write(path string, data []byte) error {
	f, err := c.temp(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return c.drop(f, err)
	}
	return c.commit(f, path)
}

// temp makes a file beside path, to be renamed to it by commit. A killed
// process leaves it behind: its name tells what it is.
func (c cache) temp(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".wheellock-*.tmp")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, &CacheError{path, err}
		}
		f, err = os.CreateTemp(dir, ".wheellock-*.tmp")
	}
	if err != nil {
		return nil, &CacheError{path, err}
	}
	return f, nil
}

func (c cache) drop(f *os.File, err error) error {
	f.Close()
	os.Remove(f.Name())
	return &CacheError{f.Name(), err}
}

func (c cache) commit(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return c.drop(f, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return c.drop(f, err)
	}
	return nil
}

// metadataMagic begins a cached METADATA: then "1" (verified) or "0", the
// sha256 of the rest, and the rest.
const metadataMagic = "wheellock-metadata/1\n"

func (c cache) writeMetadata(key string, m Metadata) error {
	flag := byte('0')
	if m.Verified {
		flag = '1'
	}
	b := append([]byte(metadataMagic), flag)
	sum := sha256.Sum256(m.Bytes)
	b = append(b, sum[:]...)
	return c.write(c.path("metadata", key), append(b, m.Bytes...))
}

// readMetadata returns an entry that is whole.
func (c cache) readMetadata(key string) (m Metadata, ok bool) {
	b, err := os.ReadFile(c.path("metadata", key))
	if err != nil {
		return m, false
	}
	rest, ok := bytes.CutPrefix(b, []byte(metadataMagic))
	if !ok || len(rest) < 1+sha256.Size {
		return m, false
	}
	m.Verified, m.Bytes = rest[0] == '1', rest[1+sha256.Size:]
	sum := sha256.Sum256(m.Bytes)
	return m, bytes.Equal(sum[:], rest[1:1+sha256.Size])
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
