package foreign

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Caps on what comes from outside.
const (
	MaxSize     = 64 << 20 // bytes of a lock
	MaxPackages = 50_000
)

// Formats of Lock.Format.
const (
	Requirements = "requirements.txt"
	Poetry       = "poetry.lock"
	Pipfile      = "Pipfile.lock"
	Pylock       = "pylock.toml"
)

// A Lock is what another tool has locked.
type Lock struct {
	Format   string
	Packages []Package // in the file's order
	// Names of groups that packages may be in beside "main".
	Groups []string
	// Sources counts addresses of indexes in the file, which are not taken along.
	Sources int
}

// A Package is one version of a package.
type Package struct {
	Name    string // as written
	Version string // "" where it does not come from an index
	Extras  []string
	Marker  string // when it is installed; "": always
	// Groups are those that install it; empty: it is not known, main.
	Groups   []string
	Optional bool // only an extra of the project installs it
	Files    []File
	Needs    []Dependency
	Direct   string // "git", "url", "path", "directory", "file": not from an index
	Line     int    // 0: not known
}

// A File is one file of a package.
type File struct {
	Name   string // "": only the hash is known
	SHA256 string // "": only other hashes are known
}

// A Dependency is what a package needs.
type Dependency struct {
	Name   string
	Marker string
	// Optional is set where only an extra of the package needs it.
	Optional bool
}

// In reports whether a group installs the package.
func (p *Package) In(group string) bool {
	return len(p.Groups) == 0 && group == "main" || slices.Contains(p.Groups, group)
}

// Hashes are the SHA-256 of its files.
func (p *Package) Hashes() []string {
	var out []string
	for _, f := range p.Files {
		if f.SHA256 != "" {
			out = append(out, f.SHA256)
		}
	}
	return out
}

// An Error says what is wrong with a lock, and where.
type Error struct {
	File string
	Line int // 0: all of it
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return e.File + ": " + e.Msg
}

// Read reads the lock in a file by the file's name and content.
func Read(file string, data []byte) (*Lock, error) {
	if len(data) > MaxSize {
		return nil, &Error{file, 0, fmt.Sprintf("it has %d bytes, more than %d", len(data), MaxSize), "name a lock"}
	}
	data = []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf"))
	if !utf8.Valid(data) || slices.Contains(data, 0) {
		return nil, &Error{file, 0, "it is not UTF-8 text", "write it anew with its own tool, or convert it: iconv -f UTF-16 -t UTF-8"}
	}
	base := file[strings.LastIndexAny(file, `/\`)+1:]
	var l *Lock
	var err error
	switch {
	case base == "poetry.lock" || strings.HasSuffix(base, ".lock") && strings.Contains(string(data), "[[package]]") && strings.Contains(string(data), "content-hash"):
		l, err = readPoetry(file, data)
	case base == "Pipfile.lock" || strings.HasPrefix(strings.TrimSpace(string(data)), "{"):
		l, err = readPipfile(file, data)
	case base == "pylock.toml" || strings.HasPrefix(base, "pylock.") && strings.HasSuffix(base, ".toml"):
		l, err = readPylock(file, data)
	case strings.HasSuffix(base, ".txt") || strings.HasSuffix(base, ".in"):
		l, err = readRequirements(file, data)
	default:
		return nil, &Error{file, 0, "it is none of requirements.txt, poetry.lock, Pipfile.lock, pylock.toml", "name one of these"}
	}
	if err != nil {
		return nil, err
	}
	if len(l.Packages) > MaxPackages {
		return nil, &Error{file, 0, fmt.Sprintf("it locks more than %d packages", MaxPackages), "name a lock"}
	}
	return l, nil
}

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize gives a name's one spelling (PEP 503).
func Normalize(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

var sha256Digits = regexp.MustCompile(`^[0-9a-f]{64}$`)

// hash reads "sha256:HEX"; "" for other kinds; ok is false for a bad one.
func hash(s string) (hex string, ok bool) {
	kind, digits, found := strings.Cut(s, ":")
	if !found {
		return "", false
	}
	if !strings.EqualFold(kind, "sha256") {
		return "", true
	}
	digits = strings.ToLower(digits)
	return digits, sha256Digits.MatchString(digits)
}
