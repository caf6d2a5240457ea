package lock

import (
	"fmt"
	"time"
)

// Version is the lock-version that this package reads and writes.
const Version = "1"

// CreatedBy is the only value of created-by.
const CreatedBy = "wheellock"

// FileName is the name of a lock in the project's folder.
const FileName = "wheels.lock"

// GroupBuild is the group of build requirements.
const GroupBuild = "build"

// Origins of a wheel row.
const (
	OriginBuilt    = "built"    // built by us from the locked source, or still to be
	OriginUpstream = "upstream" // the file that the project itself published
)

// Verdicts of an upstream file.
const (
	VerdictBytes   = "bytes"   // our build has the same bytes
	VerdictContent = "content" // the same installed files, another archive
	VerdictDiffers = "differs" // other files
	VerdictUntried = "untried" // not compared yet
)

// Caps on what is read.
const (
	MaxSize     = 64 << 20 // bytes of a lock
	MaxPackages = 20_000   // packages in a lock
	MaxTargets  = 256      // targets in a lock
)

// Lock is the content of a wheels.lock.
type Lock struct {
	Version        string // "1"
	CreatedBy      string // "wheellock"
	RequiresDigest string // "sha256:HEX" of the inputs, see pyproject.Project.RequiresDigest
	ExcludeNewer   *time.Time
	Conflicts      [][]string // groups that cannot be installed together, in the order of preference
	Targets        []Target
	Packages       []Package
	Recipes        []Recipe
}

// Target is one Python environment that the lock covers.
type Target struct {
	Name           string // "bookworm"
	Python         string // "3.11", or "3.11.2" where the full version matters
	Platform       string // "manylinux_2_36_x86_64"
	Implementation string // "" is cpython
	ABI            string // "" is the usual one, else for example "cp313t"
}

// Package is one version of a package with the files that are locked for it.
type Package struct {
	Name               string   // normalised as PEP 503 says
	Version            string   // PEP 440
	Group              string   // "" or GroupBuild
	Groups             []string // dependency groups, where the default group does not need it
	RequiresPython     string   // as the project declares it
	OnlyWith           []string // variants that alone install it, see Lock.In; not with NotWith
	NotWith            []string // variants that do not install it
	Targets            []string // nil: all targets of the lock
	Dependencies       []string // normalised names, those of every target
	TargetDependencies map[string][]string
	TargetOnlyWith     map[string][]string // OnlyWith, where targets differ
	TargetNotWith      map[string][]string // NotWith, where targets differ
	Archives           []Archive           // files that come from an address; nil: all from an index
	VCS                *VCS                // nil: the source is a published one
	Sdist              *File
	Wheels             []Wheel
	Upstream           []Upstream
}

// File is a source distribution.
type File struct {
	Name   string
	Size   int64  // bytes; 0: the index did not tell
	SHA256 string // 64 hexadecimal digits
}

// Wheel is the file to install for some targets. A built wheel with neither
// Size nor SHA256 is still to be built.
type Wheel struct {
	Name    string
	Origin  string   // OriginBuilt or OriginUpstream
	Targets []string // nil: all targets of the package
	Recipe  string   // "sha256:HEX", a Recipe's Digest
	Size    int64
	SHA256  string
	Content string // hash of what is installed, see DESIGN's content hash
}

// Missing reports whether the wheel is still to be built.
func (w *Wheel) Missing() bool { return w.SHA256 == "" }

// Upstream is a published file that ours is compared with. It is never
// installed by virtue of this row.
type Upstream struct {
	Name    string
	Targets []string // nil: all targets of the package
	Size    int64    // 0: the index did not tell
	SHA256  string
	Content string // "" until it was opened
	Verdict string
	Causes  []string // what makes it differ, machine words such as "native-compiler"
}

// Recipe is everything that fixes the bytes of a source build.
type Recipe struct {
	Digest        string // "sha256:HEX", see ComputeDigest
	Sdist         string // "sha256:HEX" of the source
	Backend       string // PEP 517 build-backend, "setuptools.build_meta:__legacy__" for a bare setup.py
	BackendPath   []string
	BuildRequires []BuildRequire
	Python        string // "cp311"
	Epoch         *Epoch
	Umask         string // "022"
	BuildPath     string // absolute path in the sandbox
	Env           map[string]string
	Config        map[string][]string // PEP 517 config_settings, given to each hook
	Toolchain     []string
	Vendored      string // "sha256:HEX" of the list of what was fetched by the source's own hashes: Rust crates
	Container     string // "sha256:HEX"
	ExpectTags    []string
	NormalForm    string // "": the backend's own bytes
}

// BuildRequire is one pinned build requirement: a wheel by hash.
type BuildRequire struct {
	Name, Version string
	SHA256        string // of the wheel, 64 hexadecimal digits
}

// Epoch is the SOURCE_DATE_EPOCH of a build and where it was taken from.
type Epoch struct {
	Value int64  // seconds since 1970
	From  string // "upstream-zip", "sdist" or "project"
}

// Error is what Parse and Check return: what is wrong in which line, and the
// next thing to try.
type Error struct {
	File string
	Line int // 1-based; 0: no line
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Msg
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}
