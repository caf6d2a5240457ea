package live

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

const wheel = "ident-1.0-py3-none-any.whl"

// world is a small wheelhouse with its pages, and what a mirror of it should hold.
func world(t *testing.T) (mirror.Wheelhouse, Want) {
	t.Helper()
	w := mirror.Wheelhouse{Dir: t.TempDir()}
	u := resolvetest.MustParse("ident 1.0\n")
	name, data := resolvetest.BuildWheel(u.MustFind("ident", "1.0"), "py3-none-any")
	if err := w.Write(mirror.Wheel(name, ""), data); err != nil {
		t.Fatal(err)
	}
	list, err := w.Scan()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(mirror.SumsFile, mirror.FormatList(list)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Sync([]string{"bookworm"}, nil); err != nil {
		t.Fatal(err)
	}
	return w, Want{Files: list, Targets: []string{"bookworm"}, Lists: map[string][]byte{mirror.SumsFile: mirror.FormatList(list)}, Temp: t.TempDir()}
}

// TestHostileMirrors: each way of answering one address wrongly is said in one fact,
// or is an error where it says nothing about the content.
func TestHostileMirrors(t *testing.T) {
	file, page := "/wheels/any/"+wheel, "/simple/bookworm/ident/index.html"
	html := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, s)
		}
	}
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
		want   string // what path; "" for none
		err    error
	}{
		"as it is":        {want: ""},
		"missing file":    {path: file, answer: http.NotFound, want: "file-missing"},
		"error page":      {path: file, answer: html("<html>Please log in</html>"), want: "file-changed"},
		"empty":           {path: file, answer: html(""), want: "file-changed"},
		"server error":    {path: file, answer: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, want: "file-changed"},
		"page error page": {path: page, answer: html("<html>Please log in</html>"), want: "page-changed"},
		"page of another type": {path: page, answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			fmt.Fprint(w, "x")
		}, want: "page-changed"},
		"page without hash": {path: page, answer: html(`<a href="../../../wheels/any/` + wheel + `">` + wheel + `</a>`), want: "metadata-changed page-changed"},
		"wrong metadata":    {path: file + ".metadata", answer: html("Name: other\n"), want: "metadata-changed"},
		"no metadata":       {path: file + ".metadata", answer: http.NotFound, want: "metadata-missing"},
		"other list":        {path: "/" + mirror.SumsFile, answer: html("x"), want: "list-changed"},
		"redirect loop":     {path: file, answer: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, file, http.StatusFound) }, want: "file-changed"},
		"redirect to a scheme": {path: file, answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://h.example/x", http.StatusFound)
		}, want: "file-changed"},
		"cut short": {path: file, answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.Write([]byte("PK"))
		}, want: "file-changed"},
		"bomb": {path: page, answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "text/html")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 1<<20))
			z.Close()
		}, want: "page-changed"},
		"trickle": {path: file, answer: func(w http.ResponseWriter, r *http.Request) {
			for range 100 {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}, err: ErrStalled},
	} {
		t.Run(name, func(t *testing.T) {
			house, want := world(t)
			mux := http.NewServeMux()
			mux.Handle("/", house.Handler())
			if c.path != "" {
				mux.HandleFunc(c.path, c.answer)
			}
			server := httptest.NewServer(mux)
			defer server.Close()
			u, _ := url.Parse(server.URL)
			s := &Site{URL: u, Client: server.Client(), Stall: 200 * time.Millisecond}
			facts, err := s.Check(t.Context(), want)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			seen := map[string]bool{}
			for _, f := range facts {
				seen[f.What] = true
			}
			if diff := cmp.Diff(c.want, strings.Join(sorted(seen), " ")); diff != "" {
				t.Errorf("%s%v", diff, facts)
			}
		})
	}
}

func TestStopped(t *testing.T) {
	_, want := world(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u, _ := url.Parse("http://127.0.0.1:1")
	if _, err := (&Site{URL: u, Client: &http.Client{}}).Check(ctx, want); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was stopped", err)
	}
}
