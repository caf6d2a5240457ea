package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// maxWays is how many ways to a package why prints; --json has all.
const maxWays = 20

func (a *app) whyVerb() *cobra.Command {
	var targets []string
	var group string
	cmd := &cobra.Command{
		Use:   "why NAME",
		Short: "which requirements lead to a package, and why it is not newer",
		Long: `why shows each way from a requirement of the project, with its file and line, to a
locked package: what each step asks for, and on which targets. For a build
requirement it names what is built with it. It says what keeps the package from
being newer. It asks no index: what it tells of other versions and of what
packages ask for comes from the cache.`,
		Example: "  wheellock why idna\n  wheellock why urllib3 --target focal",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.why(cmd.Context(), args[0], targets, group) },
	}
	cmd.Flags().StringArrayVar(&targets, "target", nil, "only `TARGET`; may be repeated")
	cmd.Flags().StringVar(&group, "group", "", "only what `GROUP` asks for")
	return cmd
}

// whyJSON is the JSON of why.
type whyJSON struct {
	Name     string            `json:"name"`
	Versions map[string]string `json:"versions"`
	Chains   []chainJSON       `json:"chains"`
	More     bool              `json:"more"` // there are more chains than are listed
	Builds   []toolJSON        `json:"builds"`
	Newer    []newerJSON       `json:"newer"`
}

type chainJSON struct {
	Origin      string     `json:"origin"`
	Requirement string     `json:"requirement"`
	Group       string     `json:"group"`
	Targets     []string   `json:"targets"`
	Steps       []stepJSON `json:"steps"`
}

type stepJSON struct {
	Name     string            `json:"name"`
	Versions map[string]string `json:"versions"`
	Asks     map[string]string `json:"asks"`
	For      string            `json:"for"`
}

type newerJSON struct {
	Target  string `json:"target"`
	Version string `json:"version"`
	WhyNot  string `json:"why-not"` // "": nothing holds it back
}

func (a *app) why(ctx context.Context, arg string, targets []string, group string) error {
	if !pep508.ValidName(arg) {
		return usage("%q is not a package name", arg)
	}
	name := pep508.NormalizeName(arg)
	l, err := a.openLocked(ctx, targets, false)
	if err != nil {
		return err
	}
	if err := l.onlyGroup(group); err != nil {
		return err
	}
	g, err := l.graph(ctx)
	if err != nil {
		return err
	}
	out := whyJSON{Name: name, Versions: map[string]string{}, Chains: []chainJSON{}, Builds: []toolJSON{}, Newer: []newerJSON{}}
	if p := g.Packages[name]; p != nil {
		out.Versions = p.Versions
	}
	for _, t := range g.Tools {
		if t.Name == name {
			out.Builds = append(out.Builds, toolJSON{t.Name, t.Version, t.Builds})
		}
	}
	if len(out.Versions) == 0 && len(out.Builds) == 0 {
		return l.notLocked(name, group)
	}
	chains, more := g.Chains(name)
	out.More = more
	for _, c := range chains {
		out.Chains = append(out.Chains, chainOf(g, c))
	}
	known := l.newer(ctx, g, &out)
	if a.json {
		return a.printJSON(out)
	}
	a.printWhy(g, out, chains, known)
	return nil
}

func chainOf(g *depgraph.Graph, c depgraph.Chain) chainJSON {
	j := chainJSON{Origin: c.Root.Origin, Requirement: c.Root.Text, Group: c.Root.Group, Targets: c.Targets, Steps: []stepJSON{}}
	for _, e := range c.Edges {
		s := stepJSON{Name: e.From, Versions: map[string]string{}, Asks: map[string]string{}, For: e.To}
		for _, t := range c.Targets {
			s.Versions[t] = g.Packages[e.From].Versions[t]
			if asks := e.Asks[t]; asks != "" {
				s.Asks[t] = asks
			}
		}
		j.Steps = append(j.Steps, s)
	}
	return j
}

// notLocked names what was probably meant.
func (l *locked) notLocked(name, group string) error {
	hint := "wheellock tree shows what is locked"
	var near []string
	for _, p := range l.session.locked.Packages {
		if strings.Contains(p.Name, name) || strings.Contains(name, p.Name) {
			near = append(near, p.Name)
		}
	}
	slices.Sort(near)
	if near = slices.Compact(near); len(near) > 0 {
		hint = "did you mean: " + strings.Join(near[:min(len(near), 3)], ", ")
	}
	where := "in the lock"
	if group != "" {
		where = "needed by group " + group
	}
	return finding(hint, "%s is not %s for %s", name, where, strings.Join(l.names(), ", "))
}

// newer finds out what keeps the package from the newest version, for each
// target. It reports whether that could be told.
func (l *locked) newer(ctx context.Context, g *depgraph.Graph, out *whyJSON) bool {
	page, err := l.page(ctx, out.Name)
	if err != nil || page == nil || len(out.Versions) == 0 {
		return len(out.Versions) == 0
	}
	for _, t := range l.targets {
		have, err := pep440.Parse(out.Versions[t.Name])
		if err != nil {
			continue
		}
		for _, o := range l.obstacles(ctx, g, page, t, have) {
			out.Newer = append(out.Newer, newerJSON{t.Name, o.Version.String(), o.Why})
		}
	}
	return true
}

func (a *app) printWhy(g *depgraph.Graph, out whyJSON, chains []depgraph.Chain, known bool) {
	line := func(indent, text string) {
		for i, s := range term.Wrap(text, term.Width-len(indent)-2, "") {
			if i > 0 {
				s = "  " + s
			}
			fmt.Fprintln(a.Out, indent+term.Clean(s))
		}
	}
	if len(out.Versions) > 0 {
		on := slices.DeleteFunc(slices.Clone(g.Targets), func(t string) bool { return out.Versions[t] == "" })
		title := out.Name + " " + g.Version(out.Name, on)
		if s := g.On(on); s != "" && !strings.Contains(title, on[0]) {
			title += " on " + s
		}
		line("", title)
	}
	for i, c := range chains {
		if i == maxWays {
			line("", fmt.Sprintf("and %d more ways (--json lists them)", len(chains)-i))
			break
		}
		text := fmt.Sprintf("%s asks for %s", c.Root.Origin, c.Root.Text)
		if c.Root.Group != "" {
			text += " (group " + c.Root.Group + ")"
		}
		if on := g.On(c.Targets); on != "" {
			text += " [" + on + "]"
		}
		line("  ", text)
		for k, e := range c.Edges {
			line(strings.Repeat("  ", min(k, 12)+2), fmt.Sprintf("%s %s needs %s", e.From, g.Version(e.From, c.Targets), g.Asks(e, c.Targets)))
		}
	}
	for _, b := range out.Builds {
		line("", fmt.Sprintf("%s %s is a build requirement of %s", b.Name, b.Version, strings.Join(b.Builds, ", ")))
	}
	a.printNewer(line, g, out, known)
}

func (a *app) printNewer(line func(indent, text string), g *depgraph.Graph, out whyJSON, known bool) {
	var order []newerJSON
	on := map[newerJSON][]string{}
	for _, n := range out.Newer {
		target := n.Target
		if n.Target = ""; n.WhyNot == "" {
			n.WhyNot = "nothing holds it back; wheellock upgrade " + out.Name
		}
		if on[n] == nil {
			order = append(order, n)
		}
		on[n] = append(on[n], target)
	}
	if len(order) > 0 {
		line("", "newer:")
	}
	for _, n := range order {
		at := n.Version
		if s := g.On(on[n]); s != "" {
			at += " on " + s
		}
		line("  ", at+": "+n.WhyNot)
	}
	if !known {
		line("", "whether there is a newer one is not in the cache: wheellock outdated")
	}
}

func sortedNames(g *depgraph.Graph) []string { return slices.Sorted(maps.Keys(g.Packages)) }
