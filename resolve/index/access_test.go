package index_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

const secret = "hunter2hunter2"

// withUser puts user information into an address.
func withUser(t *testing.T, addr string) string {
	t.Helper()
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("alice", secret)
	return u.String()
}

func TestCredentials(t *testing.T) {
	ctx := context.Background()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{User: "alice", Pass: secret})
	netrc := filepath.Join(t.TempDir(), "netrc")
	text := "# mine\nmachine other.example login bob password x\nmacdef init\nmachine 127.0.0.1 login eve password y\n\nmachine 127.0.0.1\n  login alice\n  password " + secret + "\ndefault login eve password z\n"
	if err := os.WriteFile(netrc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*index.Options){
		"address": func(o *index.Options) { o.URL = withUser(t, s.URL) },
		"option": func(o *index.Options) {
			o.Credentials = []index.Credential{{URL: s.URL, User: "alice", Password: secret}}
		},
		"netrc": func(o *index.Options) { o.Netrc = netrc },
		"address before netrc": func(o *index.Options) {
			o.URL, o.Credentials = withUser(t, s.URL), []index.Credential{{URL: s.URL, User: "eve", Password: "x"}}
		},
	} {
		dir := t.TempDir()
		c := client(t, s.URL, func(o *index.Options) { o.CacheDir = dir }, change)
		f := wheel(t, c, "courier", "2.5.0")
		if _, err := c.Fetch(ctx, f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(f.URL, "alice") || strings.Contains(f.URL, secret) {
			t.Errorf("%s: file address %s", name, f.URL)
		}
		for _, path := range entries(t, dir) {
			if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), secret) || strings.Contains(string(data), "alice") {
				t.Errorf("%s: %s holds the password (%v)", name, path, err)
			}
		}
	}
	_, err := client(t, s.URL).Page(ctx, "courier")
	if kind(err) != "401" {
		t.Errorf("without credentials: %v", err)
	}
	var h interface{ Hint() string }
	if !errors.As(err, &h) || !strings.Contains(h.Hint(), "password") {
		t.Errorf("hint of %v", err)
	}
}

func TestPasswordIsNeverShown(t *testing.T) {
	ctx := context.Background()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{User: "alice", Pass: "another"})
	check := func(err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "alice") {
			t.Errorf("%v", err)
		}
	}
	_, err := client(t, withUser(t, s.URL)).Page(ctx, "courier")
	check(err)
	dead := withUser(t, "http://127.0.0.1:1/simple")
	_, err = client(t, dead).Page(ctx, "courier")
	check(err)
	for _, addr := range []string{"ftp://alice:" + secret + "@index.example/", "https://alice:" + secret + "@/x", "https://alice:" + secret + "%zz@index.example", "://alice:" + secret} {
		_, err := index.New(index.Options{URL: addr, CacheDir: t.TempDir()})
		check(err)
	}
	s2 := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	for name, f := range map[string]resolvetest.Fault{
		"a": {Body: []byte("x"), Type: "text/plain"},
		"b": {Redirect: "http://alice:" + secret + "@127.0.0.1:1/"},
		"c": {Redirect: "gopher://alice:" + secret + "@127.0.0.1:1/"},
		"d": {Status: 500},
	} {
		s2.Fault("/simple/"+name+"/", f)
		_, err := client(t, withUser(t, s2.URL)).Page(ctx, name)
		check(err)
	}
	_, err = client(t, withUser(t, s2.URL)).Page(ctx, "nobody")
	check(err)
}

// The password of one origin is not shown to another, redirected to or named
// on a page.
func TestCredentialsStayWithTheirOrigin(t *testing.T) {
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		http.NotFound(w, r)
	}))
	defer other.Close()
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	s.Fault("/simple/courier/", resolvetest.Fault{Redirect: other.URL + "/simple/courier/"})
	s.Fault("/simple/ident/", resolvetest.Fault{Type: "text/html", Body: []byte(`<a href="` + other.URL + `/ident-1.0-py3-none-any.whl">x</a>`)})
	c := client(t, withUser(t, s.URL))
	if _, err := c.Page(context.Background(), "courier"); kind(err) != "not found" {
		t.Error(err)
	}
	if _, err := c.Fetch(context.Background(), page(t, c, "ident").Files[0]); kind(err) != "404" {
		t.Error(err)
	}
	if leaked.Load() {
		t.Error("another origin was shown the password")
	}
}

func TestHTTPProxy(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Host != "index.example" {
			t.Errorf("proxy was asked for %s", r.URL)
		}
		resp, err := http.Get(strings.TrimSuffix(s.URL, "/simple") + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	defer proxy.Close()
	c := client(t, "http://index.example/simple", func(o *index.Options) { o.Proxy.HTTP = proxy.URL })
	if p := page(t, c, "courier"); len(p.Files) != 8 || asked.Load() != 1 {
		t.Errorf("%d files, %d requests", len(p.Files), asked.Load())
	}
	c = client(t, s.URL, func(o *index.Options) { o.Proxy = index.Proxy{HTTP: "http://127.0.0.1:1", No: "127.0.0.1"} })
	page(t, c, "courier")
	if _, err := index.New(index.Options{URL: s.URL, CacheDir: t.TempDir(), Proxy: index.Proxy{HTTP: "gopher://127.0.0.1"}}); err == nil {
		t.Error("a gopher proxy was accepted")
	}
}

// socks5 answers one connection as RFC 1928 says, without authentication, and
// connects to backend whatever name was asked for.
func socks5(conn net.Conn, backend string, names chan<- string) {
	defer conn.Close()
	buf := make([]byte, 262)
	if _, err := io.ReadFull(conn, buf[:2]); err != nil {
		return
	}
	io.ReadFull(conn, buf[:buf[1]])
	conn.Write([]byte{5, 0})
	if _, err := io.ReadFull(conn, buf[:5]); err != nil || buf[3] != 3 {
		names <- "(no name)" // 3: a name, not an address that we looked up
		return
	}
	name := make([]byte, int(buf[4])+2)
	io.ReadFull(conn, name)
	names <- string(name[:len(name)-2])
	up, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer up.Close()
	conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go io.Copy(up, conn)
	io.Copy(conn, up)
}

// Over SOCKS the name is sent, never looked up here: it may be an onion name.
func TestSOCKSProxy(t *testing.T) {
	s := resolvetest.Serve(t, resolvetest.Standard(), resolvetest.ServerOptions{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	names := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go socks5(conn, strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/simple"), names)
		}
	}()
	for _, scheme := range []string{"socks5", "socks5h"} {
		c := client(t, "http://index.example/simple", func(o *index.Options) { o.Proxy.HTTP = scheme + "://" + l.Addr().String() })
		if p := page(t, c, "courier"); len(p.Files) != 8 {
			t.Errorf("%d files", len(p.Files))
		}
		if name := <-names; name != "index.example" {
			t.Errorf("%s: the proxy was asked for %q", scheme, name)
		}
	}
}

func TestCAFileAndHTTP2(t *testing.T) {
	u := resolvetest.Standard()
	plain := resolvetest.Serve(t, u, resolvetest.ServerOptions{})
	var proto atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		if r.URL.Path == "/simple/ident/" {
			http.Redirect(w, r, plain.URL+"/ident/", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<a href="courier-1.0.tar.gz">x</a>`)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would complain of the client that does not trust it
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	c := client(t, s.URL+"/simple", func(o *index.Options) { o.CAFile = ca })
	if p := page(t, c, "courier"); len(p.Files) != 1 || proto.Load() != "HTTP/2.0" {
		t.Errorf("%d files over %v", len(p.Files), proto.Load())
	}
	if _, err := c.Page(context.Background(), "ident"); kind(err) != "unavailable" || !strings.Contains(err.Error(), "https to http") {
		t.Errorf("redirect from https to http: %v", err)
	}
	if _, err := client(t, s.URL+"/simple").Page(context.Background(), "courier"); kind(err) != "unavailable" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the certificate: %v", err)
	}
	if _, err := index.New(index.Options{URL: s.URL, CacheDir: t.TempDir(), CAFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a missing CA file was accepted")
	}
}
