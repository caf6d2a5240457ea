package index

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// minRate is the least speed of a transfer, in bytes a second.
const minRate = 1 << 10

// stallReader reads a body and cancels its request when an interval passes in
// which less than minRate came. A server that trickles one byte a second would
// otherwise hold a run for ever: no single read ever times out.
type stallReader struct {
	body     io.ReadCloser
	interval time.Duration
	cancel   context.CancelCauseFunc
	ctx      context.Context
	timer    *time.Timer
	seen     atomic.Int64
	last     int64 // seen at the last tick; used by the timer's function only
	closed   atomic.Bool
}

func newStallReader(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, interval time.Duration) *stallReader {
	s := &stallReader{body: body, interval: interval, cancel: cancel, ctx: ctx}
	s.timer = time.AfterFunc(interval, s.tick)
	return s
}

func (s *stallReader) tick() {
	now := s.seen.Load()
	got := now - s.last
	s.last = now
	if s.closed.Load() {
		return
	}
	if float64(got) < minRate*s.interval.Seconds() {
		s.cancel(&StallError{Interval: s.interval, Received: got})
		return
	}
	s.timer.Reset(s.interval)
}

func (s *stallReader) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.seen.Add(int64(n))
	if err != nil && err != io.EOF {
		if cause := context.Cause(s.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

func (s *stallReader) Close() error {
	s.closed.Store(true)
	s.timer.Stop()
	err := s.body.Close()
	s.cancel(context.Canceled)
	return err
}
