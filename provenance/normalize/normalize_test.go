package normalize

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

type file struct {
	name, text string
	exec       bool
}

const info = "small-1.0.dist-info/"

func small() []file {
	return []file{
		{"small/__init__.py", "", false},
		{"small/run.sh", "#!/bin/sh\necho small\n", true},
		{"small/ünï.txt", "not ASCII\n", false},
		{"small/a,b.txt", "a comma in the name\n", false},
		{"small/long.py", strings.Repeat("def f(x):\n    return x + 1\n", 40), false},
		{"small-1.0.data/scripts/tool", "#!python\nprint(1)\n", true},
		{info + "METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n", false},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n", false},
		{info + "entry_points.txt", "[console_scripts]\nsmall = small:main\n", false},
	}
}

// container is how a wheel or sdist is packed; nothing of it may show in the normal form.
type container struct {
	seed    uint64
	level   int // of flate, 0: stored
	folders bool
	when    time.Time
	crlf    bool // RECORD's line ends
	umask   fs.FileMode
}

func (c container) mode(f file) fs.FileMode {
	if f.exec {
		return 0o777 &^ c.umask
	}
	return 0o666 &^ c.umask
}

func (c container) shuffled(files []file) []file {
	files = append([]file(nil), files...)
	r := rand.New(rand.NewPCG(c.seed, 1))
	r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	return files
}

func folders(files []file) []string {
	seen := map[string]bool{}
	for _, f := range files {
		for d := filepath.Dir(f.name); d != "."; d = filepath.Dir(d) {
			seen[d+"/"] = true
		}
	}
	var out []string
	for d := range seen {
		out = append(out, d)
	}
	sort.Strings(out)
	return out
}

func (c container) wheel(t testing.TB, path string, files []file) {
	t.Helper()
	files = c.shuffled(files)
	var record strings.Builder
	end := "\n"
	if c.crlf {
		end = "\r\n"
	}
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.text))
		if strings.HasSuffix(f.name, "RECORD.jws") {
			continue
		}
		fmt.Fprintf(&record, "%s,sha256=%s,%d%s", quoted(f.name), base64.RawURLEncoding.EncodeToString(sum[:]), len(f.text), end)
	}
	fmt.Fprintf(&record, "%sRECORD,,%s", info, end)
	files = append(files, file{info + "RECORD", record.String(), false})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, c.level) })
	add := func(h *zip.FileHeader, text string) {
		h.Modified = c.when
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	if c.folders {
		for _, d := range folders(files) {
			add(&zip.FileHeader{Name: d}, "")
		}
	}
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name}
		if c.level != 0 {
			h.Method = zip.Deflate
		}
		h.SetMode(c.mode(f))
		add(h, f.text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sources() []file {
	return []file{
		{"small-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n", false},
		{"small-1.0/small/__init__.py", "", false},
		{"small-1.0/small/ünï.txt", "not ASCII\n", false},
		{"small-1.0/run.sh", "#!/bin/sh\n", true},
		{"small-1.0/" + strings.Repeat("deep/", 30) + "x.txt", "a long name\n", false},
		{"small-1.0/link.py", "->small/__init__.py", false},
	}
}

func (c container) sdist(t testing.TB, path string, files []file) {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, c.level)
	z.ModTime, z.Name = c.when, "small.tar"
	w := tar.NewWriter(z)
	files = c.shuffled(files)
	if c.folders {
		for _, d := range folders(files) {
			w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o755, ModTime: c.when})
		}
	}
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: int64(c.mode(f)), ModTime: c.when, Size: int64(len(f.text)), Uid: int(c.seed % 3000), Uname: "somebody"}
		if link, ok := strings.CutPrefix(f.text, "->"); ok {
			h.Typeflag, h.Linkname, h.Size, f.text = tar.TypeSymlink, link, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, f.text)
	}
	w.Close()
	z.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func normal(t testing.TB, path string, o Options) ([]byte, *Result) {
	t.Helper()
	b, r, err := try(t, path, o)
	if err != nil {
		t.Fatal(err)
	}
	return b, r
}

func try(t testing.TB, path string, o Options) ([]byte, *Result, error) {
	dst, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(path)))
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	r, err := File(dst, path, o)
	if err != nil {
		return nil, nil, err
	}
	b, err := os.ReadFile(dst.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b, r, nil
}

// The committed files are what this version writes, for ever: another compressor,
// another Go or another idea of order shows here.
func TestGolden(t *testing.T) {
	plain := container{level: 6, when: time.Date(2020, 5, 4, 3, 2, 1, 0, time.UTC), umask: 0o022}
	for name, make := range map[string]func(string){
		"small-1.0-py3-none-any.whl": func(p string) { plain.wheel(t, p, small()) },
		"small-1.0.tar.gz":           func(p string) { plain.sdist(t, p, sources()) },
	} {
		path := filepath.Join(t.TempDir(), name)
		make(path)
		got, _ := normal(t, path, Options{})
		golden := filepath.Join("testdata", name)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			os.WriteFile(golden, got, 0o644)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the normal form %s has other bytes than the golden file: that needs a new version of it", name, Version)
		}
		again, _ := normal(t, golden, Options{})
		if !bytes.Equal(again, want) {
			t.Errorf("%s: the normal form of a normal form is another file", name)
		}
	}
}

// The pinned compressor, on more than a window of text that is neither random nor
// the same all over.
func TestCompressorIsPinned(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		b := make([]byte, 1+r.IntN(9))
		for k := range b {
			b[k] = byte('a' + min(r.IntN(26), r.IntN(26)))
		}
		words[i] = string(b)
	}
	var text bytes.Buffer
	for text.Len() < 1<<20 {
		text.WriteString(words[min(r.IntN(4000), r.IntN(4000))])
		text.WriteByte(" \n.,"[r.IntN(4)])
		if r.IntN(3000) == 0 { // what cannot be packed
			for range 20000 {
				text.WriteByte(byte(r.IntN(256)))
			}
		}
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(text.Bytes())); got != "9c73f9edae05bde1f44b707d08013154b60593ab511e8001138a61be6617be48" {
		t.Fatalf("the text that is packed is another one, %s: the random numbers of Go have changed, write it into a file", got)
	}
	d := &deflater{}
	pack := func(src io.Reader) []byte {
		var out bytes.Buffer
		if err := d.pack(&out, src); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	whole := pack(bytes.NewReader(text.Bytes()))
	const want = "a354ad02eeec39d755ecc09daa4696a39b084d0da765431a425b64c470564dad"
	if got := fmt.Sprintf("%x", sha256.Sum256(whole)); got != want {
		t.Errorf("the compressor writes %s, pinned is %s: never release that without a new version of the normal form", got, want)
	}
	back, err := io.ReadAll(flate.NewReader(bytes.NewReader(whole)))
	if err != nil || !bytes.Equal(back, text.Bytes()) {
		t.Errorf("the standard library reads something else: %v", err)
	}
	pack(strings.NewReader("something else in between"))
	if !bytes.Equal(pack(&dribble{text.Bytes(), r}), whole) {
		t.Error("cut into other pieces, or after another stream, the output differs")
	}
}

type dribble struct {
	b []byte
	r *rand.Rand
}

func (d *dribble) Read(p []byte) (int, error) {
	if len(d.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+d.r.IntN(70000))], d.b)
	d.b = d.b[n:]
	return n, nil
}

// Whatever the container, the same files give the same bytes and the content stays.
func TestContainerDoesNotShow(t *testing.T) {
	wants := map[string][]byte{}
	rapid.Check(t, func(rt *rapid.T) {
		c := container{
			seed: rapid.Uint64().Draw(rt, "seed"), level: rapid.IntRange(0, 9).Draw(rt, "level"), folders: rapid.Bool().Draw(rt, "folders"),
			when: time.Unix(rapid.Int64Range(WheelEpoch, 4000000000).Draw(rt, "when"), 0).UTC(), crlf: rapid.Bool().Draw(rt, "crlf"),
			umask: rapid.SampledFrom([]fs.FileMode{0, 0o002, 0o022, 0o077}).Draw(rt, "umask"),
		}
		for name, make := range map[string]func(string){
			"small-1.0-py3-none-any.whl": func(p string) { c.wheel(t, p, small()) },
			"small-1.0.tar.gz":           func(p string) { c.sdist(t, p, sources()) },
		} {
			path := filepath.Join(t.TempDir(), name)
			make(path)
			got, res := normal(t, path, Options{Epoch: 1700000000})
			if wants[name] == nil {
				wants[name] = got
			}
			if !bytes.Equal(got, wants[name]) {
				rt.Fatalf("%s: other bytes from %+v", name, c)
			}
			if res.Content != "" {
				before, err := archive.Content(path)
				if err != nil || before != res.Content {
					rt.Fatalf("content was %s and is %s (%v)", before, res.Content, err)
				}
			}
			os.WriteFile(path, got, 0o644)
			if at, err := Epoch(path); err != nil || at != 1700000000 {
				rt.Fatalf("%s: the epoch is read as %d (%v)", name, at, err)
			}
		}
	})
}

// What is written stands every check of the strict reader.
func TestWheelIsSound(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "small-1.0-py3-none-any.whl")
	files := append(small(), file{info + "RECORD.jws", "{}", false})
	container{level: 9, when: time.Unix(1e9, 0), folders: true}.wheel(t, in, files)
	b, res := normal(t, in, Options{})
	out := filepath.Join(t.TempDir(), filepath.Base(in))
	os.WriteFile(out, b, 0o644)
	w, err := archive.OpenWheel(out, archive.Audit)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if len(res.Dropped) != 1 || res.Dropped[0] != info+"RECORD.jws" {
		t.Errorf("dropped %q, want the signature of RECORD", res.Dropped)
	}
	var names []string
	for _, e := range w.Entries {
		names = append(names, e.Name)
		want := uint32(0o100644)
		if e.Name == "small/run.sh" || e.Name == "small-1.0.data/scripts/tool" {
			want = 0o100755
		}
		if e.External != want<<16 || len(e.Extra) > 0 || e.Creator != madeBy || !e.Time.Equal(time.Unix(WheelEpoch, 0)) {
			t.Errorf("%s: attributes %x, extra %x, made by %x, %s", e.Name, e.External, e.Extra, e.Creator, e.Time)
		}
	}
	want := "small-1.0.data/scripts/tool small/__init__.py small/a,b.txt small/long.py small/run.sh small/ünï.txt " +
		info + "METADATA " + info + "WHEEL " + info + "entry_points.txt " + info + "RECORD"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the order is %s", got)
	}
}

func TestRefusals(t *testing.T) {
	c := container{level: 6, when: time.Unix(1e9, 0)}
	sdist := func(files ...file) func(string) {
		return func(p string) { c.sdist(t, p, append(files, file{"s/PKG-INFO", "x", false})) }
	}
	for _, row := range []struct {
		what, name string
		make       func(string)
		kind       archive.Kind
	}{
		{"a name twice", "s.tar.gz", sdist(file{"s/a", "1", false}, file{"s/a", "1", false}), archive.Duplicate},
		{"not UTF-8", "s.tar.gz", sdist(file{"s/\xff", "1", false}), archive.BadName},
		{"a link outside", "s.tar.gz", sdist(file{"s/l", "->../../etc/passwd", false}), archive.Link},
		{"a link that is not UTF-8", "s.tar.gz", sdist(file{"s/l", "->a\xff", false}), archive.BadName},
		{"two folders", "s.tar.gz", sdist(file{"t/a", "1", false}), archive.NoRoot},
		{"cut off", "s.tar.gz", func(p string) {
			c.sdist(t, p, sources())
			b, _ := os.ReadFile(p)
			os.WriteFile(p, b[:len(b)/2], 0o644)
		}, archive.Truncated},
		{"a wheel with changed bytes", "small-1.0-py3-none-any.whl", func(p string) {
			stored := c
			stored.level = 0
			stored.wheel(t, p, small())
			b, _ := os.ReadFile(p)
			lie := bytes.Replace(b, []byte("run.sh,sha256="), []byte("run.sh,sha256=A"), 1)
			lie = bytes.Replace(lie, []byte(",21\n"), []byte(",2\n"), 1)
			os.WriteFile(p, lie, 0o644)
		}, archive.Checksum},
		{"no wheel", "s.whl", func(p string) { os.WriteFile(p, []byte("PK"), 0o644) }, archive.NotZip},
	} {
		path := filepath.Join(t.TempDir(), row.name)
		row.make(path)
		_, _, err := try(t, path, Options{})
		var bad *archive.Error
		if !errors.As(err, &bad) || bad.Kind != row.kind {
			t.Errorf("%s: %v, want %s", row.what, err, row.kind)
		}
	}
	if _, _, err := try(t, "x.zip", Options{}); !errors.Is(err, ErrKind) {
		t.Errorf("a zip: %v", err)
	}
	if _, _, err := try(t, "x.whl", Options{Epoch: lastEpoch + 1}); !errors.Is(err, ErrEpoch) {
		t.Errorf("the year 2108: %v", err)
	}
}
