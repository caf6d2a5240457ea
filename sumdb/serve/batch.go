package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

// appendWait bounds one append, other writers and witnesses included.
const appendWait = 50 * time.Second

// run appends what comes through the queue, batch by batch, until it is closed.
func (s *Server) run() {
	defer close(s.stopped)
	var tick <-chan time.Time
	if s.o.Refresh > 0 {
		t := time.NewTicker(s.o.Refresh)
		defer t.Stop()
		tick = t.C
	}
	retry := time.NewTicker(s.o.Retry)
	defer retry.Stop()
	for {
		select {
		case <-retry.C:
			if s.broken.Load() != nil {
				s.mend()
			}
		case first, open := <-s.queue:
			if !open {
				s.flush()
				return
			}
			s.commit(s.collect(first))
		case <-tick:
			s.refresh()
		}
	}
}

// flush writes what large batches have put off.
func (s *Server) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), appendWait)
	defer cancel()
	if err := s.writer.Load().Log.Flush(ctx); err != nil {
		s.o.Failed(err)
	}
}

// collect waits a little for company.
func (s *Server) collect(first *request) []*request {
	batch := []*request{first}
	end := time.NewTimer(s.o.Collect)
	defer end.Stop()
	for len(batch) < MaxBatch {
		select {
		case req, open := <-s.queue:
			if !open {
				return batch
			}
			batch = append(batch, req)
		case <-end.C:
			return batch
		}
	}
	return batch
}

// commit appends a batch and answers everybody in it.
func (s *Server) commit(batch []*request) {
	// Not the context of any request: who leaves does not take the others along.
	ctx, cancel := context.WithTimeout(context.Background(), appendWait)
	defer cancel()
	answers, err := s.append(ctx, batch)
	if err != nil {
		no := s.unable(err)
		s.fail(err)
		for _, req := range batch {
			req.done <- answer{err: no}
		}
		return
	}
	s.broken.Store(nil)
	for i, req := range batch {
		req.done <- answers[i]
	}
}

func (s *Server) fail(err error) {
	msg := err.Error()
	s.broken.Store(&msg)
	s.metrics.failures.Add(1)
}

func (s *Server) append(ctx context.Context, batch []*request) ([]answer, error) {
	// Another process may have brought in a root; after a failure nothing that
	// is remembered is to be relied on.
	if s.newRoot() || s.broken.Load() != nil {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	w := s.writer.Load()
	leaves := make([][]byte, len(batch))
	for i, req := range batch {
		leaves[i] = req.signed.Leaf
	}
	start := s.o.Now()
	outcomes, res, err := w.Log.AppendEach(ctx, leaves...)
	if err != nil {
		return nil, err
	}
	s.size.Store(res.Checkpoint.Size)
	s.metrics.batches.Add(1)
	s.metrics.appends.observe(s.o.Now().Sub(start))
	tree := store.NewTree(store.Folder(s.o.Dir), res.Checkpoint.Size, res.Checkpoint.Root)
	answers := make([]answer, len(batch))
	for i, o := range outcomes {
		if answers[i], err = s.answer(ctx, tree, res, leaves[i], o); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// answer makes the proof of a statement that is in the log.
func (s *Server) answer(ctx context.Context, tree *store.Tree, res *log.Result, leaf []byte, o log.Outcome) (answer, error) {
	if o.Err != nil {
		return answer{outcome: o}, nil
	}
	if !o.Held {
		s.metrics.added.Add(1)
	} else if held, err := tree.Leaf(ctx, o.Index); err != nil {
		return answer{}, err
	} else {
		// The same claim, perhaps in another spelling of its signature: the proof
		// is of what the log holds.
		leaf = held
	}
	hashes, err := tree.ProveLeaf(ctx, o.Index)
	if err != nil {
		return answer{}, err
	}
	p := tlogproof.Proof{Extra: leaf, Index: o.Index, Hashes: hashes, Checkpoint: res.Note}
	return answer{outcome: o, proof: p.Format()}, nil
}

// refresh lets the witnesses sign what is published again.
func (s *Server) refresh() {
	if err := s.cosign(); err != nil {
		s.o.Failed(err)
		s.fail(err)
		return
	}
	s.broken.Store(nil)
}

func (s *Server) cosign() error {
	ctx, cancel := context.WithTimeout(context.Background(), appendWait)
	defer cancel()
	if s.newRoot() || s.broken.Load() != nil {
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	_, err := s.writer.Load().Log.Cosign(ctx)
	return err
}

// mend finds out whether what made the last append fail has passed, so that
// /healthz does not say for ever what nobody happens to disprove: it does all that
// an append does, but for a statement.
func (s *Server) mend() {
	err := s.room()
	if err == nil {
		err = s.cosign()
	}
	if err == nil {
		s.broken.Store(nil)
		return
	}
	// The same again is no news.
	if msg := err.Error(); msg != *s.broken.Load() {
		s.o.Failed(err)
		s.broken.Store(&msg)
	}
}

// room is what the disk must still take for the log to count as healthy: a full
// bundle of large statements, and what goes with it.
const room = 4 << 20

func (s *Server) room() error {
	path := filepath.Join(s.o.Dir, ".state", "room")
	if err := durable.WriteFile(path, make([]byte, room), 0o600); err != nil {
		return fmt.Errorf("trying whether the disk takes more: %w", err)
	}
	return os.Remove(path)
}
