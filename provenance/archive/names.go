package archive

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// badName says why a member's name is refused, "" when it is fine. The rules
// are the same for zip and tar: one relative path, spelled in one way.
func badName(name string, dir bool) string {
	if dir {
		name = strings.TrimSuffix(name, "/")
	}
	switch {
	case name == "":
		return "an empty name"
	case len(name) > MaxName:
		return "its name is too long"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	case strings.HasPrefix(name, "/"):
		return "an absolute path"
	case strings.Contains(name, `\`):
		return "a backslash, which some systems take for a separator"
	case len(name) > 1 && name[1] == ':' && asciiLetter(name[0]):
		return "a drive letter"
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return "a control character in its name"
		}
	}
	parts := strings.Split(name, "/")
	if len(parts) > MaxDepth {
		return "its path is too deep"
	}
	for _, p := range parts {
		switch p {
		case "":
			return "an empty part in its path"
		case ".", "..":
			return `a "` + p + `" in its path`
		}
	}
	return ""
}

func asciiLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// checkNames refuses names that meet: equal ones, a file where another member
// needs a folder, and such as meet on a file system that folds case or
// normalises Unicode.
func (c *container) checkNames() error {
	c.byName = make(map[string]int, len(c.entries))
	folded := make(map[string]string, len(c.entries))
	var odd []string // names with characters that normalisation may change
	for i := range c.entries {
		name := strings.TrimSuffix(c.entries[i].Name, "/")
		if _, ok := c.byName[name]; ok {
			return c.refuse(c.entries[i].Name, Duplicate, "it is there twice")
		}
		c.byName[name] = i
		f := foldCase(name)
		if other, ok := folded[f]; ok {
			return c.refuse(c.entries[i].Name, Collision, "%q differs in letter case only", other)
		}
		folded[f] = name
		if !isASCII(name) {
			odd = append(odd, name)
		}
	}
	for i := range c.entries {
		name := strings.TrimSuffix(c.entries[i].Name, "/")
		for p := parent(name); p != ""; p = parent(p) {
			if j, ok := c.byName[p]; ok && !c.entries[j].Dir() {
				return c.refuse(c.entries[i].Name, Duplicate, "%q is a file", p)
			} else if other, clash := folded[foldCase(p)]; !ok && clash && other != p {
				return c.refuse(c.entries[i].Name, Collision, "%q differs from %q in letter case only", p, other)
			} else if !ok && !clash {
				folded[foldCase(p)] = p // a folder that no member of its own declares
				if !isASCII(p) {
					odd = append(odd, p)
				}
			}
		}
	}
	return c.checkNormal(odd)
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)]
}

// foldCase maps every letter to the smallest of its simple case folds, so that
// equal results mean equality for a case-insensitive file system.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return unicode.ToLower(r)
		}
		low := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			low = min(low, f)
		}
		if low < utf8.RuneSelf {
			return unicode.ToLower(low)
		}
		return low
	}, s)
}

// checkNormal refuses two names that Unicode normalisation might make one. It
// knows no tables: what normalisation can change holds a combining mark, a
// conjoining jamo or a compatibility singleton, so a name with one of these
// must not share its outline with another name. That refuses a little more
// than NFC would, and never less.
func (c *container) checkNormal(names []string) error {
	sort.Strings(names)
	byOutline := map[string]string{}
	for _, n := range names {
		o, unstable := outline(n)
		other, met := byOutline[o]
		if met && (unstable || other == "") {
			if other == "" {
				other = "another member"
			}
			return c.refuse(n, Collision, "normalised, its name may be that of %s", other)
		}
		if unstable {
			byOutline[o] = ""
		} else if !met {
			byOutline[o] = n
		}
	}
	return nil
}

// outline replaces each character that is or may become composed by "?": one for
// a base with its marks, one for a run of jamo, one for any other letter past ASCII.
func outline(s string) (out string, unstable bool) {
	var b []rune
	jamo := false
	for _, r := range s {
		isJamo := r >= 0x1100 && r <= 0x11ff || r >= 0xa960 && r <= 0xa97f || r >= 0xd7b0 && r <= 0xd7ff
		switch {
		case unicode.Is(unicode.M, r):
			unstable = true
			if len(b) > 0 && b[len(b)-1] != '/' {
				b[len(b)-1] = '?'
			}
		case isJamo:
			unstable = true
			if !jamo {
				b = append(b, '?')
			}
		case r >= utf8.RuneSelf:
			unstable = unstable || r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f || r >= 0x2000 && r <= 0x2fff
			b = append(b, '?')
		default:
			b = append(b, unicode.ToLower(r))
		}
		jamo = isJamo
	}
	return string(b), unstable
}
