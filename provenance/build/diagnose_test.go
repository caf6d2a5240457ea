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
			"it needs Rust, and was given none: its build requirements name neither maturin nor setuptools-rust"},
		{"setuptools-rust", "running build_rust\nerror: can't find Rust compiler\n",
			"it needs Rust, and was given none: its build requirements name neither maturin nor setuptools-rust"},
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
		{"library", "/usr/bin/ld: cannot find -lpq: No such file or directory\ncollect2: error: ld returned 1 exit status\n",
			"it needs the library -lpq, which is not installed here"},
		{"pkg-config", "Package libsystemd was not found in the pkg-config search path.\nNo package 'libsystemd' found\n",
			"it needs the library libsystemd, which is not installed here (pkg-config finds none)"},
		{"meson", "Run-time dependency cairo found: NO (tried pkgconfig and cmake)\n../meson.build:31:12: ERROR: Dependency \"cairo\" not found, tried pkgconfig\n",
			"it needs the library cairo, which is not installed here (pkg-config finds none)"},
		{"meson wrap", "ERROR: Automatic wrap-based subproject downloading is disabled\n",
			"it downloads a subproject of meson (a wrap), which is in no lock"},
		{"cmake", "CMake Error: Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)\n",
			"it needs ZLIB, which CMake does not find here"},
		{"fetchcontent", "[1/9] Performing download step (git clone) for 'json-populate'\nfatal: unable to access\n  CMake Error at json-subbuild/json-populate.cmake:39 (message):\n",
			"its CMake files download other sources (FetchContent, ExternalProject), which are in no lock"},
		{"go", "go: downloading golang.example/x/mod v0.1.0\ngo: mod: Get: dial tcp: lookup\n",
			"it downloads Go modules, which are in no lock; a source that ships them (go mod vendor) can be built"},
		{"npm", "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\n",
			"it downloads JavaScript packages, which are in no lock; a source that ships what they make can be built"},
		{"rustc", "error: rustc 1.63.0 is not supported by the following packages:\n  pyo3@0.26.0 requires rustc 1.74\n",
			"its crate pyo3@0.26.0 needs a newer Rust than there is here"},
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

func TestDebianPackage(t *testing.T) {
	for thing, want := range map[string]string{
		"libpq-fe.h": "libpq-dev", "openssl/ec.h": "libssl-dev", "-lffi": "libffi-dev", "yaml-0.1": "libyaml-dev",
		"pg_config": "libpq-dev", "libxml/xpath.h": "libxml2-dev", "corp/secret.h": "", "secret.h": "",
	} {
		if got := debianPackage(thing); got != want {
			t.Errorf("debianPackage(%q) = %q, want %q", thing, got, want)
		}
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
