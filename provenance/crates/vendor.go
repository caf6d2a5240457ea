package crates

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
)

// InSource reports whether a source brings its crates itself: cargo vendor's folder,
// with a .cargo/config.toml that names it.
func InSource(source string) bool {
	for _, name := range []string{"config.toml", "config"} {
		b, err := os.ReadFile(filepath.Join(source, ".cargo", name))
		if err != nil || len(b) > maxLock {
			continue
		}
		for _, s := range sources(b) {
			if dir := s.Directory; dir != "" && filepath.IsLocal(dir) {
				if info, err := os.Stat(filepath.Join(source, dir)); err == nil && info.IsDir() {
					return true
				}
			}
		}
	}
	return false
}

// replaced is one [source.NAME] of cargo's configuration.
type replaced struct {
	Directory     string `toml:"directory"`
	LocalRegistry string `toml:"local-registry"`
}

func sources(config []byte) map[string]replaced {
	var c struct {
		Source map[string]replaced `toml:"source"`
	}
	if toml.Unmarshal(config, &c) != nil {
		return nil
	}
	return c.Source
}

// Vendor returns the folder that holds exactly these crates, to stand at Home. It is
// kept, since a source is built more than once.
func (s *Store) Vendor(ctx context.Context, list []Crate, files map[string]string) (string, error) {
	root := filepath.Join(s.Dir, "vendored")
	config := config(list, s.defaultSource(ctx))
	key := sha256.Sum256(append(Text(list), config...))
	dir := filepath.Join(root, hex.EncodeToString(key[:16]))
	if _, err := os.Stat(filepath.Join(dir, "config.toml")); err == nil {
		return dir, nil
	}
	if err := durable.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(root, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	into := filepath.Join(temp, "crates")
	if err := os.Mkdir(into, 0o755); err != nil {
		return "", err
	}
	for _, c := range list {
		top, err := archive.Unpack(files[c.SHA256], into, 0o022)
		if err != nil {
			return "", bad("unpacking the crate %s %s: %v", c.Name, c.Version, err)
		}
		if want := c.Name + "-" + c.Version; top != want {
			return "", bad("the crate %s %s has the folder %q, expected %s", c.Name, c.Version, clip(top), want)
		}
		// The files' own hashes may be left out; that of the crate is in Cargo.lock.
		sums := fmt.Sprintf(`{"files":{},"package":%q}`, c.SHA256)
		if err := os.WriteFile(filepath.Join(into, top, ".cargo-checksum.json"), []byte(sums), 0o644); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(temp, "config.toml"), []byte(config), 0o644); err != nil {
		return "", err
	}
	if err := os.Rename(temp, dir); err != nil {
		if _, late := os.Stat(filepath.Join(dir, "config.toml")); late == nil {
			return dir, nil // another process was quicker
		}
		return "", err
	}
	return dir, nil
}

// config replaces every registry by the folder. "crates-io" is cargo's own word for
// its default registry, whose name in a Cargo.lock is usual: that must not stand twice.
func config(list []Crate, usual string) string {
	var b strings.Builder
	b.WriteString("[net]\noffline = true\n\n[source.wheellock]\ndirectory = \"" + Home + "/crates\"\n\n[source.crates-io]\nreplace-with = \"wheellock\"\n")
	if usual == "" { // no cargo to ask: the one that most are from
		usual = commonest(list)
	}
	var others []string
	for _, c := range list {
		if !slices.Contains(others, c.Source) && c.Source != usual {
			others = append(others, c.Source)
		}
	}
	slices.Sort(others)
	for n, source := range others {
		address := source
		if plain, ok := strings.CutPrefix(source, "registry+"); ok {
			address = plain
		}
		fmt.Fprintf(&b, "\n[source.other-%d]\nregistry = %q\nreplace-with = \"wheellock\"\n", n, address)
	}
	return b.String()
}

func commonest(list []Crate) string {
	count := map[string]int{}
	best := ""
	for _, c := range list {
		count[c.Source]++
		if n := count[c.Source]; n > count[best] || n == count[best] && c.Source < best {
			best = c.Source
		}
	}
	return best
}
