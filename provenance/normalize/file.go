package normalize

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// Version is the normal form that this package writes, as a recipe names it.
const Version = "1"

// Times where no epoch is given: what zips begin with, and for archives of
// sources a day later.
const (
	WheelEpoch = 315532800  // 1980-01-01T00:00:00Z
	SdistEpoch = 315619200  // 1980-01-02T00:00:00Z
	lastEpoch  = 4354819198 // 2107-12-31T23:59:58Z, the last that a zip can say
)

// Options of a normal form.
type Options struct {
	// Epoch is the time of all members in seconds since 1970; 0: the time of the
	// kind. One before 1980 is 1980 in a wheel.
	Epoch int64
}

// A Result is what was written.
type Result struct {
	SHA256  string // of the whole file, hex
	Size    int64
	Content string   // the content hash of a wheel; "" for a source archive
	Dropped []string // signatures of RECORD and empty folders, which have no place in it
}

// ErrKind is wrapped where a file is of a kind that has no normal form.
var ErrKind = errors.New("neither a wheel (.whl) nor a source archive (.tar.gz)")

// ErrEpoch is wrapped where a zip cannot say the epoch.
var ErrEpoch = errors.New("the epoch is not between 1970 and 2107")

// File writes the normal form of the file at path, a .whl or .tar.gz, into dst,
// an empty file. The error is a [*archive.Error] where the file itself is bad.
func File(dst *os.File, path string, o Options) (*Result, error) {
	if o.Epoch < 0 || o.Epoch > lastEpoch {
		return nil, fmt.Errorf("normalising %s: %w", filepath.Base(path), ErrEpoch)
	}
	var err error
	r := &Result{}
	switch {
	case strings.HasSuffix(path, ".whl"):
		err = wheel(dst, path, o, r)
	case strings.HasSuffix(path, ".tar.gz"):
		err = sdist(dst, path, o, r)
	default:
		err = fmt.Errorf("normalising %s: %w", filepath.Base(path), ErrKind)
	}
	if err != nil {
		return nil, err
	}
	r.SHA256, r.Size, err = hashOf(dst)
	return r, err
}

// Epoch is the time that all members of a file have, which a file in normal form
// was made with; 0 where they differ.
func Epoch(path string) (int64, error) {
	var epoch int64
	first, same := true, true
	see := func(t int64) {
		same = same && (first || t == epoch)
		epoch, first = t, false
	}
	switch {
	case strings.HasSuffix(path, ".whl"):
		w, err := archive.OpenWheel(path, archive.Read)
		if err != nil {
			return 0, err
		}
		defer w.Close()
		for _, e := range w.Entries {
			see(e.Time.Unix())
		}
	case strings.HasSuffix(path, ".tar.gz"):
		if err := archive.EachMember(path, func(m archive.TarMember, _ io.Reader) error {
			see(m.Time.Unix())
			return nil
		}); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("normalising %s: %w", filepath.Base(path), ErrKind)
	}
	if !same || epoch < 0 || epoch > lastEpoch {
		return 0, nil
	}
	return epoch, nil
}

func hashOf(f *os.File) (sum string, size int64, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
