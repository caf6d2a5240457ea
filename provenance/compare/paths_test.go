package compare

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

func put(t *testing.T, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tarOf writes members; a name that ends in "/" is a folder, one with " -> " a link.
func tarOf(change func(*tar.Header), members ...string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		name, target, link := strings.Cut(members[i], " -> ")
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(members[i+1])), ModTime: noon, Uname: "root", Gname: "root"}
		switch {
		case link:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, target, 0
		case strings.HasSuffix(name, "/"):
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if change != nil {
			change(h)
		}
		w.WriteHeader(h)
		if h.Size > 0 {
			io.WriteString(w, members[i+1])
		}
	}
	w.Close()
	return b.Bytes()
}

func zipOf(members ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, _ := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Deflate})
		io.WriteString(f, members[i+1])
	}
	w.Close()
	return b.Bytes()
}

func gz(b []byte, change func(*gzip.Writer)) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if change != nil {
		change(w)
	}
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func fast(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func xzOf(b []byte) []byte {
	var out bytes.Buffer
	w, _ := xz.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zst(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func deb(control, data string, members ...[]byte) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for i, name := range []string{"debian-binary", control, data} {
		body := append([][]byte{[]byte("2.0\n")}, members...)[i]
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, noon.Unix(), 0, 0, "100644", len(body))
		b.Write(body)
		if len(body)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func paths(t *testing.T, a, b string) *Result {
	t.Helper()
	res, err := Paths(context.Background(), a, b, Options{Diffs: true, Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestPaths(t *testing.T) {
	control := func(v string) []byte {
		return gz(tarOf(nil, "./control", "Package: foo\nVersion: "+v+"\n"), nil)
	}
	later := func(h *tar.Header) { h.ModTime = noon.Add(time.Hour) }
	owner := func(h *tar.Header) { h.Uid, h.Uname = 1000, "user" }
	data := tarOf(nil, "./usr/", "", "./usr/bin/foo", "one\n", "./usr/bin/bar -> foo", "")
	data2 := tarOf(nil, "./usr/", "", "./usr/bin/foo", "two\n", "./usr/bin/bar -> /etc/foo", "")
	for what, c := range map[string]struct {
		name    string
		a, b    []byte
		verdict Verdict
		lines   []string
	}{
		"same":       {"a.txt", []byte("x"), []byte("x"), Bytes, nil},
		"text":       {"a.txt", []byte("x\ny\n"), []byte("x\nz\n"), Differs, []string{`line 2: "y" != "z"`}},
		"blanks":     {"a.txt", []byte("x \n"), []byte("x\n"), Differs, []string{`line 1: "x " != "x"`}},
		"empty":      {"a.txt", nil, []byte("x"), Differs, []string{"0 != 1 bytes"}},
		"binary":     {"a.bin", []byte("a\x00b"), []byte("a\x00cd"), Differs, []string{"other bytes from byte 3 on, 3 != 4"}},
		"gzip time":  {"a.tar.gz", gz(data, nil), gz(data, func(w *gzip.Writer) { w.ModTime = noon }), Content, []string{"gzip time: none != 2024-05-06 12:00:00"}},
		"gzip level": {"a.gz", gz(bytes.Repeat([]byte("abcdefg1234567"), 99), nil), fast(bytes.Repeat([]byte("abcdefg1234567"), 99)), Content, []string{"gzip level: unsaid (0) != fastest (4)"}},
		"after the end": {"a.gz", gz([]byte("x"), nil), append(gz([]byte("x"), nil), "tail"...), Content,
			[]string{"gzip bytes after the end: 0 != 4"}},
		"gzip of text": {"a.gz", gz([]byte("x\n"), nil), gz([]byte("y\n"), nil), Differs, []string{`line 1: "x" != "y"`}},
		"compression":  {"a.tar.xz", xzOf(data), xzOf(data2), Differs, []string{`usr/bin/bar: symbolic link to foo != /etc/foo`, `usr/bin/foo: line 1: "one" != "two"`}},
		"tar times":    {"a.tar", tarOf(nil, "f/a", "x", "f/b", "y"), tarOf(later, "f/a", "x", "f/b", "y"), Content, []string{"tar times: 2 of 2 members, f/a 2024-05-06 12:00:00 != 2024-05-06 13:00:00"}},
		"tar owners":   {"a.tar", tarOf(nil, "f/a", "x"), tarOf(owner, "f/a", "x"), Content, []string{"tar owners: 0:0 root:root != 1000:0 user:root, f/a"}},
		"setuid": {"a.tar", tarOf(nil, "f/a", "x"), tarOf(func(h *tar.Header) { h.Mode = 0o4755 }, "f/a", "x"), Differs,
			[]string{"executable only in B: f/a", "f/a: none != setuid", "tar modes: 644 != 4755, f/a"}},
		"device": {"a.tar", tarOf(nil, "f/a", ""), tarOf(func(h *tar.Header) { h.Typeflag, h.Devmajor = tar.TypeChar, 1 }, "f/a", ""), Differs,
			[]string{"f/a: file != character device"}},
		"no members": {"a.tar.gz", gz(tarOf(nil), nil), gz(tarOf(nil, "f/a", "x"), nil), Differs, []string{"file only in B: f/a"}},
		"padding":    {"a.tar", data, append(slices.Clone(data), make([]byte, 512)...), Content, []string{"tar end: 0 zeros != 512 zeros"}},
		"folder":     {"a.tar", tarOf(nil, "f-1/a", "x"), tarOf(nil, "f-2/a", "x"), Differs, []string{"folder f-1 != f-2"}},
		"renamed":    {"a.tar", tarOf(nil, "f/a", "x", "f/c", "z"), tarOf(nil, "f/b", "x", "f/c", "z"), Differs, []string{"file by another name: f/a -> f/b"}},
		"order":      {"a.tar", tarOf(nil, "f/a", "x", "f/b", "y"), tarOf(nil, "f/b", "y", "f/a", "x"), Content, []string{"tar: members in another order, from the 1st: f/a != f/b"}},
		"duplicate":  {"a.tar", tarOf(nil, "f/a", "x"), tarOf(nil, "f/a", "x", "f/a", "evil"), Differs, []string{"file only in B: f/a (2nd of that name)"}},
		"PKG-INFO": {"a.tar", tarOf(nil, "f/PKG-INFO", "Name: a\n", "f/a.egg-info/PKG-INFO", "Name: a\n"), tarOf(nil, "f/PKG-INFO", "Name: b\n", "f/a.egg-info/PKG-INFO", "Name: b\n"), Differs,
			[]string{`f/PKG-INFO and f/a.egg-info/PKG-INFO: Name "a" != "b"`}},
		"package": {"a.deb", deb("control.tar.gz", "data.tar.xz", control("1"), xzOf(data)), deb("control.tar.gz", "data.tar.xz", control("2"), xzOf(data)), Differs,
			[]string{`control.tar: control: Version "1" != "2"`}},
		"package packed": {"a.deb", deb("control.tar.gz", "data.tar.xz", control("1"), xzOf(data)), deb("control.tar.gz", "data.tar.zst", control("1"), zst(data)), Content,
			[]string{"data.tar: compression: xz != zstd"}},
		"package owners": {"a.deb", deb("control.tar.gz", "data.tar", control("1"), tarOf(nil, "a", "x")), deb("control.tar.gz", "data.tar", control("1"), tarOf(owner, "a", "x")), Differs,
			[]string{"data.tar: tar owners: 0:0 root:root != 1000:0 user:root, a"}},
		"within": {"a.zip", zipOf("in.zip", string(zipOf("x", "1")), "in.tgz", string(gz(tarOf(nil, "y", "1"), nil))), zipOf("in.zip", string(zipOf("x", "2")), "in.tgz", string(gz(tarOf(nil, "y", "2"), nil))), Differs,
			[]string{`in.tgz: y: 1 != 1 bytes`, `in.zip: x: 1 != 1 bytes`}},
		"likewise": {"a.zip", zipOf("1.tar", string(tarOf(nil, "x", "1")), "2.tar", string(tarOf(nil, "y", "1")), "3.tar", string(tarOf(nil, "z", "1"))),
			zipOf("1.tar", string(tarOf(later, "x", "1")), "2.tar", string(tarOf(later, "y", "1")), "3.tar", string(tarOf(later, "z", "1"))), Differs,
			[]string{"1.tar: tar times: 1 of 1 members, x 2024-05-06 12:00:00 != 2024-05-06 13:00:00; likewise in 2 files, 2.tar, 3.tar"}},
		"name": {"a.zip", zipOf("a\x1b[31m\u202etxt", "1"), zipOf("a\x1b[31m\u202etxt", "2"), Differs, nil},
	} {
		res := paths(t, put(t, c.name, c.a), put(t, c.name, c.b))
		if res.Verdict != c.verdict {
			t.Errorf("%s: verdict %s, want %s: %q", what, res.Verdict, c.verdict, res.Lines)
		}
		for i, l := range c.lines {
			c.lines[i] = strings.ReplaceAll(l, "1 != 1 bytes", `line 1: "1" != "2"`)
		}
		if diff := cmp.Diff(c.lines, res.Lines); c.lines != nil && diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		sane(t, what, res)
	}
}

// sane is what holds of every result.
func sane(t *testing.T, what string, res *Result) {
	t.Helper()
	if (len(res.Lines) == 0) != (res.Verdict == Bytes) {
		t.Errorf("%s: verdict %s with %d lines", what, res.Verdict, len(res.Lines))
	}
	bad := regexp.MustCompile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]|%!")
	for i, f := range res.Facts {
		if f.Line != res.Lines[i] || f.Line == "" || len(f.Line) > maxLine || len(f.Names) > MaxNames {
			t.Errorf("%s: fact %+v", what, f)
		}
		if f.Cause != "" && Meaning(f.Cause) == "" {
			t.Errorf("%s: %q is no cause", what, f.Cause)
		}
		for _, s := range append(slices.Concat(f.Names, f.Diff, res.Notes), f.Line, f.Where) {
			if bad.MatchString(s) {
				t.Errorf("%s: unprintable: %q", what, s)
			}
		}
	}
}

// Any bit that differs gives a line, or the file is refused; no damage makes the
// reader panic. A wheel whose content hash is that of the other has the verdict
// content.
func TestEveryBit(t *testing.T) {
	so := []byte("\x7fELF")
	wheel, _ := os.ReadFile(base().write(t, "foo-1.0-py3-none-any.whl"))
	plain := tarOf(nil, "f/", "", "f/a", "text\n", "f/b -> a", "")
	for name, whole := range map[string][]byte{
		"foo-1.0-py3-none-any.whl": wheel,
		"foo-1.0.zip":              wheel,
		"foo.tar":                  plain[:3*512],
		"foo.tar.gz":               gz(plain, func(w *gzip.Writer) { w.Name = "foo.tar" }),
		"foo.tar.xz":               xzOf(plain),
		"foo.tar.zst":              zst(plain),
		"foo.deb":                  deb("control.tar.gz", "data.tar.gz", gz(plain, nil), gz(plain, nil)),
		"foo.so":                   so,
	} {
		a := put(t, name, whole)
		b := filepath.Join(t.TempDir(), name)
		r := rand.New(rand.NewSource(1))
		refused := 0
		for i := range whole {
			if len(whole) > 1000 && r.Intn(4) > 0 {
				continue
			}
			other := slices.Clone(whole)
			other[i] ^= 1 << r.Intn(8)
			if i%7 == 0 { // and now and then a byte more or fewer
				other = slices.Delete(slices.Clone(whole), i, i+1)
			} else if i%7 == 1 {
				other = slices.Insert(slices.Clone(whole), i, byte(r.Intn(256)))
			}
			if bytes.Equal(whole, other) {
				continue
			}
			os.WriteFile(b, other, 0o600)
			res, err := Paths(context.Background(), a, b, Options{Diffs: true})
			if err != nil {
				if !errors.As(err, new(*archive.Error)) {
					t.Fatalf("%s, byte %d: %v", name, i, err)
				}
				refused++
				continue
			}
			if res.Verdict == Bytes {
				t.Fatalf("%s, byte %d: the verdict is bytes", name, i)
			}
			sane(t, fmt.Sprintf("%s, byte %d", name, i), res)
			if res.OursContent != "" && (res.OursContent == res.UpstreamContent) != (res.Verdict == Content) {
				t.Fatalf("%s, byte %d: verdict %s", name, i, res.Verdict)
			}
		}
		t.Logf("%s: %d of %d refused", name, refused, len(whole))
	}
}

// Wheels of the same files are of the same content however they are packed, and
// any file that is changed, added or taken away is told of.
func TestRandomWheels(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for n := range 120 {
		a, b := base(), base()
		want := Bytes
		for range 1 + r.Intn(3) {
			f := &b.files[r.Intn(len(b.files))]
			switch r.Intn(9) {
			case 0:
				f.time, want = noon.Add(time.Duration(1+r.Intn(99))*time.Minute), max2(want, Content)
			case 1:
				b.level, want = 0, max2(want, Content)
			case 2:
				b.reverse, want = true, max2(want, Content)
			case 3:
				f.mode, want = map[bool]uint32{true: 0o775, false: 0o664}[strings.HasSuffix(f.name, ".sh")], max2(want, Content)
			case 4:
				b.files[0], b.files[1], want = b.files[1], b.files[0], max2(want, "order")
			case 5:
				f.body, want = f.body+"Z: z\n", Differs
			case 6:
				f.mode, want = map[bool]uint32{false: 0o755, true: 0o644}[strings.HasSuffix(f.name, ".sh")], Differs
			case 7:
				b.files, want = append(b.files, file{name: fmt.Sprintf("foo/new%d.py", len(b.files)+100*n+r.Intn(1e9)), body: "n"}), Differs
			case 8:
				if i := slices.IndexFunc(b.files, func(f file) bool { return strings.HasPrefix(f.name, "foo/") }); i >= 0 && len(b.files) > 4 {
					b.files, want = slices.Delete(b.files, i, i+1), Differs
				}
			}
		}
		pa, pb := a.write(t, "foo-1.0-py3-none-any.whl"), b.write(t, "foo-1.0-py3-none-any.whl")
		res, err := Wheels(pa, pb)
		if err != nil {
			t.Fatal(err)
		}
		sane(t, fmt.Sprint(n), res)
		switch {
		case want == Differs && (res.OursContent != res.UpstreamContent) != (res.Verdict == Differs),
			want == Content && res.Verdict != Content,
			want == "order" && res.Verdict == Differs: // two exchanges undo each other
			t.Errorf("%d: verdict %s, want %s: %q", n, res.Verdict, want, res.Lines)
		}
	}
}

func max2(a, b Verdict) Verdict {
	order := []Verdict{Bytes, "order", Content, Differs}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

func TestBadInput(t *testing.T) {
	good := put(t, "a.zip", zipOf("a", "x"))
	encrypted := zipOf("a", "secret")
	for i := 0; i+4 < len(encrypted); i++ { // the flag in both headers
		switch string(encrypted[i : i+4]) {
		case "PK\x03\x04":
			encrypted[i+6] |= 1
		case "PK\x01\x02":
			encrypted[i+8] |= 1
		}
	}
	res := paths(t, good, put(t, "a.zip", encrypted))
	if len(res.Lines) == 0 || !strings.Contains(res.Lines[0], "encrypted") {
		t.Errorf("encrypted: %q", res.Lines)
	}
	huge := zipOf("a", "x")
	i := bytes.Index(huge, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(huge[i+24:], 0xfffffffe)
	deep := zipOf("x", "1")
	deeper := zipOf("x", "2")
	for range MaxNested + 3 {
		deep, deeper = zipOf("in.zip", string(deep)), zipOf("in.zip", string(deeper))
	}
	res = paths(t, put(t, "a.zip", deep), put(t, "a.zip", deeper))
	if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "8 deep") || res.Verdict != Differs {
		t.Errorf("deep: %q %q", res.Lines, res.Notes)
	}
	inner := put(t, "a.zip", zipOf("in.zip", string(zipOf("x", "1"))))
	res = paths(t, inner, put(t, "a.zip", zipOf("in.zip", "PK\x03\x04 no zip")))
	if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "in.zip is compared as bytes") || res.Verdict != Differs {
		t.Errorf("damaged within: %q %q", res.Lines, res.Notes)
	}
	for what, c := range map[string]struct {
		b    string
		kind archive.Kind
	}{
		"cut off":   {put(t, "a.zip", zipOf("a", "xyz")[:40]), archive.Truncated},
		"no zip":    {put(t, "a.zip", []byte("plain")), archive.NotZip},
		"too large": {put(t, "a.zip", huge), archive.Checksum},
	} {
		var e *archive.Error
		if _, err := Paths(context.Background(), good, c.b, Options{}); !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: %v", what, err)
		}
	}
	dir := t.TempDir()
	for _, c := range [][2]string{{good, dir}, {dir, good}, {good, "/dev/null"}} {
		if _, err := Paths(context.Background(), c[0], c[1], Options{}); !errors.As(err, new(*InputError)) {
			t.Errorf("%v: %v", c, err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Paths(ctx, good, inner, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestFolders(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, d := range []string{a, b} {
		os.MkdirAll(filepath.Join(d, "sub"), 0o755)
		os.WriteFile(filepath.Join(d, "sub/x"), []byte("x\n"), 0o644)
		os.Symlink("nowhere", filepath.Join(d, "link"))
	}
	if res := paths(t, a, b); res.Verdict != Bytes {
		t.Errorf("equal folders: %q", res.Lines)
	}
	os.WriteFile(filepath.Join(b, "sub/x"), []byte("y\n"), 0o644)
	os.Chmod(filepath.Join(b, "sub/x"), 0o600)
	os.Mkdir(filepath.Join(b, "empty"), 0o755)
	res := paths(t, a, b)
	want := []string{`sub/x: line 1: "x" != "y"`, "folder modes: 644 != 600, sub/x", "folder: 1 folder only in B: empty"}
	if diff := cmp.Diff(want, res.Lines); diff != "" || res.Verdict != Differs {
		t.Error(res.Verdict, diff)
	}
}

// Python's own bytecode, of the versions on this machine.
func TestBytecode(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	compile := func(source, name string) []byte {
		out := filepath.Join(t.TempDir(), "x.pyc")
		src := put(t, "x.py", []byte(source))
		os.Chtimes(src, noon, noon)
		if b, err := exec.Command(python, "-I", "-c", "import py_compile,sys; py_compile.compile(*sys.argv[1:], doraise=True)", src, out, name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		b, _ := os.ReadFile(out)
		return b
	}
	source := "import os\nclass A:\n    x = 1.5, -2**70, 'é', frozenset({1, 2}), b'\\0'\n    def f(self, *a, k=1):\n        return lambda: (a, k, self, None, ...)\n"
	a := compile(source, "/build/x.py")
	p, err := readBytecode(a)
	if err != nil || p.code == nil {
		t.Fatalf("this Python's bytecode is not read: %v", err)
	}
	for what, c := range map[string]struct {
		b           []byte
		cause, line string
	}{
		"path":     {compile(source, "/tmp/x.py"), NativePath, "compiled as /build/x.py != /tmp/x.py"},
		"constant": {compile(strings.Replace(source, "1.5", "2.5", 1), "/build/x.py"), "", "consts"},
		"code":     {compile(strings.Replace(source, "return lambda", "return self and (lambda", 1)+"        )\n", "/build/x.py"), "", "<module>.A.f"},
		"header":   {append(append(slices.Clone(a[:8]), 1, 2, 3, 4), a[12:]...), "", "source's time 2024-05-06 12:00:00 !="},
		"damaged":  {append(slices.Clone(a[:len(a)-9]), 0xff), "", "its code differs"},
	} {
		res := paths(t, put(t, "x.pyc", a), put(t, "x.pyc", c.b))
		if len(res.Lines) != 1 || !strings.Contains(res.Lines[0], c.line) || res.Facts[0].Cause != c.cause {
			t.Errorf("%s: %+v", what, res.Facts)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte("\xe3\x00\x00\x00\x00"))
	_, layout := versionOf(3495)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 0 {
			unmarshal(b, layout)
		}
	})
}

func TestUnified(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 2000 {
		text := func() []byte {
			var b []byte
			for range r.Intn(12) {
				b = append(b, byte('a'+r.Intn(3)), '\n')
			}
			return b
		}
		a, b := text(), text()
		var x, y []byte
		for _, e := range edits(splitLines(a), splitLines(b)) {
			if e.sign != '+' {
				x = append(x, e.line...)
			}
			if e.sign != '-' {
				y = append(y, e.line...)
			}
		}
		if !bytes.Equal(a, x) || !bytes.Equal(b, y) {
			t.Fatalf("%q %q became %q %q", a, b, x, y)
		}
	}
	got := unified([]byte("a\nb\nc\nd\n"), []byte("a\nb\r\nc\nd"))
	want := []string{"@@ line 1", " a", "-b", "+b\u240d", " c", "-d", "+d (no line feed)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A packed file cannot ask for any amount of memory.
func TestDictionary(t *testing.T) {
	good := xzOf([]byte("x"))
	if n := xzDictionary(good); n != 8<<20 {
		t.Fatalf("a dictionary of %d bytes", n)
	}
	bad := slices.Clone(good)
	bad[bytes.Index(bad[14:], []byte{0x21, 0x01})+16] = 40 // 4 GiB
	var e *archive.Error
	_, err := Paths(context.Background(), put(t, "a.xz", good), put(t, "a.xz", bad), Options{})
	if !errors.As(err, &e) || e.Kind != archive.TooBig {
		t.Error(err)
	}
}
