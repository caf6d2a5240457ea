package depgraph

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// pkg is a locked package of the tests: "app 1.0" needs names.
func pkg(name, version string, needs ...string) lock.Package {
	return lock.Package{Name: name, Version: version, Dependencies: needs}
}

func graph(packages []lock.Package, roots ...string) *Graph {
	l := &lock.Lock{Targets: []lock.Target{{Name: "focal"}, {Name: "trixie"}}, Packages: packages}
	var list []Root
	for i, r := range roots {
		list = append(list, Root{Name: r, Text: r, Origin: fmt.Sprintf("requirements.in:%d", i+1), Targets: []string{"focal", "trixie"}})
	}
	return New(l, list, Options{Targets: []string{"focal", "trixie"}, Env: func(string) pep508.Environment { return nil }})
}

// circle has two packages that need each other, and one that needs both.
func circle() *Graph {
	old := pkg("a", "1.0", "b")
	old.Targets = []string{"focal"}
	newer := pkg("a", "2.0", "b")
	newer.Targets = []string{"trixie"}
	return graph([]lock.Package{old, newer, pkg("b", "3.0", "a"), pkg("top", "1", "a", "b"), pkg("unused", "1")}, "top")
}

func TestText(t *testing.T) {
	want := `top 1  top (requirements.in:1)
├── a 1.0 focal, 2.0 trixie
│   └── b 3.0
│       └── a 1.0 focal, 2.0 trixie (*)
└── b 3.0 (*)
(*) is drawn above with what it needs
`
	if got := circle().Text(false); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Targets with long names: the version of most is named last, without them, and
// no line leaves the page.
func TestTextOfLongNames(t *testing.T) {
	targets := []string{"3.13t@manylinux_2_36_x86_64", "alpine-3.22", "bookworm-arm64", "focal", "manylinux_2_28-3.12", "pypy3.11@manylinux_2_36_x86_64", "windows"}
	l := &lock.Lock{}
	for _, name := range targets {
		l.Targets = append(l.Targets, lock.Target{Name: name})
	}
	on := func(p lock.Package, targets ...string) lock.Package { p.Targets = targets; return p }
	l.Packages = []lock.Package{
		on(pkg("app", "1.0", "lib"), targets[3]), on(pkg("app", "2.0", "lib", "part"), append(targets[:3:3], targets[4:]...)...),
		on(pkg("lib", "1.0"), targets[3], targets[5]), on(pkg("lib", "2.0"), targets[0], targets[2], targets[4]), on(pkg("lib", "3.0"), targets[1], targets[6]),
		on(pkg("part", "1.0"), append(targets[:3:3], targets[4:]...)...),
	}
	g := New(l, []Root{{Name: "app", Text: "app", Origin: "requirements.in:1", Targets: targets}}, Options{Targets: targets, Env: func(string) pep508.Environment { return nil }})
	want := `app 1.0 focal, else 2.0  app (requirements.in:1)
├── lib 3.0 alpine-3.22 windows, 1.0 focal pypy3.11@manylinux_2_36_x86_64,
│       else 2.0
└── part 1.0 [not focal]
`
	if got := g.Text(false); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestChains(t *testing.T) {
	var got []string
	list, more := circle().Chains("b")
	for _, c := range list {
		s := c.Root.Name
		for _, e := range c.Edges {
			s += " " + e.To
		}
		got = append(got, s)
	}
	if s := strings.Join(got, ", "); s != "top b, top a b" || more {
		t.Errorf("got %s, %v", s, more)
	}
}

// TestManyChains has 2^30 ways to one package: they are cut off, quickly.
func TestManyChains(t *testing.T) {
	var packages []lock.Package
	for i := range 30 {
		next := []string{fmt.Sprintf("x%d", i+1), fmt.Sprintf("y%d", i+1)}
		packages = append(packages, pkg(fmt.Sprintf("x%d", i), "1", next...), pkg(fmt.Sprintf("y%d", i), "1", next...))
	}
	packages = append(packages, pkg("x30", "1"), pkg("y30", "1"))
	g := graph(packages, "x0")
	if list, more := g.Chains("y30"); !more || len(list) > MaxChains {
		t.Errorf("got %d chains, more: %v", len(list), more)
	}
	if n := strings.Count(g.Text(false), "\n"); n > 200 {
		t.Errorf("the tree has %d lines", n)
	}
}

// hostile names come from a lock that somebody wrote by hand.
const hostile = "x\"]; n0 -> n9 [label=\"<script>alert(1)</script>&\\\u202e\x1b[31m"

// strictDot is a line of the small part of DOT that is written here.
var strictDot = regexp.MustCompile(`^(digraph wheels \{|  rankdir=LR;|  node \[shape=box, fontname="sans-serif"\];|  n\d+ \[label="([^"\\]|\\["\\n])*"(, (penwidth=2|style=dashed))?\];|  n\d+ -> n\d+( \[(label="([^"\\]|\\["\\n])*")?(, )?(style=dashed)?\])?;|\})$`)

func TestPictures(t *testing.T) {
	g := graph([]lock.Package{pkg("top", "1", hostile), pkg(hostile, "1.0\"", "top")}, "top")
	g.Tools = []Tool{{"smallbuild", "1.1", []string{"top 1"}}}
	for _, line := range strings.Split(strings.TrimSpace(g.Dot(true)), "\n") {
		if !strictDot.MatchString(line) {
			t.Errorf("dot: %s", line)
		}
	}
	for _, line := range strings.Split(g.Mermaid(true), "\n") {
		if strings.Contains(line, "script>") || strings.Count(line, `"`)%2 == 1 {
			t.Errorf("mermaid: %s", line)
		}
	}
	svg := g.SVG(true)
	d := xml.NewDecoder(strings.NewReader(svg))
	boxes := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("svg: %v\n%s", err, svg)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "svg", "title", "style", "defs", "marker", "path", "text":
		case "rect":
			boxes++
		default:
			t.Errorf("svg has an element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
				t.Errorf("svg has an attribute %s", a.Name.Local)
			}
		}
	}
	if boxes != 4 { // with the page
		t.Errorf("svg has %d boxes", boxes)
	}
	if strings.ContainsAny(svg, "\x1b\u202e") {
		t.Error("svg keeps control characters")
	}
}

// TestLayoutApart: parts that nothing joins lie below each other without a gap.
func TestLayoutApart(t *testing.T) {
	packages := []lock.Package{pkg("a", "1.0", "b", "c"), pkg("b", "1.0", "d"), pkg("c", "1.0", "e"), pkg("d", "1.0", "e"), pkg("e", "1.0"),
		pkg("r", "1.0", "s", "t", "u", "v"), pkg("s", "1.0"), pkg("t", "1.0"), pkg("u", "1.0"), pkg("v", "1.0"), pkg("x", "1.0", "y"), pkg("y", "1.0")}
	l := graph(packages, "a", "r", "x").picture(false).arrange()
	var all []*place
	for _, c := range l.columns {
		all = append(all, c...)
	}
	slices.SortFunc(all, func(a, b *place) int { return int(a.y - a.height/2 - b.y + b.height/2) })
	bottom := 0.0
	for _, q := range all {
		if gap := q.y - q.height/2 - bottom; gap > 2*rowGap+1 {
			t.Errorf("%.0f empty pixels above %v", gap, *q)
		}
		bottom = max(bottom, q.y+q.height/2)
	}
}

// TestLayout looks at the picture of forty packages: boxes do not overlap, and
// arrows go to the right.
func TestLayout(t *testing.T) {
	var packages []lock.Package
	for i := range 40 {
		var needs []string
		for _, k := range []int{2*i + 1, 2*i + 2, 3*i + 5} {
			if k < 40 {
				needs = append(needs, fmt.Sprintf("package-%02d", k))
			}
		}
		packages = append(packages, pkg(fmt.Sprintf("package-%02d", i), fmt.Sprintf("%d.0", i), needs...))
	}
	p := graph(packages, "package-00").picture(false)
	l := p.arrange()
	for _, c := range l.columns {
		for i := 1; i < len(c); i++ {
			if c[i-1].y+c[i-1].height/2 > c[i].y-c[i].height/2 {
				t.Errorf("two of a column overlap: %v, %v", *c[i-1], *c[i])
			}
		}
	}
	for i, r := range l.routes {
		for k := 1; k < len(r); k++ {
			if r[k].layer != r[k-1].layer+1 {
				t.Errorf("arrow %d jumps", i)
			}
		}
	}
	if l.width > 1600 || l.height > 1600 {
		t.Errorf("the picture has %.0f x %.0f", l.width, l.height)
	}
}
