package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// fact is a sentence, and where it stands among the others.
type fact struct {
	text  string
	about string // package whose statement it is; "" for a requirement of the user
	who   string // the versions that it speaks of
	rank  int    // within about
	leads []string
}

// pair groups what versions of one package need of another.
type pair struct{ about, extra, on string }

// facts puts leaves into sentences, many of a kind into one, ordered from the
// user's requirements downwards.
func (x *explainer) facts(leaves []*solver.Incompatibility) []fact {
	var all []fact
	groups := map[pair][]*solver.Incompatibility{}
	var order []pair
	for _, i := range leaves {
		n, isNeed := i.Cause.(*need)
		if !isNeed || n.root || n.constraint {
			f := fact{text: x.fact(i), rank: 1}
			if isNeed {
				f.leads = []string{n.name}
			} else {
				f.about, f.rank = i.Cause.(*ruledOut).project.name, 2
			}
			if isNeed && n.constraint {
				f.about = n.name
			}
			all = append(all, f)
			continue
		}
		key := x.pairOf(i, n)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], i)
	}
	for _, key := range order {
		list := groups[key]
		if len(list) <= 3 {
			for _, i := range list {
				t, _ := i.Term(solver.Name{Package: key.about})
				all = append(all, fact{text: x.fact(i), about: key.about, who: x.subject(key.about, t.Set, "and"), leads: []string{key.on}})
			}
			continue
		}
		all = append(all, fact{text: x.manyNeeds(key, list), about: key.about, leads: []string{key.on}})
	}
	return arrange(mergeExclusions(all))
}

// mergeExclusions drops sentences that were said already.
func mergeExclusions(all []fact) []fact {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(f fact) bool {
		again := seen[f.text]
		seen[f.text] = true
		return again
	})
}

// arrange puts what the user asked for first, then each package after what leads to it.
func arrange(all []fact) []fact {
	depth := map[string]int{"": 0}
	for changed := true; changed; {
		changed = false
		for _, f := range all {
			d, ok := depth[f.about]
			if !ok || f.rank == 2 {
				continue
			}
			for _, n := range f.leads {
				if _, known := depth[n]; !known {
					depth[n] = d + 1
					changed = true
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b fact) int {
		for _, c := range []int{depth[a.about] - depth[b.about], strings.Compare(a.about, b.about), a.rank - b.rank, strings.Compare(a.text, b.text)} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return all
}

func (x *explainer) pairOf(i *solver.Incompatibility, n *need) pair {
	key := pair{on: n.name}
	for _, t := range i.Terms {
		if t.Positive && t.Name.Extra != "" {
			key.extra = t.Name.Extra
		} else if t.Positive {
			key.about = t.Name.Package
		}
	}
	return key
}

// fact says what one leaf of a proof says.
func (x *explainer) fact(i *solver.Incompatibility) string {
	switch c := i.Cause.(type) {
	case *ruledOut:
		return x.ruledOut(c, i.Terms[0].Set)
	case *need:
		at := c.origin
		if at == "" {
			at = "the request"
		}
		if c.group != "" {
			at += " (group " + c.group + ")"
		}
		if c.override != "" {
			return fmt.Sprintf("%s overrides %s with %s%s.", c.override, c.instead, c.wants(), x.butNone(c))
		}
		switch {
		case c.constraint:
			return fmt.Sprintf("%s allows only %s%s.", at, c.wants(), x.butNone(c))
		case c.root:
			return fmt.Sprintf("%s asks for %s%s.", at, c.wants(), x.butNone(c))
		}
		key := x.pairOf(i, c)
		t, _ := i.Term(solver.Name{Package: key.about})
		return fmt.Sprintf("%s %s %s%s.", x.who(key, t.Set), verb(x.projectView(key.about), t.Set), c.wants(), x.butNone(c))
	}
	return ""
}

func (x *explainer) who(key pair, set solver.Set) string {
	s := x.subject(key.about, set, "and")
	if key.extra != "" {
		s = strings.Replace(s, key.about, key.about+"["+key.extra+"]", 1)
	}
	return s
}

func verb(p *projectView, set solver.Set) string {
	if n := set.Count(); n == 1 || p != nil && n == len(p.releases) {
		return "needs"
	}
	return "need"
}

// butNone says that nothing is what a need asks for.
func (x *explainer) butNone(n *need) string {
	pv := x.projectView(n.name)
	switch {
	case pv == nil:
		return ""
	case pv.missing:
		return ", which " + pv.lacks
	case len(pv.releases) == 0:
		return ", of which the index has no file"
	case !strings.Contains(n.text, "===") && n.spec.Set().IsEmpty():
		return ", which no version can be"
	case pv.set(n.spec).IsEmpty():
		return fmt.Sprintf(", but the index has only %s %s", n.name, pv.ranges(solver.FullSet(len(pv.releases)), "and"))
	}
	return ""
}

func (x *explainer) manyNeeds(key pair, list []*solver.Incompatibility) string {
	pv := x.projectView(key.about)
	all := solver.NewSet(len(pv.releases))
	example, newest := "", -1
	for _, i := range list {
		t, _ := i.Term(solver.Name{Package: key.about})
		all = all.Or(t.Set)
		if k := t.Set.Newest(); k > newest {
			newest, example = k, i.Cause.(*need).wants()
		}
	}
	return fmt.Sprintf("%s %s %s, in %d different ranges (%s: %s).", x.who(key, all), verb(pv, all), key.on, len(list),
		pv.releases[newest].text, example)
}

// ruledOut says why versions cannot be used: the reasons of the newest first.
func (x *explainer) ruledOut(c *ruledOut, set solver.Set) string {
	pv := c.project
	who := x.subject(pv.name, set, "and")
	switch c.kind {
	case preRelease:
		return fmt.Sprintf("%s: pre-release, and nothing asks for one.", who)
	case yanked:
		return fmt.Sprintf("%s: %s, and nothing pins it.", who, x.whyYanked(pv, set))
	}
	type group struct {
		reason string
		set    solver.Set
	}
	var groups []group
	for i := set.Newest(); i >= 0; i = set.Below(i) {
		reason := x.provider.refused[pv.name][i]
		if reason == "" {
			reason = x.whyNot(pv, i)
		}
		k := slices.IndexFunc(groups, func(g group) bool { return g.reason == reason })
		if k < 0 {
			k = len(groups)
			groups = append(groups, group{reason, solver.NewSet(len(pv.releases))})
		}
		groups[k].set.Add(i)
	}
	if len(groups) == 1 && set.Count() == 1 {
		return fmt.Sprintf("%s cannot be used: %s.", who, groups[0].reason)
	}
	lead := who + " cannot be used"
	if set.Count() == len(pv.releases) {
		lead = "no version of " + pv.name + " can be used"
	}
	if len(groups) == 1 {
		return fmt.Sprintf("%s: %s.", lead, groups[0].reason)
	}
	var parts []string
	for k, g := range groups {
		if k == maxReasons {
			parts = append(parts, fmt.Sprintf("%d more reasons", len(groups)-k))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", pv.ranges(g.set, "and"), g.reason))
	}
	return fmt.Sprintf("%s: %s.", lead, strings.Join(parts, ", "))
}

func (x *explainer) whyYanked(pv *projectView, set solver.Set) string {
	for _, w := range pv.releases[set.Newest()].wheels {
		if w.file.Yanked {
			return yankedReason(w.file.YankedReason)
		}
	}
	for _, d := range pv.releases[set.Newest()].sdists {
		if d.file.Yanked {
			return yankedReason(d.file.YankedReason)
		}
	}
	return "yanked"
}
