package log_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func folder(w *sumdbtest.World) store.Folder { return store.Folder(w.Dir) }

func TestAppendAndReadBack(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(40)
	for i := 0; i < 40; {
		n := min(40-i, 1+i%7)
		res := w.Append(leaves[i : i+n]...)
		for k, got := range res.Indexes {
			if got != int64(i+k) {
				t.Errorf("leaf %d got index %d", i+k, got)
			}
		}
		i += n
		if want := sumdbtest.MerkleRoot(leaves[:i]); res.Checkpoint.Root != want || res.Checkpoint.Size != int64(i) {
			t.Fatalf("checkpoint at %d is %v", i, res.Checkpoint)
		}
		if v := view(t, w); string(v.Note) != string(res.Note) {
			t.Errorf("published %q, returned %q", v.Note, res.Note)
		}
	}
	sound(t, w, leaves)
}

func TestHeldStatements(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(10)
	w.Append(leaves...)
	before := view(t, w).Note
	_, err := w.Log().Append(t.Context(), w.Leaf(sumdbtest.Source(50)), leaves[7])
	var door *record.DoorError
	var refused *log.RefusedError
	if !errors.As(err, &door) || door.Rule != record.RuleHeld || door.Index != 7 || !errors.As(err, &refused) || refused.Number != 1 {
		t.Errorf("appending twice: %v", err)
	}
	if string(view(t, w).Note) != string(before) {
		t.Error("a refused batch changed the log")
	}
	twice := w.Leaf(sumdbtest.Source(60))
	if _, err := w.Log().Append(t.Context(), twice, twice); rule(err) != record.RuleHeld {
		t.Errorf("twice in one batch: %v", err)
	}
	res, err := w.Log().AppendMissing(t.Context(), leaves[7], twice, leaves[3], twice)
	if err != nil || !slices.Equal(res.Indexes, []int64{7, 10, 3, 10}) {
		t.Errorf("AppendMissing: %v, %v", res, err)
	}
	sound(t, w, append(leaves, twice))
}

// One log written for a long time by one process, with another in between.
func TestOneProcessManyAppends(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(700)
	a := w.Log()
	for i := 0; i < len(leaves); {
		n := min(1+i%97, len(leaves)-i)
		l := a
		if i%5 == 3 {
			l = w.Log()
		}
		if _, err := l.Append(t.Context(), leaves[i:i+n]...); err != nil {
			t.Fatal(err)
		}
		i += n
	}
	sound(t, w, leaves)
	// A file of the first hundred cannot change its hash: what the process
	// remembers reaches back to the beginning.
	for _, n := range []int{1, 50, 255, 256, 257, 699} {
		x := sumdbtest.Source(n)
		x.Head, x.File.SHA256 = sumdbtest.Head(800), strings.Repeat("0", 64)
		for name, l := range map[string]*log.Log{"old": a, "new": w.Log()} {
			if _, err := l.Append(t.Context(), w.Leaf(x)); rule(err) != record.RuleSource {
				t.Errorf("source %d changed in the %s process: %v", n, name, err)
			}
		}
	}
}

func TestIndexStatementsComeWhenDue(t *testing.T) {
	for _, batch := range []int{1, 100, 256, 257, 600} {
		w := sumdbtest.New(t)
		leaves := w.Leaves(600)
		l := w.Log()
		start := 0
		if batch == 1 {
			// Single appends only around the places that matter.
			start = 250
			w.Append(leaves[:start]...)
		}
		for i := start; i < 600; {
			n := min(batch, 600-i)
			if batch == 1 && i > 260 && i < 505 {
				n = 505 - i
			}
			res, err := l.Append(t.Context(), leaves[i:i+n]...)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Indexes) != n {
				t.Fatalf("%d indexes for %d leaves", len(res.Indexes), n)
			}
			i += n
		}
		v := view(t, w)
		var at []int64
		for e, err := range v.Statements(t.Context(), 0, v.Checkpoint.Size) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind() == record.KindIndex {
				at = append(at, e.Index)
			}
		}
		if !slices.Equal(at, []int64{256, 513}) {
			t.Errorf("batches of %d: index statements at %v", batch, at)
		}
		sound(t, w, leaves)
	}
}

func TestIndexStatementsAreTheLogsOwn(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(3)...)
	x := record.Index{Head: sumdbtest.Head(9), Entries: 1, Root: sumdbtest.Digest("x")}
	if _, err := w.Log().Append(t.Context(), w.Leaf(x)); rule(err) != record.RuleIndex {
		t.Errorf("got %v", err)
	}
}

func TestNewLogs(t *testing.T) {
	w := sumdbtest.New(t)
	o := w.Options()
	o.Create = false
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), w.Leaves(1)...); !errors.Is(err, log.ErrNoLog) {
		t.Errorf("without Create: %v", err)
	}
	if _, err := w.Log().Append(t.Context(), w.Leaf(sumdbtest.Source(1))); rule(err) != record.RuleRoot {
		t.Errorf("a log without a root: %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused first append left a checkpoint: %v", err)
	}
	w.Append(w.Leaves(2)...)
	if _, err := l.Append(t.Context(), w.Leaf(sumdbtest.Source(2))); err != nil {
		t.Errorf("a log that is there: %v", err)
	}
}

// An older copy of the log must never be signed on, nor another log.
func TestMark(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(20)
	w.Append(leaves[:8]...)
	older := clone(t, w, false)
	w.Append(leaves[8:12]...)
	more := w.Leaf(sumdbtest.Source(99))

	older.KeyDir = w.KeyDir
	if _, err := older.Log().Append(t.Context(), more); !refusedState(err) || !strings.Contains(err.Error(), "older") {
		t.Errorf("an older copy: %v", err)
	}
	// The same size, other statements: made where the mark was not known.
	fork := clone(t, older, false)
	o := fork.Options()
	o.Published = view(t, older).Note
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), leaves[15], leaves[16], leaves[17], leaves[18]); err != nil {
		t.Fatal(err)
	}
	fork.KeyDir = w.KeyDir
	if _, err := fork.Log().Append(t.Context(), more); !refusedState(err) || !strings.Contains(err.Error(), "fork") {
		t.Errorf("a fork: %v", err)
	}
	// A longer fork too.
	if _, err := l.Append(t.Context(), leaves[19]); err != nil {
		t.Fatal(err)
	}
	if _, err := fork.Log().Append(t.Context(), more); !refusedState(err) || !strings.Contains(err.Error(), "fork") {
		t.Errorf("a longer fork: %v", err)
	}
	// A continuation that came from elsewhere is taken.
	cont := clone(t, w, false)
	o = cont.Options()
	o.Published = view(t, w).Note
	if l, err = log.Open(o); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), leaves[12]); err != nil {
		t.Fatal(err)
	}
	cont.KeyDir = w.KeyDir
	cont.Append(leaves[13])
	sound(t, cont, leaves[:14])
}

func TestNoMark(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(12)
	w.Append(leaves[:5]...)
	early := view(t, w).Note
	w.Append(leaves[5:10]...)
	late := view(t, w).Note
	open := func(w *sumdbtest.World, published []byte) *log.Log {
		o := w.Options()
		o.Published = published
		l, err := log.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	lost := clone(t, w, false)
	if _, err := lost.Log().Append(t.Context(), leaves[10]); !errors.Is(err, log.ErrNoMark) {
		t.Errorf("without a mark: %v", err)
	}
	if _, err := open(lost, []byte("nonsense")).Append(t.Context(), leaves[10]); err == nil {
		t.Error("a published checkpoint that is none")
	}
	if _, err := open(lost, early).Append(t.Context(), leaves[10]); err != nil {
		t.Errorf("an earlier published checkpoint: %v", err)
	}
	old := clone(t, w, false)
	open(old, late).Append(t.Context(), leaves[10])
	sound(t, old, leaves[:11])
	// With both, both count.
	behind := clone(t, w, true)
	if _, err := open(behind, view(t, old).Note).Append(t.Context(), leaves[11]); !refusedState(err) {
		t.Errorf("the published checkpoint is newer: %v", err)
	}
}

func TestMissingAndDamagedState(t *testing.T) {
	base := sumdbtest.New(t)
	leaves := base.Leaves(6)
	base.Append(leaves[:5]...)
	mark := func(w *sumdbtest.World) string {
		names, err := filepath.Glob(filepath.Join(w.KeyDir, "marks", "????????????????????????????????"))
		if err != nil || len(names) != 1 {
			t.Fatalf("marks: %v, %v", names, err)
		}
		return names[0]
	}
	for name, damage := range map[string]func(w *sumdbtest.World){
		"checkpoint removed":          func(w *sumdbtest.World) { os.Remove(filepath.Join(w.Dir, "checkpoint")) },
		"everything removed":          func(w *sumdbtest.World) { os.RemoveAll(w.Dir) },
		"mark emptied":                func(w *sumdbtest.World) { os.WriteFile(mark(w), nil, 0o600) },
		"checkpoint and mark removed": func(w *sumdbtest.World) { os.Remove(filepath.Join(w.Dir, "checkpoint")); os.Remove(mark(w)) },
		"mark's size changed": func(w *sumdbtest.World) {
			b, _ := os.ReadFile(mark(w))
			os.WriteFile(mark(w), []byte(strings.Replace(string(b), "\n5\n", "\n4\n", 1)), 0o600)
		},
		"tile removed":   func(w *sumdbtest.World) { os.RemoveAll(filepath.Join(w.Dir, "tile", "0")) },
		"bundle removed": func(w *sumdbtest.World) { os.RemoveAll(filepath.Join(w.Dir, "tile", "entries")) },
		"tile is a pipe's folder": func(w *sumdbtest.World) {
			p := filepath.Join(w.Dir, "tile", "0", "000.p", "5")
			os.Remove(p)
			os.Mkdir(p, 0o755)
		},
	} {
		w := clone(t, base, true)
		damage(w)
		if _, err := w.Log().Append(t.Context(), leaves[5]); !refusedState(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := clone(t, base, true)
	os.RemoveAll(filepath.Join(w.Dir, ".state"))
	w.Append(leaves[5])
	sound(t, w, leaves)
}

func TestLowerMark(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(6)
	w.Append(leaves[:3]...)
	older := clone(t, w, false)
	w.Append(leaves[3:5]...)
	older.KeyDir = w.KeyDir
	if _, err := older.Log().Append(t.Context(), leaves[5]); !refusedState(err) {
		t.Fatalf("got %v", err)
	}
	if err := log.LowerMark(w.KeyDir, sumdbtest.Origin, []byte("nonsense\n"), w.LogKeys()); err == nil {
		t.Error("took nonsense for a checkpoint")
	}
	if err := log.LowerMark(w.KeyDir, sumdbtest.Origin, view(t, older).Note, w.LogKeys()); err != nil {
		t.Fatal(err)
	}
	older.Append(leaves[5])
	sound(t, older, append(leaves[:3:3], leaves[5]))
}

func TestWitness(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(5)
	witness := &note.Cosigner{Key: sumdbtest.Key(t, "witness.example"), Now: func() int64 { return 1 }}
	answer := func(msg []byte) ([]byte, error) {
		n, err := note.Parse(msg)
		if err != nil {
			return nil, err
		}
		sig, err := witness.Sign([]byte(n.Text))
		n.Sigs = append(n.Sigs, note.Signature{Name: witness.Name(), Hash: witness.KeyHash(), Sig: sig})
		return n.Bytes(), err
	}
	o := w.Options()
	o.Witness = func(ctx context.Context, old int64, msg []byte, tree *store.Tree) ([]byte, error) {
		if old > 0 {
			if _, err := tree.ProveTree(ctx, old); err != nil {
				return nil, err
			}
		}
		return answer(msg)
	}
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	l.Append(t.Context(), leaves[:2]...)
	res, err := l.Append(t.Context(), leaves[2])
	if err != nil || !strings.Contains(string(res.Note), "witness.example") {
		t.Fatalf("%s, %v", res.Note, err)
	}
	// A witness that is away stops the append; it is completed when it is back.
	work := o.Witness
	o.Witness = func(context.Context, int64, []byte, *store.Tree) ([]byte, error) { return nil, errors.New("away") }
	away, _ := log.Open(o)
	if _, err := away.Append(t.Context(), leaves[3]); !errors.Is(err, log.ErrUnfinished) {
		t.Errorf("away: %v", err)
	}
	if v := view(t, w); v.Checkpoint.Size != 3 {
		t.Errorf("published at %d without the witness", v.Checkpoint.Size)
	}
	o.Witness = func(context.Context, int64, []byte, *store.Tree) ([]byte, error) { return res.Note, nil }
	lying, _ := log.Open(o)
	if err := lying.Recover(t.Context()); !errors.Is(err, log.ErrUnfinished) {
		t.Errorf("a witness that answers with another checkpoint: %v", err)
	}
	o.Witness = work
	back, _ := log.Open(o)
	if err := back.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	sound(t, w, leaves[:4])
}

func TestSignerMustBeAKeyOfTheLog(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(2)
	w.Append(leaves[0])
	o := w.Options()
	o.Signer = sumdbtest.Key(t, "stranger")
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), leaves[1]); err == nil {
		t.Error("a stranger signed a checkpoint")
	}
	sound(t, w, leaves[:1])
}

// 600 single appends leave many partial tiles; only those whose full tile is
// there may go, and readers of old checkpoints still find everything.
func TestPrune(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(300)
	o := w.Options()
	o.Grace = time.Hour
	o.Now = func() time.Time { return time.Now() }
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	var notes [][]byte
	for i := 0; i < len(leaves); i += 10 {
		res, err := l.Append(t.Context(), leaves[i:min(i+10, len(leaves))]...)
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, res.Note)
	}
	partials := func() (n int) {
		filepath.WalkDir(filepath.Join(w.Dir, "tile"), func(path string, e fs.DirEntry, _ error) error {
			if strings.Contains(path, ".p"+string(filepath.Separator)) {
				n++
			}
			return nil
		})
		return n
	}
	before := partials()
	if before < 50 {
		t.Fatalf("%d partial tiles", before)
	}
	if err := l.Prune(t.Context()); err != nil || partials() != before {
		t.Errorf("pruned within the grace period: %v", err)
	}
	o.Grace = time.Nanosecond
	if l, err = log.Open(o); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Millisecond)
	if err := l.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := partials(); got >= 20 {
		t.Errorf("%d of %d partial tiles are left", got, before)
	}
	sound(t, w, leaves)
	w.Append(w.Leaf(sumdbtest.Source(400)))
	for i, msg := range notes {
		if err := os.WriteFile(filepath.Join(w.Dir, "checkpoint"), msg, 0o644); err != nil {
			t.Fatal(err)
		}
		v := view(t, w)
		for _, err := range v.Statements(t.Context(), 0, v.Checkpoint.Size) {
			if err != nil {
				t.Fatalf("checkpoint %d: %v", i, err)
			}
		}
	}
}

// An append that fills a tile prunes by itself, and goes on where the last one stopped.
func TestPruneByTheWay(t *testing.T) {
	w := sumdbtest.New(t)
	o := w.Options()
	o.Grace = time.Minute
	o.Now = func() time.Time { return time.Now().Add(time.Hour) }
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	leaves := w.Leaves(600)
	for i := 0; i < len(leaves); i += 20 {
		if _, err := l.Append(t.Context(), leaves[i:i+20]...); err != nil {
			t.Fatal(err)
		}
	}
	for path, kept := range map[string]bool{"entries/000.p": false, "0/000.p": false, "entries/001.p": false, "0/001.p": false, "entries/002.p": true, "1/000.p": true} {
		if _, err := os.Stat(filepath.Join(w.Dir, "tile", path)); (err == nil) != kept {
			t.Errorf("tile/%s: %v, want it kept: %v", path, err, kept)
		}
	}
	sound(t, w, leaves)
}
