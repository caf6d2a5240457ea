package repro

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// An output is a file that a run wrote. Its name is relative to the working folder
// and begins with ../ where it lies beside it.
type output struct {
	name   string
	path   string
	sha256 string
	size   int64
}

// artifacts are the endings of what is compared where no pattern is given.
var artifacts = []string{
	".whl", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar", ".zip", ".deb", ".udeb", ".rpm", ".apk", ".jar", ".pyz", ".crate", ".gem",
}

// CheckPattern returns an error for what cannot be a pattern of outputs.
func CheckPattern(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Errorf("%q is no pattern: *.deb, dist/*.whl or a folder's name", pattern)
	}
	return nil
}

// wanted: a pattern with a slash is for the whole name, or names a folder; one without
// is for a file's own name wherever it lies.
func wanted(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = strings.TrimPrefix(strings.TrimSuffix(p, "/"), "./")
		if ok, _ := path.Match(p, name); ok {
			return true
		}
		if ok, _ := path.Match(p, path.Base(name)); ok && !strings.Contains(p, "/") {
			return true
		}
		return strings.HasPrefix(name, p+"/")
	})
}

// outputs lists what a run wrote below root, in the copy named base and beside it.
func (s *source) outputs(root, base string, patterns []string, shift manner) ([]output, error) {
	before := map[string]entry{}
	for _, e := range s.entries {
		before[e.path] = e
	}
	var all []output
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsPermission(err) && d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(filepath.Join(root, base), file)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		old, known := before[rel]
		if known && old.mode.IsRegular() && info.Size() == old.size && info.ModTime().Equal(old.mtime.Add(shift.shift)) {
			return nil
		}
		o := output{name: filepath.ToSlash(rel), path: file, size: info.Size()}
		if len(patterns) > 0 && !wanted(patterns, o.name) {
			return nil
		}
		if o.sha256, err = hashFile(file); err != nil {
			return err
		}
		if known && old.mode.IsRegular() && old.size == o.size {
			// Touched, perhaps not changed: an archive of an earlier build was made again.
			if sum, err := hashFile(filepath.Join(s.dir, rel)); err == nil && sum == o.sha256 && len(patterns) == 0 && !Artifact(o.name) {
				return nil
			}
		}
		all = append(all, o)
		if len(all) > MaxOutputs {
			return fmt.Errorf("the command wrote more than %d files: name those that matter with --out PATTERN", MaxOutputs)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		all = preferred(all)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all, nil
}

// Artifact reports whether a file is a wheel, an archive or a package by its name.
func Artifact(name string) bool {
	return slices.ContainsFunc(artifacts, func(end string) bool { return strings.HasSuffix(name, end) })
}

// preferred leaves the artifacts, if there are any.
func preferred(all []output) []output {
	var out []output
	for _, o := range all {
		if Artifact(o.name) {
			out = append(out, o)
		}
	}
	if len(out) > 0 {
		return out
	}
	return all
}

func hashFile(path string) (string, error) {
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

// An outcome is what a run gave.
type outcome struct {
	varied  build.Varied
	failed  string // "exit status 2"; "" if it worked
	log     []byte
	outputs []output
	dir     string // where they are kept
}

// differing lists the names whose bytes differ between two outcomes, or that only one has.
// A failure that only one has is the name "".
func differing(a, b *outcome) []string {
	if (a.failed == "") != (b.failed == "") {
		return []string{""}
	}
	hashes := map[string]string{}
	for _, o := range a.outputs {
		hashes[o.name] = o.sha256
	}
	var out []string
	for _, o := range b.outputs {
		if hashes[o.name] != o.sha256 {
			out = append(out, o.name)
		}
		delete(hashes, o.name)
	}
	for name := range hashes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
