package pep440

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestContains(t *testing.T) {
	for _, c := range []struct{ spec, yes, no string }{
		{"", "0.dev0 1 1+x 1!0", ""},
		{"<2", "1.9 1.9.post1", "2 2.dev0 2a1 2rc1 2.0.dev1 2+x 1!0"},
		{"<1.0.dev5", "1.0.dev4 0.9", "1.0.dev5 1.0a1 1.0"},
		{"<2.0rc1", "2.0b1 2.0a1 1", "2.0rc1 2.0 2.0rc1+x"},
		{"<1.0.post1", "1.0 1.0+x 1.0.post0", "1.0.post1 1.0.post1.dev0"},
		{"<=2", "2 2.0+x 1", "2.post1 2.0.1 2.post0.dev0"},
		{">1.0", "1.0.1 1.0.0.1 1.1.dev0", "1.0 1.0.post1 1.0+x 1.0.post1+x 1.0.dev1"},
		{">1.0a1", "1.0a2 1.0a2.dev0 1.0", "1.0a1 1.0a1.post1 1.0a1+x"},
		{">1.0.post1", "1.0.post2 1.0.post2.dev0 1.1", "1.0.post1 1.0.post1+x 1.0"},
		{">1.0.dev1", "1.0.dev2 1.0", "1.0.dev1 1.0.dev1+x"},
		{">=1.0", "1.0 1.0+x 1.0.post1", "1.0rc1 0.9"},
		{"==1.0", "1 1.0.0 1.0+x", "1.0.post1 1.0.1 1.0rc1"},
		{"==1.0+x", "1+x 1.0+X", "1.0 1.0+x.1 1.0+y"},
		{"!=1.0", "1.0.post1 1.0rc1 1.1", "1.0 1.0+x"},
		{"!=1.0+x", "1.0 1.0+x.1", "1.0+x"},
		{"==1.0.*", "1 1.0.dev0 1.0a1 1.0.5 1.0.post1 1.0+x", "1.1 1.1.dev0 0.9 1!1.0"},
		{"!=1.*", "2.dev0 0.9", "1 1.9rc1 1.dev0"},
		{"~=1.4.2", "1.4.2 1.4.10 1.4.2.post1", "1.4.1 1.5 1.5.dev0 1.4.2rc1"},
		{"~=1.4.5a4", "1.4.5a4 1.4.5 1.4.9", "1.5 1.4.5a3"},
		{"~=1.0", "1.0 1.9", "2 2.0.dev0 2a1"},
		{"===1.0", "1.0", "1 1.0.0 1.0+x v1.0"},
		{"===1.0-1", "1.0-1", "1.0.post1"},
		{"===1.0+ABC", "1.0+abc 1.0+ABC", "1.0"},
		{"===custom", "custom CUSTOM", "1.0 other"},
		{">=1,<2,!=1.5", "1 1.5.post1 1.6", "0.9 1.5 2"},
		{">=1,===1.5", "1.5", "1.5.0 x"},
		{">=2,<1", "", "1 1.5 2"},
	} {
		s := MustParseSpecifiers(c.spec)
		check := func(text string, want bool) {
			if got := s.ContainsString(text, PreAllow); got != want {
				t.Errorf("%q contains %q = %v", c.spec, text, got)
			}
		}
		for text := range strings.FieldsSeq(c.yes) {
			check(text, true)
		}
		for text := range strings.FieldsSeq(c.no) {
			check(text, false)
		}
	}
}

func TestPrereleases(t *testing.T) {
	for _, c := range []struct {
		spec                 string
		allowed, said        bool
		auto, allow, forbids string
	}{
		{"", false, false, "1.0 junk", "1.0 2.0rc1 1.1.dev1 junk", "1.0 junk"},
		{">=1", false, true, "1.0", "1.0 2.0rc1 1.1.dev1", "1.0"},
		{">=2.0b1", true, true, "2.0rc1", "2.0rc1", ""},
		{">1.0", false, true, "2.0rc1 1.1.dev1", "2.0rc1 1.1.dev1", ""}, // nothing else matches
		{"!=1.0rc1", false, true, "1.0", "1.0 2.0rc1 1.1.dev1", "1.0"},
		{"===2.0rc1", true, true, "2.0rc1", "2.0rc1", ""},
		{"===junk", false, false, "junk", "junk", "junk"},
	} {
		s := MustParseSpecifiers(c.spec)
		if allowed, said := s.Prereleases(); allowed != c.allowed || said != c.said {
			t.Errorf("%q: Prereleases = %v, %v", c.spec, allowed, said)
		}
		texts := []string{"1.0", "2.0rc1", "1.1.dev1", "junk"}
		for pre, want := range map[Pre]string{PreAuto: c.auto, PreAllow: c.allow, PreForbid: c.forbids} {
			if got := s.Filter(texts, pre); !slices.Equal(got, strings.Fields(want)) {
				t.Errorf("%q filters (pre %d) %q, want %q", c.spec, pre, got, want)
			}
		}
	}
	// A string that is no version is no final release either.
	texts := []string{"junk", "2.0rc1"}
	if got := (Specifiers{}).Filter(texts, PreAuto); !slices.Equal(got, texts) {
		t.Errorf("got %q, want %q", got, texts)
	}
	s, v := MustParseSpecifiers(">=1"), MustParse("2rc1")
	if !s.Contains(v, PreAuto) || !s.Contains(v, PreAllow) || s.Contains(v, PreForbid) || s.ContainsString("2rc1", PreForbid) {
		t.Error("a pre-release that is judged alone must match unless it is forbidden")
	}
}

func TestSpecifiersString(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		" , ":                   "",
		">= 1.0 ,!=1.5, <2,":    "!=1.5,<2,>=1.0",
		"==1.0,==1.0.0,==1":     "==1",
		"~=1.0,~=1.0.0":         "~=1.0,~=1.0.0",
		"==1.0.*,==1.*,==1.0.*": "==1.*,==1.0.*",
		">=V1-alpha":            ">=V1-alpha",
	} {
		if got := MustParseSpecifiers(in).String(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	a, b := MustParseSpecifiers(">=1.0,<2"), MustParseSpecifiers("<2.0, >=1, <2")
	if !a.Equal(b) || a.Equal(MustParseSpecifiers(">=1")) {
		t.Error("Equal is wrong")
	}
	if got := a.And(MustParseSpecifiers("!=1.5")).String(); got != "!=1.5,<2,>=1.0" {
		t.Errorf("And gives %q", got)
	}
	if both := (Specifiers{}).And(Specifiers{}); !both.IsEmpty() || !both.Set().IsFull() {
		t.Error("nothing and nothing must be nothing")
	}
}

func TestParseSpecifiersErrors(t *testing.T) {
	for in, reason := range map[string]string{
		"1.0":                                  "operator",
		"=1.0":                                 "operator",
		">=":                                   "expected a version",
		"==.*":                                 "expected a version",
		">=1.*":                                "only with == and !=",
		"~=1.*":                                "only with == and !=",
		"==1a1.*":                              "cannot follow",
		"==1+x.*":                              "", // "x.*" is no label
		">=1+x":                                "local label",
		"~=1":                                  "two numbers",
		"===a b":                               "white space",
		"==1 0":                                "expected a version",
		">=1,<2,junk":                          "operator",
		">=1" + strings.Repeat("0", MaxLength): "too long",
	} {
		_, err := ParseSpecifiers(in)
		var invalid *InvalidSpecifierError
		if !errors.As(err, &invalid) {
			t.Errorf("%.40q: %v, want an error", in, err)
			continue
		}
		if !strings.Contains(invalid.Reason, reason) {
			t.Errorf("%.40q: %v, want %q", in, err, reason)
		}
	}
	if _, err := ParseSpecifier(">=1,<2"); err == nil {
		t.Error("ParseSpecifier took two clauses")
	}
}

func FuzzParseSpecifiers(f *testing.F) {
	for _, s := range []string{">=1.0,<2", "~=1.4.2", "!=1.*", "===x,==1+a", ">1.post1,<=2rc1"} {
		f.Add(s, "1.5")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		s, err := ParseSpecifiers(spec)
		if err != nil {
			return
		}
		again, err := ParseSpecifiers(s.String())
		if err != nil || again.String() != s.String() || !again.Equal(s) || !again.Set().Equal(s.Set()) {
			t.Fatalf("%q: %q reads back as %q, %v", spec, s, again, err)
		}
		v, err := Parse(version)
		if err != nil {
			return
		}
		if s.Set().Contains(v) != s.ContainsString(v.String(), PreAllow) {
			t.Fatalf("%q and %q: set and list differ", spec, version)
		}
		_ = s.Set().Complement().String()
	})
}

func BenchmarkParseSpecifiers(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSpecifiers(">=2.8.1,<4,!=3.0"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	s, v := MustParseSpecifiers(">=2.8.1,<4,!=3.0"), MustParse("3.1")
	b.ReportAllocs()
	for b.Loop() {
		if !s.Contains(v, PreAllow) {
			b.Fatal("not contained")
		}
	}
}
