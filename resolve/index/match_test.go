package index

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// match is path.Match where there are no slashes and nothing but stars, and a
// file's name always says the project that it was named for.
func FuzzNames(f *testing.F) {
	for _, s := range [][2]string{{"ourcorp-*", "OurCorp_Lib"}, {"*a*b*b", "ab"}, {"a*a", "a"}, {"**", ""}, {"x", "X"}, {"*-lib", "a.b_lib"}, {"our_corp.*", "our-corp-2-1"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, p, name string) {
		norm, err := pattern(p)
		if err != nil {
			return
		}
		name = strings.Map(func(r rune) rune {
			if _, err := pattern(string(r)); err != nil || r == '*' {
				return -1
			}
			return r
		}, name)
		want, err := path.Match(norm, normalize(name))
		if got := match(norm, normalize(name)); err != nil || got != want {
			t.Errorf("match(%q, %q) = %v, path.Match says %v, %v", norm, normalize(name), got, want, err)
		}
		for _, file := range []string{name + "-1.0.tar.gz", name + "-v2.zip", strings.ReplaceAll(name, "-", "_") + "-1.0-py3-none-any.whl"} {
			if !slices.Contains(projectsOf(file), normalize(name)) {
				t.Errorf("%s may be of %q, not of %s", file, projectsOf(file), normalize(name))
			}
		}
	})
}
