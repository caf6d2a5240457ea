package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Why and where a build goes on elsewhere, for the failures that have one cause
// and leave pages of traceback. The first pattern that the log has wins, so what
// causes other failures stands before what they look like.
var diagnoses = []struct {
	pattern   *regexp.Regexp
	why, hint string // %s is the pattern's first group
}{
	{regexp.MustCompile(`(?i)(?:puccinialin|can't find Rust compiler|Rust not found|cargo, the Rust package manager, is not installed|rustc?(?:up)? .*not found|Unable to find (?:rustc|cargo)|setuptools_rust.*\n.*cargo|No such file or directory: '(?:cargo|rustc)')`),
		"it needs Rust, and was given none: its build requirements name neither maturin nor setuptools-rust", "name it in the configuration: [[build]] build-requires = [\"setuptools-rust\"]"},
	{regexp.MustCompile(`(?:package|crate) .(\S+?). .*cannot be built because it requires rustc|rustc \S+ is not supported by the following packages?:\n\s*(\S+)`),
		"its crate %s needs a newer Rust than there is here", "install a newer one (rustup toolchain install stable), and build again"},
	{regexp.MustCompile(`no matching package named .(\S+?). found|failed to load source for dependency .(\S+?).\n`),
		"it wants the Rust crate %s, which its Cargo.lock does not name", takeUpstream},
	{regexp.MustCompile(`(?:download of config.json failed|spurious network error|failed to (?:get|fetch|download) .* (?:crates?|registry)|unable to update registry)`),
		"it downloads Rust crates that its Cargo.lock does not name, and a build has no network", takeUpstream},
	{regexp.MustCompile(`(?m)^go: (?:downloading|\S+: Get |.*module lookup disabled|.*dial tcp)`),
		"it downloads Go modules, which are in no lock; a source that ships them (go mod vendor) can be built", takeUpstream},
	{regexp.MustCompile(`npm (?:ERR!|error) (?:code|network)|yarn install.*\n.*(?:ENOTFOUND|EAI_AGAIN)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)`),
		"it downloads JavaScript packages, which are in no lock; a source that ships what they make can be built", takeUpstream},
	{regexp.MustCompile(`Failed to clone repository|CMake Error at [^\n]*(?:FetchContent|-subbuild|ExternalProject)|error: downloading '[^'\n]*' failed`),
		"its CMake files download other sources (FetchContent, ExternalProject), which are in no lock", "install what it downloads as packages of the distribution, where its CMake files look for them first; or " + takeUpstream},
	{regexp.MustCompile(`WrapDB|Subproject .*(?:is not downloaded|requires network|Failed to download)|ERROR: Automatic wrap-based subproject downloading is disabled|mesonbuild.*wrap.*\n.*urlopen|Subproject exists but has no meson|wrap_redirect|Downloading \S+ source from`),
		"it downloads a subproject of meson (a wrap), which is in no lock", "install what it wraps as a package of the distribution: meson takes that first; or " + takeUpstream},
	{regexp.MustCompile(`(?:Temporary failure in name resolution|Name or service not known|Network is unreachable|Could not resolve host)`),
		"it wants the network, which no build has: what it downloads is in no lock", takeUpstream},
	{regexp.MustCompile(`\.connect\(.*\n(?:[ ~^]+\n)?(?:FileNotFoundError|ConnectionRefusedError|PermissionError): `),
		"it looked for another program's socket, and a build sees none", takeUpstream},
	{regexp.MustCompile(`\[Errno 28\] No space left on device|(?:cannot write|error writing to|write error|final close failed).*No space left on device`),
		"it filled the disk that a build has", takeUpstream},
	{regexp.MustCompile(`(?m)^MemoryError|virtual memory exhausted|Cannot allocate memory|cc1plus: out of memory`),
		"it took more memory than a build may have", "build fewer at a time (--jobs 1), or on a machine with more memory"},
	{regexp.MustCompile(`(?:Read-only file system|\[Errno 13\] Permission denied): '?(/(?:usr|etc|bin|sbin|lib|lib64|env|source|dev|proc|var|opt|root|home|run|nonexistent)(?:/[^'\n]*)?|/[^/'\n]+)'?`),
		"it wrote outside of its folder (%s)", takeUpstream},
	{regexp.MustCompile(`No such file or directory: '(/(?:home|root|Users)/[^'\n]*|[^'\n]*/\.(?:ssh|aws|netrc|pypirc|gnupg|config|bashrc|profile)\b[^'\n]*)'`),
		"it looked for a home (%s), and a build has none", takeUpstream},
	{regexp.MustCompile(`fatal error: (\S+): No such file or directory`),
		"it needs the header %s, which is not installed here", install},
	{regexp.MustCompile(`ld: cannot find (-l[A-Za-z0-9_+.-]+)`), "it needs the library %s, which is not installed here", install},
	{regexp.MustCompile(`(?:Package '?|No package ')([A-Za-z0-9_+.-]+)'?,? (?:was )?(?:not )?found|Run-time dependency ([A-Za-z0-9_+.-]+) found: NO|Dependency "([A-Za-z0-9_+.-]+)" not found`),
		"it needs the library %s, which is not installed here (pkg-config finds none)", install},
	{regexp.MustCompile(`Could NOT find ([A-Za-z0-9_+.-]+) \(missing|package configuration file provided by "([A-Za-z0-9_+.-]+)"`),
		"it needs %s, which CMake does not find here", install},
	{regexp.MustCompile(`[Ee]rror: (pg_config|mysql_config|[a-z0-9]+-config) (?:executable |is )?(?:not found|is required)|(pg_config|mysql_config): (?:command )?not found`),
		"it needs the program %s, which is not installed here", install},
	{regexp.MustCompile(`error: (?:command|\[Errno 2\] No such file or directory:) '([^'/]*(?:gcc|g\+\+|cc|clang|c\+\+))'`),
		"it needs a compiler, and %s is not installed here", install},
	{regexp.MustCompile(`(?:\[Errno 2\] No such file or directory: |Unable to (?:find|run) |Program )'([a-z0-9_+-]+)'`),
		"it needs the program %s, which is not installed here", install},
	{regexp.MustCompile(`git submodule|submodule update --init|[Ss]ubmodules? (?:is|are) (?:not|missing)|does not contain a CMakeLists\.txt file`),
		"it wants a git repository, of its own history or of submodules, which its source archive does not have", "lock it from its repository at a commit (NAME @ git+https://...@COMMIT), or " + takeUpstream},
	{regexp.MustCompile(`(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z0-9_]+)`),
		"its setup imports %s, which its build requirements do not name or no longer have", takeUpstream},
}

const takeUpstream = `take the published wheel with policy.wheels = "upstream"`

// install stands for the hint that installing makes.
const install = "install"

// installing says how to get what is missing. In a tree it is the plan that names it:
// whether this one was, the log does not tell.
func installing(what string) string {
	p := debianPackage(what)
	if p == "" {
		return "install the package that holds it, and build again (in a tree for another target: [trees.TARGET] packages = [...])"
	}
	return fmt.Sprintf("apt-get install %s, and build again (in a tree for another target: [trees.TARGET] packages = [%q])", p, p)
}

// ends is a log, or where it is long, half a mebibyte of each end: what was wanted
// stands at the start and what failed at the end.
func ends(log []byte) []byte {
	const half = 512 << 10
	if len(log) <= 2*half {
		return log
	}
	return slices.Concat(log[:half], log[len(log)-half:])
}

// Diagnosis says in a sentence why a backend failed, and what to do, where its
// output tells. Both are empty where it does not: the log is all there is. A
// wheel that is refused for its tag says why itself.
func (e *Error) Diagnosis() (why, hint string) {
	if strings.HasPrefix(e.Why, vendoring) || strings.HasPrefix(e.Why, "the wheel's tag is ") {
		return "", takeUpstream
	}
	stopped := strings.HasPrefix(e.Why, "stopped")
	if !stopped && !strings.HasPrefix(e.Why, "the backend ") {
		return "", ""
	}
	log := ends(e.Log)
	for _, d := range diagnoses {
		if stopped && !strings.HasPrefix(d.why, "it downloads ") && !strings.Contains(d.why, " download other sources ") {
			continue // what it was stopped for is said; what it wanted may be told too
		}
		m := d.pattern.FindSubmatch(log)
		if m == nil {
			continue
		}
		var what string
		for _, group := range m[1:] {
			if what == "" {
				what = string(group)
			}
		}
		why, hint = d.why, d.hint
		if strings.Contains(why, "%s") {
			why = fmt.Sprintf(why, what)
		}
		if hint == install {
			hint = installing(what)
		}
		return why, hint
	}
	if stopped {
		return "", takeUpstream
	}
	return "", ""
}
