//go:build linux

// Command build times `wheellock build --missing` beside `pip wheel --no-deps` on the sources
// of sixty pure packages: whole processes, in turns, both with a warm cache, both
// reading the same source archives. What pip fetches in addition, the build
// requirements, comes from its own cache.
//
// It needs an index (the one that pip uses here), bubblewrap, and a Python with pip.
// Times depend on what else the machine does, so the ratio of one run is what counts; it
// exits with 0 however slow anything was.
package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

// packages are the requirements of the benchmark: pure, built by setuptools, flit,
// hatchling, poetry-core, pdm and others, as widely used packages are.
//
//go:embed packages.in
var packages string

func main() {
	runs := flag.Int("runs", 3, "time each `N` times")
	count := flag.Int("packages", 60, "build `N` packages")
	python := flag.String("python", "python3.11", "the interpreter that builds, with pip")
	bin := flag.String("wheellock", "", "the program to measure (default: built from this module)")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	if err := bench(*bin, *python, *count, *runs, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench/build:", err)
		os.Exit(1)
	}
}

// result is what is printed.
type result struct {
	Date      string  `json:"date"`
	System    string  `json:"system"`
	CPUs      int     `json:"cpus"`
	Packages  int     `json:"packages"`
	Runs      int     `json:"runs"`
	Wheellock figures `json:"wheellock"`
	Pip       figures `json:"pip"`
	Ratio     float64 `json:"ratio"` // of the medians of the wall time
	Cold      figure  `json:"cold"`  // wheellock's first run: environments are made
}

// figures are medians.
type figures struct {
	Wall     float64  `json:"wall"`      // seconds
	CPU      float64  `json:"cpu"`       // seconds of all processes
	CPUWheel float64  `json:"cpu_wheel"` // of one wheel
	All      []figure `json:"all"`
}

// figure is one run, in seconds.
type figure struct {
	Wall float64 `json:"wall"`
	CPU  float64 `json:"cpu"`
}

func bench(bin, python string, count, runs int, asJSON bool) error {
	r, err := measure(bin, python, count, runs)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	r.print()
	return nil
}

// measure runs both, in turns.
func measure(bin, python string, count, runs int) (*result, error) {
	b, err := prepare(bin, python, count)
	if b != nil {
		defer b.close()
	}
	if err != nil {
		return nil, err
	}
	r := &result{Date: time.Now().UTC().Format(time.DateOnly), System: runtime.GOOS + "/" + runtime.GOARCH,
		CPUs: runtime.NumCPU(), Packages: len(b.names), Runs: runs}
	if r.Cold, err = b.wheellock(); err != nil {
		return nil, err
	}
	if _, err := b.pip(); err != nil { // fills its cache
		return nil, err
	}
	for range runs {
		ours, err := b.wheellock()
		if err != nil {
			return nil, err
		}
		theirs, err := b.pip()
		if err != nil {
			return nil, err
		}
		r.Wheellock.All, r.Pip.All = append(r.Wheellock.All, ours), append(r.Pip.All, theirs)
	}
	for _, f := range []*figures{&r.Wheellock, &r.Pip} {
		f.Wall = median(f.All, func(x figure) float64 { return x.Wall })
		f.CPU = median(f.All, func(x figure) float64 { return x.CPU })
		f.CPUWheel = f.CPU / float64(r.Packages)
	}
	r.Ratio = r.Wheellock.Wall / r.Pip.Wall
	return r, nil
}

func (r *result) print() {
	fmt.Printf("%s, %s, %d processors; %d pure wheels, medians of %d runs\n\n", r.Date, r.System, r.CPUs, r.Packages, r.Runs)
	fmt.Printf("%-28s %8s %8s %12s\n", "", "WALL", "CPU", "CPU A WHEEL")
	for _, row := range []struct {
		name string
		f    figures
	}{{"wheellock build --missing", r.Wheellock}, {"pip wheel --no-deps", r.Pip}} {
		fmt.Printf("%-28s %6.1f s %6.1f s %10.2f s\n", row.name, row.f.Wall, row.f.CPU, row.f.CPUWheel)
	}
	fmt.Printf("\nratio of wall times %.2f; wheellock with no environment made yet %.1f s, CPU %.1f s\n", r.Ratio, r.Cold.Wall, r.Cold.CPU)
}

func median(all []figure, of func(figure) float64) float64 {
	s := slices.Clone(all)
	slices.SortFunc(s, func(a, b figure) int { return cmp.Compare(of(a), of(b)) })
	if len(s) == 0 {
		return 0
	}
	return of(s[len(s)/2])
}
