package lock

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// DetailChange is anything else that is different about one version of a
// package: none of it should change while the version stays.
type DetailChange struct {
	PackageRef
	What string // "dependencies a b -> a", in the lock's words
}

// diffDetails compares the fields that the other lists leave out.
func (c *Changes) diffDetails(was, now *Package) {
	ref := PackageRef{now.Name, now.Version, now.Group}
	say := func(what, old, new string) {
		if old != new {
			c.Details = append(c.Details, DetailChange{ref, fmt.Sprintf("%s %s -> %s", what, orNone(old), orNone(new))})
		}
	}
	words := func(list []string) string { return strings.Join(list, " ") }
	say("requires-python", was.RequiresPython, now.RequiresPython)
	say("dependencies", words(was.Dependencies), words(now.Dependencies))
	for _, t := range slices.Sorted(maps.Keys(merged(was.TargetDependencies, now.TargetDependencies))) {
		say("dependencies on "+t, words(was.TargetDependencies[t]), words(now.TargetDependencies[t]))
	}
	say("groups", words(was.Groups), words(now.Groups))
	say("only-with", words(was.OnlyWith), words(now.OnlyWith))
	say("not-with", words(was.NotWith), words(now.NotWith))
	if was.Sdist != nil || now.Sdist != nil {
		say("source", sdistName(was), sdistName(now))
	}
}

func sdistName(p *Package) string {
	if p.Sdist == nil {
		return ""
	}
	return p.Sdist.Name
}

// diffRest notes that two locks differ in what no list tells: sizes, which
// files are published, the order of nothing.
func (c *Changes) diffRest(a, b *Lock) {
	slices.SortStableFunc(c.Details, func(x, y DetailChange) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version), cmp.Compare(x.Group, y.Group))
	})
	c.Rest = c.Empty() && !reflect.DeepEqual(a, b) && string(a.Format()) != string(b.Format())
}
