package tags

import (
	"sort"
	"strings"
)

// maxNear is how many near spellings an error offers.
const maxNear = 3

// near returns the known names that are spelled like name, best first. An
// architecture at its end is set aside and put back.
func near(name string) []string {
	if len(name) > MaxName {
		return nil
	}
	name = strings.ToLower(name)
	suffix := ""
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if arch, ok := archOf("linux", name[i+1:]); ok {
			name, suffix = name[:i], "-"+archSuffix(arch)
		}
	}
	type candidate struct {
		name string
		away int
	}
	var found []candidate
	for _, d := range distributions {
		best := -1
		for _, known := range append([]string{d.name}, d.aliases...) {
			away := distance(squash(name), squash(known))
			if away > 1 && len(name) >= 3 && strings.HasPrefix(squash(known), squash(name)) {
				away = 1
			}
			if away <= 2 && away*3 <= len(name) && (best < 0 || away < best) {
				best = away
			}
		}
		if best >= 0 {
			found = append(found, candidate{d.name + suffix, best})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].away < found[j].away })
	// debian12 can only mean debian-12, and not debian-13.
	for n, c := range found {
		if found[0].away == 0 && c.away > 0 {
			found = found[:n]
			break
		}
	}
	// Of equally near ones the later rows are the newer releases.
	if len(found) > maxNear && found[0].away == found[len(found)-1].away {
		found = found[len(found)-maxNear:]
	}
	var out []string
	for _, c := range found {
		if len(out) < maxNear {
			out = append(out, c.name)
		}
	}
	return out
}

// squash drops what people forget or add: debian12, debian_12.
func squash(s string) string { return strings.NewReplacer("-", "", "_", "", ":", "").Replace(s) }

// distance is the number of letters to insert, delete, replace or swap with
// the next one.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
