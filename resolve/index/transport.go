package index

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// newTransport makes the client's own transport: HTTP/2 where it is offered,
// connections kept for as many requests as run at once.
func newTransport(o Options) (http.RoundTripper, error) {
	tlsConfig := &tls.Config{}
	if o.TLS != nil {
		tlsConfig = o.TLS.Clone()
	}
	if o.CAFile != "" {
		if err := addCA(tlsConfig, o.CAFile); err != nil {
			return nil, err
		}
	}
	if o.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCert, o.ClientCert)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		tlsConfig.Certificates = append(tlsConfig.Certificates, pair)
	}
	proxy, err := proxyFunc(o.Proxy)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   o.ConnectTimeout,
		ResponseHeaderTimeout: o.ResponseTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          2 * o.Jobs,
		MaxIdleConnsPerHost:   o.Jobs,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        64 << 10,
	}, nil
}

func addCA(c *tls.Config, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading certificates: %w", err)
	}
	if c.RootCAs == nil {
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
	} else {
		c.RootCAs = c.RootCAs.Clone()
	}
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("reading certificates: %s holds none in PEM form", file)
	}
	return nil
}

// proxyFunc follows the customs of the environment variables of these names
// (loopback is never proxied); net/http itself speaks socks5 and socks5h.
func proxyFunc(p Proxy) (func(*http.Request) (*url.URL, error), error) {
	if p == (Proxy{}) {
		return nil, nil
	}
	for _, s := range []string{p.HTTP, p.HTTPS} {
		if s == "" || !strings.Contains(s, "://") {
			continue
		}
		scheme, _, _ := strings.Cut(s, "://")
		switch scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			return nil, fmt.Errorf("proxy of kind %q: http, https, socks5 and socks5h are known", scheme)
		}
		if _, err := url.Parse(s); err != nil {
			return nil, errors.New("proxy address is none") // url.Error would repeat a password
		}
	}
	f := (&httpproxy.Config{HTTPProxy: p.HTTP, HTTPSProxy: p.HTTPS, NoProxy: p.No}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return f(r.URL) }, nil
}
