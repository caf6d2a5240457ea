package durable

import (
	"errors"
	"os"
	"syscall"
)

// What follows is atomic for readers but not durable: for files that can be
// made again from others, and are checked when they are read.

// WriteCache replaces path with data. After a crash the file may be the old
// one, the new one, empty or cut short.
func WriteCache(path string, data []byte, perm os.FileMode) error {
	temp := tempName(path)
	f, err := openNew(temp, data, perm)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// Extend makes all the content of the file at path, of which the first from
// bytes are there already: it writes the rest behind them, or everything where
// the file is missing or shorter. Readers see it grow. After a crash any of what
// was written may be lost. A symbolic link at path is an error: a checkout could
// bring one that leads to somebody's own file.
func Extend(path string, from int64, all []byte, perm os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, perm)
	if err != nil {
		return err
	}
	size := int64(len(all))
	fi, err := f.Stat()
	if err == nil {
		if fi.Size() < from {
			from = 0
		}
		_, err = f.WriteAt(all[from:], from)
	}
	if err == nil && fi.Size() > size {
		err = f.Truncate(size)
	}
	return traced(errors.Join(err, f.Close()), Event{Op: "patch", Path: path, From: from, Size: size, Data: all[min(from, size):]})
}

// Remove removes a file. The removal is not durable before its folder is synced.
func Remove(path string) error { return remove(path) }
