package log

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// packages is how many packages the statements are about.
const packages = 5000

// trusting believes every signature: Tessera checks none either.
type trusting struct{ *sumdbtest.Keyring }

func (k trusting) Verifier(role, name string, hash uint32, at int64, now time.Time) (note.Verifier, error) {
	v, err := k.Keyring.Verifier(role, name, hash, at, now)
	return believer{v}, err
}

type believer struct{ note.Verifier }

func (believer) Verify(_, _ []byte) bool { return true }

func openWorld(t testing.TB, dir string) *sumdbtest.World {
	w := sumdbtest.New(t)
	w.Dir, w.KeyDir = filepath.Join(dir, "log"), filepath.Join(dir, "keys")
	w.Clock = sumdbtest.Start.AddDate(1, 0, 0)
	return w
}

func open(t testing.TB, w *sumdbtest.World, checked bool) *log.Log {
	o := w.Options()
	if !checked {
		o.Keys = trusting{w.Keyring}
	}
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// leaf is statement n, of about 300 bytes, really signed or with 64 zeros.
func leaf(t testing.TB, w *sumdbtest.World, n int, signed bool) []byte {
	if n == 0 {
		return w.Leaf(sumdbtest.Root(0))
	}
	x := sumdbtest.Source(n)
	x.Name, x.Head.Time = fmt.Sprintf("package-%d", n%packages), sumdbtest.Start.Add(time.Duration(n%31_000_000)*time.Second)
	if signed {
		return w.Leaf(x)
	}
	s, err := x.Statement()
	if err != nil {
		t.Fatal(err)
	}
	k := w.Signers[record.RoleBuilder]
	return append(s.Text(), note.Signature{Name: k.Name(), Hash: k.KeyHash(), Sig: make([]byte, 64)}.Line()...)
}

func size(t testing.TB, w *sumdbtest.World) int {
	c, _, err := store.Checkpoint(t.Context(), store.Folder(w.Dir), sumdbtest.Origin, w.LogKeys())
	if os.IsNotExist(err) {
		return 0
	}
	if err != nil {
		return 0
	}
	return int(c.Size)
}

// fill makes the log as long as n, unless it is.
func fill(t testing.TB, w *sumdbtest.World, n int) {
	l := open(t, w, false)
	for have := size(t, w); have < n; have = size(t, w) {
		var batch [][]byte
		for i := range min(4096, n-have) {
			batch = append(batch, leaf(t, w, have+i, false))
		}
		if _, err := l.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
}

// bulk appends batches of 1,024, so many with one call, and returns statements a second.
func bulk(t testing.TB, w *sumdbtest.World, batches, together int, checked bool) float64 {
	l := open(t, w, checked)
	first := 2_000_000 + size(t, w)
	var all [][]byte
	for i := range batches * batchSize {
		all = append(all, leaf(t, w, first+i, checked))
	}
	began := time.Now()
	for len(all) > 0 {
		n := min(len(all), together*batchSize)
		if _, err := l.Append(t.Context(), all[:n]...); err != nil {
			t.Fatal(err)
		}
		all = all[n:]
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return float64(batches*batchSize) / time.Since(began).Seconds()
}

// prove times the proof of one statement from the files, the checkpoint included,
// and its check.
func prove(t testing.TB, w *sumdbtest.World, n int) (proving, checking time.Duration) {
	const times = 300
	for k := range times {
		i := int64(k * 7919 % n)
		began := time.Now()
		v, err := log.Read(t.Context(), store.Folder(w.Dir), sumdbtest.Origin, w.LogKeys())
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Tree.ProveLeaf(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		proving += time.Since(began)
		data, err := v.Tree.Leaf(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		if err := store.CheckLeaf(data, i, v.Checkpoint.Size, v.Checkpoint.Root, p); err != nil {
			t.Fatal(err)
		}
		if s, err := record.ParseLeaf(data); err != nil || i > 0 && !s.Verify(w.Signers[record.RoleBuilder].Verifier()) && s.Kind() == "" {
			t.Fatal(err)
		}
		checking += time.Since(began)
	}
	return proving / times, checking / times
}

func check(t testing.TB, w *sumdbtest.World) time.Duration {
	began := time.Now()
	rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: trusting{w.Keyring}})
	if err != nil || !rep.OK() {
		t.Fatalf("fsck: %v %v", err, rep)
	}
	return time.Since(began)
}

// onDisk is the bytes of all files below dir.
func onDisk(t testing.TB, dir string) (bytes int64) {
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		fi, err := e.Info()
		bytes += fi.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
