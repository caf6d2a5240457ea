package assemble

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Policies for Options.Wheels.
const (
	PolicyBuild         = "build"
	PolicyReproducible  = "build-unless-reproducible"
	PolicyUpstream      = "upstream"
	defaultPolicyWheels = PolicyReproducible
)

// Options is what a lock needs besides the solution.
type Options struct {
	Prev           *lock.Lock // what was locked before; nil: nothing
	Wheels         string     // policy; "" is build-unless-reproducible
	RequiresDigest string     // of the inputs
	ExcludeNewer   *time.Time // the cut-off in force
	Conflicts      [][]string // groups that the solution's variants keep apart
}

// NoHashError says that the index gives no SHA-256 for a file that would have
// to be locked.
type NoHashError struct{ Package, File string }

func (e *NoHashError) Error() string {
	return fmt.Sprintf("%s: the index gives no sha256 for %s", e.Package, e.File)
}

// Hint says what to try next.
func (e *NoHashError) Hint() string {
	return "use an index that gives sha256 hashes (PEP 503 or PEP 691), or put the file into a folder for --find-links"
}

// ChangedError says that a file which was locked before has other bytes now. A
// published file never changes honestly, so nothing is locked.
type ChangedError struct{ Package, File, Old, New string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s: %s was locked with sha256 %s, the index now gives %s", e.Package, e.File, e.Old, e.New)
}

// Hint says what to try next.
func (e *ChangedError) Hint() string {
	return "do not use this index before you know why; compare the two files with `wheellock compare`, or lock another version"
}

// NoFileError says that a target has neither a wheel nor a source.
type NoFileError struct{ Package, Target string }

func (e *NoFileError) Error() string {
	return fmt.Sprintf("%s: no wheel fits %s and there is no source to build one", e.Package, e.Target)
}

// Hint says what to try next.
func (e *NoFileError) Hint() string { return "lock another version, or take the target away" }

// Assemble makes the lock of a solution. Rows still to be built have no recipe
// unless the previous lock had one. The result is sorted. Errors are
// *NoHashError, *ChangedError or *NoFileError, or say what is wrong with the
// request.
func Assemble(sol *resolve.Solution, opt Options) (*lock.Lock, error) {
	if opt.Wheels == "" {
		opt.Wheels = defaultPolicyWheels
	}
	if !slices.Contains([]string{PolicyBuild, PolicyReproducible, PolicyUpstream}, opt.Wheels) {
		return nil, fmt.Errorf("assembling the lock: unknown policy for wheels %q", opt.Wheels)
	}
	l := &lock.Lock{Version: lock.Version, CreatedBy: lock.CreatedBy, RequiresDigest: opt.RequiresDigest, ExcludeNewer: opt.ExcludeNewer, Conflicts: slices.Clone(opt.Conflicts)}
	a := &assembler{opt: opt, l: l}
	for _, ts := range sol.Targets {
		l.Targets = append(l.Targets, target(ts.Target))
	}
	f := gather(sol)
	for _, k := range f.order {
		p, err := a.pkg(k, f.spots[k])
		if err != nil {
			return nil, err
		}
		l.SetVariants(p, f.variants[k])
		l.Packages = append(l.Packages, *p)
	}
	if opt.Prev != nil {
		a.recipes()
	}
	l.Sort()
	return l, nil
}

func target(t tags.Target) lock.Target {
	x := lock.Target{Name: t.Name, Python: t.Python, Platform: t.Platform, Implementation: t.Implementation, ABI: t.ABI}
	if x.Implementation == "cpython" {
		x.Implementation = ""
	}
	return x
}

// RequestLocked gives target -> name -> version of what l installs, for
// resolve.Request.Locked: the main variant's version where there are several, and
// none where one variant has two, as in a lock that is being merged.
// A nil lock gives nil.
func RequestLocked(l *lock.Lock) map[string]map[string]string {
	if l == nil {
		return nil
	}
	m, main := map[string]map[string]string{}, map[[2]string]int{}
	for _, t := range l.Targets {
		m[t.Name] = map[string]string{}
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for _, t := range l.TargetsOf(p) {
			in := l.In(p, t, "")
			if _, had := m[t][p.Name]; !had || in {
				m[t][p.Name] = p.Version
			}
			if in {
				main[[2]string{t, p.Name}]++
			}
		}
	}
	for k, n := range main {
		if n > 1 {
			delete(m[k[0]], k[1])
		}
	}
	return m
}

type key struct{ name, version string }

// spot is a pin on its target.
type spot struct {
	target tags.Target
	pin    *resolve.Pin
}

type assembler struct {
	opt Options
	l   *lock.Lock
}

func (a *assembler) pkg(k key, spots []spot) (*lock.Package, error) {
	p := &lock.Package{Name: k.name, Version: k.version, TargetDependencies: map[string][]string{}}
	prev := a.previous(k)
	installed := false // the default group needs it somewhere
	var newest tags.Target
	for i, s := range spots {
		p.Targets = append(p.Targets, s.target.Name)
		p.TargetDependencies[s.target.Name] = slices.Clone(s.pin.Dependencies)
		installed = installed || len(s.pin.Groups) == 0 || slices.Contains(s.pin.Groups, "")
		p.Groups = append(p.Groups, s.pin.Groups...)
		if i == 0 || newest.Version().Compare(s.target.Version()) < 0 {
			newest, p.RequiresPython = s.target, s.pin.RequiresPython
		}
		if p.Sdist == nil && s.pin.Sdist != nil {
			f, err := a.sdist(p, prev, *s.pin.Sdist)
			if err != nil {
				return nil, err
			}
			p.Sdist = f
		}
	}
	if installed {
		p.Groups = nil
	}
	if prev != nil && !sameSource(p, prev) {
		prev = nil
	}
	if err := a.upstream(p, prev, spots); err != nil {
		return nil, err
	}
	return p, a.wheels(p, prev, spots)
}

// previous finds the block of the same name and version in the previous lock.
func (a *assembler) previous(k key) *lock.Package {
	if a.opt.Prev == nil {
		return nil
	}
	for i := range a.opt.Prev.Packages {
		p := &a.opt.Prev.Packages[i]
		if p.Name == k.name && p.Version == k.version && p.Group != lock.GroupBuild {
			return p
		}
	}
	return nil
}

func sameSource(a, b *lock.Package) bool {
	if a.Sdist == nil || b.Sdist == nil {
		return a.Sdist == nil && b.Sdist == nil
	}
	return a.Sdist.SHA256 == b.Sdist.SHA256
}

func (a *assembler) sdist(p, prev *lock.Package, f index.File) (*lock.File, error) {
	x := &lock.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256}
	if prev == nil || prev.Sdist == nil || prev.Sdist.Name != f.Name {
		return x, hashed(p, f)
	}
	if err := unchanged(p, f, prev.Sdist.SHA256); err != nil {
		return nil, err
	}
	if x.Size == 0 {
		x.Size = prev.Sdist.Size
	}
	return x, nil
}

func hashed(p *lock.Package, f index.File) error {
	if f.SHA256 == "" {
		return &NoHashError{p.Name + " " + p.Version, f.Name}
	}
	return nil
}

func unchanged(p *lock.Package, f index.File, old string) error {
	if err := hashed(p, f); err != nil {
		return err
	}
	if f.SHA256 != old {
		return &ChangedError{p.Name + " " + p.Version, f.Name, old, f.SHA256}
	}
	return nil
}

// upstream lists each target's best published wheel, with what the previous
// lock knew about it, and the other published ones that it was compared with.
func (a *assembler) upstream(p, prev *lock.Package, spots []spot) error {
	for _, s := range spots {
		for i := range s.pin.Wheels {
			if f := &s.pin.Wheels[i]; a.compared(prev, s, f.Name) && (s.pin.Wheel == nil || f.Name != s.pin.Wheel.Name) {
				if err := a.addUpstream(p, prev, s, *f); err != nil {
					return err
				}
			}
		}
		if s.pin.Wheel != nil {
			if err := a.addUpstream(p, prev, s, *s.pin.Wheel); err != nil {
				return err
			}
		}
	}
	return nil
}

// compared reports whether the previous lock compared a build for the target
// with a published file: one that is not the best for it, but has the name that
// the build gave.
func (a *assembler) compared(prev *lock.Package, s spot, file string) bool {
	if prev == nil || !prev.Covers(s.target.Name) || !a.sameTargets([]string{s.target.Name}) {
		return false
	}
	return slices.ContainsFunc(prev.Upstream, func(u lock.Upstream) bool {
		return u.Name == file && slices.Contains(a.opt.Prev.UpstreamTargets(prev, &u), s.target.Name)
	})
}

// addUpstream adds one published file, for one target, to p.Upstream.
func (a *assembler) addUpstream(p, prev *lock.Package, s spot, f index.File) error {
	if err := hashed(p, f); err != nil {
		return err
	}
	if i := slices.IndexFunc(p.Upstream, func(u lock.Upstream) bool { return u.Name == f.Name }); i >= 0 {
		p.Upstream[i].Targets = append(p.Upstream[i].Targets, s.target.Name)
		return nil
	}
	u := lock.Upstream{Name: f.Name, Size: f.Size, SHA256: f.SHA256, Verdict: lock.VerdictUntried}
	if prev != nil {
		for _, was := range prev.Upstream {
			if was.Name != u.Name {
				continue
			}
			if err := unchanged(p, f, was.SHA256); err != nil {
				return err
			}
			u = was
			u.Size = max(u.Size, f.Size)
		}
	}
	u.Targets = []string{s.target.Name}
	p.Upstream = append(p.Upstream, u)
	return nil
}

// pure reports whether every published wheel is for any platform. No wheel:
// not known, so false.
func pure(s spot) bool {
	for _, f := range s.pin.Wheels {
		if !anyPlatform(f.Name) {
			return false
		}
	}
	return len(s.pin.Wheels) > 0
}

func anyPlatform(file string) bool { return strings.HasSuffix(file, "-none-any.whl") }
