package pyproject

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// poetryHint writes [tool.poetry.dependencies] in the words of [project], to be
// pasted: to say only that they cannot be read would leave the work undone.
func poetryHint(deps map[string]any) string {
	var b strings.Builder
	b.WriteString("write them into [project] (poetry 2 reads them there, too):\n")
	if python, ok := deps["python"].(string); ok && python != "*" {
		if bounds, ok := poetryBounds(python); ok {
			fmt.Fprintf(&b, "requires-python = %s\n", quoteTOML(bounds, '"'))
		}
	}
	b.WriteString("dependencies = [\n")
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if name == "python" {
			continue
		}
		rows, ok := deps[name].([]any) // several, told apart by their markers
		if !ok {
			rows = []any{deps[name]}
		}
		for _, x := range rows {
			text, ok := poetryRequirement(name, x)
			line := "    " + quoteTOML(text, '"') + ","
			if !ok {
				line += " # correct this one by hand"
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String() + "]"
}

// poetryRequirement writes one entry by PEP 508; false: not all of it could be
// said.
func poetryRequirement(name string, x any) (text string, ok bool) {
	m, isTable := x.(map[string]any)
	if !isTable {
		m = map[string]any{"version": x}
	}
	word := func(key string) string { s, _ := m[key].(string); return s }
	text, ok = name, true
	var extras []string
	if list, _ := m["extras"].([]any); len(list) > 0 {
		for _, e := range list {
			extras = append(extras, fmt.Sprint(e))
		}
		text += "[" + strings.Join(extras, ",") + "]"
	}
	switch {
	case word("git") != "":
		rev := word("rev")
		for _, k := range []string{"tag", "branch"} {
			if rev == "" {
				rev = word(k)
			}
		}
		if rev == "" {
			rev, ok = "COMMIT", false
		}
		text += " @ git+" + withoutUser(word("git")) + "@" + rev
	case word("url") != "":
		text += " @ " + withoutUser(word("url"))
	case word("path") != "":
		text += " @ file:" + word("path")
	default:
		var bounds string
		bounds, ok = poetryBounds(word("version"))
		text += bounds
	}
	var markers []string
	if s := word("markers"); s != "" {
		markers = append(markers, s)
	}
	if s := word("platform"); s != "" {
		markers = append(markers, "sys_platform == '"+s+"'")
	}
	if s := word("python"); s != "" {
		bounds, fine := poetryBounds(s)
		ok = ok && fine
		for _, part := range strings.Split(bounds, ",") {
			if i := strings.IndexAny(part, "0123456789"); i > 0 {
				markers = append(markers, "python_version "+part[:i]+" '"+part[i:]+"'")
			}
		}
	}
	if len(markers) > 1 {
		for i, s := range markers {
			if strings.Contains(s, " or ") {
				markers[i] = "(" + s + ")"
			}
		}
	}
	if len(markers) > 0 {
		text += " ; " + strings.Join(markers, " and ")
	}
	return text, ok
}

// poetryBounds turns poetry's "^1.2", "~1.2", "1.2", "*" and lists of bounds
// into a PEP 440 specifier.
func poetryBounds(s string) (bounds string, ok bool) {
	var list []string
	for _, part := range strings.Split(s, ",") {
		part = strings.ReplaceAll(strings.TrimSpace(part), " ", "")
		switch {
		case part == "*" && s == part:
			return "", true
		case part == "" || strings.Contains(part, "|"):
			return "", false
		case part[0] == '^' || part[0] == '~' && !strings.HasPrefix(part, "~="):
			top, fine := poetryTop(part[1:], part[0] == '^')
			if !fine {
				return "", false
			}
			list = append(list, ">="+part[1:], "<"+top)
		case strings.HasPrefix(part, "==") || strings.IndexByte("<>!~", part[0]) >= 0:
			list = append(list, part)
		default:
			list = append(list, "=="+strings.TrimPrefix(part, "="))
		}
	}
	return strings.Join(list, ","), true
}

// poetryTop is the version that ^ (the first number that is not zero may not
// change) or ~ (the second may not) stays below.
func poetryTop(version string, caret bool) (string, bool) {
	words := strings.Split(version, ".")
	at := min(1, len(words)-1)
	var n []int
	for _, w := range words {
		x, err := strconv.Atoi(w)
		if err != nil {
			return "", false
		}
		n = append(n, x)
	}
	if caret {
		at = slices.IndexFunc(n, func(x int) bool { return x > 0 })
		if at < 0 {
			at = len(n) - 1
		}
	}
	n[at]++
	var top []string
	for _, x := range n[:at+1] {
		top = append(top, strconv.Itoa(x))
	}
	return strings.Join(top, "."), true
}
