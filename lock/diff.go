package lock

import (
	"cmp"
	"fmt"
	"slices"
)

// Changes is what is different between two locks, the most alarming first, as a
// reviewer should read it.
type Changes struct {
	Hashes     []HashChange     // a locked file changed without a change of version
	Sources    []SourceChange   // names that come from another address, commit or index than before
	Added      []PackageRef     // names that were not in the old lock
	Removed    []PackageRef     // names that are no longer there
	Versions   []VersionChange  // names that are in both, with other versions on some target
	Origins    []OriginChange   // from upstream's file to our own or back
	Verdicts   []VerdictChange  // what a comparison with upstream newly says
	Built      []FileRef        // rows that were still to be built and now have a hash
	Unbuilt    []FileRef        // rows that had a hash and are to be built again
	Recipes    []RecipeChange   // another recipe for the same version
	Coverage   []CoverageChange // new versions that fewer targets can take as published
	Native     []NativeChange   // compiled code where there was none
	SourceOnly []SourceRef      // new, and published as source alone
	Details    []DetailChange   // anything else about a version that stayed
	Targets    []TargetChange
	Cutoff     *[2]string // exclude-newer before and after, "" for none
	Rest       bool       // the files differ in nothing that the other fields say: sizes, published files
	Requires   bool       // the inputs changed: another requires-digest
}

// PackageRef names a package; Group is "" or GroupBuild.
type PackageRef struct{ Name, Version, Group string }

// FileRef names a locked file; Target is "" for a source.
type FileRef struct{ Name, Version, Group, File, Target string }

// HashChange is one name, version and target with two hashes.
type HashChange struct {
	FileRef
	Old, New string // sha256
}

// VersionChange is a new version of a package on a target. Build requirements,
// which may have several versions, are listed without target.
type VersionChange struct {
	Name, Group, Target string
	Old, New            []string // sorted; empty: not there
}

// OriginChange is a wheel that now comes from elsewhere.
type OriginChange struct {
	FileRef
	Old, New string
}

// VerdictChange is a published file that was judged anew.
type VerdictChange struct {
	FileRef
	Old, New string
}

// RecipeChange is a version that is built by another recipe.
type RecipeChange struct {
	FileRef
	Old, New string   // digests; "" for none
	Keys     []string // what is different, a line each; nil where one of them is missing
}

// TargetChange is a target that came, went or means another environment.
type TargetChange struct{ Old, New *Target }

// Empty reports whether nothing changed.
func (c Changes) Empty() bool {
	// Coverage, Native and SourceOnly are about what the other lists hold.
	return len(c.Hashes)+len(c.Sources)+len(c.Added)+len(c.Removed)+len(c.Versions)+len(c.Origins)+len(c.Verdicts)+len(c.Built)+
		len(c.Unbuilt)+len(c.Recipes)+len(c.Targets)+len(c.Details) == 0 && !c.Rest && c.Cutoff == nil && !c.Requires
}

// Diff compares two locks, old and new. Its lists are sorted.
func Diff(a, b *Lock) Changes {
	var c Changes
	c.diffTargets(a, b)
	c.diffSources(a, b)
	c.diffNames(a, b)
	c.diffFiles(a, b)
	c.coverage(a, b)
	c.native(a, b)
	c.sourceOnly(a, b)
	old, now := cutoff(a), cutoff(b)
	if old != now {
		c.Cutoff = &[2]string{old, now}
	}
	c.Requires = a.RequiresDigest != b.RequiresDigest
	c.diffRest(a, b)
	return c
}

func cutoff(l *Lock) string {
	if l.ExcludeNewer == nil {
		return ""
	}
	return l.ExcludeNewer.UTC().Format(timeFormat)
}

func (c *Changes) diffTargets(a, b *Lock) {
	for i := range a.Targets {
		old := &a.Targets[i]
		now := b.Target(old.Name)
		if now == nil || *now != *old {
			c.Targets = append(c.Targets, TargetChange{old, now})
		}
	}
	for i := range b.Targets {
		if a.Target(b.Targets[i].Name) == nil {
			c.Targets = append(c.Targets, TargetChange{nil, &b.Targets[i]})
		}
	}
}

// slot is where a version stands: a name on a target, or a build requirement.
type slot struct{ name, group, target string }

func versions(l *Lock) (bySlot map[slot][]string, byName map[[2]string][]string) {
	bySlot, byName = map[slot][]string{}, map[[2]string][]string{}
	for i := range l.Packages {
		p := &l.Packages[i]
		byName[[2]string{p.Name, p.Group}] = append(byName[[2]string{p.Name, p.Group}], p.Version)
		if p.Group == GroupBuild {
			s := slot{p.Name, p.Group, ""}
			bySlot[s] = append(bySlot[s], p.Version)
			continue
		}
		for _, t := range l.TargetsOf(p) {
			s := slot{p.Name, p.Group, t}
			bySlot[s] = append(bySlot[s], p.Version)
		}
	}
	return bySlot, byName
}

func (c *Changes) diffNames(a, b *Lock) {
	slotsA, namesA := versions(a)
	slotsB, namesB := versions(b)
	c.Added = onlyIn(namesB, namesA)
	c.Removed = onlyIn(namesA, namesB)
	for s := range merged(slotsA, slotsB) {
		old, now := set(slotsA[s]), set(slotsB[s])
		_, inA := namesA[[2]string{s.name, s.group}]
		_, inB := namesB[[2]string{s.name, s.group}]
		if !inA || !inB || slices.Equal(old, now) {
			continue
		}
		// A target that came or went takes its versions along.
		if s.target != "" && (a.Target(s.target) == nil || b.Target(s.target) == nil) {
			continue
		}
		c.Versions = append(c.Versions, VersionChange{s.name, s.group, s.target, old, now})
	}
	slices.SortFunc(c.Versions, func(x, y VersionChange) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Target, y.Target))
	})
}

func onlyIn(in, notIn map[[2]string][]string) []PackageRef {
	var refs []PackageRef
	for k, vs := range in {
		if _, there := notIn[k]; there {
			continue
		}
		for _, v := range set(vs) {
			refs = append(refs, PackageRef{k[0], v, k[1]})
		}
	}
	slices.SortFunc(refs, func(x, y PackageRef) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version))
	})
	return refs
}

func merged[K comparable, V any](a, b map[K]V) map[K]bool {
	m := make(map[K]bool, len(a)+len(b))
	for k := range a {
		m[k] = true
	}
	for k := range b {
		m[k] = true
	}
	return m
}

// diffFiles compares the files of packages that both locks have.
func (c *Changes) diffFiles(a, b *Lock) {
	old := map[PackageRef]*Package{}
	for i := range a.Packages {
		p := &a.Packages[i]
		old[PackageRef{p.Name, p.Version, p.Group}] = p
	}
	packages := slices.Clone(b.Packages)
	slices.SortFunc(packages, comparePackages)
	for i := range packages {
		now := &packages[i]
		was := old[PackageRef{now.Name, now.Version, now.Group}]
		if was == nil {
			continue
		}
		ref := FileRef{Name: now.Name, Version: now.Version, Group: now.Group}
		c.diffSdist(ref, was, now)
		for _, t := range b.TargetsOf(now) {
			if a.Target(t) == nil {
				continue
			}
			ref.Target = t
			c.diffWheel(a, b, ref, a.WheelFor(was, t), b.WheelFor(now, t))
		}
		c.diffUpstream(ref, was, now)
		c.diffDetails(was, now)
	}
}

func (c *Changes) diffSdist(ref FileRef, was, now *Package) {
	if was.Sdist == nil || now.Sdist == nil || was.Sdist.SHA256 == now.Sdist.SHA256 {
		return
	}
	ref.File = now.Sdist.Name
	c.Hashes = append(c.Hashes, HashChange{ref, was.Sdist.SHA256, now.Sdist.SHA256})
}

func (c *Changes) diffWheel(a, b *Lock, ref FileRef, was, now *Wheel) {
	if was == nil || now == nil {
		return
	}
	ref.File = now.Name
	switch {
	case was.Missing() && !now.Missing() && now.Origin == OriginUpstream: // an OriginChange says it
	case was.Missing() && !now.Missing():
		c.Built = append(c.Built, ref)
	case !was.Missing() && now.Missing():
		c.Unbuilt = append(c.Unbuilt, ref)
	case was.SHA256 != now.SHA256 && was.Origin == now.Origin:
		c.Hashes = append(c.Hashes, HashChange{ref, was.SHA256, now.SHA256})
	}
	if was.Origin != now.Origin {
		c.Origins = append(c.Origins, OriginChange{ref, was.Origin + " " + was.Name, now.Origin + " " + now.Name})
	}
	if was.Recipe != now.Recipe {
		c.Recipes = append(c.Recipes, RecipeChange{ref, was.Recipe, now.Recipe, recipeKeys(a.Recipe(was.Recipe), b.Recipe(now.Recipe))})
	}
}

func (c *Changes) diffUpstream(ref FileRef, was, now *Package) {
	ref.Target = ""
	for _, u := range now.Upstream {
		i := slices.IndexFunc(was.Upstream, func(x Upstream) bool { return x.Name == u.Name })
		if i < 0 {
			continue
		}
		ref.File = u.Name
		if x := was.Upstream[i]; x.SHA256 != u.SHA256 {
			c.Hashes = append(c.Hashes, HashChange{ref, x.SHA256, u.SHA256})
		} else if x.Verdict != u.Verdict {
			c.Verdicts = append(c.Verdicts, VerdictChange{ref, x.Verdict, u.Verdict})
		}
	}
}

// String is one line for a person.
func (h HashChange) String() string {
	where := ""
	if h.Target != "" {
		where = " on " + h.Target
	}
	return fmt.Sprintf("HASH CHANGED: %s %s%s: %s was %s, is %s", h.Name, h.Version, where, h.File, short(h.Old), short(h.New))
}

func short(hash string) string { return hash[:min(12, len(hash))] }
