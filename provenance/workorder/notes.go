package workorder

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// marks tell apart the causes of different rows. More causes than marks share
// the last one; the JSON form names each row's own.
var marks = []string{"*", "+", "#", "!"}

func notes(in Input, o *Order) []Note {
	out := differences(in, o)
	return append(out, heldBack(in.Lock)...)
}

// differences explains the rows whose rebuild is not what upstream publishes.
func differences(in Input, o *Order) []Note {
	var out []Note
	seen := map[string]string{}
	for i := range o.Packages {
		r := &o.Packages[i]
		if r.Upstream != "differs" {
			continue
		}
		text := causeText(r.Causes) + entryText(in, r)
		if in.Policy.Mirror != "none" && r.Mirror != "done" {
			text += ": must be built, signed and mirrored"
		}
		if seen[text] == "" {
			seen[text] = marks[min(len(out), len(marks)-1)]
			out = append(out, Note{Mark: seen[text], Text: text})
		}
	}
	return out
}

func entryText(in Input, r *Package) string {
	for _, w := range r.Wheels {
		if n, ok := in.LogEntry[w.SHA256]; ok && w.SHA256 != "" && w.Origin == "built" {
			return fmt.Sprintf(" (log entry %d)", n)
		}
	}
	return ""
}

// Mark returns the sign that the row of p carries in the UPSTREAM column, or
// the empty string.
func (o *Order) Mark(p *Package) string {
	if p.Upstream != "differs" {
		return ""
	}
	text := causeText(p.Causes)
	for _, n := range o.Notes {
		if n.Mark != "" && strings.HasPrefix(n.Text, text) {
			return n.Mark
		}
	}
	return ""
}

// heldBack says, for each target that has an older version than another, what
// holds it back. The lock alone tells: the newer version is locked for another
// target, with its Requires-Python.
func heldBack(l *lock.Lock) []Note {
	newest := map[string]*lock.Package{}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group != lock.GroupBuild && (newest[p.Name] == nil || less(newest[p.Name].Version, p.Version)) {
			newest[p.Name] = p
		}
	}
	type held struct{ need, item string }
	byTarget := map[string][]held{}
	for i := range l.Packages {
		p := &l.Packages[i]
		n := newest[p.Name]
		if p.Group == lock.GroupBuild || n == nil || !less(p.Version, n.Version) {
			continue
		}
		for _, t := range targetsOf(l, p.Targets) {
			byTarget[t] = append(byTarget[t], held{pythonNeed(l, t, n), p.Name + " " + n.Version})
		}
	}
	var out []Note
	for _, t := range l.Targets {
		hs := byTarget[t.Name]
		if len(hs) == 0 {
			continue
		}
		needs := map[string][]string{}
		var order []string
		for _, h := range hs {
			if needs[h.need] == nil {
				order = append(order, h.need)
			}
			if !slices.Contains(needs[h.need], h.item) {
				needs[h.need] = append(needs[h.need], h.item)
			}
		}
		sort.SliceStable(order, func(i, j int) bool { return len(needs[order[i]]) > len(needs[order[j]]) })
		var parts []string
		for _, need := range order {
			parts = append(parts, sentence(needs[need], need))
		}
		out = append(out, Note{Text: fmt.Sprintf("%s holds back %d: %s", t.Name, len(hs), strings.Join(parts, ", "))})
	}
	return out
}

func sentence(items []string, need string) string {
	verb := "need"
	if len(items) == 1 {
		verb = "needs"
	}
	if need == "" {
		need = "other files or dependencies than it can have"
	}
	return fmt.Sprintf("%s %s %s", and(items), verb, need)
}

func and(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}

// pythonNeed names the bound of Requires-Python that the target misses.
func pythonNeed(l *lock.Lock, target string, p *lock.Package) string {
	spec, err := pep440.ParseSpecifiers(p.RequiresPython)
	if err != nil {
		return ""
	}
	for _, t := range l.Targets {
		if t.Name != target {
			continue
		}
		v, err := pep440.Parse(t.Python)
		if err != nil {
			return ""
		}
		for _, c := range spec.Clauses() {
			one, err := pep440.ParseSpecifiers(c.Op + c.Version)
			if err != nil || one.Contains(v, pep440.PreAllow) {
				continue
			}
			if c.Op == ">=" {
				return "Python " + c.Version
			}
			return "Python " + c.Op + c.Version
		}
	}
	return ""
}

func less(a, b string) bool {
	x, errX := pep440.Parse(a)
	y, errY := pep440.Parse(b)
	if errX != nil || errY != nil {
		return a < b
	}
	return x.Compare(y) < 0
}
