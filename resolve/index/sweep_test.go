package index_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

func TestSweep(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	dir, now := t.TempDir(), newClock()
	open := func() *index.Client {
		return client(t, s.URL, func(o *index.Options) { o.CacheDir, o.Now = dir, now.Now })
	}
	c := open()
	page(t, c, "courier")
	c.Sweep()
	put := func(name string, age time.Duration) string {
		path := filepath.Join(dir, "v1", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		at := now.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const day = 24 * time.Hour
	all := map[string]bool{ // and whether it stays
		put("pages/old", 100*day):                              false,
		put("pages/used", 50*day):                              true,
		put("files/0123/thing-1.0.tar.gz", 100*day):            false,
		put("files/4567/thing-2.0.tar.gz", 10*day):             true,
		put("metadata/.wheellock-123.tmp", 10*day):             false,
		put("metadata/.wheellock-456.tmp", -8*day+time.Hour):   true, // somebody's at the time of the sweep
		put("elsewhere/what another program left", 1000*day):   true,
		put("pages/folder/what is no entry of ours", 1000*day): true,
	}
	check := func(swept bool) {
		t.Helper()
		for path, stays := range all {
			if _, err := os.Lstat(path); (err == nil) != (stays || !swept) {
				t.Errorf("%s: %v", strings.TrimPrefix(path, dir), err)
			}
		}
	}
	open().Sweep() // the mark is new
	check(false)
	now.add(8 * day)
	open().Sweep()
	check(true)
	if _, err := os.Lstat(filepath.Join(dir, "v1", "files", "0123")); err == nil {
		t.Error("an empty folder is left")
	}
	put("pages/old again", 100*day)
	open().Sweep()
	if _, err := os.Lstat(filepath.Join(dir, "v1", "pages", "old again")); err != nil {
		t.Error("swept again within a week")
	}
}
