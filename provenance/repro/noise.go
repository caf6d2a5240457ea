package repro

import (
	"context"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/compare"
)

// noise is what differs in a file with nothing varied: facts by their kind. Other
// facts about the same file can still tell something.
type noise map[string]bool

// kindOf a fact is all of it but the values.
func kindOf(f compare.Fact) string {
	head, _, _ := strings.Cut(f.Line, ": ")
	return strings.Join(append([]string{f.Cause, f.Where, head}, f.Names...), "\x00")
}

// others leaves the facts that are no noise.
func (n noise) others(list []compare.Fact) []compare.Fact {
	var out []compare.Fact
	for _, f := range list {
		if !n[kindOf(f)] {
			out = append(out, f)
		}
	}
	return out
}

// facts compares an output with the plain run's; nil where it cannot be compared in
// detail.
func (s *search) facts(ctx context.Context, name string, other *outcome) []compare.Fact {
	a, b := find(s.plain, name), find(other, name)
	if a == nil || b == nil {
		return nil
	}
	res, err := compare.Paths(ctx, a.path, b.path, compare.Options{Temp: s.temp})
	if err != nil {
		return nil
	}
	return res.Facts
}

// hear takes in what differs in a file with nothing varied.
func (s *search) hear(ctx context.Context, name string, again *outcome) {
	if s.aside[name] == nil {
		s.aside[name] = noise{}
	}
	for _, f := range s.facts(ctx, name, again) {
		s.aside[name][kindOf(f)] = true
	}
}

// telling are the names of the outputs that differ from the plain run's by more than
// noise.
func (s *search) telling(ctx context.Context, other *outcome) []string {
	var out []string
	for _, name := range differing(s.plain, other) {
		n, noisy := s.aside[name]
		if !noisy || len(n.others(s.facts(ctx, name, other))) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// onlyTimes reports whether files differ in nothing but times that their containers
// hold. The sources' own times are the same in two plain runs, so the clock's are
// in there.
func (s *search) onlyTimes(ctx context.Context, again *outcome, names []string) bool {
	for _, name := range names {
		facts := s.facts(ctx, name, again)
		for _, f := range facts {
			if f.Cause != compare.ZipTimes {
				return false
			}
		}
		if len(facts) == 0 {
			return false
		}
	}
	return true
}
