package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A cage is a control group around one build. The kernel does not count processes
// against RLIMIT_NPROC for root, so where wheellock runs as root a build that forks
// without end is only held by a group; the same group caps the memory of all its
// processes together. Anybody else has the resource limits, and no right to make
// groups.
type cage struct{ dirs []string }

// cgroupRoot is where the hierarchies are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// cagePrefix begins a group's name; the number of the process that made it follows.
const cagePrefix = "wheellock-"

// newCage makes the groups that can be made here: one under the unified hierarchy,
// else one each under the old pids and memory hierarchies. Where there are none
// it returns an empty cage.
func newCage(l limits) *cage {
	c := &cage{}
	if os.Geteuid() != 0 {
		return c
	}
	sweep()
	name := cagePrefix + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if c.add(filepath.Join(cgroupRoot, name), "pids.max", l.processes+spare) {
		c.set("memory.max", l.memory)
		return c
	}
	c.add(filepath.Join(cgroupRoot, "pids", name), "pids.max", l.processes+spare)
	c.add(filepath.Join(cgroupRoot, "memory", name), "memory.limit_in_bytes", l.memory)
	// The processes of a group share what one process outside has: thousands that
	// spin do not keep wheellock from ending them. Under the unified hierarchy
	// the group above is enough.
	c.add(filepath.Join(cgroupRoot, "cpu", name), "cpu.shares", 1024)
	return c
}

// sweep removes the groups of wheellocks that were killed. A group that still holds
// a process cannot be removed, so nothing that runs is touched.
func sweep() {
	for _, pattern := range []string{cagePrefix + "*", "*/" + cagePrefix + "*"} {
		dirs, _ := filepath.Glob(filepath.Join(cgroupRoot, pattern))
		for _, d := range dirs {
			pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), cagePrefix), "-")
			if _, err := os.Stat(filepath.Join("/proc", pid)); os.IsNotExist(err) {
				os.Remove(d)
			}
		}
	}
}

// add makes a group with one limit, or leaves nothing.
func (c *cage) add(dir, file string, limit int64) bool {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return false
	}
	if err := write(filepath.Join(dir, file), limit); err != nil {
		os.Remove(dir)
		return false
	}
	c.dirs = append(c.dirs, dir)
	return true
}

func (c *cage) set(file string, limit int64) {
	// The memory controller may be off where the pids controller is on.
	_ = write(filepath.Join(c.dirs[len(c.dirs)-1], file), limit)
}

func write(path string, limit int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, limit)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// wrap makes a command line that enters the groups before it becomes args: a
// process that is moved after its start may have forked already.
func (c *cage) wrap(args []string) []string {
	if len(c.dirs) == 0 {
		return args
	}
	var b strings.Builder
	for _, d := range c.dirs {
		fmt.Fprintf(&b, "echo $$ > %s/cgroup.procs || exit 125; ", d)
	}
	return append([]string{"/bin/sh", "-c", b.String() + `exec "$@"`, "sh"}, args...)
}

// tripped says which limit of the groups was met; "" for none. What grew quicker than
// the watchdog looks is only seen here.
func (c *cage) tripped(l limits) string {
	for _, d := range c.dirs {
		switch {
		case counted(filepath.Join(d, "pids.events"), "max") > 0:
			return tooMany(l)
		case counted(filepath.Join(d, "memory.events"), "oom_kill")+counted(filepath.Join(d, "memory.oom_control"), "oom_kill") > 0:
			return tooMuch(l)
		}
	}
	return ""
}

// counted reads "NAME VALUE" lines.
func counted(path, name string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

// open removes the groups, once their processes are gone.
func (c *cage) open() {
	for _, d := range c.dirs {
		for range 50 {
			if os.Remove(d) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
