// Command resolve times `wheellock lock` beside `uv pip compile`: whole
// processes, in pairs, against one recorded index on loopback.
//
//	go run ./bench/resolve
//	go run ./bench/resolve -runs 3 -sets small.in -delays 0 -json
//
// Both tools get the same requirements for one target, from the same server in
// the same run, one after the other, the first of a pair changing each time;
// medians are shown, since the machine may have other work. Cold means an empty
// cache, warm one that is filled and fresh, no lock being there. The server
// runs in a process of its own. Nothing fails for being slow.
//
// uv prints versions; `wheellock lock` also hashes, checks and writes a lock
// for reviewers. The column "resolve" is our resolver alone, in a process that
// stops when it has the versions.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case childServe:
			exit(serve(os.Args[2]))
		case childOnly:
			exit(only(os.Args[2:]))
		}
	}
	var o options
	flag.StringVar(&o.snapshot, "snapshot", defaultSnapshot(), "recorded `folder`: pages, metadata, requirements")
	flag.StringVar(&o.wheellock, "wheellock", "", "`program` to time (default: built from this source)")
	flag.StringVar(&o.uv, "uv", defaultUV(), "uv to compare with; \"\" for none")
	flag.IntVar(&o.runs, "runs", 7, "pairs of each measurement")
	sets := flag.String("sets", "small.in,server.in,large.in", "requirement `files`")
	delays := flag.String("delays", "0,20ms", "of every answer")
	asJSON := flag.Bool("json", false, "print the result as JSON")
	flag.Parse()
	o.sets = strings.Split(*sets, ",")
	for _, s := range strings.Split(*delays, ",") {
		d, err := time.ParseDuration(s)
		if err != nil && s != "0" {
			exit(fmt.Errorf("delay %q: %w", s, err))
		}
		o.delays = append(o.delays, d)
	}
	r, err := run(o)
	if err != nil {
		exit(err)
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		exit(e.Encode(r))
	}
	r.print(os.Stdout)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/resolve:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options of a run.
type options struct {
	snapshot, wheellock, uv, python string
	sets                            []string
	delays                          []time.Duration
	runs                            int
}

func defaultSnapshot() string {
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "shared")
	}
	return filepath.Join(dir, "index-snapshot")
}

func defaultUV() string {
	if uv := os.Getenv("WHEELLOCK_UV"); uv != "" {
		return uv
	}
	uv, _ := exec.LookPath("uv")
	return uv
}

// run measures everything.
func run(o options) (*result, error) {
	dir, err := os.MkdirTemp("", "bench-resolve-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir, result: &result{
		Date: time.Now().UTC().Format(time.DateOnly), CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Runs: o.runs}}
	if b.wheellock == "" {
		b.wheellock = filepath.Join(dir, "wheellock")
		if out, err := exec.Command("go", "build", "-o", b.wheellock, "github.com/freedomofpress/wheellock/cmd/wheellock").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building wheellock: %w\n%s", err, out)
		}
	}
	if b.uv != "" {
		out, err := exec.Command(b.uv, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("running uv: %w", err)
		}
		b.result.UV = strings.TrimSpace(string(out))
		if b.python, err = pythonFor(b.uv); err != nil {
			return nil, err
		}
	}
	if b.server, err = startServer(o.snapshot); err != nil {
		return nil, err
	}
	defer b.server.stop()
	return b.result, b.all()
}

// pythonFor is the interpreter that lies beside uv, or any.
func pythonFor(uv string) (string, error) {
	if beside := filepath.Join(filepath.Dir(uv), "python"); filepath.IsAbs(uv) {
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	return exec.LookPath("python3")
}
