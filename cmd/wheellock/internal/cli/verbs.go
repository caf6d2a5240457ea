package cli

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/sumdb/log"
)

// verbs are all commands, in the order in which help lists them.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.initVerb(), a.addVerb(), a.removeVerb(), a.upgradeVerb(), a.lockVerb(), a.targetVerb(), a.costVerb(), a.statusVerb(),
		a.diffVerb(), a.buildVerb(), a.reproVerb(), a.compareVerb(), a.normalizeVerb(), a.releaseVerb(), a.reviewVerb(), a.signVerb(), a.mirrorVerb(), a.verifyVerb(), a.fetchVerb(), a.exportVerb(), a.importVerb(),
		a.whyVerb(), a.treeVerb(), a.outdatedVerb(), a.vulnsVerb(),
		a.historyVerb(), a.monitorVerb(), a.keysVerb(), a.logVerb(), a.mergeDriverVerb(), a.versionVerb(),
	}
}

func (a *app) logVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "log",
		Short:   "the transparency log itself",
		Example: "  wheellock log append --pending",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var pending bool
	var to string
	add := &cobra.Command{
		Use:   "append --pending [--to URL]",
		Short: "append the pending statements and refresh the proof",
		Long: `append takes the statements that verbs left in the wheelhouse's pending folder
into the log, in one batch, and refreshes the proof. It runs where the log's key
is: there is one writer. Running it again changes nothing.

With --to it sends them to the server of the log (log serve) instead, from any
machine: the signature of each is what lets it in. The copy of the log in the
wheelhouse then follows what the server publishes, each statement checked, and a
statement is pending until that copy holds it.`,
		Example: "  wheellock log append --pending\n  wheellock log append --pending --to https://log.example.org",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !pending {
				return usage("log append needs --pending")
			}
			if cmd.Flags().Changed("to") {
				return a.logSend(cmd.Context(), to)
			}
			return a.logAppend(cmd.Context())
		},
	}
	add.Flags().BoolVar(&pending, "pending", false, "append what waits in the pending folder")
	add.Flags().StringVar(&to, "to", "", "send it to the log's server at `URL`")
	cmd.AddCommand(add)
	cmd.AddCommand(a.logReaders()...)
	cmd.AddCommand(a.logRecoverVerb())
	cmd.AddCommand(a.logPolicyVerb(), a.logWitnessVerb(), a.logServeVerb(), a.logExportVerb())
	return cmd
}

func (a *app) logAppend(ctx context.Context) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	// First the roots that wait: they may give the log another key.
	if _, err := led.takeWaiting(ctx, true); err != nil {
		return err
	}
	w, err := led.writer(ctx, true)
	if err != nil {
		return err
	}
	if w == nil {
		return environment("run it where the log's key is, or send them to the log's server: wheellock log append --pending --to URL", "this machine does not hold the key of the log %s", led.origin)
	}
	res, err := w.AppendPending(ctx, led.pendingDir())
	if err != nil {
		return err
	}
	if err := led.openLog(ctx); err != nil {
		return err
	}
	before, err := led.proofEdit(ctx, s.locked)
	if err != nil {
		return err
	}
	if _, err := s.write(led.pins, s.locked, before...); err != nil {
		return err
	}
	return a.appended(led, res)
}

func (a *app) appended(led *ledger, res *log.PendingResult) error {
	size := int64(0)
	if led.view != nil {
		size = led.view.Checkpoint.Size
	}
	if a.json {
		if err := a.printJSON(map[string]any{"log": led.origin, "appended": len(res.Appended), "size": size, "refused": refusedJSON(res.Refused)}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.Out, "appended %s to %s, which has %d now\n", report.Plural(len(res.Appended), "statement"), led.origin, size)
		a.printRefused(res.Refused)
	}
	return a.refusedError(res.Refused)
}

func (a *app) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print the version",
		Example: "  wheellock version",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]string{"version": version()})
			}
			fmt.Fprintln(a.Out, "wheellock", version())
			return nil
		},
	}
}

// version is what the module system knows about this program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}

// writeInputs writes configuration and inputs without touching the lock.
func (s *session) writeInputs(edits []pyproject.Edit) error {
	if s.locked == nil {
		return s.writeFiles(edits)
	}
	_, err := s.write(edits, s.locked)
	return err
}
