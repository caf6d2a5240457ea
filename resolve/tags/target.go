package tags

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// Target is one Python environment to lock for. It is a comparable value; make
// one with Lookup, New or FromInterpreter, or fill in Python and Platform.
type Target struct {
	Name                  string // "bookworm"; also the name of a folder
	Implementation        string // "cpython" or "pypy"; "" is cpython
	Python                string // "3.11", "3.11.2" where the patch release matters, "3.13t" without a GIL
	FullVersion           string // "3.11.2"; "" is what Python says, or the last patch release known
	Platform              string // "manylinux_2_36_x86_64", "musllinux_1_2_x86_64", "macosx_14_0_arm64", "win_amd64"
	ABI                   string // "" is the usual one of Python: "cp311", "cp37m", "cp313t"
	ImplementationVersion string // PyPy's own, "7.3.17"; "" for CPython or the last one known
}

// Check says what is wrong with a target that somebody else made, nil if all
// its methods give sensible answers.
func (t Target) Check() error {
	if err := checkName(t.Name); err != nil {
		return err
	}
	if _, err := t.python(); err != nil {
		return fmt.Errorf("target %s: %w", t.Name, err)
	}
	if t.FullVersion != "" {
		p, _ := t.python()
		v, err := pep440.Parse(t.FullVersion)
		if err != nil || !strings.HasPrefix(v.String()+".", p.dotted()+".") {
			return fmt.Errorf("target %s: full version %q is not of Python %s", t.Name, t.FullVersion, p.dotted())
		}
	}
	if err := checkPlatform(t.Platform); err != nil {
		return fmt.Errorf("target %s: %w", t.Name, err)
	}
	return nil
}

// MaxName is the most bytes that a target's name may have.
const MaxName = 64

// checkName keeps to what is safe as a folder and in an address. "any" is the
// folder of wheels that every target takes.
func checkName(s string) error {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	if s == "" || len(s) > MaxName || s == "any" ||
		!strings.ContainsRune(first, rune(s[0])) || strings.Trim(s, first+"._@-") != "" {
		return fmt.Errorf("%q cannot name a target: use up to %d of a-z, 0-9, '.', '_', '-', not \"any\"", clip(s), MaxName)
	}
	return nil
}

func checkPlatform(s string) error {
	p := parsePlatform(s)
	plain := strings.Trim(p.arch, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
	switch {
	case p.os == "" || !plain:
	case p.os == "macos" && p.major < 10:
	case p.libc == "glibc" && p.major < 2:
	case p.libc != "" && !contains(linuxPlatformArchs, p.arch), p.os == "windows" && p.arch != "amd64" && p.arch != "arm64" && p.arch != "x86":
		return strangeArch(s, p)
	case p.os == "macos" && p.arch == "universal2":
		return fmt.Errorf("platform %q: universal2 is of wheels, a Mac is arm64 or x86_64 and takes them", s)
	case p.os == "macos" && p.arch != "arm64" && p.arch != "x86_64" && p.arch != "i386":
		return fmt.Errorf("platform %q: a Mac's architecture is arm64 or x86_64", s)
	case p.os == "macos" && p.arch == "arm64" && p.major < 11:
		return fmt.Errorf("platform %q: Macs with arm64 begin with macosx_11_0_arm64", s)
	default:
		return nil
	}
	return fmt.Errorf("%q is no platform: write manylinux_2_28_x86_64, musllinux_1_2_x86_64, macosx_14_0_arm64 or win_amd64", clip(s))
}

// linuxPlatformArchs are those of platform tags with a libc: what manylinux is
// defined for, and what else Alpine has.
var linuxPlatformArchs = append([]string{"armv6l"}, manylinuxArchs...)

// strangeArch says how an architecture is spelled in a platform tag: names of
// distributions and of Go and Docker are what people write first.
func strangeArch(s string, p platform) error {
	if arch, ok := archOf(p.os, p.arch); ok {
		p.arch = arch
		return fmt.Errorf("platform %q: the architecture is spelled as in %s", clip(s), p)
	}
	return fmt.Errorf("platform %q: there are no wheels for the architecture %q; write manylinux_2_28_x86_64 or ..._aarch64", clip(s), clip(p.arch))
}

// python is the interpreter; its full version is FullVersion if there is one.
func (t Target) python() (python, error) {
	p, err := parsePython(t.Python)
	if err != nil {
		return python{}, err
	}
	if t.Implementation != "" {
		p.impl = t.Implementation
	}
	if t.FullVersion != "" {
		p.full = t.FullVersion
	}
	if strings.HasPrefix(t.ABI, "cp") && strings.Contains(strings.TrimLeft(t.ABI[2:], "0123456789"), "t") {
		p.threaded = true
	}
	return p, nil
}

// fullVersion is "3.11.2", never without a patch number.
func (t Target) fullVersion() string {
	p, err := t.python()
	switch {
	case err != nil:
		return t.FullVersion
	case p.full != "":
		return p.full
	}
	if l, ok := last[p.impl+" "+p.dotted()]; ok {
		return l[0]
	}
	return p.dotted() + ".0"
}

// Version is the full Python version, which Requires-Python is judged by; the
// zero Version if the target is not valid.
func (t Target) Version() pep440.Version {
	v, err := pep440.Parse(t.fullVersion())
	if err != nil {
		return pep440.Version{}
	}
	return v
}

// prefix is the implementation's part of an interpreter tag (PEP 425).
func (p python) prefix() string {
	switch p.impl {
	case "cpython":
		return "cp"
	case "pypy":
		return "pp"
	}
	return p.impl
}

// PythonTag is the interpreter's tag: "cp311", "pp310"; "" if the target is not valid.
func (t Target) PythonTag() string {
	p, err := t.python()
	if err != nil {
		return ""
	}
	return p.prefix() + p.nodot()
}

// ABITag is the tag of the interpreter's own ABI: "cp311", "cp37m", "cp313t",
// "pypy310_pp73"; "" if unknown.
func (t Target) ABITag() string {
	p, err := t.python()
	switch {
	case t.ABI != "":
		return t.ABI
	case err != nil:
		return ""
	case p.impl == "pypy":
		return p.pypyABI(t.ImplementationVersion)
	case p.impl != "cpython":
		return ""
	}
	abi := "cp" + p.nodot()
	switch {
	case p.threaded:
		return abi + "t"
	case p.major == 3 && p.minor >= 8:
		return abi
	case p.major == 3 && p.minor >= 3:
		return abi + "m" // pymalloc
	case parsePlatform(t.Platform).os == "linux":
		return abi + "mu" // pymalloc, and wide Unicode as every distribution chose
	}
	return abi + "m"
}

// Libc is "glibc", 2, 36 or "musl", 1, 2; "" and zeros where there is none.
func (t Target) Libc() (name string, major, minor int) {
	p := parsePlatform(t.Platform)
	if p.libc == "" {
		return "", 0, 0
	}
	return p.libc, p.major, p.minor
}

// OS is "linux", "macos" or "windows".
func (t Target) OS() string { return parsePlatform(t.Platform).os }

// Arch is the architecture as the platform tag spells it: "x86_64", "aarch64",
// on macOS "arm64", on Windows "amd64", "x86" or "arm64".
func (t Target) Arch() string { return parsePlatform(t.Platform).arch }

// Environment is the whole PEP 508 environment but for extra. What describes
// the kernel that happens to run (platform_release, platform_version) is empty.
func (t Target) Environment() pep508.Environment {
	p, err := t.python()
	if err != nil {
		return pep508.Environment{}
	}
	full := t.fullVersion()
	env := pep508.Environment{
		"implementation_name":            p.impl,
		"implementation_version":         full,
		"platform_python_implementation": "CPython",
		"platform_release":               "",
		"platform_version":               "",
		"python_full_version":            full,
		"python_version":                 p.dotted(),
	}
	switch p.impl {
	case "cpython":
	case "pypy":
		env["platform_python_implementation"] = "PyPy"
	case "graalpy":
		env["platform_python_implementation"] = "GraalVM"
	default:
		env["platform_python_implementation"] = p.impl
	}
	if p.impl != "cpython" {
		env["implementation_version"] = cmp.Or(t.ImplementationVersion, pypyVersions[full], last[p.impl+" "+p.dotted()][1])
	}
	plat := parsePlatform(t.Platform)
	env["os_name"], env["sys_platform"], env["platform_system"] = "posix", "linux", "Linux"
	if p.major == 2 {
		env["sys_platform"] = "linux2"
	}
	env["platform_machine"] = plat.arch
	switch plat.os {
	case "macos":
		env["sys_platform"], env["platform_system"] = "darwin", "Darwin"
	case "windows":
		env["os_name"], env["sys_platform"], env["platform_system"] = "nt", "win32", "Windows"
		// What Windows itself says in PROCESSOR_ARCHITECTURE.
		env["platform_machine"] = strings.ToUpper(plat.arch)
		if plat.arch == "x86" {
			env["platform_machine"] = "x86"
		}
	}
	return env
}
