package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/lock"
)

// conflicted has numpy in two versions for conflicting groups on bookworm, and
// in one on focal.
func conflicted(conflicts [][]string, older ...string) *lock.Lock {
	l := sample()
	l.Conflicts = conflicts
	var newer, all []string
	for _, v := range l.Variants() {
		all = append(all, v.Name)
		if !slices.Contains(older, v.Name) {
			newer = append(newer, v.Name)
		}
	}
	add := func(version string, n int, in map[string][]string) {
		p := lock.Package{Name: "numpy", Version: version, Groups: []string{"cpu", "gpu"},
			Wheels: []lock.Wheel{{Name: "numpy-" + version + "-py3-none-any.whl", Origin: "upstream", SHA256: hexOf(n)}}}
		for t := range in {
			p.Targets = append(p.Targets, t)
		}
		l.SetVariants(&p, in)
		l.Packages = append(l.Packages, p)
	}
	add("1.26.4", 7, map[string][]string{"bookworm": older, "focal": all})
	add("2.1.0", 8, map[string][]string{"bookworm": newer})
	l.Sort()
	return l
}

func TestVariantSelection(t *testing.T) {
	l := conflicted([][]string{{"gpu", "cpu"}}, "cpu")
	if err := l.Check(); err != nil {
		t.Fatalf("%v\n%s", err, l.Format())
	}
	for _, tt := range []struct{ target, variant, want string }{
		{"bookworm", "", "numpy==2.1.0"}, {"bookworm", "cpu", "numpy==1.26.4"}, {"focal", "", "numpy==1.26.4"}, {"focal", "cpu", "numpy==1.26.4"},
	} {
		got, err := Requirements(l, tt.target, Selection{Variant: tt.variant, Names: map[string]bool{"numpy": true}})
		if err != nil || strings.Count(string(got), "\n") != 1 || !strings.HasPrefix(string(got), tt.want+" ") {
			t.Errorf("%s %q: %s %v, want %s", tt.target, tt.variant, got, err, tt.want)
		}
	}
}

// The markers of one file that holds every choice: written out, since an
// installer that reads them differently would install both versions or none.
func TestVariantMarkers(t *testing.T) {
	for _, tt := range []struct {
		conflicts    [][]string
		older        []string
		want1, want2 string // of numpy 1.26.4 and 2.1.0 on bookworm
	}{
		{[][]string{{"gpu", "cpu"}}, []string{"cpu"},
			"'cpu' in dependency_groups and 'gpu' not in dependency_groups", "'cpu' not in dependency_groups"},
		{[][]string{{"gpu", "cpu"}, {"pg", "mysql"}}, []string{"cpu+mysql"},
			"'cpu' in dependency_groups and 'mysql' in dependency_groups and 'gpu' not in dependency_groups and 'pg' not in dependency_groups", "'cpu' not in dependency_groups and 'mysql' not in dependency_groups"},
	} {
		l := conflicted(tt.conflicts, tt.older...)
		got, err := Pylock(l, "bookworm", "w", nil)
		if err != nil {
			t.Fatal(err)
		}
		var markers []string
		for _, line := range strings.Split(string(got), "\n") {
			if strings.HasPrefix(line, "marker") && strings.Contains(line, "'gpu' in dep") {
				markers = append(markers, line)
			}
		}
		if len(markers) != 2 || !strings.Contains(markers[0], tt.want1) || !strings.Contains(markers[1], tt.want2) {
			t.Errorf("%v: %s\n%s", tt.conflicts, cmp.Diff([]string{tt.want1, tt.want2}, markers), got)
		}
		if !strings.Contains(string(got), "\"cpu\", \"dev\", \"gpu\"") {
			t.Errorf("the groups are not listed:\n%s", got)
		}
		one, err := Pylock(l, "bookworm", "w", &Selection{Variant: tt.older[0]})
		if err != nil || strings.Contains(string(one), "dependency_groups") || strings.Contains(string(one), "dependency-groups") || strings.Count(string(one), "numpy\"") != 1 {
			t.Errorf("a selection still has groups: %v\n%s", err, one)
		}
	}
}
