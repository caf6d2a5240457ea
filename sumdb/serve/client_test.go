package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/serve"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func TestClient(t *testing.T) {
	w := sumdbtest.New(t)
	_, web := serving(t, w, serve.Options{})
	c := &serve.Client{URL: web.URL}
	leaf := w.Leaf(sumdbtest.Source(1))
	for range 2 {
		p, err := c.Add(t.Context(), leaf)
		if err != nil || p.Index != 1 {
			t.Fatalf("%v, %v", p, err)
		}
	}
	changed := sumdbtest.Source(1)
	changed.File.SHA256 = sumdbtest.Digest("other bytes")
	var no *serve.RefusedError
	if _, err := c.Add(t.Context(), w.Leaf(changed)); !errors.As(err, &no) || no.Status != http.StatusConflict {
		t.Errorf("another hash: %v", err)
	}
}

// Whatever a server answers: it is asked again only where that can help, and no
// answer counts that is not a proof.
func TestClientAgainstOddServers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		after  string // Retry-After
		body   string
		asked  int
		waited time.Duration
		says   string
	}{
		{"busy", 503, "2", "later\n", 6, 10 * time.Second, "later"},
		{"busy for a year", 429, "31536000", "", 6, 150 * time.Second, "no reason given"},
		{"busy, oddly", 429, "-5", "x", 6, 5 * time.Second, "does not take the statement now: x"},
		{"not a proof", 200, "", "ok", 1, 0, "not a proof"},
		{"endless", 200, "", strings.Repeat("c2sp.org/tlog-proof@v1\n", 100_000), 1, 0, "not a proof"},
		{"a static host", 405, "", "", 1, 0, "takes no statements"},
		{"elsewhere", 307, "", "", 1, 0, "307"},
		{"a long refusal", 409, "", "no\x1b[31m" + strings.Repeat("y", 1<<20), 1, 0, "no\x1b[31my"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked, waited := 0, time.Duration(0)
			web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				asked++
				rw.Header().Set("Retry-After", c.after)
				rw.Header().Set("Location", "/elsewhere")
				rw.WriteHeader(c.status)
				fmt.Fprint(rw, c.body)
			}))
			defer web.Close()
			client := &serve.Client{URL: web.URL + "/", Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil }}
			_, err := client.Add(t.Context(), []byte("x"))
			if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 8<<10 {
				t.Errorf("%.200v", err)
			}
			if asked != c.asked || waited != c.waited {
				t.Errorf("asked %d times, waited %v", asked, waited)
			}
		})
	}
}
