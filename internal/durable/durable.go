// Package durable replaces files so that a crash, a full disk or a second
// process never leaves half of one behind, and takes file locks.
//
// # One file
//
// [WriteFile] makes these system calls, in this order:
//
//	openat(".wheellock-0123456789abcdef.tmp", O_CREAT|O_EXCL)   in the target's own folder: a rename
//	                                                            is atomic only within one file system
//	write, fsync(file)   before the rename: otherwise a crash may leave the new name
//	                     with no or old content (delayed allocation)
//	rename(temp, path)   readers see the old bytes or the new bytes, never a mixture
//	fsync(folder)        until then the rename itself may be lost
//
// An error of fsync is final: after it the kernel may have dropped the dirty
// pages and a second fsync would report success for bytes that are gone, so
// nothing here tries again.
//
// # Several files
//
// A [Tx] replaces several files in a given order, all or none:
//
//	DIR/journal.prepared   written durably: what will be replaced, by which temporary file, with which hash
//	temporary files        written beside their targets, each fsynced, then their folders
//	rename to DIR/journal  fsync(DIR): this is the instant at which the transaction has happened
//	renames, in order      each followed by fsync of its folder
//	DIR/journal removed    fsync(DIR)
//
// [Recover] finishes what a crash interrupted: with DIR/journal it does the
// remaining renames, with only DIR/journal.prepared it removes the temporary
// files. The journal is text, one tab separated record a line, paths relative to DIR:
//
//	wheellock-journal/v1
//	folder	../locks
//	file	../wheels.lock	../.wheellock-0123456789abcdef.tmp	9f86d081884c7d65...
//	end
//
// A journal may come with a hostile checkout. It can do no harm: a temporary
// file must lie in the same folder as its target, bear our pattern of name and
// have the recorded hash, so that a journal can only rename files that whoever
// wrote it could already place there, and only remove files of that pattern
// and empty folders.
package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	tempPrefix = ".wheellock-"
	tempSuffix = ".tmp"
	tempDigits = 16
)

// TempName returns a fresh file name for a temporary file.
func TempName() string {
	var b [tempDigits / 2]byte
	rand.Read(b[:])
	return tempPrefix + hex.EncodeToString(b[:]) + tempSuffix
}

// tempName returns a temporary file's path in the folder of path.
func tempName(path string) string { return filepath.Join(filepath.Dir(path), TempName()) }

// IsTemp reports whether name, a file name without folder, is one that this
// package gives to its temporary files. Walks over folders skip them.
func IsTemp(name string) bool {
	mid, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	mid, ok = strings.CutSuffix(mid, tempSuffix)
	if !ok || len(mid) != tempDigits {
		return false
	}
	return strings.Trim(mid, "0123456789abcdef") == ""
}

// WriteFile replaces path with data, atomically and durably: when it returns
// nil the new bytes survive a crash, when it returns an error path is as it was
// or, if only the last step did not work, new. The folder must exist. The mode
// is perm less the umask; where path exists it is narrowed to the bits that the
// old mode had too, so that replacing never opens a file to more readers.
func WriteFile(path string, data []byte, perm os.FileMode) error {
	return writeFile(nil, path, data, perm)
}

func writeFile(h hook, path string, data []byte, perm os.FileMode) error {
	temp := tempName(path)
	if err := h.create(temp, data, narrow(path, perm)); err != nil {
		os.Remove(temp)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := h.rename(temp, path); err != nil {
		os.Remove(temp)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := h.syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// narrow returns the bits of perm that an existing file at path has too.
func narrow(path string, perm os.FileMode) os.FileMode {
	if fi, err := os.Lstat(path); err == nil && fi.Mode().IsRegular() {
		return perm & fi.Mode().Perm()
	}
	return perm
}

// createFile writes a new file and fsyncs it. It fails if path exists.
func createFile(path string, data []byte, perm os.FileMode) error {
	f, err := openNew(path, data, perm)
	if err != nil {
		return err
	}
	err = traced(f.Sync(), Event{Op: "sync", Path: path})
	// A network file system may report a full disk only at close.
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// openNew writes a new file and leaves it open. It fails if path exists.
func openNew(path string, data []byte, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, err
	}
	return f, traced(nil, Event{Op: "write", Path: path, Data: data})
}

func rename(from, to string) error {
	return traced(os.Rename(from, to), Event{Op: "rename", Path: from, To: to})
}

func remove(path string) error { return traced(os.Remove(path), Event{Op: "remove", Path: path}) }

// SyncDir makes the names in a folder durable: files created, renamed and removed in it.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some network and user-space file systems answer EINVAL for any folder;
	// there is nothing more that we could do on them.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return traced(nil, Event{Op: "syncdir", Path: dir})
}

// MkdirAll makes dir and its missing parents with perm less the umask, and
// fsyncs the folder above each one made.
func MkdirAll(dir string, perm os.FileMode) error {
	_, err := mkdirAll(nil, dir, perm)
	return err
}

// mkdirAll returns the folders that it made, outermost first.
func mkdirAll(h hook, dir string, perm os.FileMode) ([]string, error) {
	missing, err := missingDirs(dir)
	if err != nil {
		return nil, err
	}
	var made []string
	for _, d := range missing {
		if err := h.mkdir(d, perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return made, err
		}
		made = append(made, d)
		if err := h.syncDir(filepath.Dir(d)); err != nil {
			return made, err
		}
	}
	return made, nil
}

// missingDirs lists dir and those of its parents that do not exist, outermost first.
func missingDirs(dir string) ([]string, error) {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		fi, err := os.Stat(d)
		if err == nil {
			if !fi.IsDir() {
				return nil, &fs.PathError{Op: "mkdir", Path: d, Err: syscall.ENOTDIR}
			}
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		missing = append([]string{d}, missing...)
		if filepath.Dir(d) == d {
			break
		}
	}
	return missing, nil
}

// RemoveTemps removes the temporary files that interrupted writes left in dir
// (not below it). The caller holds whatever lock keeps other writers out. A
// folder that does not exist has none.
func RemoveTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !IsTemp(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
