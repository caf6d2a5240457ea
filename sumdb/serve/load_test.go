package serve_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/serve"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// TestLoad lets many readers and writers at a server and checks afterwards that
// every statement that was acknowledged is in the log at the place that was
// named. WHEELLOCK_LOAD=60s takes 1,000 readers and 200 writers, each with a key
// of its own, for a minute; without it the test is a short one.
func TestLoad(t *testing.T) {
	readers, writers, span := 50, 20, time.Second
	if set := os.Getenv("WHEELLOCK_LOAD"); set != "" {
		var err error
		if span, err = time.ParseDuration(set); err != nil {
			t.Fatal(err)
		}
		readers, writers = 1000, 200
	}
	w := sumdbtest.New(t)
	w.Clock = time.Now()
	builders := make([]*sumdbtest.World, writers)
	for i := range builders {
		b := *w
		key := sumdbtest.Key(t, fmt.Sprintf("builder%d.%s", i+1, sumdbtest.Origin))
		b.Signers = map[string]*note.SigningKey{record.RoleBuilder: key}
		builders[i] = &b
		if i > 0 { // the first is the world's own
			w.Keyring.Roles[record.RoleBuilder] = append(w.Keyring.Roles[record.RoleBuilder], key.Verifier())
		}
	}
	w.Append(w.Leaves(2000)...)
	s, err := serve.New(t.Context(), serve.Options{Dir: w.Dir, Origin: sumdbtest.Origin, Rate: -1, KeyRate: -1,
		Open: func(context.Context) (*serve.Writer, error) {
			l, err := log.Open(w.Options())
			return &serve.Writer{Log: l, Auth: w.Keyring, LogKeys: w.LogKeys(), Roots: 1}, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := serve.HTTPServer(s)
	go web.Serve(l)
	url := "http://" + l.Addr().String()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readers + writers}, Timeout: 30 * time.Second}

	acked := make([]map[int64][]byte, writers)
	var tooks [][]time.Duration
	var mu sync.Mutex
	var reads, failedReads atomic.Int64
	paths := []string{"/checkpoint", "/tile/0/000", "/tile/entries/000", "/tile/entries/003", "/index/list"}
	end := time.Now().Add(span)
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			for n := i; time.Now().Before(end); n++ {
				resp, err := client.Get(url + paths[n%len(paths)])
				if err != nil {
					failedReads.Add(1)
					continue
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					failedReads.Add(1)
				}
				resp.Body.Close()
				reads.Add(1)
			}
		})
	}
	for i, b := range builders {
		acked[i] = map[int64][]byte{}
		all.Go(func() {
			var took []time.Duration
			for n := 0; time.Now().Before(end); n++ {
				st := sumdbtest.Source(1_000_000*(i+1) + n)
				st.Time = w.Clock.UTC().Truncate(time.Second)
				leaf := b.Leaf(st)
				start := time.Now()
				resp, err := client.Post(url+"/add", "text/plain", bytes.NewReader(leaf))
				if err != nil {
					t.Errorf("writer %d: %v", i, err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("writer %d: %d", i, resp.StatusCode)
					return
				}
				took = append(took, time.Since(start))
				at, err := strconv.ParseInt(resp.Header.Get("Wheellock-Index"), 10, 64)
				if err != nil {
					t.Error(err)
				}
				acked[i][at] = leaf
			}
			mu.Lock()
			tooks = append(tooks, took)
			mu.Unlock()
		})
	}
	all.Wait()
	web.Close()
	s.Close()
	rep := sound(t, w)
	view, err := log.Read(t.Context(), store.Folder(w.Dir), sumdbtest.Origin, w.LogKeys())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	held := map[int64][]byte{}
	for e, err := range view.Statements(t.Context(), 0, view.Checkpoint.Size) {
		if err != nil {
			t.Fatal(err)
		}
		held[e.Index] = e.Leaf
	}
	for _, one := range acked {
		for at, leaf := range one {
			if total++; !bytes.Equal(held[at], leaf) {
				t.Fatalf("statement %d was acknowledged and is not there", at)
			}
		}
	}
	if total == 0 || reads.Load() == 0 || failedReads.Load() > 0 {
		t.Errorf("%d statements, %d reads, %d of them failed", total, reads.Load(), failedReads.Load())
	}
	took := slices.Concat(tooks...)
	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("%d readers, %d writers, %v: %d statements (%.0f a second, half within %v, 99 of 100 within %v), %d reads (%.0f a second); the log has %d, fsck found nothing",
			readers, writers, span, total, float64(total)/span.Seconds(), took[len(took)/2].Round(time.Millisecond),
			took[len(took)*99/100].Round(time.Millisecond), reads.Load(), float64(reads.Load())/span.Seconds(), rep.Checkpoint.Size)
	}
}
