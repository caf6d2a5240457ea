package assemble

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// wheels makes the rows to install, one for each target, and joins those that
// several targets share.
func (a *assembler) wheels(p, prev *lock.Package, spots []spot) error {
	rows := map[string]int{} // what makes two rows one -> index in p.Wheels
	for _, s := range spots {
		w, same, err := a.wheel(p, prev, s)
		if err != nil {
			return err
		}
		if i, ok := rows[same]; ok {
			p.Wheels[i].Targets = append(p.Wheels[i].Targets, s.target.Name)
			continue
		}
		rows[same] = len(p.Wheels)
		w.Targets = []string{s.target.Name}
		p.Wheels = append(p.Wheels, w)
	}
	a.planned(p, prev)
	return nil
}

// wheel chooses the row of one target. Targets with the same second result
// share the row.
func (a *assembler) wheel(p, prev *lock.Package, s spot) (w lock.Wheel, same string, err error) {
	published := s.pin.Wheel != nil
	switch {
	case published && (a.opt.Wheels == PolicyUpstream || p.Sdist == nil):
		return a.published(prev, s), "upstream " + s.pin.Wheel.Name, nil
	case p.Sdist == nil:
		return w, "", &NoFileError{p.Name + " " + p.Version, s.target.Name}
	}
	if i := a.kept(prev, s); i >= 0 {
		return prev.Wheels[i], fmt.Sprintf("kept %d", i), nil
	}
	w = lock.Wheel{Name: expected(p, s), Origin: lock.OriginBuilt}
	if pure(s) {
		return w, "pure " + w.Name, nil
	}
	return w, "native " + s.target.Name, nil
}

// planned gives rows still to be built the recipe that the previous lock had
// for the same row and the same targets.
func (a *assembler) planned(p, prev *lock.Package) {
	if prev == nil {
		return
	}
	for i := range p.Wheels {
		w := &p.Wheels[i]
		if !w.Missing() || w.Recipe != "" {
			continue
		}
		for _, was := range prev.Wheels {
			targets := slices.Sorted(slices.Values(w.Targets))
			if was.Missing() && was.Name == w.Name && slices.Equal(a.opt.Prev.WheelTargets(prev, &was), targets) && a.sameTargets(targets) {
				w.Recipe = was.Recipe
			}
		}
	}
}

// sameTargets reports whether the names mean what they meant in the previous
// lock. Without that a wheel linked on a newer libc could slip through.
func (a *assembler) sameTargets(names []string) bool {
	for _, n := range names {
		was, now := a.opt.Prev.Target(n), a.l.Target(n)
		if was == nil || now == nil || *was != *now {
			return false
		}
	}
	return true
}

// published is the row of upstream's own file.
func (a *assembler) published(prev *lock.Package, s spot) lock.Wheel {
	f := s.pin.Wheel
	w := lock.Wheel{Name: f.Name, Origin: lock.OriginUpstream, Size: f.Size, SHA256: f.SHA256}
	if prev == nil {
		return w
	}
	for _, was := range prev.Wheels {
		if was.Origin == lock.OriginUpstream && was.SHA256 == w.SHA256 {
			w.Recipe, w.Content, w.Size = was.Recipe, was.Content, max(w.Size, was.Size)
		}
	}
	return w
}

// kept finds the row of the previous lock that has a hash and is still right
// for the target: its own, or a wheel for any platform that it takes, since a
// pure wheel is built once; -1: none. prev has the same source.
func (a *assembler) kept(prev *lock.Package, s spot) int {
	if prev == nil {
		return -1
	}
	if prev.Covers(s.target.Name) && a.sameTargets([]string{s.target.Name}) {
		for i := range prev.Wheels {
			w := &prev.Wheels[i]
			if slices.Contains(a.opt.Prev.WheelTargets(prev, w), s.target.Name) && a.usable(prev, w, s) {
				return i
			}
		}
	}
	for i := range prev.Wheels {
		if anyPlatform(prev.Wheels[i].Name) && a.usable(prev, &prev.Wheels[i], s) {
			return i
		}
	}
	return -1
}

// usable reports whether a row that has a hash may serve a target under the
// policy.
func (a *assembler) usable(prev *lock.Package, w *lock.Wheel, s spot) bool {
	name, err := tags.ParseWheelName(w.Name)
	if err != nil || w.Missing() {
		return false
	}
	if _, fits := s.target.Best(name); !fits {
		return false
	}
	if w.Origin == lock.OriginBuilt {
		return true
	}
	// Upstream's file is in use because it was proven equal to our build. It need
	// not be the best one for the target: a build may give the pure wheel where
	// the best has native code.
	if a.opt.Wheels != PolicyReproducible || !slices.ContainsFunc(s.pin.Wheels, func(f index.File) bool { return f.SHA256 == w.SHA256 }) {
		return false
	}
	return slices.ContainsFunc(prev.Upstream, func(u lock.Upstream) bool {
		return u.SHA256 == w.SHA256 && (u.Verdict == lock.VerdictBytes || u.Verdict == lock.VerdictContent)
	})
}

// expected is the file name that a build of p on a target should give.
func expected(p *lock.Package, s spot) string {
	python, abi, platform := s.target.PythonTag(), s.target.ABITag(), ownPlatform(s.target)
	f := s.pin.Wheel
	if f == nil && pure(s) {
		f = &s.pin.Wheels[0]
	}
	if f != nil {
		if w, err := tags.ParseWheelName(f.Name); err == nil {
			python, abi = parts(f.Name)
			if w.Tags[0].Platform == "any" {
				platform = "any"
			}
		}
	}
	return strings.Join([]string{escape(p.Name), strings.ReplaceAll(p.Version, "-", "_"), python, abi, platform}, "-") + ".whl"
}

// parts cuts the Python and ABI parts out of a wheel's file name, as they stand
// there: py2.py3 stays py2.py3.
func parts(file string) (python, abi string) {
	p := strings.Split(strings.TrimSuffix(file, ".whl"), "-")
	n := len(p)
	return p[n-3], p[n-2]
}

// escape is PEP 427's spelling of a normalised name.
func escape(name string) string { return strings.ReplaceAll(name, "-", "_") }

// ownPlatform is the tag that a build on the target itself gives before any
// repair: linux_x86_64 where wheels for distribution say manylinux.
func ownPlatform(t tags.Target) string {
	if libc, _, _ := t.Libc(); libc != "" {
		return "linux_" + t.Arch()
	}
	return t.Platform
}
