package convert

import (
	"cmp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// picks gives what the file has for a target: the selection, or what any
// variant installs there.
func (y *pylock) picks(target string) ([]pick, error) {
	if y.sel != nil {
		return picks(y.l, target, *y.sel)
	}
	var all []pick
	for _, v := range y.l.Variants() {
		list, err := picks(y.l, target, Selection{Variant: v.Name})
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	slices.SortFunc(all, func(a, b pick) int {
		return strings.Compare(a.p.Name+"\x00"+a.p.Version, b.p.Name+"\x00"+b.p.Version)
	})
	return all, nil
}

// conflicting gives the groups that an installer must know to choose.
func (y *pylock) conflicting() []string { return slices.Concat(y.l.Conflicts...) }

// inVariants says in a marker which variants install a package on a target; ""
// for all.
func (y *pylock) inVariants(p *lock.Package, target string) string {
	if y.sel != nil || len(y.l.Conflicts) == 0 {
		return ""
	}
	var in []string
	list := y.l.Variants()
	for i, v := range list {
		if y.l.In(p, target, v.Name) {
			in = append(in, y.chosen(list[:i], v))
		}
	}
	if len(in) == len(list) {
		return ""
	}
	return either(in)
}

// chosen is true when a selection of groups installs from v: v holds all of
// them, and none of the variants before it does.
func (y *pylock) chosen(before []lock.Variant, v lock.Variant) string {
	names := slices.Compact(slices.Sorted(slices.Values(y.conflicting())))
	var own [][]string // one of each is selected
	for _, u := range before {
		var some []string
		for _, g := range names {
			if !slices.Contains(u.Groups, g) && slices.Contains(v.Groups, g) {
				some = append(some, g)
			}
		}
		own = append(own, some)
	}
	slices.SortFunc(own, func(a, b []string) int { return cmp.Or(len(a)-len(b), slices.Compare(a, b)) })
	var terms, sure []string
	for _, some := range own {
		if slices.ContainsFunc(some, func(g string) bool { return slices.Contains(sure, g) }) {
			continue // said by a shorter one
		}
		var in []string
		for _, g := range some {
			in = append(in, "'"+g+"' in dependency_groups")
		}
		if term := strings.Join(in, " or "); len(in) > 1 {
			terms = append(terms, "("+term+")")
		} else {
			terms, sure = append(terms, term), append(sure, some[0])
		}
	}
	for _, g := range names {
		if !slices.Contains(v.Groups, g) {
			terms = append(terms, "'"+g+"' not in dependency_groups")
		}
	}
	return strings.Join(terms, " and ")
}
