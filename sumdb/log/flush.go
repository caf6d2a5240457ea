package log

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// putOff is how long the files of the index may be behind while one large batch
// follows the other: each changes nearly all of them. What a reader finds
// meanwhile is right, but of an earlier index statement, as after a crash.
const putOff = 500 * time.Millisecond

// Flush writes the files of the package index that a series of large batches has
// put off. Log does it by itself half a second later; who is about to exit can
// have it at once. Otherwise the next writer brings them up to date.
func (l *Log) Flush(ctx context.Context) error {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	w := l.warm
	if w == nil || !w.behind {
		return nil
	}
	// Where another process has gone on, the files are its business.
	if c, _, err := l.present(ctx); err != nil || c.Size != w.checkpoint.Size || c.Root != w.checkpoint.Root {
		return err
	}
	if err := l.step("index", "index", w.index.commit); err != nil {
		l.cool()
		return err
	}
	w.behind, w.wrote = false, time.Now()
	return nil
}

// flushLater is asked for by the one whose turn it is.
func (l *Log) flushLater() {
	if l.timer != nil {
		return
	}
	l.timer = time.AfterFunc(putOff, func() {
		for {
			if _, err := os.Stat(l.o.Dir); err != nil {
				return // it may be gone by now
			}
			// Another writer may be at it for longer than one waits.
			if err := l.Flush(context.Background()); !errors.Is(err, durable.ErrLocked) {
				return
			}
		}
	})
}
