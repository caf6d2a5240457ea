package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock/pyproject"
)

// initOptions is what init writes, from flags or from the interview.
type initOptions struct {
	preset, wheelhouse string
	targets            []string
}

func (a *app) initVerb() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "write the configuration",
		Long: `init writes the settings of a preset, and the targets, into pyproject.toml or,
where there is none, wheellock.toml. Without flags and in a terminal it asks three
questions; Enter takes the default. Anywhere else it takes the defaults, among
them this machine's own Python as target, and lists the other Pythons that it finds.

reproducible: rebuild everything, mirror what does not come out equal to
upstream. securedrop: build and mirror everything, statements wait for CI.
upstream: take published wheels by hash, build only what has none.

A target is a name of the catalogue (wheellock target list --all), one with an
architecture (bookworm-arm64), PYTHON@PLATFORM, or "local": this machine's Python.`,
		Example: "  wheellock init\n  wheellock init --preset securedrop --target bookworm",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := cmd.Flags()
			ask := a.Asks && !a.json && !a.quiet && !f.Changed("preset") && !f.Changed("target") && !f.Changed("wheelhouse")
			return a.init(cmd, o, ask)
		},
	}
	cmd.Flags().StringVar(&o.preset, "preset", "reproducible", "one of "+strings.Join(pyproject.Presets(), ", "))
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "lock for `TARGET`; may be repeated")
	completeTargets(cmd)
	cmd.Flags().StringVar(&o.wheelhouse, "wheelhouse", "", "keep files, pages and log in `PLACE`: a folder, or an https address to read from")
	return cmd
}

func (a *app) init(cmd *cobra.Command, o initOptions, ask bool) error {
	ctx := cmd.Context()
	if _, err := pyproject.Preset(o.preset); err != nil {
		return err
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if file := s.project.Config.File; file != "" {
		return invalid("change it by hand, its targets with: wheellock target add NAME", "%s configures this project already", file)
	}
	var here []found
	if len(o.targets) == 0 {
		if here, err = a.interpreters(ctx); err != nil {
			return err
		}
		if len(here) == 0 {
			return environment("wheellock init --target bookworm", "there is no Python on this machine to lock for")
		}
		if ask {
			if o, err = a.interview(ctx, here); err != nil {
				return err
			}
		}
	}
	p, err := s.configured(cmd, o, here)
	if err != nil {
		return err
	}
	if err := s.writeInputs(p.Edits()); err != nil {
		return err
	}
	if ask {
		here = nil // they have been shown
	}
	return s.reportInit(p, o, here)
}

// configured lays the options over a project that has no configuration.
func (s *session) configured(cmd *cobra.Command, o initOptions, here []found) (*pyproject.Project, error) {
	edits, err := s.project.Init(o.preset)
	if err != nil {
		return nil, err
	}
	p, err := s.project.With(edits)
	if err != nil {
		return nil, err
	}
	if o.wheelhouse != "" {
		if edits, err = p.SetWheelhouse(o.wheelhouse); err != nil {
			return nil, err
		}
		if p, err = p.With(edits); err != nil {
			return nil, err
		}
	}
	if len(o.targets) > 0 {
		return s.withTargets(cmd, p, o.targets)
	}
	return edited(p, []pyproject.Target{declaration(here[0].Target)}, (*pyproject.Project).AddTarget)
}

// initResult is what init --json prints.
type initResult struct {
	Configuration string             `json:"configuration"`
	Preset        string             `json:"preset"`
	Wheelhouse    string             `json:"wheelhouse"`
	Targets       []report.TargetRow `json:"targets"`
	Proposals     []report.TargetRow `json:"proposals"` // other Pythons of this machine
	Next          string             `json:"next"`
}

func (s *session) reportInit(p *pyproject.Project, o initOptions, here []found) error {
	res := initResult{Configuration: p.Config.File, Preset: o.preset, Wheelhouse: p.Config.Wheelhouse, Proposals: []report.TargetRow{}, Next: "wheellock add NAME"}
	targets, err := targetsOf(p.Config)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range targets {
		names = append(names, t.Name)
	}
	res.Targets = declaredRows(targets)
	for _, f := range here {
		if !slices.Contains(names, f.Target.Name) {
			res.Proposals = append(res.Proposals, targetRow(f.Target, s.homely(f.Path)))
		}
	}
	if len(p.Inputs) > 0 {
		res.Next = "wheellock lock"
	}
	if s.json {
		return s.printJSON(res)
	}
	fmt.Fprintf(s.Out, "%s: preset %s, to lock for:\n", res.Configuration, res.Preset)
	report.Targets(s.Out, res.Targets, s.style)
	if len(res.Proposals) > 0 {
		fmt.Fprintln(s.Out, "\nOther Pythons of this machine; to lock for one, too: wheellock target add TARGET")
		report.Found(s.Out, res.Proposals, s.style)
	}
	fmt.Fprintln(s.Out, "\nNext:", s.style.Paint(term.Command, res.Next))
	return nil
}

// interview asks what flags could have said. Nothing is written before the last
// answer.
func (a *app) interview(ctx context.Context, here []found) (initOptions, error) {
	d := &dialogue{ctx: ctx, lines: readLines(a.In), out: a.Err, style: a.errStyle}
	o := initOptions{preset: pyproject.Presets()[0]}
	d.say("Pythons of this machine:")
	for i, f := range here {
		d.say("%3d  %-30s %s", i+1, f.Target.Name, a.homely(f.Path))
	}
	d.ask("Lock for which targets? Numbers, or names such as focal or bookworm-arm64", "1", func(answer string) error {
		var err error
		o.targets, err = a.chosen(ctx, strings.FieldsFunc(answer, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }), here)
		return err
	})
	d.say("\nPresets:\n  reproducible  rebuild everything; mirror what differs from upstream\n" +
		"  securedrop    build and mirror everything; statements wait for CI\n" +
		"  upstream      take published wheels by hash")
	d.ask("Which preset?", o.preset, func(answer string) error {
		list := slices.DeleteFunc(pyproject.Presets(), func(p string) bool { return !strings.HasPrefix(p, answer) })
		if len(list) != 1 {
			return fmt.Errorf("%q is none of %s", answer, strings.Join(pyproject.Presets(), ", "))
		}
		o.preset = list[0]
		return nil
	})
	d.say("")
	d.ask("Where is the wheelhouse? A folder, or an https address to read from", defaultWheelhouse, func(answer string) error {
		o.wheelhouse = answer
		if strings.Contains(answer, "://") && !strings.HasPrefix(answer, "https://") {
			return fmt.Errorf("%q is neither a folder nor an https address", answer)
		}
		return nil
	})
	d.say("")
	return o, d.err
}

// chosen are the targets that an answer names by number or name.
func (a *app) chosen(ctx context.Context, words []string, here []found) ([]string, error) {
	var out []string
	for _, w := range words {
		name := w
		var n int
		if _, err := fmt.Sscanf(w+"\n", "%d\n", &n); err == nil && strings.Trim(w, "0123456789") == "" {
			if n < 1 || n > len(here) {
				return nil, fmt.Errorf("there is no number %s", w)
			}
			name = here[n-1].Target.Name
		} else if _, err := a.declared(ctx, w); err != nil {
			return nil, err
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}
