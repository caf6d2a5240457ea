package pep440

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func setOf(spec string) Set { return MustParseSpecifiers(spec).Set() }

func TestSetString(t *testing.T) {
	one := Singleton(MustParse("1.2.3"))
	for _, c := range []struct {
		set  Set
		want string
	}{
		{Empty(), "(none)"},
		{Full(), "*"},
		{one, "==1.2.3"},
		{one.Complement(), "!=1.2.3"},
		{one.Union(Singleton(MustParse("1.5+x"))), "==1.2.3 || ==1.5+x"},
		{setOf(">=2,<3"), ">=2,<3"},
		{setOf("==1.2.3"), "==1.2.3"},
		{setOf(">=1,!=1.5"), ">=1,!=1.5"},
		{setOf(">=1,!=1.5.*,!=1.7,<2"), ">=1,<2,!=1.5.*,!=1.7"},
		{setOf("!=1.5,!=1.6"), "!=1.5,!=1.6"},
		{setOf("==1.0.*"), "==1.0.*"},
		{setOf("==1.*"), "==1.*"},
		{setOf("==0.*"), "<1"},
		{setOf("==0.dev0"), "==0.dev0"},
		{setOf("===0.0.dev0"), "===0.0.dev0"},
		{setOf("===0.dev0"), "===0.dev0"},
		{setOf("~=1.4.2"), ">=1.4.2,<1.5"},
		{setOf("===1.0"), "===1.0"},
		{setOf("===2"), "===2"},
		{setOf("===2.0.0"), "===2.0.0"},
		{setOf("==2.0"), "==2.0"},
		{setOf(">=2.0.0,<3.0"), ">=2.0.0,<3.0"},
		{setOf("<=2.0,!=1.0.0"), "<=2.0,!=1.0.0"},
		{setOf(">1.0"), ">1.0"},
		{setOf("!=1.0+x"), "!=1.0+x"},
		{setOf(">=1.0.dev0,<1.1.0"), "==1.0.*"},
		{setOf("==1.0.0.*"), "==1.0.0.*"},
		{setOf(">=1.0,<2.0").Intersect(setOf(">=1,<2")), ">=1,<2"},
		{setOf(">=1,<2").Intersect(setOf(">=1.0,<2.0")), ">=1,<2"},
		{Singleton(MustParse("2.0.0")).Complement(), "!=2.0.0"},
		{setOf("!=1+x"), "!=1+x"},
		{setOf("<=1.5"), "<=1.5"},
		{setOf(">1.5"), ">1.5"},
		{setOf(">1.5.post2"), ">1.5.post2"},
		{setOf(">1.5a2"), ">=1.5a3.dev0"},
		{setOf("<2rc1"), "<2rc1"},
		{setOf(">=1!2"), ">=1!2"},
		{setOf(">=2").Complement(), "!>=2"},
		{setOf("<2").Complement(), "!<2"},
		{setOf(">2").Complement(), "!>2"},
		{setOf("<=2").Complement(), "!<=2"},
		{setOf("<1").Union(setOf(">=2,<3")), "<1 || >=2,<3"},
		{setOf(">=1").Minus(setOf(">=2")), ">=1,!>=2"},
		{setOf("===1.0").Complement(), "!===1.0"},
		{setOf(">=1,<2").Minus(one), ">=1,<2,!=1.2.3"},
	} {
		if got := c.set.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSetRelations(t *testing.T) {
	for _, c := range []struct {
		a, b                           string
		subset, disjoint, together, eq bool // together: the union is everything
	}{
		{">=1", "", true, false, true, false},
		{">=0.dev0", "", true, false, true, true},
		{"<0", ">=1,<1", true, true, false, true},
		{"==1.5", ">=1,<2", true, false, false, false},
		{"<2", ">=2", false, true, false, false}, // 2rc1 is in neither
		{"<=2", ">2", false, true, false, false}, // 2.post1 is in neither
		{"!=2", "==2", false, true, true, false}, // the local variants of 2 go with ==
		{">1.0a1,<1.0a2", "==9", false, true, false, false},
		{">1.0a1,<1.0a2.dev0", "==9", true, true, false, false}, // nothing lies between
		{"<=1.0", "<1.0.post0.dev0", true, false, false, true},
		{"==1+x", "==1", true, false, false, false},
		{"==1", "==1+x", false, false, false, false},
		{"===1.0", "==1", true, false, false, false},
		{"===1.0", "===1.0.0", false, true, false, false},
		{"~=1.4.2", "==1.4.*", true, false, false, false},
		{"~=1.4.2", ">=1.4.2,==1.4.*", true, false, false, true},
		{"<1,>=1.dev0", "", true, true, true, false},
	} {
		a, b := setOf(c.a), setOf(c.b)
		if a.IsEmpty() {
			c.disjoint = true
		}
		if got := a.SubsetOf(b); got != c.subset {
			t.Errorf("%q within %q = %v", c.a, c.b, got)
		}
		if got := a.Disjoint(b); got != c.disjoint {
			t.Errorf("%q apart from %q = %v", c.a, c.b, got)
		}
		if got := a.Union(b).IsFull(); got != c.together {
			t.Errorf("%q with %q is all = %v", c.a, c.b, got)
		}
		if a.Equal(b) != c.eq || (a.Key() == b.Key()) != c.eq {
			t.Errorf("%q equals %q = %v", c.a, c.b, a.Equal(b))
		}
	}
	if Full().Contains(Version{}) || setOf("!=1,!=2,!=3,!=4,!=5").Contains(Version{}) {
		t.Error("a set contains the invalid version")
	}
}

// numbers, versions and sets for the laws below.
var (
	drawVersion = rapid.Custom(func(t *rapid.T) Version {
		draw := func(s ...string) string { return rapid.SampledFrom(s).Draw(t, "part") }
		return MustParse(draw("", "", "1!") + draw("0", "1", "1.0", "1.1", "2", "300") + draw("", "", "a1", "rc0") +
			draw("", "", ".post0", ".post7") + draw("", "", ".dev0", ".dev2") + draw("", "", "+x", "+1.x"))
	})
	drawSet = rapid.Custom(func(t *rapid.T) Set {
		set := Full()
		for range rapid.IntRange(0, 3).Draw(t, "clauses") {
			v := drawVersion.Draw(t, "bound")
			op := rapid.SampledFrom([]string{"==", "!=", "===", "<", ">", "<=", ">=", "singleton", ".*"}).Draw(t, "op")
			var next Set
			switch op {
			case "singleton":
				next = Singleton(v)
			case ".*":
				next = setOf("==" + v.Base() + ".*")
			case "==", "!=", "===":
				next = setOf(op + v.String())
			default:
				next = setOf(op + v.Public())
			}
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				set = set.Union(next)
			case 1:
				set = set.Minus(next)
			default:
				set = set.Intersect(next)
			}
		}
		return set
	})
)

func TestSetLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, v := drawSet.Draw(t, "a"), drawSet.Draw(t, "b"), drawVersion.Draw(t, "v")
		inA, inB := a.Contains(v), b.Contains(v)
		for name, wrong := range map[string]bool{
			"complement":   a.Complement().Contains(v) == inA,
			"intersection": a.Intersect(b).Contains(v) != (inA && inB),
			"union":        a.Union(b).Contains(v) != (inA || inB),
			"minus":        a.Minus(b).Contains(v) != (inA && !inB),
			"subset":       a.SubsetOf(b) && inA && !inB,
			"disjoint":     a.Disjoint(b) && inA && inB,
			"empty":        a.IsEmpty() && inA,
			"full":         a.IsFull() && !inA,
			"twice":        !a.Complement().Complement().Equal(a),
			"de Morgan":    !a.Intersect(b).Complement().Equal(a.Complement().Union(b.Complement())),
			"as subset":    a.SubsetOf(b) != a.Intersect(b).Equal(a),
			"as disjoint":  a.Disjoint(b) != a.Intersect(b).IsEmpty(),
			"ascending":    !ascends(a) || !ascends(a.Union(b)) || !ascends(a.Minus(b)),
		} {
			if wrong {
				t.Fatalf("%s: a = %s, b = %s, v = %s", name, a, b, v)
			}
		}
	})
}

func ascends(a Set) bool {
	for i := 1; i < len(a.cuts); i++ {
		if a.cuts[i-1].key >= a.cuts[i].key {
			return false
		}
	}
	return len(a.cuts) == 0 || a.cuts[0].key == "" || a.cuts[0].key > leastKey
}

// What a list of clauses prints as a set must mean the same when read again.
func TestSetStringReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := Full()
		for range rapid.IntRange(1, 4).Draw(t, "clauses") {
			v := drawVersion.Draw(t, "bound")
			op := rapid.SampledFrom([]string{"==", "!=", "===", "<", ">", "<=", ">="}).Draw(t, "op")
			text := op + v.Public()
			if op == "==" || op == "!=" {
				text = op + v.String()
			}
			set = set.Intersect(setOf(text))
		}
		text := set.String()
		if strings.Contains(text, "!<") || strings.Contains(text, "!>") || strings.Contains(text, "!===") ||
			strings.Contains(text, "||") || text == "(none)" || text == "*" {
			return
		}
		again, err := ParseSpecifiers(text)
		if err != nil || !again.Set().Equal(set) {
			t.Fatalf("%q reads back as %s, %v", text, again.Set(), err)
		}
	})
}

func BenchmarkIntersect(b *testing.B) {
	x, y := setOf(">=2.8.1,<4,!=3.0"), setOf(">=2,!=3.1,<3.5")
	b.ReportAllocs()
	for b.Loop() {
		x.Intersect(y)
	}
}
