package repro

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/build"
)

// spare is the room that a build may need beside five times its source.
const spare = 256 << 20

// makeRoom picks where the copies are made: the memory file system if folders list
// their files there in the order in which they were made, programs may run from it,
// and it has the room. Else a folder of the cache, and why.
func (j *job) makeRoom() (why string, done func()) {
	j.copies = filepath.Join(j.temp, "copies")
	if j.Memory == "" {
		return "there is no memory file system", func() {}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(j.Memory, &fs); err != nil {
		return "there is no memory file system", func() {}
	}
	if need, have := j.source.bytes*5+spare, int64(fs.Bavail)*int64(fs.Bsize); need > have {
		return fmt.Sprintf("the copies need %d MiB in %s, which has %d", need>>20, j.Memory, have>>20), func() {}
	}
	sweep(j.Memory, memoryPrefix)
	dir, done, err := build.WorkDir(j.Memory, memoryPrefix)
	if err != nil {
		return err.Error(), func() {}
	}
	if !runsPrograms(dir) {
		why = j.Memory + " does not let programs run"
	} else if !orderShows(dir) {
		why = j.Memory + " lists files in an order of its own"
	}
	if why != "" {
		done()
		return why, func() {}
	}
	j.copies = dir
	return "", done
}

// The names of working folders begin with these.
const (
	workPrefix   = ".repro-"
	memoryPrefix = "wheellock-repro-"
)

// sweep removes the working folders that killed processes of this user have left.
// Others may write where a memory file system is mounted, so only our own are touched.
func sweep(dir, prefix string) {
	left, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
	for _, path := range left {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
			continue
		}
		if unlock, err := durable.Lock(filepath.Join(path, "lock")); err == nil {
			unlock()
			removeAll(path)
		}
	}
}

func runsPrograms(dir string) bool {
	path := filepath.Join(dir, "try")
	defer os.Remove(path)
	return os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700) == nil && exec.Command(path).Run() == nil
}

// orderShows reports whether the order in which files are made is that in which a
// folder lists them, or the other way round.
func orderShows(dir string) bool {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	var seen [2][]string
	for i := range seen {
		d := filepath.Join(dir, fmt.Sprint("try", i))
		if os.Mkdir(d, 0o700) != nil {
			return false
		}
		for _, n := range names {
			if os.WriteFile(filepath.Join(d, n), nil, 0o600) != nil {
				return false
			}
		}
		seen[i] = listed(d)
		os.RemoveAll(d)
		slices.Reverse(names)
	}
	slices.Reverse(seen[1])
	return len(seen[0]) == len(names) && slices.Equal(seen[0], seen[1])
}

// listed is what a folder lists, in its order.
func listed(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}
