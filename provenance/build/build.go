package build

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/crates"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A Builder builds wheels on this machine. It is safe for concurrent use.
type Builder struct {
	Cache        string        // folder for environments and unpacked sources
	Bwrap        string        // path of bubblewrap; "" when there is none
	Interpreters *Interpreters //
	Backend      string        // where builds run, one of Backends; "": BackendAuto
	Trees        *Trees        // nil: none
	Engine       *Engine       // nil: none
	Rust         *Rust         // nil: none
	Crates       *crates.Store // nil: only what a source brings itself
	Time         time.Duration // of one build; 0: MaxTime
	Idle         time.Duration // without any processor time used; 0: MaxIdle
	Processes    int64         // of one build; 0: MaxProcesses
	Memory       int64         // bytes of all its processes and files together; 0: MaxMemory
	Disk         int64         // bytes of /build; 0: MaxDisk
	Files        int64         // in /build, in /tmp and in /dev/shm; 0: MaxFiles

	uncaged bool // for tests: as where no control groups can be made
}

// A Job is one run of one recipe.
type Job struct {
	Name, Version string
	Recipe        *lock.Recipe
	Sdist         string // path, its hash already checked
	Requires      []Requirement
	Target        tags.Target // the target that the wheel is built for
	Vary          Varied      // zero: as the recipe says
	Into          string      // folder for the wheel

	metadata bool // METADATA is wanted, no wheel
	sdist    bool // a source archive is wanted
}

// A Result is a wheel that was built.
type Result struct {
	Path    string // in Job.Into
	File    string // its name
	Native  bool
	Tags    []tags.Tag
	Python  string // full version of the interpreter
	Log     []byte // what the build wrote, at most MaxLog bytes, without control characters
	Started time.Time
	Elapsed time.Duration

	// For the evidence: where it was built and what stood around it, a line each, and
	// for native code the packages that the compiler and the linker read from,
	// sorted ("gcc-12 12.2.0-14"). Toolchain is empty where no dpkg tells.
	Place, Walls string
	PlaceList    string // the packages of a tree, whose sha256 Place names; else ""
	Toolchain    []string
	Bootstraps   []string // what the distribution would fill an environment with, see bootstrapsOf

	// Crates are the Rust crates that it was built with, CrateFiles where they lie, by
	// their hash.
	Crates     []crates.Crate
	CrateFiles map[string]string

	headers     []string // that the compiler read
	interpreter *Interpreter
	rust        *rusty
}

// Error is a build that did not work. It is a finding about the source or the
// recipe, not about this machine.
type Error struct {
	Package string // "NAME VERSION"
	Why     string
	Log     []byte
}

func (e *Error) Error() string {
	msg := fmt.Sprintf("building %s: %s", e.Package, e.Why)
	if tail := lastLines(e.Log, 12); tail != "" {
		msg += "\n" + tail
	}
	return msg
}

// A RequiresError says that the backend asks for more than the recipe pins. The
// recipe has to be extended by them and the build run again.
type RequiresError struct {
	Package  string
	Requires []string // PEP 508, as the backend said
}

func (e *RequiresError) Error() string {
	return fmt.Sprintf("building %s: the backend asks for %s, which the recipe does not pin", e.Package, strings.Join(e.Requires, ", "))
}

// Build runs a job. Errors are *Error, *RequiresError, *NoPlaceError,
// *GoneError, *TreeError, *SandboxError, those of package archive for a bad sdist, the context's, or a
// file system's.
func (b *Builder) Build(ctx context.Context, j Job) (*Result, error) {
	r, err := b.do(ctx, j)
	if err != nil {
		return nil, err
	}
	if err := b.judge(ctx, j, r); err != nil {
		os.Remove(r.Path)
		return nil, err
	}
	if err := normalise(j, r); err != nil {
		os.Remove(r.Path)
		return nil, err
	}
	if r.Native {
		r.Toolchain = toolchain(r)
	}
	r.Bootstraps = bootstrapsOf(r.interpreter)
	return r, nil
}

// Metadata asks the source for its METADATA without building a wheel, where its
// backend can (PEP 517's prepare_metadata_for_build_wheel). Errors are those of
// Build.
func (b *Builder) Metadata(ctx context.Context, j Job) ([]byte, error) {
	j.metadata = true
	r, err := b.do(ctx, j)
	if err != nil {
		return nil, err
	}
	defer os.Remove(r.Path)
	return os.ReadFile(r.Path)
}

// Sdist makes the project's source archive (PEP 517's build_sdist) of the tree that
// j.Sdist holds. The result is the backend's own bytes. Errors are those of Build.
func (b *Builder) Sdist(ctx context.Context, j Job) (*Result, error) {
	j.sdist = true
	return b.do(ctx, j)
}

// do runs a job in a sandbox of its own.
func (b *Builder) do(ctx context.Context, j Job) (*Result, error) {
	if err := b.CheckSandbox(ctx); err != nil {
		return nil, err
	}
	i, err := b.choose(ctx, j)
	if err != nil {
		return nil, err
	}
	if err := toolchainGone(j, i); err != nil {
		return nil, err
	}
	env, err := b.environment(ctx, i, j.Requires)
	if err != nil {
		return nil, err
	}
	work, done, err := WorkDir(b.Cache, ".build-")
	if err != nil {
		return nil, err
	}
	defer done()
	source, err := unpack(j, work)
	if err != nil {
		return nil, err
	}
	rusty, err := b.rust(ctx, j, i, source)
	if err != nil {
		return nil, err
	}
	s := &sandbox{bwrap: b.Bwrap, interpreter: i, env: env, source: source, rust: rusty, users: work, engine: b.Engine, can: bwrapOptions(ctx, b.Bwrap)}
	locale := b.locale(ctx, j.Vary)
	s.vary(j.Vary, locale)
	s.vars = i.linking(environ(j, locale))
	if rusty != nil {
		s.vars = rusty.environ(s.vars)
	}
	if err := writeUsers(work, s.user, s.uid); err != nil {
		return nil, err
	}
	start := time.Now()
	r, err := b.run(ctx, j, s)
	if err != nil {
		return nil, err
	}
	if r.rust = rusty; rusty != nil {
		r.Crates, r.CrateFiles = rusty.crates, rusty.files
	}
	r.Python, r.Started, r.Elapsed = i.Full, start, time.Since(start)
	return r, nil
}

func unpack(j Job, work string) (string, error) {
	umask, err := strconv.ParseUint(j.Recipe.Umask, 8, 12)
	if err != nil {
		return "", fmt.Errorf("recipe of %s: umask %q: %w", j.Name, j.Recipe.Umask, err)
	}
	dir := filepath.Join(work, "source")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	root, err := archive.Unpack(j.Sdist, dir, fs.FileMode(umask))
	if err != nil {
		return "", fmt.Errorf("unpacking the source of %s %s: %w", j.Name, j.Version, err)
	}
	return filepath.Join(dir, root), nil
}

// environ is the whole environment of the build.
func environ(j Job, locale Locale) []string {
	vars := map[string]string{
		"PATH": "/env/bin:/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": "/tmp",
		"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
		"PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1",
		"VIRTUAL_ENV": "/env", "PYTHONDONTWRITEBYTECODE": "1",
		"SUNPRO_DEPENDENCIES": headersFile + " build", // GCC's; "build" is the rule's name
	}
	if e := j.Recipe.Epoch; e != nil {
		vars["SOURCE_DATE_EPOCH"] = strconv.FormatInt(e.Value, 10)
	}
	for k, v := range j.Recipe.Env {
		vars[k] = v
	}
	j.Vary.vary(vars, locale)
	var out []string
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// missing returns a *RequiresError when the backend asks for a name that the
// recipe does not pin. Whether the pinned version satisfies it was decided when
// the recipe was made.
func missing(j Job, asked []string) error {
	if len(asked) > MaxAsked {
		return fmt.Errorf("the backend asks for %d requirements, the most is %d", len(asked), MaxAsked)
	}
	var extra []string
	for _, a := range asked {
		name, ok, err := requirementName(a, j.Target)
		if err != nil {
			return fmt.Errorf("the backend asks for %q, which is no requirement: %w", a, err)
		}
		if !ok {
			continue
		}
		if !slices.ContainsFunc(j.Requires, func(r Requirement) bool { return r.Name == name }) {
			extra = append(extra, a)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	sort.Strings(extra)
	return &RequiresError{Package: j.Name + " " + j.Version, Requires: extra}
}

// removeAll removes a folder even where an sdist brought folders without
// write permission.
func removeAll(dir string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func lastLines(b []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
