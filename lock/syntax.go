package lock

import (
	"regexp"
	"strings"
)

// The rules of single words. None of them reads a package's metadata: they
// only keep out what could not have been written by wheellock, or what would
// be misread as a path, an option or a second word somewhere else.

// isName: PEP 503's normal form.
func isName(s string) bool {
	if s == "" || len(s) > 200 || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

var canonicalVersion = regexp.MustCompile(`^([1-9][0-9]*!)?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*((a|b|rc)(0|[1-9][0-9]*))?(\.post(0|[1-9][0-9]*))?(\.dev(0|[1-9][0-9]*))?(\+[a-z0-9]+(\.[a-z0-9]+)*)?$`)

// isVersion: PEP 440's normal form, as its appendix B has it.
func isVersion(s string) bool {
	if len(s) > 200 {
		return false
	}
	for i := 0; i < len(s); i++ { // the usual 1.2.3, without the engine
		c := s[i]
		if c == '.' && i > 0 && s[i-1] != '.' && i < len(s)-1 {
			continue
		}
		if c < '0' || c > '9' || c == '0' && (i == 0 || s[i-1] == '.') && i+1 < len(s) && s[i+1] != '.' {
			return canonicalVersion.MatchString(s)
		}
	}
	return s != ""
}

func isHex(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func isDigest(s string) bool { return strings.HasPrefix(s, "sha256:") && isHex(s[7:]) }

// isTargetName: a target names a folder in the wheelhouse beside "any".
func isTargetName(s string) bool {
	return s != "any" && len(s) <= 100 && isWord(s) && strings.Trim(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" &&
		!strings.ContainsAny(s, "!:/+")
}

// isWord: letters, digits and the punctuation of tags, versions and modules.
func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-+!@:", c) >= 0) {
			return false
		}
	}
	return s != "" && len(s) <= 300
}

func isWordOrEmpty(s string) bool { return s == "" || isWord(s) }

func isText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return len(s) <= 4096
}

// isFileName: one path element of a wheelhouse, a signed list and a URL, so no
// separator, no blank, no hidden file and nothing a shell or terminal reads.
func isFileName(s string) bool {
	return isWord(s) && s[0] != '.' && s[0] != '-' && !strings.ContainsAny(s, "@:") && len(s) <= 255
}

func isPythonTag(s string) bool {
	if len(s) < 3 || len(s) > 12 {
		return false
	}
	return strings.Trim(s[:2], "abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(s[2:], "0123456789t_") == ""
}

func isBuildPath(s string) bool {
	if !isText(s) || len(s) < 2 || s[0] != '/' {
		return false
	}
	for _, part := range strings.Split(s[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

func isEnvName(s string) bool {
	return s != "" && bareKey(s) && !strings.Contains(s, "-") && (s[0] < '0' || s[0] > '9')
}

// FixedEnv reports whether a variable is the sandbox's own: no recipe may set it, since
// what it names is the same wherever a wheel is built, has a field of its own
// (SOURCE_DATE_EPOCH), tells what a build read (SUNPRO_DEPENDENCIES), or loads code into
// the process that puts up the inner walls (LD_*, GCONV_PATH), before they stand.
func FixedEnv(name string) bool {
	switch name {
	case "SOURCE_DATE_EPOCH", "PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "SUNPRO_DEPENDENCIES", "GCONV_PATH", "GLIBC_TUNABLES",
		"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE":
		return true
	}
	return strings.HasPrefix(name, "LD_")
}

// allOf: every member passes, and the list is sorted without duplicates.
func allOf(list []string, ok func(string) bool) bool {
	for i, s := range list {
		if !ok(s) || i > 0 && list[i-1] >= s {
			return false
		}
	}
	return true
}

// subset: list is nil, or sorted, and a proper subset of all, which is sorted.
func subset(list, all []string) bool {
	if list == nil {
		return true
	}
	if len(list) == 0 || len(list) >= len(all) {
		return false
	}
	k := 0
	for _, s := range list {
		for k < len(all) && all[k] != s {
			k++
		}
		if k == len(all) {
			return false
		}
		k++
	}
	return true
}

// wheelOf reports whether a file name is that of a wheel (PEP 427) of a
// package and version.
func wheelOf(file, name, version string) bool {
	stem, ok := strings.CutSuffix(file, ".whl")
	if !ok {
		return false
	}
	parts := strings.Split(stem, "-")
	if len(parts) != 5 && len(parts) != 6 {
		return false
	}
	for _, p := range parts {
		if p == "" {
			return false
		}
	}
	return normalize(parts[0]) == name && sameVersion(strings.ReplaceAll(parts[1], "_", "-"), version)
}

// sdistOf reports whether a file name is that of a source of a package and
// version. Old names may have hyphens in the name and in the version.
func sdistOf(file, name, version string) bool {
	stem, ok := strings.CutSuffix(file, ".tar.gz")
	if !ok {
		if stem, ok = strings.CutSuffix(file, ".zip"); !ok {
			return false
		}
	}
	for i := 0; i < len(stem); i++ {
		if stem[i] == '-' && normalize(stem[:i]) == name && sameVersion(stem[i+1:], version) {
			return true
		}
	}
	return false
}

// normalize is PEP 503's normal form, written here because this room does not
// import the resolver.
func normalize(s string) string {
	if isName(s) {
		return s
	}
	var b strings.Builder
	dash := false
	for _, c := range strings.ToLower(s) {
		if c == '-' || c == '_' || c == '.' {
			dash = true
			continue
		}
		if dash {
			b.WriteByte('-')
		}
		dash = false
		b.WriteRune(c)
	}
	if dash {
		b.WriteByte('-')
	}
	return b.String()
}

// sameVersion compares the epoch and release numbers of a version in a file
// name with one in normal form. A file name may spell the rest in many ways
// (1.0-beta2, 1.0b2), which is left to who opens the file.
func sameVersion(inFile, version string) bool {
	return inFile == version || release(inFile) == release(version)
}

func release(s string) string {
	s = strings.TrimLeft(s, "vV")
	if epoch, rest, ok := strings.Cut(s, "!"); ok {
		return epoch + "!" + release(rest)
	}
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.') {
		end++
	}
	parts := strings.Split(strings.Trim(s[:end], "."), ".")
	for i, p := range parts {
		if parts[i] = strings.TrimLeft(p, "0"); parts[i] == "" {
			parts[i] = "0"
		}
	}
	for len(parts) > 1 && parts[len(parts)-1] == "0" {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ".")
}
