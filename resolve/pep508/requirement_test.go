package pep508

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"requests": "requests",
		`requests[socks] >= 2.8.1, == 2.8.*; python_version < "2.7"`: `requests[socks]==2.8.*,>=2.8.1; python_version < "2.7"`,
		" A.B-C_d [ z , b,b ] ( >=1 ,<2, ) ":                         "A.B-C_d[b,z]<2,>=1",
		"a()":                                                        "a",
		"a[]":                                                        "a",
		"a;os_name=='x'":                                             `a; os_name == "x"`,
		"a ;os_name=='x'or os.name == \"y\"":                         `a; os_name == "x" or os_name == "y"`,
		"a @ https://h.example/a.whl":                                "a @ https://h.example/a.whl",
		"a[b]@https://h.example/a;b ; os_name=='x'\t":                `a[b] @ https://h.example/a;b ; os_name == "x"`,
		"a @ ../dir ":                                                "a @ ../dir",
		"a===x,y":                                                    "",
		"a===x,>=1":                                                  "a===x,>=1",
		"a(===x)":                                                    "a===x",
		"foo_>1":                                                     "foo_>1",
		"a >=\n1":                                                    "a>=1",
	} {
		r, err := Parse(in)
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken", in)
			}
			continue
		}
		if err != nil || r.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, r, err, want)
		}
	}
	r := MustParse("Foo.Bar[B_x,a,b.X]>=1,<2")
	if r.Canonical() != "foo-bar" || !slices.Equal(r.CanonicalExtras(), []string{"a", "b-x"}) || len(r.Specifiers.Clauses()) != 2 {
		t.Errorf("got %+v", r)
	}
}

// The caret must stand under the place; here it is the "|" of the input.
func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ in, msg string }{
		{"|", "package name"},
		{"|-a", "package name"},
		{"|==1.0", "package name"},
		{"a |1.0", "expected a version specifier such as >=1.0"},
		{"a |=1.0", "expected a version specifier such as >=1.0"},
		{"a|.>=1", "expected a version specifier"},
		{"a|-", "expected a version specifier"},
		{"a|[b", "'[' is not closed"},
		{"a[b |c]", "expected ',' or ']'"},
		{"a[b, |]", "extra after ','"},
		{"a[|-]", "expected ',' or ']'"},
		{"a|>=", "expected a version after >="},
		{"a>=1,|<=x", "expected a version after <="},
		{"a|>=1.*", "only with == and !="},
		{"a|~=1", "two numbers"},
		{"a|==1.0.org1", "expected a version"},
		{"a>=1|\r", "expected ',', ';' or the end"},
		{"a>=1 |<2", "expected ',', ';' or the end"},
		{"a>=1,|,<2", "expected ',', ';' or the end"},
		{"a|(>=1", "'(' is not closed"},
		{"a(>=1 |;", "expected ',' or ')'"},
		{"a(|x)", "expected ',' or ')'"},
		{"a @ |", "an address after '@'"},
		{"a @ b |c", "after the address"},
		{"a @ b|\nc", "control characters"},
		{"a; |", "a marker variable or a quoted string"},
		{"a; |os == 'x'", `not "os"`},
		{"a; os_name |= 'x'", "expected an operator"},
		{"a; os_name not|in 'x'", ""},
		{"a; os_name not |'x'", "'in' after 'not'"},
		{"a; os_name == |x", "a quoted string"},
		{"a; os_name == |'x", "has no end"},
		{`a; os_name == |"\x"`, "invalid quoted string"},
		{"a; os_name == 'x' |xor os_name == 'y'", "'and', 'or' or the end"},
		{"a; os_name == 'x'|\n", "'and', 'or' or the end"},
		{"a; |(os_name == 'x'", "'(' is not closed"},
		{"a; (os_name == 'x' |]", "'and', 'or' or ')'"},
		{"a; os_name == 'x'|)", "'and', 'or' or the end"},
		{"\u00e9|", ""},
		{"a|\xff", "UTF-8"},
		{"a; " + strings.Repeat("(", MaxDepth) + "|((os_name == 'x'", "nest too deep"},
	} {
		place := strings.Index(c.in, "|")
		in := c.in[:place] + c.in[place+1:]
		_, err := Parse(in)
		if err == nil {
			t.Errorf("%q was taken", in)
			continue
		}
		checkSyntaxError(t, in, err)
		if c.msg == "" {
			continue
		}
		syntax := err.(*SyntaxError)
		if syntax.Offset != place || !strings.Contains(syntax.Msg, c.msg) {
			t.Errorf("%q: at %d %q, want at %d %q", in, syntax.Offset, syntax.Msg, place, c.msg)
		}
	}
	if _, err := Parse("a" + strings.Repeat(" ", MaxLength)); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a very long requirement: %.100v", err)
	}
}

func TestCaret(t *testing.T) {
	for in, want := range map[string]string{
		"requests>=":               "requests>=\n        ^",
		"a\t; os_name == '\u00e9":  "a ; os_name == '\u00e9\n               ^",
		"a; os_name == '\u00e9' x": "a; os_name == '\u00e9' x\n                  ^",
		"a\x1b[31m":                "a?[31m\n ^",
		"":                         "\n^",
	} {
		_, err := Parse(in)
		syntax, ok := err.(*SyntaxError)
		if !ok || syntax.Caret() != want {
			t.Errorf("%q: got\n%s\nwant\n%s", in, syntax.Caret(), want)
		}
	}
	_, err := Parse("requests>=")
	if got, want := err.Error(), `invalid version specifier: expected a version after >= at column 9 of "requests>="`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"": "", "Foo": "foo", "a.b_c-d": "a-b-c-d", "a-._b": "a-b", "--a": "-a", "a_": "a-", "x1": "x1"} {
		if got := NormalizeName(in); got != want {
			t.Errorf("NormalizeName(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]bool{"a": true, "A.b_c-9": true, "": false, "-a": false, "a-": false, "a_": false, "a b": false, "\u00e9": false, "a\n": false} {
		if got := ValidName(in); got != want {
			t.Errorf("ValidName(%q) = %v", in, got)
		}
	}
	if !IsNormalizedName("a-b") || IsNormalizedName("a-") || IsNormalizedName("A") || IsNormalizedName("a--b") {
		t.Error("IsNormalizedName is wrong")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a", "a[b,c]>=1,<2;os_name=='x'", "a @ u ; extra == 'X_y'", "a(===x) ; ('a' in extras or (python_version<'3'))", `a; os_name == "\\\x41\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			checkSyntaxError(t, s, err)
			_ = err.(*SyntaxError).Caret()
			return
		}
		again, err := Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q: %q reads back as %q, %v", s, r, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(`PySocks (!=1.5.7,>=1.5.6) ; python_version >= "3.8" and extra == "socks"`); err != nil {
			b.Fatal(err)
		}
	}
}

// A capital I with a dot is not the letter i: else another project's extra
// would be meant.
func TestNormalizeDottedI(t *testing.T) {
	if got := NormalizeName("\u0130dna"); got != "i\u0307dna" {
		t.Errorf("%q", got)
	}
}
