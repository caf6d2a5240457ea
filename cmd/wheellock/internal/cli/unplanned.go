package cli

import (
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/recipe"
)

// unplannedNotes says once for all targets why a package got no recipe, and what
// can be done about it: other requirements of a source are its author's to write.
func unplannedNotes(l *lock.Lock, some *recipe.IncompleteError) []string {
	var notes []string
	targets := map[string][]string{}
	ways := map[string]string{}
	for _, e := range some.Packages {
		key := e.Package + " " + e.Version + "\n" + e.Why()
		if targets[key] == nil {
			notes = append(notes, key)
		}
		targets[key] = append(targets[key], e.Target)
		ways[key] = wayOut(l, e)
	}
	for i, key := range notes {
		name, why, _ := strings.Cut(key, "\n")
		notes[i] = fmt.Sprintf("planning the build of %s for %s: %s\n%s", name, strings.Join(targets[key], ", "), strings.ReplaceAll(why, "\n", " "), ways[key])
	}
	return notes
}

// wayOut is what helps: another version, or the publisher's wheel if there is one.
func wayOut(l *lock.Lock, e *recipe.PackageError) string {
	other := fmt.Sprintf("it stays locked without a recipe; take another version, as by constraints = [%q]", e.Package+"!="+e.Version)
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name == e.Package && p.Version == e.Version && p.Group != lock.GroupBuild && len(p.Upstream) > 0 {
			return other + `, or the published wheel, by wheels = "upstream" under [policy]`
		}
	}
	return other + ": no wheel is published for it"
}
