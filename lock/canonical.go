package lock

import (
	"cmp"
	"slices"
	"time"
)

// Sort brings l into canonical order in place: lists sorted and without
// duplicates, target lists that name all left out, shared dependencies told
// apart from those of single targets. Format does the same to a copy, so only
// code that compares locks in memory needs it.
func (l *Lock) Sort() {
	if l.Version == "" {
		l.Version = Version
	}
	if l.CreatedBy == "" {
		l.CreatedBy = CreatedBy
	}
	if l.ExcludeNewer != nil {
		t := l.ExcludeNewer.UTC().Truncate(time.Second)
		l.ExcludeNewer = &t
	}
	slices.SortFunc(l.Conflicts, slices.Compare)
	l.Conflicts = slices.CompactFunc(l.Conflicts, slices.Equal)
	l.Conflicts = orNil(l.Conflicts)
	slices.SortFunc(l.Targets, func(a, b Target) int { return cmp.Compare(a.Name, b.Name) })
	all := l.targetNames()
	for i := range l.Packages {
		l.Packages[i].sort(all)
	}
	slices.SortFunc(l.Packages, comparePackages)
	for i := range l.Recipes {
		l.Recipes[i].sort()
	}
	slices.SortFunc(l.Recipes, func(a, b Recipe) int { return cmp.Compare(a.Digest, b.Digest) })
	l.Targets = orNil(l.Targets)
	l.Packages = orNil(l.Packages)
	l.Recipes = orNil(l.Recipes)
}

func comparePackages(a, b Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Group, b.Group))
}

func compareWheels(a, b Wheel) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Targets, b.Targets))
}

func (p *Package) sort(all []string) {
	p.Targets = allOrSome(p.Targets, all)
	mine := p.Targets
	if mine == nil {
		mine = all
	}
	p.Groups = set(p.Groups)
	p.sortDependencies(mine)
	p.sortVariants(mine)
	for i := range p.Wheels {
		p.Wheels[i].Targets = allOrSome(p.Wheels[i].Targets, mine)
	}
	slices.SortStableFunc(p.Wheels, compareWheels)
	for i := range p.Upstream {
		u := &p.Upstream[i]
		u.Targets = allOrSome(u.Targets, mine)
		u.Causes = set(u.Causes)
	}
	slices.SortStableFunc(p.Upstream, func(a, b Upstream) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(p.Archives, func(a, b Archive) int { return cmp.Compare(a.Name, b.Name) })
	p.Archives = orNil(p.Archives)
	p.Wheels = orNil(p.Wheels)
	p.Upstream = orNil(p.Upstream)
}

// sortDependencies moves what every target of the package needs into
// Dependencies and leaves only the rest with its target.
func (p *Package) sortDependencies(mine []string) {
	p.Dependencies = set(p.Dependencies)
	if len(p.TargetDependencies) == 0 {
		p.TargetDependencies = nil
		return
	}
	count := map[string]int{}
	for _, t := range mine {
		for _, d := range set(p.TargetDependencies[t]) {
			count[d]++
		}
	}
	common := slices.Clone(p.Dependencies)
	for d, n := range count {
		if n == len(mine) {
			common = append(common, d)
		}
	}
	p.Dependencies = set(common)
	rest := map[string][]string{}
	for t, ds := range p.TargetDependencies {
		ds = slices.DeleteFunc(slices.Clone(set(ds)), func(d string) bool { return slices.Contains(p.Dependencies, d) })
		if len(ds) > 0 {
			rest[t] = ds
		}
	}
	p.TargetDependencies = rest
	if len(rest) == 0 {
		p.TargetDependencies = nil
	}
}

func (r *Recipe) sort() {
	// The order of backend-path is its meaning (PEP 517), so it stays.
	r.BackendPath = orNil(r.BackendPath)
	r.Toolchain = set(r.Toolchain)
	r.ExpectTags = set(r.ExpectTags)
	r.BuildRequires = orNil(slices.Clone(r.BuildRequires))
	slices.SortFunc(r.BuildRequires, compareBuildRequires)
	r.BuildRequires = slices.Compact(r.BuildRequires)
	if len(r.Env) == 0 {
		r.Env = nil
	}
	if len(r.Config) == 0 {
		r.Config = nil
	}
}

func compareBuildRequires(a, b BuildRequire) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.SHA256, b.SHA256))
}

// allOrSome gives nil where some names every member of all, which is sorted.
func allOrSome(some, all []string) []string {
	some = set(some)
	if slices.Equal(some, all) {
		return nil
	}
	return some
}

// set gives the sorted members of list without duplicates, nil for none. It
// never changes list, which callers may share, and copies only where it must.
func set(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	sorted := true
	for i := 1; i < len(list) && sorted; i++ {
		sorted = list[i-1] < list[i]
	}
	if sorted {
		return list
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// clone copies as much of l as Sort writes to.
func (l *Lock) clone() *Lock {
	c := *l
	c.Targets = slices.Clone(l.Targets)
	c.Conflicts = slices.Clone(l.Conflicts)
	c.Packages = slices.Clone(l.Packages)
	c.Recipes = slices.Clone(l.Recipes)
	for i := range c.Packages {
		p := &c.Packages[i]
		p.Wheels = slices.Clone(p.Wheels)
		p.Upstream = slices.Clone(p.Upstream)
		p.Archives = slices.Clone(p.Archives)
	}
	return &c
}
