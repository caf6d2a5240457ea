package build

import (
	"fmt"
	"regexp"
	"strings"
)

// Why and where a build goes on elsewhere, for the failures that have one cause
// and leave pages of traceback. The first pattern that the log has wins, so what
// causes other failures stands before what they look like.
var diagnoses = []struct {
	pattern   *regexp.Regexp
	why, hint string // %s is the pattern's first group
}{
	{regexp.MustCompile(`(?i)(?:puccinialin|can't find Rust compiler|Rust not found|cargo, the Rust package manager, is not installed|rustc?(?:up)? .*not found|Unable to find (?:rustc|cargo)|setuptools_rust.*\n.*cargo)`),
		"it needs Rust, which a build here does not have: there is no cargo in the sandbox, and no network for crates", takeUpstream},
	{regexp.MustCompile(`(?:download of config.json failed|spurious network error|failed to (?:get|fetch|download) .* (?:crates?|registry)|unable to update registry)`),
		"it downloads Rust crates, and a build has no network", takeUpstream},
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
		"it needs the header %s, which is not installed here", "install the development package that holds it, and build again"},
	{regexp.MustCompile(`error: (?:command|\[Errno 2\] No such file or directory:) '([^'/]*(?:gcc|g\+\+|cc|clang|c\+\+))'`),
		"it needs a compiler, and %s is not installed here", "install it (a distribution's build-essential), and build again"},
	{regexp.MustCompile(`(?:\[Errno 2\] No such file or directory: |Unable to (?:find|run) |Program )'([a-z0-9_+-]+)'`),
		"it needs the program %s, which is not installed here", "install the package that holds it, and build again"},
	{regexp.MustCompile(`(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z0-9_]+)`),
		"its setup imports %s, which its build requirements do not name or no longer have", takeUpstream},
}

const takeUpstream = `take the published wheel with policy.wheels = "upstream"`

// Diagnosis says in a sentence why a backend failed, and what to do, where its
// output tells. Both are empty where it does not: the log is all there is. A
// wheel that is refused for its tag says why itself.
func (e *Error) Diagnosis() (why, hint string) {
	if strings.HasPrefix(e.Why, "the wheel's tag is ") || strings.HasPrefix(e.Why, "stopped") {
		return "", takeUpstream
	}
	if !strings.HasPrefix(e.Why, "the backend ") {
		return "", ""
	}
	for _, d := range diagnoses {
		m := d.pattern.FindSubmatch(e.Log)
		if m == nil {
			continue
		}
		if strings.Contains(d.why, "%s") {
			return fmt.Sprintf(d.why, m[1]), d.hint
		}
		return d.why, d.hint
	}
	return "", ""
}
