package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
)

// A Requirement is one pinned build requirement with the wheel that provides it.
type Requirement struct {
	Name, Version string
	SHA256        string // of the file at Path, already checked
	Path          string
}

// environment returns a folder that holds exactly reqs, laid out as a virtual
// environment at /env. Most packages need one of a few sets, so environments are
// kept, named by the hashes of what is in them.
func (b *Builder) environment(i *Interpreter, reqs []Requirement) (string, error) {
	key := sha256.New()
	fmt.Fprintf(key, "wheellock-env/v1\n%s\n%s\n", i.Path, i.Full)
	sorted := append([]Requirement{}, reqs...)
	sort.Slice(sorted, func(x, y int) bool { return sorted[x].SHA256 < sorted[y].SHA256 })
	for _, r := range sorted {
		fmt.Fprintf(key, "%s\n", r.SHA256)
	}
	root := filepath.Join(b.Cache, "env")
	dir := filepath.Join(root, hex.EncodeToString(key.Sum(nil)[:16]))
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir, nil
	}
	if err := durable.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	// Two processes may make the same one; the rename of the second loses.
	temp, err := os.MkdirTemp(root, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := fill(temp, i, sorted); err != nil {
		return "", err
	}
	if err := os.Rename(temp, dir); err != nil {
		if _, late := os.Stat(filepath.Join(dir, "complete")); late == nil {
			return dir, nil
		}
		// A half-made folder under that name: ours takes its place.
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		if err := os.Rename(temp, dir); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// fill makes the environment in dir: what python -m venv makes, without pip.
func fill(dir string, i *Interpreter, reqs []Requirement) error {
	site := filepath.Join(dir, "lib", "python"+tagVersion(i.Tag), "site-packages")
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{site, bin} {
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
		err := archive.Install(r.Path, archive.Scheme{
			Purelib: site, Platlib: site, Scripts: bin, Data: dir, Interpreter: "/env/bin/python",
		})
		if err != nil {
			return fmt.Errorf("installing build requirement %s %s: %w", r.Name, r.Version, err)
		}
	}
	return os.WriteFile(filepath.Join(dir, "complete"), []byte(strings.TrimSpace(i.Full)+"\n"), 0o644)
}
