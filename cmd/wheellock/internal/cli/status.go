package cli

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

func (a *app) statusVerb() *cobra.Command {
	var exit bool
	var out string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "what is still to be done before a release: the work order",
		Long: `status prints the work order: for each package and target what is locked, what
is still to be built, reviewed, signed, mirrored and logged, why, who may do it
and with which command. It needs no network and no keys.`,
		Example: "  wheellock status\n  wheellock status --exit-code && wheellock verify",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd.Context(), exit, out)
		},
	}
	cmd.Flags().BoolVar(&exit, "exit-code", false, "exit with 1 while work is outstanding")
	cmd.Flags().StringVarP(&out, "output", "o", "", "also write the order as JSON to `FILE`")
	return cmd
}

func (a *app) status(ctx context.Context, exit bool, out string) error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.upToDate(); err != nil {
		return err
	}
	o, err := s.order(ctx, nil, 0)
	if err != nil {
		return err
	}
	if out != "" {
		b, err := json.MarshalIndent(o, "", "  ")
		if err != nil {
			return err
		}
		if err := durable.WriteFile(a.path(out), append(b, '\n'), 0o644); err != nil {
			return fileError("writing "+out, err)
		}
	}
	if err := a.show(o); err != nil {
		return err
	}
	if exit && o.Outstanding() {
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}

// upToDate compares the lock with the inputs, without a network.
func (s *session) upToDate() error {
	if s.locked.RequiresDigest != s.project.RequiresDigest() {
		return finding("wheellock lock", "%s is out of date: the requirements, targets or policy have changed since it was made", lock.FileName)
	}
	return nil
}

// order computes the work order from what lies in the project's folders.
func (s *session) order(ctx context.Context, added []string, took time.Duration) (*workorder.Order, error) {
	in, err := s.facts(ctx)
	if err != nil {
		return nil, err
	}
	in.Added, in.Elapsed = added, took
	return workorder.Compute(in), nil
}

// show prints a work order in the form that was asked for.
func (a *app) show(o *workorder.Order) error {
	if a.json {
		return a.printJSON(o)
	}
	report.Order(a.Out, o, a.style)
	return nil
}

func (a *app) printJSON(v any) error {
	a.printed = true
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// notes writes what is worth knowing and no result, wrapped.
func (s *session) notes(list []string) {
	for _, n := range list {
		first, rest, more := strings.Cut(n, "\n")
		s.say("%s", strings.Join(term.Wrap("note: "+first, term.Width, "  "), "\n"))
		for _, paragraph := range strings.Split(rest, "\n") {
			if more {
				s.say("  %s", strings.Join(term.Wrap(strings.TrimSpace(paragraph), term.Width-2, ""), "\n  "))
			}
		}
	}
}

// relockAndReport is the end of every verb that changes inputs: resolve, write,
// say what is to be done now.
func (s *session) relockAndReport(ctx context.Context, p *pyproject.Project, added []string, keep bool) error {
	r, err := s.relockAndWrite(ctx, p, change{fresh: !keep})
	if err != nil {
		return err
	}
	o, err := s.order(ctx, added, r.took)
	if err != nil {
		return err
	}
	r.align(o)
	return s.show(o)
}

// relockAndWrite resolves, writes inputs and lock, and says what is to be noted.
func (s *session) relockAndWrite(ctx context.Context, p *pyproject.Project, c change) (*relocked, error) {
	if !s.quiet && s.errStyle.Live && !s.noProgress {
		s.Err.Write([]byte("resolving ...\r"))
	}
	r, err := s.relock(ctx, p, c)
	if !s.quiet && s.errStyle.Live && !s.noProgress {
		s.Err.Write([]byte("\x1b[K"))
	}
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	was := s.locked
	if _, err := s.write(p.Edits(), r.lock); err != nil {
		return nil, err
	}
	s.project = p
	s.notes(r.notes)
	s.notes(movedNotes(was, r))
	if !c.all {
		s.notes(choiceNote(was, p))
	}
	if was != nil {
		r.coverage = report.Coverages(r.lock, lock.Diff(was, r.lock).Coverage)
	}
	return r, nil
}

// runHere is plain "wheellock": what to do next in this folder.
func (a *app) runHere(cmd *cobra.Command) error {
	s, err := a.openForReading()
	if err == nil && s.locked != nil && s.upToDate() == nil {
		o, err := s.order(cmd.Context(), nil, 0)
		if err == nil {
			next := o.Next
			if next == "" {
				next = o.NextWhy
			}
			a.Out.Write([]byte(strings.TrimSpace(o.Headline) + "\nNext: " + next + "\n\n"))
		}
	} else if err == nil {
		a.Out.Write([]byte("Next: wheellock add NAME --target bookworm\n\n"))
	}
	return cmd.Help()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
