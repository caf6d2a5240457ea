package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// endFlags say how a key ended.
type endFlags struct {
	lost, stolen bool
	from         int64
}

func (f *endFlags) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.lost, "lost", false, "the key is lost: what it signed stays valid")
	cmd.Flags().BoolVar(&f.stolen, "stolen", false, "the key was stolen: what it signed from --from on is void")
	cmd.Flags().Int64Var(&f.from, "from", -1, "`INDEX` of the first statement that the thief may have made")
}

// how checks the flags against the log's size. "" where none is set.
func (f endFlags) how(led *ledger) (how string, from int64, err error) {
	switch {
	case f.lost && f.stolen:
		return "", 0, usage("--lost and --stolen exclude one another")
	case f.from != -1 && !f.stolen:
		return "", 0, usage("--from goes with --stolen")
	case f.lost:
		return trust.Lost, 0, nil
	case !f.stolen:
		return "", 0, nil
	case f.from == -1:
		return "", 0, invalid("wheellock log show prints statements with their numbers; --from 0 trusts nothing that the key signed", "--stolen needs --from INDEX: the first statement that may be the thief's")
	case f.from < 0 || f.from > led.size():
		return "", 0, invalid("wheellock log checkpoint shows its size", "--from %d: the log has %d statements", f.from, led.size())
	}
	return trust.Stolen, f.from, nil
}

func (a *app) rotateVerb() *cobra.Command {
	var f rootFlags
	var e endFlags
	var old string
	var certificates, drop []string
	var threshold int
	cmd := &cobra.Command{
		Use:   "rotate ROLE [KEY]",
		Short: "put a new key in the place of an old one; root: change who signs roots",
		Long: `rotate lets a new key of this machine, or KEY of another one, take the place of the
one that holds ROLE: builder, publisher, reviewer or log. The old one stays valid for what
it signed; with --lost or --stolen --from INDEX it is revoked in the same root.

rotate log gives the log a new key under a new root: the tree and its name go on.
It runs on the machine that is to hold the key.

rotate root changes the OpenPGP keys that sign roots: --certificate FILE brings a
key in (or its newer certificate), --drop FINGERPRINT takes one out, --threshold M
says how many must sign. The old and the new quorum sign it.`,
		Example: `  wheellock keys rotate publisher --gpg-key 0123456789ABCDEF
  wheellock keys rotate log --lost --prepare ceremony
  wheellock keys rotate root --certificate dora.asc --drop 0123456789ABCDEF0123456789ABCDEF01234567 --threshold 2 --prepare ceremony`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "root" {
				if len(args) > 1 || old != "" || e.lost || e.stolen {
					return usage("rotate root takes --certificate, --drop and --threshold")
				}
				return a.rotateRoot(cmd.Context(), f, certificates, drop, threshold)
			}
			if len(certificates)+len(drop) > 0 || threshold != 0 {
				return usage("--certificate, --drop and --threshold go with: wheellock keys rotate root")
			}
			return a.rotateKey(cmd.Context(), f, e, old, args)
		},
	}
	f.flags(cmd)
	e.flags(cmd)
	cmd.Flags().StringVar(&old, "old", "", "the `KEY` to replace, where this machine holds none: NAME+HASH is enough")
	cmd.Flags().StringArrayVar(&certificates, "certificate", nil, "root: public key in `FILE` that comes in; may be repeated")
	cmd.Flags().StringArrayVar(&drop, "drop", nil, "root: `FINGERPRINT` that goes out; may be repeated")
	cmd.Flags().IntVar(&threshold, "threshold", 0, "root: how many keys must sign (default: as before)")
	return cmd
}

func (a *app) rotateRoot(ctx context.Context, f rootFlags, certificates, drop []string, threshold int) error {
	if len(certificates)+len(drop) == 0 && threshold == 0 {
		return invalid("wheellock keys rotate root --certificate FILE --drop FINGERPRINT", "say what is to change")
	}
	keys, err := a.readCertificates(certificates)
	if err != nil {
		return err
	}
	for i, d := range drop {
		if drop[i], err = trust.NormalizeFingerprint(d); err != nil {
			return usage("--drop: %v", err)
		}
	}
	return a.change(ctx, f, func(led *ledger) (func(*trust.Root) error, error) {
		if led.chain.Provisional() {
			return nil, invalid("wheellock keys adopt --openpgp-key FILE", "the root of %s is provisional: it has no organisation's keys yet", led.origin)
		}
		return func(r *trust.Root) error { return trust.SetQuorum(r, keys, drop, threshold) }, nil
	})
}

func (a *app) rotateKey(ctx context.Context, f rootFlags, e endFlags, oldText string, args []string) error {
	role := args[0]
	if !slices.Contains(append(delegable, trust.RoleLog), role) {
		return usage("role %q is none of %s, log, root", role, strings.Join(delegable, ", "))
	}
	return a.change(ctx, f, func(led *ledger) (func(*trust.Root) error, error) {
		how, from, err := e.how(led)
		if err != nil {
			return nil, err
		}
		old, err := led.replaced(role, oldText)
		if err != nil {
			return nil, err
		}
		var key string
		if len(args) == 2 {
			if v, err := note.NewVerifier(args[1]); err != nil || v.Cosigns() {
				return nil, usage("%q is not a verifier key (NAME+HASH+BASE64, as the other machine prints it)", args[1])
			}
			key = args[1]
		} else if key, err = led.successor(role, old); err != nil {
			return nil, err
		}
		return func(r *trust.Root) error {
			if err := trust.Replace(r, role, old, key); err != nil || how == "" {
				return err
			}
			return trust.RevokeFormer(r, old, how, from)
		}, nil
	})
}

// replaced is the key whose place is taken: the one named, else this machine's,
// else the only one.
func (l *ledger) replaced(role, text string) (string, error) {
	var held []string
	for _, k := range l.chain.Newest().Roles {
		if k.Name == role {
			held = slices.Concat(k.Keys, k.Spare)
		}
	}
	if text != "" {
		return pickKey(held, text, "no "+role+" key of the newest root")
	}
	mine, err := l.keys.Holding(l.chain, l.size(), role)
	if err != nil {
		return "", err
	}
	switch {
	case len(mine) > 0:
		return mine[0].Key, nil
	case len(held) == 1:
		return held[0], nil
	case len(held) == 0:
		return "", invalid(fmt.Sprintf("wheellock keys delegate %s KEY", role), "nobody holds the role %s", role)
	}
	return "", invalid("wheellock keys show names them", "this machine holds none of the %d %s keys: say which one goes with --old KEY", len(held), role)
}

// pickKey finds a key by its whole text, by NAME+HASH, or by a name that only one has.
func pickKey(keys []string, text, none string) (string, error) {
	var byName []string
	for _, k := range keys {
		if k == text || trust.ShortKey(k) == text {
			return k, nil
		}
		if originOf(k) == text {
			byName = append(byName, k)
		}
	}
	switch len(byName) {
	case 1:
		return byName[0], nil
	case 0:
		return "", invalid("wheellock keys show names them", "%s is %s", text, none)
	}
	return "", invalid("write it as NAME+HASH", "%d keys are called %s", len(byName), text)
}

// successor is the key that takes the old one's place: one of this machine that no
// root has named yet, so that a rotation that was stopped or prepared goes on with
// the same, or a new one.
func (l *ledger) successor(role, old string) (string, error) {
	mine, err := l.keys.Signers(l.origin, role)
	if err != nil {
		return "", err
	}
	protected := false
	for _, k := range mine {
		if !l.everNamed(k.Key) {
			return k.Key, nil
		}
		protected = protected || k.Key == old && k.Protected
	}
	return l.newKey(role, protected)
}

// everNamed reports whether a root has or had the key.
func (l *ledger) everNamed(key string) bool {
	for n := range l.chain.Len() {
		r := l.chain.Root(n)
		for _, k := range r.Roles {
			if slices.Contains(k.Keys, key) || slices.Contains(k.Spare, key) {
				return true
			}
		}
		if slices.ContainsFunc(r.Revoked, func(v trust.Revocation) bool { return v.Key == key }) {
			return true
		}
	}
	return false
}

func (a *app) revokeVerb() *cobra.Command {
	var f rootFlags
	var e endFlags
	cmd := &cobra.Command{
		Use:   "revoke KEY --lost|--stolen --from INDEX",
		Short: "end a key: lost, or stolen from a statement of the log on",
		Long: `revoke makes a new root that takes KEY out of its role for ever. KEY is what keys
show prints; NAME+HASH is enough.

--lost: nobody else has it. Everything that it signed stays valid.
--stolen --from INDEX: what it signed from that statement of the log on is void, and
is listed: verify then refuses what rests on it until another key has stated it.
What it signed before stays valid.

A revocation is never taken back; lost can become stolen, and INDEX smaller. A spare
key steps in where the role had no other. The log's own key is replaced in the same
root: wheellock keys rotate log --lost, or --stolen.`,
		Example: "  wheellock keys revoke builder1.example.wheels+8dcb472d --lost\n  wheellock keys revoke builder1.example.wheels+8dcb472d --stolen --from 4711 --prepare ceremony",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keysRevoke(cmd.Context(), args[0], f, e)
		},
	}
	f.flags(cmd)
	e.flags(cmd)
	return cmd
}

func (a *app) keysRevoke(ctx context.Context, text string, f rootFlags, e endFlags) error {
	if !e.lost && !e.stolen {
		return usage("say --lost, or --stolen --from INDEX")
	}
	if _, err := trust.NormalizeFingerprint(text); err == nil {
		return invalid("wheellock keys rotate root --drop "+text, "%s is an OpenPGP key: the root's keys change by rotation", text)
	}
	return a.change(ctx, f, func(led *ledger) (func(*trust.Root) error, error) {
		how, from, err := e.how(led)
		if err != nil {
			return nil, err
		}
		key, err := pickKey(led.allKeys(), text, "no key that a root of this log ever named")
		if err != nil {
			return nil, err
		}
		if key == logKey(led.chain.Newest()) {
			command := "wheellock keys rotate log --lost"
			if how == trust.Stolen {
				command = fmt.Sprintf("wheellock keys rotate log --stolen --from %d", from)
			}
			return nil, invalid(command, "%s is the log's key: without one nothing could be stated any more", trust.ShortKey(key))
		}
		return func(r *trust.Root) error { return trust.RevokeFormer(r, key, how, from) }, nil
	})
}

// allKeys are the note keys that any root named, but for witnesses: those come and
// go with the policy.
func (l *ledger) allKeys() []string {
	var all []string
	for n := range l.chain.Len() {
		for _, k := range l.chain.Root(n).Roles {
			if k.Name != trust.RoleWitness {
				all = append(all, slices.Concat(k.Keys, k.Spare)...)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// voidRow is a statement that no longer counts.
type voidRow struct {
	Index int64  `json:"index"`
	What  string `json:"what"`
}

// maxVoid caps how many are listed.
const maxVoid = 1000

// voids lists what a change's revocations make void.
func (l *ledger) voids(ctx context.Context, ch *rootChange) ([]voidRow, error) {
	list := []voidRow{}
	for _, r := range ch.root.Revoked {
		if r.How != trust.Stolen || slices.Contains(ch.before.Revoked, r) || l.view == nil {
			continue
		}
		v, err := note.NewVerifier(r.Key)
		if err != nil {
			return nil, err
		}
		for e, err := range l.view.Statements(ctx, min(r.From, l.size()), l.size()) {
			if err != nil {
				return nil, err
			}
			if e.Signer == v.Name() && e.Hash == v.KeyHash() && len(list) < maxVoid {
				list = append(list, voidRow{e.Index, whatOf(e)})
			}
		}
	}
	return list, nil
}

// whatOf says in a few words what a statement is about.
func whatOf(e log.Entry) string {
	text := e.Kind()
	if name, version := e.Package(); name != "" {
		text += " " + name + " " + version
	}
	if t := e.Get("target"); t != "" {
		text += " for " + t
	}
	return text
}

// shownVoid is how many void statements are printed.
const shownVoid = 20

func (c *rootChange) printVoid(w io.Writer) {
	if len(c.Void) == 0 {
		return
	}
	fmt.Fprintf(w, "%s void: build, review or sign anew what rests on them\n", report.Plural(len(c.Void), "statement"))
	for i, v := range c.Void {
		if i == shownVoid {
			fmt.Fprintf(w, "  and %d more\n", len(c.Void)-shownVoid)
			return
		}
		fmt.Fprintf(w, "  %d  %s\n", v.Index, v.What)
	}
}
