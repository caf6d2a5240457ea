//go:build linux

package build

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How often a build is looked at. A process that forks as quickly as two cores
// allow makes some hundred others in that time, and one that allocates takes some
// hundred megabytes.
const watchEvery = 50 * time.Millisecond

// A watchdog counts what the processes of one sandbox have taken, from outside,
// and ends them all when it is too much. It needs no right but that over its own
// processes, so limits hold where nobody may make control groups, and for root,
// whose processes the kernel does not count against RLIMIT_NPROC.
//
// It sees the sandbox through its process 1: /proc/PID/root is the sandbox's
// file system, whose own /proc lists the sandbox's processes and no others.
type watchdog struct {
	limits
	pid     int
	handle  int // pidfd of process 1, which the kernel does not give to another
	root    string
	net     []*os.File // counters of the sandbox's network namespace
	output  *cappedLog
	stop    chan struct{}
	done    chan struct{}
	reason  atomic.Pointer[string]
	cage    *cage
	ticks   int64 // processor time at the last change
	changed time.Time
	looked  time.Time
	parts   chan int64 // what shares has counted; nil: it does not count now
}

// watch reads bubblewrap's --info-fd and begins to look. It returns nil where the
// sandbox ended before it could be seen.
func watch(info io.Reader, l limits, c *cage, output *cappedLog) *watchdog {
	var said struct {
		PID int `json:"child-pid"`
	}
	if json.NewDecoder(io.LimitReader(info, 1<<16)).Decode(&said) != nil || said.PID <= 1 {
		return nil
	}
	handle, err := unix.PidfdOpen(said.PID, 0)
	if err != nil {
		return nil
	}
	w := &watchdog{
		limits: l, pid: said.PID, handle: handle, root: fmt.Sprintf("/proc/%d/root", said.PID), output: output, cage: c,
		stop: make(chan struct{}), done: make(chan struct{}), changed: time.Now(),
	}
	for _, name := range []string{"snmp", "snmp6"} {
		// An open file keeps the counters after the last process is gone.
		if f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", said.PID, name)); err == nil {
			w.net = append(w.net, f)
		}
	}
	go w.run()
	return w
}

func (w *watchdog) run() {
	defer close(w.done)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			if why := w.look(); why != "" {
				w.reason.Store(&why)
				w.kill()
				return
			}
		}
	}
}

// kill ends process 1 of the sandbox, and the kernel all others with it.
func (w *watchdog) kill() { _ = unix.PidfdSendSignal(w.handle, unix.SIGKILL, nil, 0) }

// end stops looking, when bubblewrap has ended, and says what was the matter; ""
// when nothing was.
func (w *watchdog) end() string {
	if w == nil {
		return ""
	}
	w.kill()
	close(w.stop)
	<-w.done
	unix.Close(w.handle)
	tried := w.cage.tripped(w.limits)
	if tried == "" {
		tried = w.network()
	}
	for _, f := range w.net {
		f.Close()
	}
	if why := w.reason.Load(); why != nil {
		return *why
	}
	return tried
}

// look returns why the build has to be stopped; "" when it may go on.
func (w *watchdog) look() string {
	if n := w.output.written.Load(); n > w.limits.output {
		return fmt.Sprintf("it wrote output without end (more than %s)", size(w.limits.output))
	}
	var scratch int64
	for _, m := range []struct {
		dir   string
		limit int64
	}{{"/build", w.disk}, {"/tmp", w.tmp}, {"/dev/shm", w.shared}} {
		used, files, full := usage(w.root + m.dir)
		if used > m.limit || full {
			return fmt.Sprintf("it filled the disk (%s in %s)", size(m.limit), m.dir)
		}
		if files > w.files {
			return fmt.Sprintf("it made files without end (more than %d in %s)", w.files, m.dir)
		}
		scratch += used
	}
	return w.processesNow(scratch)
}

// usage is what a memory file system holds.
func usage(dir string) (bytes, files int64, full bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Type != unix.TMPFS_MAGIC {
		return 0, 0, false
	}
	return int64(s.Blocks-s.Bfree) * s.Bsize, int64(s.Files - s.Ffree), s.Blocks > 0 && s.Bfree == 0
}

// processesNow counts the sandbox's processes, their memory and what they do.
func (w *watchdog) processesNow(scratch int64) string {
	pids := numbers(w.root + "/proc")
	if int64(len(pids)) >= w.processes {
		return tooMany(w.limits)
	}
	memory, ticks, threads := scratch, int64(0), int64(0)
	for _, pid := range pids {
		r, t, n := taken(filepath.Join(w.root, "proc", pid, "stat"))
		memory, ticks, threads = memory+r, ticks+t, threads+n
	}
	if threads >= w.processes {
		return tooMany(w.limits)
	}
	if why := w.cage.tripped(w.limits); why != "" {
		return why
	}
	if memory > w.memory && w.sharesNow(pids)+scratch > w.memory {
		return tooMuch(w.limits)
	}
	late := time.Since(w.looked) > w.idle/2 // it is this machine that has no time
	w.looked = time.Now()
	if ticks != w.ticks || late {
		w.ticks, w.changed = ticks, time.Now()
	} else if len(pids) > 0 && time.Since(w.changed) > w.idle {
		return fmt.Sprintf("it hangs (no processor time used for %s)", w.idle)
	}
	return ""
}

// numbers lists the folders of /proc that are processes.
func numbers(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	var out []string
	for _, n := range names {
		if n[0] >= '0' && n[0] <= '9' {
			out = append(out, n)
		}
	}
	return out
}

// taken reads a process's resident memory, processor time, its dead children's too,
// and number of threads from /proc/PID/stat (proc(5)).
func taken(path string) (memory, ticks, threads int64) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, 0
	}
	// The name, in parentheses, may hold anything.
	_, rest, _ := cutLast(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 22 {
		return 0, 0, 0
	}
	for _, k := range []int{11, 12, 13, 14} {
		n, _ := strconv.ParseInt(f[k], 10, 64)
		ticks += n
	}
	threads, _ = strconv.ParseInt(f[17], 10, 64)
	pages, _ := strconv.ParseInt(f[21], 10, 64)
	return pages * int64(os.Getpagesize()), ticks, threads
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// sharesNow is what shares counted last, 0 while it counts for the first time. A
// process that forks holds the lock that counting needs: nothing else may wait for it.
func (w *watchdog) sharesNow(pids []string) (n int64) {
	if w.parts == nil {
		done := make(chan int64, 1)
		w.parts = done
		go func() { done <- w.shares(pids) }()
	}
	select {
	case n = <-w.parts:
		w.parts = nil
	case <-time.After(watchEvery / 5):
	}
	return n
}

// shares adds up what the processes have for themselves and their parts of what
// they share: forks of one large process seem to have its size each.
func (w *watchdog) shares(pids []string) int64 {
	var total int64
	for _, pid := range pids {
		f, err := os.Open(filepath.Join(w.root, "proc", pid, "smaps_rollup"))
		if err != nil {
			continue
		}
		s := bufio.NewScanner(f)
		for s.Scan() {
			if rest, ok := strings.CutPrefix(s.Text(), "Pss:"); ok {
				n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				total += n << 10
				break
			}
		}
		f.Close()
	}
	return total
}

// network says whether the build tried to reach anything, also where it took the
// refusal in silence: the namespace is its own, so the counters are too.
func (w *watchdog) network() string {
	count := map[string]int64{}
	for _, f := range w.net {
		if _, err := f.Seek(0, io.SeekStart); err == nil {
			b, _ := io.ReadAll(io.LimitReader(f, 1<<20))
			counters(string(b), count)
		}
	}
	switch {
	case count["Udp:NoPorts"] > 0:
		return "it asked for a name on the network (DNS)"
	case count["Ip:OutNoRoutes"]+count["Ip6OutNoRoutes"] > 0:
		return "it tried to reach the network"
	case count["Tcp:AttemptFails"] > 0:
		return "it tried to reach a server on this machine"
	}
	return ""
}

// counters reads /proc/net/snmp (pairs of lines "Ip: names", "Ip: values") and
// /proc/net/snmp6 (a name and a value a line).
func counters(text string, into map[string]int64) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		f := strings.Fields(line)
		if len(f) == 2 && !strings.HasSuffix(f[0], ":") {
			into[f[0]], _ = strconv.ParseInt(f[1], 10, 64)
			continue
		}
		if len(f) < 2 || i+1 == len(lines) {
			continue
		}
		if v := strings.Fields(lines[i+1]); len(v) == len(f) && v[0] == f[0] {
			for k := 1; k < len(f); k++ {
				into[f[0]+f[k]], _ = strconv.ParseInt(v[k], 10, 64)
			}
		}
	}
}
