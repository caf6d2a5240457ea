package resolve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// store reads every page and every metadata once, for all targets.
type store struct {
	ctx context.Context // ends with the call of Resolve
	src Source
	req *Request

	mu       sync.Mutex
	projects map[string]*future[*project]
	facts    map[string]*future[*facts]
	needs    map[string]*need
	running  sync.WaitGroup
	over     atomic.Bool // the answer is there: nothing more is read ahead
}

// aheadGrace is how long an answer that is there waits for what was asked for
// ahead. What is thrown away half read would be asked for again the next time,
// though a cache could have had it.
const aheadGrace = 100 * time.Millisecond

// settleAhead begins to read nothing more ahead, and waits a moment for what was begun.
func (s *store) settleAhead() {
	s.over.Store(true)
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(aheadGrace):
	case <-s.ctx.Done():
	}
}

// future is a value that somebody is reading.
type future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func newStore(ctx context.Context, src Source, req *Request) *store {
	return &store{ctx: ctx, src: src, req: req, projects: map[string]*future[*project]{},
		facts: map[string]*future[*facts]{}, needs: map[string]*need{}}
}

// begin returns the future under key, and starts read for it the first time.
func begin[T any](s *store, m map[string]*future[T], key string, read func() (T, error)) *future[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := m[key]; f != nil {
		return f
	}
	f := &future[T]{done: make(chan struct{})}
	m[key] = f
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer close(f.done)
		f.value, f.err = read()
	}()
	return f
}

func wait[T any](ctx context.Context, f *future[T]) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// askProject begins to read a page.
func (s *store) askProject(name string) *future[*project] {
	return begin(s, s.projects, name, func() (*project, error) {
		if d, ok := s.req.Direct[name]; ok && d.Local != "" {
			return localProject(name, d), nil
		} else if ok {
			return newProject(name, &index.Page{Name: name, Files: d.Files}, &Request{Hashes: s.req.Hashes}), nil
		}
		page, err := s.src.Page(s.ctx, name)
		var none *index.NotFoundError
		switch {
		case errors.As(err, &none):
			p := newProject(name, nil, s.req)
			p.lacks = none.Lacks()
			return p, nil
		case err != nil:
			return nil, err
		}
		return newProject(name, page, s.req), nil
	})
}

func (s *store) project(name string) (*project, error) {
	return wait(s.ctx, s.askProject(name))
}
