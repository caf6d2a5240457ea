package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

func (a *app) targetVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "target",
		Short: "show or change the Python environments that the lock covers",
		Long: `target shows the declared targets; target list --all shows every known name.
Besides these a target may be a name with an architecture (bookworm-arm64), a
libc and a Python (manylinux_2_28-3.12), PYTHON@PLATFORM (pypy3.10@win_amd64,
3.13t@musllinux_1_2_x86_64), "local" (this machine's Python), or a name of your
own with python and platform below it in the configuration.`,
		Example: "  wheellock target\n  wheellock target add focal\n  wheellock target replace bullseye bookworm",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.targetList(false) },
	}
	cmd.AddCommand(a.targetListVerb(), a.targetAddVerb(), a.targetRemoveVerb(), a.targetReplaceVerb())
	return cmd
}

func (a *app) targetListVerb() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "show the declared targets, or with --all every known name",
		Example: "  wheellock target list --all",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(*cobra.Command, []string) error { return a.targetList(all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "show the catalogue")
	return cmd
}

func (a *app) targetAddVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "add TARGET...",
		Short: "lock for more targets",
		Long: `add declares targets and locks for them. A target is a name of the catalogue
(bookworm, noble, alpine-3.20, macos ...), a name with an architecture
(bookworm-arm64), PYTHON@PLATFORM (3.12@manylinux_2_28_x86_64), or "local".`,
		Example: "  wheellock target add focal",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return knownNames(), cobra.ShellCompDirectiveNoFileComp
		},
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
			return s.relockTargets(cmd, p)
		},
	}
}

func (a *app) targetRemoveVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "remove TARGET...",
		Short:   "lock for fewer targets",
		Example: "  wheellock target remove focal",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.declaredNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openForWriting(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			p, err := edited(s.project, args, func(p *pyproject.Project, name string) ([]pyproject.Edit, error) {
				return p.RemoveTarget(declaredName(p.Config, name))
			})
			if err != nil {
				return err
			}
			if len(p.Config.Targets) == 0 {
				return invalid("wheellock target add NAME first, or: wheellock target replace "+args[0]+" NAME", "that would leave no target to lock for")
			}
			return s.relockTargets(cmd, p)
		},
	}
}

// knownNames are what a shell completes a new target's name to.
func knownNames() []string {
	names := []string{localName}
	for _, t := range tags.Catalogue() {
		names = append(names, t.Name)
	}
	return names
}

// completeTargets lets shells complete --target.
func completeTargets(cmd *cobra.Command) {
	err := cmd.RegisterFlagCompletionFunc("target", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return knownNames(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is the caller's own
	}
}

// declaredNames are the configuration's targets, for shells; none where it
// cannot be read.
func (a *app) declaredNames() []string {
	s, err := a.openForReading()
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range s.project.Config.Targets {
		names = append(names, t.Name)
	}
	return names
}

// relockTargets locks for other targets. A project that asks for nothing yet
// gets its configuration changed and no lock.
func (s *session) relockTargets(cmd *cobra.Command, p *pyproject.Project) error {
	targets, err := targetsOf(p.Config)
	if err != nil {
		return err
	}
	if s.locked != nil || len(p.Inputs) > 0 {
		return s.relockAndReport(cmd.Context(), p, nil, true)
	}
	if err := s.writeInputs(p.Edits()); err != nil {
		return err
	}
	return s.listTargets(targets)
}

// targetList shows the configuration's targets, or the catalogue.
func (a *app) targetList(all bool) error {
	if all {
		return a.catalogue()
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	targets, err := targetsOf(s.project.Config)
	if err != nil {
		return err
	}
	if len(targets) == 0 && !a.json {
		a.say("no target is declared; without one add locks for this machine's Python")
		return nil
	}
	return s.listTargets(targets)
}

func (s *session) listTargets(targets []tags.Target) error {
	rows := declaredRows(targets)
	if s.json {
		return s.printJSON(map[string]any{"targets": rows})
	}
	report.Targets(s.Out, rows, s.style)
	return nil
}

// declaredRows are a configuration's targets, each with where its facts are from:
// the catalogue, its name (3.12@win_amd64), or keys of the configuration.
func declaredRows(targets []tags.Target) []report.TargetRow {
	rows := []report.TargetRow{}
	for _, t := range targets {
		origin := "configuration"
		if known, err := tags.Lookup(t.Name); err == nil && known == t {
			origin = "name"
			if tags.Catalogued(t.Name) {
				origin = "catalogue"
			}
		}
		rows = append(rows, targetRow(t, origin))
	}
	return rows
}

// catalogue shows every name that needs no more words.
func (a *app) catalogue() error {
	rows := []report.TargetRow{}
	for _, t := range tags.Catalogue() {
		r := targetRow(t, "catalogue")
		r.Architectures = tags.Architectures(t.Name)
		rows = append(rows, r)
	}
	if a.json {
		return a.printJSON(map[string]any{"targets": rows})
	}
	report.Catalogue(a.Out, rows, a.style)
	fmt.Fprintln(a.Out, "\nAlso manylinux_2_28-3.12, musllinux_1_2-3.13t, macos-3.12, windows-3.11 ...,\nand PYTHON@PLATFORM: pypy3.10@manylinux_2_28_x86_64, 3.14t@macosx_14_0_arm64.")
	return nil
}

// targetRow is a target for lists. The Python of a free-threaded one ends in t.
func targetRow(t tags.Target, origin string) report.TargetRow {
	r := report.TargetRow{Name: t.Name, Implementation: t.Implementation, Python: t.FullVersion, ABI: t.ABITag(),
		OS: t.OS(), Arch: t.Arch(), Platform: t.Platform, Origin: origin}
	if strings.HasSuffix(t.Python, "t") {
		r.Python += "t"
	}
	if name, major, minor := t.Libc(); name != "" {
		r.Libc = fmt.Sprintf("%s %d.%d", name, major, minor)
	}
	return r
}
