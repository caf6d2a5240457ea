package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/sumdb/checksumdb"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const formatProofs = "tlog-proof"

// exportProofs writes a proof for every locked file that the log knows.
func (a *app) exportProofs(ctx context.Context, dir string) error {
	if dir == "" {
		return usage("--format %s needs -o DIR", formatProofs)
	}
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	if err := led.s.needLock(); err != nil {
		return err
	}
	to := a.path(dir)
	if err := durable.MkdirAll(to, 0o755); err != nil {
		return fileError("making "+dir, err)
	}
	written, missing := []string{}, []string{}
	for _, f := range lockedFiles(led.s.locked) {
		number, err := led.newestAbout(ctx, f)
		if err != nil {
			return err
		}
		if number < 0 {
			missing = append(missing, f.name)
			continue
		}
		data, err := led.tlogProof(ctx, number)
		if err != nil {
			return err
		}
		name := f.name + tlogproof.Extension
		if f.twin {
			// Two targets may have two wheels of one name.
			name = f.name + "." + f.sha256[:8] + tlogproof.Extension
		}
		if err := durable.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
			return err
		}
		written = append(written, name)
	}
	if a.json {
		err = a.printJSON(map[string]any{"format": formatProofs, "directory": dir, "files": written, "missing": missing})
	} else {
		fmt.Fprintf(a.Out, "%s in %s\n", report.Plural(len(written), "proof"), dir)
		for _, m := range missing {
			fmt.Fprintf(a.Out, "none for %s: the log says nothing about it\n", term.Clean(m))
		}
	}
	if err == nil && len(missing) > 0 {
		return &Error{Code: Finding, Shown: a.json, Msg: fmt.Sprintf("%s of the lock %s not in the log %s", report.Plural(len(missing), "file"), isOrAre(len(missing)), led.origin),
			Hint: "wheellock status says what is still to be stated"}
	}
	return err
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// A lockedFile is a wheel to install or a source.
type lockedFile struct {
	pkg, name, sha256 string
	twin              bool // another locked file has the same name
}

// lockedFiles lists what is locked by hash, by name.
func lockedFiles(lk *lock.Lock) []lockedFile {
	var list []lockedFile
	seen := map[string]bool{}
	names := map[string]int{}
	add := func(pkg, name, hash string) {
		if hash == "" || seen[name+" "+hash] {
			return
		}
		seen[name+" "+hash] = true
		names[name]++
		list = append(list, lockedFile{pkg: pkg, name: name, sha256: hash})
	}
	for _, p := range lk.Packages {
		if p.Group == lock.GroupBuild {
			continue // not shipped
		}
		if p.Sdist != nil {
			add(p.Name, p.Sdist.Name, p.Sdist.SHA256)
		}
		for _, w := range p.Wheels {
			add(p.Name, w.Name, w.SHA256)
		}
	}
	for i := range list {
		list[i].twin = names[list[i].name] > 1
	}
	slices.SortFunc(list, func(a, b lockedFile) int { return strings.Compare(a.name+a.sha256, b.name+b.sha256) })
	return list
}

// newestAbout is the newest statement about a file's bytes, -1 if there is none.
func (l *ledger) newestAbout(ctx context.Context, f lockedFile) (int64, error) {
	past, err := l.history(ctx, f.pkg)
	if err != nil {
		return -1, err
	}
	for i := len(past) - 1; i >= 0; i-- {
		for _, x := range past[i].Files() {
			if x.Name == f.name && x.SHA256 == f.sha256 {
				return past[i].Index, nil
			}
		}
	}
	return -1, nil
}

func (a *app) logExportVerb() *cobra.Command {
	var database bool
	var output string
	cmd := &cobra.Command{
		Use:   "export --checksum-database -o DIR",
		Short: "write the log's sources as a checksum database for Go's client",
		Long: `export writes what an unmodified client of the Go checksum database reads from any
web server: /latest, /lookup/ORIGIN/NAME@VERSION and tiles, for the sources in the
log. It is a tree of its own, signed by a second key, which the first export makes
beside the log's; the verifier key is printed. An export of a longer log continues
the one in DIR.`,
		Example: "  wheellock log export --checksum-database -o public/sumdb",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !database || output == "" {
				return usage("log export needs --checksum-database and -o DIR")
			}
			return a.exportDatabase(cmd.Context(), output)
		},
	}
	cmd.Flags().BoolVar(&database, "checksum-database", false, "in the form of the Go checksum database")
	cmd.Flags().StringVarP(&output, "output", "o", "", "into `DIR`")
	return cmd
}

func (a *app) exportDatabase(ctx context.Context, dir string) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	key, fresh, err := led.databaseKey()
	if err != nil {
		return err
	}
	to := a.path(dir)
	if err := durable.MkdirAll(to, 0o755); err != nil {
		return fileError("making "+dir, err)
	}
	res, err := checksumdb.Export(ctx, led.view.Tree, led.origin, to, key, note.List(key.Verifier()))
	var fork *checksumdb.ForkError
	switch {
	case errors.As(err, &fork):
		return finding("export into an empty folder, and find out which of the two logs is the right one", "%s holds the export of another log: %s", dir, fork.Msg)
	case errors.Is(err, note.ErrUnsigned), errors.Is(err, note.ErrMalformed):
		return finding("export into an empty folder, or from the machine that has the key of that export", "%v", err)
	case err != nil:
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"log": led.origin, "directory": dir, "key": key.Verifier().String(), "records": res.Size, "new": res.New, "skipped": append([]string{}, res.Skipped...)})
	}
	if fresh {
		a.say("made a second key for it, beside the log's in %s", led.keys.Dir())
	}
	fmt.Fprintf(a.Out, "%s of %s in %s, %d of them new\nkey %s\n", report.Plural(int(res.Size), "source"), led.origin, dir, res.New, key.Verifier())
	for _, s := range res.Skipped {
		fmt.Fprintf(a.Out, "left out: %s\n", term.Clean(s))
	}
	return nil
}

// databaseKeyPath is where the second key lies: beside the log's, under a name that
// is no role's.
func (l *ledger) databaseKeyPath() string {
	return filepath.Join(l.keys.Dir(), "checksum-database", hashOf([]byte(l.origin))[:32]+".key")
}

// databaseKey reads the second key, or makes it where this machine holds the
// log's. Nothing but such exports is signed with it.
func (l *ledger) databaseKey() (key *note.SigningKey, fresh bool, err error) {
	path := l.databaseKeyPath()
	if key, err = readDatabaseKey(path); !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	held, err := l.keys.Holding(l.chain, l.view.Checkpoint.Size, trust.RoleLog)
	if err == nil && len(held) == 0 {
		err = environment("run it where the log's key is", "this machine does not hold the key of the log %s", l.origin)
	}
	if err != nil {
		return nil, false, err
	}
	skey, _, err := note.GenerateKey(rand.Reader, "sumdb."+l.origin)
	if err != nil {
		return nil, false, err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, false, err
	}
	if err := durable.WriteFile(path, []byte(skey+"\n"), 0o600); err != nil {
		return nil, false, err
	}
	key, err = note.NewSigner(skey)
	return key, true, err
}

// readDatabaseKey reads the second key; others must not be able to.
func readDatabaseKey(path string) (*note.SigningKey, error) {
	text, err := readCapped(path, maxSecret)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, environment("chmod 600 "+path, "%s can be read by others", path)
	}
	key, err := note.NewSigner(strings.TrimSuffix(string(text), "\n"))
	if err != nil {
		return nil, environment("restore it from a copy", "%s is not a private key", path)
	}
	return key, nil
}
