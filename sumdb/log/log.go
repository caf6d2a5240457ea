// Package log writes and reads a log of statements in a folder of static files.
//
// # Folder
//
//	checkpoint  tile/...     what everybody reads: package tile
//	index/...                the package index: package index
//	.state/lock              flock of the writer
//	.state/journal           an append that is under way
//	.state/facts...          what the door must know; may be lost, is made again
//	.state/pruned            how many bundles have no superseded partial tiles beside them
//	.state/boot              the start of the machine after which index/ was looked through
//
// and, in the folder of the signing key (never in a project or wheelhouse):
//
//	marks/HEX                the highest checkpoint ever signed for an origin (HEX: of its sha256)
//	marks/HEX.lock           flock: one writer an origin, whatever the folder
//	marks/facts.key          secret that authenticates .state/facts
//
// # Appending
//
// [Log.Append] does, in this order (the reason for each stands at the step, in append.go):
//
//	lock, replay the journal, check our own checkpoint against the mark,
//	authenticate the right edge and the last bundle, ask the door,
//	compute and sign, journal, raise the mark, tiles, witnesses,
//	checkpoint, drop the journal
//
// and returns when the published checkpoint covers every statement. The
// checkpoint is replaced last of all public files, so whoever reads the folder
// at any instant finds a log that is whole; nothing that an older checkpoint
// rests on is ever changed.
//
// # Journal
//
//	wheellock-append/v1
//	wheels.example.org                                      origin
//	12 rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=        size and root hash before
//	203                                                     bytes of the new checkpoint
//	wheels.example.org ...                                  the new checkpoint, signed
//	(the new leaves as an entry bundle)
//	sha256 9f86d081...                                      of everything above
//
// Tiles are not in it: they follow from the old tree and the leaves, and replay
// computes them and compares the root hash, so that a journal that somebody
// slipped into a checkout cannot bring anything in that we have not signed.
package log

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

const (
	// MaxBatch is the largest number of statements appended at once.
	MaxBatch = 16384
	// MaxBatchBytes is the most that the leaves of one batch may have together.
	MaxBatchBytes = 64 << 20
	// DefaultGrace is how long superseded partial tiles stay when Options.Grace is zero.
	DefaultGrace = 10 * time.Minute
	// DefaultWait is how long an append waits for another writer when its
	// context has no deadline.
	DefaultWait = 30 * time.Second
)

// Options say what log to write, and with what.
type Options struct {
	Dir     string         // the log's folder
	Origin  string         // its name
	Signer  note.Signer    // the log's key, by which checkpoints and index statements are signed
	LogKeys note.Verifiers // keys that may have signed checkpoints of this log, Signer's and former ones
	Keys    record.Keys    // who may sign which statements
	KeyDir  string         // the folder of the log's key, where the mark lies

	// Create allows the first append to a folder that holds no log and for
	// whose origin there is no mark.
	Create bool
	// Published is the newest checkpoint (a signed note) as others see it. It
	// takes the place of the mark on a machine that has none.
	Published []byte
	// Witness, if not nil, is given each new signed checkpoint and the size
	// before, and returns it with cosignatures. An error stops the append
	// before anything is published; the next append completes it.
	Witness func(ctx context.Context, oldSize int64, checkpoint []byte, tree *store.Tree) ([]byte, error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Grace is how long a partial tile stays after the full one is there; zero
	// is DefaultGrace, negative for ever.
	Grace time.Duration
}

// A Log is the writer of one log. It is safe for concurrent use: appends take turns.
type Log struct {
	o     Options
	fault faultHook
	warm  *warmState    // what the last append of this process left
	turn  chan struct{} // held by the session: flock alone does not order goroutines
	timer *time.Timer   // of flushLater; nil unless it runs
}

// faultHook runs every step that changes something on the disk; tests put
// failures there.
type faultHook func(step, path string, do func() error) error

// ErrUnfinished is wrapped by the error of an append that was stopped after its
// journal was written: the statements are signed for, and the next append
// completes it first. [Log.AppendMissing] then finds them.
var ErrUnfinished = errors.New("append is not finished; the next one completes it")

// ErrNoLog says that the folder holds no log, and Create does not allow to begin one.
var ErrNoLog = errors.New("there is no log here")

// ErrNoMark says that this machine does not know how far the log was ever
// signed: it needs the published checkpoint.
var ErrNoMark = errors.New("no high-water mark survives beside the log's key: the published checkpoint is needed")

// A StateError says that the log in the folder cannot be appended to: it is
// damaged, or is not the newest that was signed. It is never mended silently.
type StateError struct {
	Path string // file concerned
	Msg  string
	Err  error // may be nil
}

func (e *StateError) Error() string {
	s := "refusing to append: " + e.Path + ": " + e.Msg
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *StateError) Unwrap() error { return e.Err }

// A RefusedError says that the door refused a leaf, and with it the whole batch.
type RefusedError struct {
	Number int   // of the leaf within the batch, from 0
	Err    error // a *record.DoorError, or one that wraps record.ErrMalformed
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("leaf %d of the batch: %v", e.Number, e.Err)
}
func (e *RefusedError) Unwrap() error { return e.Err }

// Result says where statements are in the log.
type Result struct {
	Indexes    []int64 // of each leaf given, in the order given
	Checkpoint tile.Checkpoint
	Note       []byte // the published checkpoint, signed
}

// Open prepares to write a log. It reads and changes nothing yet.
func Open(o Options) (*Log, error) {
	if !record.ValidOrigin(o.Origin) {
		return nil, fmt.Errorf("opening a log: %q cannot be an origin", o.Origin)
	}
	if o.Signer == nil || o.LogKeys == nil || o.Keys == nil || o.Dir == "" || o.KeyDir == "" {
		return nil, errors.New("opening a log: folder, key folder, signer and keys are needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	return &Log{o: o, turn: make(chan struct{}, 1)}, nil
}

func (l *Log) statePath(name string) string { return filepath.Join(l.o.Dir, ".state", name) }

func (l *Log) step(step, path string, do func() error) error {
	if l.fault == nil {
		return do()
	}
	return l.fault(step, path, do)
}

func (l *Log) write(step, path string, data []byte) error {
	return l.step(step, path, func() error {
		if err := durable.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		return durable.WriteFile(path, data, 0o644)
	})
}

// lock takes this Log's turn, the folder's lock and then the origin's: always in this order, so
// that two writers cannot each hold one.
func (l *Log) lock(ctx context.Context) (func(), error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultWait)
		defer cancel()
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.Join(durable.ErrLocked, ctx.Err())
	}
	unlock, err := l.lockFiles(ctx)
	if err != nil {
		<-l.turn
		return nil, err
	}
	return func() { unlock(); <-l.turn }, nil
}

func (l *Log) lockFiles(ctx context.Context) (func(), error) {
	if err := l.makeFolders(); err != nil {
		return nil, err
	}
	folder, err := durable.LockWait(ctx, l.statePath("lock"))
	if err != nil {
		return nil, err
	}
	origin, err := durable.LockWait(ctx, markPath(l.o.KeyDir, l.o.Origin)+".lock")
	if err != nil {
		folder()
		return nil, err
	}
	return func() { origin(); folder() }, nil
}

func (l *Log) makeFolders() error {
	if err := durable.MkdirAll(l.o.Dir, 0o777); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(l.statePath("lock")), filepath.Dir(markPath(l.o.KeyDir, l.o.Origin))} {
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return l.ignoreState()
}

// ignoreState keeps .state out of git: that of one working copy is of no use in
// another.
func (l *Log) ignoreState() error {
	ignore := l.statePath(".gitignore")
	if _, err := os.Lstat(ignore); err != nil {
		return durable.WriteCache(ignore, []byte("*\n"), 0o600)
	}
	return nil
}

// Recover completes an append that was interrupted; nothing happens when there
// is none. Append does it too.
func (l *Log) Recover(ctx context.Context) error {
	s, err := l.begin(ctx)
	if err != nil {
		return err
	}
	s.end()
	return nil
}
