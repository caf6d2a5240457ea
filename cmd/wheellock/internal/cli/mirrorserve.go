package cli

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) mirrorServeVerb() *cobra.Command {
	var o listenOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the wheelhouse over HTTP on this machine",
		Long: `serve answers as a static web server would, and also picks JSON or HTML by what
the client accepts. It listens on the loopback interface until interrupted, with
--tls-cert and --tls-key over HTTPS.`,
		Example: "  wheellock mirror serve --listen 127.0.0.1:8080\n  pip install --index-url http://127.0.0.1:8080/simple/bookworm/ requests",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.mirrorServe(cmd.Context(), o) },
	}
	o.flags(cmd, "127.0.0.1:0")
	return cmd
}

func (a *app) mirrorServe(ctx context.Context, o listenOptions) error {
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
	host, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return usage("--listen %s: expected ADDRESS:PORT", o.addr)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return usage("--listen %s: only loopback addresses; put a web server before the folder to serve others", o.addr)
	}
	listener, url, err := a.listen(o)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(map[string]string{"wheelhouse": s.wheelhouse(), "url": url})
	} else {
		_, err = fmt.Fprintf(a.Out, "serving %s at %s/simple/TARGET/ (interrupt to stop)\n", s.wheelhouse(), url)
	}
	if err != nil {
		listener.Close()
		return err
	}
	return answer(ctx, listener, s.house().Handler())
}
