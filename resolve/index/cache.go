package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
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
	f, err := os.CreateTemp(dir, tempTemplate)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, &CacheError{path, err}
		}
		f, err = os.CreateTemp(dir, tempTemplate)
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
	err := os.Rename(f.Name(), path)
	if info, e := os.Lstat(path); err != nil && e == nil && info.IsDir() {
		// No entry of ours is a folder: what lies there is in the way.
		if err = os.RemoveAll(path); err == nil {
			err = os.Rename(f.Name(), path)
		}
	}
	if err != nil {
		return c.drop(f, err)
	}
	return nil
}

// An entry is a magic line with the number of its format, the sha256 of its key
// and of what follows, and what follows. The key is in the sum and nowhere else:
// an entry that somebody put in another's place is as damaged as one with a bit
// turned.

// begin starts an entry; seal completes it when its payload is there.
func begin(magic string, size int) []byte {
	b := append(make([]byte, 0, len(magic)+sha256.Size+size), magic...)
	return append(b, make([]byte, sha256.Size)...)
}

func seal(magic, key string, entry []byte) []byte {
	sum := sealOf(key, entry[len(magic)+sha256.Size:])
	copy(entry[len(magic):], sum[:])
	return entry
}

// unseal returns the payload of an entry that is whole and in its place.
func unseal(magic, key string, entry []byte) (payload []byte, ok bool) {
	rest, ok := bytes.CutPrefix(entry, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	payload = rest[sha256.Size:]
	sum := sealOf(key, payload)
	return payload, bytes.Equal(sum[:], rest[:sha256.Size])
}

func sealOf(key string, payload []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(key))))
	h.Write([]byte(key))
	h.Write(payload)
	h.Sum(sum[:0])
	return sum
}

// metadataMagic begins a cached METADATA, whose payload is "1" (verified) or "0"
// and the METADATA.
const metadataMagic = "wheellock-metadata/2\n"

// flag is how entries say whether metadata was checked.
func (m Metadata) flag() byte {
	if m.Verified {
		return '1'
	}
	return '0'
}

func (c cache) writeMetadata(key string, m Metadata) error {
	b := append(append(begin(metadataMagic, 1+len(m.Bytes)), m.flag()), m.Bytes...)
	return c.write(c.path("metadata", key), seal(metadataMagic, key, b))
}

// readMetadata returns an entry that is whole.
func (c cache) readMetadata(key string) (m Metadata, ok bool) {
	b, ok := unseal(metadataMagic, key, readEntry(c.path("metadata", key), MaxMetadata+1<<10))
	if !ok || len(b) == 0 {
		return m, false
	}
	return Metadata{Bytes: b[1:], Verified: b[0] == '1'}, true
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
