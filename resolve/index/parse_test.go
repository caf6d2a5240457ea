package index

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sumA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sumB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func base(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestParseJSON(t *testing.T) {
	text := `{"meta": {"api-version": "1.4", "_last-serial": 7}, "name": "Courier", "versions": ["1.0", "2.0"],
	"project-status": {"status": "archived", "reason": "moved"}, "alternate-locations": [], "files": [
	{"filename": "courier-2.0-py3-none-any.whl", "url": "../../files/courier-2.0-py3-none-any.whl#egg=x", "hashes": {"md5": "00", "sha256": "` + strings.ToUpper(sumA) + `"},
	 "size": 812, "requires-python": ">=3.9", "upload-time": "2026-02-01T10:00:00.123456Z", "core-metadata": {"sha256": "` + sumB + `"}, "dist-info-metadata": false,
	 "yanked": false, "gpg-sig": true, "provenance": null},
	{"filename": "courier-2.0.tar.gz", "url": "https://files.example/a/b/courier-2.0.tar.gz", "hashes": {"sha256": "` + sumB + `"}, "requires-python": null, "yanked": "too soon", "size": null},
	{"filename": "courier-1.0-py3-none-any.whl", "url": "https://u:secret@files.example/x/../courier-1.0-py3-none-any.whl?sig=1#frag", "hashes": {}, "yanked": true, "dist-info-metadata": true},
	{"filename": "courier-1.0.zip", "url": "/courier-1.0.zip", "hashes": {"sha512": "` + sumA + sumB + `", "md5": "0cc175b9c0f1b6a831c399e269772661"}, "yanked": "", "core-metadata": true},
	{"filename": "courier-1.0-py2.7.egg", "url": "x.egg", "hashes": {}},
	{"filename": "courier-1.0.tar.gz.asc", "url": "x.asc", "hashes": {}}
	]}`
	got, err := parseJSON(text, "courier", base(t, "https://index.example/simple/courier/"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Page{Name: "courier", Status: "archived", StatusReason: "moved", Files: []File{
		{Name: "courier-2.0-py3-none-any.whl", URL: "https://index.example/files/courier-2.0-py3-none-any.whl", Size: 812, SHA256: sumA,
			RequiresPython: ">=3.9", Uploaded: time.Date(2026, 2, 1, 10, 0, 0, 123456000, time.UTC), CoreMetadata: sumB, HasMetadata: true},
		{Name: "courier-2.0.tar.gz", URL: "https://files.example/a/b/courier-2.0.tar.gz", SHA256: sumB, Yanked: true, YankedReason: "too soon"},
		{Name: "courier-1.0-py3-none-any.whl", URL: "https://files.example/courier-1.0-py3-none-any.whl?sig=1", Yanked: true, HasMetadata: true},
		{Name: "courier-1.0.zip", URL: "https://index.example/courier-1.0.zip", OtherHash: "sha512=" + sumA + sumB},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestParseJSONRefuses(t *testing.T) {
	page := func(files string) string {
		return `{"meta":{"api-version":"1.0"},"name":"courier","files":[` + files + `]}`
	}
	file := func(rest string) string {
		return page(`{"filename":"courier-1.0.tar.gz","url":"x","hashes":{}` + rest + `}`)
	}
	named := func(name string) string {
		return page(fmt.Sprintf(`{"filename":%q,"url":"x","hashes":{}}`, name))
	}
	linked := func(href string) string {
		return page(fmt.Sprintf(`{"filename":"courier-1.0.tar.gz","url":%q,"hashes":{}}`, href))
	}
	for text, want := range map[string]string{
		``:                               "want '{'",
		`[]`:                             "want '{'",
		page("") + "x":                   "something follows",
		`{"meta":{"api-version":"1.0"}}`: `no key "name"`,
		`{"name":"courier","files":[]}`:  `no key "meta"`,
		`{"meta":{},"name":"courier","files":[]}`:                                    `no key "api-version"`,
		`{"meta":{"api-version":"2.0"},"name":"courier","files":[]}`:                 "interface version 2.0 is not understood",
		`{"meta":{"api-version":"1"},"name":"courier","files":[]}`:                   "is none",
		`{"meta":{"api-version":"1.x"},"name":"courier","files":[]}`:                 "is none",
		`{"meta":{"api-version":1.0},"name":"courier","files":[]}`:                   "want a string",
		`{"meta":{"api-version":"1.0"},"name":"other","files":[]}`:                   `of project "other"`,
		`{"meta":{"api-version":"1.0"},"name":"courier","files":[],"files":[]}`:      "twice",
		page(`{"filename":"courier-1.0.tar.gz","url":"x"}`):                          "without filename, url or hashes",
		page(`{"filename":"courier-1.0.tar.gz","filename":"a","url":"x"}`):           "twice",
		page(`{"filename":"courier-1.0.tar.gz","url":"x","hashes":{"sha256":"12"}}`): "is no sha256",
		page(`{"filename":"courier-1.0.tar.gz","url":"x","hashes":["sha256"]}`):      "want '{'",
		page(`"courier-1.0.tar.gz"`):                                                 "want '{'",
		named("../../etc/passwd.tar.gz"):                                             "file name",
		named(`a\b.whl`):                                                             "file name",
		named(".hidden.whl"):                                                         "file name",
		named("a\x01b.whl"):                                                          "",
		named(""):                                                                    "file name",
		named(strings.Repeat("a", 300) + ".whl"):                                     "file name",
		linked("file:///etc/passwd"):                                                 `of kind "file"`,
		linked("ftp://files.example/x"):                                              `of kind "ftp"`,
		linked("http://[::1"):                                                        "not an address",
		linked("https:///x"):                                                         "without a host",
		file(`,"size":-1`):                                                           "size -1 is none",
		file(`,"size":1.5`):                                                          "size 1.5 is none",
		file(`,"size":"1"`):                                                          "want a value",
		file(`,"size":99999999999999999999`):                                         "is none",
		file(`,"upload-time":"yesterday"`):                                           "is none",
		file(`,"requires-python":3`):                                                 "want a string",
		file(`,"yanked":1`):                                                          "want a string",
	} {
		if _, err := parseJSON(text, "courier", base(t, "https://index.example/simple/courier/")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgot %v, want %q", text, err, want)
		}
	}
}

func TestParseHTML(t *testing.T) {
	text := `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
<base href="https://files.example/pool/"><base href="https://wrong.example/">
<meta name="pypi:project-status" content="deprecated"><meta name="pypi:project-status-reason" content="old &amp; gone">
</head><body><!-- <a href="commented-1.0.tar.gz">x</a> -->
<a href="courier-2.0-py3-none-any.whl#sha256=` + sumA + `" data-requires-python="&gt;=3.9" data-core-metadata="sha256=` + sumB + `" data-dist-info-metadata="true">courier-2.0-py3-none-any.whl</a>
<A HREF='courier-1.0%2B1-py3-none-any.whl#egg=courier&sha256=` + sumB + `' DATA-DIST-INFO-METADATA=true data-yanked>x</A>
<a href="/courier-1.0.tar.gz" data-yanked="broken &quot;x&quot;" data-core-metadata="true">courier</a>
<a href="//other.example/courier-0.9.zip#md5=0cc175b9c0f1b6a831c399e269772661">courier</a>
<a href="../">up</a><a href="mailto:x@courier.example">mail</a><a>none</a><a href="README.txt">readme</a><a href="::bad">bad</a>
</body></html>`
	got, err := parseHTML(text, "courier", base(t, "https://index.example/simple/courier/"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Page{Name: "courier", Status: "deprecated", StatusReason: "old & gone", Files: []File{
		{Name: "courier-2.0-py3-none-any.whl", URL: "https://files.example/pool/courier-2.0-py3-none-any.whl", SHA256: sumA, RequiresPython: ">=3.9", CoreMetadata: sumB, HasMetadata: true},
		{Name: "courier-1.0+1-py3-none-any.whl", URL: "https://files.example/pool/courier-1.0%2B1-py3-none-any.whl", SHA256: sumB, HasMetadata: true, Yanked: true},
		{Name: "courier-1.0.tar.gz", URL: "https://files.example/courier-1.0.tar.gz", Yanked: true, YankedReason: `broken "x"`},
		{Name: "courier-0.9.zip", URL: "https://other.example/courier-0.9.zip", OtherHash: "md5=0cc175b9c0f1b6a831c399e269772661"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestParseHTMLRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`<meta name="pypi:repository-version" content="2.0">`:                           "not understood",
		`<meta name="pypi:repository-version" content="">`:                              "is none",
		`<a href="a-1.0.tar.gz#sha256=12">`:                                             "is no sha256",
		`<a href="file:///etc/a-1.0.tar.gz">`:                                           `of kind "file"`,
		`<base href="file:///etc/"><a href="a-1.0.tar.gz">`:                             `of kind "file"`,
		`<a href="a-1.0-py3-none-any.whl" data-core-metadata="sha256=x">`:               "is no sha256",
		`<a data-x="` + strings.Repeat("x", maxToken+1) + `" href="a-1.0.tar.gz">a</a>`: "max buffer exceeded",
	} {
		if _, err := parseHTML(text, "a", base(t, "https://index.example/simple/a/")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s\n\tgot %v, want %q", text, err, want)
		}
	}
}

func TestFileNamesOnAPageStayInTheirFolder(t *testing.T) {
	for _, href := range []string{"%2e%2e%2f%2e%2e%2fx-1.0.tar.gz", "a%2Fb-1.0.tar.gz", "..%5cx-1.0.tar.gz", "%00-1.0.tar.gz", ".x-1.0.tar.gz"} {
		page, err := parseHTML(`<a href="`+href+`">x</a>`, "x", base(t, "https://index.example/"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Files {
			if checkFileName(f.Name) != nil {
				t.Errorf("%s became %q", href, f.Name)
			}
		}
	}
}

func TestContentTypeDecides(t *testing.T) {
	u := base(t, "https://index.example/simple/a/")
	const json, html = `{"meta":{"api-version":"1.0"},"name":"a","files":[]}`, `<!DOCTYPE html>`
	for _, c := range []struct {
		kind, body string
		ok         bool
	}{
		{"application/vnd.pypi.simple.v1+json", json, true},
		{"application/vnd.pypi.simple.latest+json; charset=utf-8", json, true},
		{"application/json", json, true},
		{"application/vnd.pypi.simple.v1+html", html, true},
		{"text/html; charset=utf-8", html, true},
		{"TEXT/HTML", html, true},
		{"application/vnd.pypi.simple.v2+json", json, false},
		{"application/vnd.pypi.simple.v1+json", html, false},
		{"text/plain", html, false},
		{"", json, false},
	} {
		if _, err := parsePage(c.kind, c.body, "a", u); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.kind, err)
		}
	}
}

func TestBelongs(t *testing.T) {
	for _, c := range []struct {
		file, project string
		want          bool
	}{
		{"courier-1.0-py3-none-any.whl", "courier", true},
		{"Hostname.Rules-1.0-py3-none-any.whl", "hostname-rules", true},
		{"courier_extra-1.0-py3-none-any.whl", "courier", false},
		{"hostname-rules-1.0.tar.gz", "hostname-rules", true},
		{"hostname-rules-1.0.tar.gz", "hostname", false},
		{"courier-2-extra-1.0.tar.gz", "courier", true}, // ambiguous: the reader of the version decides
		{"courier.tar.gz", "courier", false},
		{"courier-1.0.egg", "courier", false},
	} {
		if got := belongs(c.file, c.project); got != c.want {
			t.Errorf("belongs(%q, %q) = %v", c.file, c.project, got)
		}
	}
}

func FuzzParsePage(f *testing.F) {
	f.Add(`{"meta":{"api-version":"1.0"},"name":"a","files":[{"filename":"a-1.tar.gz","url":"x","hashes":{}}]}`)
	f.Add(`<a href="a-1.tar.gz#sha256=00" data-yanked>`)
	u := &url.URL{Scheme: "https", Host: "index.example", Path: "/simple/a/"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []string{"application/json", "text/html"} {
			page, err := parsePage(kind, text, "a", u)
			if err != nil {
				continue
			}
			s := &stored{checked: time.Unix(1, 0), until: time.Unix(2, 0), body: sumA, page: page}
			again, err := decodeTable("k", s.encode("k"))
			if err != nil {
				t.Fatalf("%v after encoding %+v", err, page)
			}
			if len(page.Files) == 0 {
				page.Files = again.page.Files
			}
			if d := cmp.Diff(page, again.page); d != "" {
				t.Fatal(d)
			}
			seen := map[string]bool{}
			for _, f := range page.Files {
				if seen[f.Name] {
					t.Fatalf("%s is there twice", f.Name)
				}
				seen[f.Name] = true
				if checkFileName(f.Name) != nil || !strings.HasPrefix(f.URL, "http") {
					t.Fatalf("file %+v", f)
				}
			}
		}
	})
}
