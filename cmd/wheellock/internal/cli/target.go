package cli

import (
	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/lock/pyproject"
)

func (a *app) targetVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "target",
		Short:   "change the Python environments that the lock covers",
		Example: "  wheellock target add focal\n  wheellock target remove focal",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "add TARGET...",
			Short: "lock for more targets",
			Long: `add declares targets and locks for them. A target is a name of the catalogue
(bookworm, noble, alpine-3.20, macos ...), a name with an architecture
(bookworm-arm64), or PYTHON@PLATFORM (3.12@manylinux_2_28_x86_64).`,
			Example: "  wheellock target add focal",
			Args:    usageArgs(cobra.MinimumNArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				s, err := a.openForWriting(cmd.Context())
				if err != nil {
					return err
				}
				defer s.close()
				p, err := s.withTargets(cmd, s.project, args)
				if err != nil {
					return err
				}
				return s.relockAndReport(cmd.Context(), p, nil, true)
			},
		},
		&cobra.Command{
			Use:     "remove TARGET...",
			Short:   "lock for fewer targets",
			Example: "  wheellock target remove focal",
			Args:    usageArgs(cobra.MinimumNArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				s, err := a.openForWriting(cmd.Context())
				if err != nil {
					return err
				}
				defer s.close()
				p, err := edited(s.project, args, (*pyproject.Project).RemoveTarget)
				if err != nil {
					return err
				}
				if len(p.Config.Targets) == 0 {
					return invalid("wheellock target add NAME first", "that would leave no target to lock for")
				}
				return s.relockAndReport(cmd.Context(), p, nil, true)
			},
		},
	)
	return cmd
}
