package log_test

import (
	"context"
	"errors"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func TestAppendEach(t *testing.T) {
	w := sumdbtest.New(t)
	leaves := w.Leaves(4)
	w.Append(leaves[:2]...)
	changed := sumdbtest.Source(1)
	changed.File.SHA256 = sumdbtest.Digest("other bytes")
	out, res, err := w.Log().AppendEach(t.Context(), leaves[2], w.Leaf(changed), leaves[1], []byte("noise"), leaves[3], leaves[3])
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		index int64
		held  bool
		rule  record.Rule
	}{{2, false, ""}, {-1, false, record.RuleSource}, {1, true, ""}, {-1, false, ""}, {3, false, ""}, {3, true, ""}} {
		if o := out[i]; o.Index != want.index || o.Held != want.held || rule(o.Err) != want.rule || (o.Err != nil) != (want.index < 0) {
			t.Errorf("leaf %d: %+v", i, o)
		}
	}
	if res.Checkpoint.Size != 4 {
		t.Errorf("size %d", res.Checkpoint.Size)
	}
	sound(t, w, leaves)
}

func TestCosign(t *testing.T) {
	w := sumdbtest.New(t)
	now := int64(1000)
	witness := &note.Cosigner{Key: sumdbtest.Key(t, "witness.example"), Now: func() int64 { return now }}
	o := w.Options()
	var asked [][2]int64
	var fail error
	o.Witness = func(_ context.Context, old int64, msg []byte, tree *store.Tree) ([]byte, error) {
		asked = append(asked, [2]int64{old, tree.Size()})
		n, err := note.Parse(msg)
		if err != nil || len(n.Sigs) != 1 || fail != nil {
			return nil, errors.Join(err, fail)
		}
		sig, err := witness.Sign([]byte(n.Text))
		n.Sigs = append(n.Sigs, note.Signature{Name: witness.Name(), Hash: witness.KeyHash(), Sig: sig})
		return n.Bytes(), err
	}
	l, err := log.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), w.Leaves(3)...); err != nil {
		t.Fatal(err)
	}
	before := view(t, w)
	now = 2000
	if _, err := l.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := view(t, w)
	if after.Checkpoint.Text() != before.Checkpoint.Text() || string(after.Note) == string(before.Note) {
		t.Errorf("the tree changed, or the cosignature did not")
	}
	if len(asked) != 2 || asked[1] != [2]int64{3, 3} {
		t.Errorf("witnesses were asked %v", asked)
	}
	fail = errors.New("away")
	if _, err := l.Cosign(t.Context()); !errors.Is(err, fail) {
		t.Errorf("without the witness: %v", err)
	}
	if string(view(t, w).Note) != string(after.Note) {
		t.Error("a failure changed the checkpoint")
	}
}
