// Package tags is being written: this file holds the exported shapes.
package tags

import (
	"errors"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

var errUnwritten = errors.New("unwritten")

// Tag is one compatibility tag of PEP 425, in lower case.
type Tag struct{ Python, ABI, Platform string }

// String is "py3-none-any".
func (t Tag) String() string { return t.Python + "-" + t.ABI + "-" + t.Platform }

// ParseTags expands a compressed tag set.
func ParseTags(s string) ([]Tag, error) { return nil, errUnwritten }

// WheelName is a parsed wheel file name (PEP 427).
type WheelName struct {
	File    string         // as given
	Name    string         // normalised
	Raw     string         // name as written
	Version pep440.Version // as parsed
	Build   string         // build tag as written, "" if none
	Tags    []Tag          // expanded, in written order, no repeats
}

// ParseWheelName reads a wheel's file name.
func ParseWheelName(file string) (WheelName, error) { return WheelName{}, errUnwritten }

// CompareBuild orders two wheels of one version by build tag: -1, 0, +1; the higher is preferred.
func CompareBuild(a, b WheelName) int { return 0 }

// SdistName is a parsed sdist file name.
type SdistName struct {
	Name    string // normalised
	Version pep440.Version
	Ext     string // ".tar.gz" or ".zip"; ParseSdistNameOf also gives ".tar.bz2" ".tar.xz" ".tgz" ".tar"
}

// ParseSdistName reads an sdist's file name as strictly as the standard is.
func ParseSdistName(file string) (SdistName, error) { return SdistName{}, errUnwritten }

// ParseSdistNameOf reads the file name of an sdist that the index lists under project, as pip does: old spellings too.
func ParseSdistNameOf(file, project string) (SdistName, error) { return SdistName{}, errUnwritten }

// Target is one Python environment. It is a comparable value.
type Target struct {
	Name                  string // "bookworm"
	Implementation        string // "cpython" | "pypy"; "" is cpython
	Python                string // "3.11" or "3.11.2" where a full version matters
	FullVersion           string // "3.11.2"; "" = as Python and the table of last patch releases say
	Platform              string // "manylinux_2_36_x86_64" | "musllinux_1_2_x86_64" | "macosx_14_0_arm64" | "win_amd64"
	ABI                   string // "" = the usual one; "cp313t"
	ImplementationVersion string // PyPy's own version, "7.3.17"; "" for CPython
}

// Lookup finds a target by name.
func Lookup(name string) (Target, error) { return Target{}, errUnwritten }

// New makes a target from a configuration's [[targets]] entry: a known name needs nothing more, the rest overrides it.
func New(name, python, platform, implementation string) (Target, error) {
	return Target{}, errUnwritten
}

// UnknownTargetError names the near spellings.
type UnknownTargetError struct {
	Name string
	Near []string
}

// Error is one line.
func (e *UnknownTargetError) Error() string { return "unknown target " + e.Name }

// Catalogue is the known distributions, macos and windows (x86_64, macos arm64), ordered by name.
func Catalogue() []Target { return nil }

// Check reports what is wrong with a target.
func (t Target) Check() error { return nil }

// Tags is the ordered list, best first. The slice is shared: do not write to it.
func (t Target) Tags() []Tag { return nil }

// Rank is the tag's index in Tags, lower is better.
func (t Target) Rank(tag Tag) (int, bool) { return 0, false }

// Best is the best rank of a wheel's tags.
func (t Target) Best(w WheelName) (int, bool) { return 0, false }

// Environment is the PEP 508 environment.
func (t Target) Environment() pep508.Environment { return nil }

// Libc is "glibc",2,36 | "musl",1,2 | "",0,0.
func (t Target) Libc() (name string, major, minor int) { return "", 0, 0 }

// Arch is "x86_64", "aarch64", "arm64" (macOS), "amd64" (Windows).
func (t Target) Arch() string { return "" }

// OS is "linux", "macos" or "windows".
func (t Target) OS() string { return "" }

// PythonTag is "cp311", "pp310".
func (t Target) PythonTag() string { return "" }

// ABITag is "cp311", "cp37m", "cp313t", "pypy310_pp73".
func (t Target) ABITag() string { return "" }

// Version is the full Python version.
func (t Target) Version() pep440.Version { return pep440.Version{} }

// Why is the nearest reason why none of the wheel's tags fits, "" if one fits.
func (t Target) Why(w WheelName) string { return "" }

// Probe is what ProbeScript prints of a local interpreter.
type Probe struct {
	Implementation        string `json:"implementation"`
	ImplementationVersion string `json:"implementation_version"`
	FullVersion           string `json:"full_version"`
	Platform              string `json:"platform"`
	Machine               string `json:"machine"`
	Libc                  string `json:"libc"`
	LibcVersion           string `json:"libc_version"`
	ABIFlags              string `json:"abiflags"`
	SOABI                 string `json:"soabi"`
	FreeThreaded          bool   `json:"free_threaded"`
	Bits                  int    `json:"bits"`
	MacOS                 string `json:"macos"`
}

// ProbeScript is a Python program (2.7 to 3.15) that prints a Probe as JSON.
const ProbeScript = ""

// FromInterpreter makes the target of a local interpreter.
func FromInterpreter(p Probe) (Target, error) { return Target{}, errUnwritten }
