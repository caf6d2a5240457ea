package tags

import (
	"errors"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/pep508"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"xenial", "xenial cpython 3.5 3.5.2 manylinux_2_23_x86_64 cp35m"},
		{"bionic", "bionic cpython 3.6 3.6.9 manylinux_2_27_x86_64 cp36m"},
		{"focal", "focal cpython 3.8 3.8.10 manylinux_2_31_x86_64 cp38"},
		{"jammy", "jammy cpython 3.10 3.10.12 manylinux_2_35_x86_64 cp310"},
		{"noble", "noble cpython 3.12 3.12.3 manylinux_2_39_x86_64 cp312"},
		{"buster", "buster cpython 3.7 3.7.3 manylinux_2_28_x86_64 cp37m"},
		{"bullseye", "bullseye cpython 3.9 3.9.2 manylinux_2_31_x86_64 cp39"},
		{"bookworm", "bookworm cpython 3.11 3.11.2 manylinux_2_36_x86_64 cp311"},
		{"trixie", "trixie cpython 3.13 3.13.5 manylinux_2_41_x86_64 cp313"},
		{"debian-12", "bookworm cpython 3.11 3.11.2 manylinux_2_36_x86_64 cp311"},
		{"ubuntu-22.04-arm64", "jammy-arm64 cpython 3.10 3.10.12 manylinux_2_35_aarch64 cp310"},
		{"bookworm-amd64", "bookworm cpython 3.11 3.11.2 manylinux_2_36_x86_64 cp311"},
		{"bookworm-aarch64", "bookworm-arm64 cpython 3.11 3.11.2 manylinux_2_36_aarch64 cp311"},
		{"bookworm-armhf", "bookworm-armv7l cpython 3.11 3.11.2 manylinux_2_36_armv7l cp311"},
		{"bookworm-i386", "bookworm-i686 cpython 3.11 3.11.2 manylinux_2_36_i686 cp311"},
		{"alpine-3.12", "alpine-3.12 cpython 3.8 3.8.10 musllinux_1_1_x86_64 cp38"},
		{"alpine-3.20-arm64", "alpine-3.20-arm64 cpython 3.12 3.12.12 musllinux_1_2_aarch64 cp312"},
		{"macos", "macos cpython 3.13 3.13.18 macosx_14_0_arm64 cp313"},
		{"macos-x86_64", "macos-x86_64 cpython 3.13 3.13.18 macosx_14_0_x86_64 cp313"},
		{"macos-3.12", "macos-3.12 cpython 3.12 3.12.16 macosx_14_0_arm64 cp312"},
		{"macosx_12_0-3.12-x86_64", "macosx_12_0-3.12-x86_64 cpython 3.12 3.12.16 macosx_12_0_x86_64 cp312"},
		{"windows", "windows cpython 3.13 3.13.18 win_amd64 cp313"},
		{"windows-arm64", "windows-arm64 cpython 3.13 3.13.18 win_arm64 cp313"},
		{"windows-3.11-x86", "windows-3.11-i686 cpython 3.11 3.11.18 win32 cp311"},
		{"manylinux_2_28-3.12", "manylinux_2_28-3.12 cpython 3.12 3.12.16 manylinux_2_28_x86_64 cp312"},
		{"manylinux_2_28-cp312", "manylinux_2_28-3.12 cpython 3.12 3.12.16 manylinux_2_28_x86_64 cp312"},
		{"manylinux_2_28_aarch64-3.12", "manylinux_2_28-3.12-arm64 cpython 3.12 3.12.16 manylinux_2_28_aarch64 cp312"},
		{"manylinux_2_28-3.12.1-s390x", "manylinux_2_28-3.12.1-s390x cpython 3.12.1 3.12.1 manylinux_2_28_s390x cp312"},
		{"manylinux2014-3.8", "manylinux_2_17-3.8 cpython 3.8 3.8.20 manylinux_2_17_x86_64 cp38"},
		{"musllinux_1_2-3.13t", "musllinux_1_2-3.13t cpython 3.13t 3.13.18 musllinux_1_2_x86_64 cp313t"},
		{"3.12@manylinux_2_28_x86_64", "3.12@manylinux_2_28_x86_64 cpython 3.12 3.12.16 manylinux_2_28_x86_64 cp312"},
		{"3.14.0rc1@manylinux2014_x86_64", "3.14.0rc1@manylinux_2_17_x86_64 cpython 3.14.0rc1 3.14.0rc1 manylinux_2_17_x86_64 cp314"},
		{"resolute", "resolute cpython 3.14 3.14.4 manylinux_2_43_x86_64 cp314"},
		{"ubuntu-26.04-riscv64", "resolute-riscv64 cpython 3.14 3.14.4 manylinux_2_43_riscv64 cp314"},
		{"alpine-3.24-loongarch64", "alpine-3.24-loongarch64 cpython 3.14 3.14.5 musllinux_1_2_loongarch64 cp314"},
		{"trixie-ppc64el", "trixie-ppc64le cpython 3.13 3.13.5 manylinux_2_41_ppc64le cp313"},
		{"3.14t@win_arm64", "3.14t@win_arm64 cpython 3.14t 3.14.10 win_arm64 cp314t"},
		{"pypy3.11@manylinux_2_28_x86_64", "pypy3.11@manylinux_2_28_x86_64 pypy 3.11 3.11.15 manylinux_2_28_x86_64 pypy311_pp73"},
		{"pypy3.11.17@manylinux_2_28_x86_64", "pypy3.11.17@manylinux_2_28_x86_64 pypy 3.11.17 3.11.17 manylinux_2_28_x86_64 pypy311_pp80"},
		{"3.13t@debian-12-arm64", "3.13t@manylinux_2_36_aarch64 cpython 3.13t 3.13.18 manylinux_2_36_aarch64 cp313t"},
		{"pypy3.10@windows", "pypy3.10@win_amd64 pypy 3.10 3.10.16 win_amd64 pypy310_pp73"},
		{"3.12@manylinux2014", "3.12@manylinux_2_17_x86_64 cpython 3.12 3.12.16 manylinux_2_17_x86_64 cp312"},
		{"3.12@macos", "3.12@macosx_14_0_arm64 cpython 3.12 3.12.16 macosx_14_0_arm64 cp312"},
		{"pypy3.12@macosx_11_0_arm64", "pypy3.12@macosx_11_0_arm64 pypy 3.12 3.12.15 macosx_11_0_arm64 pypy312_pp80"},
		{"pypy2.7@manylinux_2_17_x86_64", "pypy2.7@manylinux_2_17_x86_64 pypy 2.7 2.7.18 manylinux_2_17_x86_64 pypy_73"},
		{"pp310@win_amd64", "pypy3.10@win_amd64 pypy 3.10 3.10.16 win_amd64 pypy310_pp73"},
		{"2.7@manylinux_2_17_x86_64", "2.7@manylinux_2_17_x86_64 cpython 2.7 2.7.18 manylinux_2_17_x86_64 cp27mu"},
		{"3.47@win32", "3.47@win32 cpython 3.47 3.47.0 win32 cp347"},
	} {
		target, err := Lookup(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := strings.Join([]string{target.Name, target.Implementation, target.Python, target.FullVersion, target.Platform, target.ABITag()}, " ")
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if err := target.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		// The name is the one spelling, and a lock's entry gives the target back.
		if again, err := Lookup(target.Name); err != nil || again != target {
			t.Errorf("%s: looking up %s gives %+v, %v", c.name, target.Name, again, err)
		}
		again, err := New(target.Name, target.Python, target.Platform, target.Implementation, target.ABI)
		if err != nil || again != target {
			t.Errorf("%s: made anew it is %+v, %v; want %+v", c.name, again, err, target)
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, c := range []struct{ name, near, reason string }{
		{"bokworm", "bookworm", ""},
		{"Bookworm", "bookworm", ""},
		{"bookwrom-arm64", "bookworm-arm64", ""},
		{"debian12", "bookworm", ""},
		{"ubuntu-24.4", "noble", ""},
		{"alpine", "alpine-3.22 alpine-3.23 alpine-3.24", ""},
		{"alpine-3.99", "", ""},
		{"trusty", "", ""},
		{"", "", ""},
		{"any", "", ""},
		{"focal-sparc", "", "focal has no sparc, only x86_64, arm64"},
		{"bookworm-riscv64", "", "bookworm has no riscv64"},
		{"3.12@bookworm-riscv64", "", "bookworm has no riscv64"},
		{"windows-s390x", "", "windows has no s390x, only x86_64, arm64, i686"},
		{"3.7@win_arm64", "", "no Python 3.7 for Windows on arm64"},
		{"macosx_11_0-3.6", "", "no Python 3.6 for macOS on arm64"},
		{"3.12@macosx_10_15_arm64", "", "begin with macosx_11_0_arm64"},
		{"3.12@macosx_11_0_universal2", "", "a Mac is arm64 or x86_64"},
		{"3.12@manylinux_2_28_arm64", "", "spelled as in manylinux_2_28_aarch64"},
		{"3.12@win_x64", "", "spelled as in win_amd64"},
		{"3.12@manylinux_2_28_sparc", "", "no wheels for the architecture"},
		{"pypy3.13t@win_amd64", "", "free-threaded"},
		{strings.Repeat("bookworm", 9), "", ""},
		{"manylinux_2_28-3.x", "", `"3.x" is no Python version`},
		{"manylinux_2_999-3.12", "", ""},
		{"3.12@manylinux_2_028_x86_64", "", "is no platform"},
		{"3.12@plan9_amd64", "", "is no platform"},
		{"3.12@any", "", "is no platform"},
		{"3.12@macosx_14_0_sparc", "", "architecture is arm64 or x86_64"},
		{"3.12t@win_amd64", "", "from 3.13t"},
		{"03.12@win_amd64", "", "no Python version"},
		{"3.999@win_amd64", "", "no Python version"},
		{"macos-3.12-s390x", "", "no architecture of macos"},
	} {
		_, err := Lookup(c.name)
		var unknown *UnknownTargetError
		if !errors.As(err, &unknown) {
			t.Errorf("%q: error is %v", c.name, err)
			continue
		}
		if got := strings.Join(unknown.Near, " "); c.near != "" && !strings.HasPrefix(got, c.near) && got != c.near {
			t.Errorf("%q: near is %q, want %q", c.name, got, c.near)
		} else if c.near == "" && c.reason == "" && len(unknown.Near) > maxNear {
			t.Errorf("%q: near is %q", c.name, got)
		}
		if !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: %v, want %q", c.name, err, c.reason)
		}
		if strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("%q: the error is no short line: %v", c.name, err)
		}
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct{ name, python, platform, implementation, abi, want string }{
		{"bookworm", "", "", "", "", "3.11 3.11.2 manylinux_2_36_x86_64"},
		{"bookworm", "3.11.4", "", "", "", "3.11.4 3.11.4 manylinux_2_36_x86_64"},
		{"bookworm", "3.12", "", "", "", "3.12 3.12.16 manylinux_2_36_x86_64"},
		{"bookworm", "", "manylinux_2_36_aarch64", "", "", "3.11 3.11.2 manylinux_2_36_aarch64"},
		{"focal", "3.10", "", "pypy", "", "3.10 3.10.16 manylinux_2_31_x86_64"},
		{"our-server", "3.9", "manylinux_2_28_x86_64", "", "", "3.9 3.9.25 manylinux_2_28_x86_64"},
		{"our-server", "3.9", "", "", "", "needs both python and platform"},
		{"our-server", "", "", "", "", "unknown target"},
		{"any", "3.9", "win_amd64", "", "", "cannot name a target"},
		{"../x", "3.9", "win_amd64", "", "", "cannot name a target"},
		{"x", "3.9", "win_amd64", "jython", "", "neither cpython nor pypy"},
		{"x", "pypy3.9", "win_amd64", "cpython", "", ""},
		{"focal", "3.13", "", "", "cp313t", "3.13t 3.13.18 manylinux_2_31_x86_64"},
		{"x", "2.7", "win_amd64", "", "cp27m", "2.7 2.7.18 win_amd64"},
		{"x", "pypy3.11", "win_amd64", "", "pypy311_pp80", "3.11 3.11.15 win_amd64"},
		{"x", "3.12", "win_amd64", "", "cp312t", "free-threaded from 3.13 on only"},
		{"x", "3.12", "win_amd64", "", "cp311", "is not of CPython 3.12"},
		{"x", "pypy3.11", "win_amd64", "", "pypy310_pp73", "is not of PyPy 3.11"},
		{"x", "3.5", "win_arm64", "", "", "there is no Python 3.5 for Windows on arm64"},
		{"x", "4.0", "win_amd64", "", "", "no Python version"},
	} {
		target, err := New(c.name, c.python, c.platform, c.implementation, c.abi)
		got := target.Python + " " + target.FullVersion + " " + target.Platform
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestCatalogue(t *testing.T) {
	all := Catalogue()
	if !sort.SliceIsSorted(all, func(i, j int) bool { return all[i].Name < all[j].Name }) {
		t.Error("not sorted")
	}
	for _, target := range all {
		if err := target.Check(); err != nil {
			t.Error(err)
		}
		if again, err := Lookup(target.Name); err != nil || again != target {
			t.Errorf("%s: %v", target.Name, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for name, want := range map[string]pep508.Environment{
		"bookworm-arm64": {
			"implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
			"platform_machine": "aarch64", "platform_python_implementation": "CPython", "platform_release": "",
			"platform_system": "Linux", "platform_version": "", "python_full_version": "3.11.2",
			"python_version": "3.11", "sys_platform": "linux",
		},
		"3.13.5t@macosx_14_0_arm64": {
			"implementation_name": "cpython", "implementation_version": "3.13.5", "os_name": "posix",
			"platform_machine": "arm64", "platform_python_implementation": "CPython", "platform_release": "",
			"platform_system": "Darwin", "platform_version": "", "python_full_version": "3.13.5",
			"python_version": "3.13", "sys_platform": "darwin",
		},
		"pypy3.10.14@win_amd64": {
			"implementation_name": "pypy", "implementation_version": "7.3.19", "os_name": "nt",
			"platform_machine": "AMD64", "platform_python_implementation": "PyPy", "platform_release": "",
			"platform_system": "Windows", "platform_version": "", "python_full_version": "3.10.14",
			"python_version": "3.10", "sys_platform": "win32",
		},
	} {
		target, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, target.Environment()); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
	// What the interpreters say of the machines that they run on.
	for name, want := range map[string]string{
		"xenial":                     "posix linux Linux x86_64 3.5.2",
		"resolute-riscv64":           "posix linux Linux riscv64 3.14.4",
		"trixie-armhf":               "posix linux Linux armv7l 3.13.5",
		"trixie-ppc64el":             "posix linux Linux ppc64le 3.13.5",
		"bookworm-i386":              "posix linux Linux i686 3.11.2",
		"alpine-3.24-loongarch64":    "posix linux Linux loongarch64 3.14.5",
		"alpine-3.24-aarch64":        "posix linux Linux aarch64 3.14.5",
		"macos-arm64":                "posix darwin Darwin arm64 3.13.18",
		"macos-x86_64":               "posix darwin Darwin x86_64 3.13.18",
		"windows":                    "nt win32 Windows AMD64 3.13.18",
		"windows-arm64":              "nt win32 Windows ARM64 3.13.18",
		"windows-x86":                "nt win32 Windows x86 3.13.18",
		"3.15t@manylinux_2_28_s390x": "posix linux Linux s390x 3.15.2",
	} {
		target, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		env := target.Environment()
		got := strings.Join([]string{env["os_name"], env["sys_platform"], env["platform_system"], env["platform_machine"], env["python_full_version"]}, " ")
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if env := mustLookup(t, "pypy3.11.17@win_amd64").Environment(); env["implementation_version"] != "8.0.1" {
		t.Errorf("PyPy's own version is %s", env["implementation_version"])
	}
	if env := (Target{Python: "2.7", Platform: "manylinux_2_5_i686"}).Environment(); env["sys_platform"] != "linux2" || env["platform_machine"] != "i686" {
		t.Errorf("Python 2.7: %v", env)
	}
	if v := (Target{Python: "3.8", Platform: "win32"}).Version().String(); v != "3.8.20" {
		t.Errorf("version %s", v)
	}
}

// FuzzLookup: what a name means has one spelling, and that is safe to put into
// a path.
func FuzzLookup(f *testing.F) {
	for _, s := range []string{"bookworm", "debian-12-aarch64", "manylinux2014-3.13t-arm64", "pypy3.10@win_amd64", "alpine-3.20-x64", "macosx_10_9_x86_64-2.7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := Lookup(s)
		if err != nil {
			return
		}
		if err := target.Check(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if again, err := Lookup(target.Name); err != nil || again != target {
			t.Fatalf("%q is %+v, whose name %q is %+v, %v", s, target, target.Name, again, err)
		}
		if len(target.Tags()) == 0 || len(target.Environment()) != 11 || !target.Version().IsValid() {
			t.Fatalf("%q: %+v is no target", s, target)
		}
	})
}

func mustLookup(t *testing.T, name string) Target {
	t.Helper()
	target, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
