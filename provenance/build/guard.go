package build

import (
	"bufio"
	_ "embed"
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
	landlock int    // the kernel's version of it; 0: none
	why      string // there is none
	headers  []string
}

// readReport reads until the guard has ended. The first line is written before anything
// of the package runs; the rest may be anybody's, so it only adds headers.
func readReport(r io.Reader) report {
	rep := report{why: "the guard did not answer"}
	s := bufio.NewScanner(io.LimitReader(r, maxReport))
	for first := true; s.Scan(); first = false {
		word, rest, _ := strings.Cut(s.Text(), " ")
		switch {
		case first && word == "landlock":
			abi, why, _ := strings.Cut(rest, " ")
			rep.landlock, _ = strconv.Atoi(abi)
			rep.why = string(harmless([]byte(why)))
		case word == "header":
			rep.headers = append(rep.headers, rest)
		}
	}
	_, _ = io.Copy(io.Discard, r)
	return rep
}

// walls says in one line what stood around a build, for its evidence.
func (r report) walls(sandbox string, c *cage, watched bool) string {
	out := []string{sandbox}
	if r.landlock > 0 {
		out = append(out, fmt.Sprintf("Landlock %d", r.landlock))
	} else {
		out = append(out, "no Landlock: "+r.why)
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
