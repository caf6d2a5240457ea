// Package depgraph is the dependency graph of a lock, from the requirements of
// the project down, for some of its targets at once. What is the same on all of
// them is told once.
package depgraph

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// Root is a requirement of the project.
type Root struct {
	Name    string // normalised
	Text    string // "courier[socks]>=2"
	Group   string // "" for the default one
	Origin  string // "requirements.in:3"
	Targets []string
}

// Package is what is locked under a name.
type Package struct {
	Name     string
	Versions map[string]string // by target
}

// Edge says that a package needs another.
type Edge struct {
	From, To string
	Targets  []string
	Asks     map[string]string // by target: "ident<4,>=2.5"; absent: not known
}

// Tool is a build requirement: it is in the environment in which packages are
// built, not in the one that is installed.
type Tool struct {
	Name, Version string
	Builds        []string // "courier 2.3.0", sorted
}

// Graph is the whole.
type Graph struct {
	Targets  []string // that it is about
	Roots    []Root
	Packages map[string]*Package
	Edges    map[string][]*Edge // by From, sorted by To
	Tools    []Tool             // sorted by name and version
	Plan     rebuild.Plan       // in which order its wheels are built
}

// Ask says what a locked package asks for on a target, as its metadata has it;
// known is false where nobody can tell now.
type Ask func(p *lock.Package, target string) (reqs []pep508.Requirement, known bool)

// Options limit a graph.
type Options struct {
	Targets []string // of the lock
	Variant string   // of the lock, see lock.Variants
	Env     func(target string) pep508.Environment
	Ask     Ask
}

// New makes the graph of a lock. It holds what the roots lead to.
func New(l *lock.Lock, roots []Root, o Options) *Graph {
	g := &Graph{Targets: o.Targets, Packages: map[string]*Package{}, Edges: map[string][]*Edge{}}
	for _, t := range o.Targets {
		var queue []string
		for _, r := range roots {
			if slices.Contains(r.Targets, t) {
				queue = append(queue, r.Name)
			}
		}
		seen := map[string]bool{}
		for len(queue) > 0 {
			name := queue[0]
			queue = queue[1:]
			p := l.Find(name, t)
			if o.Variant != "" {
				p = l.FindIn(name, t, o.Variant)
			}
			if seen[name] || p == nil {
				continue
			}
			seen[name] = true
			queue = append(queue, g.node(p, t, o)...)
		}
	}
	for _, r := range roots {
		r.Targets = intersect(o.Targets, r.Targets)
		if len(r.Targets) > 0 {
			g.Roots = append(g.Roots, r)
		}
	}
	for _, list := range g.Edges {
		slices.SortFunc(list, func(a, b *Edge) int { return strings.Compare(a.To, b.To) })
	}
	g.tools(l)
	return g
}

func intersect(a, b []string) []string {
	var out []string
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// node puts a package on a target into the graph and returns what it needs.
func (g *Graph) node(p *lock.Package, target string, o Options) []string {
	n := g.Packages[p.Name]
	if n == nil {
		n = &Package{Name: p.Name, Versions: map[string]string{}}
		g.Packages[p.Name] = n
	}
	n.Versions[target] = p.Version
	deps := p.DependenciesOn(target)
	var reqs []pep508.Requirement
	known := false
	if o.Ask != nil && len(deps) > 0 {
		reqs, known = o.Ask(p, target)
	}
	for _, to := range deps {
		e := g.edge(p.Name, to)
		e.Targets = append(e.Targets, target)
		if known {
			if text := asked(reqs, to, o.Env(target)); text != "" {
				e.Asks[target] = text
			}
		}
	}
	return deps
}

func (g *Graph) edge(from, to string) *Edge {
	for _, e := range g.Edges[from] {
		if e.To == to {
			return e
		}
	}
	e := &Edge{From: from, To: to, Asks: map[string]string{}}
	g.Edges[from] = append(g.Edges[from], e)
	return e
}

// asked is what requirements say of a name in an environment: those that hold
// without an extra, or else those of some extra, which is named.
func asked(reqs []pep508.Requirement, name string, env pep508.Environment) string {
	var plain, extra []string
	for _, r := range reqs {
		if r.Canonical() != name {
			continue
		}
		text := bare(r)
		if r.Marker == nil {
			plain = append(plain, text)
			continue
		}
		if ok, err := r.Marker.Eval(env); err == nil && ok {
			plain = append(plain, text)
		} else if strings.Contains(r.Marker.String(), "extra") {
			extra = append(extra, text)
		}
	}
	if len(plain) == 0 && len(extra) > 0 {
		slices.Sort(extra)
		return strings.Join(slices.Compact(extra), " and ") + " for an extra"
	}
	slices.Sort(plain)
	return strings.Join(slices.Compact(plain), " and ")
}

// bare is a requirement without its marker, the name in normal form.
func bare(r pep508.Requirement) string {
	text := r.Canonical()
	if len(r.Extras) > 0 {
		text += "[" + strings.Join(r.CanonicalExtras(), ",") + "]"
	}
	return text + r.Specifiers.String()
}

func (g *Graph) tools(l *lock.Lock) {
	builds := map[[2]string][]string{}
	for i := range l.Packages {
		p := &l.Packages[i]
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if len(intersect(g.Targets, l.WheelTargets(p, w))) == 0 || g.Packages[p.Name] == nil {
				continue
			}
			r := l.Recipe(w.Recipe)
			if r == nil {
				continue
			}
			for _, b := range r.BuildRequires {
				key := [2]string{b.Name, b.Version}
				builds[key] = append(builds[key], p.Name+" "+p.Version)
			}
		}
	}
	for key, list := range builds {
		slices.Sort(list)
		g.Tools = append(g.Tools, Tool{key[0], key[1], slices.Compact(list)})
	}
	slices.SortFunc(g.Tools, func(a, b Tool) int {
		return slices.Compare([]string{a.Name, a.Version}, []string{b.Name, b.Version})
	})
	g.Plan = g.order(l)
}

// On says on which targets: "" for all of the graph's.
func (g *Graph) On(targets []string) string {
	if len(targets) == len(g.Targets) {
		return ""
	}
	return strings.Join(targets, ", ")
}

// Version says what is locked under a name on some targets: "3.2", or "3.1
// focal, 3.2 bookworm".
func (g *Graph) Version(name string, targets []string) string {
	p := g.Packages[name]
	if p == nil {
		return ""
	}
	return g.byValue(targets, func(t string) string { return p.Versions[t] })
}

// shortVersion is Version where that is too long for a line: the version of most
// targets comes last, as "else 3.2".
func (g *Graph) shortVersion(name string, targets []string) string {
	p := g.Packages[name]
	if p == nil {
		return ""
	}
	count, most := map[string]int{}, ""
	for _, t := range targets {
		v := p.Versions[t]
		if count[v]++; v != "" && (most == "" || count[v] > count[most] || count[v] == count[most] && v > most) {
			most = v
		}
	}
	rest := slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return p.Versions[t] == most })
	s := g.byValue(rest, func(t string) string { return p.Versions[t] })
	switch {
	case s == "":
		return most
	case !strings.Contains(s, " "): // one version, which byValue gives bare
		s += " " + strings.Join(rest, " ")
	}
	return s + ", else " + most
}

// byValue tells what differs between targets: one value, or each with its
// targets.
func (g *Graph) byValue(targets []string, of func(target string) string) string {
	var order []string
	on := map[string][]string{}
	for _, t := range targets {
		v := of(t)
		if v == "" {
			continue
		}
		if on[v] == nil {
			order = append(order, v)
		}
		on[v] = append(on[v], t)
	}
	if len(order) == 1 {
		return order[0]
	}
	for i, v := range order {
		order[i] = v + " " + strings.Join(on[v], " ")
	}
	return strings.Join(order, ", ")
}

// Asks says what an edge asks for: "ident<4", or just "ident" where it is not known.
func (g *Graph) Asks(e *Edge, targets []string) string {
	if s := g.byValue(targets, func(t string) string { return e.Asks[t] }); s != "" {
		return s
	}
	return e.To
}

// bound is what an edge asks for without the name, "<4", where that says
// something.
func (g *Graph) bound(e *Edge, targets []string) string {
	return g.byValue(targets, func(t string) string { return strings.TrimPrefix(e.Asks[t], e.To) })
}
