package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2024, 5, 6, 12, 0, 0, 123456000, time.UTC)

func targz(hs []tar.Header, after string) []byte {
	var b, plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range hs {
		body := h.Uname // a place for the body that is not written
		h.Uname = ""
		h.Size, h.Format = int64(len(body)), tar.FormatPAX
		if h.ModTime.IsZero() {
			h.ModTime = noon
		}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		w.WriteHeader(&h)
		io.WriteString(w, body)
	}
	w.Close()
	z := gzip.NewWriter(&b)
	z.Write(plain.Bytes())
	io.WriteString(z, after)
	z.Close()
	return b.Bytes()
}

func unpackBytes(t *testing.T, name string, b []byte, umask fs.FileMode) (dir, root string, err error) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "in")
	file := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err = Unpack(file, dir, umask)
	return dir, root, err
}

func TestUnpack(t *testing.T) {
	b := targz([]tar.Header{
		{Name: "foo-1.0/", Typeflag: tar.TypeDir, Mode: 0o775},
		{Name: "./foo-1.0/setup.py", Uname: "setup()", Mode: 0o664},
		{Name: "foo-1.0/run", Uname: "#!", Mode: 0o777},
		{Name: "foo-1.0/secret", Uname: "s", Mode: 0o400},
		{Name: "foo-1.0/a/b/deep.py", Uname: "deep", ModTime: noon.Add(time.Hour)},
		{Name: "foo-1.0/link", Typeflag: tar.TypeSymlink, Linkname: "a/b"},
		{Name: "foo-1.0/a/up", Typeflag: tar.TypeSymlink, Linkname: "../setup.py"},
		{Name: "foo-1.0/hard", Typeflag: tar.TypeLink, Linkname: "foo-1.0/run"},
		{Name: "foo-1.0/setup.py", Uname: "setup()", Mode: 0o664},
	}, "")
	for umask, want := range map[fs.FileMode]map[string]fs.FileMode{
		0o022: {"setup.py": 0o644, "run": 0o755, "secret": 0o600, "hard": 0o755, "a/b": 0o755, ".": 0o755},
		0o002: {"setup.py": 0o664, "run": 0o775, "secret": 0o600, "hard": 0o775, "a/b": 0o775, ".": 0o775},
		0o077: {"setup.py": 0o600, "run": 0o700, "secret": 0o600, "hard": 0o700, "a/b": 0o700, ".": 0o700},
	} {
		dir, root, err := unpackBytes(t, "foo-1.0.tar.gz", b, umask)
		if err != nil || root != "foo-1.0" {
			t.Fatalf("got %q, %v", root, err)
		}
		for name, mode := range want {
			info, err := os.Stat(filepath.Join(dir, root, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != mode {
				t.Errorf("umask %o: %s has mode %o, want %o", umask, name, info.Mode().Perm(), mode)
			}
			if when := info.ModTime(); info.IsDir() && !when.Equal(noon.Add(time.Hour)) || !info.IsDir() && !when.Equal(noon) {
				t.Errorf("%s has time %s", name, when)
			}
		}
		if got, _ := os.ReadFile(filepath.Join(dir, root, "link", "deep.py")); string(got) != "deep" {
			t.Errorf("through the link: %q", got)
		}
	}
	newest := filepath.Join(t.TempDir(), "foo-1.0.tar.gz")
	os.WriteFile(newest, b, 0o600)
	if got, err := NewestTime(newest); err != nil || !got.Equal(noon.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("newest time %s, %v", got, err)
	}
}

func TestUnpackRefusals(t *testing.T) {
	link := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
	}
	file := tar.Header{Name: "foo-1.0/a", Uname: "a"}
	for what, c := range map[string]struct {
		hs   []tar.Header
		want Kind
	}{
		"dot dot":               {[]tar.Header{{Name: "foo-1.0/../../evil"}}, BadName},
		"absolute":              {[]tar.Header{{Name: "/evil"}}, BadName},
		"backslash":             {[]tar.Header{{Name: `foo-1.0\evil`}}, BadName},
		"beside":                {[]tar.Header{file, {Name: "bar/evil"}}, NoRoot},
		"no folder":             {[]tar.Header{{Name: "setup.py"}}, NoRoot},
		"empty":                 {nil, NoRoot},
		"absolute link":         {[]tar.Header{link("foo-1.0/l", "/etc/passwd")}, Link},
		"link outside":          {[]tar.Header{link("foo-1.0/l", "../evil")}, Link},
		"link far outside":      {[]tar.Header{link("foo-1.0/a/l", "../../evil")}, Link},
		"link through a link":   {[]tar.Header{link("foo-1.0/dot", "."), link("foo-1.0/l", "dot/../../evil")}, Link},
		"below a link":          {[]tar.Header{link("foo-1.0/l", "d"), {Name: "foo-1.0/l/x", Uname: "x"}}, Link},
		"link as root":          {[]tar.Header{link("foo-1.0", "/tmp")}, NoRoot},
		"hard link outside":     {[]tar.Header{{Name: "foo-1.0/h", Typeflag: tar.TypeLink, Linkname: "../evil"}}, Link},
		"hard link to a link":   {[]tar.Header{link("foo-1.0/l", "x"), {Name: "foo-1.0/h", Typeflag: tar.TypeLink, Linkname: "foo-1.0/l"}}, Link},
		"device":                {[]tar.Header{{Name: "foo-1.0/d", Typeflag: tar.TypeChar}}, Special},
		"pipe":                  {[]tar.Header{{Name: "foo-1.0/d", Typeflag: tar.TypeFifo}}, Special},
		"twice":                 {[]tar.Header{file, {Name: "foo-1.0/a", Uname: "b"}}, Duplicate},
		"file, then link":       {[]tar.Header{file, link("foo-1.0/a", "b")}, Duplicate},
		"link, then file":       {[]tar.Header{link("foo-1.0/a", "b"), file}, Duplicate},
		"file, then folder":     {[]tar.Header{file, {Name: "foo-1.0/a/b", Uname: "b"}}, Duplicate},
		"file, then its folder": {[]tar.Header{file, {Name: "foo-1.0/a/", Typeflag: tar.TypeDir}}, Duplicate},
	} {
		dir, _, err := unpackBytes(t, "foo-1.0.tar.gz", targz(c.hs, ""), 0o022)
		if kindOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", what, err, c.want)
		}
		beside, _ := os.ReadDir(filepath.Dir(dir))
		if len(beside) != 1 {
			t.Errorf("%s: something was written beside the folder: %v", what, beside)
		}
	}
}

func TestUnpackBroken(t *testing.T) {
	good := targz([]tar.Header{{Name: "foo-1.0/a", Uname: strings.Repeat("a", 4000)}}, "")
	flipped := bytes.Clone(good)
	flipped[len(flipped)-6] ^= 1
	bomb := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		w.WriteHeader(&tar.Header{Name: "foo-1.0/a", Mode: 0o644, Size: 64 << 20})
		w.Write(make([]byte, 64<<20))
		w.Close()
		z.Close()
		return b.Bytes()
	}
	for what, c := range map[string]struct {
		b    []byte
		want Kind
	}{
		"text":     {[]byte("hello, this is no archive"), NotZip},
		"empty":    {nil, Truncated},
		"cut off":  {good[:len(good)/2], Truncated},
		"no tail":  {good[:len(good)-8], Truncated},
		"checksum": {flipped, Checksum},
		"surplus":  {targz([]tar.Header{{Name: "foo-1.0/a"}}, "hidden"), Surplus},
		"bomb":     {bomb(), Bomb},
	} {
		if _, _, err := unpackBytes(t, "foo-1.0.tar.gz", c.b, 0o022); kindOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", what, err, c.want)
		}
	}
}

func TestUnpackZip(t *testing.T) {
	b := rawZip([]part{{name: "foo-1.0/", store: true}, {name: "foo-1.0/setup.py", body: "x", mode: 0o100664}, {name: "foo-1.0/d/run", body: "y", mode: 0o100755}}, "", "", "")
	dir, root, err := unpackBytes(t, "foo-1.0.zip", b, 0o022)
	if err != nil || root != "foo-1.0" {
		t.Fatal(root, err)
	}
	info, err := os.Stat(filepath.Join(dir, "foo-1.0/d/run"))
	if err != nil || info.Mode().Perm() != 0o755 || !info.ModTime().Equal(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %v", info, err)
	}
	if _, _, err := unpackBytes(t, "foo-1.0.zip", rawZip([]part{{name: "foo-1.0/l", body: "/etc", mode: 0o120777}}, "", "", ""), 0); kindOf(err) != Link {
		t.Errorf("a link in a zip: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("foo/a", "foo/b", "../x", byte(tar.TypeSymlink))
	f.Add("foo/a", "foo/a/b", "a", byte(tar.TypeReg))
	f.Fuzz(func(t *testing.T, a, b, target string, typ byte) {
		data := targz([]tar.Header{{Name: a, Typeflag: typ, Linkname: target}, {Name: b, Uname: "evil"}}, "")
		dir, _, err := unpackBytes(t, "foo-1.0.tar.gz", data, 0o022)
		if beside, _ := os.ReadDir(filepath.Dir(dir)); len(beside) != 1 {
			t.Fatalf("written beside the folder: %v (%v)", beside, err)
		}
		filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type()&fs.ModeSymlink != 0 {
				if to, err := filepath.EvalSymlinks(p); err == nil && !strings.HasPrefix(to, dir) {
					t.Fatalf("%s leads to %s", p, to)
				}
			}
			return nil
		})
	})
}
