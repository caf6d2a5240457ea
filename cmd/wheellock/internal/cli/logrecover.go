package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type recoverOptions struct {
	accept, published, from, signed string
	root                            rootFlags
}

func (a *app) logRecoverVerb() *cobra.Command {
	var o recoverOptions
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "bring a log back after a loss: its folder, or how far it was signed",
		Long: `Beside the log's key lies its high-water mark: the newest checkpoint that was ever
signed with it. A log whose folder is behind that mark is not continued, since
two histories would come to be. recover is for the day when something was lost:

--from DIR         takes the log's folder from a copy (a mirror's, a clone's), once
                   every byte of it is checked and it is not behind the mark
--published NOTE   sets the mark on a machine that has none (a new one), from the
                   checkpoint as others have it: the mirror's address, or a file
--accept-checkpoint NOTE
                   goes back to an older checkpoint: what was signed after it is
                   given up, and who has seen that will report a fork. The root's
                   OpenPGP keys have to sign for it: name them, or write what they
                   sign with --prepare DIR and give it back with --signed DIR
Without a flag it completes an append that was interrupted.`,
		Example: `  wheellock log recover --from /mnt/mirror/wheelhouse/log
  wheellock log recover --published https://wheels.example/wheelhouse
  wheellock log recover --accept-checkpoint wheelhouse/log/checkpoint --gpg-key 0123456789ABCDEF`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logRecover(cmd.Context(), o) },
	}
	o.root.flags(cmd)
	cmd.Flags().StringVar(&o.accept, "accept-checkpoint", "", "go on from the older checkpoint in the file `NOTE`")
	cmd.Flags().StringVar(&o.published, "published", "", "the newest checkpoint as others have it: `NOTE`, a file or the mirror's address")
	cmd.Flags().StringVar(&o.from, "from", "", "take the log's files from the copy in `DIR`")
	cmd.Flags().StringVar(&o.signed, "signed", "", "leave that was signed elsewhere, in `DIR`")
	return cmd
}

func (a *app) logRecover(ctx context.Context, o recoverOptions) error {
	n := 0
	for _, text := range []string{o.accept, o.published, o.from} {
		if text != "" {
			n++
		}
	}
	if n > 1 {
		return usage("--from, --published and --accept-checkpoint exclude one another")
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needFolder(); err != nil {
		return err
	}
	if o.from != "" {
		return s.recoverFolder(ctx, o.from)
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	switch {
	case o.published != "":
		return s.recoverMark(ctx, led, o.published)
	case o.accept != "":
		return s.recoverBack(ctx, led, o)
	}
	w, err := led.writer(ctx, true)
	if err != nil {
		return err
	}
	if w == nil {
		return environment("run it where the log's key is", "this machine does not hold the key of the log %s", led.origin)
	}
	if err := w.Recover(ctx); err != nil {
		return err
	}
	if err := led.openLog(ctx); err != nil {
		return err
	}
	return s.recovered(led.origin, led.size(), "complete", "the log %s has %s; nothing is unfinished")
}

// recovered prints the result.
func (s *session) recovered(origin string, size int64, what, sentence string) error {
	if s.json {
		return s.printJSON(map[string]any{"log": origin, "size": size, "done": what})
	}
	fmt.Fprintf(s.Out, sentence+"\n", origin, report.Plural(int(size), "statement"))
	return nil
}

// readCheckpoint reads a checkpoint of this log from a file.
func (s *session) readCheckpoint(led *ledger, file string) (tile.Checkpoint, []byte, error) {
	msg, err := readCapped(s.path(file), tile.MaxCheckpoint)
	if err != nil {
		return tile.Checkpoint{}, nil, invalid("name a file that holds a checkpoint, as wheellock log checkpoint prints it", "%v", err)
	}
	c, _, err := tile.OpenCheckpoint(msg, led.origin, led.chain.LogKeys())
	if err != nil {
		return c, nil, finding("get it again from where you had it", "%s is not a checkpoint that the log %s signed", filepath.Base(file), led.origin)
	}
	return c, msg, nil
}

// publishedCheckpoint reads the checkpoint as others have it: from a file, or from the
// address of the checkpoint, of the log or of the wheelhouse.
func (s *session) publishedCheckpoint(ctx context.Context, led *ledger, where string) (tile.Checkpoint, []byte, error) {
	if !isURL(where) {
		return s.readCheckpoint(led, where)
	}
	if s.offline {
		return tile.Checkpoint{}, nil, environment("run it again without --offline", "%s is behind the network", where)
	}
	base := strings.TrimSuffix(strings.TrimSuffix(where, "/"), "/"+store.CheckpointPath)
	var first error
	for _, sub := range []string{"", "/" + mirror.LogFolder} {
		msg, err := store.HTTP{URL: base + sub}.ReadFile(ctx, store.CheckpointPath, tile.MaxCheckpoint)
		if err != nil {
			if first == nil || errors.Is(first, fs.ErrNotExist) {
				first = err
			}
			continue
		}
		c, _, err := tile.OpenCheckpoint(msg, led.origin, led.chain.LogKeys())
		if err != nil {
			return c, nil, finding("check the address; if it is the mirror's, tell who runs it", "%s does not serve a checkpoint that the log %s signed", where, led.origin)
		}
		return c, msg, nil
	}
	return tile.Checkpoint{}, nil, environment("check the address and the network, and run it again", "%s: %v", where, first)
}

// continues checks that the log in the folder holds a checkpoint's tree.
func (l *ledger) continues(ctx context.Context, c tile.Checkpoint, what string) error {
	if l.view == nil || l.view.Checkpoint.Size < c.Size {
		return finding("wheellock log recover --from DIR takes the log from a newer copy",
			"the folder's log has %d statements, %s has %d", l.size(), what, c.Size)
	}
	root, err := l.view.Tree.RootAt(ctx, c.Size)
	if err != nil {
		return finding("wheellock log fsck; wheellock log recover --from DIR takes it from a copy", "the folder's log is damaged: %v", err)
	}
	if root != c.Root {
		return finding("find out which of the two others have seen; do not publish either before",
			"the folder's log and %s are two different histories", what)
	}
	return nil
}

// continuesProof wants the folder's log to go on from what the proof beside the lock
// was made of: a mark can be lost, or come out of the same old backup as the
// wheelhouse. A proof that does not verify is for verify to report.
func (l *ledger) continuesProof(ctx context.Context) error {
	if l.view == nil && exists(filepath.Join(l.dir, ".state", "journal")) {
		return nil // it is completed first
	}
	data, err := readCapped(filepath.Join(l.s.dir, proofFile), maxProof)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := proof.Parse(data)
	if err != nil {
		return nil
	}
	c, _, err := tile.OpenCheckpoint(p.Checkpoint, l.origin, l.logKeys())
	if err != nil {
		return nil
	}
	// The mark says more, and whoever reads it says it better.
	if m, _, err := log.ReadMark(l.keys.Dir(), l.origin, l.logKeys()); err == nil && m.Size >= c.Size {
		return nil
	}
	if err := l.continues(ctx, c, proofFile); err != nil {
		return hinted(err, "wheellock log recover --from DIR takes the log from a newer copy; where the root gave leave to go back, remove "+proofFile)
	}
	return nil
}

// hinted gives an error another next step.
func hinted(err error, hint string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	other := *e
	other.Hint = hint
	return &other
}

// recoverMark sets the mark on a machine that has none.
func (s *session) recoverMark(ctx context.Context, led *ledger, file string) error {
	if _, _, err := log.ReadMark(led.keys.Dir(), led.origin, led.chain.LogKeys()); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			return invalid("wheellock log append; to go back to an older state: wheellock log recover --accept-checkpoint NOTE",
				"this machine knows how far the log %s was signed", led.origin)
		}
		return damagedMark(err)
	}
	own, err1 := os.Stat(s.path(file))
	same, err2 := os.Stat(filepath.Join(led.dir, store.CheckpointPath))
	if err1 == nil && err2 == nil && os.SameFile(own, same) {
		return invalid("give the mirror's address, or ask somebody with another clone",
			"that is the folder's own checkpoint: it cannot show that nothing newer was published")
	}
	c, msg, err := s.publishedCheckpoint(ctx, led, file)
	if err != nil {
		return err
	}
	if err := led.continues(ctx, c, path.Base(filepath.ToSlash(file))); err != nil {
		return err
	}
	if err := led.continuesProof(ctx); err != nil {
		return err
	}
	// What the folder has beyond is signed too.
	if led.view.Checkpoint.Size > c.Size {
		c, msg = led.view.Checkpoint, led.view.Note
	}
	if err := log.LowerMark(led.keys.Dir(), led.origin, msg, led.chain.LogKeys()); err != nil {
		return err
	}
	return s.recovered(led.origin, c.Size, "mark-set", "the mark of %s is set: %s")
}

func damagedMark(err error) error {
	return finding("wheellock log recover --accept-checkpoint NOTE replaces it", "%v", err)
}

// recoverBack lowers the mark with leave of the root.
func (s *session) recoverBack(ctx context.Context, led *ledger, o recoverOptions) error {
	c, msg, err := s.readCheckpoint(led, o.accept)
	if err != nil {
		return err
	}
	if err := led.continues(ctx, c, filepath.Base(o.accept)); err != nil {
		return err
	}
	leave := newLeave(led, c)
	doc := leave.format()
	name := fmt.Sprintf("recover-%d.txt", c.Size)
	signers, err := s.rootSigners(led, o.root)
	if err != nil && o.signed == "" {
		return err
	}
	files, err := signAll(doc, signers)
	if err != nil {
		return err
	}
	if o.root.prepare != "" {
		dir := s.path(o.root.prepare)
		err := errors.Join(durable.MkdirAll(dir, 0o755), durable.WriteFile(filepath.Join(dir, name), doc, 0o644))
		for _, f := range files {
			err = errors.Join(err, durable.WriteFile(filepath.Join(dir, signatureName(name, f.Name)), f.Data, 0o644))
		}
		if err != nil {
			return err
		}
		if s.json {
			return s.recovered(led.origin, c.Size, "prepared", "")
		}
		s.Out.Write(leave.page())
		fmt.Fprintf(s.Out, "\nNext: have %s signed, then the same command with\n--signed %s in place of --prepare\n", name, o.root.prepare)
		return nil
	}
	if o.signed != "" {
		path := filepath.Join(s.path(o.signed), name)
		got, err := readCapped(path, trust.MaxRootSize)
		if err != nil {
			return invalid("the same command with --prepare DIR writes it", "%v", err)
		}
		if string(got) != string(doc) {
			return finding("prepare it again, and have it signed anew", "%s is not leave for this: the mark, the root or the checkpoint has changed since", name)
		}
		more, err := s.readSignatures(path, nil)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	g, err := trust.GatherBy(led.chain, doc, files...)
	if err != nil {
		return ceremonyError(name, err)
	}
	if q := g.Quorums[0]; !g.Complete() {
		return finding("have "+name+" signed by more of them: --prepare DIR, then --signed DIR",
			"going back needs %d signatures of root %d's keys; %d are there, it lacks %s", q.Threshold, q.Root, len(q.Signed), strings.Join(q.Missing, ", "))
	}
	if err := log.LowerMark(led.keys.Dir(), led.origin, msg, led.chain.LogKeys()); err != nil {
		return err
	}
	// The proof is of what is given up: left as it is, the next append would
	// rightly refuse to go on behind it.
	if s.locked != nil {
		if err := led.refresh(ctx); err != nil {
			return err
		}
	}
	return s.recovered(led.origin, c.Size, "mark-lowered", "%s goes on from %s: tell everybody who may have seen more")
}

// recoverFolder takes the log's files from a copy.
func (s *session) recoverFolder(ctx context.Context, from string) error {
	copyDir := s.path(from)
	src := store.Folder(copyDir)
	roots, err := proof.Roots(ctx, src)
	if err != nil {
		return invalid("name the log folder of a copy: the one with checkpoint and tile in it", "%v", err)
	}
	if len(roots) == 0 {
		return invalid("name the log folder of a copy: the one with checkpoint and tile in it", "%s holds no roots of a log", from)
	}
	dir, err := s.keyFolder()
	if err != nil {
		return err
	}
	keys, err := trust.OpenStore(dir)
	if err != nil {
		return err
	}
	led := &ledger{s: s, dir: s.house().Path(mirror.LogFolder), keys: keys, past: map[string][]log.Entry{}}
	if err := led.openRoots(roots); err != nil {
		return err
	}
	rep, err := fsck.Check(ctx, copyDir, fsck.Options{Origin: led.origin, LogKeys: led.chain.LogKeys(), Keys: led.chain.Keys()})
	if err == nil && !rep.OK() {
		err = fmt.Errorf("%s, the first: %s", report.Plural(len(rep.Problems), "problem"), rep.Problems[0])
	}
	if err != nil {
		return finding("use another copy", "the copy %s is damaged itself: %v", from, err)
	}
	view, err := log.Read(ctx, src, led.origin, led.chain.LogKeys())
	if err != nil {
		return err
	}
	if err := led.notBehind(ctx, view, from); err != nil {
		return err
	}
	if err := copyLog(copyDir, led.dir); err != nil {
		return err
	}
	return s.recovered(led.origin, view.Checkpoint.Size, "folder-restored", "the log %s is restored: %s, every byte checked")
}

// notBehind refuses a copy that lacks what was signed here or lies here.
func (l *ledger) notBehind(ctx context.Context, view *log.View, from string) error {
	hold := func(c tile.Checkpoint, what string) error {
		if view.Checkpoint.Size < c.Size {
			return finding("look for a newer copy; where there is none: wheellock log recover --accept-checkpoint NOTE, after it",
				"the copy %s has %d statements, %s is at %d", from, view.Checkpoint.Size, what, c.Size)
		}
		if root, err := view.Tree.RootAt(ctx, c.Size); err != nil || root != c.Root {
			return finding("find out which of the two others have seen", "the copy %s and %s are two different histories", from, what)
		}
		return nil
	}
	mark, _, err := log.ReadMark(l.keys.Dir(), l.origin, l.chain.LogKeys())
	if err == nil {
		err = hold(mark, "the high-water mark beside the log's key")
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	} else {
		err = damagedMark(err)
	}
	if err != nil {
		return err
	}
	// A folder that can still be read at its checkpoint counts as well.
	if c, _, err := store.Checkpoint(ctx, store.Folder(l.dir), l.origin, l.chain.LogKeys()); err == nil {
		return hold(c, "the checkpoint in the folder")
	}
	return nil
}

// copyLog makes the folder what the copy is: the checkpoint last, since it promises
// the rest, and then what the copy does not have goes.
func copyLog(from, to string) error {
	parts := []string{"tile", "root", "index", "policy"}
	var keep []string
	for _, part := range parts {
		err := filepath.WalkDir(filepath.Join(from, part), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			if durable.IsTemp(e.Name()) || !e.Type().IsRegular() {
				return nil
			}
			keep = append(keep, rel)
			return copyFile(path, filepath.Join(to, rel))
		})
		if err != nil {
			return err
		}
	}
	if err := copyFile(filepath.Join(from, store.CheckpointPath), filepath.Join(to, store.CheckpointPath)); err != nil {
		return err
	}
	for _, part := range parts {
		err := filepath.WalkDir(filepath.Join(to, part), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}
			if rel, err := filepath.Rel(to, path); err == nil && !slices.Contains(keep, rel) {
				return os.Remove(path)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := readCapped(from, tile.MaxBundle)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(to); err == nil && string(old) == string(data) {
		return nil
	}
	if err := durable.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return durable.WriteFile(to, data, 0o644)
}

// A leave is what the root's keys sign before a mark is lowered. It names the mark
// that it is for, so that it cannot be used a second time.
//
//	wheellock-recover/v1
//	log wheels.example.org
//	root sha256:...                 the newest root's document
//	checkpoint 12 rKbDip...=        to go on from: size and root hash
//	mark 57 4nH2...=                that is given up; "mark -" where none survives
type leave struct{ origin, root, checkpoint, mark string }

func newLeave(led *ledger, c tile.Checkpoint) leave {
	l := leave{origin: led.origin, root: trust.Digest(led.chain.Signed(led.chain.Len() - 1).Document),
		checkpoint: fmt.Sprintf("%d %s", c.Size, c.Root), mark: "-"}
	if m, _, err := log.ReadMark(led.keys.Dir(), led.origin, led.chain.LogKeys()); err == nil {
		l.mark = fmt.Sprintf("%d %s", m.Size, m.Root)
	}
	return l
}

func (l leave) format() []byte {
	return []byte("wheellock-recover/v1\nlog " + l.origin + "\nroot " + l.root + "\ncheckpoint " + l.checkpoint + "\nmark " + l.mark + "\n")
}

func parseLeave(data []byte) (leave, error) {
	lines := strings.Split(string(data), "\n")
	if len(lines) != 6 {
		return leave{}, errors.New("it is no leave to recover a log")
	}
	l := leave{strings.TrimPrefix(lines[1], "log "), strings.TrimPrefix(lines[2], "root "),
		strings.TrimPrefix(lines[3], "checkpoint "), strings.TrimPrefix(lines[4], "mark ")}
	if string(l.format()) != string(data) || !trust.ValidOrigin(l.origin) || !note.ValidName(l.origin) {
		return leave{}, errors.New("it is no leave to recover a log")
	}
	return l, nil
}

func (l leave) page() []byte {
	to, _, _ := strings.Cut(l.checkpoint, " ")
	mark, _, _ := strings.Cut(l.mark, " ")
	lost := "No mark survives on the log's machine: nobody there knows what was signed after it."
	if mark != "-" {
		lost = fmt.Sprintf("The log was signed up to %s statements: those from number %s on are given up.", mark, to)
	}
	return []byte(fmt.Sprintf(`Leave to take the log %s back to %s statements

%s
Whoever has seen more of the log than that will report a fork. Ask the mirror,
the witnesses and other clones for a newer checkpoint before you sign.

The document:

%s
To sign (no network is needed, and no wheellock):

  gpg --armor --detach-sign --digest-algo SHA512 --local-user FINGERPRINT \
    recover-%s.txt
`, l.origin, to, lost, indent(string(l.format())), to))
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
