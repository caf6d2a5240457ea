package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/sumdb/serve"
	"github.com/freedomofpress/wheellock/sumdb/witness"
)

type serveOptions struct {
	listenOptions
	rate, keyRate float64
	refresh       time.Duration
}

func (a *app) logServeVerb() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the log over HTTP, and take statements by POST /add",
		Long: `serve answers for the log in the wheelhouse: its files as C2SP tlog-tiles has
them, POST /add of one signed statement, which is answered with its tlog-proof
when the published checkpoint covers it, /healthz, and /metrics for Prometheus.
It runs where the log's key is. A statement is let in by its own signature and
role; the folder stays the truth, and verbs that append to it take turns with
the server.

It listens on the loopback interface by default: let a web server in front of it
speak to the world, or give it a certificate. SIGTERM lets what is under way
finish.`,
		Example: "  wheellock log serve --listen 127.0.0.1:8470\n  curl --data-binary @wheelhouse/pending/SHA256 http://127.0.0.1:8470/add",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.logServe(cmd.Context(), o) },
	}
	o.flags(cmd, "127.0.0.1:8470")
	cmd.Flags().Float64Var(&o.rate, "rate", serve.DefaultRate, "statements a second, all keys together")
	cmd.Flags().Float64Var(&o.keyRate, "key-rate", serve.DefaultKeyRate, "statements a second of one key")
	cmd.Flags().DurationVar(&o.refresh, "refresh", time.Hour, "ask the witnesses again this often, so that a quiet log does not look frozen")
	return cmd
}

func (a *app) logServe(ctx context.Context, o serveOptions) error {
	if o.rate <= 0 || o.keyRate <= 0 {
		return usage("--rate and --key-rate are numbers above 0")
	}
	if o.refresh < time.Minute {
		return usage("--refresh %v: at least 1m", o.refresh)
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	server, err := serve.New(ctx, serve.Options{
		Dir: led.dir, Origin: led.origin, Open: a.logWriter, Rate: o.rate, KeyRate: o.keyRate,
		Refresh: o.refresh, Failed: a.serverFailed, Now: a.Now,
	})
	if err != nil {
		return err
	}
	defer server.Close()
	listener, url, err := a.listen(o.listenOptions)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(map[string]any{"log": led.origin, "url": url})
	} else {
		_, err = fmt.Fprintf(a.Out, "serving the log %s at %s/ (interrupt to stop)\n", led.origin, url)
	}
	if err != nil {
		listener.Close()
		return err
	}
	return answer(ctx, listener, server)
}

// logWriter opens the project's log for a server: everything is read again, as
// the folder has it now.
func (a *app) logWriter(ctx context.Context) (*serve.Writer, error) {
	led, err := a.openedLog(ctx)
	if err != nil {
		return nil, err
	}
	led.tell = a.serverWitnesses
	w, err := led.writer(ctx, true)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, environment("run it where the log's key is", "this machine does not hold the key of the log %s", led.origin)
	}
	// A second reading: appends tell theirs of new roots while others ask.
	auth, err := a.openedLog(ctx)
	if err != nil {
		return nil, err
	}
	return &serve.Writer{Log: w, Auth: auth.chain.Keys(), LogKeys: auth.chain.LogKeys(), Roots: auth.chain.Len()}, nil
}

// serverWitnesses names witnesses that did not sign although the quorum did; a
// fork is not kept until the end.
func (a *app) serverWitnesses(failed []error) {
	for _, f := range failed {
		if witness.IsFork(f) {
			f = forked(f)
		}
		a.serverFailed(f)
	}
}

// serverFailed writes what went wrong for whoever runs the server.
func (a *app) serverFailed(err error) {
	at := a.Now().UTC().Format(time.RFC3339)
	e := classify(err)
	fmt.Fprintf(a.Err, "%s %s\n", at, term.Clean(shorten(e.Msg)))
	if e.Hint != "" {
		fmt.Fprintf(a.Err, "%s hint: %s\n", at, term.Clean(e.Hint))
	}
}
