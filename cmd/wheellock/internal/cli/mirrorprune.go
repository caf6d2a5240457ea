package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

type pruneOptions struct {
	dryRun  bool
	reason  string
	openPGP openPGPFlags
}

func (a *app) mirrorPruneVerb() *cobra.Command {
	var o pruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "remove sources and wheels that no logged lock needs",
		Long: `prune removes from the wheelhouse what neither this lock nor any lock that was ever
logged names, whichever project's it was. It states what is removed, signs the list
without it and makes the pages again, so it needs the publisher's key. Evidence,
locks and the log are never removed. Where a logged lock is not in the locks folder
nobody knows what it needs, and nothing is removed.`,
		Example: "  wheellock mirror prune --dry-run\n  wheellock mirror prune --reason \"old builds\"",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mirrorPrune(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be removed, remove nothing")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the statement; one line of plain ASCII")
	cmd.Flags().StringVar(&o.openPGP.gpgKey, "gpg-key", "", "sign the list with the key `ID` of gpg, too (see wheellock sign)")
	cmd.Flags().StringVar(&o.openPGP.keyFile, "openpgp-key", "", "sign the list with the OpenPGP private key in `FILE`, too")
	return cmd
}

type prunedFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func (a *app) mirrorPrune(ctx context.Context, o pruneOptions) error {
	if o.reason != "" {
		if err := plainReason(o.reason); err != nil {
			return err
		}
	}
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	needed, locks, err := led.needed(ctx)
	if err != nil {
		return err
	}
	list, err := s.house().Scan()
	if err != nil {
		return err
	}
	gone, kept := []prunedFile{}, []mirror.Listed{}
	unneeded := needed.Unneeded(list)
	for _, l := range list {
		if !slices.Contains(unneeded, l) {
			kept = append(kept, l)
			continue
		}
		size, err := fileSize(s.house().Path(l.Path))
		if err != nil {
			return err
		}
		gone = append(gone, prunedFile{l.Path, l.SHA256, size})
	}
	if !o.dryRun && len(gone) > 0 {
		if err := led.prune(ctx, gone, kept, o); err != nil {
			return err
		}
	}
	return a.pruned(gone, len(kept), locks, o.dryRun)
}

func (a *app) pruned(gone []prunedFile, kept, locks int, dry bool) error {
	total := int64(0)
	for _, f := range gone {
		total += f.Size
	}
	if a.json {
		return a.printJSON(map[string]any{"dry_run": dry, "removed": gone, "bytes": total, "kept": kept, "locks": locks})
	}
	verb := "removed"
	if dry {
		verb = "would remove"
	}
	for _, f := range gone {
		fmt.Fprintf(a.Out, "%s  %s\n", verb, term.Line(f.Path))
	}
	fmt.Fprintf(a.Out, "%s %s, %s; %d are needed by %s\n", verb, report.Plural(len(gone), "file"), sizeText(total), kept, report.Plural(locks, "lock"))
	return nil
}

// needed is what this lock and all locks that were stated need, pending ones too.
func (l *ledger) needed(ctx context.Context) (mirror.Needed, int, error) {
	needed := mirror.Needed{}
	needed.Add(l.s.locked)
	seen := map[string]bool{hashOf(l.s.raw): true}
	past, err := l.known(ctx, "_"+record.KindLock)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range past {
		x, err := e.AsLock()
		if err != nil || seen[x.Lock] {
			continue
		}
		seen[x.Lock] = true
		lk, err := l.s.house().ReadLock(x.Lock)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, 0, finding("bring it back (git pull, git lfs pull, or a copy of the wheelhouse); nothing was removed",
				"a lock of %s that the log names is not here: %s; what it needs is not known", x.Project, mirror.LockCopy(x.Lock))
		}
		if err != nil {
			return nil, 0, finding("restore it from git or a copy; nothing was removed", "%v", err)
		}
		needed.Add(lk)
	}
	return needed, len(seen), nil
}

// prune states and signs first and removes then: a verb that is stopped in between
// leaves files that no list names, and the next one removes them.
func (l *ledger) prune(ctx context.Context, gone []prunedFile, kept []mirror.Listed, o pruneOptions) error {
	if err := l.statePrune(ctx, gone, o.reason); err != nil {
		return err
	}
	data := mirror.FormatList(kept)
	if err := l.signedAs(ctx, data, o.openPGP); err != nil {
		return err
	}
	if err := l.finish(ctx, l.s.locked); err != nil {
		return err
	}
	for _, f := range gone {
		for _, rel := range []string{f.Path, f.Path + ".metadata"} {
			if err := durable.Remove(l.s.house().Path(rel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if !exists(l.s.house().Path("simple")) {
		return nil
	}
	withdrawn, err := l.withdrawn(ctx)
	if err != nil {
		return err
	}
	_, _, err = l.s.house().Sync(targetNames(l.s.locked), withdrawn)
	return err
}

func (l *ledger) signedAs(ctx context.Context, data []byte, flags openPGPFlags) error {
	if err := l.s.signList(l, data, flags); err != nil {
		return err
	}
	return l.statePublish(ctx, data)
}

// pruneAtOnce is how many files one statement names: each takes at most 350 bytes of
// the 65,535 that a statement may have.
const pruneAtOnce = 150

// statePrune states what is removed, but for what an interrupted prune has stated.
func (l *ledger) statePrune(ctx context.Context, gone []prunedFile, reason string) error {
	past, err := l.known(ctx, "_"+record.KindPrune)
	if err != nil {
		return err
	}
	// A file that was pruned and came back is on a list again.
	listed := map[string]bool{}
	if list, _, err := l.s.house().ReadList(); err == nil {
		for _, x := range list {
			listed[x.SHA256] = true
		}
	}
	var files []record.File
	for _, f := range gone {
		said := !listed[f.SHA256] && slices.ContainsFunc(past, func(e log.Entry) bool {
			return slices.ContainsFunc(e.Files(), func(x record.File) bool { return x.SHA256 == f.SHA256 })
		})
		x := record.File{Name: path.Base(f.Path), SHA256: f.SHA256, Size: f.Size}
		if !said && !slices.Contains(files, x) {
			files = append(files, x)
		}
	}
	for part := range slices.Chunk(files, pruneAtOnce) {
		st, err := record.Prune{Head: l.head(), Files: part, Reason: reason}.Statement()
		if err := l.state(st, err); err != nil {
			return err
		}
	}
	return nil
}
