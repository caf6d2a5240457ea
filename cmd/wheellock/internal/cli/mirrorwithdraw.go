package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

type withdrawOptions struct{ reason, sha256 string }

func (a *app) mirrorWithdrawVerb() *cobra.Command {
	var o withdrawOptions
	cmd := &cobra.Command{
		Use:   "withdraw FILE --reason R",
		Short: "take a wheel or source back: yanked on the pages, a finding for who locks it",
		Long: `withdraw states in the log, by this machine's publisher key, that a file is taken
back and why, and marks it on the index pages (PEP 592): an installer passes it by
unless it is pinned, and shows the reason. verify is red for every lock that uses it.
The file stays where it is: a lock that was made may still have to be looked into.
FILE is a file's name, or its path in the wheelhouse. Push the mirror afterwards.`,
		Example: "  wheellock mirror withdraw markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl --reason \"built on a bad machine\"",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.mirrorWithdraw(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, in one line of plain ASCII that everybody may read")
	cmd.Flags().StringVar(&o.sha256, "sha256", "", "the `HASH`, where there are several files of that name")
	return cmd
}

// A taken file is one that is to be withdrawn.
type takenFile struct {
	record.File
	project, version, target string
}

func (a *app) mirrorWithdraw(ctx context.Context, what string, o withdrawOptions) error {
	if err := plainReason(o.reason); err != nil {
		return err
	}
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	f, err := led.taken(ctx, what, o.sha256)
	if err != nil {
		return err
	}
	done, err := led.withdraws(ctx, f)
	if err != nil {
		return err
	}
	if !done {
		st, err := record.Withdraw{Head: led.head(), Name: f.project, Version: f.version, File: f.File, Target: f.target, Reason: o.reason}.Statement()
		if err := led.state(st, err); err != nil {
			return err
		}
		if err := led.finish(ctx, s.locked); err != nil {
			return err
		}
	}
	pages, why := led.afterWithdrawal(ctx)
	if a.json {
		return a.printJSON(map[string]any{"file": f.Name, "sha256": f.SHA256, "package": f.project, "version": f.version, "already": done, "log": led.origin, "log_size": led.size(), "pages": pages})
	}
	verb := "withdrew"
	if done {
		verb = "withdrawn already:"
	}
	fmt.Fprintf(a.Out, "%s %s (sha256 %s): %d page files changed\n", verb, term.Line(f.Name), f.SHA256[:12], pages)
	if why != nil {
		s.say("the pages do not show it yet: %v; then wheellock mirror sync", why)
	}
	fmt.Fprintln(a.Out, "Next: wheellock mirror push DEST")
	return nil
}

// plainReason is what a statement and a page can hold.
func plainReason(reason string) error {
	if strings.TrimSpace(reason) != reason || reason == "" {
		return usage("say why with --reason")
	}
	if len(reason) > 1000 || strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' || r > '~' }) {
		return usage("--reason is one line of printable ASCII, at most 1000 bytes")
	}
	return nil
}

// afterWithdrawal makes the pages again where that can be done now. Under append =
// "pending" the log does not hold the statement yet, and pages follow the log.
func (l *ledger) afterWithdrawal(ctx context.Context) (pages int, why error) {
	if !exists(l.s.house().Path("simple")) {
		return 0, nil
	}
	written, removed, err := l.syncPages(ctx)
	return written + removed, err
}

// withdraws reports whether that very file is withdrawn.
func (l *ledger) withdraws(ctx context.Context, f takenFile) (bool, error) {
	past, err := l.known(ctx, f.project)
	return slices.ContainsFunc(past, func(e log.Entry) bool {
		w, err := e.AsWithdraw()
		return err == nil && l.counts(e) && w.File.SHA256 == f.SHA256 && (w.Target == "" || w.Target == f.target)
	}), err
}

// taken finds the file that is meant among those that the list, the lock and the
// log name. It need not be in the wheelhouse any more.
func (l *ledger) taken(ctx context.Context, what, hash string) (takenFile, error) {
	name := path.Base(filepath.ToSlash(what))
	project, version, err := mirror.ProjectOf(name)
	if err != nil {
		return takenFile{}, invalid("name a wheel or source as the wheelhouse has it", "%s is no name of a wheel or source: %v", what, err)
	}
	found, err := l.named(ctx, project, name)
	if err != nil {
		return takenFile{}, err
	}
	for h, f := range found {
		f.project, f.version = project, version
		found[h] = f
		if hash != "" && h != strings.ToLower(hash) {
			delete(found, h)
		}
	}
	if rel := l.inHouse(what); rel != "" && len(found) > 1 {
		if h, err := l.s.house().Hash(rel); err == nil {
			if f, ok := found[h]; ok {
				found = map[string]takenFile{h: f}
			}
		}
	}
	switch len(found) {
	case 0:
		return takenFile{}, invalid("wheellock history "+project, "neither the wheelhouse, the lock nor the log knows a file %s%s", name, withHash(hash))
	case 1:
		for _, f := range found {
			return f, nil
		}
	}
	var hashes []string
	for h := range found {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	return takenFile{}, usage("there are %d files of the name %s: name one with --sha256: %s", len(found), name, strings.Join(hashes, ", "))
}

func withHash(h string) string {
	if h == "" {
		return ""
	}
	return " with sha256 " + h
}

// inHouse is the path below the wheelhouse that somebody named, "" if it is none.
func (l *ledger) inHouse(what string) string {
	for _, from := range []string{l.s.path(what), l.s.house().Path(what)} {
		if rel, err := filepath.Rel(l.s.house().Dir, from); err == nil && filepath.IsLocal(rel) && exists(from) {
			return filepath.ToSlash(rel)
		}
	}
	return ""
}

// named are all files of a name, by hash.
func (l *ledger) named(ctx context.Context, project, name string) (map[string]takenFile, error) {
	found := map[string]takenFile{}
	add := func(f record.File, target string) {
		if have, ok := found[f.SHA256]; ok {
			if have.target != target {
				have.target = "" // the same bytes in several places
			}
			have.Size = max(have.Size, f.Size)
			found[f.SHA256] = have
		} else if f.SHA256 != "" {
			found[f.SHA256] = takenFile{File: f, target: target}
		}
	}
	past, err := l.known(ctx, project)
	if err != nil {
		return nil, err
	}
	for _, e := range past {
		for _, f := range e.Files() {
			if f.Name == name {
				add(f, e.Get("target"))
			}
		}
	}
	list, _, err := l.s.house().ReadList()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, x := range list {
		if path.Base(x.Path) == name && found[x.SHA256].SHA256 == "" {
			size, err := fileSize(l.s.house().Path(x.Path))
			if err != nil {
				return nil, err
			}
			add(record.File{Name: name, SHA256: x.SHA256, Size: size}, "")
		}
	}
	for _, p := range l.s.locked.Packages {
		for _, w := range p.Wheels {
			if w.Name == name && p.Group != lock.GroupBuild && found[w.SHA256].SHA256 == "" && w.Size > 0 {
				add(record.File{Name: name, SHA256: w.SHA256, Size: w.Size}, "")
			}
		}
	}
	return found, nil
}
