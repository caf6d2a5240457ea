package rebuild

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// counting is a Builder that writes the same wheel each time.
type counting struct {
	Builder
	builds int
}

const countedWheel = "lone-1.0-py3-none-any.whl"

func (c *counting) Build(_ context.Context, j build.Job) (*build.Result, error) {
	c.builds++
	path := filepath.Join(j.Into, countedWheel)
	return &build.Result{Path: path, File: countedWheel, Python: "3.11.2", Log: []byte("said\n")}, os.WriteFile(path, []byte("bytes"), 0o644)
}

// TestKeeper: a wheel is built once however many runs were broken off, again when
// what its bytes follow from is another, when somebody touched it, and after the
// run that put it away.
func TestKeeper(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	under := &counting{}
	run := func(change func(*build.Job)) *Keeper {
		t.Helper()
		j := build.Job{Name: "lone", Version: "1.0", Recipe: &lock.Recipe{Backend: "b", Umask: "022"},
			Target: tags.Target{Name: "bookworm"}, Into: t.TempDir()}
		change(&j)
		k := &Keeper{Builder: under, Dir: dir}
		k.Sweep()
		r, err := k.Build(ctx, j)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(j.Into, countedWheel))
		if err != nil || string(b) != "bytes" || r.Path != filepath.Join(j.Into, countedWheel) || string(r.Log) != "said\n" {
			t.Errorf("got %+v with %q, %v", r, b, err)
		}
		return k
	}
	builds := func(want int, when string) {
		t.Helper()
		if under.builds != want {
			t.Errorf("%s: %d builds, want %d", when, under.builds, want)
		}
	}
	same := func(*build.Job) {}
	run(same)
	run(same)
	builds(1, "the same job twice")
	run(func(j *build.Job) { j.Vary.Round = 1 })
	builds(2, "under variation")
	run(func(j *build.Job) { j.Recipe = &lock.Recipe{Backend: "b", Umask: "002"} })
	builds(3, "by another recipe")
	files, _ := filepath.Glob(filepath.Join(dir, "*", countedWheel))
	for _, f := range files {
		os.WriteFile(f, []byte("touched"), 0o644)
	}
	k := run(same)
	builds(4, "touched")
	if _, err := k.Build(ctx, build.Job{Name: "lone", Version: "1.0", Recipe: &lock.Recipe{Backend: "b", Umask: "022"},
		Target: tags.Target{Name: "bookworm"}, Into: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	builds(5, "a second time in one run")
	k.Forget()
	run(same)
	builds(6, "after Forget")
}
