package pep508

import "strings"

// NormalizeName is the normal form of the name of a project, an extra or a
// dependency group (PEP 503): lower case, runs of ".", "-" and "_" as one "-".
// It does not ask whether s is valid.
func NormalizeName(s string) string {
	if isNormal(s) {
		return s
	}
	// Python keeps the dot of this letter; without it "\u0130" would be "i".
	s = strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
	var b strings.Builder
	b.Grow(len(s))
	dash := false
	for i := range len(s) {
		if isJoiner(s[i]) {
			if !dash {
				b.WriteByte('-')
			}
			dash = true
			continue
		}
		dash = false
		b.WriteByte(s[i])
	}
	return b.String()
}

// isNormal reports whether s surely is in normal form already.
func isNormal(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		case c == '-' && i > 0 && s[i-1] != '-':
		default:
			return false
		}
	}
	return true
}

// IsNormalizedName reports whether s is a valid name in normal form.
func IsNormalizedName(s string) bool {
	return isNormal(s) && ValidName(s)
}

// ValidName reports whether s is a name by the core metadata standard: ASCII letters,
// digits, ".", "-" and "_", with a letter or digit at both ends.
func ValidName(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && !isJoiner(s[i]) {
			return false
		}
	}
	return s != "" && isAlphanumeric(s[0]) && isAlphanumeric(s[len(s)-1])
}

func isJoiner(c byte) bool { return c == '.' || c == '-' || c == '_' }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isWord reports a character that a keyword must not be followed by.
func isWord(c byte) bool { return isAlphanumeric(c) || c == '_' }
