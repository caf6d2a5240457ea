package rebuild

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve/metadata"
)

// UnlockedHint is what to do about a wheel that [Unlocked] has something against.
const UnlockedHint = "the index gave other metadata than the file has: tell whoever runs it, and lock from another with --index-url"

// Unlocked says which requirement of a wheel the lock does not know, or nothing.
// Metadata that an index serves apart from its file is the index's word only; a
// lock that was made of a lie would install something that lacks a dependency.
func Unlocked(l *lock.Lock, p *lock.Package, wheel string, targets []string) (string, error) {
	w, err := archive.OpenWheel(wheel, archive.Read)
	if err != nil {
		return "", err
	}
	defer w.Close()
	m, err := metadata.Parse(w.Metadata)
	if err != nil {
		return "", err
	}
	for _, t := range targets {
		target, err := Target(l, t)
		if err != nil {
			return "", err
		}
		locked := p.DependenciesOn(t)
		for _, q := range m.RequiresDist {
			if ok, err := q.Marker.Eval(target.Environment()); err != nil || !ok {
				continue
			}
			if name := q.Canonical(); name != p.Name && !slices.Contains(locked, name) {
				return fmt.Sprintf("%s needs %s on %s, which the lock does not list for %s %s", filepath.Base(wheel), q.String(), t, p.Name, p.Version), nil
			}
		}
	}
	return "", nil
}
