// Command reach rebuilds 105 published pure wheels from their sources, by recipes
// that are inferred and nothing else, and says how close they come.
//
//	go run ./bench/reach
//	go run ./bench/reach -only click,six -v
//
// The list (list.txt, names and versions) has the packages of the measured test
// data that have a pure wheel, those of SecureDrop's published hashes, and for the
// rest the most used packages of the index, at what was the newest version on the
// day of the list, with the failures that this brings. The index is the one that
// pip uses here. It needs bubblewrap and Python 3.11, and exits with 0 whatever it
// finds.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed list.txt
var list string

// row is what came of one package.
type row struct {
	Name       string            `json:"name"`
	Version    string            `json:"version"`
	Class      string            `json:"class"` // environment, container, content, differs or failed
	Causes     []string          `json:"causes,omitempty"`
	Lines      []string          `json:"lines,omitempty"`
	Why        string            `json:"why,omitempty"` // what the recipe assumes that the first one did not
	Env        map[string]string `json:"env,omitempty"`
	Tools      []string          `json:"tools,omitempty"`
	Builds     int               `json:"builds"`
	wheel, err string
}

// classes, the best first.
var classes = []string{"environment", "container", "content", "differs", "failed"}

func main() {
	only := flag.String("only", "", "`names` of packages, with commas")
	jobs := flag.Int("jobs", 2, "packages at a time")
	asJSON := flag.Bool("json", false, "print the rows as JSON")
	verbose := flag.Bool("v", false, "say how each differs")
	cache := flag.String("cache", "", "`folder` for files and environments (default: a new one)")
	flag.Parse()
	ctx := context.Background()
	b, err := newBench(ctx, *cache)
	if err != nil {
		fmt.Fprintln(os.Stderr, "reach:", err)
		os.Exit(1)
	}
	defer b.close()
	start := time.Now()
	var rows []*row
	for _, line := range strings.Fields(list) {
		name, version, _ := strings.Cut(line, "==")
		if *only == "" || slices.Contains(strings.Split(*only, ","), name) {
			rows = append(rows, &row{Name: name, Version: version})
		}
	}
	var g sync.WaitGroup
	slots := make(chan bool, *jobs)
	for _, r := range rows {
		g.Go(func() {
			slots <- true
			defer func() { <-slots }()
			if err := b.one(ctx, r); err != nil {
				r.Class, r.err = "failed", err.Error()
			}
		})
	}
	g.Wait()
	if *asJSON {
		json.NewEncoder(os.Stdout).Encode(rows)
		return
	}
	print(rows, *verbose, time.Since(start))
}

func print(rows []*row, verbose bool, took time.Duration) {
	count := map[string]int{}
	builds := 0
	for _, r := range rows {
		count[r.Class]++
		builds += r.Builds
		fmt.Printf("%-26s %-12s %-12s %d  %s\n", r.Name, r.Version, r.Class, r.Builds, strings.Join(r.Causes, " "))
		if r.Why != "" {
			fmt.Printf("    found: %s\n", r.Why)
		}
		if first, _, _ := strings.Cut(r.err, "\n"); first != "" {
			fmt.Printf("    %s\n", first)
		}
		for _, l := range r.Lines {
			if verbose {
				fmt.Printf("    %s\n", l)
			}
		}
	}
	bytes := count["environment"]
	fmt.Printf("\n%s, %d packages, %d builds, %.0f s\n", time.Now().UTC().Format(time.DateOnly), len(rows), builds, took.Seconds())
	for _, c := range classes {
		fmt.Printf("%-12s %3d\n", c, count[c])
	}
	fmt.Printf("identical by environment alone %d, with the container %d; every file equal %d\n",
		bytes, bytes+count["container"], bytes+count["container"]+count["content"])
}
