package lock

import (
	"slices"
	"strings"
)

// targetNames gives the names of all targets in the order of l.Targets.
func (l *Lock) targetNames() []string {
	names := make([]string, len(l.Targets))
	for i, t := range l.Targets {
		names[i] = t.Name
	}
	return names
}

// Target finds a target by name; nil: the lock has none of that name.
func (l *Lock) Target(name string) *Target {
	for i := range l.Targets {
		if l.Targets[i].Name == name {
			return &l.Targets[i]
		}
	}
	return nil
}

// Covers reports whether p is locked for a target, which must be one of its
// lock's: a package without a list of targets covers any.
func (p *Package) Covers(target string) bool { return serves(p.Targets, target) }

func serves(list []string, target string) bool {
	return len(list) == 0 || slices.Contains(list, target)
}

// TargetsOf gives the names of the targets that p covers, sorted.
func (l *Lock) TargetsOf(p *Package) []string {
	if len(p.Targets) > 0 {
		return set(p.Targets)
	}
	return set(l.targetNames())
}

// WheelTargets gives the names of the targets that a row of p serves, sorted.
func (l *Lock) WheelTargets(p *Package, w *Wheel) []string {
	if len(w.Targets) > 0 {
		return set(w.Targets)
	}
	return l.TargetsOf(p)
}

// UpstreamTargets gives the names of the targets for which the published file
// is the one that an installer would take, sorted.
func (l *Lock) UpstreamTargets(p *Package, u *Upstream) []string {
	if len(u.Targets) > 0 {
		return set(u.Targets)
	}
	return l.TargetsOf(p)
}

// WheelFor gives the row to install for a target; nil where the package does
// not cover the target or the lock breaks the rule of one row each.
func (l *Lock) WheelFor(p *Package, target string) *Wheel {
	if !p.Covers(target) || l.Target(target) == nil {
		return nil
	}
	for i := range p.Wheels {
		if serves(p.Wheels[i].Targets, target) {
			return &p.Wheels[i]
		}
	}
	return nil
}

// UpstreamFor gives the published file that an installer would take for a
// target; nil: there is none that fits.
func (l *Lock) UpstreamFor(p *Package, target string) *Upstream {
	if !p.Covers(target) {
		return nil
	}
	for i := range p.Upstream {
		if serves(p.Upstream[i].Targets, target) {
			return &p.Upstream[i]
		}
	}
	return nil
}

// DependenciesOn gives the dependencies of p on one target, sorted.
func (p *Package) DependenciesOn(target string) []string {
	own := p.TargetDependencies[target]
	if len(own) == 0 {
		return set(p.Dependencies)
	}
	return set(append(slices.Clone(p.Dependencies), own...))
}

// Recipe finds a recipe by digest; nil: none.
func (l *Lock) Recipe(digest string) *Recipe {
	for i := range l.Recipes {
		if l.Recipes[i].Digest == digest {
			return &l.Recipes[i]
		}
	}
	return nil
}

// Find gives the installed package of a name on a target; nil: none. Build
// requirements are not looked at: they may have several versions. Where
// conflicting groups have several, it is the main variant's, else the first.
func (l *Lock) Find(name, target string) *Package {
	var other *Package
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name != name || p.Group == GroupBuild || !p.Covers(target) {
			continue
		}
		if l.In(p, target, "") {
			return p
		}
		if other == nil {
			other = p
		}
	}
	return other
}

// Kind says what a wheel holds, which decides where it can be built and whom it
// serves.
type Kind string

// The kinds of wheels.
const (
	Pure    Kind = "pure"    // for any platform
	Native  Kind = "native"  // bound to a platform
	Unknown Kind = "unknown" // still to be built, and nothing is published that would tell
)

// KindOf tells the kind of a row of p.
func (p *Package) KindOf(w *Wheel) Kind {
	switch {
	case pureName(w.Name):
		return Pure
	case w.Missing() && len(p.Upstream) == 0:
		return Unknown
	}
	return Native
}

func pureName(file string) bool { return strings.HasSuffix(file, "-none-any.whl") }
