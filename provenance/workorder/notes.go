package workorder

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// signs tell apart the causes of different rows, until there are none left.
var signs = []string{"*", "+", "#", "!"}

func sign(n int) string {
	if n < len(signs) {
		return signs[n]
	}
	return fmt.Sprintf("(%d)", n+1)
}

func notes(in Input, o *Order) []Note {
	out := differences(in, o)
	return append(out, heldBack(in)...)
}

// differences explains the rows whose rebuild is not what upstream publishes:
// rows with the same causes share a note.
func differences(in Input, o *Order) []Note {
	var out []Note
	var causes []string
	entries := map[string][]string{}
	open := map[string]bool{}
	for i := range o.Packages {
		r := &o.Packages[i]
		if r.Upstream != lock.VerdictDiffers {
			continue
		}
		text := causeText(r.Causes)
		n := slices.Index(causes, text)
		if n < 0 {
			n = len(causes)
			causes = append(causes, text)
		}
		r.Mark = sign(n)
		entries[text] = append(entries[text], logEntries(in, r)...)
		open[text] = open[text] || in.Policy.Mirror != "none" && r.Mirror != "done"
	}
	for n, text := range causes {
		note := Note{Mark: sign(n), Text: text + entryText(entries[text])}
		if open[text] {
			note.Text += ": must be built, signed and mirrored"
		}
		out = append(out, note)
	}
	return out
}

// logEntries are the numbers of the statements about a row's builds.
func logEntries(in Input, r *Package) []string {
	var out []string
	for _, w := range r.Wheels {
		if n, ok := in.LogEntry[w.SHA256]; ok && w.SHA256 != "" && w.Origin == lock.OriginBuilt {
			out = append(out, fmt.Sprint(n))
		}
	}
	return out
}

func entryText(entries []string) string {
	switch n := len(entries); {
	case n == 0:
		return ""
	case n == 1:
		return " (log entry " + entries[0] + ")"
	case n > 4:
		return fmt.Sprintf(" (log entries %s and %d more)", strings.Join(entries[:3], ", "), n-3)
	}
	return " (log entries " + and(entries) + ")"
}

// heldBack says, for each target that has an older version than another, what
// holds it back. The newer version is locked for another target, with its
// Requires-Python; where that admits the target, the lock does not say why.
func heldBack(in Input) []Note {
	l := in.Lock
	newest := map[string]*lock.Package{}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group != lock.GroupBuild && (newest[p.Name] == nil || less(newest[p.Name].Version, p.Version)) {
			newest[p.Name] = p
		}
	}
	held := map[string]map[string][]string{} // target -> what it lacks -> packages
	for i := range l.Packages {
		p := &l.Packages[i]
		n := newest[p.Name]
		if p.Group == lock.GroupBuild || n == nil || !less(p.Version, n.Version) {
			continue
		}
		for _, t := range targetsOf(l, p.Targets) {
			if n.Covers(t) {
				continue // for another choice among conflicting groups
			}
			if held[t] == nil {
				held[t] = map[string][]string{}
			}
			need, item := pythonNeed(l, t, n), p.Name+" "+n.Version
			if need == "" {
				item = p.Name
			}
			if !slices.Contains(held[t][need], item) {
				held[t][need] = append(held[t][need], item)
			}
		}
	}
	var out []Note
	shared := in.Policy.Versions != "fewest" // else nothing more can be shared
	for _, t := range l.Targets {
		if text := heldOn(t.Name, held[t.Name]); text != "" {
			out = append(out, Note{Text: text})
		}
	}
	if shared && len(out) > 0 {
		command := []string{"wheellock cost"}
		for _, name := range in.Added {
			if slices.ContainsFunc(l.Packages, func(p lock.Package) bool {
				return p.Name == name && p.Group != lock.GroupBuild && less(p.Version, newest[name].Version)
			}) {
				command = append(command, name)
			}
		}
		out[len(out)-1].Text += ". Same versions everywhere: " + strings.Join(command, " ")
	}
	return out
}

// heldOn says what one target lacks: the need of the most packages first.
func heldOn(target string, held map[string][]string) string {
	needs := slices.Sorted(maps.Keys(held))
	sort.SliceStable(needs, func(i, j int) bool { return len(held[needs[i]]) > len(held[needs[j]]) })
	var parts []string
	count := 0
	for _, need := range needs {
		if need == "" {
			continue
		}
		verb := "need"
		if len(held[need]) == 1 {
			verb = "needs"
		}
		count += len(held[need])
		parts = append(parts, fmt.Sprintf("%s %s %s", and(held[need]), verb, need))
	}
	text := ""
	if count > 0 {
		text = fmt.Sprintf("%s holds back %d: %s", target, count, strings.Join(parts, ", "))
	}
	if unknown := held[""]; len(unknown) > 0 {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("%s has an older %s than others: wheellock why %s", target, and(unknown), unknown[0])
	}
	return text
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
