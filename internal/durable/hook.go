package durable

import "os"

// A hook runs each system call that changes something. Outside the tests it is
// nil and simply runs them; a test's hook may refuse before the call ("failed")
// or report an error after it ("failed but persisted").
type hook func(op, path string, do func() error) error

func (h hook) run(op, path string, do func() error) error {
	if h == nil {
		return do()
	}
	return h(op, path, do)
}

func (h hook) create(path string, data []byte, perm os.FileMode) error {
	return h.run("create", path, func() error { return createFile(path, data, perm) })
}

func (h hook) rename(from, to string) error {
	return h.run("rename", to, func() error { return rename(from, to) })
}

func (h hook) remove(path string) error {
	return h.run("remove", path, func() error { return remove(path) })
}

func (h hook) mkdir(path string, perm os.FileMode) error {
	return h.run("mkdir", path, func() error { return traced(os.Mkdir(path, perm), Event{Op: "mkdir", Path: path}) })
}

func (h hook) syncDir(dir string) error {
	return h.run("syncdir", dir, func() error { return SyncDir(dir) })
}
