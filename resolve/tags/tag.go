package tags

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Limits on file names from outside. A file system allows 255 bytes in a name;
// the longest wheel names in the world have some 20 tags.
const (
	MaxFileName = 1024 // bytes in a wheel's or sdist's file name
	MaxTags     = 1024 // tags that one compressed tag set may expand to
)

// Tag is one compatibility tag of PEP 425, in lower case, such as
// {"cp311", "cp311", "manylinux_2_17_x86_64"}.
type Tag struct{ Python, ABI, Platform string }

// String is "py3-none-any".
func (t Tag) String() string { return t.Python + "-" + t.ABI + "-" + t.Platform }

// ErrTag is wrapped by every error about a tag that PEP 425 does not allow.
var ErrTag = errors.New("invalid compatibility tag")

// ParseTags expands a compressed tag set such as "py2.py3-none-any", in written
// order and without repeats. Its errors wrap ErrTag.
func ParseTags(s string) ([]Tag, error) {
	if len(s) > MaxFileName {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrTag, MaxFileName)
	}
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w %q: needs three parts: python, abi and platform", ErrTag, s)
	}
	return expand(s, parts[0], parts[1], parts[2])
}

// expand multiplies out the three parts of the tag set that s spells.
func expand(s, python, abi, platform string) ([]Tag, error) {
	pythons, err := alternatives(s, python)
	if err != nil {
		return nil, err
	}
	abis, err := alternatives(s, abi)
	if err != nil {
		return nil, err
	}
	platforms, err := alternatives(s, platform)
	if err != nil {
		return nil, err
	}
	for _, p := range pythons {
		if !isIdentifier(p) {
			return nil, fmt.Errorf("%w %q: %q names no interpreter", ErrTag, s, p)
		}
	}
	n := len(pythons) * len(abis) * len(platforms)
	if n > MaxTags {
		return nil, fmt.Errorf("%w: more than %d tags in one set", ErrTag, MaxTags)
	}
	tags := make([]Tag, 0, n)
	for _, p := range pythons {
		for _, a := range abis {
			for _, pl := range platforms {
				tags = append(tags, Tag{p, a, pl})
			}
		}
	}
	return tags, nil
}

// alternatives splits one part of a tag set at its dots.
func alternatives(s, part string) ([]string, error) {
	part = lower(part)
	if !strings.Contains(part, ".") {
		if part == "" {
			return nil, fmt.Errorf("%w %q: a part is empty", ErrTag, s)
		}
		return []string{part}, nil
	}
	all := strings.Split(part, ".")
	out := all[:0]
	// A name of MaxFileName bytes has at most 512 alternatives, and real ones
	// have five: a scan is cheaper than a map.
	for _, a := range all {
		if a == "" {
			return nil, fmt.Errorf("%w %q: a part is empty", ErrTag, s)
		}
		if !contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// isIdentifier reports what Python's str.isidentifier does: interpreter names
// come from sys.implementation.name, which must be an identifier (PEP 421).
func isIdentifier(s string) bool {
	for i, r := range s {
		start := r == '_' || unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start)
		more := unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
		if !start && (i == 0 || !more) {
			return false
		}
	}
	return s != ""
}

// lower is Python's str.lower for the one letter where Go's simple mapping would
// make another name look like an ASCII one: I with a dot above keeps its dot.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}
