package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/mirror/live"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

func (a *app) mirrorCheckVerb() *cobra.Command {
	var layout string
	cmd := &cobra.Command{
		Use:   "check URL",
		Short: "compare a mirror that is being served with lock and log",
		Long: `check asks a mirror as an installer would: every file of the signed list and every
locked wheel that the policy has the mirror carry is fetched and hashed, every page
read in both forms, with metadata, yanks and proofs; its log must be ours, and not
older. Each difference is one line, and any makes the exit code 1. Nothing that the
mirror says is believed, and no keys are needed.`,
		Example: "  wheellock mirror check https://wheels.example.org\n  wheellock mirror check http://127.0.0.1:8080 --layout flat",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if layout != layoutTargets && layout != layoutFlat {
				return usage("--layout %q is none of targets, flat", layout)
			}
			return a.mirrorCheck(cmd.Context(), args[0], layout == layoutFlat)
		},
	}
	cmd.Flags().StringVar(&layout, "layout", layoutTargets, "targets (simple/TARGET/NAME/) or flat (simple/NAME/)")
	return cmd
}

func (a *app) mirrorCheck(ctx context.Context, address string, flat bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		// Not repeated: a password may be in it.
		return usage("that is not the address of a mirror: expected as in https://wheels.example.org")
	}
	if a.offline {
		return environment("run it again without --offline", "%s is behind the network", u.Redacted())
	}
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	s := led.s
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	want, err := led.shouldHold(ctx, flat)
	if err != nil {
		return err
	}
	cache, err := a.cache()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if want.Temp, err = os.MkdirTemp(cache, "check"); err != nil {
		return err
	}
	defer os.RemoveAll(want.Temp)
	site := &live.Site{URL: u, Client: &http.Client{}, Stall: a.Limits.Stall}
	facts, err := led.compareLog(ctx, site)
	if err == nil {
		var more []live.Fact
		more, err = site.Check(ctx, want)
		facts = append(facts, more...)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return environment("check the address and the network, and run it again", "%s: %v", u.Redacted(), unredacted(err, u))
	}
	return a.checked(u.Redacted(), len(want.Files), facts)
}

// unredacted leaves the address out of a transport's error: it may have a password.
func unredacted(err error, u *url.URL) error {
	var e *url.Error
	if errors.As(err, &e) && u.User != nil {
		return e.Err
	}
	return err
}

func (a *app) checked(where string, files int, facts []live.Fact) error {
	if a.json {
		if err := a.printJSON(map[string]any{"url": where, "files": files, "facts": append([]live.Fact{}, facts...)}); err != nil {
			return err
		}
	} else {
		for _, f := range facts {
			fmt.Fprintf(a.Out, "%s  %s: %s\n", f.What, term.Line(f.Path), term.Line(f.Text))
		}
		if len(facts) == 0 {
			fmt.Fprintf(a.Out, "OK: %s holds what lock and log say, %s checked\n", where, report.Plural(files, "file"))
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return &Error{Code: Finding, Shown: a.json, Msg: fmt.Sprintf("%s between %s and lock and log", report.Plural(len(facts), "difference"), where),
		Hint: "wheellock mirror push puts right what is missing or old; find out who changed the rest"}
}

// shouldHold is what the mirror should hold by the signed list and the lock.
func (l *ledger) shouldHold(ctx context.Context, flat bool) (live.Want, error) {
	s := l.s
	w := live.Want{Targets: targetNames(s.locked), Flat: flat, Proven: map[string]bool{}, Proof: func(data []byte, name, hash string) error { return l.proofBeside(ctx, data, name, hash) }}
	var err error
	if w.Withdrawn, err = l.withdrawn(ctx); err != nil {
		return w, err
	}
	if w.Files, err = s.signedList(l.chain, l.view.Checkpoint.Size); errors.Is(err, fs.ErrNotExist) {
		return w, finding("wheellock sign", "the wheelhouse has no signed list yet")
	} else if err != nil {
		return w, finding("wheellock sign", "%s: %v", mirror.SignFile, err)
	}
	if dirs, err := os.ReadDir(s.house().Path("simple")); err == nil {
		for _, d := range dirs {
			if d.IsDir() && !slices.Contains(w.Targets, d.Name()) {
				w.Targets = append(w.Targets, d.Name())
			}
		}
	}
	if !flat {
		w.Lists = map[string][]byte{}
		for _, name := range []string{mirror.SumsFile, mirror.SignFile, mirror.OpenPGPFile} {
			if data, err := readCapped(s.house().Path(name), mirror.MaxListSize); err == nil {
				w.Lists[name] = data
			}
		}
	}
	for _, f := range s.mustCarry() {
		if !slices.ContainsFunc(w.Files, func(x mirror.Listed) bool { return x.Path == f.Path }) {
			w.Files = append(w.Files, f)
		}
	}
	for _, f := range w.Files {
		name := path.Base(f.Path)
		project, _, err := mirror.ProjectOf(name)
		if err != nil {
			continue
		}
		past, err := l.history(ctx, project)
		if err != nil {
			return w, err
		}
		w.Proven[f.SHA256] = l.firstAbout(past, name, f.SHA256) >= 0
	}
	return w, nil
}

// mustCarry are the locked wheels that the policy has the mirror carry.
func (s *session) mustCarry() []mirror.Listed {
	var out []mirror.Listed
	policy := s.project.Config.Policy.Mirror
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if p.Group == lock.GroupBuild || w.Missing() || policy == "none" || policy != "all" && w.Origin != lock.OriginBuilt {
				continue
			}
			for _, t := range s.locked.WheelTargets(p, w) {
				if f := (mirror.Listed{Path: mirror.Wheel(w.Name, t), SHA256: w.SHA256}); !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// compareLog holds the mirror's log against ours.
func (l *ledger) compareLog(ctx context.Context, site *live.Site) ([]live.Fact, error) {
	const where = "log/checkpoint"
	fact := func(what, format string, args ...any) ([]live.Fact, error) {
		return []live.Fact{{What: what, Path: where, Text: fmt.Sprintf(format, args...)}}, nil
	}
	ours := l.view.Checkpoint
	c, _, err := store.Checkpoint(ctx, site, l.origin, l.logKeys())
	var no *live.AnswerError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fact("log-missing", "it is not there")
	case errors.As(err, &no):
		return fact("log-changed", "%s", no.Msg)
	case errors.Is(err, note.ErrUnsigned), errors.Is(err, note.ErrMalformed), errors.As(err, new(*store.DamagedError)), errors.As(err, new(*note.SignatureError)):
		return fact("log-foreign", "it is no checkpoint of %s: %v", l.origin, err)
	case err != nil:
		return nil, err
	}
	if c.Size > ours.Size {
		root, err := store.NewTree(site, c.Size, c.Root).RootAt(ctx, ours.Size)
		switch {
		case err != nil && (errors.Is(err, fs.ErrNotExist) || errors.As(err, &no) || errors.As(err, new(*store.DamagedError))):
			return fact("log-changed", "its tiles do not give its checkpoint: %v", err)
		case err != nil:
			return nil, err
		case root != ours.Root:
			return fact("log-forked", "it is another log than ours at size %d", ours.Size)
		}
		return fact("log-newer", "it has %d statements, this wheelhouse %d: bring that up to date (git pull)", c.Size, ours.Size)
	}
	root, err := l.view.Tree.RootAt(ctx, c.Size)
	switch {
	case err != nil:
		return nil, err
	case root != c.Root:
		return fact("log-forked", "it is another log than ours at size %d", c.Size)
	case c.Size < ours.Size:
		return fact("log-older", "it has %d statements of %d", c.Size, ours.Size)
	}
	// The tiles under it: who replays the log from the mirror needs all of them.
	for leaf, err := range store.NewTree(site, c.Size, c.Root).Leaves(ctx, 0, c.Size) {
		if err == nil {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) || errors.As(err, &no) || errors.As(err, new(*store.DamagedError)) {
			return fact("log-changed", "its tiles do not give its checkpoint, from statement %d on: %v", leaf.Index, err)
		}
		return nil, err
	}
	return nil, nil
}

// proofBeside checks a proof that lies beside a file on a mirror.
func (l *ledger) proofBeside(ctx context.Context, data []byte, name, hash string) error {
	p, err := tlogproof.Parse(data)
	if err != nil {
		return err
	}
	st, err := record.ParseLeaf(p.Extra)
	if err != nil {
		return err
	}
	if !slices.Contains(namesOf(st.Files()), name+" "+hash) {
		return errors.New("it proves a statement about something else")
	}
	opened, err := note.Open(p.Checkpoint, l.logKeys())
	if err != nil {
		return err
	}
	c, err := tile.ParseCheckpoint(opened.Text)
	if err != nil {
		return err
	}
	if c.Origin != l.origin {
		return fmt.Errorf("it is of the log %s", c.Origin)
	}
	if c.Size <= l.view.Checkpoint.Size {
		if root, err := l.view.Tree.RootAt(ctx, c.Size); err != nil || root != c.Root {
			return errors.New("its checkpoint is not one of ours")
		}
	}
	return store.CheckLeaf(p.Extra, p.Index, c.Size, c.Root, p.Hashes)
}

func namesOf(files []record.File) []string {
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSpace(f.Name+" "+f.SHA256))
	}
	return out
}
