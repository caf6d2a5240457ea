package metadata

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

func requirements(m Metadata) []string {
	var out []string
	for _, r := range m.RequiresDist {
		out = append(out, r.String())
	}
	return out
}

func TestParse(t *testing.T) {
	m, err := Parse([]byte(`Metadata-Version: 2.1
Name: Foo.Bar
Version: 1.0-RC1
Summary: first
  second
Description: words
        |Requires-Dist: not-this
REQUIRES-PYTHON: >=3.8, <4
Requires-Dist: requests (>=2,<3)
Requires-dist:   PySocks!=1.5.7,>=1.5.6; extra == 'Sock_S'
Requires-Dist: weird ~> 1
Requires-Dist:
Provides-Extra: Sock_S
Provides-Extra: b
Provides-Extra: sock-s
Dynamic: Description
License-File: A
License-File: B

Requires-Dist: body
`))
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "Foo.Bar" || m.Version.String() != "1.0rc1" || m.MetadataVersion != "2.1" || m.RequiresPython != ">=3.8, <4" {
		t.Errorf("%+v", m)
	}
	want := []string{"requests<3,>=2", `PySocks!=1.5.7,>=1.5.6; extra == "sock-s"`}
	if d := cmp.Diff(want, requirements(m)); d != "" {
		t.Errorf("requirements (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"b", "sock-s"}, m.ProvidesExtra); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"description"}, m.Dynamic); d != "" {
		t.Error(d)
	}
	if len(m.Broken) != 2 || m.Broken[0].Value != "weird ~> 1" {
		t.Errorf("broken: %v", m.Broken)
	}
	var syntax *pep508.SyntaxError
	if err := m.Err(); !errors.As(err, &syntax) || !strings.Contains(err.Error(), `Requires-Dist "weird ~> 1"`) {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff([]string{"A", "B"}, m.Fields["license-file"]); d != "" {
		t.Error(d)
	}
	if got := m.Fields["summary"]; len(got) != 1 || got[0] != "first\n  second" {
		t.Errorf("summary %q", got)
	}
	if _, ok := m.Fields["description"]; ok {
		t.Error("the description is kept")
	}
}

func TestParseLineEnds(t *testing.T) {
	for _, nl := range []string{"\n", "\r\n", "\r"} {
		m, err := Parse([]byte(strings.Join([]string{"Metadata-Version: 2.1", "Name: a", "Version: 1", "Requires-Dist: b", "", "body: x"}, nl)))
		if err != nil || len(m.RequiresDist) != 1 || m.Fields["body"] != nil {
			t.Errorf("%q: %+v, %v", nl, m, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "Name is missing"},
		{"Name: a\n", "Version is missing"},
		{"Name: a\nVersion: one\n", "one"},
		{"Name: a b\nVersion: 1\n", "no project name"},
		{"Name: \xff\nVersion: 1\n", "no project name"},
		{"Name: a\nName: b\nVersion: 1\n", "Name stands 2 times"},
		{"Name: a\nVersion: 1\nVersion: 2\n", "Version stands 2 times"},
		{"Metadata-Version: 3.0\nName: a\nVersion: 1\n", "newer than what is known"},
		{"Metadata-Version: x\nName: a\nVersion: 1\n", "is no version"},
		{"\nName: a\nVersion: 1\n", "Name is missing"},
		{"no header\nName: a\nVersion: 1\n", "Name is missing"},
		{"\ufeffName: a\nVersion: 1\n", "Name is missing"},
		{"Name: a\nVersion: 1\nX: " + strings.Repeat("x", MaxSize), "longer than"},
	} {
		_, err := Parse([]byte(c.in))
		if !errors.Is(err, ErrMetadata) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %q", c.in, err, c.want)
		}
	}
}

func TestParseKeepsWhatPipKeeps(t *testing.T) {
	for _, c := range []struct{ in, requires string }{
		{"Name: a\nVersion: 1\nMetadata-Version: 2.99\nRequires-Dist: b\n", "b"},
		{" stray\nName: a\nVersion: 1\nRequires-Dist: b\n", "b"},
		{"From me\nName: a\nVersion: 1\nRequires-Dist: b\n", "b"},
		{"Name: a\nVersion: 1\n: nameless\n x\nRequires-Dist: b\n", "b"},
		{"Name: a\nVersion: 1\nRequires-Dist: b\nthe body\nRequires-Dist: c\n", "b"},
		{"Name: a\nVersion: 1\nRequires-Dist\t: b\nRequires-Dist: c\n", ""},
		{"Name:a\nVersion:1\nRequires-Dist:b", "b"},
	} {
		m, err := Parse([]byte(c.in))
		if got := strings.Join(requirements(m), " "); err != nil || got != c.requires {
			t.Errorf("%q: %q, %v, want %q", c.in, got, err, c.requires)
		}
	}
}

func TestPythonSpecifiers(t *testing.T) {
	for _, c := range []struct {
		in       string
		ok, py27 bool
	}{
		{"", true, true},
		{">=3.6", true, false},
		{">=3.6.*", false, true}, // pip: admits any
		{"three", false, true},
		{">=2.7, !=3.0.*, !=3.1.*,", true, true},
	} {
		s, ok := Metadata{RequiresPython: c.in}.PythonSpecifiers()
		if got := s.Contains(pep440.MustParse("2.7.18"), pep440.PreAllow); ok != c.ok || got != c.py27 {
			t.Errorf("%q: ok %v, admits 2.7 %v", c.in, ok, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Metadata-Version: 2.1\r\nName: a\nVersion: 1\nRequires-Dist: b; extra == 'c'\n d\nProvides-Extra: c\n\nbody"))
	f.Add([]byte("Name: a\rVersion: 1\n\tx\n:\n y"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		if !m.Version.IsValid() || !pep508.ValidName(m.Name) {
			t.Fatalf("%q: accepted as %+v", b, m)
		}
		if len(m.RequiresDist)+len(m.Broken) != len(m.Fields["requires-dist"]) {
			t.Fatalf("%q: requirements got lost", b)
		}
		// What was understood, written anew, is understood the same.
		var s strings.Builder
		fmt.Fprintf(&s, "Name: %s\nVersion: %s\n", m.Name, m.Version)
		for _, r := range m.RequiresDist {
			fmt.Fprintf(&s, "Requires-Dist: %s\n", r)
		}
		again, err := Parse([]byte(s.String()))
		if err != nil || !again.Version.Equal(m.Version) || cmp.Diff(requirements(m), requirements(again)) != "" {
			t.Fatalf("%q: written anew it reads as %+v, %v", b, again, err)
		}
	})
}
