package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"github.com/freedomofpress/wheellock/sumdb/serve"
)

// stopWait is how long a server that was told to stop waits for the requests
// that are under way: as long as one append may take.
const stopWait = 60 * time.Second

// listenOptions say where a server listens. It is the loopback interface unless
// somebody says otherwise.
type listenOptions struct{ addr, cert, key string }

func (o *listenOptions) flags(cmd *cobra.Command, fallback string) {
	cmd.Flags().StringVar(&o.addr, "listen", fallback, "`ADDRESS:PORT`; port 0 takes a free one")
	cmd.Flags().StringVar(&o.cert, "tls-cert", "", "serve HTTPS with the certificate chain in `FILE` (PEM)")
	cmd.Flags().StringVar(&o.key, "tls-key", "", "the certificate's private key in `FILE` (PEM)")
}

// listen opens the address, and returns the URL under which it is reached.
func (a *app) listen(o listenOptions) (net.Listener, string, error) {
	if _, _, err := net.SplitHostPort(o.addr); err != nil {
		return nil, "", usage("--listen %s: expected ADDRESS:PORT", o.addr)
	}
	if (o.cert == "") != (o.key == "") {
		return nil, "", usage("--tls-cert and --tls-key go together")
	}
	var config *tls.Config
	if o.cert != "" {
		pair := &keyPair{cert: a.path(o.cert), key: a.path(o.key)}
		loaded, err := pair.get(nil)
		if err == nil && loaded.Leaf != nil && a.Now().After(loaded.Leaf.NotAfter) {
			return nil, "", invalid("renew it", "--tls-cert %s: the certificate ran out on %s", o.cert, loaded.Leaf.NotAfter.UTC().Format("2006-01-02"))
		}
		if err != nil {
			why := "they are not a certificate and its key"
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				why = err.Error()
			}
			return nil, "", invalid("give a certificate chain and its private key, both PEM", "--tls-cert %s, --tls-key %s: %s", o.cert, o.key, why)
		}
		config = &tls.Config{GetCertificate: pair.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, "", environment("name another address or port with --listen", "%v", err)
	}
	url := "http://" + l.Addr().String()
	// More connections than that wait: a server has other files to open, too.
	// Beneath: who is turned away takes none of their places.
	l = netutil.LimitListener(serve.PerAddress(l, serve.MaxPerAddress), serve.MaxConnections)
	if config != nil {
		return tls.NewListener(l, config), "https" + url[len("http"):], nil
	}
	return l, url, nil
}

// answer serves until the context ends, then lets what is under way finish. The
// returned error is nil for a stop that was asked for.
func answer(ctx context.Context, l net.Listener, h http.Handler) error {
	server := serve.HTTPServer(h)
	// Who knocks with the wrong protocol must not fill anybody's log.
	server.ErrorLog = log.New(io.Discard, "", 0)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		wait, cancel := context.WithTimeout(context.Background(), stopWait)
		defer cancel()
		_ = server.Shutdown(wait)
	})
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-stopped
	return nil
}

// A keyPair is a certificate that may be renewed while the server runs.
type keyPair struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	at     time.Time // modification time of the newer file
}

func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, err := newer(p.cert, p.key)
	if err == nil && p.loaded != nil && at.Equal(p.at) {
		return p.loaded, nil
	}
	if err == nil {
		var c tls.Certificate
		if c, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
			p.loaded, p.at = &c, at
			return p.loaded, nil
		}
	}
	if p.loaded != nil {
		return p.loaded, nil // half renewed: the old one is good for a while
	}
	return nil, err
}

func newer(a, b string) (time.Time, error) {
	x, errx := os.Stat(a)
	y, erry := os.Stat(b)
	if err := errors.Join(errx, erry); err != nil {
		return time.Time{}, err
	}
	if x.ModTime().After(y.ModTime()) {
		return x.ModTime(), nil
	}
	return y.ModTime(), nil
}
