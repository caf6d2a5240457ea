package tags

import (
	"fmt"
	"strings"
)

// python is an interpreter understood: CPython 3.13.5 without a GIL is
// {"cpython", 3, 13, "3.13.5", true}.
type python struct {
	impl         string
	major, minor int
	full         string // with a patch number, or "" if only X.Y is known
	threaded     bool   // free-threaded, PEP 703
}

// parsePython reads "3.12", "3.12.4", "3.14.0rc1", "3.13t", and with an
// implementation in front "pypy3.10", "pp310", "cp312".
func parsePython(s string) (python, error) {
	p := python{impl: "cpython"}
	rest := s
	for _, f := range []struct{ prefix, impl string }{{"cpython", "cpython"}, {"cp", "cpython"}, {"pypy", "pypy"}, {"pp", "pypy"}} {
		if r, ok := strings.CutPrefix(s, f.prefix); ok {
			p.impl, rest = f.impl, r
			if len(f.prefix) == 2 && len(r) > 1 && !strings.Contains(r, ".") {
				rest = r[:1] + "." + r[1:] // cp312 has no dot
			}
			break
		}
	}
	rest, p.threaded = strings.CutSuffix(rest, "t")
	f := strings.SplitN(rest, ".", 3)
	bad := fmt.Errorf("%q is no Python version: write 3.12, 3.12.4, 3.13t or pypy3.10", s)
	if len(f) < 2 {
		return python{}, bad
	}
	var ok1, ok2 bool
	p.major, ok1 = number(f[0])
	p.minor, ok2 = number(f[1])
	if !ok1 || !ok2 || p.major < 2 || p.major > 3 || p.minor > maxMinor {
		return python{}, bad
	}
	if len(f) == 3 {
		if !patch(f[2]) {
			return python{}, bad
		}
		p.full = rest
	}
	if p.threaded && (p.impl != "cpython" || p.major != 3 || p.minor < 13) {
		return python{}, fmt.Errorf("%q: CPython is free-threaded from 3.13t on only", s)
	}
	return p, nil
}

// maxMinor bounds X in Python 3.X; the tag list grows with its square.
const maxMinor = 99

// patch reports "4", "0rc1", "0a7".
func patch(s string) bool {
	digits := func(s string) bool { _, ok := number(s); return ok }
	for _, pre := range []string{"rc", "a", "b"} {
		if n, m, ok := strings.Cut(s, pre); ok {
			return digits(n) && digits(m)
		}
	}
	return digits(s)
}

// nodot is "312".
func (p python) nodot() string { return fmt.Sprintf("%d%d", p.major, p.minor) }

// dotted is "3.12".
func (p python) dotted() string { return fmt.Sprintf("%d.%d", p.major, p.minor) }

// String is the one spelling in target names: "3.12", "3.12.4", "3.13t", "pypy3.10".
func (p python) String() string {
	s := p.plain()
	if p.impl != "cpython" {
		return p.impl + s
	}
	return s
}

// plain is String without the implementation: what Target.Python holds.
func (p python) plain() string {
	s := p.full
	if s == "" {
		s = p.dotted()
	}
	if p.threaded {
		s += "t"
	}
	return s
}

// last holds the newest patch release of each Python that was known when this
// was written, for targets that name only X.Y: images that carry such a Python
// are kept up to date, while X.Y.0 would hold back what needs 3.9.1 or later.
// For PyPy the second word is its own version.
var last = map[string][2]string{
	"cpython 2.7":  {"2.7.18"},
	"cpython 3.5":  {"3.5.10"},
	"cpython 3.6":  {"3.6.15"},
	"cpython 3.7":  {"3.7.17"},
	"cpython 3.8":  {"3.8.20"},
	"cpython 3.9":  {"3.9.25"},
	"cpython 3.10": {"3.10.22"},
	"cpython 3.11": {"3.11.18"},
	"cpython 3.12": {"3.12.16"},
	"cpython 3.13": {"3.13.18"},
	"cpython 3.14": {"3.14.10"},
	"cpython 3.15": {"3.15.2"},
	"pypy 2.7":     {"2.7.18", "7.3.20"},
	"pypy 3.6":     {"3.6.12", "7.3.3"},
	"pypy 3.7":     {"3.7.13", "7.3.9"},
	"pypy 3.8":     {"3.8.16", "7.3.11"},
	"pypy 3.9":     {"3.9.19", "7.3.16"},
	"pypy 3.10":    {"3.10.16", "7.3.19"},
	"pypy 3.11":    {"3.11.15", "7.3.23"}, // of 7.3, which wheels are published for; 3.11.17 is 8.0
	"pypy 3.12":    {"3.12.15", "8.0.1"},
}

// pypyVersions are PyPy's own versions where another one than the last of a
// Python is needed: with 8.0 the ABI changed.
var pypyVersions = map[string]string{"3.11.16": "8.0.0", "3.11.17": "8.0.1", "3.12.14": "8.0.0"}
