package build

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// limits hold for all processes of one build together.
type limits struct {
	time, idle                time.Duration
	processes, files          int64
	memory, disk, tmp, shared int64 // bytes
	output                    int64 // bytes
}

// limits are those of one build here. What a build writes lies in memory, so on a
// small machine it may have less of it.
func (b *Builder) limits() limits {
	l := limits{
		time: or(b.Time, MaxTime), idle: or(b.Idle, MaxIdle), processes: or(b.Processes, MaxProcesses), files: or(b.Files, MaxFiles),
		memory: or(b.Memory, MaxMemory), disk: or(b.Disk, MaxDisk), output: MaxOutput,
	}
	if all, free := memoryHere(); all > 0 {
		// Other programs need what they have; but a machine that is short of memory
		// for a moment does not fail builds that it does every day.
		l.memory, l.disk = min(l.memory, max(free/4*3, enoughMemory), all/4*3), min(l.disk, all/4)
	}
	l.tmp, l.shared = l.disk/2, l.disk/8
	return l
}

// spare is how far above its limit a count is refused by the kernel, so that the
// watchdog sees a build reach the limit, ends it and says why.
const spare = 64

func tooMany(l limits) string {
	return fmt.Sprintf("it started processes without end (%d at once)", l.processes)
}

func tooMuch(l limits) string {
	return fmt.Sprintf("it took memory without end (more than %s)", size(l.memory))
}

// enoughMemory for whatever is usually built.
const enoughMemory = 4 << 30

// memoryHere is the memory of this machine, and what of it no program uses now, in
// bytes; 0 where it does not say.
func memoryHere() (all, free int64) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		name, rest, _ := strings.Cut(s.Text(), ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "MemTotal":
			all = n << 10
		case "MemAvailable":
			free = n << 10
		}
	}
	return all, free
}

// size is a number of bytes for a person.
func size(n int64) string {
	if n >= 1<<30 {
		return strings.Replace(fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)), ".0 ", " ", 1)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
