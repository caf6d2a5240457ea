package log_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// A copy without any key follows the log over many sizes, index statements and
// partial tiles included, and is the same log then: fsck finds nothing, and the
// log's owner can append to it.
func TestFollow(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := [][]byte{w.Leaf(sumdbtest.Root(0))}
	w.Append(leaves...)
	empty := *w
	empty.Dir = filepath.Join(t.TempDir(), "log")
	late := clone(t, w, false)
	n := 0
	for _, more := range []int{1, 5, 249, 1, 300, 700} {
		var batch [][]byte
		for range more {
			n++
			batch = append(batch, w.Leaf(sumdbtest.Source(n)))
		}
		w.Append(batch...)
		leaves = append(leaves, batch...)
		for range 2 { // again changes nothing
			if _, err := log.Follow(t.Context(), late.Dir, sumdbtest.Origin, w.LogKeys(), folder(w), nil); err != nil {
				t.Fatal(err)
			}
		}
		sound(t, late, leaves)
	}
	if _, err := log.Follow(t.Context(), empty.Dir, sumdbtest.Origin, w.LogKeys(), folder(w), nil); err != nil {
		t.Fatal(err)
	}
	sound(t, &empty, leaves)
	last := w.Leaf(sumdbtest.Source(n + 1))
	empty.Append(last)
	sound(t, &empty, append(leaves, last))
}

// What is no continuation, or not what the checkpoint says, changes nothing.
func TestFollowRefuses(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaf(sumdbtest.Root(0)), w.Leaf(sumdbtest.Source(1)))
	follow := func(from *sumdbtest.World, check func(*log.View) error) (*sumdbtest.World, error) {
		c := clone(t, w, false)
		before, _ := os.ReadFile(filepath.Join(c.Dir, "checkpoint"))
		_, err := log.Follow(t.Context(), c.Dir, sumdbtest.Origin, w.LogKeys(), folder(from), check)
		if after, _ := os.ReadFile(filepath.Join(c.Dir, "checkpoint")); string(before) != string(after) {
			t.Errorf("the checkpoint has changed")
		}
		return c, err
	}
	older, ours := clone(t, w, true), clone(t, w, true)
	w.Append(w.Leaf(sumdbtest.Source(2)))
	var no *log.FollowError
	if _, err := follow(older, nil); !errors.As(err, &no) || errors.Is(err, log.ErrForked) {
		t.Errorf("an old view: %v", err)
	}
	ours.Append(w.Leaf(sumdbtest.Source(3)), w.Leaf(sumdbtest.Source(4)))
	if _, err := follow(ours, nil); !errors.Is(err, log.ErrForked) {
		t.Errorf("a fork: %v", err)
	}
	more := clone(t, w, true)
	more.Append(w.Leaf(sumdbtest.Source(5)))
	nobody := errors.New("nobody has cosigned it")
	if _, err := follow(more, func(*log.View) error { return nobody }); !errors.Is(err, nobody) {
		t.Errorf("unwitnessed: %v", err)
	}
	for _, name := range []string{"tile/entries/000.p/4", "tile/0/000.p/4"} {
		damaged := clone(t, more, false)
		path := filepath.Join(damaged.Dir, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-20] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := follow(damaged, nil); !errors.As(err, new(*store.DamagedError)) {
			t.Errorf("%s flipped: %v", name, err)
		}
	}
}
