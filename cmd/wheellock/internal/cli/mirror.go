package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

func (a *app) mirrorVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mirror",
		Short:   "make the wheelhouse a package index, publish it, and keep it right",
		Example: "  wheellock mirror sync\n  wheellock mirror push /srv/wheels\n  wheellock mirror check https://wheels.example.org",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "sync",
		Short: "write the index pages for what is signed",
		Long: `sync writes simple/TARGET/ in the wheelhouse: the pages of PEP 503 and PEP 691 for
every file on the signed list, with metadata files (PEP 658) beside the wheels, and
fetches by hash what the policy has the wheelhouse carry and is not there yet. What
was fetched has to be signed (wheellock sign) before it is on a page: sync signs
nothing and needs no keys.`,
		Example: "  wheellock mirror sync",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mirrorSync(cmd.Context()) },
	})
	cmd.AddCommand(a.mirrorPushVerb(), a.mirrorCheckVerb(), a.mirrorServeVerb(), a.mirrorWithdrawVerb(), a.mirrorPruneVerb())
	return cmd
}

func (a *app) mirrorSync(ctx context.Context) error {
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	fetched, err := s.bringIn(ctx)
	if err != nil {
		return err
	}
	written, removed, err := led.syncPages(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"written": written, "removed": removed, "fetched": append([]string{}, fetched...)})
	}
	fmt.Fprintf(a.Out, "mirror in %s is in step with the signed list: %s written, %d removed\n",
		s.wheelhouse(), report.Plural(written, "file"), removed)
	return nil
}

// syncPages makes the pages again, from a list that is signed and current.
func (l *ledger) syncPages(ctx context.Context) (written, removed int, err error) {
	if err := l.listIsCurrent(); err != nil {
		return 0, 0, err
	}
	withdrawn, err := l.withdrawn(ctx)
	if err != nil {
		return 0, 0, err
	}
	return l.s.house().Sync(targetNames(l.s.locked), withdrawn)
}

// listIsCurrent refuses to make pages for a list that is missing, not signed,
// or not what the wheelhouse holds.
func (l *ledger) listIsCurrent() error {
	size := int64(1)
	if l.view != nil {
		size = l.view.Checkpoint.Size
	}
	list, err := l.s.signedList(l.chain, size)
	if errors.Is(err, fs.ErrNotExist) {
		return finding("wheellock sign", "the wheelhouse has no signed list yet")
	}
	if err != nil {
		return finding("wheellock sign", "%s: %v", mirror.SignFile, err)
	}
	have, err := l.s.house().Scan()
	if errors.Is(err, mirror.ErrIrregular) {
		return invalid("remove it: only files are signed and published", "%v", err)
	}
	if err != nil {
		return err
	}
	if string(mirror.FormatList(have)) != string(mirror.FormatList(list)) {
		return finding("wheellock verify, to see which; then wheellock sign", "the wheelhouse holds other files than the signed list")
	}
	return nil
}

// withdrawn lists what the log says was taken back, of every package that the
// lock or the signed list names: another project's may be on the same pages.
func (l *ledger) withdrawn(ctx context.Context) (mirror.Withdrawn, error) {
	list, _, err := l.s.house().ReadList()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := mirror.Projects(list)
	for _, p := range l.s.locked.Packages {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	out := mirror.Withdrawn{}
	for _, name := range slices.Compact(names) {
		past, err := l.history(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, e := range past {
			if e.Kind() == record.KindWithdraw && l.counts(e) {
				if w, err := e.AsWithdraw(); err == nil {
					out[w.File.SHA256] = w.Reason
				}
			}
		}
	}
	return out, nil
}
