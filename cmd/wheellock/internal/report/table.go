package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

// A column of the table stands for all targets that have the same versions of
// everything: ten equal columns would hide the one that differs.
type column struct {
	title   string
	targets []string
}

func columns(o *workorder.Order) []column {
	var out []column
	key := map[string]int{}
	for _, t := range o.Targets {
		var vs []string
		for _, p := range o.Packages {
			vs = append(vs, p.Versions[t.Name])
		}
		k := strings.Join(vs, "\n")
		title := columnTitle(t)
		if i, ok := key[k]; ok {
			out[i].targets = append(out[i].targets, t.Name)
			continue
		}
		key[k] = len(out)
		out = append(out, column{title: title, targets: []string{t.Name}})
	}
	for i := range out {
		if n := len(out[i].targets) - 1; n > 0 {
			out[i].title = strings.ToUpper(out[i].targets[0]) + fmt.Sprintf(" +%d", n)
		}
	}
	return out
}

// columnTitle is the target's name and Python. A name that is made of the Python
// and a platform ("3.11.7@manylinux_2_36_x86_64", "musllinux_1_2-3.12") would say
// the Python twice and push the table off the page.
func columnTitle(t workorder.Target) string {
	return shortName(t.Name, t.Python) + " " + t.Python
}

func shortName(name, python string) string {
	if p, platform, ok := strings.Cut(name, "@"); ok && p == python {
		name = platform
	}
	name = strings.TrimSuffix(name, "-"+python)
	return strings.ToUpper(strings.TrimSuffix(name, "_x86_64"))
}

// orderTable writes one line a package; where the columns of the targets do not
// fit into the page, the versions go below the name instead.
func orderTable(b *strings.Builder, o *workorder.Order, s term.Style) {
	cols := columns(o)
	rows := tableRows(o, cols, s)
	for gap := 2; gap > 0; gap-- {
		if lines := term.Columns(rows, gap); fits(lines) {
			b.WriteString(strings.Join(lines, "\n") + "\n")
			folded(b, cols)
			return
		}
	}
	narrowTable(b, o, cols, s)
}

func fits(lines []string) bool {
	return !slices.ContainsFunc(lines, func(l string) bool { return term.Len(l) > term.Width })
}

// folded names the targets that a "+2" in a title stands for.
func folded(b *strings.Builder, cols []column) {
	for _, c := range cols {
		if len(c.targets) > 1 {
			for _, line := range term.Wrap(c.title+": "+strings.Join(c.targets, ", "), term.Width, "  ") {
				b.WriteString(line + "\n")
			}
		}
	}
}

func tableRows(o *workorder.Order, cols []column, s term.Style) [][]string {
	head := []string{"PACKAGE"}
	for _, c := range cols {
		head = append(head, c.title)
	}
	head = append(head, "BUILD", "UPSTREAM", "MIRROR")
	for i := range head {
		head[i] = s.Paint(term.Heading, head[i])
	}
	rows := [][]string{head}
	for i := range o.Packages {
		p := &o.Packages[i]
		row := []string{p.Name}
		first := ""
		for _, c := range cols {
			v := p.Versions[c.targets[0]]
			switch {
			case v == "":
				v = "-"
			case first == "":
				first = v
			case v == first:
				v = "same"
			}
			row = append(row, v)
		}
		rows = append(rows, append(row, workCell(p, s), upstreamCell(p, s), mirrorCell(p, s)))
	}
	return rows
}

// longName is the length from which on a name stands on a line of its own.
const longName = 46

func narrowTable(b *strings.Builder, o *workorder.Order, cols []column, s term.Style) {
	rows := [][]string{}
	head := []string{"PACKAGE", "BUILD", "UPSTREAM", "MIRROR"}
	for i := range head {
		head[i] = s.Paint(term.Heading, head[i])
	}
	rows = append(rows, head)
	for i := range o.Packages {
		p := &o.Packages[i]
		name := p.Name
		if len(name) >= longName {
			name = ""
		}
		rows = append(rows, []string{name, workCell(p, s), upstreamCell(p, s), mirrorCell(p, s)})
	}
	lines := term.Columns(rows, 2)
	b.WriteString(lines[0] + "\n")
	for i := range o.Packages {
		if name := o.Packages[i].Name; len(name) >= longName {
			b.WriteString(name + "\n")
		}
		b.WriteString(lines[i+1] + "\n")
		for _, line := range versionLines(&o.Packages[i], cols) {
			for _, l := range term.Wrap(line, term.Width-2, "  ") {
				b.WriteString("  " + l + "\n")
			}
		}
	}
	folded(b, cols)
}

// versionLines groups the targets by the version they get, a line each: "2.32.4
// focal", "2.34.2 bookworm, trixie".
func versionLines(p *workorder.Package, cols []column) []string {
	var order []string
	by := map[string][]string{}
	for _, c := range cols {
		v := p.Versions[c.targets[0]]
		if v == "" {
			continue
		}
		if by[v] == nil {
			order = append(order, v)
		}
		name := strings.ToLower(c.targets[0])
		if n := len(c.targets) - 1; n > 0 {
			name += fmt.Sprintf(" +%d", n)
		}
		by[v] = append(by[v], name)
	}
	if len(order) == 1 {
		return order
	}
	for i, v := range order {
		order[i] = v + " " + strings.Join(by[v], ", ")
	}
	return order
}

func workCell(p *workorder.Package, s term.Style) string {
	switch {
	case p.Build.Kind == "upstream":
		return s.Paint(term.Faint, "none")
	case p.Build.Done == p.Build.Need:
		return s.Paint(term.Good, fmt.Sprintf("%d %s ok", p.Build.Need, p.Build.Kind))
	case p.Build.Done > 0:
		return s.Paint(term.Todo, fmt.Sprintf("%d/%d %s", p.Build.Done, p.Build.Need, p.Build.Kind))
	}
	return s.Paint(term.Todo, fmt.Sprintf("%d %s", p.Build.Need, p.Build.Kind))
}

func upstreamCell(p *workorder.Package, s term.Style) string {
	switch p.Upstream {
	case "bytes", "content":
		return s.Paint(term.Good, p.Upstream+" ok")
	case "differs":
		return s.Paint(term.Bad, strings.TrimSpace("differs "+p.Mark))
	}
	return s.Paint(term.Faint, p.Upstream)
}

func mirrorCell(p *workorder.Package, s term.Style) string {
	switch p.Mirror {
	case "done":
		return s.Paint(term.Good, p.Mirror)
	case "yes":
		return s.Paint(term.Todo, p.Mirror)
	}
	return s.Paint(term.Faint, p.Mirror)
}
