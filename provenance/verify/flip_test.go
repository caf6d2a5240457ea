package verify

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// step is how many bytes a test goes on by, to change about most of size. With
// WHEELLOCK_THOROUGH set no byte is left out but in wheels, sdists and the like:
// that takes minutes.
func step(size, most int) int {
	if os.Getenv("WHEELLOCK_THOROUGH") != "" {
		most *= 20
	} else if raceDetector {
		most = max(1, most/8) // ten times slower, and no other goroutines to meet
	}
	return max(1, (size+most-1)/most)
}

// flips calls f for changed copies of data: one bit of each byte, in turn a low
// one and the one that changes the case of a letter.
func flips(data []byte, step int, f func(i int, changed []byte)) {
	for i := 0; i < len(data); i += step {
		changed := append([]byte(nil), data...)
		changed[i] ^= []byte{0x01, 0x20}[(i/step)%2]
		f(i, changed)
	}
}

func TestFlipLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.input()
	parsed, seen := 0, map[string]int{}
	flips(in.LockBytes, step(len(in.LockBytes), 4000), func(i int, changed []byte) {
		in.LockBytes = changed
		var err error
		if in.Lock, err = lock.Parse(lock.FileName, changed); err == nil {
			parsed++
		}
		r, err := Verify(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		if r.Exit() == 0 {
			t.Errorf("byte %d changed: exit 0\n%s\n%s", i, around(changed, i), dump(r))
		}
		for _, id := range ids(r) {
			seen[id]++
		}
	})
	if parsed < 20 {
		t.Errorf("only %d changed locks could be read: the test tests the reader", parsed)
	}
	for _, id := range []string{"lock-malformed", "lock-out-of-date", "hash-not-stated", "lock-changed"} {
		if seen[id] == 0 {
			t.Errorf("no change gave %s: %v", id, seen)
		}
	}
}

func around(data []byte, i int) string {
	return string(data[max(0, i-40):min(len(data), i+40)])
}

func TestFlipProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.input()
	good := in.Proof
	flips(good, step(len(good), 1000), func(i int, changed []byte) {
		in.Proof = changed
		if r := w.verifyInput(in); r.Class != Tampered {
			t.Errorf("byte %d changed: %s\n%s\n%s", i, r.Class, around(changed, i), dump(r))
		}
	})
	for n := range 40 {
		in.Proof = good[:len(good)*n/40]
		if r := w.verifyInput(in); r.Exit() == 0 {
			t.Errorf("cut to %d bytes: exit 0", len(in.Proof))
		}
	}
}

// TestFlipHouse changes every file of the wheelhouse: each byte of what is
// signed, and samples of wheels, sdists and pages.
func TestFlipHouse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pgp, err := w.keys.OpenPGP(origin)
	w.must(err)
	asc, err := trust.SignDetachedArmored(w.readHouse(mirror.SumsFile), pgp...)
	w.must(err)
	w.write(mirror.OpenPGPFile, asc)
	w.expect(w.verify(), 0)
	log := flipFolder(t, w, "log", 300, (*checker).readLog)
	rest := flipFolder(t, w, "", 10, nil)
	if log < 6 || rest < 45 {
		t.Errorf("only %d and %d files", log, rest)
	}
	for _, name := range []string{mirror.SumsFile, mirror.SignFile, mirror.OpenPGPFile} {
		flipFile(t, w, w.input(), w.house.Path(name), 200, func(c *checker, ctx context.Context) error {
			if err := c.startScan(ctx)(); err != nil {
				return err
			}
			return c.house(ctx)
		})
	}
	w.expect(w.verify(), 0)
}

// TestFlipIndexed does so for a log that has a package index.
func TestFlipIndexed(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.filler(260)
	w.fill()
	w.expect(w.verify(), 0)
	if n := flipFolder(t, w, "log", 3, (*checker).readLog); n < 200 {
		t.Errorf("only %d files", n)
	}
	w.expect(w.verify(), 0)
}

// A part is one of the checks. Where a part alone finds something, so does the
// whole, and a part is quicker.
type ctx = context.Context

type part func(c *checker, ctx ctx) error

func flipFolder(t *testing.T, w *world, under string, most int, p part) (files int) {
	t.Helper()
	in := w.input()
	err := filepath.WalkDir(w.house.Path(under), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, ".state") {
			return err
		}
		files++
		flipFile(t, w, in, path, most, p)
		return nil
	})
	w.must(err)
	return files
}

// flipFile changes a file, at most at so many places, and wants to see each change.
func flipFile(t *testing.T, w *world, in Input, path string, most int, p part) {
	t.Helper()
	base := newChecker(in)
	base.readProof()
	good, err := os.ReadFile(path)
	w.must(err)
	check := func(what string, changed []byte) {
		w.must(os.WriteFile(path, changed, 0o644))
		c := newChecker(in)
		c.v, c.chain, c.book = base.v, base.chain, base.book
		if p == nil {
			r := w.verifyInput(in)
			c.findings = r.Findings
		} else {
			w.must(p(c, context.Background()))
		}
		r := Report{Class: OK}
		for _, f := range c.findings {
			if f.Class.Worse(r.Class) {
				r.Class = f.Class
			}
		}
		if r.Exit() == 0 {
			t.Errorf("%s: %s: %s\n%v", path, what, r.Class, c.findings)
		}
	}
	flips(good, step(len(good), most), func(i int, changed []byte) { check("a byte changed: "+around(changed, i), changed) })
	check("a byte more", append(append([]byte(nil), good...), '\n'))
	if len(good) > 0 {
		check("a byte less", good[:len(good)-1])
		check("emptied", nil)
	}
	w.must(os.WriteFile(path, good, 0o644))
}
