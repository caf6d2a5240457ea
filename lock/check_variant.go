package lock

import "slices"

// conflicts tests the declared sets and finds the variants that packages name.
func (c *checker) conflicts() {
	c.variants = []Variant{{}}
	names := map[string]bool{}
	for i, s := range c.l.Conflicts {
		sorted := set(s)
		switch {
		case len(s) < 2 || len(sorted) != len(s) || !allOf(sorted, isName):
			c.fail(place{}, hintLock, "conflicts has %q: expected two or more different groups, with names in normal form", s)
		case i > 0 && slices.Compare(c.l.Conflicts[i-1], s) >= 0:
			c.fail(place{}, hintLock, "conflicts: %q stands twice or out of order", s)
		}
		for _, g := range s {
			names[g] = true
		}
	}
	if len(c.l.Conflicts) > maxConflicts || len(names) > maxConflicts {
		c.fail(place{}, "declare fewer conflicts", "conflicts has %d sets of %d groups, at most %d are read", len(c.l.Conflicts), len(names), maxConflicts)
	}
	if c.bad != nil {
		return
	}
	list, err := Variants(c.l.Conflicts)
	if err != nil {
		c.fail(place{}, "declare fewer conflicts", "%s", err.Error())
		return
	}
	c.variants = list
}

// variant tests where a package says that it is installed with some groups only.
func (c *checker) variant(at place, p *Package) {
	if len(p.OnlyWith)+len(p.NotWith)+len(p.TargetOnlyWith)+len(p.TargetNotWith) == 0 {
		return
	}
	mine := c.mine(p)
	q := Package{OnlyWith: p.OnlyWith, NotWith: p.NotWith, TargetOnlyWith: p.TargetOnlyWith, TargetNotWith: p.TargetNotWith}
	q.sortVariants(mine)
	several := 0
	for _, n := range []int{len(p.OnlyWith), len(p.NotWith), len(p.TargetOnlyWith) + len(p.TargetNotWith)} {
		if n > 0 {
			several++
		}
	}
	ok := several == 1 && p.Group != GroupBuild && c.names(p.OnlyWith) && c.names(p.NotWith) &&
		len(q.OnlyWith) == len(p.OnlyWith) && len(q.NotWith) == len(p.NotWith)
	for t, list := range p.TargetOnlyWith {
		ok = ok && slices.Contains(mine, t) && len(list) > 0 && c.names(list) && len(p.TargetNotWith[t]) == 0
	}
	for t, list := range p.TargetNotWith {
		ok = ok && slices.Contains(mine, t) && len(list) > 0 && c.names(list)
	}
	if !ok {
		c.fail(at, hintLock, "package %s: only-with, not-with: expected one of them, with sorted variants that conflicts makes; target-only-with and target-not-with where targets differ", p.id())
	}
}

// names: sorted names of variants other than the main one.
func (c *checker) names(list []string) bool {
	return allOf(list, func(s string) bool {
		return s != "" && slices.ContainsFunc(c.variants, func(v Variant) bool { return v.Name == s })
	})
}
