package depgraph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// picture is what the drawn formats have in common: boxes and arrows.
type picture struct {
	boxes  []box
	arrows []arrow
}

type box struct {
	name, below string // two lines
	kind        string // "direct", "tool" or ""
}

type arrow struct {
	from, to int
	label    string
	dashed   bool
}

func (g *Graph) picture(build bool) picture {
	var p picture
	at := map[string]int{}
	direct := map[string]bool{}
	for _, r := range g.Roots {
		direct[r.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(g.Packages)) {
		b := box{name: name}
		all := intersect(g.Targets, slices.Collect(maps.Keys(g.Packages[name].Versions)))
		b.below = g.Version(name, all)
		if on := g.On(all); on != "" && !strings.Contains(b.below, " ") {
			b.below += " " + strings.ReplaceAll(on, ", ", " ")
		}
		if direct[name] {
			b.kind = "direct"
		}
		at[name] = len(p.boxes)
		p.boxes = append(p.boxes, b)
	}
	for _, from := range slices.Sorted(maps.Keys(g.Edges)) {
		for _, e := range g.Edges[from] {
			if _, ok := at[e.To]; !ok || from == e.To {
				continue
			}
			p.arrows = append(p.arrows, arrow{from: at[from], to: at[e.To], label: g.bound(e, e.Targets), dashed: g.On(e.Targets) != ""})
		}
	}
	if build {
		g.addTools(&p, at)
		for i := range p.boxes {
			p.boxes[i].below += marked(g.Plan, p.boxes[i].name)
		}
	}
	return p
}

func (g *Graph) addTools(p *picture, at map[string]int) {
	for _, t := range g.Tools {
		k := len(p.boxes)
		p.boxes = append(p.boxes, box{t.Name, t.Version, "tool"})
		for _, b := range t.Builds {
			name, _, _ := strings.Cut(b, " ")
			if i, ok := at[name]; ok && !slices.Contains(p.arrows, arrow{i, k, "", true}) {
				p.arrows = append(p.arrows, arrow{i, k, "", true})
			}
		}
	}
}

// Dot is the graph in Graphviz's language.
func (g *Graph) Dot(build bool) string {
	p := g.picture(build)
	var b strings.Builder
	b.WriteString("digraph wheels {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n")
	for i, x := range p.boxes {
		style := map[string]string{"direct": ", penwidth=2", "tool": ", style=dashed"}[x.kind]
		fmt.Fprintf(&b, "  n%d [label=%s%s];\n", i, dotQuote(x.name+"\n"+x.below), style)
	}
	for _, a := range p.arrows {
		var opts []string
		if a.label != "" {
			opts = append(opts, "label="+dotQuote(a.label))
		}
		if a.dashed {
			opts = append(opts, "style=dashed")
		}
		attrs := ""
		if len(opts) > 0 {
			attrs = " [" + strings.Join(opts, ", ") + "]"
		}
		fmt.Fprintf(&b, "  n%d -> n%d%s;\n", a.from, a.to, attrs)
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote makes a quoted string of the DOT language, in which only the quote
// ends it and the backslash begins an escape.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(printable(s)) + `"`
}

// Mermaid is the graph as a Mermaid flowchart.
func (g *Graph) Mermaid(build bool) string {
	p := g.picture(build)
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, x := range p.boxes {
		class := ""
		if x.kind != "" {
			class = ":::" + x.kind
		}
		fmt.Fprintf(&b, "  n%d[\"%s<br/>%s\"]%s\n", i, mermaidText(x.name), mermaidText(x.below), class)
	}
	for _, a := range p.arrows {
		line := "-->"
		if a.dashed {
			line = "-.->"
		}
		if a.label != "" {
			line += "|\"" + mermaidText(a.label) + "\"|"
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", a.from, line, a.to)
	}
	b.WriteString("  classDef direct stroke-width:3px\n  classDef tool stroke-dasharray:4\n")
	return b.String()
}

// mermaidText writes every character that could mean something as an entity,
// as Mermaid spells them: #NUMBER;
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range printable(s) {
		if strings.ContainsRune("\"#;&<>|`\\{}[]()", r) {
			fmt.Fprintf(&b, "#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// printable leaves out what is no character of a text: names come from files
// that anybody may have written.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r >= ' ' && r < 0x7f || r > 0xa0 && r < 0xd800 && r != '\u202e' && r != '\u2028' && r != '\u2029' {
			return r
		}
		return '?'
	}, s)
}
