// Package convert turns a lock into the formats of other tools, which install
// from it without knowing wheellock.
//
// Each format holds what the lock allows and nothing more: one wheel by hash for
// each package. A lock with wheels still to be built cannot be converted for
// the targets that need them, since a file without their hashes would either
// fail to install or install something else.
package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// MissingError lists wheels that are still to be built.
type MissingError struct {
	Target string   // "" for several
	Wheels []string // "NAME VERSION", sorted
}

func (e *MissingError) Error() string {
	where := ""
	if e.Target != "" {
		where = " for " + e.Target
	}
	if len(e.Wheels) == 1 {
		return fmt.Sprintf("1 wheel is still to be built%s: %s", where, e.Wheels[0])
	}
	return fmt.Sprintf("%d wheels are still to be built%s: %s", len(e.Wheels), where, strings.Join(e.Wheels, ", "))
}

// Hint says what to try next.
func (e *MissingError) Hint() string { return "build them first: wheellock build --missing" }

// UnknownTargetError says that the lock does not cover a target.
type UnknownTargetError struct {
	Target string
	Locked []string // what it covers
}

func (e *UnknownTargetError) Error() string {
	return fmt.Sprintf("the lock has no target %q; it covers %s", e.Target, strings.Join(e.Locked, ", "))
}

// Hint says what to try next.
func (e *UnknownTargetError) Hint() string {
	return "name one of them with --target, or lock for it: wheellock target add " + e.Target
}

// pick is a package with its wheel for one target.
type pick struct {
	p *lock.Package
	w *lock.Wheel
}

// Selection says which packages of a target are meant.
type Selection struct {
	Variant string          // see lock.Lock.VariantOf; "" is the main one
	Names   map[string]bool // normalised; nil: all that the variant installs
}

func (s Selection) has(l *lock.Lock, p *lock.Package, target string) bool {
	return p.Group != lock.GroupBuild && l.In(p, target, s.Variant) && (s.Names == nil || s.Names[p.Name])
}

// Packages gives what a selection installs on a target, in the lock's order.
func (s Selection) Packages(l *lock.Lock, target string) []*lock.Package {
	var list []*lock.Package
	for i := range l.Packages {
		if p := &l.Packages[i]; s.has(l, p, target) {
			list = append(list, p)
		}
	}
	return list
}

// picks gives what is installed on a target, sorted by name.
func picks(l *lock.Lock, target string, sel Selection) ([]pick, error) {
	if l.Target(target) == nil {
		names := make([]string, len(l.Targets))
		for i, t := range l.Targets {
			names[i] = t.Name
		}
		return nil, &UnknownTargetError{target, names}
	}
	var list []pick
	var missing []string
	for _, p := range sel.Packages(l, target) {
		w := l.WheelFor(p, target)
		if w == nil || w.Missing() {
			missing = append(missing, p.Name+" "+p.Version)
			continue
		}
		list = append(list, pick{p, w})
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, &MissingError{target, missing}
	}
	slices.SortFunc(list, func(a, b pick) int { return strings.Compare(a.p.Name, b.p.Name) })
	return list, nil
}

// Requirements gives a requirements file for `pip install --require-hashes`:
//
//	idna==3.20 --hash=sha256:HEX
//	requests==2.34.2 --hash=sha256:HEX
//
// sorted by name, with exactly one hash each, so that nothing but the locked
// wheel is taken whatever else the index or folder has. Build requirements are
// never in it. Errors are *UnknownTargetError and *MissingError.
func Requirements(l *lock.Lock, target string, sel Selection) ([]byte, error) {
	list, err := picks(l, target, sel)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, x := range list {
		fmt.Fprintf(&b, "%s==%s --hash=sha256:%s\n", x.p.Name, x.p.Version, x.w.SHA256)
	}
	return []byte(b.String()), nil
}
