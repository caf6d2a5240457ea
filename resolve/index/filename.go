package index

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep508"
)

func normalize(name string) string { return pep508.NormalizeName(name) }

// sdistSuffixes are the archives that a source distribution may be.
var sdistSuffixes = [...]string{".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz"}

// isDistribution tells files that may be installed or built from signatures,
// installers, eggs and other links.
func isDistribution(name string) bool {
	if strings.HasSuffix(name, ".whl") {
		return true
	}
	return sdistStem(name) != ""
}

// sdistStem is NAME-VERSION of an sdist's file name, "" of another's.
func sdistStem(name string) string {
	for _, suffix := range sdistSuffixes {
		if stem, ok := strings.CutSuffix(name, suffix); ok {
			return stem
		}
	}
	return ""
}

// belongs reports whether a file on a flat page is of a project.
func belongs(file, project string) bool { return slices.Contains(projectsOf(file), project) }

// projectsOf lists the names, normalised, of the projects that a distribution's
// file may belong to. Old sdists have dashes in both name and version, so any
// split that fits is taken.
func projectsOf(file string) []string {
	if stem, ok := strings.CutSuffix(file, ".whl"); ok {
		name, _, _ := strings.Cut(stem, "-")
		return []string{normalize(name)}
	}
	var names []string
	stem := sdistStem(file)
	for i := 0; i < len(stem); i++ {
		if stem[i] != '-' {
			continue
		}
		version := stem[i+1:]
		if version != "" && (version[0]|0x20) == 'v' {
			version = version[1:] // PEP 440 allows v1.0
		}
		if version != "" && '0' <= version[0] && version[0] <= '9' {
			names = append(names, normalize(stem[:i]))
		}
	}
	return names
}

// checkFileName refuses names that could leave a folder or deceive a reader:
// they become paths in the cache and lines in a lock.
func checkFileName(name string) error {
	if name == "" || len(name) > 255 || name[0] == '.' {
		return fmt.Errorf("file name %q", name)
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c == 0x7f || c == '/' || c == '\\' {
			return fmt.Errorf("file name %q", name)
		}
	}
	return nil
}

// checkSHA256 returns the hash in lower case.
func checkSHA256(s string) (string, error) {
	if len(s) != 64 {
		return "", fmt.Errorf("%q is no sha256", s)
	}
	lower := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			lower = false
		default:
			return "", fmt.Errorf("%q is no sha256", s)
		}
	}
	if !lower {
		s = strings.ToLower(s)
	}
	return s, nil
}

// strongest returns the best of the hashes that can be checked, as
// "sha512=hex", or "".
func strongest(hashes map[string]string) string {
	for _, alg := range otherHashes {
		value, ok := hashes[alg.name]
		if _, err := hex.DecodeString(value); ok && err == nil && len(value) == 2*alg.size {
			return alg.name + "=" + strings.ToLower(value)
		}
	}
	return ""
}

// resolveURL makes a link absolute and takes fragment and user information
// away. A page from the network cannot point into this machine's files.
func resolveURL(base *url.URL, href string) (string, error) {
	if plainURL(href) {
		return href, nil
	}
	ref, err := url.Parse(strings.TrimSpace(href))
	if err != nil {
		return "", errors.New("not an address") // url.Error would repeat a password
	}
	u := base.ResolveReference(ref)
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	switch {
	case u.Scheme == "https" || u.Scheme == "http":
		if u.Host == "" {
			return "", errors.New("an address without a host")
		}
	case u.Scheme == "file" && base.Scheme == "file" && u.Host == "":
	default:
		return "", fmt.Errorf("an address of kind %q", u.Scheme)
	}
	return u.String(), nil
}

// plainURL reports whether an address is absolute and has only characters that
// need no thought; parsing thousands of them takes longer than all the rest.
func plainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		return false
	}
	if rest == "" || rest[0] == '/' {
		return false
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-' || c == '_' || c == '/' || c == '+' || c == '!' || c == '~':
		case c == '.':
			if strings.HasPrefix(rest[i:], "./") || strings.HasPrefix(rest[i:], "..") {
				return false // dot segments are to be resolved
			}
		default:
			return false
		}
	}
	return true
}
