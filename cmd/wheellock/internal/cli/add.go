package cli

import (
	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

type addOptions struct {
	targets []string
	group   string

	editable []string // what pip would take; here it is written by hand
}

func (a *app) addVerb() *cobra.Command {
	var o addOptions
	cmd := &cobra.Command{
		Use:   "add REQUIREMENT...",
		Short: "add requirements, lock them, and say what is to be done",
		Long: `add writes the requirements into pyproject.toml (or requirements.in), keeping
comments and layout, locks them for every target, and prints the work order. In
a folder without either it writes requirements.in and wheellock.toml. Adding a
name again replaces its requirement. No keys are needed.`,
		Example: "  wheellock add requests --target bookworm\n  wheellock add 'urllib3>=2,<3'",
		Args: usageArgs(func(cmd *cobra.Command, args []string) error {
			if len(o.editable) > 0 {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.add(cmd, args, o)
		},
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "also lock for `TARGET`; may be repeated")
	completeTargets(cmd)
	cmd.Flags().StringVar(&o.group, "group", "", "add to dependency group `GROUP`")
	cmd.Flags().StringArrayVarP(&o.editable, "editable", "e", nil, "")
	_ = cmd.Flags().MarkHidden("editable")
	return cmd
}

func (a *app) add(cmd *cobra.Command, args []string, o addOptions) error {
	ctx := cmd.Context()
	if len(o.editable) > 0 {
		return localRequirement("-e " + o.editable[0])
	}
	var names []string
	for _, arg := range args {
		r, err := parseWord(arg)
		if err != nil {
			return err
		}
		names = append(names, pep508.NormalizeName(r.Name))
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := s.withTargets(cmd, s.project, o.targets)
	if err != nil {
		return err
	}
	p, err = edited(p, args, func(p *pyproject.Project, arg string) ([]pyproject.Edit, error) {
		return p.AddRequirement(arg, o.group)
	})
	if err != nil {
		return err
	}
	return s.relockAndReport(ctx, p, names, true)
}

// withTargets declares the targets of the command line, or this machine's
// interpreter where there is none at all.
func (s *session) withTargets(cmd *cobra.Command, p *pyproject.Project, names []string) (*pyproject.Project, error) {
	var list []pyproject.Target
	for _, n := range names {
		t, err := s.declared(cmd.Context(), n)
		if err != nil {
			return nil, err
		}
		t.Name = declaredName(p.Config, t.Name)
		list = append(list, t)
	}
	if len(list) == 0 && len(p.Config.Targets) == 0 {
		t, err := s.localTarget(cmd.Context())
		if err != nil {
			return nil, err
		}
		s.say("no --target given: locking for this machine, %s", t.Name)
		list = append(list, t)
	}
	return edited(p, list, (*pyproject.Project).AddTarget)
}

// edited lays one edit for each word over the project, each on top of those
// before.
func edited[T any](p *pyproject.Project, words []T, edit func(*pyproject.Project, T) ([]pyproject.Edit, error)) (*pyproject.Project, error) {
	for _, w := range words {
		edits, err := edit(p, w)
		if err != nil {
			return nil, err
		}
		if p, err = p.With(edits); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (a *app) removeVerb() *cobra.Command {
	var group string
	cmd := &cobra.Command{
		Use:     "remove NAME...",
		Short:   "remove requirements and lock again",
		Long:    "remove takes the requirements out of the inputs, keeping comments and layout,\nand drops from the lock what nobody needs any more. All else stays as locked.\nWithout --group they go from all groups.",
		Example: "  wheellock remove requests\n  wheellock remove pytest --group dev",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openForWriting(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			remove := (*pyproject.Project).RemoveRequirement
			if group != "" {
				remove = func(p *pyproject.Project, name string) ([]pyproject.Edit, error) { return p.RemoveFrom(name, group) }
			}
			p, err := edited(s.project, args, remove)
			if err != nil {
				return err
			}
			return s.relockAndReport(cmd.Context(), p, nil, true)
		},
	}
	cmd.Flags().StringVar(&group, "group", "", "from dependency group or extra `GROUP` only")
	return cmd
}
