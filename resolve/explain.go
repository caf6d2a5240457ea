package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Bounds of an explanation, so that it can be read.
const (
	maxFacts    = 14 // more are counted, not shown
	flatFacts   = 4  // up to so many need no conclusions between them
	maxReasons  = 3  // reasons shown for one package's refused versions
	lineColumns = 79
)

// explain puts a proof into sentences. The facts that it rests on are listed
// from the requirements downwards; where they are more than a reader can hold
// in mind, what follows from some of them is said in between.
func (v *view) explain(p *provider, proof *solver.Incompatibility) *explainer {
	x := &explainer{view: v, provider: p, number: map[*solver.Incompatibility]int{}}
	x.leaves = x.leavesOf(proof)
	facts := x.facts(x.leaves)
	if len(facts) == len(x.leaves) && len(facts) > flatFacts && len(facts) <= maxFacts && forked(facts) {
		x.steps(proof)
	} else {
		for i, f := range facts {
			if i == maxFacts {
				x.say(fmt.Sprintf("And %d more of the kind.", len(facts)-i))
				break
			}
			x.say(f.text)
		}
		if len(facts) > 1 {
			x.so = "These cannot all hold."
		}
	}
	for _, i := range x.leaves {
		if n, ok := i.Cause.(*need); ok {
			if pv := x.projectView(n.name); pv != nil && pv.missing {
				x.missing = append(x.missing, n.name)
			}
		}
	}
	return x
}

// forked reports whether versions of one package need different things: else
// the facts are a chain, and speak for themselves.
func forked(facts []fact) bool {
	subject := map[string]string{}
	for _, f := range facts {
		if f.about == "" || f.rank != 0 {
			continue
		}
		if who, ok := subject[f.about]; ok && who != f.who {
			return true
		}
		subject[f.about] = f.who
	}
	return false
}

// explainer is a proof for one target being told.
type explainer struct {
	*view
	provider *provider
	leaves   []*solver.Incompatibility // what the proof rests on
	said     []string                  // Explanation.Facts
	so       string                    // Explanation.So
	missing  []string                  // names that the index does not have
	number   map[*solver.Incompatibility]int
}

// say adds a sentence and returns its number.
func (x *explainer) say(text string) int {
	x.said = append(x.said, text)
	return len(x.said)
}

// leavesOf returns what the proof rests on, each once, in the proof's order.
func (x *explainer) leavesOf(proof *solver.Incompatibility) []*solver.Incompatibility {
	var list []*solver.Incompatibility
	seen := map[*solver.Incompatibility]bool{}
	stack := []*solver.Incompatibility{proof}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case seen[i]:
		case i.Derived():
			stack = append(stack, i.Right, i.Left)
		case i.Cause != nil:
			list = append(list, i)
		}
		seen[i] = true
	}
	return list
}

// steps writes the proof as numbered facts and conclusions. Of a chain, only
// the end is a conclusion worth a line.
func (x *explainer) steps(proof *solver.Incompatibility) {
	uses := map[*solver.Incompatibility]int{}
	var countUses func(i *solver.Incompatibility)
	countUses = func(i *solver.Incompatibility) {
		if uses[i]++; uses[i] == 1 && i.Derived() {
			countUses(i.Left)
			countUses(i.Right)
		}
	}
	countUses(proof)
	var visit func(i *solver.Incompatibility, last bool) []int
	visit = func(i *solver.Incompatibility, last bool) []int {
		if n := x.number[i]; n > 0 {
			return []int{n}
		}
		if !i.Derived() {
			if i.Cause == nil {
				return nil
			}
			x.number[i] = x.say(x.fact(i))
			return []int{x.number[i]}
		}
		from := append(visit(i.Left, false), visit(i.Right, false)...)
		slices.Sort(from)
		from = slices.Compact(from)
		joins := i.Left.Derived() && i.Right.Derived()
		if !last && !joins && uses[i] < 2 && len(from) < 4 || len(from) < 2 {
			return from
		}
		if last {
			x.so = "So " + x.conclusion(i) + " (from " + numbers(from) + ")."
			return nil
		}
		x.number[i] = x.say("So " + x.conclusion(i) + " (from " + numbers(from) + ").")
		return []int{x.number[i]}
	}
	visit(proof, true)
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return joinWords(words)
}

// conclusion says what a derived incompatibility means.
func (x *explainer) conclusion(i *solver.Incompatibility) string {
	var with, without []string
	for _, t := range i.Terms {
		switch {
		case t.Name == solver.Root:
		case t.Positive:
			with = append(with, x.some(t, "and"))
		default:
			without = append(without, x.some(t, "or"))
		}
	}
	switch {
	case len(with) == 0 && len(without) == 0:
		return "there is no solution"
	case len(with) == 0 && len(without) == 1:
		return without[0] + " is needed"
	case len(with) == 0:
		return "one of " + joinWords(without) + " is needed"
	case len(with) == 1 && len(without) == 0:
		return with[0] + " cannot be used"
	case len(with) == 2 && len(without) == 0:
		return with[0] + " does not go with " + with[1]
	case len(with) == 1 && len(without) == 1:
		return with[0] + " needs " + without[0]
	case len(without) == 0:
		return joinWords(with) + " do not go together"
	}
	return joinWords(with) + " together need " + strings.Join(without, " or ")
}

// some names a package and versions of it: "lib 1.0 to 1.4".
func (x *explainer) some(t solver.Term, and string) string {
	if t.Name.Extra != "" {
		return t.Name.String()
	}
	return x.subject(t.Name.Package, t.Set, and)
}

func (x *explainer) subject(name string, set solver.Set, and string) string {
	pv := x.projectView(name)
	if pv == nil {
		return name
	}
	if set.Count() == len(pv.releases) && set.Count() > 1 {
		if and == "or" {
			return name
		}
		return "every version of " + name
	}
	return name + " " + pv.ranges(set, and)
}

func (x *explainer) projectView(name string) *projectView {
	p, err := x.project(name)
	if err != nil {
		return nil
	}
	return x.of(p)
}

// ranges names versions: "1.0", "1.0 to 1.4 and 2.0".
func (p *project) ranges(set solver.Set, and string) string {
	var runs []string
	for i := set.Oldest(); i >= 0; {
		k := i
		for k+1 < len(p.releases) && set.Has(k+1) {
			k++
		}
		switch {
		case k == i:
			runs = append(runs, p.releases[i].text)
		case k == i+1:
			runs = append(runs, p.releases[i].text, p.releases[k].text)
		default:
			runs = append(runs, p.releases[i].text+" to "+p.releases[k].text)
		}
		i = set.Above(k)
	}
	if len(runs) > 4 {
		return fmt.Sprintf("(%d versions from %s to %s)", set.Count(), p.releases[set.Oldest()].text, p.releases[set.Newest()].text)
	}
	return joinWith(runs, and)
}
