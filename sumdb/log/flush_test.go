package log_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// While one large batch follows the other the index may be behind, and nothing
// else is; Flush, or whoever appends next, brings it up to date.
func TestFlush(t *testing.T) {
	for _, flush := range []bool{true, false} {
		w := sumdbtest.New(t)
		leaves := w.Leaves(1600)
		l := w.Log()
		leftovers := func() int {
			t.Helper()
			rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
			if err != nil || !rep.OK() {
				t.Fatalf("%v, %v", rep, err)
			}
			return len(rep.Leftovers)
		}
		for i := 0; i < len(leaves); i += 400 {
			if _, err := l.Append(t.Context(), leaves[i:i+400]...); err != nil {
				t.Fatal(err)
			}
		}
		if flush {
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else {
			w.Append(w.Leaf(sumdbtest.Source(2000))) // by a writer that knows nothing of the first
		}
		if n := leftovers(); n != 0 {
			t.Errorf("flush %v: the index is behind", flush)
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Errorf("flush again: %v", err)
		}
		if n := leftovers(); n != 0 {
			t.Errorf("flush %v again: the index is behind", flush)
		}
	}
}

// moody is a key that does not sign checkpoints when it is told not to, as an
// agent that was locked.
type moody struct {
	note.Signer
	refuses bool
}

func (m *moody) Sign(msg []byte) ([]byte, error) {
	if m.refuses && !bytes.HasPrefix(msg, []byte("wheellock/v1 ")) {
		return nil, errFault
	}
	return m.Signer.Sign(msg)
}

// What a batch has told the index that is kept in memory is forgotten with the
// batch, wherever it was stopped.
func TestBatchThatWasNotSigned(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(600)
	o := w.Options()
	key := &moody{Signer: o.Signer}
	o.Signer = key
	l := openLog(t, o)
	if _, err := l.Append(t.Context(), leaves[:270]...); err != nil {
		t.Fatal(err)
	}
	key.refuses = true
	if _, err := l.Append(t.Context(), leaves[400:480]...); !errors.Is(err, errFault) {
		t.Fatalf("got %v", err)
	}
	key.refuses = false
	if _, err := l.Append(t.Context(), leaves[270:]...); err != nil {
		t.Fatal(err)
	}
	sound(t, w, leaves)
}
