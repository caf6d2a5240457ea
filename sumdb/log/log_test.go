package log_test

import (
	"errors"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

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
	}
	_, err := w.Log().Append(t.Context(), leaves[7])
	var door *record.DoorError
	if !errors.As(err, &door) || door.Rule != record.RuleHeld || door.Index != 7 {
		t.Errorf("appending twice: %v", err)
	}
	res, err := w.Log().AppendMissing(t.Context(), leaves[7], leaves[3])
	if err != nil || res.Indexes[0] != 7 || res.Indexes[1] != 3 {
		t.Errorf("AppendMissing: %v, %v", res, err)
	}
	_ = log.ErrNoMark
}
