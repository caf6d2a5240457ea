package compare

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// show is a key for people: METADATA instead of *.dist-info/METADATA.
func show(key string) string {
	if rest, ok := strings.CutPrefix(key, distInfo); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return key
}

// maxLine is the most bytes of a line.
const maxLine = 400

// printable keeps a line one line, and one that reads as it is written, whatever
// is in file names or METADATA: control characters, line ends of every script and
// marks that turn the direction of writing become "?".
func printable(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, s)
	return clipTo(clean, maxLine)
}

// clipTo cuts a line that is longer than n bytes.
func clipTo(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n-3], "") + "..."
	}
	return s
}

// clip keeps a value short.
func clip(s string) string {
	if s == "" {
		return "none"
	}
	if len(s) > 70 {
		return strings.ToValidUTF8(s[:60], "") + "..." + strings.ToValidUTF8(s[len(s)-7:], "")
	}
	return s
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// group says which files a fact is about: one name, or the folder that they
// share, or how many.
func group(keys []string) (count, names string) {
	sort.Strings(keys)
	if len(keys) == 1 {
		return "file", keys[0]
	}
	return fmt.Sprintf("%d files", len(keys)), common(keys)
}

// common is the shortest pattern for several sorted keys.
func common(keys []string) string {
	dir := path.Dir(keys[0])
	for dir != "." && dir != "/" && !strings.HasPrefix(keys[len(keys)-1], dir+"/") {
		dir = path.Dir(dir)
	}
	if len(keys) <= 3 && (dir == "." || dir == "/" || len(strings.Join(keys, ", ")) < 80) {
		return strings.Join(keys, ", ")
	}
	if dir != "." && dir != "/" {
		return dir + "/*"
	}
	return keys[0] + ", " + keys[1] + ", ..."
}

// firstLine finds the first line in which two texts differ.
func firstLine(a, b []byte) string {
	lines := func(t []byte) int { return bytes.Count(t, []byte("\n")) + 1 }
	x, y := a, b
	for n := 1; ; n++ {
		p, restA, moreA := bytes.Cut(x, []byte("\n"))
		q, restB, moreB := bytes.Cut(y, []byte("\n"))
		switch {
		case !bytes.Equal(p, q):
			return fmt.Sprintf("line %d: %s", n, quotes(p, q))
		case !moreA || !moreB:
			return fmt.Sprintf("%d != %d lines", lines(a), lines(b))
		}
		x, y = restA, restB
	}
}

// quotes writes two lines so that their difference shows, wherever it begins.
func quotes(a, b []byte) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	if i < 40 {
		x, y := quote(a), quote(b)
		if x == y { // they differ in blanks, or far behind
			x, y = strconv.Quote(string(a[:min(len(a), 60)])), strconv.Quote(string(b[:min(len(b), 60)]))
		}
		return x + " != " + y
	}
	i -= 15
	for i > 0 && !utf8.RuneStart(a[i]) {
		i--
	}
	return "..." + quote(a[i:]) + " != ..." + quote(b[i:])
}

func quote(b []byte) string {
	s := string(b)
	if t := strings.TrimSpace(s); t != "" {
		s = t
	}
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return strconv.Quote(s)
}

func isText(b []byte) bool { return len(b) <= MaxText && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

func unix(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
