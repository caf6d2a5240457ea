package pyproject

import "strings"

// nameAndExtras scans the beginning of a requirement. Only the resolver parses
// requirements; to add and remove, their name is enough.
func nameAndExtras(req string) (name string, extras []string) {
	req = strings.TrimSpace(req)
	end := 0
	for end < len(req) && isNameByte(req[end]) {
		end++
	}
	name = strings.TrimRight(req[:end], "-_.")
	rest := strings.TrimSpace(req[end:])
	if !strings.HasPrefix(rest, "[") {
		return name, nil
	}
	inner, _, ok := strings.Cut(rest[1:], "]")
	if !ok {
		return name, nil
	}
	for _, x := range strings.Split(inner, ",") {
		if x = strings.TrimSpace(x); x != "" {
			extras = append(extras, x)
		}
	}
	return name, extras
}

// nameOf is a requirement's name in normal form; "" if it has none.
func nameOf(req string) string {
	name, _ := nameAndExtras(req)
	return normalize(name)
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// normalize is PEP 503's normal form, written here because this room does not
// import the resolver.
func normalize(s string) string {
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

// near gives the words that look like the given one, nearest first.
func near(word string, list []string) []string {
	var one, two []string
	for _, w := range list {
		switch d := distance(strings.ToLower(word), strings.ToLower(w)); {
		case d <= 1:
			one = append(one, w)
		case d == 2 && len(w) > 3:
			two = append(two, w)
		}
	}
	return append(one, two...)
}

// distance is Levenshtein's, of words short enough to be keys.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
