package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// The JSON of tree.
type (
	rootJSON struct {
		Name        string   `json:"name"`
		Requirement string   `json:"requirement"`
		Group       string   `json:"group"`
		Origin      string   `json:"origin"`
		Targets     []string `json:"targets"`
	}
	nodeJSON struct {
		Name     string            `json:"name"`
		Versions map[string]string `json:"versions"`
		Needs    []edgeJSON        `json:"needs"`
	}
	edgeJSON struct {
		Name    string            `json:"name"`
		Targets []string          `json:"targets"`
		Asks    map[string]string `json:"asks"`
	}
	toolJSON struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		Builds  []string `json:"builds"`
	}
)

type (
	orderJSON struct {
		Stages [][]stageJSON `json:"stages"`
		Seeds  []seedJSON    `json:"seeds"`
		Cycles [][]stageJSON `json:"cycles,omitempty"`
	}
	stageJSON struct {
		Name      string   `json:"name"`
		Version   string   `json:"version"`
		Targets   []string `json:"targets"`
		Recipe    string   `json:"recipe"`
		Bootstrap bool     `json:"bootstrap,omitempty"`
		Needs     []string `json:"needs,omitempty"`
		Seeds     []string `json:"seeds,omitempty"`
	}
	seedJSON struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		SHA256  string `json:"sha256"`
	}
)

// newOrderJSON is the order in which the wheels are built.
func newOrderJSON(p rebuild.Plan) *orderJSON {
	steps := func(nodes []rebuild.Node) (out []stageJSON) {
		for _, n := range nodes {
			out = append(out, stageJSON{n.Package, n.Version, n.Targets, n.Recipe, n.Bootstrap, n.Needs, n.Seeds})
		}
		return out
	}
	out := &orderJSON{Stages: [][]stageJSON{}, Seeds: []seedJSON{}}
	for _, s := range p.Stages {
		out.Stages = append(out.Stages, steps(s))
	}
	for _, c := range p.Cycles {
		out.Cycles = append(out.Cycles, steps(c))
	}
	for _, s := range p.Seeds {
		out.Seeds = append(out.Seeds, seedJSON{s.Package, s.Version, s.SHA256})
	}
	return out
}

func graphJSON(g *depgraph.Graph, build bool) any {
	out := struct {
		Targets      []string   `json:"targets"`
		Requirements []rootJSON `json:"requirements"`
		Packages     []nodeJSON `json:"packages"`
		Build        []toolJSON `json:"build,omitempty"`
		Order        *orderJSON `json:"order,omitempty"`
	}{Targets: g.Targets, Requirements: []rootJSON{}, Packages: []nodeJSON{}}
	for _, r := range g.Roots {
		out.Requirements = append(out.Requirements, rootJSON{r.Name, r.Text, r.Group, r.Origin, r.Targets})
	}
	for _, name := range slices.Sorted(maps.Keys(g.Packages)) {
		n := nodeJSON{Name: name, Versions: g.Packages[name].Versions, Needs: []edgeJSON{}}
		for _, e := range g.Edges[name] {
			n.Needs = append(n.Needs, edgeJSON{e.To, e.Targets, e.Asks})
		}
		out.Packages = append(out.Packages, n)
	}
	if build {
		for _, t := range g.Tools {
			out.Build = append(out.Build, toolJSON{t.Name, t.Version, t.Builds})
		}
		out.Order = newOrderJSON(g.Plan)
	}
	return out
}

// onlyGroup limits what is looked at to one group of the project.
func (l *locked) onlyGroup(group string) error {
	if group == "" {
		return nil
	}
	group = pep508.NormalizeName(group)
	var have []string
	for _, r := range l.request.Requirements {
		if r.Group == group {
			l.group = group
			return nil
		}
		if r.Group != "" && !slices.Contains(have, r.Group) {
			have = append(have, r.Group)
		}
	}
	slices.Sort(have)
	hint := "the project has no groups"
	if len(have) > 0 {
		hint = "the project has: " + strings.Join(have, ", ")
	}
	return invalid(hint, "no requirement is in the group %q", group)
}
