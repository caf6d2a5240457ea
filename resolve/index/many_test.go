package index_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// recorder stands before an index and writes down all that reaches it.
type recorder struct {
	URL    string // of the index
	origin string
	index  *resolvetest.Server
	answer func(w http.ResponseWriter, r *http.Request) bool // in the index's place

	mu  sync.Mutex
	log []string
}

func record(t *testing.T, universe string) *recorder {
	t.Helper()
	rec := &recorder{index: resolvetest.Serve(t, resolvetest.MustParse(universe), resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed})}
	behind, err := url.Parse(rec.index.URL)
	if err != nil {
		t.Fatal(err)
	}
	behind.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // it would complain of requests that are given up
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.mu.Lock()
		rec.log = append(rec.log, fmt.Sprintf("%s %s", r.URL, r.Header))
		answer := rec.answer
		rec.mu.Unlock()
		if answer == nil || !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	rec.origin, rec.URL = s.URL, s.URL+"/simple"
	return rec
}

func (r *recorder) set(answer func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// requests returns what came, and forgets it.
func (r *recorder) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.log
	r.log = nil
	return lines
}

// count is how many of the requests so far have a part.
func (r *recorder) count(part string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.log {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func versions(t *testing.T, c *index.Client, name string) string {
	t.Helper()
	p, err := c.Page(context.Background(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var found []string
	for _, f := range p.Files {
		if f.IsWheel() {
			found = append(found, strings.Split(f.Name, "-")[1])
		}
	}
	return strings.Join(found, " ")
}

func TestFirstIndexWins(t *testing.T) {
	first, last := record(t, "shadowed 1.0\n"), record(t, "shadowed 9.0\nident 1.0\n")
	clk := newClock()
	c := func() *index.Client {
		return client(t, last.URL, func(o *index.Options) {
			o.Indexes = []index.Index{{Name: "corp", URL: first.URL}}
			o.CacheDir, o.Now = t.TempDir(), clk.Now
		})
	}
	a := c()
	if got := versions(t, a, "shadowed"); got != "1.0" || last.count("shadowed") != 0 {
		t.Errorf("shadowed %s, the last index was asked %d times", got, last.count("shadowed"))
	}
	if got := versions(t, a, "ident"); got != "1.0" {
		t.Errorf("ident %s", got)
	}
	_, err := a.Page(context.Background(), "nobody")
	if kind(err) != "not found" || !strings.Contains(err.Error(), "corp ("+first.URL+"/), "+last.URL) {
		t.Error(err)
	}
	for _, status := range []int{401, 403, 429, 500, 503} {
		first.set(func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(status); return true })
		last.requests()
		_, err := c().Page(context.Background(), "ident")
		if kind(err) != fmt.Sprint(status) || !strings.Contains(err.Error(), "the index corp") || last.count("ident") != 0 {
			t.Errorf("%d: %v, the next index was asked %d times", status, err, last.count("ident"))
		}
	}
	down := client(t, last.URL, func(o *index.Options) {
		o.Indexes = []index.Index{{Name: "corp", URL: "http://127.0.0.1:1/simple"}}
	})
	if _, err := down.Page(context.Background(), "ident"); kind(err) != "unavailable" {
		t.Error(err)
	}
}

// Inside the TTL nothing is asked, although one index lacks the project or all
// do; what the cache believes to be missing is asked for on demand.
func TestMissingIsRemembered(t *testing.T) {
	first, last := record(t, "other 1.0\n"), record(t, "ident 1.0\n")
	clk, dir := newClock(), t.TempDir()
	again := false
	run := func(name string, offline bool) (string, int) {
		first.requests()
		last.requests()
		c := client(t, last.URL, func(o *index.Options) {
			o.Indexes = []index.Index{{Name: "corp", URL: first.URL}}
			o.CacheDir, o.Now, o.Offline = dir, clk.Now, offline
		})
		_, err := c.Page(context.Background(), name)
		if again && c.AskAgain() {
			_, err = c.Page(context.Background(), name)
		}
		return kind(err), len(first.requests()) + len(last.requests())
	}
	for i, step := range []struct {
		name    string
		after   time.Duration
		offline bool
		want    string
		asked   int
	}{
		{"ident", 0, true, "unavailable", 0},
		{"ident", 0, false, "ok", 2},
		{"ident", time.Minute, false, "ok", 0},
		{"ident", time.Hour, true, "ok", 0},
		{"ident", 0, false, "ok", 2},
		{"late", 0, false, "not found", 2},
		{"late", time.Minute, false, "not found", 0},
		{"late", time.Hour, false, "not found", 2},
	} {
		clk.add(step.after)
		if got, asked := run(step.name, step.offline); got != step.want || asked != step.asked {
			t.Errorf("step %d: %q after %d requests, want %q after %d", i, got, asked, step.want, step.asked)
		}
	}
	first.index.Publish(resolvetest.MustParse("late 1.0\n"))
	if got, _ := run("late", false); got != "not found" {
		t.Errorf("an old word does not stand: %s", got)
	}
	again = true
	for range 2 { // the second finds the page, and no old word beside it
		if got, asked := run("late", false); got != "ok" || asked > 1 {
			t.Errorf("published meanwhile: %s after %d requests", got, asked)
		}
	}
}

func TestPins(t *testing.T) {
	ctx := context.Background()
	public := record(t, "lib 9.0\nident 1.0\nour-corp-tool 9.0\n")
	pinned := record(t, "lib 1.0\nident 2.0\n")
	change := func(o *index.Options) {
		o.Indexes = []index.Index{{Name: "corp", URL: pinned.URL, Packages: []string{"LIB", "Our_Corp.*"}}}
		o.FindLinks = []string{public.origin + "/flat/"}
		o.Attempts = 1
	}
	c := client(t, public.URL, change)
	if got := versions(t, c, "Lib"); got != "1.0" {
		t.Errorf("lib %s", got)
	}
	if got := versions(t, c, "ident"); got != "1.0" || pinned.count("ident") != 0 {
		t.Errorf("ident %s; an index with pins was asked %d times for another name", got, pinned.count("ident"))
	}
	for _, name := range []string{"our-corp-tool", "Our.Corp_Tool", "OUR-CORP-TOOL"} {
		if _, err := c.Page(ctx, name); kind(err) != "not found" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"500": func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(500); return true },
		"404": func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(404); return true },
		"forwards": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, public.origin+r.URL.Path, http.StatusFound)
			return true
		},
	} {
		pinned.set(answer)
		_, err := client(t, public.URL, change).Page(ctx, "lib")
		want := map[string]string{"500": "500", "404": "not found", "forwards": "unavailable"}[name]
		if kind(err) != want {
			t.Errorf("%s: %v", name, err)
		}
		var elsewhere *index.ElsewhereError
		if errors.As(err, &elsewhere) != (name == "forwards") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := public.count("/simple/lib") + public.count("tool"); n != 0 {
		t.Errorf("the public index was asked %d times for pinned names", n)
	}
	// Files of a pinned name that is not private may lie on another host.
	pinned.set(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="%s/files/lib-9.0-py3-none-any.whl">x</a>`, public.origin)
		return true
	})
	c = client(t, public.URL, change)
	if _, err := c.Fetch(ctx, page(t, c, "lib").Files[0]); err != nil {
		t.Error(err)
	}
}

func TestRouteErrors(t *testing.T) {
	ctx := context.Background()
	public := record(t, "ourcorp-tool 9.0\nident 1.0\n")
	for name, change := range map[string]func(*index.Options){
		"no private index": func(o *index.Options) {},
		"pinned to a public one": func(o *index.Options) {
			o.Indexes = []index.Index{{Name: "other", URL: public.URL, Packages: []string{"ourcorp-*"}}}
		},
		"the private one answers for others": func(o *index.Options) {
			o.Indexes = []index.Index{{Name: "corp", URL: public.URL, Packages: []string{"lib"}, Private: true}}
		},
	} {
		c := client(t, public.URL, change, func(o *index.Options) { o.Private = []string{"OurCorp.*"} })
		_, err := c.Page(ctx, "ourcorp_tool")
		var route *index.RouteError
		if !errors.As(err, &route) || route.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
		_, err = c.Fetch(ctx, index.File{Name: "ourcorp_tool-9.0-py3-none-any.whl", URL: public.origin + "/files/ourcorp_tool-9.0-py3-none-any.whl"})
		if !errors.As(err, &route) {
			t.Errorf("%s: a file: %v", name, err)
		}
		page(t, c, "ident")
	}
	if public.count("ourcorp") != 0 {
		t.Errorf("asked: %q", public.requests())
	}
	for _, o := range []index.Options{
		{Private: []string{"ourcorp-[a-z]"}}, {Private: []string{""}},
		{Indexes: []index.Index{{Name: "corp", URL: public.URL, Packages: []string{"a b"}}}},
		{Indexes: []index.Index{{Name: "corp", URL: "gopher://x.example"}}},
	} {
		o.URL, o.CacheDir = public.URL, t.TempDir()
		if _, err := index.New(o); err == nil {
			t.Errorf("accepted: %+v", o)
		}
	}
}

// Whatever the private index, its pages, redirects or the cache say, the public
// one hears nothing of a private name.
func TestPrivateNamesStayHome(t *testing.T) {
	ctx := context.Background()
	public := record(t, "ourcorp-lib 9.0\nourcorp-missing 9.0\nident 1.0\n")
	home := record(t, "ourcorp-lib 1.0\n")
	// The other half of the attack: a public page that names a private file.
	public.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/simple/ident/" {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a href="/files/ident-1.0-py3-none-any.whl">x</a> <a href="/files/ourcorp_lib-9.0-py3-none-any.whl">x</a> <a href="/files/OurCorp.Lib-9.0.tar.gz">x</a>`)
		return true
	})
	forward := func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, public.origin+r.URL.Path+"?from=ourcorp", http.StatusSeeOther)
		return true
	}
	html := func(format string, args ...any) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, format, args...)
			return true
		}
	}
	dir := t.TempDir()
	cases := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		page   string // kind of error
		file   string
	}{
		{"all is well", nil, "ok", "ok"},
		{"not there", func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(404); return true }, "not found", ""},
		{"broken", func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(500); return true }, "500", ""},
		{"wants a password", func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(401); return true }, "401", ""},
		{"forwards", forward, "unavailable", ""},
		{"files on the public host", html(`<a href="%s/files/ourcorp_lib-9.0-py3-none-any.whl">x</a>`, public.origin), "ok", "unavailable"},
		{"base on the public host", html(`<base href="%s/files/"><a href="ourcorp_lib-9.0-py3-none-any.whl" data-core-metadata="true">x</a>`, public.origin), "ok", "unavailable"},
		{"another name for the file", html(`<a href="%s/files/ident-1.0-py3-none-any.whl#/ourcorp_lib-9.0-py3-none-any.whl">x</a><a href="ourcorp_lib-9.0.tar.gz">y</a>`, public.origin), "ok", "unavailable"},
		{"spelled oddly", html(`<a href="%[1]s/files/OurCorp.Lib-v9.0.tar.gz">x</a><a href="%[1]s/files/ourcorp-lib.zip">y</a><a href="%[1]s/files/ourcorp--lib-9.0.tar.gz">z</a>`, public.origin), "ok", ""},
		{"files forwarded", func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasPrefix(r.URL.Path, "/files/") && forward(w, r)
		}, "ok", "unavailable"},
	}
	for _, cache := range []bool{false, true} {
		for _, cs := range cases {
			home.set(cs.answer)
			c := client(t, public.URL, func(o *index.Options) {
				o.Indexes = []index.Index{{Name: "corp", URL: home.URL, Private: true}}
				o.Private = []string{"our_corp*", "ourcorp-*"}
				o.FindLinks = []string{public.origin + "/flat/"}
				o.Attempts = 1
				if cache { // shared by all cases, and never fresh
					o.CacheDir, o.TTL = dir, time.Nanosecond
				}
			})
			p, err := c.Page(ctx, "OurCorp_Lib")
			if kind(err) != cs.page {
				t.Errorf("%s: page: %v", cs.name, err)
			}
			for i := 0; err == nil && i < len(p.Files); i++ {
				f := p.Files[i]
				if f.IsWheel() {
					if _, err := c.Metadata(ctx, f); !cache && kind(err) != cs.file && strings.HasPrefix(f.Name, "ourcorp") {
						t.Errorf("%s: metadata of %s: %v", cs.name, f.Name, err)
					}
					c.OpenRange(ctx, f)
				}
				if _, err := c.Fetch(ctx, f); !cache && kind(err) != cs.file && strings.HasPrefix(f.Name, "ourcorp") && f.IsWheel() {
					t.Errorf("%s: %s: %v", cs.name, f.Name, err)
				}
			}
			c.Page(ctx, "ourcorp-missing")
			home.set(nil)
			if files := page(t, c, "ident").Files; slices.ContainsFunc(files, func(f index.File) bool { return !strings.HasPrefix(f.Name, "ident") }) {
				t.Errorf("%s: a public page gave %v", cs.name, files)
			}
			for _, line := range public.requests() {
				if low := strings.ToLower(line); strings.Contains(low, "ourcorp") || strings.Contains(low, "referer") || strings.Contains(low, strings.TrimPrefix(home.origin, "http://")) {
					t.Errorf("%s: the public index heard %s", cs.name, line)
				}
			}
		}
	}
}

// A page that came by a redirect before the name was private is not believed
// afterwards, offline or not.
func TestPinnedAfterwards(t *testing.T) {
	public, home := record(t, "ourcorp-lib 9.0\n"), record(t, "ident 1.0\n")
	home.set(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, public.origin+r.URL.Path, http.StatusFound)
		return true
	})
	dir := t.TempDir()
	with := func(private bool) func(*index.Options) {
		return func(o *index.Options) {
			o.Indexes, o.CacheDir = []index.Index{{Name: "corp", URL: home.URL, Private: true}}, dir
			if private {
				o.Private = []string{"ourcorp-*"}
			}
		}
	}
	if got := versions(t, client(t, public.URL, with(false)), "ourcorp-lib"); got != "9.0" {
		t.Fatal(got)
	}
	public.requests()
	_, err := client(t, public.URL, with(true)).Page(context.Background(), "ourcorp-lib")
	var elsewhere *index.ElsewhereError
	if !errors.As(err, &elsewhere) || !elsewhere.Private {
		t.Error(err)
	}
	_, err = client(t, public.URL, with(true), func(o *index.Options) { o.Offline = true }).Page(context.Background(), "ourcorp-lib")
	if !errors.Is(err, index.ErrOffline) {
		t.Error(err)
	}
	if log := public.requests(); len(log) != 0 {
		t.Errorf("asked: %q", log)
	}
}

// The hosts of a private index may hold its files.
func TestHosts(t *testing.T) {
	files := record(t, "ourcorp-lib 1.0\n")
	home := record(t, "x 1.0\n")
	home.set(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="%s/files/ourcorp_lib-1.0-py3-none-any.whl">x</a>`, files.origin)
		return true
	})
	c := client(t, home.URL, func(o *index.Options) {
		o.Indexes = []index.Index{{Name: "corp", URL: home.URL, Private: true, Packages: []string{"ourcorp-*"}, Hosts: []string{strings.TrimPrefix(files.origin, "http://")}}}
	})
	path, err := c.Fetch(context.Background(), page(t, c, "ourcorp-lib").Files[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
