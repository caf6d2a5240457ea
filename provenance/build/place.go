package build

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A NoPlaceError says that this machine cannot build for a target, and what
// could be done instead.
type NoPlaceError struct {
	Target string
	Why    string   // "no glibc 2.31 here: this machine has 2.36"
	Ways   []string // ways out, a sentence each
}

func (e *NoPlaceError) Error() string {
	return fmt.Sprintf("building for %s: %s", e.Target, e.Why)
}

// Hint is the ways out in one line.
func (e *NoPlaceError) Hint() string { return strings.Join(e.Ways, "; or ") }

// CanBuild returns nil when this machine can build for the target with an
// interpreter of the tag, and a *NoPlaceError otherwise. It makes no tree: one that
// could be made counts.
func (b *Builder) CanBuild(ctx context.Context, t tags.Target, tag string, native bool) error {
	_, err := b.find(ctx, t, tag, native, false)
	return err
}

// onHost returns this machine's own interpreter for a build.
func (b *Builder) onHost(ctx context.Context, t tags.Target, tag string, native bool) (*Interpreter, error) {
	if native && t.OS() != thisOS() {
		return nil, elsewhere(t, "this machine is no "+t.OS()+" system")
	}
	i := b.Interpreters.Find(ctx, tag, native)
	if i == nil {
		v := pythonWord(tag)
		return nil, &NoPlaceError{Target: t.Name, Why: "no " + v + " here", Ways: []string{
			"install " + v + " and put it on PATH",
			"on a machine that has it, in a clone of this project: wheellock build --order order.json, which wheellock status -o order.json writes here",
		}}
	}
	if !native {
		return i, nil
	}
	if why := hostMismatch(i.Target, t); why != "" {
		return nil, elsewhere(t, why)
	}
	if !i.Headers {
		return nil, &NoPlaceError{Target: t.Name, Why: "Python " + i.Full + " here has no headers (Python.h)", Ways: []string{
			"install them: apt-get install python" + tagVersion(tag) + "-dev",
		}}
	}
	return i, nil
}

// elsewhere: nothing that could be installed here would help.
func elsewhere(t tags.Target, why string) error {
	return &NoPlaceError{Target: t.Name, Why: why, Ways: []string{
		"on " + t.Name + " itself (a machine, chroot or container), in a clone of this project: wheellock build --order order.json, which wheellock status -o order.json writes here",
	}}
}

// thisOS is this machine's system in the words of targets.
func thisOS() string {
	if runtime.GOOS == "darwin" {
		return "macos"
	}
	return runtime.GOOS
}

// pythonWord is "Python 3.11" for cp311, "PyPy 3.11" for pp311.
func pythonWord(tag string) string {
	if strings.HasPrefix(tag, "pp") {
		return "PyPy " + tagVersion(tag)
	}
	return "Python " + tagVersion(tag)
}

// hostMismatch says why native code linked on host does not run on t, which is of
// the same system.
func hostMismatch(host, t tags.Target) string {
	if t.Arch() != host.Arch() {
		return fmt.Sprintf("no %s processor here: this machine is %s", t.Arch(), host.Arch())
	}
	if host.PythonTag() == t.PythonTag() && host.ABITag() != t.ABITag() {
		// A free-threaded Python and the usual one, or two PyPys.
		return fmt.Sprintf("no Python with the ABI %s here: this machine's has %s", t.ABITag(), host.ABITag())
	}
	hl, hMajor, hMinor := host.Libc()
	l, major, minor := t.Libc()
	if l != hl {
		return fmt.Sprintf("no %s here: this machine has %s", l, hl)
	}
	// glibc promises that what was linked with an older one runs on a newer one,
	// not the other way round.
	if major < hMajor || major == hMajor && minor < hMinor {
		return fmt.Sprintf("no %s %d.%d here: this machine has %d.%d", l, major, minor, hMajor, hMinor)
	}
	return ""
}

// tagVersion is "3.11" of "cp311".
func tagVersion(tag string) string {
	digits := strings.TrimLeft(tag, "abcdefghijklmnopqrstuvwxyz")
	if len(digits) < 2 {
		return digits
	}
	return digits[:1] + "." + digits[1:]
}
