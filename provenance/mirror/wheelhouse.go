// Package mirror keeps a wheelhouse: the folder of sdists, wheels, lists and
// index pages that is the static site which pip and uv install from.
//
//	sdists/FILE              sources of the wheels that we built and install ourselves
//	wheels/any/FILE          pure wheels; FILE.metadata beside each (PEP 658)
//	wheels/TARGET/FILE       native wheels of one target
//	sha256sums.txt           "HEX  PATH" a line, ascending by PATH: all of the above
//	sha256sums.txt.sig       a signed note by a publisher, see ListNote
//	sha256sums.txt.asc       OpenPGP, where the policy asks for it
//	simple/TARGET/index.{html,json}, simple/TARGET/NAME/index.{html,json}
//	crates/FILE              Rust crates that wheels were built with, under mirror = "all"
//	evidence/HEX  locks/HEX  pending/HEX  log/...
//
// The pages are a function of the signed list and the files that it names:
// syncing twice gives the same bytes, and anyone can make the pages again and
// compare. Two files of one name in one folder cannot be; the same wheel name may
// stand in the folders of several targets with different hashes.
package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// Names in a wheelhouse.
const (
	SumsFile     = "sha256sums.txt"
	SignFile     = "sha256sums.txt.sig"
	OpenPGPFile  = "sha256sums.txt.asc"
	LogFolder    = "log"
	AnyFolder    = "any"
	CrateFolder  = "crates"
	MaxListSize  = 64 << 20 // bytes of sha256sums.txt
	MaxListFiles = 200_000  // lines of it
)

// A Wheelhouse is a folder.
type Wheelhouse struct{ Dir string }

// ErrOtherBytes says that a file of that name is there with other bytes.
var ErrOtherBytes = errors.New("another file of that name is there")

// Wheel is the path of a wheel below the wheelhouse: pure wheels are shared,
// native ones belong to a target.
func Wheel(file, target string) string {
	if strings.HasSuffix(file, "-none-any.whl") {
		return path.Join("wheels", AnyFolder, file)
	}
	return path.Join("wheels", target, file)
}

// Sdist is the path of an sdist below the wheelhouse.
func Sdist(file string) string { return path.Join("sdists", file) }

// Evidence is the path of evidence by its hash.
func Evidence(hash string) string { return path.Join("evidence", hash) }

// LockCopy is the path of a logged lock by its hash.
func LockCopy(hash string) string { return path.Join("locks", hash) }

// Path makes a path below the wheelhouse one of the file system.
func (w Wheelhouse) Path(rel string) string { return filepath.Join(w.Dir, filepath.FromSlash(rel)) }

// Has reports whether a file of that size is there. It does not read it: verify
// does.
func (w Wheelhouse) Has(rel string, size int64) bool {
	info, err := os.Stat(w.Path(rel))
	return err == nil && info.Mode().IsRegular() && (size == 0 || info.Size() == size)
}

// Hash returns the hex sha256 of a file.
func (w Wheelhouse) Hash(rel string) (string, error) { return HashFile(w.Path(rel)) }

// HashFile returns the hex sha256 of the file at a path of the file system.
func HashFile(name string) (string, error) {
	// Asked before it is opened: a pipe waits for a writer, a device has no end.
	if info, err := os.Stat(name); err != nil {
		return "", err
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Put copies a file into the wheelhouse under a path, durably. A file with the
// same bytes is left alone. With other bytes it is replaced only if replace is
// set: a wheel's name does not fix its hash, but nothing may vanish unseen.
func (w Wheelhouse) Put(from, rel, hash string, replace bool) error {
	if have, err := w.Hash(rel); err == nil {
		if have == hash {
			return nil
		}
		if !replace {
			return fmt.Errorf("%s: %w", rel, ErrOtherBytes)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("%s: the file has changed while it was copied", filepath.Base(from))
	}
	return w.Write(rel, data)
}

// Write writes bytes under a path, durably, unless they are there already.
func (w Wheelhouse) Write(rel string, data []byte) error {
	to := w.Path(rel)
	if old, err := os.ReadFile(to); err == nil && string(old) == string(data) {
		return nil
	}
	if err := durable.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return durable.WriteFile(to, data, 0o644)
}

// Keep writes evidence and returns its hash.
func (w Wheelhouse) Keep(data []byte) (hash string, err error) {
	sum := sha256.Sum256(data)
	hash = hex.EncodeToString(sum[:])
	return hash, w.Write(Evidence(hash), data)
}

// readCapped reads a regular file of at most limit bytes.
func (w Wheelhouse) readCapped(rel string, limit int64) ([]byte, error) {
	info, err := os.Stat(w.Path(rel))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", rel, limit)
	}
	return os.ReadFile(w.Path(rel))
}
