package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

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
	cmd.AddCommand(adopt)
	return cmd
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
		return invalid("wheellock keys show", "the root of %s is adopted already", led.origin)
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
	if a.json {
		return a.printJSON(map[string]any{"log": led.origin, "root": led.chain.Len() - 1, "openpgp": signer.Fingerprint()})
	}
	fmt.Fprintf(a.Out, "root %d of %s is signed by %s; the configuration pins it\n", led.chain.Len()-1, led.origin, signer.Fingerprint())
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
		return trust.NewGPG(path, s.Getenv("GNUPGHOME"), f.gpgKey)
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
