package index

import (
	"context"
	"sync"
)

// flight runs one call a key however many ask, and remembers successes. A call
// goes on while anybody waits for it: the first to ask may give up without
// taking the answer from the others.
type flight[T any] struct {
	mu    sync.Mutex
	calls map[string]*call[T]
}

type call[T any] struct {
	done    chan struct{}
	value   T
	err     error
	waiters int
	cancel  context.CancelFunc
}

func (f *flight[T]) do(ctx context.Context, key string, work func(context.Context) (T, error)) (T, error) {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]*call[T]{}
	}
	c := f.calls[key]
	if c == nil {
		inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
		c = &call[T]{done: make(chan struct{}), cancel: cancel}
		f.calls[key] = c
		go f.run(inner, key, c, work)
	}
	c.waiters++
	f.mu.Unlock()

	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.waiters--; c.waiters == 0 {
		select {
		case <-c.done: // finished meanwhile, and perhaps worth remembering
		default:
			if f.calls[key] == c {
				delete(f.calls, key) // the next to ask starts anew
			}
		}
		c.cancel()
	}
	var zero T
	return zero, context.Cause(ctx)
}

// at returns what is remembered under a key, or what take has without waiting
// for anything, which is then remembered.
func (f *flight[T]) at(key string, take func() (T, bool)) (v T, ok bool) {
	f.mu.Lock()
	c := f.calls[key]
	f.mu.Unlock()
	if c != nil {
		select {
		case <-c.done:
			return c.value, c.err == nil
		default:
			return v, false
		}
	}
	if v, ok = take(); !ok {
		return v, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]*call[T]{}
	}
	if f.calls[key] == nil {
		f.calls[key] = &call[T]{done: closed, value: v, cancel: func() {}}
	}
	return v, true
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (f *flight[T]) run(ctx context.Context, key string, c *call[T], work func(context.Context) (T, error)) {
	defer c.cancel()
	c.value, c.err = work(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.err != nil && f.calls[key] == c {
		delete(f.calls, key)
	}
	close(c.done)
}

// forget makes the next call with this key work anew.
func (f *flight[T]) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.calls, key)
}
