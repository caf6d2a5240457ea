package recipe

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

func at(y int, m time.Month, d, s int) time.Time { return time.Date(y, m, d, 12, 0, s, 0, time.UTC) }

func TestEpoch(t *testing.T) {
	day, hatch := at(2025, 3, 4, 0), time.Date(2020, 2, 2, 0, 0, 0, 0, time.UTC)
	sdist := &lock.Epoch{Value: 1700000000, From: "sdist"}
	zip := func(t time.Time) *lock.Epoch { return &lock.Epoch{Value: t.Unix(), From: "upstream-zip"} }
	dist := func(t time.Time) map[string]time.Time { return map[string]time.Time{"WHEEL": t, "RECORD": t} }
	for what, c := range map[string]struct {
		c    clues
		want *lock.Epoch
	}{
		"all equal":                {clues{made: "flit", times: []time.Time{day}}, zip(day)},
		"hatchling's constant":     {clues{made: "hatchling", times: []time.Time{hatch}}, zip(hatch)},
		"maturin's constant":       {clues{made: "maturin", times: []time.Time{constant1980}}, zip(constant1980)},
		"setuptools without":       {clues{made: "setuptools", times: []time.Time{day, at(2025, 3, 5, 0)}}, sdist},
		"flit without":             {clues{made: "flit", times: []time.Time{constant2016, day}, distTime: dist(constant2016)}, nil},
		"flit with two times":      {clues{made: "flit", times: []time.Time{hatch, day}, distTime: dist(day)}, sdist},
		"old poetry-core ignores":  {clues{made: "poetry-core", version: "1.9.0", times: []time.Time{constant1980, constant2016}, distTime: dist(constant2016)}, sdist},
		"new poetry-core without":  {clues{made: "poetry-core", version: "2.1.3", times: []time.Time{constant1980, constant2016}, distTime: dist(constant2016)}, nil},
		"a zip without times":      {clues{made: "setuptools", times: []time.Time{{}}}, sdist},
		"an unknown backend":       {clues{times: []time.Time{hatch, day}}, sdist},
		"constant, other files by": {clues{made: "whey", times: []time.Time{constant2016, day}, distTime: dist(constant2016)}, sdist},
	} {
		if got := c.c.epoch(sdist); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", what, got, c.want)
		}
	}
}

func TestUmask(t *testing.T) {
	for _, c := range []struct {
		creator uint16
		mode    uint32
		want    string
	}{
		{3<<8 | 20, 0o100644, "022"}, {3<<8 | 20, 0o100664, "002"}, {3<<8 | 20, 0o664, "002"}, {3<<8 | 20, 0o100600, "077"}, {3<<8 | 20, 0o100640, "027"},
		{3<<8 | 20, 0o100755, "022"}, {3<<8 | 20, 0, "022"},
		{0<<8 | 20, 0o100666, "022"}, // Windows
		{3<<8 | 20, 0o100666, "000"},
	} {
		if got := (&clues{wheel: archive.Entry{Creator: c.creator, Mode: c.mode}}).umask(); got != c.want {
			t.Errorf("mode %o by %d: got %s, want %s", c.mode, c.creator>>8, got, c.want)
		}
	}
}

func TestGenerator(t *testing.T) {
	for text, want := range map[string][2]string{
		"setuptools (80.9.0)":          {"setuptools", "80.9.0"},
		"bdist_wheel (0.37.1)":         {"bdist-wheel", "0.37.1"},
		"flit 3.12.0":                  {"flit", "3.12.0"},
		"hatchling 1.27.0":             {"hatchling", "1.27.0"},
		"poetry-core 1.9.0":            {"poetry-core", "1.9.0"},
		"pdm-backend (2.4.3)":          {"pdm-backend", "2.4.3"},
		"maturin (1.8.1)":              {"maturin", "1.8.1"},
		"scikit-build-core 0.10.7":     {"scikit-build-core", "0.10.7"},
		"meson":                        {"meson", ""},
		"whey (0.0.24)":                {"whey", "0.0.24"},
		"uv 0.8.0":                     {"uv", "0.8.0"},
		"setuptools (65.5.1.post2024)": {"setuptools", "65.5.1.post2024"},
		"":                             {"", ""},
		"made by hand":                 {"", ""},
		"(1.0)":                        {"", ""},
	} {
		c := clues{}
		if m := generator.FindStringSubmatch(text); m != nil {
			c.made, c.version = pep508.NormalizeName(m[1]), m[2]
		}
		if c.made != want[0] || c.version != want[1] {
			t.Errorf("%q: got %q %q", text, c.made, c.version)
		}
	}
}

func system(backend string, requires ...string) metadata.BuildSystem {
	s := metadata.BuildSystem{Backend: backend}
	for _, r := range requires {
		s.Requires = append(s.Requires, pep508.MustParse(r))
	}
	return s
}

func TestBackend(t *testing.T) {
	old := system("setuptools.build_meta:__legacy__", "setuptools>=40.8.0")
	for what, c := range map[string]struct {
		c      clues
		sys    metadata.BuildSystem
		target string
		pins   map[string]string
		extra  []string
	}{
		"setuptools":                {clues{made: "setuptools", version: "80.9.0"}, old, "bookworm", map[string]string{"setuptools": "==80.9.0"}, nil},
		"wheel":                     {clues{made: "bdist-wheel", version: "0.42.0", license: true, declared: true}, old, "bookworm", map[string]string{"setuptools": ">=54.0,<70.1", "wheel": "==0.42.0"}, []string{"wheel"}},
		"no licence":                {clues{made: "bdist-wheel", version: "0.37.1", license: true}, old, "bookworm", map[string]string{"setuptools": ">=54.0,<=56.2.0", "wheel": "==0.37.1"}, []string{"wheel"}},
		"too new a Python for that": {clues{made: "bdist-wheel", version: "0.37.1", license: true}, old, "trixie", map[string]string{"setuptools": ">=66.1,<70.1", "wheel": "==0.37.1"}, []string{"wheel"}},
		"parentheses":               {clues{made: "setuptools", version: "75.1.0", parens: true}, old, "bookworm", map[string]string{"setuptools": "==75.1.0", "wheel": "<0.39"}, []string{"wheel"}},
		"too old":                   {clues{made: "setuptools", version: "40.0.0"}, old, "bookworm", map[string]string{"setuptools": ">=54.0"}, nil},
		"old Python":                {clues{made: "setuptools", version: "40.0.0"}, old, "focal", map[string]string{"setuptools": "==40.0.0"}, nil},
		"flit":                      {clues{made: "flit", version: "3.12.0"}, system("flit_core.buildapi", "flit_core<4"), "bookworm", map[string]string{"flit-core": "==3.12.0"}, nil},
		"flit itself":               {clues{made: "flit", version: "1.3"}, system("flit.buildapi", "flit"), "bookworm", map[string]string{"flit": "==1.3"}, nil},
		"poetry":                    {clues{made: "poetry", version: "1.0.8"}, system("poetry.core.masonry.api", "poetry-core"), "bookworm", map[string]string{"poetry-core": "==1.0.8"}, nil},
		"nothing known":             {clues{}, system("mesonpy", "meson-python"), "bookworm", map[string]string{}, nil},
	} {
		inf := inferred{pins: map[string]string{}}
		inf.backend(&c.c, c.sys, targetsOf(t, c.target)[0])
		if !reflect.DeepEqual(inf.pins, c.pins) || !slices.Equal(inf.extra, c.extra) {
			t.Errorf("%s: pins %v %v, want %v %v", what, inf.pins, inf.extra, c.pins, c.extra)
		}
	}
}

func TestParentheses(t *testing.T) {
	for text, want := range map[string]bool{
		"Requires-Dist: foo (>=1.0)":                          true,
		"Requires-Dist: foo[bar] (>=1.0) ; extra == 'x'":      true,
		"Requires-Dist: foo>=1.0":                             false,
		"Requires-Dist: foo; (python_version < \"3\")":        false,
		"Requires-Dist: foo>=1; extra == \"a\"\nSummary: (x)": false,
	} {
		if got := parens.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestExpectTags(t *testing.T) {
	bookworm := targetsOf(t, "bookworm")[0]
	files := []index.File{
		{Name: "foo-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"},
		{Name: "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"},
		{Name: "foo-1.0-py2.py3-none-any.whl"},
	}
	r := &lock.Recipe{ExpectTags: ExpectTags(files, bookworm)}
	want := []string{"cp311-cp311-linux_x86_64", "cp311-cp311-manylinux2014_x86_64", "cp311-cp311-manylinux_2_17_x86_64", "py3-none-any"}
	if !slices.Equal(r.ExpectTags, want) {
		t.Errorf("got %v", r.ExpectTags)
	}
	for file, want := range map[string]bool{
		"foo-1.0-cp311-cp311-linux_x86_64.whl":  true,
		"foo-1.0-py2.py3-none-any.whl":          true,
		"foo-1.0-py3-none-any.whl":              true,
		"foo-1.0-cp311-abi3-linux_x86_64.whl":   false,
		"foo-1.0-cp312-cp312-linux_x86_64.whl":  false,
		"foo-1.0-cp311-cp311-linux_aarch64.whl": false,
		"foo":                                   false,
	} {
		if got := Expected(r, file, bookworm); got != want {
			t.Errorf("%s: expected %v", file, got)
		}
	}
	if !Expected(&lock.Recipe{}, "foo-1.0-cp311-cp311-linux_x86_64.whl", bookworm) || Expected(&lock.Recipe{}, "foo-1.0-cp312-cp312-linux_x86_64.whl", bookworm) {
		t.Error("without expected tags, what the target takes will do")
	}
}

func TestBuilder(t *testing.T) {
	all := targetsOf(t, "focal", "bookworm", "trixie", "manylinux_2_28-3.11", "musllinux_1_2-3.11")
	for _, c := range []struct {
		serves []tags.Target
		native bool
		want   string
	}{{all, false, "trixie"}, {all[:2], false, "bookworm"}, {all[1:2], true, "bookworm"}, {all[:2], true, "focal"},
		{[]tags.Target{all[3], all[1]}, false, "bookworm"}, {[]tags.Target{all[1], all[3]}, true, "manylinux_2_28-3.11"}} {
		if got := builder(c.serves, c.native); got.Name != c.want {
			t.Errorf("got %s, want %s", got.Name, c.want)
		}
	}
}

func TestSetuptoolsAsksForWheel(t *testing.T) {
	if !usesSetuptools(system("setuptools.build_meta")) || !usesSetuptools(metadata.BuildSystem{Backend: "backend", BackendPath: []string{"."}, Requires: []pep508.Requirement{{Name: "setuptools"}}}) || usesSetuptools(system("hatchling.build", "hatchling", "setuptools")) {
		t.Error("who uses setuptools")
	}
}
