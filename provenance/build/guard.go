package build

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

//go:embed guard.py
var guard string

// guarded is the command line that puts up the inner walls and starts program
// inside them. nice is for where no control group holds a build's processes: thousands
// that run would else take every turn, and the watchdog have none. -I and -S: no site-packages, no .pth files, so that nothing of a
// package runs before the walls stand.
func guarded(python string, l limits, nice bool, program []string) []string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	// Address space is not memory: programs reserve more than they use. The
	// watchdog counts what is used.
	args := []string{python, "-I", "-S", "-c", guard, n(4 * l.memory), n(l.processes + spare), n(l.disk), n(int64(MaxCPU.Seconds())), "0", headersFile}
	if nice {
		args[len(args)-2] = "10"
	}
	return append(args, program...)
}

// headersFile is where the compiler lists the headers that it reads
// (SUNPRO_DEPENDENCIES, which changes nothing of what it writes).
const headersFile = "/tmp/.headers-read"

// maxReport bounds what the guard says: 20,000 paths.
const maxReport = 4 << 20

// report is what the guard said.
type report struct {
	Landlock int      `json:"landlock"`
	Why      string   `json:"why"`
	Headers  []string `json:"headers"`
}

// readReport reads lines of JSON until the guard has ended. The first one is
// written before anything of the package runs; the rest may be anybody's, so it
// only adds headers.
func readReport(r io.Reader) report {
	d := json.NewDecoder(io.LimitReader(r, maxReport))
	var first, last report
	if d.Decode(&first) != nil {
		first.Why = "the guard did not answer"
	}
	if d.Decode(&last) == nil {
		first.Headers = last.Headers
	}
	_, _ = io.Copy(io.Discard, r)
	return first
}

// walls says in one line what stood around a build, for its evidence.
func (r report) walls(sandbox string, c *cage, watched bool) string {
	out := []string{sandbox}
	if r.Landlock > 0 {
		out = append(out, fmt.Sprintf("Landlock %d", r.Landlock))
	} else {
		out = append(out, "no Landlock: "+r.Why)
	}
	if c != nil && len(c.dirs) > 0 {
		out = append(out, "control groups")
	} else {
		out = append(out, "no control groups")
	}
	if watched {
		out = append(out, "watchdog")
	} else {
		out = append(out, "no watchdog")
	}
	return strings.Join(out, "; ")
}
