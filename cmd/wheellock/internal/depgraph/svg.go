package depgraph

import (
	"fmt"
	"html"
	"strings"
)

// style follows the reader's light or dark page. Nothing is fetched.
const style = `
  .box { fill: #fff; stroke: #57606a; }
  .direct { stroke: #0550ae; stroke-width: 2.5; }
  .tool { stroke-dasharray: 5 3; }
  .arrow { fill: none; stroke: #8c959f; }
  .some { stroke-dasharray: 5 3; }
  text { font: 12.5px monospace; fill: #1f2328; }
  .version { fill: #57606a; }
  .page { fill: #f6f8fa; }
  #tip { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    .box { fill: #161b22; stroke: #8b949e; }
    .direct { stroke: #58a6ff; }
    .arrow { stroke: #6e7681; }
    text { fill: #e6edf3; }
    .version { fill: #9da7b3; }
    .page { fill: #0d1117; }
    #tip { fill: #6e7681; }
  }
`

// SVG is a picture of the graph: one file without scripts, fonts or links.
func (g *Graph) SVG(build bool) string {
	p := g.picture(build)
	l := p.arrange()
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
		l.width, l.height, l.width, l.height)
	fmt.Fprintf(&b, "<title>%s</title>\n", svgText("dependencies on "+strings.Join(g.Targets, ", ")))
	fmt.Fprintf(&b, "<style>%s</style>\n", style)
	b.WriteString("<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\"><path id=\"tip\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n")
	b.WriteString("<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n")
	for i, a := range p.arrows {
		class := "arrow"
		if a.dashed {
			class += " some"
		}
		title := p.boxes[a.from].name + " needs " + p.boxes[a.to].name + a.label
		fmt.Fprintf(&b, "<path class=\"%s\" marker-end=\"url(#head)\" d=\"%s\"><title>%s</title></path>\n", class, curve(l.routes[i]), svgText(title))
	}
	for _, c := range l.columns {
		for _, q := range c {
			if q.box >= 0 {
				writeBox(&b, q, p.boxes[q.box])
			}
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func writeBox(b *strings.Builder, q *place, x box) {
	fmt.Fprintf(b, "<rect class=\"box %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\"/>\n",
		x.kind, q.x, q.y-q.height/2, q.width, q.height)
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", q.x+boxPadding, q.y-4, svgText(x.name))
	fmt.Fprintf(b, "<text class=\"version\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", q.x+boxPadding, q.y+12, svgText(x.below))
}

// curve is the way of an arrow: from the right side of a box, straight through
// the columns it passes, to the left side of the other. One that closes a
// circle goes back below.
func curve(route []*place) string {
	from, to := route[0], route[len(route)-1]
	var b strings.Builder
	x, y := from.x+from.width, from.y
	fmt.Fprintf(&b, "M%.1f %.1f", x, y)
	if to.layer <= from.layer {
		low := max(from.y, to.y) + boxHeight
		fmt.Fprintf(&b, " C%.1f %.1f %.1f %.1f %.1f %.1f", x+columnGap/2, low, to.x-columnGap/2, low, to.x, to.y)
		return b.String()
	}
	for _, q := range route[1:] {
		if end := q.x - columnGap; x < end {
			fmt.Fprintf(&b, " L%.1f %.1f", end, y) // past the wider boxes of its column
			x = end
		}
		middle := (x + q.x) / 2
		fmt.Fprintf(&b, " C%.1f %.1f %.1f %.1f %.1f %.1f", middle, y, middle, q.y, q.x, q.y)
		x, y = q.x, q.y
	}
	return b.String()
}

func svgText(s string) string { return html.EscapeString(printable(s)) }
