package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

type treeOptions struct {
	targets       []string
	group, format string
	build         bool
}

func (a *app) treeVerb() *cobra.Command {
	var o treeOptions
	cmd := &cobra.Command{
		Use:   "tree",
		Short: "the dependency graph of the lock, as text or as a picture",
		Long: `tree draws what each requirement brings, for all targets at once: what differs is
said with the targets. It asks no index; what a package asks of another is shown
where its metadata is in the cache. With --build it also shows the order in which
the wheels are built, stage by stage, which build tools build themselves and which
are taken as they were published (seeds). svg is one file that any browser shows,
mermaid and dot are for pages and for Graphviz.`,
		Example: "  wheellock tree --target bookworm\n  wheellock tree --format svg > tree.svg",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.tree(cmd, o) },
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "only `TARGET`; may be repeated")
	cmd.Flags().StringVar(&o.group, "group", "", "only what `GROUP` asks for")
	cmd.Flags().BoolVar(&o.build, "build", false, "with build requirements and the order of the builds")
	cmd.Flags().StringVar(&o.format, "format", "text", "text, svg, mermaid or dot")
	return cmd
}

func (a *app) tree(cmd *cobra.Command, o treeOptions) error {
	draw := map[string]bool{"text": true, "svg": true, "mermaid": true, "dot": true}
	if !draw[o.format] {
		return usage("--format %q is none of text, svg, mermaid, dot", o.format)
	}
	l, err := a.openLocked(cmd.Context(), o.targets, false)
	if err != nil {
		return err
	}
	if err := l.onlyGroup(o.group); err != nil {
		return err
	}
	g, err := l.graph(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(graphJSON(g, o.build))
	}
	text := ""
	switch o.format {
	case "text":
		text = term.Clean(g.Text(o.build))
		if text == "" {
			text = "nothing is asked for\n"
		}
	case "svg":
		text = g.SVG(o.build)
	case "mermaid":
		text = g.Mermaid(o.build)
	case "dot":
		text = g.Dot(o.build)
	}
	_, err = fmt.Fprint(a.Out, text)
	return err
}
