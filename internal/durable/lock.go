package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrLocked says that another process, or another holder in this one, has the lock.
var ErrLocked = errors.New("locked by another process")

// lockPoll is how often LockWait tries again. A blocking flock could not be
// interrupted by a context.
const lockPoll = 5 * time.Millisecond

// Lock takes an exclusive flock on the file at path, which it creates, with its
// folder if only that is missing. It does not wait: when the lock is held the
// error wraps [ErrLocked]. The kernel drops the lock when the process ends,
// however it ends. unlock removes the file, and the folder if Lock made it and
// it is empty; calling it again does nothing.
func Lock(path string) (unlock func(), err error) {
	madeDir := false
	for {
		// Through a symbolic link samePath would never hold.
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			mkErr := os.Mkdir(filepath.Dir(path), 0o777)
			if mkErr != nil && !errors.Is(mkErr, fs.ErrExist) {
				return nil, fmt.Errorf("locking %s: %w", path, mkErr)
			}
			madeDir = mkErr == nil
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if err := flock(f); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrLocked
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		// The holder before us may have removed the file between our open and
		// our flock; then we hold a lock that nobody else can see.
		if !samePath(f, path) {
			f.Close()
			continue
		}
		return unlocker(f, path, madeDir), nil
	}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

func samePath(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

func unlocker(f *os.File, path string, madeDir bool) func() {
	return func() {
		if f == nil {
			return
		}
		// Removed while still held: see samePath.
		os.Remove(path)
		if madeDir {
			os.Remove(filepath.Dir(path))
		}
		f.Close()
		f = nil
	}
}

// LockWait is Lock, but waits until the lock is free or ctx ends; then the
// error wraps both [ErrLocked] and the context's error.
func LockWait(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := Lock(path)
		if !errors.Is(err, ErrLocked) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}
