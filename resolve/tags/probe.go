package tags

import (
	"fmt"
	"strings"
)

// Probe is what ProbeScript says of the interpreter that ran it.
type Probe struct {
	Implementation        string `json:"implementation"`         // sys.implementation.name, "cpython"
	ImplementationVersion string `json:"implementation_version"` // "7.3.17" for PyPy
	FullVersion           string `json:"full_version"`           // platform.python_version(), "3.11.2"
	Platform              string `json:"platform"`               // sysconfig.get_platform(), "linux-x86_64"
	Machine               string `json:"machine"`                // platform.machine()
	Libc                  string `json:"libc"`                   // "glibc", "musl" or ""
	LibcVersion           string `json:"libc_version"`           // "2.36"
	ABIFlags              string `json:"abiflags"`               // sys.abiflags; for Python 2 what it would be, "mu"
	SOABI                 string `json:"soabi"`                  // "cpython-311-x86_64-linux-gnu"
	FreeThreaded          bool   `json:"free_threaded"`
	Bits                  int    `json:"bits"`  // of a pointer: 32 or 64
	MacOS                 string `json:"macos"` // "14.5", "" elsewhere
}

// ProbeScript is a Python program, for 2.7 and 3.x, that prints one Probe as a
// line of JSON. Running it (python3 -I -c SCRIPT) is the caller's job.
const ProbeScript = `import json, os, platform, re, struct, subprocess, sys, sysconfig

def release(v):
    s = "%d.%d.%d" % tuple(v[:3])
    kind = v[3]
    return s if kind == "final" else s + {"alpha": "a", "beta": "b"}.get(kind, "rc") + str(v[4])

def run(args, **env):
    e = dict(os.environ)
    e.update(env)
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=e)
    return p.communicate()[0].decode("utf-8", "replace").strip()

def libc():
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
        return name, version
    except Exception:
        pass
    try:
        import ctypes
        f = ctypes.CDLL(None).gnu_get_libc_version
        f.restype = ctypes.c_char_p
        return "glibc", f().decode("ascii")
    except Exception:
        pass
    loader = ""
    try:
        with open("/proc/self/maps") as f:
            m = re.search(r"/\S*ld-musl-\S+", f.read())
        loader = m.group(0) if m else ""
    except Exception:
        pass
    if not loader and os.path.isdir("/lib"):
        found = sorted(n for n in os.listdir("/lib") if n.startswith("ld-musl-"))
        loader = "/lib/" + found[0] if found else ""
    if loader:
        try:
            m = re.search(r"^musl[^\n]*\nVersion (\d+\.\d+)", run([loader]))
            if m:
                return "musl", m.group(1)
        except Exception:
            pass
    try:
        name, version = platform.libc_ver()
        return (name, version) if name in ("glibc", "musl") else ("", "")
    except Exception:
        return "", ""

impl = getattr(sys, "implementation", None)
name = impl.name if impl else platform.python_implementation().lower()
own = impl.version if impl else getattr(sys, "pypy_version_info", sys.version_info)
flags = getattr(sys, "abiflags", None)
if flags is None:
    flags = ""
    if sys.version_info < (3, 8) and name == "cpython":
        flags = "m"
    if sys.version_info < (3, 3) and sys.maxunicode > 0xffff:
        flags += "u"
mac = platform.mac_ver()[0] if sys.platform == "darwin" else ""
if mac.startswith("10.16"):
    mac = run([sys.executable, "-c", "import platform; print(platform.mac_ver()[0])"], SYSTEM_VERSION_COMPAT="0")
found = libc() if sys.platform.startswith("linux") else ("", "")
print(json.dumps({
    "implementation": name,
    "implementation_version": release(own),
    "full_version": platform.python_version(),
    "platform": sysconfig.get_platform(),
    "machine": platform.machine(),
    "libc": found[0],
    "libc_version": found[1],
    "abiflags": flags,
    "soabi": str(sysconfig.get_config_var("SOABI") or ""),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "bits": struct.calcsize("P") * 8,
    "macos": mac,
}, sort_keys=True))
`

// FromInterpreter makes the target of the interpreter that a probe describes.
// A distribution's own Python gets the distribution's name, any other one is
// named after what it is: "3.11.7@manylinux_2_36_x86_64".
func FromInterpreter(p Probe) (Target, error) {
	t, err := fromInterpreter(p)
	if err != nil {
		return Target{}, fmt.Errorf("making a target of the local Python %s: %w", clip(p.FullVersion), err)
	}
	return t, nil
}

func fromInterpreter(p Probe) (Target, error) {
	if p.Implementation != "cpython" && p.Implementation != "pypy" {
		return Target{}, fmt.Errorf("implementation %q is neither cpython nor pypy", clip(p.Implementation))
	}
	// "3.12.0+" is a build of the branch after 3.12.0; it has no number of its own.
	py, err := parsePython(strings.TrimSuffix(p.FullVersion, "+"))
	if err != nil {
		return Target{}, err
	}
	py.impl = p.Implementation
	py.threaded = py.threaded || p.FreeThreaded
	plat, err := p.platform()
	if err != nil {
		return Target{}, err
	}
	t := interpreterTarget(py, plat)
	if p.Implementation == "pypy" {
		t.ImplementationVersion = p.ImplementationVersion
	}
	if abi := p.abi(py); abi != t.ABITag() && abi != "" {
		t.ABI = abi
	}
	for _, d := range distributions {
		known := d.target("")
		if parsePlatform(t.Platform).os == "linux" {
			known = d.target(t.Arch())
		}
		same := known
		same.Name, same.Python = t.Name, t.Python
		if parsePlatform(known.Platform).os == "linux" && same == t {
			return known, nil
		}
	}
	t.Name = py.String() + "@" + t.Platform
	return t, t.Check()
}

// abi is the ABI tag that the probe's facts give, "" if they give none.
func (p Probe) abi(py python) string {
	if p.Implementation == "pypy" {
		// "pypy310-pp73-x86_64-linux-gnu": the platform is no part of the tag.
		if f := strings.Split(p.SOABI, "-"); len(f) >= 2 {
			return strings.ToLower(f[0] + "_" + f[1])
		}
		return ""
	}
	// A debug build loads what is made for the usual one from 3.8 on, and its
	// own ABI is in no index.
	flags := strings.ReplaceAll(p.ABIFlags, "d", "")
	if py.threaded {
		flags = "t" // Windows has no sys.abiflags before 3.14
	}
	return "cp" + py.nodot() + flags
}

// platform is the newest platform tag of the interpreter.
func (p Probe) platform() (string, error) {
	system, rest, _ := strings.Cut(p.Platform, "-")
	var s string
	switch {
	case system == "linux":
		s = p.linux(strings.NewReplacer("-", "_", ".", "_").Replace(rest))
	case system == "macosx":
		f := strings.Split(p.MacOS+".0", ".")
		arch := p.Machine
		if len(f) < 2 || arch == "" {
			return "", fmt.Errorf("version %q and machine %q do not tell the platform", clip(p.MacOS), clip(p.Machine))
		}
		if f[0] != "10" {
			f[1] = "0" // from macOS 11 on only the major version counts
		}
		s = "macosx_" + f[0] + "_" + f[1] + "_" + arch
	case system == "win" || system == "win32":
		s = strings.ReplaceAll(p.Platform, "-", "_")
	default:
		return "", fmt.Errorf("platform %q is neither Linux, macOS nor Windows", clip(p.Platform))
	}
	return s, checkPlatform(s)
}

// manylinuxArchs are those for which the standards define manylinux.
var manylinuxArchs = []string{"x86_64", "i686", "aarch64", "armv7l", "armv8l", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"}

func (p Probe) linux(arch string) string {
	if p.Bits == 32 {
		// The kernel's word is that of 64-bit programs.
		switch arch {
		case "x86_64":
			arch = "i686"
		case "aarch64":
			arch = "armv8l"
		}
	}
	f := strings.SplitN(p.LibcVersion, ".", 3)
	if len(f) < 2 {
		return "linux_" + arch
	}
	// Vendors add words to the number: "2.20-2014.11".
	minor := f[1][:len(f[1])-len(strings.TrimLeft(f[1], "0123456789"))]
	switch {
	case p.Libc == "glibc" && contains(manylinuxArchs, arch):
		return "manylinux_" + f[0] + "_" + minor + "_" + arch
	case p.Libc == "musl":
		return "musllinux_" + f[0] + "_" + minor + "_" + arch
	}
	return "linux_" + arch
}
