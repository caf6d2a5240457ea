package depgraph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
)

// order puts the builds of a lock in order, those of the graph's packages, targets
// and tools.
func (g *Graph) order(l *lock.Lock) rebuild.Plan {
	p := rebuild.PlanOf(l)
	other := func(n rebuild.Node) bool {
		return len(intersect(g.Targets, n.Targets)) == 0 || n.Group != lock.GroupBuild && g.Packages[n.Package] == nil
	}
	for i := range p.Stages {
		p.Stages[i] = slices.DeleteFunc(p.Stages[i], other)
	}
	p.Stages = slices.DeleteFunc(p.Stages, func(s []rebuild.Node) bool { return len(s) == 0 })
	p.Seeds = slices.DeleteFunc(p.Seeds, func(s rebuild.Seed) bool {
		return !slices.ContainsFunc(g.Tools, func(t Tool) bool { return t.Name == s.Package && t.Version == s.Version })
	})
	return p
}

// orderText is the build order as text: the stages, what builds itself, what is taken
// as it was published, and cycles.
func orderText(p rebuild.Plan) string {
	if len(p.Stages)+len(p.Cycles) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nbuild order:\n")
	line := func(head string, items []string) {
		if len(items) == 0 {
			return
		}
		for _, l := range term.Wrap("  "+head+": "+strings.Join(slices.Compact(items), ", "), term.Width, "    ") {
			b.WriteString("  " + l + "\n")
		}
	}
	var own, seeds []string
	for i, s := range p.Stages {
		var names []string
		for _, n := range s {
			names = append(names, n.Package+" "+n.Version)
			if n.Bootstrap {
				own = append(own, n.Package+" "+n.Version)
			}
		}
		line(fmt.Sprintf("stage %d", i+1), names)
	}
	for _, s := range p.Seeds {
		seeds = append(seeds, s.Package+" "+s.Version)
	}
	line("built by themselves (backend-path)", own)
	line("seeds, taken as published by hash", seeds)
	for _, ring := range p.Cycles {
		var names []string
		for _, n := range ring {
			names = append(names, n.Package+" "+n.Version)
		}
		line("cycle, broken by the published "+strings.Join(ring[0].Seeds, ", ")+" as seed of "+names[0], names)
	}
	return b.String()
}

// marked is what a picture says of a package besides its version: when it is built, where
// that is not at once, and whether it builds itself.
func marked(p rebuild.Plan, name string) string {
	for i, s := range p.Stages {
		for _, n := range s {
			if n.Package != name {
				continue
			}
			mark := ""
			if len(p.Stages) > 1 {
				mark = fmt.Sprintf(", stage %d", i+1)
			}
			if n.Bootstrap {
				mark += ", builds itself"
			}
			return mark
		}
	}
	return ""
}
