package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

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
	cmd.AddCommand(&cobra.Command{
		Use:     "show",
		Short:   "who may sign what in this log, and which keys this machine holds",
		Example: "  wheellock keys show",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.keysShow(cmd.Context()) },
	})
	var f openPGPFlags
	adopt := &cobra.Command{
		Use:   "adopt",
		Short: "put the organisation's OpenPGP key in the place of the provisional root",
		Long: `adopt makes a new root document, signed by the provisional key and by the
organisation's OpenPGP key, which is pinned in the configuration from then on.
The key comes from a file, or stays where gpg has it (agent or card).`,
		Example: "  wheellock keys adopt --openpgp-key release-key.asc\n  wheellock keys adopt --gpg-key 0123456789ABCDEF0123456789ABCDEF01234567",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.keysAdopt(cmd.Context(), f) },
	}
	adopt.Flags().StringVar(&f.keyFile, "openpgp-key", "", "armored private key in `FILE`")
	adopt.Flags().StringVar(&f.gpgKey, "gpg-key", "", "key `ID` of gpg")
	cmd.AddCommand(adopt, a.delegateVerb())
	return cmd
}

func (a *app) delegateVerb() *cobra.Command {
	var f openPGPFlags
	cmd := &cobra.Command{
		Use:   "delegate ROLE KEY",
		Short: "let another machine's key hold a role",
		Long: `delegate makes a new root document that lets KEY hold a role: builder, publisher
or reviewer. A machine whose key holds no role yet prints the whole command. A
provisional root is signed by this machine, an adopted one by the
organisation's OpenPGP key.`,
		Example: "  wheellock keys delegate builder builder1.example.wheels+8dcb472d+Afcx... --gpg-key 0123456789ABCDEF",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keysDelegate(cmd.Context(), args[0], args[1], f)
		},
	}
	cmd.Flags().StringVar(&f.keyFile, "openpgp-key", "", "armored private key of the root in `FILE`")
	cmd.Flags().StringVar(&f.gpgKey, "gpg-key", "", "the root's key `ID` of gpg")
	return cmd
}

// delegable are the roles that a command may hand out; the log has one writer.
var delegable = []string{trust.RoleBuilder, trust.RolePublisher, trust.RoleReviewer}

func (a *app) keysDelegate(ctx context.Context, role, key string, f openPGPFlags) error {
	if !slices.Contains(delegable, role) {
		return usage("role %q is none of %s", role, strings.Join(delegable, ", "))
	}
	if _, err := note.NewVerifier(key); err != nil {
		return usage("%q is not a verifier key", key)
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	signers, err := s.rootSigners(led, f)
	if err != nil {
		return err
	}
	next, err := trust.Next(led.chain, s.Now(), func(r *trust.Root) error {
		for i := range r.Roles {
			if r.Roles[i].Name == role {
				if slices.Contains(r.Roles[i].Keys, key) {
					return invalid("wheellock keys show", "the key holds the role already")
				}
				r.Roles[i].Keys = append(r.Roles[i].Keys, key)
				return nil
			}
		}
		r.Roles = append(r.Roles, trust.RoleKeys{Name: role, Threshold: 1, Expires: r.Expires, Keys: []string{key}})
		return nil
	}, signers...)
	if err != nil {
		return err
	}
	if err := led.adoptRoot(ctx, next); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"log": led.origin, "root": led.chain.Len() - 1, "role": role, "key": key})
	}
	fmt.Fprintf(a.Out, "root %d of %s lets %s hold the role %s\n", led.chain.Len()-1, led.origin, originOf(key), role)
	return nil
}

// rootSigners are the OpenPGP keys that sign the next root: the software key of a
// provisional one, else what the user names.
func (s *session) rootSigners(led *ledger, f openPGPFlags) ([]trust.OpenPGPSigner, error) {
	named, err := s.openPGPSigner(f)
	if err != nil {
		return nil, err
	}
	if named != nil {
		return []trust.OpenPGPSigner{named}, nil
	}
	if !led.chain.Provisional() {
		return nil, invalid("name the root's key with --gpg-key ID or --openpgp-key FILE", "the root of %s is adopted: its OpenPGP key has to sign", led.origin)
	}
	mine, err := led.keys.OpenPGP(led.origin)
	if err == nil && len(mine) == 0 {
		err = environment("run it on the machine that made the log", "this machine does not hold the provisional key of %s", led.origin)
	}
	return mine, err
}

type keyRow struct {
	Role string `json:"role"`
	Key  string `json:"key"`
	Here bool   `json:"here"`
}

type keysReport struct {
	Log         string   `json:"log"`
	Root        int      `json:"root"`
	Provisional bool     `json:"provisional"`
	Expires     string   `json:"expires"`
	OpenPGP     []string `json:"openpgp"`
	Threshold   int      `json:"threshold"`
	Keys        []keyRow `json:"keys"`
}

func (a *app) keysShow(ctx context.Context) error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	root := led.chain.Newest()
	r := keysReport{OpenPGP: []string{}, Keys: []keyRow{}, Log: led.origin, Root: led.chain.Len() - 1, Provisional: root.Provisional, Expires: root.Expires.Format("2006-01-02"), Threshold: root.Threshold}
	for _, k := range root.OpenPGP {
		r.OpenPGP = append(r.OpenPGP, k.Fingerprint)
	}
	here := map[string]bool{}
	for _, role := range root.Roles {
		mine, err := led.keys.Signers(led.origin, role.Name)
		if err != nil {
			return err
		}
		for _, m := range mine {
			here[m.Key] = true
		}
		for _, k := range role.Keys {
			r.Keys = append(r.Keys, keyRow{role.Name, k, here[k]})
		}
	}
	if a.json {
		return a.printJSON(r)
	}
	state := "adopted"
	if r.Provisional {
		state = "provisional"
	}
	fmt.Fprintf(a.Out, "log   %s\nroot  %d, %s, expires %s\n", r.Log, r.Root, state, r.Expires)
	for _, p := range r.OpenPGP {
		fmt.Fprintf(a.Out, "      OpenPGP %s\n", p)
	}
	for _, k := range r.Keys {
		at := ""
		if k.Here {
			at = "  (on this machine)"
		}
		fmt.Fprintf(a.Out, "%-10s %s%s\n", k.Role, k.Key, at)
	}
	return nil
}

func (a *app) keysAdopt(ctx context.Context, f openPGPFlags) error {
	if f.gpgKey == "" && f.keyFile == "" {
		return invalid("wheellock keys adopt --openpgp-key FILE, or --gpg-key ID", "name the organisation's OpenPGP key")
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
	signer, err := s.openPGPSigner(f)
	if err != nil {
		return err
	}
	led, err := s.ledger(ctx, true)
	if err != nil {
		return err
	}
	if !led.chain.Provisional() {
		return s.finishAdoption(ctx, led, signer)
	}
	old, err := led.keys.OpenPGP(led.origin)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		return environment("run it on the machine that made the log", "this machine does not hold the provisional key of %s", led.origin)
	}
	signed, err := trust.Adopt(led.chain, s.Now(), old, []trust.OpenPGPSigner{signer}, 0)
	if err != nil {
		return err
	}
	if err := led.adoptRoot(ctx, signed); err != nil {
		return err
	}
	return s.reportAdoption(led, signer)
}

// finishAdoption completes an adoption that was stopped after the log had taken
// the root: the configuration and the proof still have to follow.
func (s *session) finishAdoption(ctx context.Context, led *ledger, signer trust.OpenPGPSigner) error {
	root := led.chain.Newest()
	ours := slices.ContainsFunc(root.OpenPGP, func(k trust.OpenPGPKey) bool { return k.Fingerprint == signer.Fingerprint() })
	if !ours || slices.Contains(s.project.Config.Root, signer.Fingerprint()) {
		return invalid("wheellock keys show", "the root of %s is adopted already", led.origin)
	}
	if err := led.pin(led.chain); err != nil {
		return err
	}
	if err := led.finish(ctx, s.locked); err != nil {
		return err
	}
	return s.reportAdoption(led, signer)
}

func (s *session) reportAdoption(led *ledger, signer trust.OpenPGPSigner) error {
	n := led.chain.Len() - 1
	if s.json {
		return s.printJSON(map[string]any{"log": led.origin, "root": n, "openpgp": signer.Fingerprint()})
	}
	fmt.Fprintf(s.Out, "root %d of %s is signed by %s; the configuration pins it\n", n, led.origin, signer.Fingerprint())
	return nil
}

// adoptRoot puts a new root into force: document, statement, proof, pins.
func (l *ledger) adoptRoot(ctx context.Context, signed trust.Signed) error {
	n := l.chain.Len()
	next, err := l.chain.Extend(signed)
	if err != nil {
		return err
	}
	if err := l.writeRoot(n, signed); err != nil {
		return err
	}
	l.chain = next
	err = l.stateRoot(n)
	if err == nil {
		err = l.append(ctx)
	}
	if err != nil {
		// The log did not take it, so it is not in force: nothing may be left of it.
		path := l.s.rootPath(n)
		os.Remove(path)
		os.Remove(path + ".asc")
		return err
	}
	if err := l.pin(next); err != nil {
		return err
	}
	return l.finish(ctx, l.s.locked)
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
		signer, err := trust.ReadPrivateKey(data, s.askPassphrase)
		if err != nil {
			return nil, invalid("gpg --armor --export-secret-keys ID > FILE", "%s: %v", f.keyFile, err)
		}
		return signer, nil
	}
	return nil, nil
}

// askPassphrase reads a passphrase from the terminal without showing it, or a
// line of standard input where there is no terminal.
func (s *session) askPassphrase() ([]byte, error) {
	if f, ok := s.In.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		fmt.Fprint(s.Err, "passphrase of the OpenPGP key: ")
		b, err := xterm.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		return b, err
	}
	var b bytes.Buffer
	one := make([]byte, 1)
	for b.Len() < 4096 {
		n, err := s.In.Read(one)
		if n == 0 || one[0] == '\n' {
			if b.Len() == 0 && err != nil {
				return nil, invalid("give its passphrase on standard input", "the OpenPGP key has a passphrase")
			}
			break
		}
		b.WriteByte(one[0])
	}
	return []byte(strings.TrimSuffix(b.String(), "\r")), nil
}
