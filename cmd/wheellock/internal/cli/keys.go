package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// openPGPFlags name an OpenPGP key on the command line.
type openPGPFlags struct{ gpgKey, keyFile string }

func (a *app) keysVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "keys",
		Short:   "the keys that sign, and the root that delegates to them",
		Example: "  wheellock keys show\n  wheellock keys adopt --openpgp-key release-key.asc",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.keysShowVerb(), a.adoptVerb(), a.delegateVerb(), a.rotateVerb(), a.renewVerb(),
		a.revokeVerb(), a.protectVerb(), a.ceremonyVerb())
	return cmd
}

// delegable are the roles that a command may hand out; the log has one writer,
// and witnesses come with their policy.
var delegable = []string{trust.RoleBuilder, trust.RolePublisher, trust.RoleReviewer}

// openWithLog opens the project and its log for a verb that writes into either.
func (a *app) openWithLog(ctx context.Context, make bool) (*session, *ledger, error) {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return nil, nil, err
	}
	err = s.needLock()
	if err == nil {
		err = s.needFolder()
	}
	var led *ledger
	if err == nil {
		led, err = s.ledger(ctx, make)
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, led, nil
}

func (a *app) adoptVerb() *cobra.Command {
	var f rootFlags
	var certificates []string
	var threshold int
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "put the organisation's OpenPGP keys in the place of the provisional root",
		Long: `adopt makes a new root document, signed by the provisional key and by the
organisation's OpenPGP keys, which are pinned in the configuration from then on.
A key comes from a file, or stays where gpg has it (agent or card).

With several keys, --threshold M lets any M of them sign the next root (else: all).
Where their holders are elsewhere, give their public keys with --certificate, and
--prepare DIR writes the root for them to sign: see keys ceremony.`,
		Example: `  wheellock keys adopt --openpgp-key release-key.asc
  wheellock keys adopt --gpg-key 0123456789ABCDEF0123456789ABCDEF01234567
  wheellock keys adopt --certificate ada.asc --certificate ben.asc --certificate cleo.asc --threshold 2 --prepare ceremony`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.keysAdopt(cmd.Context(), f, certificates, threshold)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringArrayVar(&certificates, "certificate", nil, "also adopt the public key in `FILE`, whose holder signs elsewhere; may be repeated")
	cmd.Flags().IntVar(&threshold, "threshold", 0, "how many of the keys must sign the next root (default: all)")
	return cmd
}

func (a *app) keysAdopt(ctx context.Context, f rootFlags, certificates []string, threshold int) error {
	if len(f.gpgKeys)+len(f.keyFiles)+len(certificates) == 0 {
		return invalid("wheellock keys adopt --openpgp-key FILE, or --gpg-key ID", "name the organisation's OpenPGP key")
	}
	// The keys are read before a log is made for them.
	probe := &session{app: a, unlock: func() {}}
	signers, err := probe.openPGPSigners(f)
	if err != nil {
		return err
	}
	keys, err := a.readCertificates(certificates)
	if err != nil {
		return err
	}
	for _, k := range signers {
		keys = append(keys, trust.OpenPGPKey{Fingerprint: k.Fingerprint(), Certificate: k.Certificate()})
	}
	s, led, err := a.openWithLog(ctx, true)
	if err != nil {
		return err
	}
	defer s.close()
	if err := led.noWaiting(ctx); err != nil {
		return err
	}
	if !led.chain.Provisional() {
		return s.finishAdoption(ctx, led, keys)
	}
	old, err := s.provisionalKey(led)
	if err != nil {
		return err
	}
	ch, err := s.signRoot(ctx, led, f.prepare, append(old, signers...), func(r *trust.Root) error {
		if !r.Provisional { // a draft that another verb goes on with
			return trust.SetQuorum(r, keys, nil, threshold)
		}
		return trust.AdoptKeys(r, keys, threshold)
	})
	if err != nil {
		return err
	}
	return s.report(ch)
}

// finishAdoption completes an adoption that was stopped after the log had taken
// the root: the configuration and the proof still have to follow.
func (s *session) finishAdoption(ctx context.Context, led *ledger, keys []trust.OpenPGPKey) error {
	root := led.chain.Newest()
	ours := slices.ContainsFunc(root.OpenPGP, func(k trust.OpenPGPKey) bool { return k.Fingerprint == keys[0].Fingerprint })
	if !ours || slices.Contains(s.project.Config.Root, keys[0].Fingerprint) {
		return invalid("wheellock keys rotate root changes its keys", "the root of %s is adopted already", led.origin)
	}
	if err := led.pin(led.chain); err != nil {
		return err
	}
	if err := led.refresh(ctx); err != nil {
		return err
	}
	n := led.chain.Len() - 1
	ch, err := describeRoots(led.chain.Root(n-1), led.chain.Signed(n).Document, &trust.Gathering{}, inForce)
	if err != nil {
		return err
	}
	return s.report(ch)
}

func (a *app) delegateVerb() *cobra.Command {
	var f rootFlags
	var spare bool
	cmd := &cobra.Command{
		Use:   "delegate ROLE KEY",
		Short: "let another machine's key hold a role",
		Long: `delegate makes a new root document that lets KEY hold a role: builder, publisher
or reviewer. A machine whose key holds no role yet prints the whole command. A
provisional root is signed by this machine, an adopted one by the
organisation's OpenPGP keys.

--spare delegates a key in advance: it may sign at once, and steps into the place
of the last key of its role when that is revoked, with no ceremony on a bad day.`,
		Example: "  wheellock keys delegate builder builder1.example.wheels+8dcb472d+Afcx... --gpg-key 0123456789ABCDEF",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keysDelegate(cmd.Context(), args[0], args[1], spare, f)
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&spare, "spare", false, "delegate it in advance, to be kept offline")
	return cmd
}

func (a *app) keysDelegate(ctx context.Context, role, key string, spare bool, f rootFlags) error {
	switch {
	case role == trust.RoleWitness:
		return invalid("wheellock log policy --witness 'VKEY URL'", "witnesses come with the log's policy, not by keys delegate")
	case !slices.Contains(delegable, role):
		return usage("role %q is none of %s", role, strings.Join(delegable, ", "))
	}
	if v, err := note.NewVerifier(key); err != nil || v.Cosigns() {
		return usage("%q is not a verifier key (NAME+HASH+BASE64, as the other machine prints it)", key)
	}
	return a.change(ctx, f, func(*ledger) (func(*trust.Root) error, error) {
		return func(r *trust.Root) error { return trust.Delegate(r, role, key, spare) }, nil
	})
}

// change opens the project, changes the root and reports.
func (a *app) change(ctx context.Context, f rootFlags, edit func(*ledger) (func(*trust.Root) error, error)) error {
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	e, err := edit(led)
	if err != nil {
		return err
	}
	ch, err := s.changeRoot(ctx, led, f, e)
	if err != nil {
		return err
	}
	return s.report(ch)
}

func (a *app) renewVerb() *cobra.Command {
	var f rootFlags
	var until string
	cmd := &cobra.Command{
		Use:   "renew",
		Short: "move the day on which the root and its roles expire",
		Long: `renew makes a new root that lasts for another year, or until --until. Expiry blocks
new statements only: what was signed before stays valid for ever.`,
		Example: "  wheellock keys renew --gpg-key 0123456789ABCDEF\n  wheellock keys renew --until 2027-12-31 --prepare ceremony",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := a.Now().Add(trust.DefaultLifetime)
			if until != "" {
				day, err := time.Parse("2006-01-02", until)
				if err != nil || !day.After(a.Now()) {
					return usage("--until %q: a day in the future, as 2027-12-31", until)
				}
				at = day
			}
			return a.change(cmd.Context(), f, func(*ledger) (func(*trust.Root) error, error) {
				return func(r *trust.Root) error { return trust.Renew(r, at) }, nil
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&until, "until", "", "the `DAY` on which they expire (default: in 365 days)")
	return cmd
}

// rootSigners are the OpenPGP keys here that sign the next root: the software key
// of a provisional one, else what the user names.
func (s *session) rootSigners(led *ledger, f rootFlags) ([]trust.OpenPGPSigner, error) {
	named, err := s.openPGPSigners(f)
	if err != nil {
		return nil, err
	}
	if len(named) > 0 {
		return named, nil
	}
	if led.chain.Provisional() {
		return s.provisionalKey(led)
	}
	if f.prepare == "" {
		return nil, invalid("name the root's key with --gpg-key ID or --openpgp-key FILE, or write it for its holders with --prepare DIR",
			"the root of %s is adopted: its OpenPGP key has to sign", led.origin)
	}
	return nil, nil
}

// provisionalKey is the software key that this machine made with the log.
func (s *session) provisionalKey(led *ledger) ([]trust.OpenPGPSigner, error) {
	mine, err := led.keys.OpenPGP(led.origin)
	if err == nil && len(mine) == 0 {
		err = environment("run it on the machine that made the log", "this machine does not hold the provisional key of %s", led.origin)
	}
	return mine, err
}

// openPGPSigners opens every key that the flags name.
func (s *session) openPGPSigners(f rootFlags) ([]trust.OpenPGPSigner, error) {
	var list []trust.OpenPGPSigner
	for _, id := range f.gpgKeys {
		k, err := s.openPGPSigner(openPGPFlags{gpgKey: id})
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	for _, file := range f.keyFiles {
		k, err := s.openPGPSigner(openPGPFlags{keyFile: file})
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// readCertificates reads public keys as people send them.
func (a *app) readCertificates(files []string) ([]trust.OpenPGPKey, error) {
	var keys []trust.OpenPGPKey
	for _, file := range files {
		data, err := readCapped(a.path(file), trust.MaxRootSize)
		if err != nil {
			return nil, invalid("gpg --armor --export ID > FILE", "reading a public key: %v", err)
		}
		k, err := trust.ReadCertificate(data)
		if err != nil {
			return nil, invalid("gpg --armor --export ID > FILE", "%s: %v", file, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// openPGPSigner opens the key that the flags name; nil when they name none.
func (s *session) openPGPSigner(f openPGPFlags) (trust.OpenPGPSigner, error) {
	switch {
	case f.gpgKey != "" && f.keyFile != "":
		return nil, usage("--gpg-key and --openpgp-key exclude one another")
	case f.gpgKey != "":
		path, err := exec.LookPath("gpg")
		if err != nil {
			return nil, environment("apt-get install gnupg", "gpg is not installed")
		}
		signer, err := trust.NewGPG(path, s.Getenv("GNUPGHOME"), f.gpgKey)
		if err != nil {
			return nil, invalid("gpg --list-secret-keys names those that it has", "--gpg-key %s: %v", f.gpgKey, err)
		}
		return signer, nil
	case f.keyFile != "":
		data, err := readCapped(s.path(f.keyFile), trust.MaxRootSize)
		if err != nil {
			return nil, invalid("gpg --armor --export-secret-keys ID > FILE", "reading the OpenPGP key: %v", err)
		}
		signer, err := trust.ReadPrivateKey(data, func() ([]byte, error) { return s.askPassphrase("passphrase of the OpenPGP key in " + f.keyFile + ": ") })
		if err != nil {
			return nil, invalid("gpg --armor --export-secret-keys ID > FILE", "%s: %v", f.keyFile, err)
		}
		return signer, nil
	}
	return nil, nil
}

// newKey makes a note key on this machine. It is under a passphrase where the key
// is whose place it takes.
func (l *ledger) newKey(role string, protected bool) (string, error) {
	var phrase []byte
	if protected {
		var err error
		if phrase, err = l.s.newPassphrase(fmt.Sprintf("passphrase of the new %s key: ", role)); err != nil {
			return "", err
		}
	}
	return l.keys.GenerateProtected(rand.Reader, l.origin, role, phrase)
}
