package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/merge"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// stateFolder holds the lock of a running verb and the journal of its
// transaction. It goes away with them.
const stateFolder = ".wheellock"

// lockWait is how long a verb waits for another one in the same project.
const lockWait = 3 * time.Second

// session is one project that a verb works in.
type session struct {
	*app
	dir     string
	project *pyproject.Project
	locked  *lock.Lock // nil: there is no wheels.lock
	raw     []byte     // its bytes
	unlock  func()
	temp    []string // folders to remove at the end
	undo    []func() // and what else is to be let go of

	clientMu    sync.Mutex
	theClient   *index.Client
	clientNotes onceEach

	builderOnce sync.Once
	theBuilder  *build.Builder
}

// openForWriting opens the project and keeps other writing verbs out until
// close.
func (a *app) openForWriting(ctx context.Context) (*session, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, cmp.Or(a.Limits.Lock, lockWait))
	defer cancel()
	unlock, err := durable.LockWait(wait, filepath.Join(dir, stateFolder, "lock"))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	s, err := a.open(dir)
	if err != nil {
		unlock()
		return nil, err
	}
	s.unlock = func() {
		unlock()
		// A killed verb leaves the folder; it goes once nothing is in it.
		_ = os.Remove(filepath.Join(dir, stateFolder))
	}
	return s, nil
}

// openForReading opens the project as it is.
func (a *app) openForReading() (*session, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	if err := a.recover(dir); err != nil {
		return nil, err
	}
	return a.load(dir)
}

// recover completes what an interrupted verb left, for a verb that only reads.
// Whoever holds the lock does it; if a verb is at work now, the files are whole
// anyway, and a read-only checkout can still be read.
func (a *app) recover(dir string) error {
	state := filepath.Join(dir, stateFolder)
	if !exists(state) {
		return nil
	}
	unlock, err := durable.Lock(filepath.Join(state, "lock"))
	if err != nil {
		return nil
	}
	defer unlock()
	return durable.Recover(state)
}

func (a *app) open(dir string) (*session, error) {
	if err := durable.Recover(filepath.Join(dir, stateFolder)); err != nil {
		return nil, err
	}
	return a.load(dir)
}

func (a *app) load(dir string) (*session, error) {
	p, err := pyproject.Open(dir, a.config)
	if err != nil {
		return nil, err
	}
	s := &session{app: a, dir: dir, project: p, unlock: func() {}}
	path := filepath.Join(dir, lock.FileName)
	b, err := readCapped(path, lock.MaxSize)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.raw = b
	if s.locked, err = lock.Parse(lock.FileName, b); err == nil {
		return s, nil
	}
	if !a.mayMerge || !merge.InConflict(b) {
		return nil, err
	}
	var names []string
	if s.locked, names, err = merge.Read(lock.FileName, b); err != nil {
		return nil, err
	}
	s.say("%s has conflicts of a merge: resolving %s again, the rest is kept", lock.FileName, strings.Join(names, ", "))
	return s, nil
}

func (s *session) close() {
	s.clientMu.Lock()
	if s.theClient != nil {
		s.theClient.WritePack()
		s.theClient.Sweep()
	}
	s.clientMu.Unlock()
	for _, d := range s.temp {
		os.RemoveAll(d)
	}
	for _, f := range s.undo {
		f()
	}
	s.unlock()
}

// needLock returns an error where there is no lock yet.
func (s *session) needLock() error {
	if s.locked == nil {
		hint := "wheellock add NAME"
		if s.project != nil && len(s.project.Inputs) > 0 {
			hint = "wheellock lock"
		}
		return invalid(hint, "there is no %s in %s", lock.FileName, filepath.Base(s.dir))
	}
	return nil
}

// folder is the project's folder: -C, or the working folder.
func (a *app) folder() (string, error) {
	dir := a.World.Dir
	if a.dir != "" {
		dir = a.dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(a.World.Dir, dir)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return "", usage("-C %s: no such folder", a.dir)
	}
	return dir, nil
}

// path makes a path from the command line absolute, as the user's shell sees it.
func (a *app) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.World.Dir, p)
}

// cache is the folder for downloads and build environments.
func (a *app) cache() (string, error) {
	if a.cacheDir != "" {
		return a.path(a.cacheDir), nil
	}
	return a.userFolder("XDG_CACHE_HOME", ".cache")
}

// keyFolder is where private keys and the log's high-water mark lie: never in a
// project, so that no commit can carry them away.
func (a *app) keyFolder() (string, error) {
	dir, err := a.userFolder("XDG_CONFIG_HOME", ".config")
	return filepath.Join(dir, "keys"), err
}

func (a *app) userFolder(variable, fallback string) (string, error) {
	// The XDG base directory specification: a relative path is to be ignored.
	if dir := a.Getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, "wheellock"), nil
	}
	home := a.Getenv("HOME")
	if home == "" {
		return "", environment("set HOME or "+variable, "neither HOME nor %s is set", variable)
	}
	return filepath.Join(home, fallback, "wheellock"), nil
}

// first is the first of these variables that is set.
func (a *app) first(names ...string) string {
	for _, n := range names {
		if v := a.Getenv(n); v != "" {
			return v
		}
	}
	return ""
}

// readCapped reads a whole file of at most limit bytes.
func readCapped(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		// A link to /dev/zero in somebody's branch has no end, a pipe none to wait for.
		return nil, invalid("git log -- "+filepath.Base(path), "%s is not a regular file", filepath.Base(path))
	}
	if info.Size() > limit {
		return nil, invalid("", "%s has %d bytes, the most is %d", filepath.Base(path), info.Size(), limit)
	}
	return os.ReadFile(path)
}

// onceEach does something once for each key.
type onceEach struct {
	mu   sync.Mutex
	done map[string]bool
}

// Do runs f unless it has been run under this key.
func (o *onceEach) Do(key string, f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done[key] {
		return
	}
	if o.done == nil {
		o.done = map[string]bool{}
	}
	o.done[key] = true
	f()
}
