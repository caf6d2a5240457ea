package tags

import (
	"fmt"
	"sync"
)

// table is a target's tag list and its inverse.
type table struct {
	list      []Tag
	rank      map[Tag]int
	platforms map[string]bool // that the target takes, with some interpreter
}

// tables remembers the list of each target: a solver asks for the ranks of tens
// of thousands of files, and building a list of a thousand tags takes longer
// than all of them. A program knows a handful of targets.
var tables sync.Map // Target -> *table

func (t Target) table() *table {
	// Neither of these changes the list; without them the key is shared.
	key := t
	key.Name, key.ImplementationVersion = "", ""
	if v, ok := tables.Load(key); ok {
		return v.(*table)
	}
	tb := &table{list: compatible(key), rank: map[Tag]int{}, platforms: map[string]bool{}}
	for _, p := range parsePlatform(key.Platform).tags() {
		tb.platforms[p] = true
	}
	for i, tag := range tb.list {
		if _, ok := tb.rank[tag]; !ok {
			tb.rank[tag] = i
		}
	}
	v, _ := tables.LoadOrStore(key, tb)
	return v.(*table)
}

// Tags is the ordered list of tags that the target takes, best first. The slice
// is shared: callers must not write to it. It is empty for a target that Check
// refuses.
func (t Target) Tags() []Tag { return t.table().list }

// Rank is the tag's place in Tags, 0 being the best; false if the target does
// not take it.
func (t Target) Rank(tag Tag) (int, bool) {
	r, ok := t.table().rank[tag]
	return r, ok
}

// Best is the best rank among a wheel's tags; false if none of them fits.
func (t Target) Best(w WheelName) (int, bool) {
	rank := t.table().rank
	best, found := 0, false
	for _, tag := range w.Tags {
		if r, ok := rank[tag]; ok && (!found || r < best) {
			best, found = r, true
		}
	}
	return best, found
}

// compatible builds the list: see the package comment for its order.
func compatible(t Target) []Tag {
	p, err := t.python()
	if err != nil || checkPlatform(t.Platform) != nil {
		return nil
	}
	platforms := parsePlatform(t.Platform).tags()
	interpreter := p.prefix() + p.nodot()
	var out []Tag
	add := func(python, abi string) {
		for _, pl := range platforms {
			out = append(out, Tag{python, abi, pl})
		}
	}
	if abi := t.ABITag(); abi != "" && abi != "none" {
		add(interpreter, abi)
	}
	stable := p.stableABI()
	if stable != "" {
		add(interpreter, stable)
	}
	add(interpreter, "none")
	if stable != "" {
		for minor := p.minor - 1; minor >= 2; minor-- {
			add(fmt.Sprintf("cp%d%d", p.major, minor), stable)
		}
	}
	generic := p.generic()
	for _, g := range generic {
		add(g, "none")
	}
	for _, g := range append([]string{interpreter}, generic...) {
		out = append(out, Tag{g, "none", "any"})
	}
	return out
}

// stableABI is abi3 from CPython 3.2 on (PEP 384), which a free-threaded build
// cannot load; abi3t is its counterpart (PEP 803).
func (p python) stableABI() string {
	switch {
	case p.impl != "cpython" || p.major < 3 || p.major == 3 && p.minor < 2:
		return ""
	case p.threaded:
		return "abi3t"
	}
	return "abi3"
}

// generic are "py312", "py3", "py311" ... "py30".
func (p python) generic() []string {
	out := []string{"py" + p.nodot(), fmt.Sprintf("py%d", p.major)}
	for minor := p.minor - 1; minor >= 0; minor-- {
		out = append(out, fmt.Sprintf("py%d%d", p.major, minor))
	}
	return out
}
