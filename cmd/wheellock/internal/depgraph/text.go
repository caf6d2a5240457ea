package depgraph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// Text draws the graph as a tree for each requirement. What was drawn already
// with all it needs is marked (*). Lines keep to the page where a name and a
// version allow it: what is asked is left out before they are.
func (g *Graph) Text(build bool) string {
	d := &drawing{g: g, seen: map[string]bool{}}
	group := ""
	for _, r := range g.sortedRoots() {
		if r.Group != group {
			d.line("", "group "+r.Group+":", "")
			group = r.Group
		}
		d.root(r)
	}
	if d.repeats {
		d.line("", "(*) is drawn above with what it needs", "")
	}
	if build && len(g.Tools) > 0 {
		d.line("", "", "")
		d.line("", "build requirements:", "")
		for _, t := range g.Tools {
			for _, l := range term.Wrap(t.Name+" "+t.Version+" builds "+strings.Join(t.Builds, ", "), term.Width-2, "    ") {
				d.line("  ", l, "")
			}
		}
	}
	if build {
		d.b.WriteString(orderText(g.Plan))
	}
	return d.b.String()
}

func (g *Graph) sortedRoots() []Root {
	roots := slices.Clone(g.Roots)
	slices.SortStableFunc(roots, func(a, b Root) int {
		return slices.Compare([]string{a.Group, a.Name, a.Origin, a.Text}, []string{b.Group, b.Name, b.Origin, b.Text})
	})
	return roots
}

type drawing struct {
	g       *Graph
	b       strings.Builder
	seen    map[string]bool // by name and targets: drawn with what it needs
	repeats bool
}

func (d *drawing) line(indent, text, more string) {
	s := indent + text
	if more != "" && term.Len(s)+2+term.Len(more) <= term.Width {
		s += "  " + more
	}
	d.b.WriteString(strings.TrimRight(s, " ") + "\n")
}

// label writes a node's line; what does not fit goes below it, indented.
func (d *drawing) label(first, rest, text, more string) {
	lines := term.Wrap(text, max(term.Width-term.Len(rest)-4, 20), "")
	if len(lines) > 1 {
		more = ""
	}
	d.line(first, lines[0], more)
	for _, l := range lines[1:] {
		d.line(rest+"    ", l, "")
	}
}

func (d *drawing) root(r Root) {
	d.node("", "", r.Name, r.Targets, fmt.Sprintf("%s (%s)", r.Text, r.Origin), map[string]bool{})
}

// node draws a package and what it needs. stack are the packages above it: a
// circle ends where it closes.
func (d *drawing) node(first, rest, name string, targets []string, more string, stack map[string]bool) {
	label := name + " " + d.g.Version(name, targets)
	if term.Len(first+label+" (*)") > term.Width {
		label = name + " " + d.g.shortVersion(name, targets)
	}
	if d.g.Packages[name] == nil {
		label = name + " (not in the lock)"
	}
	if on := d.g.On(targets); on != "" && !strings.Contains(label, targets[0]) {
		missing := slices.DeleteFunc(slices.Clone(d.g.Targets), func(t string) bool { return slices.Contains(targets, t) })
		if term.Len(first+label+on+" []") > term.Width && len(missing) < len(targets) {
			on = "not " + strings.Join(missing, ", ")
		}
		label += " [" + on + "]"
	}
	var below []*Edge
	for _, e := range d.g.Edges[name] {
		if len(intersect(targets, e.Targets)) > 0 {
			below = append(below, e)
		}
	}
	key := name + " " + strings.Join(targets, " ")
	if len(below) > 0 && (d.seen[key] || stack[name]) {
		d.repeats = true
		d.label(first, rest, label+" (*)", more)
		return
	}
	d.label(first, rest, label, more)
	d.seen[key] = true
	stack[name] = true
	for i, e := range below {
		on := intersect(targets, e.Targets)
		branch, under := "├── ", "│   "
		if i == len(below)-1 {
			branch, under = "└── ", "    "
		}
		more := ""
		if asks := d.g.bound(e, on); asks != "" {
			more = "asks " + asks
		}
		d.node(rest+branch, rest+under, e.To, on, more, stack)
	}
	delete(stack, name)
}
