package lock

import (
	"cmp"
	"slices"
)

// CoverageChange is a package whose new version is published for fewer targets
// than the one that was locked before: what fitted has to be built from source,
// or stays behind.
type CoverageChange struct {
	Name     string
	Old, New string   // versions
	Source   []string // targets that had a published wheel and have the source alone now, sorted
	Behind   []string // targets that keep the old version while others got the new one, sorted
}

// coverage compares, for each name that moved on some target, what is published
// for the targets of the old version with what is published for the new one.
func (c *Changes) coverage(a, b *Lock) {
	for i := range b.Packages {
		now := &b.Packages[i]
		if now.Group == GroupBuild {
			continue
		}
		for j := range a.Packages {
			was := &a.Packages[j]
			if was.Name != now.Name || was.Group == GroupBuild || was.Version == now.Version {
				continue
			}
			x := CoverageChange{Name: now.Name, Old: was.Version, New: now.Version}
			moved := false
			for _, t := range a.TargetsOf(was) {
				if b.Target(t) == nil {
					continue
				}
				if now.Covers(t) {
					moved = true
					if a.UpstreamFor(was, t) != nil && b.UpstreamFor(now, t) == nil {
						x.Source = append(x.Source, t)
					}
				} else if f := b.Find(now.Name, t); f != nil && f.Version == was.Version {
					x.Behind = append(x.Behind, t)
				}
			}
			if moved && len(x.Source)+len(x.Behind) > 0 {
				c.Coverage = append(c.Coverage, x)
			}
		}
	}
	slices.SortFunc(c.Coverage, func(x, y CoverageChange) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.New, y.New), cmp.Compare(x.Old, y.Old))
	})
}

// NativeChange is a package that brings compiled code where the lock had none
// of it: a wheel bound to a platform runs what no reader of Python sees.
type NativeChange struct {
	Name, Version string
	Targets       []string // sorted
	New           bool     // the package was not locked at all
}

func (c *Changes) native(a, b *Lock) {
	for i := range b.Packages {
		now := &b.Packages[i]
		if now.Group == GroupBuild {
			continue
		}
		x := NativeChange{Name: now.Name, Version: now.Version, New: true}
		for _, t := range b.TargetsOf(now) {
			if was := a.Find(now.Name, t); was != nil {
				x.New = false
				if isNative(a, was, t) {
					continue
				}
			} else if anywhere(a, now.Name) {
				x.New = false
			}
			if isNative(b, now, t) {
				x.Targets = append(x.Targets, t)
			}
		}
		// A target that was not there has nothing to be compared with but the
		// package's other targets.
		x.Targets = slices.DeleteFunc(x.Targets, func(t string) bool { return a.Target(t) == nil && nativeAnywhere(a, now.Name) })
		if len(x.Targets) > 0 {
			c.Native = append(c.Native, x)
		}
	}
	slices.SortFunc(c.Native, func(x, y NativeChange) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version))
	})
}

// isNative reports whether what is installed on a target, or published for it,
// is bound to a platform.
func isNative(l *Lock, p *Package, target string) bool {
	if w := l.WheelFor(p, target); w != nil && p.KindOf(w) == Native {
		return true
	}
	u := l.UpstreamFor(p, target)
	return u != nil && !pureName(u.Name)
}

func anywhere(l *Lock, name string) bool {
	return slices.ContainsFunc(l.Packages, func(p Package) bool { return p.Name == name && p.Group != GroupBuild })
}

func nativeAnywhere(l *Lock, name string) bool {
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name == name && p.Group != GroupBuild && slices.ContainsFunc(l.TargetsOf(p), func(t string) bool { return isNative(l, p, t) }) {
			return true
		}
	}
	return false
}

// SourceRef is a package of which nothing is published that fits a target.
type SourceRef struct {
	Name, Version string
	Targets       []string // sorted
}

// sourceOnly lists what is new on a target, as a name or as a version, and is
// published there as source alone.
func (c *Changes) sourceOnly(a, b *Lock) {
	for i := range b.Packages {
		now := &b.Packages[i]
		if now.Group == GroupBuild {
			continue
		}
		x := SourceRef{Name: now.Name, Version: now.Version}
		for _, t := range b.TargetsOf(now) {
			was := a.Find(now.Name, t)
			if b.UpstreamFor(now, t) == nil && (was == nil || was.Version != now.Version && a.UpstreamFor(was, t) != nil) {
				x.Targets = append(x.Targets, t)
			}
		}
		if len(x.Targets) > 0 {
			c.SourceOnly = append(c.SourceOnly, x)
		}
	}
	slices.SortFunc(c.SourceOnly, func(x, y SourceRef) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version))
	})
}

// Path gives the shortest chain of names from one of the roots to a package on a
// target, both ends included; of equally short ones the first by name. nil:
// nothing leads there.
func (l *Lock) Path(target string, roots []string, name string) []string {
	from := map[string]string{}
	var queue []string
	for _, r := range set(roots) {
		if l.Find(r, target) != nil {
			from[r] = ""
			queue = append(queue, r)
		}
	}
	for i := 0; i < len(queue); i++ {
		if queue[i] == name {
			var path []string
			for n := name; n != ""; n = from[n] {
				path = append(path, n)
			}
			slices.Reverse(path)
			return path
		}
		p := l.Find(queue[i], target)
		if p == nil {
			continue
		}
		for _, d := range p.DependenciesOn(target) {
			if _, seen := from[d]; !seen {
				from[d] = queue[i]
				queue = append(queue, d)
			}
		}
	}
	return nil
}
