package log_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// bigLog makes a log of WHEELLOCK_LOG_SIZE statements (20,000 if unset) about
// 5,000 packages, in the folder WHEELLOCK_LOG_DIR if that is set, where a later
// run finds it again. Its signatures are not checked when it is made, since
// checking a million takes a minute of what is to be measured.
func bigLog(b *testing.B) (w *sumdbtest.World, size int) {
	b.Helper()
	size = 20000
	if s := os.Getenv("WHEELLOCK_LOG_SIZE"); s != "" {
		size, _ = strconv.Atoi(s)
	}
	w = sumdbtest.New(b)
	if dir := os.Getenv("WHEELLOCK_LOG_DIR"); dir != "" {
		w.Dir, w.KeyDir = filepath.Join(dir, "log"), filepath.Join(dir, "keys")
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "checkpoint")); err == nil {
		return w, size
	}
	o := w.Options()
	o.Keys = trusting{w.Keyring}
	o.Now = func() time.Time { return sumdbtest.Start.AddDate(1, 0, 0) }
	l, err := log.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for n := 0; n < size; {
		var batch [][]byte
		for ; len(batch) < 1024 && n < size; n++ {
			batch = append(batch, quick(b, w, n))
		}
		if _, err := l.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("made %d statements, %.0f a second with signatures unchecked", size, float64(size)/time.Since(began).Seconds())
	return w, size
}

// trusting believes every signature.
type trusting struct{ *sumdbtest.Keyring }

func (k trusting) Verifier(role, name string, hash uint32, at int64, now time.Time) (note.Verifier, error) {
	v, err := k.Keyring.Verifier(role, name, hash, at, now)
	return believer{v}, err
}

type believer struct{ note.Verifier }

func (believer) Verify(_, _ []byte) bool { return true }

// quick is a leaf with a signature of no worth, but for the root.
func quick(b *testing.B, w *sumdbtest.World, n int) []byte {
	if n == 0 {
		return w.Leaf(sumdbtest.Root(0))
	}
	x := sumdbtest.Source(n)
	x.Name, x.Head.Time = fmt.Sprintf("package-%d", n%5000), sumdbtest.Start.Add(time.Duration(n)*time.Second)
	s, err := x.Statement()
	if err != nil {
		b.Fatal(err)
	}
	k := w.Signers[record.RoleBuilder]
	return append(s.Text(), note.Signature{Name: k.Name(), Hash: k.KeyHash(), Sig: make([]byte, 64)}.Line()...)
}

// BenchmarkColdAppend appends as a fresh process does: nothing is remembered.
func BenchmarkColdAppend(b *testing.B) {
	w, size := bigLog(b)
	w.Clock = sumdbtest.Start.AddDate(1, 0, 0)
	next := int(view(b, w).Checkpoint.Size) + size
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				var batch [][]byte
				for range n {
					next++
					x := sumdbtest.Source(next)
					x.Head.Time = w.Clock
					batch = append(batch, w.Leaf(x))
				}
				b.StartTimer()
				if _, err := w.Log().Append(b.Context(), batch...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBulk appends signed statements in batches of 1,024 with one process.
func BenchmarkBulk(b *testing.B) {
	w, size := bigLog(b)
	w.Clock = sumdbtest.Start.AddDate(1, 0, 0)
	next := int(view(b, w).Checkpoint.Size) + 10*size
	l := w.Log()
	for b.Loop() {
		b.StopTimer()
		var batch [][]byte
		for range 1024 {
			next++
			x := sumdbtest.Source(next)
			x.Name, x.Head.Time = fmt.Sprintf("package-%d", next%5000), w.Clock
			batch = append(batch, w.Leaf(x))
		}
		b.StartTimer()
		if _, err := l.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1024*float64(b.N)/b.Elapsed().Seconds(), "statements/s")
}

func BenchmarkProve(b *testing.B) {
	w, size := bigLog(b)
	i := int64(0)
	for b.Loop() {
		v := view(b, w)
		i = (i + 7919) % int64(size)
		if _, err := v.Tree.ProveLeaf(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFsck(b *testing.B) {
	w, _ := bigLog(b)
	for b.Loop() {
		rep, err := fsck.Check(b.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: trusting{w.Keyring}})
		if err != nil || !rep.OK() {
			b.Fatalf("%v, %v", rep.Problems[:1], err)
		}
	}
}
