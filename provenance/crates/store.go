package crates

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// A Store finds crates and keeps them. It is safe for concurrent use.
//
//	Dir/files/SHA256.crate   each crate, once it has been seen with its hash
//	Dir/vendored/DIGEST      folders that Vendor made
type Store struct {
	Dir     string
	Places  []string          // folders with NAME-VERSION.crate: a wheelhouse's crates/
	Cargo   string            // path of cargo; "": not installed
	Home    string            // CARGO_HOME of the user, with cargo's configuration and cache; "": none
	Environ []string          // cargo's
	Offline bool              // fetch none
	Tell    func(text string) // hears that crates are being fetched; may be nil

	fetching sync.Mutex // one cargo at a time: it locks its cache itself
	once     sync.Once
	source   string // of the default registry, as Cargo.lock writes it; "": not known
}

// Get returns the paths of the crates by hash. Each file's hash was checked. The
// error is a *MissingError where some cannot be had, an *Error where what a registry
// gives is not what the source names, the context's or a file system's.
func (s *Store) Get(ctx context.Context, list []Crate) (map[string]string, error) {
	if err := durable.MkdirAll(filepath.Join(s.Dir, "files"), 0o700); err != nil {
		return nil, err
	}
	paths := map[string]string{}
	missing, err := s.look(list, paths)
	if err != nil || len(missing) == 0 {
		return paths, err
	}
	if err := s.fetch(ctx, missing); err != nil {
		return nil, err
	}
	if missing, err = s.look(missing, paths); err != nil || len(missing) == 0 {
		return paths, err
	}
	return nil, s.absent(missing, "cargo fetched others, but did not give it")
}

// look takes what is there already.
func (s *Store) look(list []Crate, paths map[string]string) (missing []Crate, err error) {
	local := s.localRegistries()
	for _, c := range list {
		path := filepath.Join(s.Dir, "files", c.SHA256+".crate")
		if sum, err := hash(path); err == nil && sum == c.SHA256 {
			paths[c.SHA256] = path
			continue
		}
		var candidates []string
		for _, dir := range slices.Concat(s.Places, local) {
			candidates = append(candidates, filepath.Join(dir, c.file()))
		}
		if s.Home != "" {
			found, _ := filepath.Glob(filepath.Join(s.Home, "registry", "cache", "*", c.file()))
			candidates = append(candidates, found...)
		}
		ok := false
		for _, from := range candidates {
			if ok, err = take(from, path, c.SHA256); err != nil {
				return nil, err
			}
			if ok {
				paths[c.SHA256] = path
				break
			}
		}
		if !ok {
			missing = append(missing, c)
		}
	}
	return missing, nil
}

// take copies a file that has the hash.
func take(from, to, sum string) (bool, error) {
	info, err := os.Stat(from)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxCrate {
		return false, nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return false, nil
	}
	if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != sum {
		return false, nil // of another registry, or damaged: whoever has the right one is asked
	}
	return true, durable.WriteCache(to, b, 0o644)
}

func hash(path string) (string, error) {
	f, err := os.Open(path)
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

// localRegistries are the folders that cargo's configuration names in the place of a
// registry; cargo copies nothing of them into its cache.
func (s *Store) localRegistries() []string {
	var out []string
	for _, name := range []string{"config.toml", "config"} {
		b, err := os.ReadFile(filepath.Join(s.Home, name))
		if s.Home == "" || err != nil {
			continue
		}
		for _, r := range sources(b) {
			dir := r.LocalRegistry
			if dir == "" {
				continue
			}
			if !filepath.IsAbs(dir) { // from the folder above the one with the file
				dir = filepath.Join(filepath.Dir(s.Home), dir)
			}
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}

func (s *Store) absent(missing []Crate, why string) error {
	first := missing[0]
	what := fmt.Sprintf("the crate %s %s", first.Name, first.Version)
	if n := len(missing); n > 1 {
		what += fmt.Sprintf(" and %d more", n-1)
	}
	return &MissingError{
		Why:  what + " cannot be had: " + why,
		Ways: []string{"put " + first.file() + " into the wheelhouse's folder crates/: it is taken by its hash"},
	}
}

// Keep puts crates into a folder, by name, for builds without a network.
func Keep(dir string, list []Crate, files map[string]string) error {
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, c := range list {
		to := filepath.Join(dir, c.file())
		if sum, err := hash(to); err == nil && sum == c.SHA256 {
			continue
		}
		b, err := os.ReadFile(files[c.SHA256])
		if err == nil {
			err = durable.WriteFile(to, b, 0o644)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
