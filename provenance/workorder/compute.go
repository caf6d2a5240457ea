package workorder

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// Compute returns the work order of in.Lock. It reads nothing but its argument.
// Build requirements are tools: they get no row, since the recipes that name
// them fix their hashes.
func Compute(in Input) *Order {
	o := &Order{Elapsed: in.Elapsed.Seconds(), Trust: trust(in)}
	for _, t := range in.Lock.Targets {
		o.Targets = append(o.Targets, Target{Name: t.Name, Python: t.Python})
	}
	sort.SliceStable(o.Targets, func(i, j int) bool { return less(o.Targets[i].Python, o.Targets[j].Python) })
	o.Packages = rows(in)
	o.Summary = summarize(in, o.Packages)
	o.Notes = notes(in, o)
	o.Steps = steps(in, o)
	o.Releasable = !slices.ContainsFunc(o.Steps, func(s Step) bool { return !s.Done && s.Action != Check })
	o.Summary.Roles = roles(o.Steps)
	o.Headline = headline(in, o)
	o.Next, o.NextWhy = next(in, o)
	return o
}

// rows makes one row a name. Added names lead, in the order in which the user
// gave them, since they are what the user asks about.
func rows(in Input) []Package {
	byName := map[string]*Package{}
	var names []string
	for i := range in.Lock.Packages {
		p := &in.Lock.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		row := byName[p.Name]
		if row == nil {
			row = &Package{Name: p.Name, New: slices.Contains(in.Added, p.Name), Versions: map[string]string{}}
			byName[p.Name] = row
			names = append(names, p.Name)
		}
		addVersion(in, row, p)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if c := rank(in.Added, a) - rank(in.Added, b); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	out := []Package{}
	for _, n := range names {
		row := byName[n]
		row.Mirror = mirrorWord(in, row)
		out = append(out, *row)
	}
	return out
}

func rank(list []string, name string) int {
	if i := slices.Index(list, name); i >= 0 {
		return i
	}
	return len(list)
}

// addVersion merges one lock block into its row. A wheel is counted once, by its
// file name and targets. Where conflicting groups have several versions on a
// target, all are named, the main one's first.
func addVersion(in Input, row *Package, p *lock.Package) {
	for _, t := range targetsOf(in.Lock, p.Targets) {
		switch had := row.Versions[t]; {
		case had == "":
			row.Versions[t] = p.Version
		case in.Lock.In(p, t, ""):
			row.Versions[t] = p.Version + ", " + had
		default:
			row.Versions[t] = had + ", " + p.Version
		}
	}
	row.Upstream, row.Causes = upstreamOf(in, row.Upstream, row.Causes, p)
	for i := range p.Wheels {
		w := wheelState(in, p, &p.Wheels[i])
		if slices.ContainsFunc(row.Wheels, func(have Wheel) bool {
			return have.File == w.File && have.Version == w.Version && slices.Equal(have.Targets, w.Targets)
		}) {
			continue
		}
		row.Wheels = append(row.Wheels, w)
		row.Build = addWork(row.Build, p, &p.Wheels[i])
	}
}

func addWork(k Work, p *lock.Package, w *lock.Wheel) Work {
	kind := "upstream"
	if w.Recipe != "" || w.Origin == "built" {
		kind = string(p.KindOf(w))
		k.Need++
		if w.SHA256 != "" {
			k.Done++
		}
	}
	// A package whose wheels are of several kinds is as hard as its hardest.
	order := []string{"", "upstream", "pure", "unknown", "native"}
	if slices.Index(order, kind) > slices.Index(order, k.Kind) {
		k.Kind = kind
	}
	return k
}

// targetsOf expands the lock's "absent means all".
func targetsOf(l *lock.Lock, list []string) []string {
	if len(list) > 0 {
		return list
	}
	var all []string
	for _, t := range l.Targets {
		all = append(all, t.Name)
	}
	return all
}

// upstreamOf is the verdict of a row of the table: for each wheel the best one
// among the published files that it was compared with (a build may equal one
// published file and differ from another), over the wheels the worst.
func upstreamOf(in Input, have string, causes []string, p *lock.Package) (string, []string) {
	for i := range p.Wheels {
		best := "none"
		var why []string
		for k := range p.Upstream {
			u := &p.Upstream[k]
			if !overlap(in.Lock.UpstreamTargets(p, u), in.Lock.WheelTargets(p, &p.Wheels[i])) {
				continue
			}
			if best == "none" || better(u.Verdict, best) {
				best, why = u.Verdict, u.Causes
			}
		}
		if have == "" || attention[best] > attention[have] {
			have = best
		}
		if best == lock.VerdictDiffers {
			causes = append(causes, why...)
		}
	}
	slices.Sort(causes)
	return have, slices.Compact(causes)
}

// attention orders verdicts by how much a reader has to look.
var attention = map[string]int{"none": 0, lock.VerdictBytes: 1, lock.VerdictContent: 2, lock.VerdictUntried: 3, lock.VerdictDiffers: 4}

func better(a, b string) bool { return attention[a] < attention[b] }

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

func summarize(in Input, rows []Package) Summary {
	var s Summary
	sources := map[string]bool{}
	pairs := map[string]bool{}
	for _, p := range in.Lock.Packages {
		if p.Group == lock.GroupBuild {
			continue
		}
		pairs[p.Name+" "+p.Version] = true
		if p.Sdist != nil {
			sources[p.Sdist.SHA256] = true
		}
	}
	s.Packages, s.Sources = len(pairs), len(sources)
	for _, r := range rows {
		s.Wheels += len(r.Wheels)
		for _, w := range r.Wheels {
			if lacks(w, Build) || lacks(w, Prove) {
				s.Todo++
			}
		}
	}
	return s
}

func lacks(w Wheel, what string) bool {
	return slices.ContainsFunc(w.Missing, func(m Missing) bool { return m.What == what })
}

func trust(in Input) Trust {
	t := Trust{Witnesses: in.Witnesses, Root: in.Root}
	if t.Root == "" {
		t.Root = "none"
	}
	// The weakest wheel and the least reviewed source decide: a chain of trust
	// is not an average.
	first := true
	for _, p := range in.Lock.Packages {
		if p.Group == lock.GroupBuild {
			continue
		}
		for _, w := range p.Wheels {
			b := in.Builders[w.SHA256]
			if first || b < t.Builders {
				t.Builders = b
			}
			r := 0
			if p.Sdist != nil {
				r = in.Reviews[p.Sdist.SHA256]
			}
			if first || r < t.Reviews {
				t.Reviews = r
			}
			first = false
		}
	}
	return t
}

func headline(in Input, o *Order) string {
	s := o.Summary
	tail := fmt.Sprintf("%s, %s locked", plural(s.Sources, "source"), plural(s.Wheels, "wheel"))
	names := map[string]bool{}
	for _, r := range o.Packages {
		names[r.Name] = true
	}
	if len(in.Added) == 0 {
		return fmt.Sprintf("%s: %s", plural(len(names), "package"), tail)
	}
	added := 0
	for _, a := range in.Added {
		if names[a] {
			added++
		}
	}
	who := strings.Join(in.Added, ", ")
	if len(in.Added) > 3 {
		who = plural(len(in.Added), "package")
	}
	if rest := len(names) - added; rest > 0 {
		// In an existing project the rest is not all on account of the new name.
		return fmt.Sprintf("%s and %s: %s", who, plural(rest, "other package"), tail)
	}
	return who + ": " + tail
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
