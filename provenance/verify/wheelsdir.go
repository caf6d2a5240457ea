package verify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// wheelsDir checks a folder that an installer is to be pointed at: it holds the
// locked wheels of the targets, and nothing that the lock does not have.
func (c *checker) wheelsDir(ctx context.Context) error {
	if c.in.WheelsDir == "" {
		return nil
	}
	entries, err := os.ReadDir(c.in.WheelsDir)
	if err != nil {
		return fmt.Errorf("reading the folder of wheels: %w", err)
	}
	want, must := c.wheelsWanted()
	have := map[string]bool{}
	var files []scanned
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		path := filepath.Join(c.in.WheelsDir, e.Name())
		have[e.Name()] = true
		if want[e.Name()] == nil || !e.Type().IsRegular() {
			c.addFor("wheels-dir-unknown", "rm "+path, path, "no wheel of the lock has this name, but an installer would take it")
			continue
		}
		files = append(files, scanned{rel: e.Name()})
	}
	c.checked.Files += len(files)
	if err := hashAll(ctx, mirror.Wheelhouse{Dir: c.in.WheelsDir}, c.in.Jobs, files); err != nil {
		return err
	}
	for _, f := range files {
		if hashes := want[f.rel]; !contains(hashes, f.hash) {
			c.add("wheels-dir-changed", filepath.Join(c.in.WheelsDir, f.rel), "its sha256 is %s, the lock says %s", short(f.hash), short(hashes[0]))
		}
	}
	var names []string
	for n := range must {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if !have[n] {
			c.add("wheels-dir-missing", filepath.Join(c.in.WheelsDir, n), "the lock has it, the folder has not")
		}
	}
	return nil
}

// wheelsWanted gives the hashes of the locked wheels by file name, and those
// that the folder must have.
func (c *checker) wheelsWanted() (want map[string][]string, must map[string]bool) {
	want, must = map[string][]string{}, map[string]bool{}
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if !w.Missing() && c.selected(c.lock.WheelTargets(p, w)) {
				want[w.Name] = append(want[w.Name], w.SHA256)
				if c.in.Wanted == nil || slices.ContainsFunc(c.lock.WheelTargets(p, w), func(t string) bool { return c.in.Wanted(p, t) }) {
					must[w.Name] = true
				}
			}
		}
	}
	return want, must
}
