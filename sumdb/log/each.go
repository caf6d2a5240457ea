package log

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// An Outcome is what became of one leaf of a batch of unrelated ones.
type Outcome struct {
	Index int64 // of the leaf in the log; -1 if it was refused
	Held  bool  // the log held it before this batch, or the batch has it twice
	Err   error // why it was refused: a *record.DoorError, or one that wraps record.ErrMalformed
}

// AppendEach is AppendMissing for leaves that have nothing to do with each
// other: one that the door refuses does not stand in the way of the rest. The
// outcomes are in the order given; an error means that none of them is known.
func (l *Log) AppendEach(ctx context.Context, leaves ...[]byte) ([]Outcome, *Result, error) {
	s, err := l.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer s.end()
	out := make([]Outcome, len(leaves))
	indexes := make([]int64, len(leaves))
	admit := s.admitter(leaves)
	for i := range leaves {
		at, err := admit(i)
		var door *record.DoorError
		switch {
		case err == nil:
			out[i] = Outcome{Index: at}
		case errors.As(err, &door) && door.Rule == record.RuleHeld:
			out[i] = Outcome{Index: door.Index, Held: true}
		case errors.As(err, &door), errors.Is(err, record.ErrMalformed):
			out[i] = Outcome{Index: -1, Err: err}
		default:
			return nil, nil, err
		}
		indexes[i] = out[i].Index
	}
	res, err := s.commit(indexes)
	return out, res, err
}

// Cosign asks the witnesses to sign the published checkpoint again and
// publishes it with what they say now: the same tree, with younger
// cosignatures, so that readers can tell a quiet log from a frozen view of it.
// Nothing changes where Options.Witness is nil or the log is empty.
func (l *Log) Cosign(ctx context.Context) (*Result, error) {
	s, err := l.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	_, msg, err := l.publishedNote(ctx)
	if err != nil || l.o.Witness == nil {
		return &Result{Checkpoint: s.old, Note: msg}, err
	}
	// Without the cosignatures that it has: what comes back is what witnesses
	// sign now, not what they signed once.
	plain, err := s.bare(msg)
	if err != nil {
		return nil, err
	}
	if msg, err = s.cosign(s.old, plain); err != nil {
		return nil, err
	}
	err = s.l.write("checkpoint", filepath.Join(l.o.Dir, store.CheckpointPath), msg)
	return &Result{Checkpoint: s.old, Note: msg}, err
}

// bare is a checkpoint with the log's own signatures alone.
func (s *session) bare(msg []byte) ([]byte, error) {
	opened, err := note.Open(msg, s.l.o.LogKeys)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	n := note.Note{Text: opened.Text, Sigs: opened.Verified}
	return n.Bytes(), nil
}
