package pep508

import (
	"errors"
	"strings"
	"testing"
)

var bookworm = Environment{
	"os_name": "posix", "sys_platform": "linux", "platform_machine": "x86_64",
	"platform_python_implementation": "CPython", "platform_release": "6.1.0-18-amd64", "platform_system": "Linux",
	"platform_version": "#1 SMP", "python_version": "3.11", "python_full_version": "3.11.2",
	"implementation_name": "cpython", "implementation_version": "3.11.2",
}

func TestMarkerString(t *testing.T) {
	for in, want := range map[string]string{
		"os_name=='posix'":                                  `os_name == "posix"`,
		`os_name == 'a"b'`:                                  `os_name == 'a"b'`,
		"os.name == 'x'":                                    `os_name == "x"`,
		"python_implementation=='CPython'":                  `platform_python_implementation == "CPython"`,
		"(((os_name == 'x')))":                              `os_name == "x"`,
		"(os_name=='x' and os_name=='y') or os_name=='z'":   `(os_name == "x" and os_name == "y") or os_name == "z"`,
		"os_name=='x' and ((os_name=='y' or os_name=='z'))": `os_name == "x" and (os_name == "y" or os_name == "z")`,
		"os_name=='x' or os_name=='y' and os_name=='z'":     `os_name == "x" or os_name == "y" and os_name == "z"`,
		"'3' not  in\tpython_version":                       `"3" not in python_version`,
		"extra == 'Foo.Bar'":                                `extra == "foo-bar"`,
		"'Foo_Bar' in extras":                               `"foo-bar" in extras`,
		"os_name == 'Foo_Bar'":                              `os_name == "Foo_Bar"`,
		`os_name == '\x41\t\101\u0042'`:                     "os_name == \"A\tAB\"",
		`os_name == 'a\nb\\c'`:                              `os_name == "a\nb\\c"`,
		`os_name == '\x22\x27'`:                             `os_name == '"\x27'`,
		`os_name == '\d'`:                                   `os_name == "\\d"`,
		"os_name == 'a\\\nb'":                               `os_name == "ab"`,
		"os_name == 'a\\\r\nb'":                             `os_name == "ab"`,
	} {
		m, err := ParseMarker(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if m.String() != want {
			t.Errorf("%q: got %s, want %s", in, m, want)
		}
		if again, err := ParseMarker(m.String()); err != nil || !again.Equal(m) {
			t.Errorf("%q: reads back as %s, %v", in, again, err)
		}
	}
	for _, in := range []string{`os_name == '\x4'`, `os_name == '\u12'`, `os_name == '\U00110000'`, `os_name == '\ud800'`,
		`os_name == '\N{DASH}'`, `os_name == 'a\'`, "os_name == 'a\nb'", "os_name == 'a\x00b'", `os_name == '\xg0'`, `os_name == '\x+1'`, ""} {
		if m, err := ParseMarker(in); err == nil {
			t.Errorf("%q was taken as %s", in, m)
		}
	}
}

func TestEval(t *testing.T) {
	for marker, want := range map[string]any{
		"python_version >= '3.8'":                             true,
		"python_version < '3.8'":                              false,
		"python_version >= '3.9' and python_version < '3.12'": true, // as numbers, not as text
		"'3.8' <= python_version":                             true,
		"'3.12' <= python_version":                            false,
		"python_version == '3.*'":                             true,
		"python_version ~= '3.8'":                             true,
		"python_full_version > '3.11'":                        true,
		"python_version in '3.10 3.11'":                       true,
		"python_version not in '3.10,3.11'":                   false,
		"'.11' in python_version":                             true,
		"sys_platform == 'linux' and platform_machine != 'x86_64' or os_name == 'posix'": true,
		"sys_platform == 'linux' and (platform_machine != 'x86_64' or os_name == 'nt')":  false,
		"platform_release >= '5'":               false, // not a version: satisfies nothing
		"platform_release == '6.1.0-18-amd64'":  true,  // not a specifier: compared as text
		"platform_version <= '#1 SMP'":          true,
		"platform_version < '~'":                false,
		"extra == 'x'":                          false,
		"extra == ''":                           true,
		"os_name == 'posix' or os_name == 'nt'": true,
		"os_name == 'nt' or os_name == 'posix' and python_version < '3' or extra != ''": false,
		"os_name ~= 'posix'":                   "error:UndefinedComparison",
		"os_name === 'posix'":                  "error:UndefinedComparison",
		"os_name == 'posix' or os_name ~= '1'": "error:UndefinedComparison",
		"'x' in extras":                        "error:UndefinedEnvironmentName",
		"'posix' == 'os_name'":                 true, // the reference looks the right operand up
		"'x' == 'y'":                           "error:UndefinedEnvironmentName",
	} {
		if got := outcome(MustParseMarker(marker), ContextMetadata, Values{Environment: bookworm}); got != want {
			t.Errorf("%s = %v, want %v", marker, got, want)
		}
	}
}

func TestEvalExtras(t *testing.T) {
	m := MustParseMarker("extra == 'Socks_5' and python_version > '3'")
	for _, c := range []struct {
		extras string
		want   bool
	}{{"", false}, {"socks", false}, {"socks.5", true}, {"a SOCKS-5 b", true}} {
		got, err := m.Eval(bookworm, strings.Fields(c.extras)...)
		if err != nil || got != c.want {
			t.Errorf("with %q: %v, %v", c.extras, got, err)
		}
	}
	if ok, err := (*Marker)(nil).Eval(nil, "x"); !ok || err != nil {
		t.Error("no marker must hold everywhere")
	}
	if _, err := m.Eval(Environment{}, "socks-5"); err == nil {
		t.Error("an empty environment gave no error")
	}
	if !m.Mentions("extra") || m.Mentions("os_name") || !MustParseMarker("os_name == 'x' or ('a' == extra)").Mentions("extra") {
		t.Error("Mentions is wrong")
	}
	if ok, err := MustParseMarker("'Socks_5' == extra").Eval(bookworm, "socks.5"); !ok || err != nil {
		t.Errorf("a reversed comparison of an extra gave %v, %v", ok, err)
	}
	both := m.And(MustParseMarker("os_name == 'nt' or os_name == 'posix'"))
	if want := m.String(); both.String() != "("+want+`) and (os_name == "nt" or os_name == "posix")` {
		t.Errorf("And gives %s", both)
	}
	if m.And(nil) != m || (*Marker)(nil).And(m) != m {
		t.Error("And with nil must be the other")
	}
}

func TestEvalContext(t *testing.T) {
	extra := "X"
	for _, c := range []struct {
		marker  string
		context Context
		values  Values
		want    any
	}{
		{"extra == 'x'", ContextRequirement, Values{}, "error:UndefinedEnvironmentName"},
		{"extra == 'x'", ContextRequirement, Values{Extra: &extra}, true},
		{"extra == 'x'", ContextLockFile, Values{}, "error:UndefinedEnvironmentName"},
		{"'a.B' in extras", ContextLockFile, Values{Extras: []string{"A-b"}}, true},
		{"'a' not in extras", ContextLockFile, Values{}, true},
		{"'dev' in dependency_groups", ContextLockFile, Values{DependencyGroups: []string{"dev"}}, true},
		{"extras == 'a'", ContextLockFile, Values{}, "error:UndefinedComparison"},
		{"'a' == extras", ContextLockFile, Values{}, false},
		{"'a' != extras", ContextLockFile, Values{}, true},
		{"'a' ~= extras", ContextLockFile, Values{}, "error:UndefinedComparison"},
		{"python_full_version == '3.14.0+local'", ContextMetadata, Values{Environment: Environment{"python_full_version": "3.14.0+"}}, true},
	} {
		if got := outcome(MustParseMarker(c.marker), c.context, c.values); got != c.want {
			t.Errorf("%s in %d with %+v = %v, want %v", c.marker, c.context, c.values, got, c.want)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	_, err := MustParseMarker("os_name ~= 'x'").Eval(bookworm)
	var comparison *UndefinedComparisonError
	if !errors.As(err, &comparison) || err.Error() != `marker compares "posix" ~= "x", which is not defined` {
		t.Errorf("got %v", err)
	}
	_, err = MustParseMarker("'a' in dependency_groups").Eval(bookworm)
	var name *UndefinedNameError
	if !errors.As(err, &name) || err.Error() != `marker uses "dependency_groups", which is not defined here` {
		t.Errorf("got %v", err)
	}
}

func FuzzParseMarker(f *testing.F) {
	for _, s := range []string{"os_name=='x'", "('a' in extras)or extra!='B.c'and(python_version~='3.8')", `"\x41\\" == os.name`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMarker(s)
		if err != nil {
			checkSyntaxError(t, s, err)
			return
		}
		again, err := ParseMarker(m.String())
		if err != nil || !again.Equal(m) {
			t.Fatalf("%q: %q reads back as %q, %v", s, m, again, err)
		}
		a, errA := m.Eval(bookworm, "b-c")
		b, errB := again.Eval(bookworm, "b-c")
		if a != b || (errA == nil) != (errB == nil) {
			t.Fatalf("%q: %v, %v but read back %v, %v", s, a, errA, b, errB)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	m := MustParseMarker(`python_version >= "3.8" and extra == "socks"`)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := m.Eval(bookworm, "socks"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
