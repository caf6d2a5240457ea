package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/mirror/push"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

type pushOptions struct {
	layout         string
	dryRun, delete bool
}

// Layouts of a mirror.
const (
	layoutTargets = "targets"
	layoutFlat    = "flat"
)

func (a *app) mirrorPushVerb() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push DEST",
		Short: "publish the wheelhouse: to a folder, by rsync, or to an S3 bucket",
		Long: `push brings a mirror in step with the wheelhouse: files first, then the log's tiles,
then the pages, the checkpoint last, so that no reader ever finds a page or a
checkpoint for something that is not there. What is there is compared by hash and
not sent again; a push that was interrupted goes on where it was. A tlog-proof is
put beside each wheel and source. Pages that are gone are removed; with --delete,
files that the signed list does not name, too. Nothing is signed.

DEST is a folder, HOST:PATH or rsync://HOST/MODULE/PATH (the program rsync does it),
or s3://BUCKET/PREFIX at the address in AWS_ENDPOINT_URL with AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION. A destination whose log is
longer than ours, or another one, is left alone.

--layout flat has all files in localwheels/ and one page a project, simple/NAME/.`,
		Example: "  wheellock mirror push /srv/wheels\n  wheellock mirror push wheels@mirror.example.org:/srv/wheels --dry-run\n  AWS_ENDPOINT_URL=https://s3.example.org wheellock mirror push s3://wheels/python",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.mirrorPush(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringVar(&o.layout, "layout", layoutTargets, "targets (simple/TARGET/NAME/) or flat (simple/NAME/)")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be sent, send nothing")
	cmd.Flags().BoolVar(&o.delete, "delete", false, "also remove files there that the signed list does not name")
	return cmd
}

type pushReport struct {
	Destination string   `json:"destination"`
	Layout      string   `json:"layout"`
	DryRun      bool     `json:"dry_run"`
	Sent        []string `json:"sent"`
	Bytes       int64    `json:"bytes"`
	Unchanged   int      `json:"unchanged"`
	Removed     []string `json:"removed"`
	Log         string   `json:"log"`
	Size        int64    `json:"log_size"`
}

func (a *app) mirrorPush(ctx context.Context, dest string, o pushOptions) error {
	if o.layout != layoutTargets && o.layout != layoutFlat {
		return usage("--layout %q is none of targets, flat", o.layout)
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	to, shown, done, err := s.destination(dest)
	if err != nil {
		return err
	}
	defer done()
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	if err := led.publishable(ctx); err != nil {
		return err
	}
	if err := led.mayFollow(ctx, to, shown); err != nil {
		return err
	}
	items, err := led.site(ctx, o.layout == layoutFlat)
	if err != nil {
		return err
	}
	res, err := push.Run(ctx, to, items, s.pushRun(o))
	if err != nil {
		return pushError(shown, err)
	}
	return a.pushed(pushReport{Destination: shown, Layout: o.layout, DryRun: o.dryRun, Log: led.origin, Size: led.size(), Unchanged: res.Kept, Removed: append([]string{}, res.Removed...)}, res.Sent)
}

func (s *session) pushRun(o pushOptions) push.Options {
	run := push.Options{
		DryRun:  o.dryRun,
		Folders: []string{"simple"},
		Gone: func(p string) bool {
			return strings.HasSuffix(p, "/index.html") || strings.HasSuffix(p, "/index.json") || o.delete
		},
		Tell: func(stage push.Stage, files int, bytes int64) {
			if !o.dryRun && !s.quiet && !s.noProgress {
				s.say("sending %s: %d, %s", stage, files, sizeText(bytes))
			}
		},
	}
	if o.delete {
		run.Folders = append(run.Folders, "sdists", "wheels", mirror.FlatFolder)
	}
	return run
}

func sizeText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// site is what the mirror is to hold.
func (l *ledger) site(ctx context.Context, flat bool) ([]push.Item, error) {
	withdrawn, err := l.withdrawn(ctx)
	if err != nil {
		return nil, err
	}
	proofs, err := l.proofsBeside(ctx)
	if err != nil {
		return nil, err
	}
	items, err := push.Site{
		House: l.s.house(), Targets: targetNames(l.s.locked), Withdrawn: withdrawn, Flat: flat,
		Checkpoint: l.view.Note, Proofs: proofs,
	}.Plan()
	if errors.Is(err, mirror.ErrOtherBytes) {
		return nil, invalid("push without --layout flat: two targets have wheels of one name", "%v", err)
	}
	if errors.Is(err, mirror.ErrIrregular) {
		return nil, invalid("remove it: only files are published", "%v", err)
	}
	return items, err
}

// publishable refuses what readers of the mirror could not check: files that no
// list names, and a list that the log does not hold.
func (l *ledger) publishable(ctx context.Context) error {
	if l.view == nil {
		return finding("wheellock log append --pending", "the log %s is empty: nothing could be checked on the mirror", l.origin)
	}
	if err := l.listIsCurrent(); err != nil {
		return err
	}
	_, data, err := l.s.house().ReadList()
	if err != nil {
		return err
	}
	past, err := l.history(ctx, "_"+record.KindPublish)
	if err != nil {
		return err
	}
	for _, e := range past {
		if x, err := e.AsPublish(); err == nil && x.File.SHA256 == hashOf(data) {
			return nil
		}
	}
	return finding("wheellock log append --pending", "the log does not hold yet that %s was published", mirror.SumsFile)
}

// below reads a folder of a destination.
type below struct {
	push.Destination
	folder string
}

func (b below) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	return b.Read(ctx, b.folder+"/"+path, limit)
}

// mayFollow refuses a destination whose log is longer than ours or another one: what
// readers have seen must never be taken back.
func (l *ledger) mayFollow(ctx context.Context, to push.Destination, shown string) error {
	c, _, err := store.Checkpoint(ctx, below{to, mirror.LogFolder}, l.origin, l.logKeys())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, note.ErrUnsigned), errors.Is(err, note.ErrMalformed), errors.As(err, new(*store.DamagedError)), errors.As(err, new(*note.SignatureError)):
		return finding("name another destination, or empty it if it is to become this log's mirror", "the checkpoint at %s is not one of the log %s: %v", shown, l.origin, err)
	case err != nil:
		return pushError(shown, err)
	case c.Size > l.view.Checkpoint.Size:
		return finding("bring this wheelhouse up to date first (git pull)", "%s has %d statements of %s, this wheelhouse %d: it is behind its mirror", shown, c.Size, l.origin, l.view.Checkpoint.Size)
	}
	root, err := l.view.Tree.RootAt(ctx, c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return finding("stop: find out who else signs with the log's key before anything else is released", "fork: the log at %s is another one than ours at size %d", shown, c.Size)
	}
	return nil
}

// pushError is what went wrong at the destination.
func pushError(shown string, err error) error {
	var changed *push.ChangedError
	var no *push.BucketError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &changed):
		return finding("run it again", "%v", err)
	case errors.As(err, &no) && (no.Status == 401 || no.Status == 403):
		return environment("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and this machine's clock", "%s: %v", shown, err)
	}
	return environment("look at the destination and run it again: it goes on where it was", "%s: %v", shown, err)
}

func (a *app) pushed(r pushReport, sent []push.Item) error {
	r.Sent = []string{}
	for _, it := range sent {
		r.Sent = append(r.Sent, it.Path)
		r.Bytes += it.Size
	}
	if a.json {
		return a.printJSON(r)
	}
	if r.DryRun {
		for _, p := range r.Sent {
			fmt.Fprintf(a.Out, "send    %s\n", term.Line(p))
		}
		for _, p := range r.Removed {
			fmt.Fprintf(a.Out, "remove  %s\n", term.Line(p))
		}
		fmt.Fprintf(a.Out, "would send %s, %s, to %s; %d unchanged\n", report.Plural(len(r.Sent), "file"), sizeText(r.Bytes), term.Line(r.Destination), r.Unchanged)
		return nil
	}
	fmt.Fprintf(a.Out, "pushed to %s: %s sent, %s; %d unchanged, %d removed; log at %d\n",
		term.Line(r.Destination), report.Plural(len(r.Sent), "file"), sizeText(r.Bytes), r.Unchanged, len(r.Removed), r.Size)
	return nil
}
