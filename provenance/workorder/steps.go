package workorder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// steps gathers what the wheels lack into commands. Steps that are not needed
// stay in the list, marked done, so that the path to a release is always seen
// whole.
func steps(in Input, o *Order) []Step {
	var out []Step
	add := func(s Step) { s.N = len(out) + 1; out = append(out, s) }

	here, elsewhere := splitBuilds(in, o)
	buildSteps := []int{}
	if s := planStep(o); !s.Done {
		add(s)
		buildSteps = append(buildSteps, len(out))
	}
	if len(here) > 0 || len(elsewhere) == 0 && len(buildSteps) == 0 {
		add(hereStep(in, here))
		if !out[len(out)-1].Done {
			buildSteps = append(buildSteps, len(out))
		}
	}
	for _, s := range elsewhere {
		add(s)
		buildSteps = append(buildSteps, len(out))
	}
	add(reviewStep(in, o))
	if !out[len(out)-1].Done {
		buildSteps = append(buildSteps, len(out))
	}
	add(later(Step{Action: Sign, Who: "publisher", Command: signCommand, Count: missing(o, Sign)}, buildSteps, !in.LockKnown && len(o.Packages) > 0))
	sign := len(out)
	add(later(Step{Action: Mirror, Who: "publisher", Command: mirrorCommand, Count: missing(o, Mirror)}, after(out, sign, buildSteps), false))
	if in.Policy.Mirror == "none" {
		m := &out[len(out)-1]
		m.Who, m.Command, m.State, m.Done = "-", noCommand, "policy mirror = none", true
	}
	add(logStep(in, o, out))
	add(checkStep(out))
	return out
}

// planStep is for the wheels without a recipe: nothing can build them before a
// lock has planned how.
func planStep(o *Order) Step {
	s := Step{Action: Build, Who: "developer", Command: lockCommand, State: "ready"}
	var names []string
	for _, p := range o.Packages {
		for _, w := range p.Wheels {
			if slices.ContainsFunc(w.Missing, func(m Missing) bool { return m.Command == lockCommand }) {
				names = append(names, p.Name+" "+w.Version)
				s.Count++
			}
		}
	}
	s.Done = s.Count == 0
	if !s.Done {
		s.Why = []string{strings.Join(slices.Compact(names), ", ") + ": no recipe could be planned; locking again says why"}
	}
	return s
}

// published offers the published wheels in place of builds that this machine
// cannot make: where the policy does not take them already, and there are some.
func published(in Input, names []string, target string) []string {
	if in.Policy.Wheels == "upstream" {
		return nil
	}
	for _, name := range names {
		p := in.Lock.Find(name, target)
		if p == nil || !slices.ContainsFunc(p.Upstream, func(u lock.Upstream) bool {
			return slices.Contains(in.Lock.UpstreamTargets(p, &u), target)
		}) {
			return nil
		}
	}
	return []string{`take the published wheel: policy.wheels = "upstream"`}
}

// splitBuilds separates what this machine can build from what it cannot: one step
// a target that needs another machine, one for what other builders have to
// confirm, and those where building is not the next thing to do.
func splitBuilds(in Input, o *Order) (here []Wheel, elsewhere []Step) {
	byTarget := map[string][]string{}
	why := map[string]string{}
	again := map[string][]string{} // by how many builders there are
	var sourceless []string
	for _, p := range o.Packages {
		for _, w := range p.Wheels {
			i := slices.IndexFunc(w.Missing, func(m Missing) bool { return m.What == Build || m.What == Prove })
			if i < 0 {
				continue
			}
			m := w.Missing[i]
			switch t := targetOf(m.Command); {
			case m.Command == lockCommand: // planStep has it
			case m.Command == noCommand:
				sourceless = append(sourceless, p.Name)
			case m.Role != "builder":
				here = append(here, w)
			case t != "":
				byTarget[t] = append(byTarget[t], p.Name)
				why[t] = m.Why
			default:
				again[m.Why] = append(again[m.Why], p.Name)
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(byTarget)) {
		elsewhere = append(elsewhere, Step{
			Action: Build, Count: len(byTarget[t]), Who: "builder",
			Command: orderCommand,
			State:   "needs " + t,
			Why:     []string{fmt.Sprintf("%s/%s: %s", strings.Join(byTarget[t], ", "), t, why[t])},
			Ways:    append(slices.Clone(in.Unbuildable[t].Ways), published(in, byTarget[t], t)...),
		})
	}
	if s, ok := againStep(again); ok {
		elsewhere = append(elsewhere, s)
	}
	if len(sourceless) > 0 {
		elsewhere = append(elsewhere, Step{
			Action: Prove, Count: len(sourceless), Who: "developer", Command: noCommand, State: "needs a decision",
			Why: []string{strings.Join(slices.Compact(sourceless), ", ") + ": no source is published, so nobody can rebuild it"},
			Ways: []string{
				"take published wheels as they are: policy.wheels = \"upstream\"",
				"do without it: wheellock remove " + sourceless[0],
			},
		})
	}
	return here, elsewhere
}

// againStep is what other builders have to confirm; why says how many have.
func againStep(why map[string][]string) (Step, bool) {
	s := Step{Action: Build, Who: "builder", Command: agreeCommand, State: "needs another builder",
		Ways: []string{"run it where another builder's key is, in a clone of this project"}}
	for _, w := range slices.Sorted(maps.Keys(why)) {
		s.Count += len(why[w])
		s.Why = append(s.Why, w+": "+strings.Join(slices.Compact(why[w]), ", "))
	}
	return s, s.Count > 0
}

func targetOf(command string) string {
	_, t, _ := strings.Cut(command, " --target ")
	return t
}

func hereStep(in Input, wheels []Wheel) Step {
	s := Step{Action: Build, Count: len(wheels), Who: "developer", Command: buildCommand}
	if len(wheels) == 0 {
		s.Who, s.Command, s.State, s.Done = "-", "-", "done", true
		return s
	}
	s.State = "ready" + estimate(in, wheels)
	return s
}

// estimate adds up what past builds took; it says nothing when one is unknown,
// rather than to promise too little.
func estimate(in Input, wheels []Wheel) string {
	total := 0.0
	for _, w := range wheels {
		name, _, _ := strings.Cut(w.File, "-")
		sec, ok := in.Seconds[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
		if !ok {
			return ""
		}
		total += sec
	}
	return fmt.Sprintf(", ~%.0f s", total+1)
}

func reviewStep(in Input, o *Order) Step {
	n := missing(o, Review)
	s := Step{Action: Review, Count: n, Who: "-", Command: "-", Done: n == 0}
	if in.Policy.Reviews == 0 {
		s.State = "policy reviews = 0"
		if fresh := unreviewed(in); fresh > 0 {
			s.State = fmt.Sprintf("policy reviews = 0 (%s unreviewed)", plural(fresh, "source"))
		}
		return s
	}
	if s.Done {
		s.State = "done"
		return s
	}
	s.Who, s.Command, s.State = "reviewer", firstCommand(o, Review), "ready"
	return s
}

// firstCommand is the command for the first wheel that lacks what.
func firstCommand(o *Order, what string) string {
	for _, p := range o.Packages {
		for _, w := range p.Wheels {
			for _, m := range w.Missing {
				if m.What == what {
					return m.Command
				}
			}
		}
	}
	return "-"
}

func unreviewed(in Input) int {
	seen := map[string]bool{}
	for _, p := range in.Lock.Packages {
		if p.Group != lock.GroupBuild && p.Sdist != nil && in.Reviews[p.Sdist.SHA256] == 0 {
			seen[p.Sdist.SHA256] = true
		}
	}
	return len(seen)
}

// missing counts the wheels that lack what.
func missing(o *Order, what string) int {
	n := 0
	for _, p := range o.Packages {
		for _, w := range p.Wheels {
			if lacks(w, what) {
				n++
			}
		}
	}
	return n
}

// later finishes a step that waits for others.
func later(s Step, blockers []int, more bool) Step {
	s.Done = s.Count == 0 && !more
	switch {
	case s.Done && len(blockers) == 0:
		s.State = "done"
	case s.Done:
		// Nothing of it is known to be needed yet; a build may change that.
		s.State, s.Done = "after "+list(blockers), false
	case len(blockers) > 0:
		s.State = "after " + list(blockers)
	default:
		s.State = "ready"
	}
	return s
}

func after(out []Step, n int, blockers []int) []int {
	if !out[n-1].Done {
		return []int{n}
	}
	return blockers
}

func list(ns []int) string {
	var s []string
	for _, n := range ns {
		s = append(s, fmt.Sprint(n))
	}
	return strings.Join(s, ", ")
}

func logStep(in Input, o *Order, before []Step) Step {
	s := Step{Action: Log, Count: in.Pending, Who: "CI", Command: appendCommand}
	var open []int
	for _, b := range before {
		if !b.Done {
			open = append(open, b.N)
		}
	}
	switch {
	case in.Policy.Append != "pending" && in.Pending == 0:
		// Each verb appends what it signs, so what is missing comes with the
		// steps above.
		s.Who, s.Command, s.State, s.Done = "-", "-", "done with each step", true
		if missing(o, Log) > 0 && len(open) == 0 {
			s.Done, s.Count, s.State = false, missing(o, Log), "ready"
			s.Who, s.Command = "developer", "wheellock build --missing"
		}
	case in.Pending > 0 && len(open) == 0:
		s.State = "ready"
		if in.Policy.Append == "pending" {
			s.State = "after merge"
		}
	case len(open) > 0:
		s.State = "after merge"
	default:
		s.Done, s.State = true, "done"
	}
	return s
}

func checkStep(before []Step) Step {
	s := Step{Action: Check, Who: "anyone", Command: checkCommand, State: "ready"}
	for _, b := range before {
		if !b.Done {
			s.State = fmt.Sprintf("after %d", b.N)
		}
	}
	return s
}

// roles lists who has to act besides the developer, with CI left out: it acts
// by itself.
func roles(steps []Step) []string {
	out := []string{}
	for _, s := range steps {
		if s.Done || s.Who == "-" || s.Who == "developer" || s.Who == "anyone" || s.Who == "CI" {
			continue
		}
		if !slices.Contains(out, s.Who) {
			out = append(out, s.Who)
		}
	}
	return out
}

// next picks the one command to run now.
func next(in Input, o *Order) (command, why string) {
	if len(o.Packages) == 0 {
		return "wheellock add NAME", ""
	}
	again := ""
	for _, s := range o.Steps {
		if !s.Done && (strings.HasPrefix(s.State, "ready") || s.Action == Log && s.State == "after merge" && allDoneBefore(o, s.N)) {
			if s.Action == Check {
				break
			}
			if s.Command == lockCommand {
				// Mends something only when the index has changed meanwhile: what
				// can be done anyway comes before it.
				again = s.Command
				continue
			}
			return s.Command, ""
		}
	}
	if again != "" {
		return again, ""
	}
	for _, s := range o.Steps {
		switch {
		case s.Done:
		case s.Action == Prove:
			return "", fmt.Sprintf("step %d %s", s.N, s.State)
		case s.Action == Build:
			return "", fmt.Sprintf("nothing more can be built on this machine; step %d %s", s.N, s.State)
		}
	}
	if !o.Releasable {
		return "", "waiting for the steps above"
	}
	if in.Root != "adopted" {
		return "wheellock keys adopt --openpgp-key FILE", "the root is provisional: a release needs the organisation's key"
	}
	return checkCommand, ""
}

func allDoneBefore(o *Order, n int) bool {
	for _, s := range o.Steps[:n-1] {
		if !s.Done {
			return false
		}
	}
	return true
}
