package depgraph

import "slices"

// Chain is a way from a requirement of the project to a package.
type Chain struct {
	Root    Root
	Edges   []*Edge
	Targets []string // on which it is there
}

// MaxChains bounds how many chains are followed: a graph may have more than
// there are atoms.
const MaxChains = 1000

// Chains returns the ways to a package, the shortest first; more is true where
// MaxChains cut them off.
func (g *Graph) Chains(name string) (list []Chain, more bool) {
	useful := g.above(name)
	var level []Chain
	for _, r := range g.Roots {
		if useful[r.Name] {
			level = append(level, Chain{Root: r, Targets: r.Targets})
		}
	}
	for len(level) > 0 {
		var next []Chain
		for _, c := range level {
			last := c.Root.Name
			if n := len(c.Edges); n > 0 {
				last = c.Edges[n-1].To
			}
			if last == name {
				if len(list) == MaxChains {
					return list, true
				}
				list = append(list, c)
				continue
			}
			for _, e := range g.Edges[last] {
				on := intersect(c.Targets, e.Targets)
				if len(on) == 0 || !useful[e.To] || c.visits(e.To) {
					continue
				}
				if len(next) == 4*MaxChains {
					more = true
					break
				}
				next = append(next, Chain{Root: c.Root, Edges: append(slices.Clone(c.Edges), e), Targets: on})
			}
		}
		level = next
	}
	return list, more
}

func (c Chain) visits(name string) bool {
	return c.Root.Name == name || slices.ContainsFunc(c.Edges, func(e *Edge) bool { return e.To == name })
}

// above is every package that leads to a name, and the name itself.
func (g *Graph) above(name string) map[string]bool {
	up := map[string][]string{}
	for from, list := range g.Edges {
		for _, e := range list {
			up[e.To] = append(up[e.To], from)
		}
	}
	seen := map[string]bool{name: true}
	queue := []string{name}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, m := range up[n] {
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return seen
}
