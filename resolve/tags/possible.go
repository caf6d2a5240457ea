package tags

import (
	"fmt"
	"strings"
)

// runsOn refuses pairs of which there is no build at all, so that a slip of the
// pen is not locked for. Where builds are rare it says nothing.
func (p python) runsOn(on platform) error {
	old := func(minor int) bool { return p.major == 2 || p.minor < minor }
	switch {
	case on.os == "windows" && on.arch == "arm64" && old(8):
		return fmt.Errorf("there is no Python %s for Windows on arm64: the first was 3.8", p.dotted())
	case on.os == "macos" && on.arch == "arm64" && p.major == 3 && p.minor < 8: // a 2.7 came with macOS 11
		return fmt.Errorf("there is no Python %s for macOS on arm64: the first was 3.8", p.dotted())
	case on.arch == "loongarch64" && on.libc == "glibc" && on.major == 2 && on.minor < 36:
		return fmt.Errorf("glibc runs on loongarch64 from 2.36 on, not %d.%d", on.major, on.minor)
	case on.arch == "riscv64" && on.libc == "glibc" && on.major == 2 && on.minor < 27:
		return fmt.Errorf("glibc runs on riscv64 from 2.27 on, not %d.%d", on.major, on.minor)
	case p.impl == "pypy" && p.major == 3 && p.minor < 5:
		return fmt.Errorf("PyPy implements Python 2.7 and 3.5 or later, not %s", p.dotted())
	}
	return nil
}

// takesABI refuses an ABI tag that is not of the interpreter; "" is the usual
// one.
func (p python) takesABI(abi string) error {
	if abi == "" {
		return nil
	}
	if p.impl == "pypy" {
		rest, ok := strings.CutPrefix(abi, "pypy"+p.nodot()+"_pp")
		if p.major == 2 {
			rest, ok = strings.CutPrefix(abi, "pypy_")
		}
		if _, digits := number(rest); !ok || !digits {
			return fmt.Errorf("abi %q is not of PyPy %s: write for example %s", clip(abi), p.dotted(), p.pypyABI(""))
		}
		return nil
	}
	flags, ok := strings.CutPrefix(abi, "cp"+p.nodot())
	if !ok || strings.Trim(flags, "tdmu") != "" {
		return fmt.Errorf("abi %q is not of CPython %s: write for example cp%s", clip(abi), p.dotted(), p.nodot())
	}
	if strings.Contains(flags, "t") && (p.major != 3 || p.minor < 13) {
		return fmt.Errorf("abi %q: CPython is free-threaded from 3.13 on only", clip(abi))
	}
	return nil
}

// pypyABI is the ABI tag of PyPy's C interface: its first two numbers, which
// did not change from 7.3 (2019) to 8.0. own is PyPy's version, "" if only
// Python's is known: 3.11.16 was the first 3.11 of PyPy 8.
func (p python) pypyABI(own string) string {
	number := "73"
	var patch int
	fmt.Sscanf(p.full, "3.11.%d", &patch)
	if p.major == 3 && (p.minor > 11 || p.minor == 11 && patch >= 16) {
		number = "80"
	}
	if f := strings.Split(own, "."); len(f) >= 2 {
		number = f[0] + f[1]
	}
	if p.major == 2 {
		return "pypy_" + number
	}
	return "pypy" + p.nodot() + "_pp" + number
}
