package log_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// sound checks the whole log and that it holds exactly these leaves; index
// statements in between are left out.
func sound(t testing.TB, w *sumdbtest.World, leaves [][]byte) {
	t.Helper()
	rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range rep.Problems {
		t.Errorf("fsck: %v", p)
	}
	v := view(t, w)
	var got [][]byte
	for e, err := range v.Statements(t.Context(), 0, v.Checkpoint.Size) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind() != record.KindIndex {
			got = append(got, e.Leaf)
		}
	}
	if len(got) != len(leaves) {
		t.Fatalf("the log holds %d statements, want %d", len(got), len(leaves))
	}
	for i := range got {
		if !bytes.Equal(got[i], leaves[i]) {
			t.Fatalf("statement %d is another one", i)
		}
	}
}

func view(t testing.TB, w *sumdbtest.World) *log.View {
	t.Helper()
	v, err := log.Read(t.Context(), folder(w), sumdbtest.Origin, w.LogKeys())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// clone copies a world: the log's folder, and the key folder if keys is set.
func clone(t testing.TB, w *sumdbtest.World, keys bool) *sumdbtest.World {
	t.Helper()
	c := *w
	dir := t.TempDir()
	c.Dir, c.KeyDir = filepath.Join(dir, "log"), filepath.Join(dir, "keys")
	copyDir(t, w.Dir, c.Dir)
	if keys {
		copyDir(t, w.KeyDir, c.KeyDir)
	}
	return &c
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func refusedState(err error) bool {
	var s *log.StateError
	return errors.As(err, &s)
}

func rule(err error) record.Rule {
	var d *record.DoorError
	if errors.As(err, &d) {
		return d.Rule
	}
	return ""
}

func problems(t testing.TB, w *sumdbtest.World) int {
	t.Helper()
	rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
	if err != nil {
		t.Fatal(err)
	}
	return len(rep.Problems)
}

func openLog(t testing.TB, o log.Options) *log.Log {
	t.Helper()
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
