package crates

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const registry = "registry+https://crates.example/index"

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func entry(name, version, source, sum string) string {
	return fmt.Sprintf("\n[[package]]\nname = %q\nversion = %q\nsource = %q\nchecksum = %q\n", name, version, source, sum)
}

var (
	aa = strings.Repeat("a", 64)
	bb = strings.Repeat("b", 64)
)

func TestLocked(t *testing.T) {
	own := "\n[[package]]\nname = \"mine\"\nversion = \"0.1.0\"\n"
	one := Crate{"autocfg", "1.5.0", aa, registry}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []Crate
		bad   string
	}{
		{"version 3", map[string]string{"Cargo.lock": "version = 3\n" + own + entry("autocfg", "1.5.0", registry, aa)}, []Crate{one}, ""},
		{"version 1", map[string]string{"Cargo.lock": own + "\n[[package]]\nname = \"autocfg\"\nversion = \"1.5.0\"\nsource = \"" + registry + "\"\n\n[metadata]\n\"checksum autocfg 1.5.0 (" + registry + ")\" = \"" + aa + "\"\n"}, []Crate{one}, ""},
		{"of the source alone", map[string]string{"Cargo.lock": "version = 3\n" + own}, nil, ""},
		{"deeper ones do not count", map[string]string{
			"rust/Cargo.lock":            "version = 4\n" + entry("autocfg", "1.5.0", registry, aa),
			"rust/tests/fuzz/Cargo.lock": "version = 4\n" + entry("other", "1.0.0", "git+https://git.example/x#1", ""),
		}, []Crate{one}, ""},
		{"none", map[string]string{"Cargo.toml": ""}, nil, "no Cargo.lock"},
		{"git", map[string]string{"Cargo.lock": entry("autocfg", "1.5.0", "git+https://git.example/x#1", "")}, nil, "git repository"},
		{"no checksum", map[string]string{"Cargo.lock": entry("autocfg", "1.5.0", registry, "")}, nil, "no sha256"},
		{"upper case", map[string]string{"Cargo.lock": entry("autocfg", "1.5.0", registry, strings.ToUpper(aa))}, nil, "no sha256"},
		{"a path for a name", map[string]string{"Cargo.lock": entry("../../x", "1.5.0", registry, aa)}, nil, "no crate's name"},
		{"a path for a version", map[string]string{"Cargo.lock": entry("x", "1.0.0/../..", registry, aa)}, nil, "no crate's name"},
		{"a local registry", map[string]string{"Cargo.lock": entry("x", "1.0.0", "registry+file:///etc", aa)}, nil, "no registry"},
		{"twice", map[string]string{"Cargo.lock": entry("x", "1.0.0", registry, aa) + entry("x", "1.0.0", registry, bb)}, nil, "twice"},
		{"malformed", map[string]string{"Cargo.lock": "version = 3\n[[package\n"}, nil, "malformed in line 2"},
	} {
		got, err := Locked(tree(t, c.files))
		var finding *Error
		switch {
		case c.bad == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.bad != "" && (!errors.As(err, &finding) || !strings.Contains(err.Error(), c.bad)):
			t.Errorf("%s: %v, want %q", c.name, err, c.bad)
		case c.bad == "":
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", c.name, d)
			}
		}
	}
}

// crate makes the file of a crate.
func crate(t *testing.T, top string) (data []byte, sum string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	text := "[package]\n"
	if err := w.WriteHeader(&tar.Header{Name: top + "/Cargo.toml", Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(h[:])
}

func TestStore(t *testing.T) {
	data, sum := crate(t, "tiny-1.0.0")
	list := []Crate{{"tiny", "1.0.0", sum, registry}}
	ctx := context.Background()
	for _, where := range []string{"places", "cargo's cache", "a local registry"} {
		home := tree(t, map[string]string{"config.toml": "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\nlocal-registry = \"near\"\n"})
		place := t.TempDir()
		dir := map[string]string{
			"places": place, "cargo's cache": filepath.Join(home, "registry/cache/x-1"), "a local registry": filepath.Join(filepath.Dir(home), "near"),
		}[where]
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "tiny-1.0.0.crate")
		s := &Store{Dir: t.TempDir(), Places: []string{place}, Home: home, Offline: true}
		// Other bytes under the name are not it.
		if err := os.WriteFile(file, append(data[:len(data):len(data)], 0), 0o644); err != nil {
			t.Fatal(err)
		}
		var missing *MissingError
		if _, err := s.Get(ctx, list); !errors.As(err, &missing) {
			t.Fatalf("%s: damaged: %v", where, err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, list); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		// From now on it is kept; but a kept one is hashed each time.
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		files, err := s.Get(ctx, list)
		if err != nil {
			t.Fatalf("%s: kept: %v", where, err)
		}
		vendored, err := s.Vendor(ctx, list, files)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		got, err := os.ReadFile(filepath.Join(vendored, "crates/tiny-1.0.0/.cargo-checksum.json"))
		if want := `{"files":{},"package":"` + sum + `"}`; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", where, got, err)
		}
		if err := os.WriteFile(files[sum], []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, list); !errors.As(err, &missing) {
			t.Errorf("%s: a damaged one was kept: %v", where, err)
		}
	}
}

func TestVendorRefusesAnotherFolder(t *testing.T) {
	data, sum := crate(t, "else-1.0.0")
	dir := tree(t, map[string]string{"x.crate": string(data)})
	s := &Store{Dir: t.TempDir()}
	_, err := s.Vendor(context.Background(), []Crate{{"tiny", "1.0.0", sum, registry}}, map[string]string{sum: filepath.Join(dir, "x.crate")})
	var finding *Error
	if !errors.As(err, &finding) || !strings.Contains(err.Error(), `has the folder "else-1.0.0"`) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "vendored", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConfig(t *testing.T) {
	list := []Crate{{"a", "1.0.0", aa, registry}, {"b", "1.0.0", bb, "sparse+https://corp.example/index/"}, {"c", "1.0.0", bb, "registry+https://corp.example/git"}}
	want := `[net]
offline = true

[source.wheellock]
directory = "/cargo/crates"

[source.crates-io]
replace-with = "wheellock"

[source.other-0]
registry = "https://corp.example/git"
replace-with = "wheellock"

[source.other-1]
registry = "sparse+https://corp.example/index/"
replace-with = "wheellock"
`
	if d := cmp.Diff(want, config(list, registry)); d != "" {
		t.Error(d)
	}
}

func TestInSource(t *testing.T) {
	config := "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"%s\"\n"
	for dir, want := range map[string]bool{"vendor": true, "elsewhere": false, "/usr": false, "../vendor": false} {
		source := tree(t, map[string]string{".cargo/config.toml": fmt.Sprintf(config, dir), "vendor/x/Cargo.toml": ""})
		if got := InSource(source); got != want {
			t.Errorf("directory = %q: %v", dir, got)
		}
	}
}
