package build

import (
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// What backends really printed.
func TestDiagnosis(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"maturin", "      File \"/env/lib/python3.11/site-packages/puccinialin/_setup_rust.py\", line 116, in setup_rust\n      OSError: [Errno 30] Read-only file system: '/nonexistent'\nRust not found, installing into a temporary directory\n",
			"it needs Rust, which a build here does not have: there is no cargo in the sandbox, and no network for crates"},
		{"setuptools-rust", "running build_rust\nerror: can't find Rust compiler\n",
			"it needs Rust, which a build here does not have: there is no cargo in the sandbox, and no network for crates"},
		{"header", "mod.c:3:10: fatal error: libpq-fe.h: No such file or directory\n    3 | #include\nerror: command '/usr/bin/gcc' failed with exit code 1\n",
			"it needs the header libpq-fe.h, which is not installed here"},
		{"program", "ConfigurationError: Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'\n",
			"it needs the program curl-config, which is not installed here"},
		{"compiler", "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory\n",
			"it needs a compiler, and x86_64-linux-gnu-gcc is not installed here"},
		{"module", "  File \"<string>\", line 4, in <module>\nModuleNotFoundError: No module named 'pkg_resources'\n",
			"its setup imports pkg_resources, which its build requirements do not name or no longer have"},
		{"network", "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>\n",
			"it wants the network, which no build has: what it downloads is in no lock"},
		{"own words", "ValueError: no version found\n", ""},
		{"own file in the top folder", "FileNotFoundError: [Errno 2] No such file or directory: 'README.md'\n", ""},
		{"own file", "FileNotFoundError: [Errno 2] No such file or directory: 'docs/README.md'\n", ""},
	} {
		e := &Error{Package: "x 1", Why: "the backend failed (exit status 1)", Log: []byte(c.log)}
		got, hint := e.Diagnosis()
		if got != c.want || (got == "") != (hint == "") {
			t.Errorf("%s: %q (hint %q), want %q", c.name, got, hint, c.want)
		}
	}
	e := &Error{Why: "the wheel's tag is cp311-cp311-linux_x86_64", Log: []byte("Rust not found")}
	if got, _ := e.Diagnosis(); got != "" {
		t.Errorf("a backend that worked is diagnosed: %q", got)
	}
}

func TestTagReason(t *testing.T) {
	for _, c := range []struct{ built, want, reason string }{
		{"cp311-cp311-linux_x86_64", "py3-none-any", "with native code"},
		{"py3-none-any", "cp311-cp311-linux_x86_64 cp311-cp311-manylinux_2_17_x86_64", "without the native code"},
		{"cp311-cp311-linux_x86_64", "cp38-abi3-linux_x86_64 cp38-abi3-manylinux_2_28_x86_64 py3-none-any", "for one Python"},
		{"cp27-cp27mu-linux_x86_64", "cp311-cp311-linux_x86_64", ""},
	} {
		built, err := tags.ParseTags(c.built)
		if err != nil {
			t.Fatal(err)
		}
		got := tagReason(built, strings.Fields(c.want))
		if (got == "") != (c.reason == "") || !strings.Contains(got, c.reason) {
			t.Errorf("%s for %s: %q, want %q", c.built, c.want, got, c.reason)
		}
	}
	if got, want := someOf([]string{"a", "b", "c", "d"}), "a, b or 2 more"; got != want {
		t.Errorf("someOf = %q, want %q", got, want)
	}
}
