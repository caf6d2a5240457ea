package tags

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTagsWhole(t *testing.T) {
	for _, c := range []struct {
		target Target
		want   string
	}{
		{Target{Python: "3.3", Platform: "win32"}, `cp33-cp33m-win32 cp33-abi3-win32 cp33-none-win32 cp32-abi3-win32
			py33-none-win32 py3-none-win32 py32-none-win32 py31-none-win32 py30-none-win32
			cp33-none-any py33-none-any py3-none-any py32-none-any py31-none-any py30-none-any`},
		{Target{Python: "2.7", Platform: "win_amd64", ABI: "cp27m"}, `cp27-cp27m-win_amd64 cp27-none-win_amd64
			py27-none-win_amd64 py2-none-win_amd64 py26-none-win_amd64 py25-none-win_amd64 py24-none-win_amd64
			py23-none-win_amd64 py22-none-win_amd64 py21-none-win_amd64 py20-none-win_amd64
			cp27-none-any py27-none-any py2-none-any py26-none-any py25-none-any py24-none-any py23-none-any py22-none-any py21-none-any py20-none-any`},
		{Target{Implementation: "pypy", Python: "3.1", Platform: "linux_x86_64"}, `pp31-pypy31_pp73-linux_x86_64 pp31-none-linux_x86_64
			py31-none-linux_x86_64 py3-none-linux_x86_64 py30-none-linux_x86_64
			pp31-none-any py31-none-any py3-none-any py30-none-any`},
	} {
		if d := cmp.Diff(strings.Fields(c.want), tagStrings(c.target.Tags())); d != "" {
			t.Errorf("%+v (-want +got)\n%s", c.target, d)
		}
	}
	if got := (Target{Python: "3.11", Platform: "manylinux_2_999_x86_64"}).Tags(); len(got) != 0 {
		t.Errorf("a target without sense takes %d tags", len(got))
	}
}

func TestPlatforms(t *testing.T) {
	for _, c := range []struct{ platform, want string }{
		{"manylinux_2_18_x86_64", "manylinux_2_18_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64 manylinux_2_16_x86_64 manylinux_2_15_x86_64 manylinux_2_14_x86_64 manylinux_2_13_x86_64 manylinux_2_12_x86_64 manylinux2010_x86_64 manylinux_2_11_x86_64 manylinux_2_10_x86_64 manylinux_2_9_x86_64 manylinux_2_8_x86_64 manylinux_2_7_x86_64 manylinux_2_6_x86_64 manylinux_2_5_x86_64 manylinux1_x86_64 linux_x86_64"},
		{"manylinux_2_18_s390x", "manylinux_2_18_s390x manylinux_2_17_s390x manylinux2014_s390x linux_s390x"},
		{"manylinux_2_17_armv8l", "manylinux_2_17_armv8l manylinux2014_armv8l manylinux_2_17_armv7l manylinux2014_armv7l linux_armv8l linux_armv7l"},
		{"musllinux_1_2_aarch64", "musllinux_1_2_aarch64 musllinux_1_1_aarch64 musllinux_1_0_aarch64 linux_aarch64"},
		{"macosx_12_3_arm64", "macosx_12_0_arm64 macosx_12_0_universal2 macosx_11_0_arm64 macosx_11_0_universal2 macosx_10_16_universal2 macosx_10_15_universal2 macosx_10_14_universal2 macosx_10_13_universal2 macosx_10_12_universal2 macosx_10_11_universal2 macosx_10_10_universal2 macosx_10_9_universal2 macosx_10_8_universal2 macosx_10_7_universal2 macosx_10_6_universal2 macosx_10_5_universal2 macosx_10_4_universal2"},
		{"macosx_10_4_x86_64", "macosx_10_4_x86_64 macosx_10_4_intel macosx_10_4_fat64 macosx_10_4_fat3 macosx_10_4_universal2 macosx_10_4_universal"},
	} {
		if d := cmp.Diff(strings.Fields(c.want), parsePlatform(c.platform).tags()); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.platform, d)
		}
	}
}

// The package comment's example is true.
func TestDocumentedRanks(t *testing.T) {
	target, err := Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(target.Tags()); n != 914 {
		t.Errorf("%d tags", n)
	}
	for want, tag := range map[int]Tag{
		0:   {"cp311", "cp311", "manylinux_2_36_x86_64"},
		35:  {"cp311", "cp311", "linux_x86_64"},
		36:  {"cp311", "abi3", "manylinux_2_36_x86_64"},
		900: {"cp311", "none", "any"},
		902: {"py3", "none", "any"},
	} {
		if got, ok := target.Rank(tag); !ok || got != want {
			t.Errorf("%s has rank %d, want %d", tag, got, want)
		}
	}
	if _, ok := target.Rank(Tag{"py2", "none", "any"}); ok {
		t.Error("a Python 2 wheel fits")
	}
}

func TestParseWheelName(t *testing.T) {
	w, err := ParseWheelName("Foo_Bar.x-1!2.0RC1+L.1-007b-py2.py3.py2-none-any.whl")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(w.Name, w.Raw, w.Version, w.Build, w.Tags)
	if want := "foo-bar-xFoo_Bar.x1!2.0rc1+l.1007b[py2-none-any py3-none-any]"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%s, want %s", got, want)
	}
	many := strings.Repeat("a.", 20) + "a"
	distinct := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf("a%d", i))
		}
		return strings.Join(s, ".")
	}
	for _, c := range []struct{ in, want string }{
		{"foo-1-" + many + "-none-any.whl", ""},
		{"foo-1-" + distinct(32) + "-" + distinct(32) + "-any.whl", ""},
		{"foo-1-" + distinct(32) + "-" + distinct(33) + "-any.whl", "more than 1024 tags"},
		{"foo-1-py3-none-" + strings.Repeat("x", MaxFileName) + ".whl", "longer than"},
		{"foo-1-py3-none-any.WHL", "ends in .whl"},
		{"foo-1-py3-none-any", "ends in .whl"},
		{"foo-1-1-1-py3-none-any.whl", "NAME-VERSION"},
		{"foo__bar-1-py3-none-any.whl", "no escaped project name"},
		{"../foo-1-py3-none-any.whl", "no escaped project name"},
		{"foo-1-x1-py3-none-any.whl", "does not begin with a digit"},
		{"foo-1--py3-none-any.whl", "does not begin with a digit"},
		{"foo-v-py3-none-any.whl", ""},
		{"foo-1-3py-none-any.whl", "names no interpreter"},
		{"foo-1-py3-none-.whl", "a part is empty"},
	} {
		_, err := ParseWheelName(c.in)
		switch {
		case c.in == "foo-v-py3-none-any.whl":
			if err == nil {
				t.Error("v is no version")
			}
		case c.want == "" && err != nil, c.want != "" && (!errors.Is(err, ErrFileName) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%.80s: %.200v, want %q", c.in, err, c.want)
		}
	}
}

func TestCompareBuild(t *testing.T) {
	order := []string{"", "0", "1", "1a", "2", "10", "10a", "10b", "99999999999999999999999"}
	for i, a := range order {
		for j, b := range order {
			want := min(1, max(-1, i-j))
			if got := CompareBuild(WheelName{Build: a}, WheelName{Build: b}); got != want {
				t.Errorf("%q with %q: %d, want %d", a, b, got, want)
			}
		}
	}
	if CompareBuild(WheelName{Build: "007"}, WheelName{Build: "7"}) != 0 {
		t.Error("leading zeros count")
	}
}

func TestParseSdistNameOf(t *testing.T) {
	for _, c := range []struct{ file, project, want string }{
		{"foo-1.0.tar.gz", "foo", "1.0 .tar.gz"},
		{"Foo.Bar-1.0.zip", "foo-bar", "1.0 .zip"},
		{"foo-bar-1.0.zip", "Foo_Bar", "1.0 .zip"},
		{"foo-1.0-1.tar.gz", "foo", "1.0.post1 .tar.gz"},
		{"foo-2-1.0.tar.gz", "foo-2", "1.0 .tar.gz"},
		{"foo-1.0.tar.bz2", "foo", "1.0 .tar.bz2"},
		{"foo-1.0.tgz", "foo", "1.0 .tgz"},
		{"foo-1.0.tar.xz", "foo", "1.0 .tar.xz"},
		{"foo-1.0.exe", "foo", "invalid file name"},
		{"foo-1.0.tar.gz", "bar", "is not of project bar"},
		{"foo-one.tar.gz", "foo", "invalid file name"},
		{"foo.tar.gz", "foo", "is not of project foo"},
	} {
		s, err := ParseSdistNameOf(c.file, c.project)
		got := s.Version.String() + " " + s.Ext
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s of %s: %s, want %s", c.file, c.project, got, c.want)
		}
	}
	if _, err := ParseSdistName("foo-1.0.tar.bz2"); !errors.Is(err, ErrFileName) {
		t.Errorf("the standard has no tar.bz2: %v", err)
	}
	if s, err := ParseSdistName("foo-1.0-1.tar.gz"); err != nil || s.Name != "foo-1-0" {
		t.Errorf("%+v, %v", s, err)
	}
}

// Every target must be safe to ask from many goroutines at once: the solver
// runs targets side by side.
func TestTagsConcurrently(t *testing.T) {
	done := make(chan bool)
	for i := range 8 {
		go func() {
			target := Target{Python: fmt.Sprintf("3.%d", 20+i%2), Platform: "manylinux_2_99_x86_64"}
			_, ok := target.Rank(Tag{"py3", "none", "any"})
			done <- ok
		}()
	}
	for range 8 {
		if !<-done {
			t.Error("py3-none-any does not fit")
		}
	}
}

// File names stand in lists, one a line.
func TestFileNamesOfOneLine(t *testing.T) {
	for _, name := range []string{"foo-1-1\n2-py3-none-any.whl", "foo-1-py3-none-any\x7f.whl", "foo-1-py3-none-a\u0085ny.whl"} {
		if _, err := ParseWheelName(name); !errors.Is(err, ErrFileName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := ParseSdistName("f\noo-1.tar.gz"); !errors.Is(err, ErrFileName) {
		t.Errorf("%v", err)
	}
}
