package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/tags"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// lastShown is how many statements log show lists when it is asked for none.
const lastShown = 10

// maxStatements caps how many statements one log show prints.
const maxStatements = 100_000

// logReaders are the verbs that read the log.
func (a *app) logReaders() []*cobra.Command {
	var out, policyFile string
	prove := &cobra.Command{
		Use:   "prove NUMBER|FILE",
		Short: "write or check the proof that one statement is in the log",
		Long: `prove writes a tlog-proof (C2SP) of statement NUMBER, or of the newest statement
about the wheel or source FILE, to FILE.tlog-proof beside it, or where -o says; -
is standard output. The statement itself is in it, so whoever gets it needs
nothing else but the log's key.

Given a FILE that ends in .tlog-proof it checks that one instead: against the
log that the configuration pins, or a policy (C2SP tlog-policy) that --policy
names, for which no project is needed.`,
		Example: "  wheellock log prove 12 -o -\n  wheellock log prove wheelhouse/wheels/any/idna-3.20-py3-none-any.whl\n  wheellock log prove idna-3.20-py3-none-any.whl.tlog-proof --policy trusted.policy",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.HasSuffix(args[0], tlogproof.Extension) {
				return a.checkProof(cmd.Context(), args[0], policyFile)
			}
			return a.logProve(cmd.Context(), args[0], out)
		},
	}
	prove.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`; - is standard output")
	prove.Flags().StringVar(&policyFile, "policy", "", "check by the logs and witnesses of `FILE`")
	return []*cobra.Command{
		{
			Use:   "show [NUMBER|FROM-TO]...",
			Short: "print statements of the log, checked",
			Long: `show prints statements as the log holds them, each checked against the signed
checkpoint and its signer against the roots. Without a number it prints the last
ten.`,
			Example: "  wheellock log show\n  wheellock log show 0 12-20",
			RunE:    func(cmd *cobra.Command, args []string) error { return a.logShow(cmd.Context(), args) },
		},
		a.checkpointVerb(),
		prove,
		{
			Use:   "fsck",
			Short: "check every byte of the log's folder",
			Long: `fsck makes all tiles and the package index again from the statements and compares
them with the files, checks every signature and lets each statement pass the
log's rules again at its place. It needs no private key and changes nothing.`,
			Example: "  wheellock log fsck",
			Args:    usageArgs(cobra.NoArgs),
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.logFsck(cmd.Context()) },
		},
	}
}

func (a *app) checkpointVerb() *cobra.Command {
	var cosign bool
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "print the log's signed checkpoint",
		Long: `checkpoint prints the signed note (C2SP tlog-checkpoint) of the log in the
wheelhouse, once its signature is checked: size, root hash, cosignatures.

With --cosign it first asks the witnesses to sign it again, and refreshes the proof:
who runs that regularly shows that a log in which nothing happens is not frozen.`,
		Example: "  wheellock log checkpoint\n  wheellock log checkpoint --cosign",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cosign {
				if err := a.logCosign(cmd.Context()); err != nil {
					return err
				}
			}
			return a.logCheckpoint(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&cosign, "cosign", false, "ask the witnesses to sign it again (where the log's key is)")
	return cmd
}

// openedLog is a project's log for a verb that only reads it.
func (a *app) openedLog(ctx context.Context) (*ledger, error) {
	s, err := a.openForReading()
	if err != nil {
		return nil, err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return nil, err
	}
	if led.view == nil {
		return nil, invalid("wheellock build --missing --check 2", "the log %s is empty", led.origin)
	}
	return led, nil
}

// shownStatement is one statement with what is known of its signer.
type shownStatement struct {
	Index     int64  `json:"index"`
	Kind      string `json:"kind"`
	Signer    string `json:"signer"`
	Valid     bool   `json:"valid"` // the signer held the role then, and signed it
	Why       string `json:"why,omitempty"`
	Statement string `json:"statement"` // the leaf
}

func (a *app) logShow(ctx context.Context, args []string) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	size := led.view.Checkpoint.Size
	ranges := [][2]int64{{max(0, size-lastShown), size}}
	if len(args) > 0 {
		if ranges, err = parseRanges(args, size); err != nil {
			return err
		}
	}
	list := []shownStatement{}
	invalidOnes := 0
	for _, r := range ranges {
		for e, err := range led.view.Statements(ctx, r[0], r[1]) {
			if err != nil {
				return err
			}
			x := shownStatement{e.Index, e.Kind(), fmt.Sprintf("%s+%08x", e.Signer, e.Hash), true, "", string(e.Leaf)}
			if err := led.signedRightly(e); err != nil {
				x.Valid, x.Why = false, err.Error()
				invalidOnes++
			}
			list = append(list, x)
		}
	}
	if a.json {
		err = a.printJSON(map[string]any{"log": led.origin, "size": size, "statements": list})
	} else {
		a.printStatements(list)
	}
	if err == nil && invalidOnes > 0 {
		return &Error{Code: Finding, Shown: a.json, Hint: "wheellock log fsck", Msg: fmt.Sprintf("%s of a key that could not make it", report.Plural(invalidOnes, "statement"))}
	}
	return err
}

func (a *app) printStatements(list []shownStatement) {
	for i, x := range list {
		if i > 0 {
			fmt.Fprintln(a.Out)
		}
		fmt.Fprintln(a.Out, a.style.Paint(term.Heading, fmt.Sprintf("statement %d", x.Index)))
		for line := range strings.Lines(x.Statement) {
			fmt.Fprintln(a.Out, term.Clean(strings.TrimSuffix(line, "\n")))
		}
		if !x.Valid {
			fmt.Fprintln(a.Out, a.style.Paint(term.Bad, term.Clean("NOT VALID: "+x.Why)))
		}
	}
}

// signedRightly checks a statement's signature by the role that its key had.
func (l *ledger) signedRightly(e log.Entry) error {
	v, err := l.chain.Keys().Verifier(e.Role(), e.Signer, e.Hash, e.Index, time.Time{})
	if err != nil {
		return err
	}
	if !e.Verify(v) {
		return &note.SignatureError{Name: e.Signer, Hash: e.Hash}
	}
	return nil
}

// statementNumber reads a number in its one spelling.
func statementNumber(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}

// parseRanges reads NUMBER and FROM-TO, both ends included.
func parseRanges(args []string, size int64) ([][2]int64, error) {
	var out [][2]int64
	total := int64(0)
	for _, arg := range args {
		first, last, isRange := strings.Cut(arg, "-")
		from, ok := statementNumber(first)
		to := from
		if ok && isRange {
			to, ok = statementNumber(last)
		}
		switch {
		case !ok || to < from:
			return nil, usage("%q is neither a statement's number nor FROM-TO", arg)
		case to >= size:
			return nil, invalid("wheellock log checkpoint", "there is no statement %d: the log has %d, the first is 0", to, size)
		}
		if total += to - from + 1; total > maxStatements {
			return nil, usage("more than %d statements at once", maxStatements)
		}
		out = append(out, [2]int64{from, to + 1})
	}
	return out, nil
}

type cosignedBy struct {
	Key  string `json:"key"`
	Time string `json:"time"`
}

func (a *app) logCheckpoint(ctx context.Context) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	c := led.view.Checkpoint
	if !a.json {
		_, err := a.Out.Write(led.view.Note)
		return err
	}
	by := []cosignedBy{}
	n, err := note.Parse(led.view.Note)
	if err != nil {
		return err
	}
	for _, sig := range n.Sigs {
		h, err := led.chain.Holder(c.Size-1, sig.Name, sig.Hash)
		if err != nil || h.Role != trust.RoleWitness || !h.Verifier.Verify([]byte(n.Text), sig.Sig) {
			continue
		}
		if co, err := note.ParseCosignature(sig.Sig); err == nil {
			by = append(by, cosignedBy{h.Key, time.Unix(co.Time, 0).UTC().Format(time.RFC3339)})
		}
	}
	return a.printJSON(map[string]any{"log": led.origin, "size": c.Size, "root": hex.EncodeToString(c.Root[:]), "cosigned": by, "note": string(led.view.Note)})
}

func (a *app) logProve(ctx context.Context, what, out string) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	number, err := led.statementFor(ctx, what)
	if err != nil {
		return err
	}
	data, err := led.tlogProof(ctx, number)
	if err != nil {
		return err
	}
	if out == "" {
		if _, ok := statementNumber(what); ok {
			return usage("say where to with -o FILE (- is standard output)")
		}
		out = what + tlogproof.Extension
	}
	if out == "-" {
		if a.json {
			return a.printJSON(map[string]any{"log": led.origin, "statement": number, "proof": string(data)})
		}
		_, err := a.Out.Write(data)
		return err
	}
	if err := durable.WriteFile(led.s.path(out), data, 0o644); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"log": led.origin, "statement": number, "file": out})
	}
	fmt.Fprintf(a.Out, "%s proves statement %d of %s\n", out, number, led.origin)
	return nil
}

// tlogProof is the proof of one statement, with the statement.
func (l *ledger) tlogProof(ctx context.Context, number int64) ([]byte, error) {
	leaf, err := l.view.Tree.Leaf(ctx, number)
	if err != nil {
		return nil, err
	}
	hashes, err := l.view.Tree.ProveLeaf(ctx, number)
	if err != nil {
		return nil, err
	}
	p := tlogproof.Proof{Extra: leaf, Index: number, Hashes: hashes, Checkpoint: l.view.Note}
	return p.Format(), nil
}

// statementFor finds a statement by its number, or the newest about a file's bytes.
func (l *ledger) statementFor(ctx context.Context, what string) (int64, error) {
	if n, ok := statementNumber(what); ok {
		if n >= l.view.Checkpoint.Size {
			return 0, invalid("wheellock log checkpoint", "there is no statement %d: the log has %d, the first is 0", n, l.view.Checkpoint.Size)
		}
		return n, nil
	}
	hash, err := mirror.HashFile(l.s.path(what))
	if err != nil {
		return 0, invalid("name a statement by its number, or a wheel or source by its path", "%v", err)
	}
	base := filepath.Base(what)
	name, err := packageOf(base)
	if err != nil {
		return 0, invalid("name a wheel (.whl) or source (.tar.gz, .zip), or a statement by its number", "%s: %v", what, err)
	}
	past, err := l.history(ctx, name)
	if err != nil {
		return 0, err
	}
	for i := len(past) - 1; i >= 0; i-- {
		for _, f := range past[i].Files() {
			if f.Name == base && f.SHA256 == hash {
				return past[i].Index, nil
			}
		}
	}
	return 0, finding("wheellock history "+name, "the log %s says nothing about %s with sha256 %s", l.origin, base, hash)
}

type checkedProof struct {
	Log       string       `json:"log"`
	Statement int64        `json:"statement"`
	Size      int64        `json:"size"`
	Cosigned  []cosignedBy `json:"cosigned"`
	Text      string       `json:"text"`
}

// checkProof checks a tlog-proof by a policy, or by the project's own log.
func (a *app) checkProof(ctx context.Context, file, policyFile string) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	data, err := readCapped(file, tlogproof.MaxSize)
	if err != nil {
		return err
	}
	p, err := tlogproof.Parse(data)
	if err != nil {
		return invalid("make it again with wheellock log prove", "%s: %v", filepath.Base(file), err)
	}
	var trusted *policy.Policy
	if policyFile != "" {
		if !filepath.IsAbs(policyFile) {
			policyFile = filepath.Join(dir, policyFile)
		}
		text, err := readCapped(policyFile, policy.MaxSize)
		if err != nil {
			return err
		}
		if trusted, err = policy.Parse(text); err != nil {
			return invalid("see C2SP tlog-policy", "%s: %v", filepath.Base(policyFile), err)
		}
	} else if trusted, err = a.pinnedPolicy(ctx); err != nil {
		return err
	}
	c, seen, err := p.Check(nil, trusted)
	if err != nil {
		return finding("do not use what it is beside; ask who gave it to you", "%s proves nothing: %v", filepath.Base(file), err)
	}
	r := checkedProof{c.Origin, p.Index, c.Size, []cosignedBy{}, string(p.Extra)}
	for _, s := range seen {
		r.Cosigned = append(r.Cosigned, cosignedBy{s.Witness.Cosigner().String(), time.Unix(s.Time, 0).UTC().Format(time.RFC3339)})
	}
	if err := besideFile(file, p.Extra); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.Out, "OK: statement %d of %s, which has %d; cosigned by %s\n\n", r.Statement, r.Log, r.Size, report.Plural(len(seen), "witness"))
	for line := range strings.Lines(r.Text) {
		fmt.Fprintln(a.Out, term.Clean(strings.TrimSuffix(line, "\n")))
	}
	return nil
}

// besideFile compares a proof with the file that it lies beside, if there is one.
func besideFile(proof string, leaf []byte) error {
	file := strings.TrimSuffix(proof, tlogproof.Extension)
	if !exists(file) {
		return nil
	}
	hash, err := mirror.HashFile(file)
	if err != nil {
		return err
	}
	s, err := record.ParseLeaf(leaf)
	if err != nil {
		return finding("ask for one that wheellock wrote", "what %s proves is no statement: %v", filepath.Base(proof), err)
	}
	for _, f := range s.Files() {
		if f.Name == filepath.Base(file) && f.SHA256 == hash {
			return nil
		}
	}
	return finding("do not use it; ask who gave it to you", "%s has sha256 %s, the statement beside it is about something else", filepath.Base(file), hash)
}

// pinnedPolicy trusts the log of the project's configuration, by every key that it
// had and that was not stolen: a proof made before the key was replaced is still one.
func (a *app) pinnedPolicy(ctx context.Context) (*policy.Policy, error) {
	led, err := a.openedLog(ctx)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{} // stolen, or in the policy already
	for _, k := range led.chain.Newest().Revoked {
		done[k.Key] = k.How == trust.Stolen
	}
	p := &policy.Policy{Quorum: policy.None}
	for n := range led.chain.Len() {
		for _, role := range led.chain.Root(n).Roles {
			for _, k := range role.Keys {
				v, err := note.NewVerifier(k)
				if err != nil {
					return nil, err
				}
				switch {
				case done[k]:
				case role.Name == trust.RoleLog:
					p.Logs = append(p.Logs, policy.Log{Key: v})
				case role.Name == trust.RoleWitness:
					p.Witnesses = append(p.Witnesses, policy.Witness{Name: v.Name(), Key: v})
				}
				done[k] = true
			}
		}
	}
	return p, nil
}

func (a *app) logFsck(ctx context.Context) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	start := a.Now()
	rep, err := fsck.Check(ctx, led.dir, fsck.Options{Origin: led.origin, LogKeys: led.chain.LogKeys(), Keys: led.chain.Keys()})
	if err != nil {
		return err
	}
	led.dropAhead(rep)
	if a.json {
		problems := []string{}
		for _, p := range rep.Problems {
			problems = append(problems, p.String())
		}
		err = a.printJSON(map[string]any{"log": led.origin, "size": rep.Checkpoint.Size, "problems": problems, "leftovers": append([]string{}, rep.Leftovers...)})
	} else {
		a.printFsck(led, rep, a.Now().Sub(start))
	}
	if err == nil && !rep.OK() {
		return &Error{Code: Finding, Shown: a.json, Msg: report.Plural(len(rep.Problems), "problem") + " in the log " + led.origin,
			Hint: "restore the folder from a copy; the statements are not to be believed before"}
	}
	return err
}

// dropAhead makes leftovers of the tiles that an append wrote which is not
// finished, where its journal is there: the next one completes it.
func (l *ledger) dropAhead(rep *fsck.Report) {
	if !exists(filepath.Join(l.dir, ".state", "journal")) {
		return
	}
	rep.Problems = slices.DeleteFunc(rep.Problems, func(p fsck.Problem) bool {
		if p.Ahead {
			rep.Leftovers = append(rep.Leftovers, p.Path)
		}
		return p.Ahead
	})
}

func (a *app) printFsck(led *ledger, rep *fsck.Report, took time.Duration) {
	for _, p := range rep.Problems {
		fmt.Fprintln(a.Out, term.Clean(p.String()))
	}
	for _, l := range rep.Leftovers {
		fmt.Fprintf(a.Out, "left over, harmless: %s\n", term.Clean(l))
	}
	if rep.OK() {
		fmt.Fprintf(a.Out, "OK: %s of %s, every byte checked in %.1f s\n", report.Plural(int(rep.Checkpoint.Size), "statement"), led.origin, took.Seconds())
	}
}

// packageOf is the normalised name of the package that a wheel or source is of.
func packageOf(file string) (string, error) {
	if strings.HasSuffix(file, ".whl") {
		w, err := tags.ParseWheelName(file)
		return w.Name, err
	}
	d, err := tags.ParseSdistName(file)
	return d.Name, err
}
