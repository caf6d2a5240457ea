package lock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestVariants(t *testing.T) {
	for _, c := range []struct {
		conflicts [][]string
		want      string // NAME{GROUPS} ...
	}{
		{nil, "{}"},
		{[][]string{{"gpu", "cpu"}}, "{gpu} cpu{cpu}"},
		{[][]string{{"gpu", "cpu", "tpu"}}, "{gpu} cpu{cpu} tpu{tpu}"},
		{[][]string{{"pg", "mysql"}, {"gpu", "cpu"}}, "{gpu,pg} cpu{cpu,pg} mysql{gpu,mysql} cpu+mysql{cpu,mysql}"},
		{[][]string{{"a", "b"}, {"b", "c"}}, "{a,c} b{b}"},
		{[][]string{{"a", "b"}, {"b", "c"}, {"c", "d"}}, "{a,c} d{a,d} b+d{b,d}"},
	} {
		list, err := Variants(c.conflicts)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range list {
			got = append(got, v.Name+"{"+strings.Join(v.Groups, ",")+"}")
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v: %s, want %s", c.conflicts, s, c.want)
		}
	}
	var many [][]string
	for i := range 32 {
		many = append(many, []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)})
	}
	if _, err := Variants(many); !errors.As(err, new(*TooManyVariantsError)) {
		t.Errorf("2^32 choices give %v", err)
	}
}

// The variants are all largest independent sets, and no others, against a
// search through all subsets; and each legal selection is in the one it gets.
func TestVariantsAreTheLargestChoices(t *testing.T) {
	groups := []string{"a", "b", "c", "d", "e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 2, 3, rapid.ID)
		conflicts := rapid.SliceOfN(set, 1, 4).Draw(t, "conflicts")
		list, err := Variants(conflicts)
		if err != nil {
			t.Fatal(err)
		}
		var used []string
		for _, c := range conflicts {
			used = append(used, c...)
		}
		slices.Sort(used)
		used = slices.Compact(used)
		legal := func(s []string) bool {
			return !slices.ContainsFunc(conflicts, func(c []string) bool {
				n := 0
				for _, g := range s {
					if slices.Contains(c, g) {
						n++
					}
				}
				return n > 1
			})
		}
		l := &Lock{Conflicts: conflicts}
		var want []string
		for bits := range 1 << len(used) {
			var s []string
			for i, g := range used {
				if bits>>i&1 == 1 {
					s = append(s, g)
				}
			}
			name, err := l.VariantOf(s)
			if legal(s) != (err == nil) {
				t.Fatalf("selection %v: %v", s, err)
			}
			if !legal(s) {
				continue
			}
			i := slices.IndexFunc(list, func(v Variant) bool { return v.Name == name })
			for _, g := range s {
				if i < 0 || !slices.Contains(list[i].Groups, g) {
					t.Fatalf("selection %v gets variant %q, which lacks %s", s, name, g)
				}
			}
			if !slices.ContainsFunc(used, func(g string) bool { return !slices.Contains(s, g) && legal(append(slices.Clone(s), g)) }) {
				want = append(want, strings.Join(s, ","))
			}
		}
		var got []string
		for _, v := range list {
			got = append(got, strings.Join(v.Groups, ","))
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// conflicted is a lock with two versions of numpy for two groups.
func conflicted() *Lock {
	l := &Lock{RequiresDigest: "sha256:" + strings.Repeat("0", 64), Conflicts: [][]string{{"gpu", "cpu"}},
		Targets: []Target{{Name: "bookworm", Python: "3.11", Platform: "linux_x86_64"}, {Name: "focal", Python: "3.8", Platform: "linux_x86_64"}}}
	add := func(version string, in map[string][]string) {
		p := Package{Name: "numpy", Version: version, Groups: []string{"cpu", "gpu"}, Sdist: &File{"numpy-" + version + ".tar.gz", 1, strings.Repeat("a", 64)}}
		for t := range in {
			p.Targets = append(p.Targets, t)
		}
		l.SetVariants(&p, in)
		p.Wheels = []Wheel{{Name: "numpy-" + version + "-py3-none-any.whl", Origin: OriginBuilt}}
		l.Packages = append(l.Packages, p)
	}
	add("1.26.4", map[string][]string{"bookworm": {"cpu"}, "focal": {"", "cpu"}})
	add("2.1.0", map[string][]string{"bookworm": {""}})
	return l
}

func TestConflictedLock(t *testing.T) {
	l := conflicted()
	b := l.Format()
	back, err := Parse("wheels.lock", b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	for _, line := range []string{"conflicts = [[\"gpu\", \"cpu\"]]\n", "target-only-with = { bookworm = [\"cpu\"] }\n", "\nnot-with = [\"cpu\"]\n"} {
		if !strings.Contains(string(b), line) {
			t.Errorf("no %q in\n%s", line, b)
		}
	}
	for _, c := range []struct{ target, variant, want string }{
		{"bookworm", "", "2.1.0"}, {"bookworm", "cpu", "1.26.4"}, {"focal", "", "1.26.4"}, {"focal", "cpu", "1.26.4"},
	} {
		if p := back.FindIn("numpy", c.target, c.variant); p == nil || p.Version != c.want {
			t.Errorf("numpy on %s in %q: %v, want %s", c.target, c.variant, p, c.want)
		}
	}
	for _, c := range []struct{ old, new, want string }{
		{"not-with = [\"cpu\"]\n", "", "target bookworm gets two versions of numpy, 1.26.4 and 2.1.0"},
		{"not-with = [\"cpu\"]", "not-with = [\"tpu\"]", "only-with"},
		{"not-with = [\"cpu\"]", "only-with = [\"cpu\"]", "target bookworm gets two versions"},
		{"conflicts = [[\"gpu\", \"cpu\"]]\n", "", "only-with"},
		{"[[\"gpu\", \"cpu\"]]", "[[\"gpu\"]]", "two or more different groups"},
		{"[[\"gpu\", \"cpu\"]]", "[[\"gpu\", \"cpu\"], [\"gpu\", \"cpu\"]]", "stands twice"},
		{"{ bookworm = [\"cpu\"] }", "{ trixie = [\"cpu\"] }", "only-with"},
		{"{ bookworm = [\"cpu\"] }", "{ bookworm = [\"cpu\"], focal = [\"cpu\"] }", "only-with"},
	} {
		bad := strings.Replace(string(b), c.old, c.new, 1)
		if _, err := Parse("wheels.lock", []byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, want %s", c.new, c.old, err, c.want)
		}
	}
}
