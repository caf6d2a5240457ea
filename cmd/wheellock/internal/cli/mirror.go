package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

func (a *app) mirrorVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mirror",
		Short:   "make the wheelhouse a package index, and serve it",
		Example: "  wheellock mirror sync\n  wheellock mirror serve",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "sync",
		Short: "write the index pages for what is signed",
		Long: `sync writes simple/TARGET/ in the wheelhouse: the pages of PEP 503 and PEP 691 for
every file on the signed list, with metadata files (PEP 658) beside the wheels.
It signs nothing and needs no keys.`,
		Example: "  wheellock mirror sync",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mirrorSync(cmd.Context()) },
	})
	var addr string
	serve := &cobra.Command{
		Use:   "serve",
		Short: "serve the wheelhouse over HTTP on this machine",
		Long: `serve answers as a static web server would, and also picks JSON or HTML by what
the client accepts. It listens on the loopback interface until interrupted.`,
		Example: "  wheellock mirror serve --listen 127.0.0.1:8080\n  pip install --index-url http://127.0.0.1:8080/simple/bookworm/ requests",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mirrorServe(cmd.Context(), addr) },
	}
	serve.Flags().StringVar(&addr, "listen", "127.0.0.1:0", "address and port; port 0 takes a free one")
	cmd.AddCommand(serve)
	return cmd
}

func (a *app) mirrorSync(ctx context.Context) error {
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
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	if err := led.listIsCurrent(); err != nil {
		return err
	}
	withdrawn, err := led.withdrawn(ctx)
	if err != nil {
		return err
	}
	written, removed, err := s.house().Sync(targetNames(s.locked), withdrawn)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"written": written, "removed": removed})
	}
	fmt.Fprintf(a.Out, "mirror in %s is in step with the signed list: %s written, %d removed\n",
		s.wheelhouse(), report.Plural(written, "file"), removed)
	return nil
}

// listIsCurrent refuses to make pages for a list that is missing, not signed,
// or not what the wheelhouse holds.
func (l *ledger) listIsCurrent() error {
	size := int64(1)
	if l.view != nil {
		size = l.view.Checkpoint.Size
	}
	list, err := l.s.signedList(l.chain, size)
	if errors.Is(err, fs.ErrNotExist) {
		return finding("wheellock sign", "the wheelhouse has no signed list yet")
	}
	if err != nil {
		return finding("wheellock sign", "%s: %v", mirror.SignFile, err)
	}
	have, err := l.s.house().Scan()
	if err != nil {
		return err
	}
	if string(mirror.FormatList(have)) != string(mirror.FormatList(list)) {
		return finding("wheellock verify, to see which; then wheellock sign", "the wheelhouse holds other files than the signed list")
	}
	return nil
}

// withdrawn lists what the log says was taken back.
func (l *ledger) withdrawn(ctx context.Context) (mirror.Withdrawn, error) {
	out := mirror.Withdrawn{}
	seen := map[string]bool{}
	for _, p := range l.s.locked.Packages {
		if seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		past, err := l.history(ctx, p.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range past {
			if e.Kind() == record.KindWithdraw {
				if w, err := e.AsWithdraw(); err == nil {
					out[w.File.SHA256] = w.Reason
				}
			}
		}
	}
	return out, nil
}

func (a *app) mirrorServe(ctx context.Context, addr string) error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if s.readOnly() {
		return s.needFolder()
	}
	if _, err := os.Stat(s.house().Path("simple")); err != nil {
		return finding("wheellock sign && wheellock mirror sync", "the wheelhouse has no index pages yet")
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--listen %s: expected ADDRESS:PORT", addr)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return usage("--listen %s: only loopback addresses; put a web server before the folder to serve others", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return environment("name another port with --listen", "%v", err)
	}
	fmt.Fprintf(a.Out, "serving %s at http://%s/simple/TARGET/ (interrupt to stop)\n", s.wheelhouse(), listener.Addr())
	server := &http.Server{Handler: s.house().Handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		done, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		server.Shutdown(done)
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
