package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// figure is what some runs of one process came to.
type figure struct {
	Seconds float64 `json:"seconds"` // median
	Least   float64 `json:"least"`
	Most    float64 `json:"most"`
	MiB     float64 `json:"mib"` // peak memory, the highest of all runs
}

// States of a cache.
const (
	cold      = "cold"  // empty
	warm      = "warm"  // everything in it is fresh
	warmPages = "pages" // only the pages are: the server says nothing about how long files last
)

type row struct {
	Set       string   `json:"set"`
	Packages  int      `json:"packages"`
	Delay     string   `json:"delay"`
	Cache     string   `json:"cache"`
	Wheellock *figure  `json:"wheellock"`
	Resolve   *figure  `json:"resolve"`
	UV        *figure  `json:"uv,omitempty"`
	Differ    []string `json:"differ,omitempty"` // packages with other versions
}

type fiveRow struct {
	Set     string   `json:"set"`
	Delay   string   `json:"delay"`
	Cache   string   `json:"cache"`
	Targets []string `json:"targets"`
	One     *figure  `json:"one"`
	Five    *figure  `json:"five"`
}

type checkRow struct {
	Set      string      `json:"set"`
	Packages int         `json:"packages"`
	Time     *figure     `json:"time"`
	Requests map[int]int `json:"requests"` // by status
}

type requestRow struct {
	What     string      `json:"what"`
	Statuses map[int]int `json:"statuses"` // requests by status
}

// result is everything that was measured.
type result struct {
	Date     string       `json:"date"`
	System   string       `json:"system"`
	CPUs     int          `json:"cpus"`
	Runs     int          `json:"runs"`
	UV       string       `json:"uv"`
	Beside   []row        `json:"beside"`
	Five     []fiveRow    `json:"five"`
	Check    checkRow     `json:"check"`
	Requests []requestRow `json:"requests"`
}

func (r *result) print(w io.Writer) {
	uv := r.UV
	if uv == "" {
		uv = "no uv"
	}
	fmt.Fprintf(w, "%s, %s, %d processors, %s; medians of %d runs, peak MiB\n\n", r.Date, r.System, r.CPUs, uv, r.Runs)
	fmt.Fprintf(w, "%-10s %5s %5s %5s %10s %8s %8s %6s %5s %5s\n", "SET", "PKGS", "DELAY", "CACHE", "WHEELLOCK", "RESOLVE", "UV", "RATIO", "MIB", "UV")
	for _, x := range r.Beside {
		uvTime, uvMiB := "-", "-"
		if x.UV != nil {
			uvTime, uvMiB = seconds(x.UV), mib(x.UV)
		}
		fmt.Fprintf(w, "%-10s %5d %5s %5s %10s %8s %8s %6s %5s %5s\n", x.Set, x.Packages, x.Delay, x.Cache,
			seconds(x.Wheellock), seconds(x.Resolve), uvTime, ratio(x.Wheellock, x.UV), mib(x.Wheellock), uvMiB)
		for _, d := range x.Differ {
			fmt.Fprintf(w, "  differs: %s\n", d)
		}
	}
	fmt.Fprintf(w, "\n%-10s %5s %5s %10s %12s %6s %5s\n", "SET", "DELAY", "CACHE", "ONE TARGET", "FIVE TARGETS", "RATIO", "MIB")
	for _, x := range r.Five {
		fmt.Fprintf(w, "%-10s %5s %5s %10s %12s %6s %5s\n", x.Set, x.Delay, x.Cache, seconds(x.One), seconds(x.Five), ratio(x.Five, x.One), mib(x.Five))
	}
	fmt.Fprintf(w, "\nlock --check of %d packages: %s, %s MiB; requests: %s\n", r.Check.Packages, seconds(r.Check.Time), mib(r.Check.Time), statuses(r.Check.Requests))
	for _, x := range r.Requests {
		fmt.Fprintf(w, "requests, %s: %s\n", x.What, statuses(x.Statuses))
	}
}

func seconds(f *figure) string { return fmt.Sprintf("%.3f s", f.Seconds) }

func mib(f *figure) string { return fmt.Sprintf("%.0f", f.MiB) }

func ratio(a, b *figure) string {
	if a == nil || b == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", a.Seconds/b.Seconds)
}

// statuses is "329 answered 200, 12 answered 404", or "none".
func statuses(m map[int]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d answered %d", m[k], k))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}
