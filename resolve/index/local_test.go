package index_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// folder writes a universe's files into a new folder.
func folder(t *testing.T, u resolvetest.Universe) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range u.Releases {
		write(resolvetest.BuildSdist(r))
		for _, tag := range r.Wheels {
			write(resolvetest.BuildWheel(r, tag))
		}
	}
	write("README.txt", []byte("not a distribution"))
	return dir
}

func names(p *index.Page) (out []string) {
	for _, f := range p.Files {
		out = append(out, f.Name)
	}
	return out
}

func TestFindLinks(t *testing.T) {
	ctx := context.Background()
	mine := resolvetest.MustParse("courier 2.5.0 9.0\nours_only 1.0\n")
	dir := folder(t, mine)
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	flat := resolvetest.Serve(t, resolvetest.MustParse("courier 8.0\nours-only 2.0"), resolvetest.ServerOptions{})
	flatURL := strings.TrimSuffix(flat.URL, "/simple")

	c := client(t, s.URL, func(o *index.Options) { o.FindLinks = []string{flatURL + "/flat/", dir} })
	got := names(page(t, c, "courier"))
	want := []string{ // folders, then addresses, then the index
		"courier-2.5.0-py3-none-any.whl", "courier-2.5.0.tar.gz", "courier-9.0-py3-none-any.whl", "courier-9.0.tar.gz",
		"courier-8.0-py3-none-any.whl", "courier-8.0.tar.gz",
		"courier-2.0.0-py3-none-any.whl", "courier-2.0.0.tar.gz", "courier-2.3.0-py3-none-any.whl", "courier-2.3.0.tar.gz",
		"courier-3.0.0rc1-py3-none-any.whl", "courier-3.0.0rc1.tar.gz",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, f := range page(t, c, "courier").Files[:6] {
		if len(f.SHA256) != 64 {
			t.Errorf("%s has no hash", f.Name)
		}
		if path, err := c.Fetch(ctx, f); err != nil || filepath.Base(path) != f.Name || strings.HasPrefix(path, dir) {
			t.Errorf("%s: %s, %v", f.Name, path, err)
		}
		if f.IsWheel() {
			if m, err := c.MetadataOf(ctx, f); err != nil || !strings.HasPrefix(f.Name, "courier-8") && !m.Verified {
				t.Errorf("%s: %+v, %v", f.Name, m, err)
			}
		}
	}
	if got := names(page(t, c, "ours-only")); len(got) != 4 {
		t.Errorf("not on the index: %v", got)
	}
	if flat.Count("") != 1+2 { // the page once, two files
		t.Errorf("%d requests of find-links", flat.Count(""))
	}
	if _, err := c.Page(ctx, "nobody"); kind(err) != "not found" {
		t.Error(err)
	}

	alone := client(t, "", func(o *index.Options) {
		o.FindLinks = []string{filepath.Join(dir, "courier-9.0.tar.gz"), flatURL + "/files/courier-8.0.tar.gz#sha256=" + strings.Repeat("0", 64)}
	})
	p := page(t, alone, "courier")
	if d := cmp.Diff([]string{"courier-9.0.tar.gz", "courier-8.0.tar.gz"}, names(p)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := alone.Page(ctx, "ident"); kind(err) != "not found" {
		t.Error(err)
	}
	gone := client(t, s.URL, func(o *index.Options) { o.FindLinks = []string{filepath.Join(dir, "nowhere")} })
	if _, err := gone.Page(ctx, "courier"); kind(err) != "unavailable" || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}

// A file of this machine that changes after its hash was taken is a finding.
func TestLocalFileThatChanges(t *testing.T) {
	dir := folder(t, resolvetest.MustParse("courier 1.0"))
	c := client(t, "", func(o *index.Options) { o.FindLinks = []string{dir} })
	p := page(t, c, "courier")
	path := filepath.Join(dir, "courier-1.0.tar.gz")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(context.Background(), p.Files[1]); kind(err) != "hash file" {
		t.Errorf("%v", err)
	}
}

func TestIndexIsAFolder(t *testing.T) {
	ctx := context.Background()
	r := resolvetest.Standard().MustFind("courier", "2.5.0")
	wheelName, data := resolvetest.BuildWheel(r, "py3-none-any")
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("files/"+wheelName, string(data))
	write("simple/html/index.html", `<a href="../../files/`+wheelName+`">x</a>`)
	text, err := json.Marshal(map[string]any{"meta": map[string]string{"api-version": "1.0"}, "name": "json",
		"files": []any{map[string]any{"filename": wheelName, "url": "../../files/" + wheelName, "hashes": map[string]string{}}}})
	if err != nil {
		t.Fatal(err)
	}
	write("simple/json/index.json", string(text))
	write("simple/json/index.html", "<a href='wrong-1.0.tar.gz'>")
	write("simple/files/"+wheelName, string(data))
	write("simple/broken/index.json", "{")
	for _, address := range []string{filepath.Join(dir, "simple"), "file://" + filepath.Join(dir, "simple") + "/"} {
		c := client(t, address)
		for _, name := range []string{"html", "json", "files"} {
			p := page(t, c, name)
			if d := cmp.Diff([]string{wheelName}, names(p)); d != "" {
				t.Fatalf("%s (-want +got):\n%s", name, d)
			}
			m, err := c.MetadataOf(ctx, p.Files[0])
			if err != nil || string(m.Bytes) != string(r.Metadata()) || !m.Verified {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		}
		if _, err := c.Page(ctx, "nobody"); kind(err) != "not found" {
			t.Error(err)
		}
		if _, err := c.Page(ctx, "broken"); kind(err) != "page" {
			t.Error(err)
		}
		if _, err := c.Page(ctx, "../../etc"); kind(err) != "not found" {
			t.Error(err)
		}
	}
	flat := client(t, folder(t, resolvetest.MustParse("courier 1.0\nident 2.0")))
	if d := cmp.Diff([]string{"ident-2.0-py3-none-any.whl", "ident-2.0.tar.gz"}, names(page(t, flat, "ident"))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := client(t, filepath.Join(dir, "nowhere")).Page(ctx, "courier"); kind(err) != "unavailable" {
		t.Error(err)
	}
}
