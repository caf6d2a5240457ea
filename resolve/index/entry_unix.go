//go:build unix

package index

import (
	"time"

	"golang.org/x/sys/unix"
)

// readEntry returns what lies at path. Whatever is no regular file, is larger
// than it can be, or cannot be read counts as absent: a pipe would not end, and a
// cache need not be ours.
//
// A warm run reads hundreds of entries and does little else, and of the ten
// system calls that os.ReadFile makes for each six prepare for waiting.
func readEntry(path string, most int64) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFREG || info.Size > most {
		return nil
	}
	data := make([]byte, info.Size)
	for n := 0; n < len(data); {
		k, err := unix.Read(fd, data[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || k == 0 {
			return nil
		}
		n += k
	}
	return data
}

// lastUse is when an entry was last written or read.
func lastUse(path string) (time.Time, bool) {
	var info unix.Stat_t
	if err := unix.Lstat(path, &info); err != nil {
		return time.Time{}, false
	}
	wrote, read := time.Unix(info.Mtim.Unix()), time.Unix(info.Atim.Unix())
	if read.After(wrote) {
		return read, true
	}
	return wrote, true
}
