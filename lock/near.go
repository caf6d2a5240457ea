package lock

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean gives ", did you mean ...?" where a word of the list is near.
func didYouMean(word string, list []string) string {
	best, dist := "", 3
	for _, w := range list {
		if d := distance(strings.ToLower(word), w); d < dist && d < len(w) {
			best, dist = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
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

// Near gives locked names that look like the given one, nearest first: what may
// have been meant.
func (l *Lock) Near(name string) []string {
	var by [3][]string
	for i := range l.Packages {
		p := l.Packages[i].Name
		d := distance(name, p)
		if strings.HasPrefix(p, name+"-") || strings.HasSuffix(p, "-"+name) {
			d = 1 // "jinja" for jinja2 is a slip, "yaml" for python-yaml half a name
		}
		if d < len(by) && d < len(p) && !slices.Contains(by[d], p) {
			by[d] = append(by[d], p)
		}
	}
	return slices.Concat(by[:]...)
}
