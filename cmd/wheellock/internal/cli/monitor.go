package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/monitor"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type monitorOptions struct {
	quorum   int // --root-threshold
	maxAge   string
	roots    []string
	exitCode bool
}

func (a *app) monitorVerb() *cobra.Command {
	var o monitorOptions
	cmd := &cobra.Command{
		Use:   "monitor [URL|DIR]",
		Short: "what is new in a log since the last look, and whether it still tells one story",
		Long: `monitor looks at the log of the project's wheelhouse, or at the log or wheelhouse
that URL or DIR names, and remembers what it saw ($XDG_STATE_HOME/wheellock). It
proves that the log continues what was seen the last time, makes every tile, the
index and every decision of the log's door again, lists what is new, and asks the
witnesses' signatures how old this view is. The roots must be those that the
configuration pins, or --root.

It exits 1 when it has found something wrong: a fork, a rolled back or damaged log,
a view that is older than --max-age, a missing quorum, something that has run out.
With --exit-code new statements are a finding, too.`,
		Example: "  wheellock monitor\n  wheellock monitor https://wheels.example.org/log --root 0123456789ABCDEF0123456789ABCDEF01234567 --max-age 2d",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.monitor(cmd.Context(), strings.Join(args, ""), o)
		},
	}
	cmd.Flags().StringVar(&o.maxAge, "max-age", "7d", "how old the witnesses' signatures may be: `DAYS`d or HOURSh")
	cmd.Flags().StringArrayVar(&o.roots, "root", nil, "trust this OpenPGP `FINGERPRINT`; may be repeated")
	cmd.Flags().IntVar(&o.quorum, "root-threshold", 0, "how many of several --root must have signed (default: as many as the newest root asks for)")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit 1 when there are new statements, too")
	return cmd
}

// maxAge reads a time span in days, or as Go writes them.
func maxAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, ok := statementNumber(days); ok && n > 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, usage("--max-age %q: expected days or hours, as in 7d or 36h", text)
}

func (a *app) monitor(ctx context.Context, where string, o monitorOptions) error {
	age, err := maxAge(o.maxAge)
	if err != nil {
		return err
	}
	if o.quorum != 0 && (o.quorum < 1 || o.quorum > len(o.roots)) {
		return usage("--root-threshold %d does not fit %d --root", o.quorum, len(o.roots))
	}
	opt := monitor.Options{MaxAge: age, Now: a.Now()}
	opt.Pins.Root.Threshold = o.quorum
	if where, err = a.monitored(where, &opt, o.roots); err != nil {
		return err
	}
	if err := a.openMonitored(ctx, where, &opt); err != nil {
		return err
	}
	state, err := a.userFolder("XDG_STATE_HOME", filepath.Join(".local", "state"))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(where))
	opt.State = filepath.Join(state, "monitor", fmt.Sprintf("%x", sum[:12]))
	if opt.Others, err = otherMemories(opt.State); err != nil {
		return err
	}
	rep, err := monitor.Look(ctx, opt)
	if err != nil {
		return monitorError(where, err)
	}
	if a.json {
		err = a.printJSON(rep)
	} else {
		a.printLook(rep)
	}
	switch {
	case err != nil:
		return err
	case !rep.OK() || o.exitCode && len(rep.New) > 0 && rep.Last >= 0:
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}

// monitored says which log is meant, by an absolute path or a URL, and by which
// pins. Outside a project they are on the command line.
func (a *app) monitored(where string, opt *monitor.Options, roots []string) (string, error) {
	for _, r := range roots {
		f, err := trust.NormalizeFingerprint(r)
		if err != nil {
			return "", usage("--root %q is not an OpenPGP fingerprint", r)
		}
		opt.Pins.Root.Fingerprints = append(opt.Pins.Root.Fingerprints, f)
	}
	if where == "" || len(roots) == 0 {
		s, err := a.openForReading()
		if err != nil {
			return "", err
		}
		if where == "" {
			if where = s.project.Config.Wheelhouse; where == "" {
				return "", invalid("name a log: wheellock monitor URL --root FINGERPRINT", "the configuration names no wheelhouse")
			}
			if !isURL(where) {
				where = s.inside(where)
			}
		}
		if len(roots) == 0 {
			opt.Pins = proof.Pins{Root: s.rootPins(), Log: s.project.Config.Log}
		}
	}
	if len(opt.Pins.Root.Fingerprints) == 0 {
		return "", usage("say whom to trust with --root FINGERPRINT: no configuration here pins a root")
	}
	if isURL(where) {
		return strings.TrimSuffix(where, "/"), nil
	}
	return a.path(where), nil
}

func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// openMonitored finds the log's folder: the place itself, or log/ in it.
func (a *app) openMonitored(ctx context.Context, where string, opt *monitor.Options) error {
	if isURL(where) && a.offline {
		return environment("run it again without --offline", "%s is behind the network", where)
	}
	var first error
	for _, sub := range []string{"", "/" + mirror.LogFolder} {
		if isURL(where) {
			opt.Log = store.HTTP{URL: where + sub}
		} else {
			opt.Dir = where + sub
			opt.Log = store.Folder(opt.Dir)
		}
		_, err := opt.Log.ReadFile(ctx, store.CheckpointPath, tile.MaxCheckpoint)
		if err == nil {
			return nil
		}
		if first == nil || errors.Is(first, fs.ErrNotExist) {
			first = err
		}
	}
	return monitorError(where, first)
}

// maxMemories is with how many other addresses a look is compared.
const maxMemories = 256

// otherMemories are what monitor remembers of other addresses, of whatever log.
func otherMemories(own string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(own))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != filepath.Base(own) && len(list) < maxMemories {
			list = append(list, filepath.Join(filepath.Dir(own), e.Name()))
		}
	}
	return list, nil
}

func monitorError(where string, err error) error {
	var own *Error
	var memory *monitor.MemoryError
	switch {
	case errors.As(err, &memory):
		return environment("restore that file from a copy; without its folder monitor begins again, and has forgotten what it saw", "%v", err)
	case errors.Is(err, durable.ErrLocked):
		return environment("wait for it to end", "another wheellock monitor looks at %s", where)
	case errors.As(err, &own), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return environment("name the folder of a log, or a wheelhouse, by path or address", "%s: there is no log: %v", where, err)
	case errors.As(err, new(*trust.Error)), errors.As(err, new(*note.SignatureError)), errors.Is(err, note.ErrUnsigned), errors.Is(err, note.ErrMalformed):
		return finding("do not trust it; check the pinned fingerprints with whoever runs the log", "%s: %v", where, err)
	}
	return environment("check the address and the network, and look again", "%s: %v", where, err)
}

func (a *app) printLook(r *monitor.Report) {
	verdict := "OK"
	if !r.OK() {
		verdict = "FOUND"
	}
	style := term.Good
	if !r.OK() {
		style = term.Bad
	}
	since := "the first look at it"
	if r.Last >= 0 {
		since = fmt.Sprintf("%d the last time", r.Last)
	}
	fmt.Fprintf(a.Out, "%s: %s has %s, %s\n", a.style.Paint(style, verdict), r.Log, report.Plural(int(r.Size), "statement"), since)
	for _, f := range r.Findings {
		fmt.Fprintln(a.Out, a.style.Paint(style, f.ID))
		for _, line := range term.Wrap(term.Clean(f.What), 78, "") {
			fmt.Fprintln(a.Out, "  "+line)
		}
	}
	if r.Cosigned != "" {
		fmt.Fprintf(a.Out, "cosigned by its witnesses at %s\n", r.Cosigned)
	}
	const most = 20
	if len(r.New) > 0 && r.Last >= 0 {
		fmt.Fprintf(a.Out, "\nNEW  KIND      WHAT\n")
		for i, n := range r.New {
			if i == most {
				fmt.Fprintf(a.Out, "and %d more: wheellock log show %d-%d\n", len(r.New)-most, n.Index, r.Size-1)
				break
			}
			what := n.Package
			if what == "" {
				what = n.Signer
			}
			fmt.Fprintf(a.Out, "%-4d %-9s %s\n", n.Index, n.Kind, term.Clean(what))
		}
	}
}
