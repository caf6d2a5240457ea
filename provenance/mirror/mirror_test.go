package mirror

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// house makes a wheelhouse with two pure wheels, one native one for two targets
// with different bytes, and an sdist, and its list.
func house(t *testing.T) Wheelhouse {
	t.Helper()
	w := Wheelhouse{Dir: t.TempDir()}
	u := resolvetest.MustParse("courier 2.1.0\n\tneeds ident\n\tpython >=3.7\nident 1.0 1.10\n")
	put(t, w, u, "courier", "2.1.0", AnyFolder)
	put(t, w, u, "ident", "1.0", AnyFolder)
	put(t, w, u, "ident", "1.10", AnyFolder)
	r := u.MustFind("courier", "2.1.0")
	name, data := resolvetest.BuildSdist(r)
	if err := w.Write(Sdist(name), data); err != nil {
		t.Fatal(err)
	}
	list(t, w)
	return w
}

func put(t *testing.T, w Wheelhouse, u resolvetest.Universe, name, version, target string) {
	t.Helper()
	file, data := resolvetest.BuildWheel(u.MustFind(name, version), "py3-none-any")
	if err := w.Write(Wheel(file, target), data); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, w Wheelhouse) []Listed {
	t.Helper()
	l, err := w.Scan()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(SumsFile, FormatList(l)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSyncTwiceWritesNothingMore(t *testing.T) {
	w := house(t)
	written, removed, err := w.Sync([]string{"bookworm"}, nil)
	if err != nil || written == 0 || removed != 0 {
		t.Fatalf("Sync = %d, %d, %v", written, removed, err)
	}
	written, removed, err = w.Sync([]string{"bookworm"}, nil)
	if written != 0 || removed != 0 || err != nil {
		t.Errorf("Sync again = %d, %d, %v; want nothing", written, removed, err)
	}
}

func TestSyncRemovesWhatTheListLeftOut(t *testing.T) {
	w := house(t)
	if _, _, err := w.Sync([]string{"bookworm"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"ident-1.0-py3-none-any.whl", "ident-1.10-py3-none-any.whl"} {
		if err := os.Remove(w.Path(Wheel(f, AnyFolder))); err != nil {
			t.Fatal(err)
		}
	}
	list(t, w)
	_, removed, err := w.Sync([]string{"bookworm"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Two pages of the project, two metadata files.
	if removed != 4 {
		t.Errorf("removed %d files, want 4", removed)
	}
	if _, err := os.Stat(w.Path("simple/bookworm/ident")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a project without files is still there: %v", err)
	}
	index, err := os.ReadFile(w.Path("simple/bookworm/index.html"))
	if err != nil || strings.Contains(string(index), "ident") || !strings.Contains(string(index), "courier") {
		t.Errorf("list of projects: %v\n%s", err, index)
	}
}

// TestClientReadsPages: the pages are read by our own index client, as JSON and
// as HTML, and say the same.
func TestClientReadsPages(t *testing.T) {
	w := house(t)
	if _, _, err := w.Sync([]string{"bookworm"}, Withdrawn{hashOf(t, w, "ident-1.0-py3-none-any.whl"): "a <bad> \"build\""}); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"json", "html"} {
		handler := w.Handler()
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if form == "html" {
				r.Header.Set("Accept", "text/html")
			}
			handler.ServeHTTP(rw, r)
		}))
		defer server.Close()
		c, err := index.New(index.Options{URL: server.URL + "/simple/bookworm/", CacheDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.Page(t.Context(), "ident")
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if len(page.Files) != 2 {
			t.Fatalf("%s: %d files, want 2", form, len(page.Files))
		}
		if f := page.Files[0]; f.Name != "ident-1.0-py3-none-any.whl" || !f.Yanked || f.YankedReason != "a <bad> \"build\"" {
			t.Errorf("%s: %+v, want it yanked with its reason", form, f)
		}
		f := page.Files[1]
		if f.Yanked || f.CoreMetadata == "" || f.SHA256 != hashOf(t, w, f.Name) {
			t.Errorf("%s: %+v", form, f)
		}
		if _, err := c.Metadata(t.Context(), f); err != nil {
			t.Errorf("%s: metadata: %v", form, err)
		}
		if _, err := c.Fetch(t.Context(), f); err != nil {
			t.Errorf("%s: fetch: %v", form, err)
		}
	}
}

func hashOf(t *testing.T, w Wheelhouse, file string) string {
	t.Helper()
	h, err := w.Hash(Wheel(file, AnyFolder))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVersionsAreSortedAsVersions(t *testing.T) {
	w := house(t)
	pages, err := w.Pages([]string{"bookworm"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Versions []string
		Meta     map[string]string
	}
	if err := json.Unmarshal(pages["simple/bookworm/ident/index.json"], &page); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1.0", "1.10"}, page.Versions); diff != "" {
		t.Error(diff)
	}
	if page.Meta["api-version"] != "1.1" {
		t.Errorf("api-version %q, want 1.1 for the fields of PEP 700", page.Meta["api-version"])
	}
}

func TestPutRefusesOtherBytes(t *testing.T) {
	w := Wheelhouse{Dir: t.TempDir()}
	from := filepath.Join(t.TempDir(), "x.whl")
	save := func(text string) string {
		if err := os.WriteFile(from, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		h, err := HashFile(from)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := save("first")
	if err := w.Put(from, "wheels/any/x.whl", first, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Put(from, "wheels/any/x.whl", first, false); err != nil {
		t.Errorf("putting the same again: %v", err)
	}
	second := save("second")
	if err := w.Put(from, "wheels/any/x.whl", second, false); !errors.Is(err, ErrOtherBytes) {
		t.Errorf("other bytes: %v, want ErrOtherBytes", err)
	}
	if got, _ := w.Hash("wheels/any/x.whl"); got != first {
		t.Error("the refused file is there")
	}
	if err := w.Put(from, "wheels/any/x.whl", second, true); err != nil {
		t.Errorf("replacing: %v", err)
	}
	if err := w.Put(from, "wheels/any/y.whl", first, false); err == nil {
		t.Error("a file that is not the one that was hashed was put")
	}
}

func TestParseListIsStrict(t *testing.T) {
	h := strings.Repeat("0a", 32)
	good := h + "  sdists/a-1.tar.gz\n" + h + "  wheels/any/a-1-py3-none-any.whl\n"
	got, err := ParseList([]byte(good))
	if err != nil || string(FormatList(got)) != good {
		t.Fatalf("ParseList: %v; written back %q", err, FormatList(got))
	}
	if got, err := ParseList(nil); err != nil || len(got) != 0 {
		t.Errorf("an empty list: %v, %v", got, err)
	}
	for name, bad := range map[string]string{
		"no end of line":      strings.TrimSuffix(good, "\n"),
		"one space":           h + " sdists/a-1.tar.gz\n",
		"binary mark":         h + " *sdists/a-1.tar.gz\n",
		"upper case":          strings.ToUpper(h) + "  sdists/a-1.tar.gz\n",
		"short hash":          h[2:] + "  sdists/a-1.tar.gz\n",
		"twice":               h + "  sdists/a\n" + h + "  sdists/a\n",
		"out of order":        h + "  sdists/b\n" + h + "  sdists/a\n",
		"above the folder":    h + "  sdists/../a\n",
		"absolute":            h + "  /sdists/a\n",
		"another folder":      h + "  log/checkpoint\n",
		"wheel without shelf": h + "  wheels/a.whl\n",
		"carriage return":     h + "  sdists/a\r\n",
		"empty line":          good + "\n",
	} {
		if _, err := ParseList([]byte(bad)); !errors.Is(err, ErrList) {
			t.Errorf("%s: %v, want ErrList", name, err)
		}
	}
}

func TestHandlerHidesPrivateState(t *testing.T) {
	w := house(t)
	if err := w.Write("log/.state/journal", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Sync([]string{"bookworm"}, nil); err != nil {
		t.Fatal(err)
	}
	get := func(method, path string) int {
		rw := httptest.NewRecorder()
		w.Handler().ServeHTTP(rw, httptest.NewRequest(method, path, nil))
		return rw.Code
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/log/.state/journal", 404},
		{"GET", "/simple/bookworm/nothing/", 404},
		{"GET", "/simple/bookworm/ident/", 200},
		{"GET", "/simple/bookworm/ident", 301},
		{"GET", "/simple/bookworm/ident/index.json", 200},
		{"HEAD", "/sha256sums.txt", 200},
		{"POST", "/simple/bookworm/ident/", 405},
	} {
		if got := get(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.want)
		}
	}
}
