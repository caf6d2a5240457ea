package tags

import (
	"fmt"
	"strings"
)

// linuxArchs are the architectures that a name may end in, as the platform tag
// spells them. In names aarch64 is written arm64, which is what both Debian and
// most people say; the other words of a row are understood.
var linuxArchs = []struct {
	tag, suffix string
	also        []string
}{
	{"x86_64", "x86_64", []string{"amd64", "x64"}},
	{"aarch64", "arm64", []string{"aarch64"}},
	{"i686", "i686", []string{"i386", "x86"}},
	{"armv7l", "armv7l", []string{"armhf", "armv7"}},
	{"ppc64le", "ppc64le", []string{"ppc64el"}},
	{"s390x", "s390x", nil},
	{"riscv64", "riscv64", nil},
	{"loongarch64", "loongarch64", nil},
}

// archOf reads an architecture's word for a system: "arm64" is aarch64 on
// Linux, arm64 on macOS and Windows.
func archOf(os, word string) (string, bool) {
	tag := ""
	for _, a := range linuxArchs {
		if word == a.tag || word == a.suffix || contains(a.also, word) {
			tag = a.tag
		}
	}
	if os == "linux" || tag == "" {
		return tag, tag != ""
	}
	words := map[string]map[string]string{
		"macos":   {"aarch64": "arm64", "x86_64": "x86_64"},
		"windows": {"aarch64": "arm64", "x86_64": "amd64", "i686": "x86"},
	}
	arch, ok := words[os][tag]
	return arch, ok
}

// archSuffix is the word for arch in a target's name.
func archSuffix(arch string) string {
	switch arch {
	case "aarch64":
		return "arm64"
	case "amd64":
		return "x86_64"
	case "x86":
		return "i686"
	}
	return arch
}

// joinArch is the platform tag of "manylinux_2_36" or "win" on an architecture.
func joinArch(base, arch string) string {
	if base == "win" && arch == "x86" {
		return "win32"
	}
	return base + "_" + arch
}

// UnknownTargetError is a name that stands for no target.
type UnknownTargetError struct {
	Name   string
	Near   []string // known names that are spelled like it, best first
	Reason error    // what is wrong with a name of the right form, or nil
}

// Error gives the reason, or the near spellings, or says which forms there are.
func (e *UnknownTargetError) Error() string {
	if e.Reason != nil {
		return fmt.Sprintf("target %q: %v", clip(e.Name), e.Reason)
	}
	s := fmt.Sprintf("unknown target %q", clip(e.Name))
	if len(e.Near) > 0 {
		return s + ": did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s + " (known are names such as bookworm, jammy-arm64, alpine-3.20, macos, manylinux_2_28-3.12 and 3.12@manylinux_2_28_x86_64)"
}

// Unwrap is Reason.
func (e *UnknownTargetError) Unwrap() error { return e.Reason }

// Lookup finds a target by any of the names in the package comment. The
// target's Name is the one spelling of it: "debian-12-aarch64" gives
// bookworm-arm64. Its error is an *UnknownTargetError.
func Lookup(name string) (Target, error) {
	if len(name) <= MaxName {
		if py, plat, ok := strings.Cut(name, "@"); ok {
			t, err := atPlatform(py, plat)
			if err != nil {
				return Target{}, &UnknownTargetError{Name: name, Reason: err}
			}
			return t, nil
		}
		t, ok, err := catalogued(name)
		if !ok && err == nil {
			t, ok, err = composed(name)
		}
		if err != nil {
			return Target{}, &UnknownTargetError{Name: name, Reason: err}
		}
		if ok {
			return t, nil
		}
	}
	return Target{}, &UnknownTargetError{Name: name, Near: near(name)}
}

// row finds a distribution by name or alias.
func row(name string) (distribution, bool) {
	for _, d := range distributions {
		if d.name == name || contains(d.aliases, name) {
			return d, true
		}
	}
	return distribution{}, false
}

func (d distribution) os() string {
	return parsePlatform(joinArch(d.platform, d.defaultArch())).os
}

// catalogued reads NAME and NAME-ARCH. ok is false for a name of another form.
func catalogued(name string) (t Target, ok bool, err error) {
	if d, ok := row(name); ok {
		return d.target(""), true, nil
	}
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return Target{}, false, nil
	}
	d, ok := row(name[:i])
	if !ok {
		return Target{}, false, nil
	}
	arch, ok := archOf(d.os(), name[i+1:])
	switch {
	case !ok && parsePythonLike(name[i+1:]):
		return Target{}, false, nil
	case !ok || !d.has(arch):
		return Target{}, false, fmt.Errorf("%s has no %s, only %s", d.name, clip(name[i+1:]), strings.Join(Architectures(d.name), ", "))
	}
	return d.target(arch), true, nil
}

// parsePythonLike reports the other word that may follow: macos-3.12.
func parsePythonLike(word string) bool {
	_, err := parsePython(word)
	return err == nil || strings.Contains(word, ".")
}

// composed reads BASE-PYTHON and BASE-PYTHON-ARCH, where BASE is
// "manylinux_2_28", "manylinux2014", "musllinux_1_2" or a whole platform tag,
// "macos" or "windows". ok is false for a name of another form.
func composed(name string) (t Target, ok bool, err error) {
	f := strings.Split(name, "-")
	if len(f) < 2 || len(f) > 3 {
		return Target{}, false, nil
	}
	base, implied, ok := platformBase(f[0])
	if !ok {
		return Target{}, false, nil
	}
	py, err := parsePython(f[1])
	if err != nil {
		return Target{}, false, err
	}
	arch := implied
	if len(f) == 3 {
		os := parsePlatform(joinArch(base, implied)).os
		if arch, ok = archOf(os, f[2]); !ok {
			return Target{}, false, fmt.Errorf("%q is no architecture of %s", f[2], os)
		}
	}
	t = interpreterTarget(py, joinArch(base, arch))
	if err := checkPlatform(t.Platform); err != nil {
		return Target{}, false, err
	}
	if err := py.runsOn(parsePlatform(t.Platform)); err != nil {
		return Target{}, false, err
	}
	word := base
	if _, known := row(f[0]); known {
		word = f[0]
	}
	t.Name = word + "-" + py.String()
	if _, usual, _ := platformBase(word); arch != usual {
		t.Name += "-" + archSuffix(arch)
	}
	return t, true, nil
}

// platformBase splits a platform, with or without architecture, into what comes
// before it and the architecture that is meant.
func platformBase(s string) (base, arch string, ok bool) {
	switch s {
	case "macos", "windows":
		d, _ := row(s)
		return d.platform, d.defaultArch(), true
	}
	if p := parsePlatform(s); p.libc != "" || p.os == "macos" {
		return strings.TrimSuffix(p.String(), "_"+p.arch), p.arch, true
	}
	if p := parsePlatform(s + "_x86_64"); p.libc != "" {
		return strings.TrimSuffix(p.String(), "_x86_64"), "x86_64", true
	}
	if p := parsePlatform(s + "_arm64"); p.os == "macos" {
		return strings.TrimSuffix(p.String(), "_arm64"), "arm64", true
	}
	return "", "", false
}

// atPlatform reads PYTHON@PLATFORM. The platform may also be a name of the
// catalogue, whose own Python is then not meant, or lack its architecture.
func atPlatform(py, plat string) (Target, error) {
	p, err := parsePython(py)
	if err != nil {
		return Target{}, err
	}
	if t, ok, err := catalogued(plat); err != nil {
		return Target{}, err
	} else if ok {
		plat = t.Platform
	} else if base, arch, ok := platformBase(plat); ok {
		plat = joinArch(base, arch)
	}
	if err := checkPlatform(plat); err != nil {
		return Target{}, err
	}
	if err := p.runsOn(parsePlatform(plat)); err != nil {
		return Target{}, err
	}
	t := interpreterTarget(p, parsePlatform(plat).String())
	t.Name = p.String() + "@" + t.Platform
	return t, nil
}

// interpreterTarget is a target without a name.
func interpreterTarget(p python, platform string) Target {
	t := Target{Implementation: p.impl, Python: p.plain(), Platform: platform}
	if p.threaded {
		t.ABI = t.ABITag()
	}
	t.FullVersion = t.fullVersion()
	return t
}

// New makes the target of a configuration's or a lock's entry. A name that
// Lookup knows needs nothing more, and python, platform, implementation and abi
// override what it means; any other name needs python and platform. The errors
// of a name alone are Lookup's.
func New(name, python, platform, implementation, abi string) (Target, error) {
	t, err := Lookup(name)
	if err != nil {
		if python == "" && platform == "" {
			return Target{}, err
		}
		if err := checkName(name); err != nil {
			return Target{}, err
		}
		if python == "" || platform == "" {
			return Target{}, fmt.Errorf("target %s is not a known name: it needs both python and platform", name)
		}
		t = Target{Name: name}
	}
	if implementation == "" {
		implementation = t.Implementation
	}
	if python == "" {
		python = t.Python
	}
	if platform == "" {
		platform = t.Platform
	}
	n, err := t.override(python, platform, implementation, abi)
	if err != nil {
		return Target{}, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return n, n.Check()
}

func (t Target) override(python, platform, implementation, abi string) (Target, error) {
	p, err := parsePython(python)
	if err != nil {
		return Target{}, err
	}
	if implementation != "" {
		if p.impl != "cpython" && p.impl != implementation {
			return Target{}, fmt.Errorf("python %q is not of implementation %q", python, implementation)
		}
		p.impl = implementation
	}
	if p.impl != "cpython" && p.impl != "pypy" {
		return Target{}, fmt.Errorf("implementation %q is neither cpython nor pypy", p.impl)
	}
	if err := p.takesABI(abi); err != nil {
		return Target{}, err
	}
	p.threaded = p.threaded || isThreadedABI(abi)
	if err := checkPlatform(platform); err != nil {
		return Target{}, err
	}
	if err := p.runsOn(parsePlatform(platform)); err != nil {
		return Target{}, err
	}
	n := interpreterTarget(p, parsePlatform(platform).String())
	n.Name = t.Name
	if abi != n.ABITag() && abi != "" {
		n.ABI = abi
	}
	// The distribution's patch release stays, unless another Python is meant.
	if old, err := t.python(); err == nil && p.full == "" && t.FullVersion != "" &&
		old.impl == p.impl && old.dotted() == p.dotted() {
		n.FullVersion, n.ImplementationVersion = t.FullVersion, t.ImplementationVersion
	}
	return n, nil
}
