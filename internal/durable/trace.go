package durable

import "sync/atomic"

// An Event is one call that changed the file system.
type Event struct {
	// Op is write (a new file), patch (bytes of a file from From on, cut to Size),
	// sync, rename (to To), remove, mkdir or syncdir.
	Op   string
	Path string
	To   string
	Data []byte
	From int64
	Size int64
}

var tracer atomic.Pointer[func(Event)]

// Trace gives every change that this package makes in this process to record,
// once the call has returned, until stop is called. Tests replay what was
// recorded as a file system would that loses what was not synced. Record may be
// called by several goroutines at once.
func Trace(record func(Event)) (stop func()) {
	tracer.Store(&record)
	return func() { tracer.Store(nil) }
}

// traced passes an event on, unless err says that nothing was done.
func traced(err error, e Event) error {
	if record := tracer.Load(); record != nil && err == nil {
		(*record)(e)
	}
	return err
}
