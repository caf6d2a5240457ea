package compare

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type file struct {
	name, body string
	mode       uint32
	time       time.Time
}

// wheel is what a test changes before it is written.
type wheel struct {
	files   []file
	level   int  // of deflate
	reverse bool // RECORD's rows
	quoted  bool // RECORD's names
	dist    string
}

var noon = time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)

func base() *wheel {
	return &wheel{level: 6, dist: "foo-1.0.dist-info", files: []file{
		{name: "foo/__init__.py", body: "x = 1\n" + strings.Repeat("y = 2\n", 50)},
		{name: "foo/run.sh", body: "#!/bin/sh\n", mode: 0o755},
		{name: "@/METADATA", body: "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: bar>=1\nRequires-Dist: baz\nLicense-File: LICENSE\n\nA text.\n"},
		{name: "@/WHEEL", body: "Wheel-Version: 1.0\nGenerator: setuptools (80.9.0)\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{name: "@/LICENSE", body: "free\n"},
	}}
}

func (w *wheel) get(name string) *file {
	for i := range w.files {
		if w.files[i].name == name {
			return &w.files[i]
		}
	}
	return nil
}

func (w *wheel) swap(name, old, new string) {
	f := w.get(name)
	f.body = strings.ReplaceAll(f.body, old, new)
}

func (w *wheel) write(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, w.level) })
	var rows []string
	for _, f := range w.files {
		f.name = strings.Replace(f.name, "@", w.dist, 1)
		sum := sha256.Sum256([]byte(f.body))
		name := f.name
		if w.quoted {
			name = `"` + name + `"`
		}
		rows = append(rows, fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.body)))
		w.add(z, f)
	}
	if w.reverse {
		slices.Reverse(rows)
	}
	record := w.dist + "/RECORD"
	w.add(z, file{name: record, body: strings.Join(rows, "") + record + ",,\n"})
	z.Close()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// add writes a member without a data descriptor, as Python does.
func (w *wheel) add(z *zip.Writer, f file) {
	if f.mode == 0 {
		f.mode = 0o644
	}
	if f.time.IsZero() {
		f.time = noon
	}
	h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, CreatorVersion: 3<<8 | 20, ExternalAttrs: (0o100000 | f.mode) << 16, Modified: time.Time{}}
	//lint:ignore SA1019 the raw DOS fields, without the zone that Modified would add
	h.ModifiedDate = uint16((f.time.Year()-1980)<<9 | int(f.time.Month())<<5 | f.time.Day())
	//lint:ignore SA1019 as above
	h.ModifiedTime = uint16(f.time.Hour()<<11 | f.time.Minute()<<5 | f.time.Second()/2)
	out, _ := z.CreateHeader(h)
	io.WriteString(out, f.body)
}

func TestWheels(t *testing.T) {
	for what, c := range map[string]struct {
		change  func(ours, upstream *wheel)
		verdict Verdict
		causes  []string
		lines   []string
	}{
		"equal": {func(a, b *wheel) {}, Bytes, nil, nil},
		"times": {func(a, b *wheel) {
			for i := range b.files {
				b.files[i].time = noon.Add(time.Hour)
			}
		}, Content, []string{"zip-times"}, []string{"zip times: 5 of 6 members, LICENSE 2024-05-06 12:00:00 != 2024-05-06 13:00:00"}},
		"umask": {func(a, b *wheel) { b.files[0].mode, b.files[2].mode = 0o664, 0o664 },
			Content, []string{"zip-modes"}, []string{"zip modes: 100644 != 100664, 2 files, *.dist-info/METADATA, foo/__init__.py"}},
		"deflate": {func(a, b *wheel) { b.level = 0 },
			Content, []string{"deflate"}, nil},
		"order": {func(a, b *wheel) { b.reverse = true },
			Content, []string{"record-order"}, []string{"RECORD: rows in another order"}},
		"row": {func(a, b *wheel) { b.files[0].time, b.quoted = noon.Add(time.Hour), true },
			Content, []string{"record-order", "zip-times"}, []string{
				"zip times: 1 of 6 members, foo/__init__.py 2024-05-06 12:00:00 != 2024-05-06 13:00:00",
				`RECORD: it is written otherwise, line 1: "foo/__init__.py,sha256=4x_SHLNxV-2wXCJ2bY84unh3a9Uk7efQqA..." != "\"foo/__init__.py\",sha256=4x_SHLNxV-2wXCJ2bY84unh3a9Uk7efQ..."`}},
		"order of members": {func(a, b *wheel) { slices.Reverse(b.files[:2]) },
			Content, []string{"record-order"}, []string{"zip: members in another order, from the 1st: foo/__init__.py != foo/run.sh", "RECORD: rows in another order"}},
		"generator": {func(a, b *wheel) { b.swap("@/WHEEL", "80.9.0", "80.8.0") },
			Differs, []string{"generator"}, []string{"WHEEL: Generator setuptools (80.9.0) != setuptools (80.8.0)"}},
		"tag": {func(a, b *wheel) { b.swap("@/WHEEL", "py3-", "py2-") },
			Differs, []string{"tag"}, []string{"WHEEL: Tag py3-none-any != py2-none-any"}},
		"CRLF": {func(a, b *wheel) { b.swap("@/METADATA", "\n", "\r\n") },
			Differs, []string{"metadata-eol"}, []string{"METADATA: other line ends, CRLF upstream"}},
		"parentheses": {func(a, b *wheel) { b.swap("@/METADATA", "bar>=1", "bar (>=1)") },
			Differs, []string{"metadata-fields"}, []string{"METADATA: Requires-Dist is written otherwise: bar>=1 != bar (>=1)"}},
		"requirement": {func(a, b *wheel) { b.swap("@/METADATA", "Requires-Dist: baz\n", "") },
			Differs, []string{"requirement-gone"}, []string{"METADATA: Requires-Dist only ours: baz"}},
		"other requirement": {func(a, b *wheel) { b.swap("@/METADATA", "bar>=1", "bar>=2") },
			Differs, []string{"requirement-gone"}, []string{"METADATA: Requires-Dist only ours: bar>=1; only upstream: bar>=2"}},
		"licence": {func(a, b *wheel) { a.swap("@/METADATA", "License-File: LICENSE\n", "") },
			Differs, []string{"license-files"}, []string{"METADATA: License-File is missing, upstream: LICENSE"}},
		"licence folder": {func(a, b *wheel) { a.get("@/LICENSE").name = "@/licenses/LICENSE" },
			Differs, []string{"license-files"}, []string{"file by another name: *.dist-info/licenses/LICENSE -> *.dist-info/LICENSE"}},
		"licence file": {func(a, b *wheel) { a.files = a.files[:4] },
			Differs, []string{"license-files"}, []string{"file only upstream: *.dist-info/LICENSE"}},
		"summary": {func(a, b *wheel) { b.swap("@/METADATA", "Name: foo\n", "Name: foo\nSummary: new\n") },
			Differs, []string{"metadata-fields"}, []string{"METADATA: Summary is missing, upstream: new"}},
		"description": {func(a, b *wheel) { b.swap("@/METADATA", "A text.", "Another.") },
			Differs, []string{"metadata-fields"}, []string{`METADATA: description, line 1: "A text." != "Another."`}},
		"missing files": {func(a, b *wheel) {
			for _, n := range []string{"a", "b", "sub/c"} {
				b.files = append(b.files, file{name: "foo/tests/" + n + ".py"})
			}
		}, Differs, []string{"missing-in-sdist"}, []string{"3 files only upstream: foo/tests/a.py, foo/tests/b.py, foo/tests/sub/c.py"}},
		"data": {func(a, b *wheel) { b.swap("foo/__init__.py", "x = 1", "x = 2") },
			Differs, []string{"preprocessed-data"}, []string{`foo/__init__.py: line 1: "x = 1" != "x = 2"`}},
		"executable": {func(a, b *wheel) { b.get("foo/run.sh").mode = 0o644 },
			Differs, []string{"zip-modes"}, []string{"executable only ours: foo/run.sh", "zip modes: 100755 != 100644, foo/run.sh"}},
		"libraries": {func(a, b *wheel) {
			a.files = append(a.files, file{name: "foo/x.so", body: "so"})
			b.files = append(b.files, file{name: "foo/x.so", body: "so"}, file{name: "foo.libs/libx-1.so.2", body: "lib"}, file{name: "@/sboms/auditwheel.cdx.json", body: "{}"})
		}, Differs, []string{"sbom", "vendored-libs"}, []string{"file only upstream: *.dist-info/sboms/auditwheel.cdx.json", "file only upstream: foo.libs/libx-1.so.2"}},
		"switch": {func(a, b *wheel) {
			b.files = append(b.files, file{name: "foo/x.cpython-311-x86_64-linux-gnu.so", body: "so"})
			b.swap("@/WHEEL", "Purelib: true", "Purelib: false")
			b.swap("@/WHEEL", "py3-none-any", "cp311-cp311-linux_x86_64")
		}, Differs, []string{"env-switch", "tag"}, []string{
			"WHEEL: Tag py3-none-any != cp311-cp311-linux_x86_64",
			"ours is pure, upstream has compiled code: the publisher sets a switch",
			"file only upstream: foo/x.cpython-311-x86_64-linux-gnu.so"}},
		"folder": {func(a, b *wheel) { b.dist = "Foo-1.0.dist-info" },
			Differs, []string{"metadata-fields"}, []string{"folder foo-1.0.dist-info != Foo-1.0.dist-info"}},
		"hostile text": {func(a, b *wheel) { b.swap("@/METADATA", "baz", "b\x1b[31maz") },
			Differs, []string{"requirement-gone"}, []string{"METADATA: Requires-Dist only ours: baz; only upstream: b?[31maz"}},
	} {
		a, b := base(), base()
		c.change(a, b)
		pa, pb := a.write(t, "foo-1.0-py3-none-any.whl"), b.write(t, "foo-1.0-py3-none-any.whl")
		res, err := Wheels(pa, pb)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if res.Verdict != c.verdict {
			t.Errorf("%s: verdict %s, want %s", what, res.Verdict, c.verdict)
		}
		if diff := cmp.Diff(c.causes, res.Causes); diff != "" {
			t.Errorf("%s: causes: %s %q", what, diff, res.Lines)
		}
		if diff := cmp.Diff(c.lines, res.Lines); c.lines != nil && diff != "" {
			t.Errorf("%s: lines: %s", what, diff)
		}
		for _, cause := range res.Causes {
			if !slices.Contains(Causes(), cause) {
				t.Errorf("%s: %q is not of the vocabulary", what, cause)
			}
		}
		if (res.Verdict == Content) != (res.OursContent == res.UpstreamContent && res.OursSHA256 != res.UpstreamSHA256) {
			t.Errorf("%s: verdict %s with contents %s and %s", what, res.Verdict, res.OursContent, res.UpstreamContent)
		}
	}
}

func TestCompiled(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc here")
	}
	so := func(source string, args ...string) string {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, "x.c"), []byte(source), 0o600)
		out, err := exec.Command(cc, append([]string{"-shared", "-fPIC", "-o", dir + "/x.so", dir + "/x.c"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b, _ := os.ReadFile(dir + "/x.so")
		return string(b)
	}
	plain := so("int f(int x) { return x; }")
	for what, c := range map[string]struct{ other, cause, part string }{
		"compiler": {so("int f(int x) { return x; } __asm__(\".ident \\\"GCC: (Other) 99\\\"\");"), NativeCompiler, "GCC: (Other) 99"},
		"runpath":  {so("int f(int x) { return x; }", "-Wl,-rpath,$ORIGIN/../foo.libs"), VendoredLibs, "runpath none != $ORIGIN/../foo.libs"},
		"path":     {so("int f(int x) { return x; } const char *where(void) { return \"/project/src/x.c\"; }"), NativePath, "built in none != /project/src/x.c"},
		"code":     {so("int f(int x) { return x * 77 + 5; }"), NativeCompiler, ".text"},
		"no ELF":   {"MZ", NativeCompiler, "other bytes"},
	} {
		a, b := base(), base()
		a.files = append(a.files, file{name: "foo/x.so", body: plain})
		b.files = append(b.files, file{name: "foo/x.so", body: c.other})
		res, err := Wheels(a.write(t, "foo-1.0-py3-none-any.whl"), b.write(t, "foo-1.0-py3-none-any.whl"))
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Lines) != 1 || !strings.Contains(res.Lines[0], c.part) || res.Causes[0] != c.cause {
			t.Errorf("%s: %q %q, want %s", what, res.Causes, res.Lines, c.cause)
		}
	}
}

func TestUnreadable(t *testing.T) {
	good := base().write(t, "foo-1.0-py3-none-any.whl")
	bad := filepath.Join(t.TempDir(), "foo-1.0-py3-none-any.whl")
	os.WriteFile(bad, []byte("no zip"), 0o600)
	for _, c := range []struct{ a, b, want string }{{bad, good, "our wheel"}, {good, bad, "the published wheel"}, {good, bad + "x", "no such file"}} {
		if _, err := Wheels(c.a, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q in it", err, c.want)
		}
	}
}
