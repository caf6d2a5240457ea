package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/witness"
)

// maxSecret caps what is read of a key file.
const maxSecret = 4 << 10

type witnessOptions struct {
	listenOptions
	dir, key, name string
	logs           []string
}

func (a *app) logWitnessVerb() *cobra.Command {
	var o witnessOptions
	cmd := &cobra.Command{
		Use:   "witness --dir DIR --log VKEY...",
		Short: "run a witness that cosigns the checkpoints of logs",
		Long: `witness answers C2SP tlog-witness at ADDRESS:PORT/add-checkpoint: it cosigns a
checkpoint of a log that it watches if that continues the last one that it
cosigned. What it has signed lies in DIR, and is there before a signature leaves;
keep that folder. It needs no project. The first start makes a key in DIR/key
(or in the file that --key names) and prints the verifier key, which the log's
owner puts into the policy: wheellock log policy --witness 'VKEY URL'.

It listens on the loopback interface by default: let a web server in front of it
speak to the world, or give it a certificate.`,
		Example: "  wheellock log witness --dir /var/lib/witness --log 'wheels.example.org+8dcb472d+Afcx...' --listen 127.0.0.1:8471",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.logWitness(cmd.Context(), o) },
	}
	o.flags(cmd, "127.0.0.1:8471")
	cmd.Flags().StringVar(&o.dir, "dir", "", "keep what was signed, and the key, in `DIR`")
	cmd.Flags().StringArrayVar(&o.logs, "log", nil, "watch the log with this `VKEY`; may be repeated")
	cmd.Flags().StringVar(&o.key, "key", "", "the witness's private key is in `FILE` (default: DIR/key)")
	cmd.Flags().StringVar(&o.name, "name", "", "`NAME` of a new key (default: witness.HOSTNAME)")
	return cmd
}

func (a *app) logWitness(ctx context.Context, o witnessOptions) error {
	if o.dir == "" || len(o.logs) == 0 {
		return usage("log witness needs --dir DIR and --log VKEY")
	}
	logs, err := watchedLogs(o.logs)
	if err != nil {
		return err
	}
	dir := a.path(o.dir)
	key, fresh, err := a.witnessKey(dir, o)
	if err != nil {
		return err
	}
	cosigner := &note.Cosigner{Key: key, Now: func() int64 { return a.Now().Unix() }}
	server, err := witness.NewServer(dir, cosigner, logs...)
	var damaged *witness.StateError
	switch {
	case errors.As(err, &damaged):
		return finding("restore that file from a copy; a witness that forgets what it signed helps to fork the log", "%v", err)
	case errors.Is(err, durable.ErrLocked):
		return environment("stop the other one, or give this one another --dir and key", "another witness runs in %s", o.dir)
	case err != nil:
		return err
	}
	defer server.Close()
	listener, url, err := a.listen(o.listenOptions)
	if err != nil {
		return err
	}
	server.Observe = a.observed
	if err := a.printWitness(cosigner, fresh, url, logs); err != nil {
		listener.Close()
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return answer(ctx, listener, mux)
}

func (a *app) printWitness(key *note.Cosigner, fresh bool, url string, logs []witness.Log) error {
	vkey := key.Verifier().String()
	origins := []string{}
	for _, l := range logs {
		origins = append(origins, l.Origin)
	}
	if a.json {
		return a.printJSON(map[string]any{"key": vkey, "url": url, "logs": origins, "new": fresh})
	}
	if fresh {
		a.say("made a new key; the folder that it lies in is all there is of it")
	}
	fmt.Fprintf(a.Out, "witness %s\nserving %s/add-checkpoint for %s (interrupt to stop)\n", vkey, url, term.Clean(strings.Join(origins, ", ")))
	return nil
}

// observed writes a line about each request.
func (a *app) observed(e witness.Event) {
	at := a.Now().UTC().Format(time.RFC3339)
	if e.Err == nil {
		a.say("%s cosigned %s at %d, after %d", at, term.Clean(e.Origin), e.Size, e.Old)
		return
	}
	if e.Status == http.StatusConflict && e.Old != e.Size {
		// How a log learns what its witness signed last: no reason to worry.
		a.say("%s told %s at %d, after %d: %s", at, term.Clean(e.Origin), e.Size, e.Old, e.Err)
		return
	}
	what := "a request that is none"
	if e.Origin != "" {
		what = fmt.Sprintf("%s at %d, after %d", e.Origin, e.Size, e.Old)
	}
	// Refusals are said even where --quiet is: they may be a fork.
	fmt.Fprintf(a.Err, "%s refused %s: %d: %s\n", at, term.Clean(what), e.Status, term.Clean(shorten(e.Err.Error())))
}

// watchedLogs reads verifier keys; several of one name belong to one log.
func watchedLogs(keys []string) ([]witness.Log, error) {
	var logs []witness.Log
	for _, text := range keys {
		v, err := note.NewVerifier(text)
		if err != nil {
			return nil, usage("--log %q is not a verifier key (NAME+HASH+KEY)", text)
		}
		if v.Cosigns() {
			return nil, usage("--log %s: it is a witness's key, not a log's", v.Name())
		}
		i := slices.IndexFunc(logs, func(l witness.Log) bool { return l.Origin == v.Name() })
		if i < 0 {
			logs = append(logs, witness.Log{Origin: v.Name()})
			i = len(logs) - 1
		}
		logs[i].Keys = append(logs[i].Keys, v)
	}
	return logs, nil
}

// witnessKey reads the private key, or makes it where there is none. One that is
// missing beside what it has signed is not made again.
func (a *app) witnessKey(dir string, o witnessOptions) (key *note.SigningKey, fresh bool, err error) {
	path, shown := filepath.Join(dir, "key"), filepath.Join(o.dir, "key")
	if o.key != "" {
		path, shown = a.path(o.key), o.key
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if signed, err := os.ReadDir(filepath.Join(dir, "logs")); err == nil && len(signed) > 0 {
			return nil, false, finding("restore the key from a copy; a new witness begins in an empty folder",
				"%s is missing, but %s holds what was signed with it", shown, o.dir)
		}
		key, err = makeWitnessKey(path, o.name)
		return key, true, err
	}
	if err != nil {
		return nil, false, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, false, environment("chmod 600 "+shown, "%s can be read by others", shown)
	}
	text, err := readCapped(path, maxSecret)
	if err != nil {
		return nil, false, err
	}
	if key, err = note.NewSigner(strings.TrimSuffix(string(text), "\n")); err != nil {
		return nil, false, invalid("restore it from a copy, or name another with --key", "%s is not a private key (PRIVATE+KEY+NAME+HASH+KEY)", shown)
	}
	if o.name != "" && o.name != key.Name() {
		return nil, false, usage("--name %s: the key in %s is named %s", o.name, shown, key.Name())
	}
	return key, false, nil
}

func makeWitnessKey(path, name string) (*note.SigningKey, error) {
	if name == "" {
		host, err := os.Hostname()
		if err != nil || !note.ValidName("witness."+host) {
			return nil, usage("name the witness with --name")
		}
		name = "witness." + host
	}
	if !note.ValidName(name) {
		return nil, usage("--name %q cannot be the name of a key", name)
	}
	skey, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := durable.WriteFile(path, []byte(skey+"\n"), 0o600); err != nil {
		return nil, err
	}
	return note.NewSigner(skey)
}
