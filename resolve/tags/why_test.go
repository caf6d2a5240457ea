package tags

import "testing"

func TestWhy(t *testing.T) {
	for _, c := range []struct{ target, wheel, want string }{
		{"bookworm", "a-1-py3-none-any.whl", ""},
		{"bookworm", "a-1-py2-none-any.whl", "needs Python 2 (py2)"},
		{"bookworm", "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", ""},
		{"bookworm", "a-1-cp39-abi3-manylinux_2_28_x86_64.whl", ""},
		{"bookworm", "a-1-cp311-cp311-linux_x86_64.whl", ""},
		{"xenial", "a-1-cp35-abi3-manylinux_2_28_x86_64.whl", "needs glibc 2.28, target has 2.23"},
		{"xenial", "a-1-cp35-cp35m-manylinux_2_28_x86_64.manylinux_2_24_x86_64.whl", "needs glibc 2.24, target has 2.23"},
		{"xenial", "a-1-py3-none-manylinux2014_x86_64.whl", ""},
		{"bookworm", "a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "needs CPython 3.12 (cp312)"},
		{"bookworm", "a-1-cp312-cp312-manylinux_2_39_x86_64.whl", "needs CPython 3.12 (cp312) and glibc 2.39, target has 2.36"},
		{"bookworm", "a-1-cp312-abi3-manylinux_2_17_x86_64.whl", "needs CPython 3.12 or later (cp312-abi3)"},
		{"bookworm", "a-1-cp38.cp312-none-any.whl", "needs CPython 3.12 (cp312)"},
		{"bookworm", "a-1-py312-none-any.whl", "needs Python 3.12 or later (py312)"},
		{"bookworm", "a-1-cp311-cp311-win_amd64.whl", "is for Windows"},
		{"bookworm", "a-1-cp39-cp39-macosx_11_0_arm64.whl", "is for macOS"},
		{"bookworm", "a-1-cp311-cp311-manylinux_2_17_aarch64.whl", "is for aarch64"},
		{"bookworm-arm64", "a-1-cp312-cp312-linux_armv7l.whl", "is for armv7l"},
		{"bookworm", "a-1-cp311-cp311-musllinux_1_2_x86_64.whl", "needs musl, target has glibc"},
		{"alpine-3.12", "a-1-cp38-cp38-musllinux_1_2_x86_64.whl", "needs musl 1.2, target has 1.1"},
		{"alpine-3.20", "a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "needs glibc, target has musl"},
		{"3.12@linux_x86_64", "a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "needs glibc 2.17, target's is not known"},
		{"bookworm", "a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl", "needs PyPy 3.11 (pp311)"},
		{"pypy3.10@manylinux_2_28_x86_64", "a-1-cp39-abi3-manylinux_2_17_x86_64.whl", "needs CPython 3.9 (cp39)"},
		{"pypy3.10@manylinux_2_28_x86_64", "a-1-pp310-pypy310_pp75-manylinux_2_17_x86_64.whl", "needs the ABI pypy310_pp75, target has pypy310_pp73"},
		{"2.7@manylinux_2_17_x86_64", "a-1-cp27-cp27m-manylinux1_x86_64.whl", "needs the ABI cp27m, target has cp27mu"},
		{"2.7@manylinux_2_17_x86_64", "a-1-py3-none-any.whl", "needs Python 3 (py3)"},
		{"trixie", "a-1-cp313-cp313t-manylinux_2_17_x86_64.whl", "needs free-threaded CPython 3.13 (cp313t)"},
		{"trixie", "a-1-cp314-cp314t-manylinux_2_17_x86_64.whl", "needs free-threaded CPython 3.14 (cp314t)"},
		{"3.13t@manylinux_2_28_x86_64", "a-1-cp39-abi3-manylinux_2_17_x86_64.whl", "has no build for a free-threaded Python (abi3)"},
		{"3.13t@manylinux_2_28_x86_64", "a-1-cp313-cp313-manylinux_2_17_x86_64.whl", "has no build for a free-threaded Python (cp313)"},
		{"3.15@manylinux_2_28_x86_64", "a-1-cp315-abi3t-manylinux_2_17_x86_64.whl", "needs a free-threaded Python (abi3t)"},
		{"macos", "a-1-cp313-cp313-macosx_15_0_arm64.whl", "needs macOS 15.0, target has 14.0"},
		{"macos", "a-1-cp313-cp313-macosx_11_0_x86_64.whl", "is for macOS on x86_64"},
		{"macos", "a-1-cp313-cp313-macosx_10_9_universal2.whl", ""},
		{"macos", "a-1-cp313-cp313-macosx_12_3_arm64.whl", "has the platform tag macosx_12_3_arm64, which no installer takes there"},
		{"windows", "a-1-cp313-cp313-win32.whl", "is for Windows on x86"},
		{"windows", "a-1-cp313-cp313-manylinux_2_17_x86_64.whl", "is for Linux"},
		{"bookworm", "a-1-cp313-cp313-android_21_arm64_v8a.whl", "is for android_21_arm64_v8a"},
		{"bookworm", "a-1-sillywalk-none-any.whl", "is for the interpreter sillywalk"},
		{"bookworm", "a-1-jy27-none-any.whl", "needs jy 2.7 (jy27)"},
		{"bookworm", "a-1-py3-abi3-any.whl", "has the ABI abi3 with no interpreter"},
		{"bookworm", "a-1-cp311-none-manylinux_2_999_x86_64.whl", "is for manylinux_2_999_x86_64"},
		{"bookworm", "a-1-cp311-cp311-any.whl", "has the tag cp311-cp311-any, which no installer takes there"},
	} {
		target, err := Lookup(c.target)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ParseWheelName(c.wheel)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Why(w); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.wheel, c.target, got, c.want)
		}
	}
}

// The nearest of a version's refused files is the one to show.
func TestMisfitOrder(t *testing.T) {
	target, err := Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, s := range []string{
		"a-1-py3-none-any.whl",
		"a-1-cp311-cp311-manylinux_2_37_x86_64.whl",
		"a-1-cp311-cp311-manylinux_2_39_x86_64.whl",
		"a-1-cp311-cp311t-manylinux_2_17_x86_64.whl",
		"a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
		"a-1-cp314-cp314-manylinux_2_17_x86_64.whl",
		"a-1-cp314-cp314-manylinux_2_39_x86_64.whl",
		"a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl",
		"a-1-cp311-cp311-musllinux_1_1_x86_64.whl",
		"a-1-cp311-cp311-manylinux_2_17_aarch64.whl",
		"a-1-cp311-cp311-win_amd64.whl",
		"a-1-cp312-cp312-win_amd64.whl",
	} {
		w, err := ParseWheelName(s)
		if err != nil {
			t.Fatal(err)
		}
		reason, away := target.Misfit(w)
		if (reason == "") != (away == 0) || away < last {
			t.Errorf("%s is %d away (%s), the one before %d", s, away, reason, last)
		}
		last = away
	}
}

// FuzzWhy: a wheel either fits or there is a reason why not, and what is
// accepted can be spelled out again.
func FuzzWhy(f *testing.F) {
	for _, s := range wheelSeeds {
		f.Add(s)
	}
	all := Catalogue()
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWheelName(s)
		if err != nil {
			return
		}
		for _, target := range all {
			_, fits := target.Best(w)
			if why := target.Why(w); (why == "") != fits {
				t.Fatalf("%q on %s: fits is %v, reason %q", s, target.Name, fits, why)
			}
		}
		seen := map[Tag]bool{}
		for _, tag := range w.Tags {
			again, err := ParseTags(tag.String())
			if err != nil || len(again) != 1 || again[0] != tag || seen[tag] {
				t.Fatalf("%q: tag %q reads as %v, %v", s, tag, again, err)
			}
			seen[tag] = true
		}
		if CompareBuild(w, w) != 0 {
			t.Fatalf("%q: its build tag differs from itself", s)
		}
	})
}
