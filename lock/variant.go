package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Caps on conflicting groups.
const (
	MaxVariants  = 32 // legal choices of groups that are locked
	maxConflicts = 64 // sets of conflicting groups, and groups in all of them
)

// Variant is one largest legal choice of groups: all groups that conflict with
// none, and of the others as many as can be together. Name is "" for the main
// one, else its groups that the main one lacks, sorted and joined by "+".
type Variant struct {
	Name   string
	Groups []string // sorted; only those that stand in a conflict
}

// ConflictError says that a selection of groups cannot be installed together.
type ConflictError struct{ A, B string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("groups %s and %s cannot be installed together: the project declares them in conflict", e.A, e.B)
}

// Hint says what to try next.
func (e *ConflictError) Hint() string {
	return fmt.Sprintf("choose one of --group %s and --group %s", e.A, e.B)
}

// TooManyVariantsError says that conflicts leave too many legal choices.
type TooManyVariantsError struct{ Conflicts [][]string }

func (e *TooManyVariantsError) Error() string {
	var sets []string
	for _, c := range e.Conflicts {
		sets = append(sets, strings.Join(c, ", "))
	}
	return fmt.Sprintf("the conflicts (%s) leave more than %d ways to choose groups, and each is solved apart", clip(strings.Join(sets, "; ")), MaxVariants)
}

// Hint says what to try next.
func (e *TooManyVariantsError) Hint() string {
	return "declare fewer conflicts, or give parts of the project a lock of their own (wheellock -C FOLDER)"
}

// Variants gives the largest legal choices of groups under conflicts, the main
// one first, then by number of groups that differ from it, then by name.
// Without conflicts the main one is the only one. The order of the sets has no
// meaning; within a set the earlier members are preferred. An error is a
// *TooManyVariantsError.
//
// They are the maximal independent sets of the graph whose edges are conflicts,
// found with polynomial delay in lexicographic order (Johnson, Yannakakis,
// Papadimitriou 1988): a search through all subsets would not end on what a
// hostile file may declare.
func Variants(conflicts [][]string) ([]Variant, error) {
	g := newGraph(conflicts)
	first := g.grow(nil)
	found := [][]int{first}
	seen := map[string]bool{fmt.Sprint(first): true}
	for i := 0; i < len(found); i++ { // grows while it is walked
		for j := range g.names {
			var part []int
			for _, k := range found[i] {
				if k < j && !g.edges[k][j] {
					part = append(part, k)
				}
			}
			next := g.grow(append(part, j))
			if key := fmt.Sprint(next); !seen[key] {
				seen[key] = true
				found = append(found, next)
			}
		}
		if len(found) > MaxVariants {
			return nil, &TooManyVariantsError{conflicts}
		}
	}
	list := make([]Variant, len(found))
	for i, members := range found {
		var other []string
		for _, k := range members {
			list[i].Groups = append(list[i].Groups, g.names[k])
			if !slices.Contains(first, k) {
				other = append(other, g.names[k])
			}
		}
		slices.Sort(list[i].Groups)
		slices.Sort(other)
		list[i].Name = strings.Join(other, "+")
	}
	slices.SortFunc(list, func(a, b Variant) int {
		return cmp.Or(cmp.Compare(weight(a.Name), weight(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

func weight(name string) int {
	if name == "" {
		return 0
	}
	return 1 + strings.Count(name, "+")
}

// graph has the groups as nodes, those that are to be in the main variant first.
type graph struct {
	names []string
	edges []map[int]bool
}

func newGraph(conflicts [][]string) *graph {
	late := map[string]int{} // how far back in its sets a group stands
	for _, c := range conflicts {
		for i, n := range c {
			late[n] += i
		}
	}
	g := &graph{}
	for n := range late {
		g.names = append(g.names, n)
	}
	slices.SortFunc(g.names, func(a, b string) int { return cmp.Or(cmp.Compare(late[a], late[b]), cmp.Compare(a, b)) })
	at := map[string]int{}
	for i, n := range g.names {
		at[n] = i
		g.edges = append(g.edges, map[int]bool{})
	}
	for _, c := range conflicts {
		for _, a := range c {
			for _, b := range c {
				if a != b {
					g.edges[at[a]][at[b]] = true
				}
			}
		}
	}
	return g
}

// grow adds to an independent set what fits, in the order of the nodes.
func (g *graph) grow(members []int) []int {
	members = slices.Clone(members)
	for j := range g.names {
		if !slices.ContainsFunc(members, func(k int) bool { return k == j || g.edges[k][j] }) {
			members = append(members, j)
		}
	}
	slices.Sort(members)
	return members
}

// Variants gives the lock's variants; only the main one where the conflicts
// break a rule that Check names.
func (l *Lock) Variants() []Variant {
	list, err := Variants(l.Conflicts)
	if err != nil {
		return []Variant{{}}
	}
	return list
}

// VariantOf gives the variant that a selection of groups installs from: the
// first that holds all of them. The error is a *ConflictError.
func (l *Lock) VariantOf(groups []string) (string, error) {
	groups = set(groups)
	for _, c := range l.Conflicts {
		var both []string
		for _, g := range groups {
			if slices.Contains(c, g) {
				both = append(both, g)
			}
		}
		if len(both) > 1 {
			return "", &ConflictError{both[0], both[1]}
		}
	}
	for _, v := range l.Variants() {
		if !slices.ContainsFunc(groups, func(g string) bool { return l.conflicting(g) && !slices.Contains(v.Groups, g) }) {
			return v.Name, nil
		}
	}
	return "", nil // unreachable: every legal choice is part of a largest one
}

func (l *Lock) conflicting(group string) bool {
	return slices.ContainsFunc(l.Conflicts, func(c []string) bool { return slices.Contains(c, group) })
}

// In reports whether p is what a variant installs on a target.
func (l *Lock) In(p *Package, target, variant string) bool {
	if !p.Covers(target) {
		return false
	}
	if only := orElse(p.TargetOnlyWith[target], p.OnlyWith); len(only) > 0 {
		return slices.Contains(only, variant)
	}
	return !slices.Contains(orElse(p.TargetNotWith[target], p.NotWith), variant)
}

func orElse(own, all []string) []string {
	if len(own) > 0 {
		return own
	}
	return all
}

// FindIn gives the package of a name that a variant installs on a target; nil:
// none.
func (l *Lock) FindIn(name, target, variant string) *Package {
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name == name && p.Group != GroupBuild && l.In(p, target, variant) {
			return p
		}
	}
	return nil
}

// SetVariants says in which variants p is installed: in gives, for each target
// of p, the names of those it is in. It writes only-with and its kin as short
// as they can be. l's conflicts and targets and p's targets must be set.
func (l *Lock) SetVariants(p *Package, in map[string][]string) {
	p.OnlyWith, p.NotWith, p.TargetOnlyWith, p.TargetNotWith = nil, nil, nil, nil
	var all []string
	for _, v := range l.Variants() {
		all = append(all, v.Name)
	}
	for t, has := range in {
		var lacks []string
		for _, v := range all {
			if !slices.Contains(has, v) {
				lacks = append(lacks, v)
			}
		}
		switch {
		case len(lacks) == 0:
		case slices.Contains(has, ""):
			put(&p.TargetNotWith, t, lacks)
		default:
			put(&p.TargetOnlyWith, t, has)
		}
	}
	p.sortVariants(l.TargetsOf(p))
}

func put(m *map[string][]string, target string, list []string) {
	if *m == nil {
		*m = map[string][]string{}
	}
	(*m)[target] = set(list)
}

// sortVariants writes what holds for every target of p once.
func (p *Package) sortVariants(mine []string) {
	p.OnlyWith, p.NotWith = set(p.OnlyWith), set(p.NotWith)
	p.TargetOnlyWith = joinTargets(&p.OnlyWith, p.TargetOnlyWith, mine)
	p.TargetNotWith = joinTargets(&p.NotWith, p.TargetNotWith, mine)
}

func joinTargets(all *[]string, by map[string][]string, mine []string) map[string][]string {
	if len(by) == 0 {
		return nil
	}
	sorted := map[string][]string{}
	same := len(by) == len(mine)
	for t, list := range by {
		sorted[t] = set(list)
		same = same && len(mine) > 0 && slices.Equal(sorted[t], set(by[mine[0]]))
	}
	if same && len(*all) == 0 {
		*all = sorted[mine[0]]
		return nil
	}
	return sorted
}
