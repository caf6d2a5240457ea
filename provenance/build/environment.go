package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// A Requirement is one pinned build requirement with the wheel that provides it.
type Requirement struct {
	Name, Version string
	SHA256        string // of the file at Path, already checked
	Path          string
}

// environment returns a folder that holds exactly reqs, laid out as a virtual
// environment at /env. Most packages need one of a few sets, so environments are
// kept, named by the hashes of what is in them; their files are links to those of
// each wheel, which is installed and compiled once.
func (b *Builder) environment(ctx context.Context, i *Interpreter, reqs []Requirement) (string, error) {
	key := sha256.New()
	fmt.Fprintf(key, "wheellock-env/v2\n%s\n%s\n%s\n%s\n", i.Root, i.Image, i.Path, i.Full)
	sorted := append([]Requirement{}, reqs...)
	sort.Slice(sorted, func(x, y int) bool { return sorted[x].SHA256 < sorted[y].SHA256 })
	for _, r := range sorted {
		fmt.Fprintf(key, "%s\n", r.SHA256)
	}
	return made(filepath.Join(b.Cache, "env"), hex.EncodeToString(key.Sum(nil)[:16]), func(dir string) error {
		return b.fill(ctx, dir, i, sorted)
	})
}

// fill makes the environment in dir: what python -m venv makes, without pip.
func (b *Builder) fill(ctx context.Context, dir string, i *Interpreter, reqs []Requirement) error {
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{filepath.Join(dir, i.sitePackages()), bin} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	config := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n", filepath.Dir(i.Path), i.Full)
	if err := os.WriteFile(filepath.Join(dir, "pyvenv.cfg"), []byte(config), 0o644); err != nil {
		return err
	}
	for _, name := range []string{"python", "python3", "python" + tagVersion(i.Tag)} {
		if err := os.Symlink(i.Path, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	for _, r := range reqs {
		from, err := b.installed(ctx, i, r)
		if err != nil {
			return err
		}
		if err := linkTree(from, dir); err != nil {
			return fmt.Errorf("installing build requirement %s %s: %w", r.Name, r.Version, err)
		}
	}
	return nil
}
