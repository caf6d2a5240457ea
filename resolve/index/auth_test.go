package index_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// world answers requests to any host without a network: protected hosts want
// alice's password. It writes down who was shown which user.
type world struct {
	protected []string // "HOST/path prefix"
	status    int      // of a refusal
	page      string

	mu    sync.Mutex
	shown []string
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	user, password, has := r.BasicAuth()
	who := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	if has {
		who += " " + user + ":" + password
	}
	w.mu.Lock()
	w.shown = append(w.shown, who)
	w.mu.Unlock()
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}}, Request: r, Body: io.NopCloser(strings.NewReader(w.page))}
	if slices.ContainsFunc(w.protected, func(p string) bool { return strings.HasPrefix(r.URL.Host+r.URL.Path, p) }) && (user != "alice" || password != secret) {
		resp.StatusCode = w.status
	}
	return resp, nil
}

func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.shown)
	return strings.Join(w.shown, "\n")
}

// Who is shown what, by scheme, host and port.
func TestWhoIsShownWhat(t *testing.T) {
	netrc := "machine corp.example login alice password " + secret + "\nmachine port.example:8443 login alice password \"hunter2hunter2\"\nmachine user.example login alice\n"
	keyring := func(_ context.Context, service, user string) (index.Credential, error) {
		if service == "https://ring.example/simple/" && user == "" || service == "user.example" && user == "alice" || service == "https://env.example/simple/" && user == "alice" {
			return index.Credential{User: "alice", Password: secret}, nil
		}
		return index.Credential{}, nil
	}
	for _, c := range []struct {
		name      string
		url       string
		protected string
		creds     []index.Credential
		file      string // the address of a file on the page, fetched too
		want      []string
		err       string
	}{
		{name: "netrc, unasked over https", url: "https://corp.example/simple", want: []string{"https://corp.example/simple/lib/ alice:" + secret}},
		{name: "netrc, its own port written out", url: "https://corp.example:443/simple", want: []string{"https://corp.example:443/simple/lib/ alice:" + secret}},
		{name: "netrc, not another port unless it asks", url: "https://corp.example:8443/simple", want: []string{"https://corp.example:8443/simple/lib/"}},
		{name: "netrc, another port that asks", url: "https://corp.example:8443/simple", protected: "corp.example:8443/",
			want: []string{"https://corp.example:8443/simple/lib/", "https://corp.example:8443/simple/lib/ alice:" + secret}},
		{name: "netrc with a port", url: "https://port.example:8443/simple", want: []string{"https://port.example:8443/simple/lib/ alice:" + secret}},
		{name: "netrc, plain http of an index that asks", url: "http://corp.example/simple", protected: "corp.example/",
			want: []string{"http://corp.example/simple/lib/", "http://corp.example/simple/lib/ alice:" + secret}},
		{name: "netrc, plain http that a page names", url: "https://other.example/simple", file: "http://corp.example/f/lib-1.0.tar.gz", protected: "corp.example/",
			want: []string{"http://corp.example/f/lib-1.0.tar.gz", "https://other.example/simple/lib/"}, err: "401"},
		{name: "keyring, a page's host", url: "https://other.example/simple", file: "https://ring.example/simple/lib-1.0.tar.gz", protected: "ring.example/",
			want: []string{"https://other.example/simple/lib/", "https://ring.example/simple/lib-1.0.tar.gz"}, err: "401"},
		{name: "keyring, unknown user", url: "https://ring.example/simple", protected: "ring.example/",
			want: []string{"https://ring.example/simple/lib/", "https://ring.example/simple/lib/ alice:" + secret}},
		{name: "keyring, user from netrc, by host", url: "https://user.example/simple", protected: "user.example/",
			want: []string{"https://user.example/simple/lib/", "https://user.example/simple/lib/ alice:" + secret}},
		{name: "keyring, user from the environment, unasked", url: "https://env.example/simple",
			creds: []index.Credential{{URL: "https://env.example/simple/", User: "alice"}}, want: []string{"https://env.example/simple/lib/ alice:" + secret}},
		{name: "a token as user", url: "https://token.example/simple",
			creds: []index.Credential{{URL: "https://token.example/simple/", User: "t0ken"}}, want: []string{"https://token.example/simple/lib/ t0ken:"}},
		{name: "another scheme", url: "http://env.example/simple",
			creds: []index.Credential{{URL: "https://env.example/simple/", User: "alice", Password: secret}}, want: []string{"http://env.example/simple/lib/"}},
		{name: "nearest path", url: "https://git.example/projects/2/simple", file: "https://git.example/projects/1/files/lib-1.0.tar.gz",
			creds: []index.Credential{{URL: "https://git.example/projects/1/simple/", User: "one", Password: "x"}, {URL: "https://git.example/projects/2/simple/", User: "two", Password: "y"}},
			want:  []string{"https://git.example/projects/1/files/lib-1.0.tar.gz one:x", "https://git.example/projects/2/simple/lib/ two:y"}},
		{name: "refused", url: "https://corp.example/simple", protected: "corp.example/", creds: []index.Credential{{URL: "https://corp.example/", User: "eve", Password: "z"}},
			want: []string{"https://corp.example/simple/lib/ eve:z"}, err: "401"},
	} {
		w := &world{protected: []string{c.protected}, status: 401, page: fmt.Sprintf(`<a href="%s">x</a>`, c.file)}
		if c.protected == "" {
			w.protected = nil
		}
		file := filepath.Join(t.TempDir(), "netrc")
		if err := os.WriteFile(file, []byte(netrc), 0o600); err != nil {
			t.Fatal(err)
		}
		cl := client(t, c.url, func(o *index.Options) { o.Transport, o.Netrc, o.Keyring, o.Credentials = w, file, keyring, c.creds })
		p, err := cl.Page(context.Background(), "lib")
		if err == nil && c.file != "" {
			_, err = cl.Fetch(context.Background(), p.Files[0])
		}
		want := slices.Clone(c.want)
		slices.Sort(want)
		if got := w.log(); got != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, strings.Join(want, "\n"))
		}
		if c.err != "" && kind(err) != c.err || err != nil && c.err == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The keyring is slow and may ask the user: once for an index is enough.
func TestKeyringIsAskedOnce(t *testing.T) {
	for _, found := range []bool{true, false} {
		w := &world{protected: []string{"corp.example/"}, status: 403, page: `<a href="lib-1.0.tar.gz">x</a>`}
		var mu sync.Mutex
		asked := map[string]int{}
		c := client(t, "https://corp.example/simple", func(o *index.Options) {
			o.Transport = w
			o.Keyring = func(_ context.Context, service, user string) (index.Credential, error) {
				mu.Lock()
				defer mu.Unlock()
				asked[service]++
				if !found {
					return index.Credential{}, nil
				}
				return index.Credential{User: "alice", Password: secret}, nil
			}
		})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				_, err := c.Page(context.Background(), fmt.Sprint("lib", i))
				var down *index.UnavailableError
				if found != (err == nil) || !found && (!errors.As(err, &down) || down.Shown != "") {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		want := map[bool]int{true: 1, false: 3}[found]
		if len(asked) != want {
			t.Errorf("services %v", asked)
		}
		for s, n := range asked {
			if n != 1 {
				t.Errorf("%s was asked %d times", s, n)
			}
		}
	}
}

func TestHowToLogIn(t *testing.T) {
	w := &world{protected: []string{"corp.example/"}, status: 401}
	c := client(t, "https://other.example/simple", func(o *index.Options) {
		o.Transport, o.Indexes = w, []index.Index{{Name: "corp-a", URL: "https://corp.example/a/simple", Packages: []string{"lib"}}}
	})
	_, err := c.Page(context.Background(), "lib")
	var down *index.UnavailableError
	if !errors.As(err, &down) || !strings.Contains(err.Error(), "the index corp-a (https://corp.example/a/simple/lib/) answers 401") {
		t.Fatal(err)
	}
	for _, want := range []string{"machine corp.example login", "WHEELLOCK_INDEX_CORP_A_USERNAME", "_TOKEN", "keyring set https://corp.example/a/simple/ USER"} {
		if !strings.Contains(down.Hint(), want) {
			t.Errorf("%q is not in %s", want, down.Hint())
		}
	}
}

// The same page twice, in either form.
func TestOneFileTwoHashes(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for body, want := range map[string]string{
		`<a href="lib-1.0.tar.gz#sha256=` + a + `">x</a><a href="lib-1.0.tar.gz#sha256=` + b + `">x</a>`:   "page",
		`<a href="lib-1.0.tar.gz#sha256=` + a + `">x</a><a href="lib-1.0.tar.gz">x</a>`:                    "page",
		`<a href="lib-1.0.tar.gz#sha256=` + a + `">x</a><a href="x/lib-1.0.tar.gz#sha256=` + a + `">x</a>`: "ok",
	} {
		c := client(t, "https://corp.example/simple", func(o *index.Options) { o.Transport = &world{page: body} })
		p, err := c.Page(context.Background(), "lib")
		if kind(err) != want || err == nil && len(p.Files) != 1 {
			t.Errorf("%s: %v", body, err)
		}
		if want == "page" && !strings.Contains(err.Error(), "lists lib-1.0.tar.gz twice") {
			t.Error(err)
		}
	}
}

// A server that asks for the client's certificate gets it.
func TestClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "alice"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if got := r.TLS.PeerCertificates[0].Subject.CommonName; got != "alice" {
			t.Errorf("certificate of %q", got)
		}
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	write := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := write("client.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: der}, &pem.Block{Type: "CERTIFICATE", Bytes: cert})
	ca := func(o *index.Options) {
		o.CAFile = write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	}
	page(t, client(t, s.URL, ca, func(o *index.Options) { o.ClientCert = own }), "lib")
	if _, err := client(t, s.URL, ca).Page(context.Background(), "lib"); kind(err) != "unavailable" {
		t.Errorf("without one: %v", err)
	}
	if _, err := index.New(index.Options{URL: s.URL, CacheDir: t.TempDir(), ClientCert: s.URL}); err == nil {
		t.Error("a missing certificate was accepted")
	}
}
