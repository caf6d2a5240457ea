package log_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func pend(t *testing.T, dir string, leaves ...[]byte) (names []string) {
	t.Helper()
	for _, leaf := range leaves {
		name, err := log.WritePending(dir, leaf)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// Two branches add statements, some of them the same; after the merge one
// append takes all, and a second one nothing.
func TestTwoBranches(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(9)
	a, b, merged := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "pending")
	pend(t, a, leaves[5], leaves[0], leaves[2], leaves[1], leaves[3])
	pend(t, b, leaves[8], leaves[1], leaves[4], leaves[0], leaves[7], leaves[6])
	pend(t, b, leaves[8])
	for _, dir := range []string{a, b} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			os.MkdirAll(merged, 0o755)
			os.WriteFile(filepath.Join(merged, e.Name()), data, 0o644)
		}
	}
	res, err := w.Log().AppendPending(t.Context(), merged)
	if err != nil || len(res.Appended) != 9 || len(res.Refused)+len(res.Held) != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	// In order of time, so the plain log comes out whatever the branches did.
	sound(t, w, leaves)
	note := view(t, w).Note
	res, err = w.Log().AppendPending(t.Context(), merged)
	if err != nil || len(res.Appended)+len(res.Held)+len(res.Refused) != 0 || string(view(t, w).Note) != string(note) {
		t.Errorf("repeated: %+v, %v", res, err)
	}
}

func TestPendingThatIsRefusedStays(t *testing.T) {
	w := sumdbtest.New(t)
	dir := t.TempDir()
	leaves := w.Leaves(4)
	w.Append(leaves[:2]...)
	changed := sumdbtest.Source(1)
	changed.Head, changed.File.SHA256 = sumdbtest.Head(50), strings.Repeat("0", 64)
	bad := pend(t, dir, w.Leaf(changed))[0]
	wrongRoot := pend(t, dir, w.Leaf(sumdbtest.Root(5)))[0]
	heldName := pend(t, dir, leaves[1])[0]
	good := pend(t, dir, leaves[2], leaves[3])
	os.WriteFile(filepath.Join(dir, strings.Repeat("0", 64)), leaves[3], 0o644)
	os.WriteFile(filepath.Join(dir, "README"), []byte("not a statement"), 0o644)

	res, err := w.Log().AppendPending(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Appended) != 2 || res.Appended[good[0]] != 2 || res.Appended[good[1]] != 3 || res.Held[heldName] != 1 {
		t.Errorf("%+v", res)
	}
	why := map[string]record.Rule{}
	for _, r := range res.Refused {
		why[r.Name] = rule(r.Err)
	}
	if len(why) != 4 || why[bad] != record.RuleSource || why[wrongRoot] != record.RuleRoot {
		t.Errorf("refused: %v", res.Refused)
	}
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	for _, name := range []string{bad, wrongRoot, "README", strings.Repeat("0", 64)} {
		if !slices.Contains(left, name) {
			t.Errorf("%s was removed", name)
		}
	}
	if len(left) != 4 {
		t.Errorf("left: %v", left)
	}
	sound(t, w, leaves)
	// The keys were told of root 5, and then that it did not come.
	if n := len(w.Keyring.Placed); n != 1 {
		t.Errorf("%d roots are placed", n)
	}
}

// The process ends after the log is published and before the files are gone.
func TestPendingInterrupted(t *testing.T) {
	for n := 1; n <= 7; n++ {
		w := sumdbtest.New(t)
		dir := t.TempDir()
		leaves := w.Leaves(5)
		pend(t, dir, leaves...)
		l := w.Log()
		hook, _ := failAt(n, true, true)
		l.SetFault(hook)
		l.AppendPending(t.Context(), dir)
		res, err := w.Log().AppendPending(t.Context(), dir)
		if err != nil || len(res.Refused) != 0 {
			t.Fatalf("step %d: %+v, %v", n, res, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Errorf("step %d: %d files are left", n, len(entries))
		}
		sound(t, w, leaves)
	}
}

func TestPendingOfNothing(t *testing.T) {
	w := sumdbtest.New(t)
	o := w.Options()
	o.Create = false
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	res, err := l.AppendPending(t.Context(), filepath.Join(t.TempDir(), "none"))
	if err != nil || len(res.Appended) != 0 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an empty folder became a log")
	}
	if _, err := log.WritePending(t.TempDir(), []byte("nonsense")); err == nil {
		t.Error("nonsense is pending")
	}
}

// Many pending statements take index statements between them.
func TestManyPending(t *testing.T) {
	w := sumdbtest.New(t)
	dir := t.TempDir()
	leaves := w.Leaves(530)
	for _, leaf := range leaves {
		if _, err := log.WritePending(dir, leaf); err != nil {
			t.Fatal(err)
		}
	}
	res, err := w.Log().AppendPending(t.Context(), dir)
	if err != nil || len(res.Appended) != 530 || res.Checkpoint.Size != 532 {
		t.Fatalf("%v", err)
	}
	sound(t, w, leaves)
}
