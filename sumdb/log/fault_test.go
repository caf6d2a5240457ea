package log_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

var errFault = errors.New("injected")

// failAt makes the n'th step fail, before or after it is done; with dead every
// later step too, as if the process had ended.
func failAt(n int, after, dead bool) (func(string, string, func() error) error, *[]string) {
	var steps []string
	return func(step, path string, do func() error) error {
		steps = append(steps, step)
		switch k := len(steps); {
		case k < n || k > n && !dead:
			return do()
		case k == n && after:
			if err := do(); err != nil {
				return err
			}
		}
		return errFault
	}, &steps
}

// Every step of an append that fills a tile and makes an index statement fails
// once, before and after it was done, and the process lives on or ends there.
// Then everything is recovered, and the log is whole: it holds all of the batch
// or nothing, all if the append was acknowledged, and a repetition puts
// everything where it belongs.
func TestAppendFaults(t *testing.T) {
	base := sumdbtest.New(t)
	leaves := base.Leaves(262)
	base.Append(leaves[:200]...)
	base.Append(leaves[200:254]...)
	batch := leaves[254:]

	w := clone(t, base, true)
	l := w.Log()
	hook, steps := failAt(1<<30, false, false)
	l.SetFault(hook)
	if _, err := l.Append(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	want := []string{"journal", "mark", "tile", "tile", "tile", "tile", "tile", "tiles", "checkpoint", "drop journal", "facts", "index"}
	if fmt.Sprint(*steps) != fmt.Sprint(want) {
		t.Fatalf("steps %v, want %v", *steps, want)
	}
	sound(t, w, leaves)

	for n := range want {
		for _, after := range []bool{false, true} {
			for _, dead := range []bool{false, true} {
				name := fmt.Sprintf("%d %s after=%v dead=%v", n, want[n], after, dead)
				t.Run(name, func(t *testing.T) {
					w := clone(t, base, true)
					l := w.Log()
					hook, _ := failAt(n+1, after, dead)
					l.SetFault(hook)
					_, err := l.Append(t.Context(), batch...)
					acknowledged := err == nil
					if err != nil && !errors.Is(err, errFault) {
						t.Fatalf("error %v", err)
					}
					// Before anything is recovered, readers find a whole log.
					sizeBefore := view(t, w).Checkpoint.Size
					if acknowledged && sizeBefore != 263 {
						t.Fatalf("acknowledged, and published at %d", sizeBefore)
					}
					l = w.Log()
					if n%2 == 1 {
						// Recovery is interrupted too.
						for k := 1; k < 10; k++ {
							hook, _ := failAt(k, k%2 == 0, true)
							l.SetFault(hook)
							if l.Recover(t.Context()) == nil {
								break
							}
						}
						l = w.Log()
					}
					if err := l.Recover(t.Context()); err != nil {
						t.Fatalf("recovering: %v", err)
					}
					switch size := view(t, w).Checkpoint.Size; {
					case size == 263:
						sound(t, w, leaves)
					case size == 254 && !acknowledged && !errors.Is(err, log.ErrUnfinished):
						sound(t, w, leaves[:254])
					default:
						t.Fatalf("recovered at %d after %v", size, err)
					}
					res, err := l.AppendMissing(t.Context(), batch...)
					if err != nil || res.Indexes[0] != 254 || res.Indexes[7] != 262 {
						t.Fatalf("repeated: %v, %v", res, err)
					}
					sound(t, w, leaves)
				})
			}
		}
	}
}

// The first append of a log is as safe as the others.
func TestFirstAppendFaults(t *testing.T) {
	for n := 1; n <= 9; n++ {
		for _, after := range []bool{false, true} {
			w := sumdbtest.New(t)
			leaves := w.Leaves(3)
			l := w.Log()
			hook, _ := failAt(n, after, true)
			l.SetFault(hook)
			l.Append(t.Context(), leaves...)
			if err := w.Log().Recover(t.Context()); err != nil {
				t.Fatalf("step %d after=%v: %v", n, after, err)
			}
			if _, err := w.Log().AppendMissing(t.Context(), leaves...); err != nil {
				t.Fatalf("step %d after=%v: %v", n, after, err)
			}
			sound(t, w, leaves)
		}
	}
}

// interrupted is a log whose append ended right after the journal was written
// (1), the mark raised (2), or a tile written (3).
func interrupted(t *testing.T, step int) (w *sumdbtest.World, leaves [][]byte) {
	w = sumdbtest.New(t)
	leaves = w.Leaves(6)
	w.Append(leaves[:3]...)
	l := w.Log()
	hook, _ := failAt(step, true, true)
	l.SetFault(hook)
	if _, err := l.Append(t.Context(), leaves[3:5]...); !errors.Is(err, log.ErrUnfinished) {
		t.Fatalf("step %d: %v", step, err)
	}
	return w, leaves
}

func journalPath(w *sumdbtest.World) string { return filepath.Join(w.Dir, ".state", "journal") }

func TestDamagedJournal(t *testing.T) {
	for step := 1; step <= 3; step++ {
		w, leaves := interrupted(t, step)
		data, err := os.ReadFile(journalPath(w))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i += 11 {
			c := clone(t, w, true)
			bad := append([]byte(nil), data...)
			bad[i] ^= 1
			os.WriteFile(journalPath(c), bad, 0o644)
			_, err := c.Log().Append(t.Context(), leaves[5])
			switch {
			case step == 1 && err == nil:
				// Nothing of it was public yet: it is as if it had not been.
				sound(t, c, append(leaves[:3:3], leaves[5]))
			case step > 1 && refusedState(err):
			default:
				t.Errorf("after step %d, byte %d: %v", step, i, err)
			}
		}
	}
}

// A journal that somebody brings along is only believed if we signed it, and
// if it fits.
func TestForeignJournals(t *testing.T) {
	w, leaves := interrupted(t, 3)
	data, err := os.ReadFile(journalPath(w))
	if err != nil {
		t.Fatal(err)
	}
	put := func(w *sumdbtest.World) {
		os.MkdirAll(filepath.Dir(journalPath(w)), 0o700)
		if err := os.WriteFile(journalPath(w), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Into the finished log: dropped.
	done := clone(t, w, true)
	if err := done.Log().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	done.Append(leaves[5])
	put(done)
	if err := done.Log().Recover(t.Context()); err != nil {
		t.Errorf("a journal of the past: %v", err)
	}
	sound(t, done, leaves)
	// Into a log with another third statement: dropped, as its mark is elsewhere.
	other := sumdbtest.New(t)
	another := other.Leaf(sumdbtest.Source(77))
	other.Append(leaves[0], leaves[1], another)
	put(other)
	if err := other.Log().Recover(t.Context()); err != nil {
		t.Errorf("a journal for another log: %v", err)
	}
	sound(t, other, [][]byte{leaves[0], leaves[1], another})
	// Where no mark survives, an append that is under way needs the published one.
	lost := clone(t, w, false)
	if err := lost.Log().Recover(t.Context()); !errors.Is(err, log.ErrNoMark) {
		t.Errorf("without a mark: %v", err)
	}
	// Signed by a stranger.
	stranger := clone(t, w, true)
	o := stranger.Options()
	o.Signer = sumdbtest.Key(t, "stranger.example")
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), sumdbtest.Origin+"\n3 ", "other.example\n3 ", 1)
	os.WriteFile(journalPath(stranger), []byte(text), 0o644)
	if err := l.Recover(t.Context()); !refusedState(err) {
		t.Errorf("a changed journal: %v", err)
	}
}

// A flipped byte anywhere in a small log stops the writer, and fsck names it.
func TestEveryByteOfASmallLog(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(6)
	w.Append(leaves[0])
	w.Append(leaves[1:3]...)
	w.Append(leaves[3:5]...)
	l := w.Log()
	everyByte(t, w, 1, func(path string, i int) {
		if _, err := l.Append(t.Context(), leaves[5]); err == nil {
			t.Fatalf("%s, byte %d: appended", path, i)
		} else if !refusedState(err) {
			t.Errorf("%s, byte %d: %v", path, i, err)
		}
		if problems(t, w) == 0 {
			t.Errorf("%s, byte %d: fsck finds nothing", path, i)
		}
	})
	sound(t, w, leaves[:5])
}

// In a larger log too, as long as it is checked whole.
func TestBytesOfALargerLog(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(300)
	w.Append(leaves...)
	l := w.Log()
	more := w.Leaf(sumdbtest.Source(301))
	everyByte(t, w, 499, func(path string, i int) {
		if _, err := l.Append(t.Context(), more); !refusedState(err) {
			t.Errorf("%s, byte %d: %v", path, i, err)
		}
		if problems(t, w) == 0 {
			t.Errorf("%s, byte %d: fsck finds nothing", path, i)
		}
	})
	sound(t, w, leaves)
}

// everyByte flips a bit of every step'th byte of the public log, one at a time.
func everyByte(t *testing.T, w *sumdbtest.World, step int, try func(path string, i int)) {
	t.Helper()
	filepath.WalkDir(w.Dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(w.Dir, path)
		if e.IsDir() {
			if rel == ".state" || rel == "index" {
				return filepath.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i += step {
			bad := append([]byte(nil), data...)
			bad[i] ^= 1 << (i % 8)
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			try(rel, i)
		}
		return os.WriteFile(path, data, 0o644)
	})
}

// The writer's memory may be damaged in any way: the door is still right.
func TestDamagedFacts(t *testing.T) {
	base := sumdbtest.New(t)
	leaves := base.Leaves(30)
	base.Append(leaves[:20]...)
	for _, leaf := range leaves[20:] {
		base.Append(leaf)
	}
	changed := sumdbtest.Source(13)
	changed.Head, changed.File.SHA256 = sumdbtest.Head(100), strings.Repeat("0", 64)
	bad := base.Leaf(changed)
	names, err := filepath.Glob(filepath.Join(base.Dir, ".state", "facts*"))
	if err != nil || len(names) < 2 {
		t.Fatalf("facts: %v, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		damages := [][]byte{nil, data[:len(data)/2]}
		for i := 0; i < len(data); i += 1 + len(data)/40 {
			b := append([]byte(nil), data...)
			b[i] ^= 4
			damages = append(damages, b)
		}
		for i, b := range damages {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := base.Log().Append(t.Context(), bad); rule(err) != record.RuleSource {
				t.Errorf("%s, damage %d: %v", filepath.Base(name), i, err)
			}
			if _, err := base.Log().Append(t.Context(), leaves[3]); rule(err) != record.RuleHeld {
				t.Errorf("%s, damage %d: %v", filepath.Base(name), i, err)
			}
		}
	}
	sound(t, base, leaves)
}

// A memory that came with a checkout was made by somebody else, for this very
// tree, and says that nothing is held.
func TestForeignFacts(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(10)
	w.Append(leaves...)
	// The attacker's own log has the same checkpoint, but his secret.
	mallory := clone(t, w, false)
	o := mallory.Options()
	o.Published = view(t, w).Note
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	copyDir(t, filepath.Join(mallory.Dir, ".state"), filepath.Join(w.Dir, ".state"))
	names, _ := filepath.Glob(filepath.Join(w.Dir, ".state", "facts-*"))
	for _, name := range names {
		data, _ := os.ReadFile(name)
		os.WriteFile(name, make([]byte, len(data)), 0o600)
	}
	if _, err := w.Log().Append(t.Context(), leaves[4]); rule(err) != record.RuleHeld {
		t.Errorf("got %v", err)
	}
	sound(t, w, leaves)
}

// The index is checked too, every byte of it. It stops no writer: what a power
// cut has spoilt is made again from the log, whoever spoilt it.
func TestEveryByteOfTheIndex(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(1)
	for n := 1; n < 270; n++ {
		x := sumdbtest.Source(n)
		x.Name = fmt.Sprint("package-", n%3)
		leaves = append(leaves, w.Leaf(x))
	}
	w.Append(leaves...)
	files, err := filepath.Glob(filepath.Join(w.Dir, "index", "*", "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range append(files, filepath.Join(w.Dir, "index", "list")) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i += 1 + len(data)/25 {
			bad := append([]byte(nil), data...)
			bad[i] ^= 1 << (i % 8)
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if problems(t, w) == 0 {
				t.Errorf("%s, byte %d: fsck finds nothing", filepath.Base(path), i)
			}
		}
		log.Restart("after " + path)
		if err := w.Log().Recover(t.Context()); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		log.Restart("")
		sound(t, w, leaves)
	}
}
