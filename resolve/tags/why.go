package tags

import (
	"fmt"
	"strings"
)

// Why says in words what keeps the target from taking a wheel, from the tag of
// it that comes nearest: "needs glibc 2.28, target has 2.23", "needs CPython
// 3.12 (cp312)", "is for Windows". It is "" if the target takes the wheel.
func (t Target) Why(w WheelName) string {
	reason, _ := t.Misfit(w)
	return reason
}

// Misfit is Why with a measure of how far the wheel is from fitting, to choose
// among the refused files of a version the one worth showing: an older libc is
// nearer than another Python, and another operating system is farthest. It is
// 0 if the target takes the wheel.
func (t Target) Misfit(w WheelName) (reason string, away int) {
	if _, ok := t.Best(w); ok {
		return "", 0
	}
	for _, tag := range w.Tags {
		r, a := t.misfit(tag)
		if reason == "" || a < away {
			reason, away = r, a
		}
	}
	return reason, away
}

// How far one difference is from fitting. Within one kind, the number of
// releases between is added (at most 255, see number).
const (
	awayLibc    = 1 << 10 // libc or OS too old
	awayABI     = 1 << 11 // same Python, other build of it
	awayPython  = 1 << 12 // other version
	awayImpl    = 1 << 13 // other implementation
	awayFamily  = 1 << 14 // glibc and musl
	awayArch    = 1 << 15
	awaySystem  = 1 << 16
	awayUnknown = 1 << 20
)

func (t Target) misfit(tag Tag) (string, int) {
	platReason, platAway, fixable := t.platformMisfit(tag.Platform)
	pyReason, pyAway := t.pythonMisfit(tag)
	switch {
	case platReason != "" && !fixable:
		// No other Python would help, so it is not worth a word.
		return platReason, platAway + pyAway
	case platReason != "" && pyReason != "":
		return pyReason + " and " + strings.TrimPrefix(platReason, "needs "), platAway + pyAway
	case platReason != "":
		return platReason, platAway
	case pyReason != "":
		return pyReason, pyAway
	}
	return "has the tag " + tag.String() + ", which no installer takes there", awayUnknown
}

// platformMisfit explains a platform that the target does not take; fixable
// is false where the file is for another kind of machine.
func (t Target) platformMisfit(tag string) (reason string, away int, fixable bool) {
	if tag == "any" {
		return "", 0, true
	}
	if t.table().platforms[tag] {
		return "", 0, true
	}
	have, want := parsePlatform(t.Platform), parsePlatform(tag)
	switch {
	case want.os == "":
		return "is for " + tag, awaySystem, false
	case want.os != have.os:
		return "is for " + osWord(want.os), awaySystem, false
	case !runs(have, want.arch):
		if want.os == "linux" {
			return "is for " + want.arch, awayArch, false
		}
		return "is for " + osWord(want.os) + " on " + want.arch, awayArch, false
	case want.libc != have.libc && have.libc == "":
		return fmt.Sprintf("needs %s %d.%d, target's is not known", want.libc, want.major, want.minor), awayFamily, false
	case want.libc != have.libc:
		return fmt.Sprintf("needs %s, target has %s", want.libc, have.libc), awayFamily, false
	}
	name := want.libc
	if want.os == "macos" {
		name = "macOS"
	}
	if want.major < have.major || want.major == have.major && want.minor <= have.minor {
		return "has the platform tag " + tag + ", which no installer takes there", awayUnknown, false
	}
	away = awayLibc + 64*(want.major-have.major)
	if want.major == have.major {
		away = awayLibc + want.minor - have.minor
	}
	return fmt.Sprintf("needs %s %d.%d, target has %d.%d", name, want.major, want.minor, have.major, have.minor), away, true
}

// runs reports whether the platform runs programs for arch in some version.
func runs(p platform, arch string) bool {
	if p.os == "macos" {
		return arch == p.arch || contains(macFormats(10, 4, p.arch), arch) || contains(macFormats(11, 0, p.arch), arch)
	}
	return arch == p.arch || p.arch == "armv8l" && arch == "armv7l"
}

func osWord(os string) string {
	return map[string]string{"linux": "Linux", "macos": "macOS", "windows": "Windows"}[os]
}

// pythonMisfit explains an interpreter or ABI that the target is not.
func (t Target) pythonMisfit(tag Tag) (reason string, away int) {
	have, err := t.python()
	if err != nil {
		return err.Error(), awayUnknown
	}
	impl, major, minor := interpreterOf(tag.Python)
	version := fmt.Sprintf("%d.%d", major, minor)
	if minor < 0 {
		version = fmt.Sprint(major)
	}
	if impl == "" {
		return "is for the interpreter " + tag.Python, awayImpl
	}
	gap := awayPython + abs(minor-have.minor)
	if major != have.major {
		gap = awayPython + 256
	}
	if impl == "py" {
		switch {
		case tag.ABI != "none":
			return "has the ABI " + tag.ABI + " with no interpreter", awayUnknown
		case major != have.major:
			return fmt.Sprintf("needs Python %s (%s)", version, tag.Python), gap
		case minor > have.minor:
			return fmt.Sprintf("needs Python %s or later (%s)", version, tag.Python), gap
		}
		return "", 0
	}
	who := implWord(impl)
	if impl != have.impl {
		return fmt.Sprintf("needs %s %s (%s)", who, version, tag.Python), awayImpl + gap
	}
	switch stable := have.stableABI(); {
	case (tag.ABI == "abi3" || tag.ABI == "abi3t") && tag.ABI != stable && major == have.major && minor <= have.minor:
		if have.threaded {
			return "has no build for a free-threaded Python (" + tag.ABI + ")", awayABI
		}
		return "needs a free-threaded Python (" + tag.ABI + ")", awayABI
	case (tag.ABI == "abi3" || tag.ABI == "abi3t") && major == have.major:
		if minor > have.minor {
			return fmt.Sprintf("needs %s %s or later (%s-%s)", who, version, tag.Python, tag.ABI), gap
		}
		return "", 0
	case major != have.major || minor >= 0 && minor != have.minor:
		if isThreadedABI(tag.ABI) && !have.threaded {
			return fmt.Sprintf("needs free-threaded %s %s (%s)", who, version, tag.ABI), gap
		}
		return fmt.Sprintf("needs %s %s (%s)", who, version, tag.Python), gap
	case tag.ABI == "none" || tag.ABI == t.ABITag():
		return "", 0
	case isThreadedABI(tag.ABI) && !have.threaded:
		return fmt.Sprintf("needs free-threaded %s %s (%s)", who, version, tag.ABI), awayABI
	case have.threaded && !isThreadedABI(tag.ABI):
		return fmt.Sprintf("has no build for a free-threaded Python (%s)", tag.ABI), awayABI
	}
	return fmt.Sprintf("needs the ABI %s, target has %s", tag.ABI, t.ABITag()), awayABI
}

// interpreterOf splits "cp312" into "cpython", 3, 12. minor is -1 for "py3",
// impl "" for a word of another form.
func interpreterOf(s string) (impl string, major, minor int) {
	i := strings.IndexAny(s, "0123456789")
	if i <= 0 {
		return "", 0, 0
	}
	impl = map[string]string{"py": "py", "cp": "cpython", "pp": "pypy"}[s[:i]]
	if impl == "" {
		impl = s[:i]
	}
	major, ok := number(s[i : i+1])
	if !ok {
		return "", 0, 0
	}
	if len(s) == i+1 {
		return impl, major, -1
	}
	minor, ok = number(s[i+1:])
	if !ok {
		return "", 0, 0
	}
	return impl, major, minor
}

func implWord(impl string) string {
	switch impl {
	case "cpython":
		return "CPython"
	case "pypy":
		return "PyPy"
	}
	return impl
}

// isThreadedABI reports "cp313t".
func isThreadedABI(abi string) bool {
	rest, ok := strings.CutPrefix(abi, "cp")
	return ok && strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), "t")
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
