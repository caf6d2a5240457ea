package crates

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// lockFile is what is read of a Cargo.lock, of all its versions.
type lockFile struct {
	Package []struct {
		Name, Version, Source, Checksum string
	}
	Metadata map[string]string // version 1: "checksum NAME VERSION (SOURCE)"
}

var (
	crateName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$`)
	crateVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]{1,128})?$`)
	crateSource  = regexp.MustCompile(`^(registry|sparse)\+https?://[!-~]{1,512}$`)
	sha256Hex    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// HasRust reports whether a source has Rust code: a Cargo.toml.
func HasRust(source string) bool {
	found, _ := find(source, "Cargo.toml")
	return len(found) > 0
}

// Locked lists the crates of the unpacked source, sorted. Of several files Cargo.lock
// those that lie nearest to its top count: those below are of examples and tests. The
// error is an *Error where there is none, or where it names what has no hash.
func Locked(source string) ([]Crate, error) {
	locks, err := find(source, "Cargo.lock")
	if err != nil {
		return nil, err
	}
	switch {
	case len(locks) == 0:
		return nil, bad("it has Rust code and no Cargo.lock, so nothing says which crates it is made of")
	case len(locks) > maxLocks:
		return nil, bad("it has %d files Cargo.lock, at most %d are read", len(locks), maxLocks)
	}
	seen := map[Crate]bool{}
	var all []Crate
	for _, path := range locks {
		name, _ := filepath.Rel(source, path)
		list, err := read(path, name)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
			}
		}
	}
	if len(all) > maxCrates {
		return nil, bad("its Cargo.lock names %d crates, at most %d are read", len(all), maxCrates)
	}
	slices.SortFunc(all, func(a, b Crate) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.Source, b.Source))
	})
	for i := range all[:max(0, len(all)-1)] {
		if a, b := all[i], all[i+1]; a.Name == b.Name && a.Version == b.Version {
			return nil, bad("its Cargo.lock names %s %s twice, with different hashes or registries", a.Name, a.Version)
		}
	}
	return all, nil
}

// Text is the evidence of what was vendored: a line "cargo NAME VERSION SHA256" a
// crate, sorted.
func Text(list []Crate) []byte {
	var b []byte
	for _, c := range list {
		b = fmt.Appendf(b, "cargo %s %s %s\n", c.Name, c.Version, c.SHA256)
	}
	return b
}

// Digest is the sha256 of Text, in hexadecimal digits.
func Digest(list []Crate) string {
	sum := sha256.Sum256(Text(list))
	return hex.EncodeToString(sum[:])
}

// find lists the files of a name that lie nearest to the top.
func find(source, name string) ([]string, error) {
	level := []string{source}
	for range maxDepth {
		var found, below []string
		for _, dir := range level {
			list, err := os.ReadDir(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				switch {
				case e.Type() == fs.ModeDir && e.Name() != ".git":
					below = append(below, filepath.Join(dir, e.Name()))
				case e.Type().IsRegular() && e.Name() == name:
					found = append(found, filepath.Join(dir, e.Name()))
				}
			}
		}
		if len(found) > 0 {
			return found, nil
		}
		level = below
	}
	return nil, nil
}

func read(path, name string) ([]Crate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLock+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxLock {
		return nil, bad("its %s has more than %d bytes", name, maxLock)
	}
	var l lockFile
	if err := toml.Unmarshal(b, &l); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, _ := at.Position()
			return nil, bad("its %s is malformed in line %d: %v", name, row, err)
		}
		return nil, bad("its %s is malformed: %v", name, err)
	}
	var out []Crate
	for _, p := range l.Package {
		if p.Source == "" {
			continue // of the source itself
		}
		c := Crate{Name: p.Name, Version: p.Version, Source: p.Source, SHA256: p.Checksum}
		if c.SHA256 == "" {
			c.SHA256 = l.Metadata[fmt.Sprintf("checksum %s %s (%s)", p.Name, p.Version, p.Source)]
		}
		switch {
		case !crateName.MatchString(c.Name) || !crateVersion.MatchString(c.Version):
			return nil, bad("its %s names a crate %q %q, which is no crate's name and version", name, clip(c.Name), clip(c.Version))
		case strings.HasPrefix(c.Source, "git+"):
			return nil, bad("its %s takes the crate %s from a git repository, for which it has no hash of the files", name, c.Name)
		case !crateSource.MatchString(c.Source):
			return nil, bad("its %s takes the crate %s from %q, which is no registry", name, c.Name, clip(c.Source))
		case !sha256Hex.MatchString(c.SHA256):
			return nil, bad("its %s has no sha256 of the crate %s %s", name, c.Name, c.Version)
		}
		out = append(out, c)
	}
	return out, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
