package build

import (
	"os"
	"path/filepath"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// workPrefixes begin the names of folders that are in use while a process lives:
// a build's source, what a run has built, metadata that was asked for, kept wheels
// and environments that are being written.
var workPrefixes = []string{".build-", ".out-", ".metadata-", ".new-"}

// young is how old a folder must be before it can count as left behind: between
// making it and locking it a process may be stopped.
const young = time.Minute

// WorkDir makes a folder in dir that nobody else sweeps while this process lives.
// done removes it.
func WorkDir(dir, prefix string) (path string, done func(), err error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	if path, err = os.MkdirTemp(dir, prefix); err != nil {
		return "", nil, err
	}
	// The kernel drops the lock however the process ends. A number in the name
	// would not do: containers that share a cache have numbers of their own.
	unlock, err := durable.Lock(filepath.Join(path, "lock"))
	if err != nil {
		os.RemoveAll(path)
		return "", nil, err
	}
	return path, func() { unlock(); removeAll(path) }, nil
}

// Sweep removes the folders in dir that killed processes have left behind.
func Sweep(dir string) {
	for _, prefix := range workPrefixes {
		left, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
		for _, path := range left {
			info, err := os.Lstat(path)
			if err != nil || !info.IsDir() || time.Since(info.ModTime()) < young {
				continue
			}
			unlock, err := durable.Lock(filepath.Join(path, "lock"))
			if err != nil {
				continue // in use
			}
			unlock()
			removeAll(path)
		}
	}
}
