package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// passphraseFile is the variable that names a file with the passphrase of this
// machine's delegated keys, for machines where nobody types.
const passphraseFile = "WHEELLOCK_PASSPHRASE_FILE"

// maxPassphrase caps what is read of one.
const maxPassphrase = 4096

// keyPassphrase asks for the passphrase of a delegated key.
func (s *session) keyPassphrase(key string) ([]byte, error) {
	if b, err := s.filePassphrase(); b != nil || err != nil {
		return b, err
	}
	return s.askPassphrase("passphrase of the key " + key + ": ")
}

// newPassphrase asks for a new one; typed on a terminal, twice.
func (s *session) newPassphrase(prompt string) ([]byte, error) {
	b, err := s.filePassphrase()
	if b != nil || err != nil {
		return b, err
	}
	if b, err = s.askPassphrase(prompt); err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, usage("a passphrase has at least one character")
	}
	if f, ok := s.In.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		again, err := s.askPassphrase("the same again: ")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(again, b) {
			return nil, usage("the two passphrases differ; nothing was changed")
		}
	}
	return b, nil
}

// filePassphrase is the first line of the file that the environment names; nil
// without one.
func (s *session) filePassphrase() ([]byte, error) {
	path := s.Getenv(passphraseFile)
	if path == "" {
		return nil, nil
	}
	data, err := readCapped(s.path(path), maxPassphrase)
	if err != nil {
		return nil, environment("write the passphrase into that file, mode 600", "the file that %s names: %v", passphraseFile, err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return nil, environment("write the passphrase into that file, mode 600", "the first line of %s, which %s names, is empty", path, passphraseFile)
	}
	return []byte(line), nil
}

// askPassphrase reads a passphrase from the terminal without showing it, or a
// line of standard input where there is no terminal.
func (s *session) askPassphrase(prompt string) ([]byte, error) {
	if f, ok := s.In.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		fmt.Fprint(s.Err, prompt)
		b, err := xterm.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		return b, err
	}
	var b bytes.Buffer
	one := make([]byte, 1)
	for b.Len() < maxPassphrase {
		n, err := s.In.Read(one)
		if n == 0 || one[0] == '\n' {
			if b.Len() == 0 && err != nil {
				return nil, invalid("give it on standard input, or name a file that holds it in "+passphraseFile, "%s: nobody is here to type it", strings.TrimSuffix(prompt, ": "))
			}
			break
		}
		b.WriteByte(one[0])
	}
	return []byte(strings.TrimSuffix(b.String(), "\r")), nil
}

func (a *app) protectVerb() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:   "protect [ROLE]",
		Short: "put this machine's delegated keys under a passphrase",
		Long: `protect writes the files of this machine's keys again, under a passphrase (Argon2id
and ChaCha20-Poly1305): of one role or of all. A key that has one gets the new one.
The passphrase is asked on the terminal, or read from standard input: first the old
one where there is one, then the new one. Verbs that sign then ask for it, or read
the first line of the file that ` + passphraseFile + ` names.

It protects a copy of the disk, not a running machine. The blocks of the old file
may still be on the disk: to be sure, rotate the key, which makes a new one.`,
		Example: "  wheellock keys protect\n  wheellock keys protect publisher\n  wheellock keys protect --remove",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			role := ""
			if len(args) == 1 {
				role = args[0]
			}
			return a.keysProtect(cmd.Context(), role, remove)
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the passphrase away")
	return cmd
}

func (a *app) keysProtect(ctx context.Context, role string, remove bool) error {
	if role != "" && !slices.Contains(append(delegable, trust.RoleLog), role) {
		return usage("role %q is none of %s, log", role, strings.Join(delegable, ", "))
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	mine, err := led.keys.Signers(led.origin, role)
	if err != nil {
		return err
	}
	if len(mine) == 0 {
		return invalid("wheellock keys show names the machine's keys", "this machine holds no such key of %s", led.origin)
	}
	// All are opened before the first is written.
	for _, k := range mine {
		if err := k.Unlock(); err != nil {
			return err
		}
	}
	var phrase []byte
	if !remove {
		if phrase, err = s.newPassphrase("new passphrase of this machine's keys: "); err != nil {
			return err
		}
	}
	names := []string{}
	for _, k := range mine {
		if err := led.keys.Protect(led.origin, k, phrase); err != nil {
			return err
		}
		names = append(names, trust.ShortKey(k.Key))
	}
	if a.json {
		return a.printJSON(map[string]any{"log": led.origin, "keys": names, "protected": !remove})
	}
	if remove {
		fmt.Fprintf(a.Out, "%s of %s no longer ask for a passphrase\n", report.Plural(len(names), "key"), led.origin)
		return nil
	}
	fmt.Fprintf(a.Out, "%s of %s under a passphrase\n", report.Plural(len(names), "key"), led.origin)
	return nil
}
