package pep440

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"1":                         "1",
		" v1.0\n":                   "1.0",
		"0!1.0":                     "1.0",
		"01!02.003":                 "1!2.3",
		"1.0-ALPHA_2":               "1.0a2",
		"1.0preview":                "1.0rc0",
		"1.0c3":                     "1.0rc3",
		"1.0-4":                     "1.0.post4",
		"1.0-r4":                    "1.0.post4",
		"1.0rev":                    "1.0.post0",
		"1.0dev":                    "1.0.dev0",
		"1.0a-":                     "1.0a0",
		"1.0a.dev1":                 "1.0a0.dev1",
		"1.0b1-2.DEV3+Ubuntu-01_X":  "1.0b1.post2.dev3+ubuntu.1.x",
		"1.0+00":                    "1.0+0",
		"20260101123456789012345.0": "20260101123456789012345.0",
	} {
		v, err := Parse(in)
		if err != nil || v.String() != want {
			t.Errorf("Parse(%q) = %q, %v, want %q", in, v, err, want)
		}
	}
	for _, in := range []string{"", "v", "1.", ".1", "1..0", "1!", "!1", "1.0 a1", "1.0+", "1.0+a.", "1.0+a..b",
		"1.0a1a2", "1.0.dev1.post1", "1.0-test", "1.0-", "a1", "1.0p\u00f6st1", "1.0.po\u017ft1", "\u0661.0", strings.Repeat("1", MaxLength+1)} {
		v, err := Parse(in)
		var invalid *InvalidVersionError
		if !errors.As(err, &invalid) || invalid.Input != in || v.IsValid() {
			t.Errorf("Parse(%.40q) = %q, %v, want an error", in, v, err)
		}
	}
}

func TestVersionParts(t *testing.T) {
	v := MustParse("2!1.0.0rc3.post4.dev5+deb.6")
	letter, number := v.Pre()
	got := []string{v.Epoch(), strings.Join(v.Release(), " "), letter, number, v.Post(), v.Dev(), v.Local(), v.Public(), v.Base()}
	want := []string{"2", "1 0 0", "rc", "3", "4", "5", "deb.6", "2!1.0.0rc3.post4.dev5", "2!1.0.0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !v.IsPrerelease() || !v.IsPost() || !v.IsDev() || !v.HasLocal() {
		t.Error("flags are wrong")
	}
	if v := MustParse("1.0.post1"); v.IsPrerelease() || !v.IsPost() || v.IsDev() || v.HasLocal() {
		t.Error("flags of a post-release are wrong")
	}
	var zero Version
	if zero.IsValid() || zero.String() != "" || zero.Base() != "" || !zero.Less(MustParse("0.dev0")) {
		t.Error("the zero Version is not what it should be")
	}
}

// ascending holds versions in order; those of one line are equal.
var ascending = []string{
	"0.dev0 0.0.dev0", "0.dev1", "0a0", "0 0.0", "0.0.0.1",
	"1.dev0", "1.dev191", "1.dev1000000", "1a0.dev0", "1a0", "1a0+x", "1a0.post0.dev3", "1a0.post0", "1a1.dev0", "1a2", "1a10", "1b0", "1rc0",
	"1 1.0 1.0.0 v1 0!1", "1+a", "1+a.a", "1+a.0", "1+b", "1+0", "1+0.a", "1+0.0", "1+190", "1+191", "1+256", "1+100000000000000000000",
	"1.0.post0.dev0", "1.post0", "1.post0+x", "1.post1.dev9", "1.post1",
	"1.0.1.dev0", "1.0.1", "1.1", "1.2", "1.10", "1.190", "1.191", "1.255", "1.256", "1.65535", "1.65536",
	"1.9999999999999999999", "1.10000000000000000000", "1.18446744073709551616", "1.100000000000000000000", "2", "1!0.dev0", "1!0", "2!0",
}

func TestCompare(t *testing.T) {
	for i, low := range ascending {
		for j, high := range ascending {
			for a := range strings.FieldsSeq(low) {
				for b := range strings.FieldsSeq(high) {
					v, w := MustParse(a), MustParse(b)
					want := min(1, max(-1, i-j))
					if got := v.Compare(w); got != want {
						t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
					}
					if v.Equal(w) != (i == j) || v.Less(w) != (i < j) || (v.Key() == w.Key()) != (i == j) {
						t.Errorf("Equal, Less or Key of %s and %s is wrong", a, b)
					}
				}
			}
		}
	}
}

// Keys must be readable again, for the text of a set is made from them.
func TestKeyDecodes(t *testing.T) {
	for _, line := range ascending {
		v := MustParse(strings.Fields(line)[0])
		p, rest := decode(v.Key())
		if got := MustParse(p.String()); rest != "" || !got.Equal(v) {
			t.Errorf("key of %s decodes to %s, rest %q", v, got, rest)
		}
	}
}

func TestMarshalText(t *testing.T) {
	var v Version
	if err := v.UnmarshalText([]byte("1.0-1")); err != nil || v.String() != "1.0.post1" {
		t.Errorf("got %q, %v", v, err)
	}
	if err := v.UnmarshalText([]byte("x")); err == nil || v.String() != "1.0.post1" {
		t.Errorf("a bad text gave %q, %v", v, err)
	}
	if text, err := v.MarshalText(); err != nil || string(text) != "1.0.post1" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestCanonicalVersion(t *testing.T) {
	for in, want := range map[string]string{"1.0.0": "1", "0.0": "0", "1.4.0+X-1": "1.4+x.1", "1!0.0rc1": "1!0rc1", "no": "no", " no": " no"} {
		if got := CanonicalVersion(in, true); got != want {
			t.Errorf("CanonicalVersion(%q) = %q, want %q", in, got, want)
		}
	}
	if got := CanonicalVersion("1.0.0-1", false); got != "1.0.0.post1" {
		t.Errorf("got %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, next := range map[string]string{"0": "1", "9": "10", "199": "200", "999": "1000", "18446744073709551615": "18446744073709551616"} {
		if got := increment(n); got != next {
			t.Errorf("increment(%s) = %s", n, got)
		}
		if got := decrement(next); got != n {
			t.Errorf("decrement(%s) = %s", next, got)
		}
	}
}

// Comparing must not allocate: a solver does it hundreds of thousands of times.
func TestAllocations(t *testing.T) {
	v, w := MustParse("1.2.3rc1"), MustParse("1.2.3.post4+x")
	s := MustParseSpecifiers(">=1.2,!=1.2.4,<2")
	set, other := s.Set(), MustParseSpecifiers("<1.5").Set()
	for name, f := range map[string]func(){
		"Compare":  func() { v.Compare(w) },
		"Contains": func() { s.Contains(w, PreAuto); set.Contains(v) },
		"SubsetOf": func() { set.SubsetOf(other); set.Disjoint(other) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { v, _ = Parse("1.26.3") }); n > 1 {
		t.Errorf("Parse allocates %v times", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range ascending {
		f.Add(strings.Fields(line)[0])
	}
	f.Add("v1.0-ALPHA_2.r.dev+X-01")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		w, err := Parse(v.String())
		if err != nil || w != v || w.String() != v.String() {
			t.Fatalf("%q: %q reads back as %q, %v", s, v, w, err)
		}
		p, rest := decode(v.Key())
		if u := p.version(); rest != "" || !u.Equal(v) {
			t.Fatalf("%q: the key says %q", s, u)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("2.32.4"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLong(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("1!2.32.4rc1.post2.dev3+ubuntu.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	v, w := MustParse("2.32.4"), MustParse("2.32.10")
	b.ReportAllocs()
	for b.Loop() {
		if v.Compare(w) != -1 {
			b.Fatal("wrong order")
		}
	}
}
