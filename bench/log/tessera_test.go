package log

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	xnote "golang.org/x/mod/sumdb/note"

	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// theirs is a Tessera log, set for speed: it integrates a batch as soon as it is
// full or a millisecond old, and publishes a checkpoint as often as it may.
type theirs struct {
	*tessera.Appender
	awaiter *tessera.PublicationAwaiter
	stop    func(context.Context) error
}

func openTessera(t testing.TB, dir string) *theirs {
	t.Helper()
	keyFile := filepath.Join(dir, "skey")
	skey, err := os.ReadFile(keyFile)
	if err != nil {
		text, _, err := xnote.GenerateKey(nil, "tessera.example")
		if err != nil {
			t.Fatal(err)
		}
		skey = []byte(text)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(keyFile, skey, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := xnote.NewSigner(string(skey))
	if err != nil {
		t.Fatal(err)
	}
	// The driver lives as long as the appender, not as long as the test.
	ctx := context.WithoutCancel(t.Context())
	driver, err := posix.New(ctx, posix.Config{Path: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(batchSize, time.Millisecond).WithCheckpointInterval(100 * time.Millisecond).WithPushback(1 << 16)
	a, stop, reader, err := tessera.NewAppender(ctx, driver, o)
	if err != nil {
		t.Fatal(err)
	}
	return &theirs{a, tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 2*time.Millisecond), stop}
}

func (l *theirs) close(t testing.TB) {
	if err := l.stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// add appends entries and returns when they are integrated; with published, when
// a checkpoint covers the last.
func (l *theirs) add(t testing.TB, entries [][]byte, published bool) uint64 {
	t.Helper()
	futures := make([]tessera.IndexFuture, len(entries))
	for i, e := range entries {
		futures[i] = l.Add(t.Context(), tessera.NewEntry(e))
	}
	var last uint64
	for _, f := range futures {
		i, err := f()
		if err != nil {
			t.Fatal(err)
		}
		last = max(last, i.Index)
	}
	if published {
		if _, _, err := l.awaiter.Await(t.Context(), futures[len(futures)-1]); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func fillTessera(t testing.TB, dir string, n int) {
	mark := filepath.Join(dir, "filled")
	if _, err := os.Stat(mark); err == nil {
		return
	}
	w := sumdbtest.New(t)
	l := openTessera(t, dir)
	for have := 0; have < n; {
		var batch [][]byte
		for i := range min(16*batchSize, n-have) {
			batch = append(batch, leaf(t, w, have+i, false))
		}
		l.add(t, batch, false)
		have += len(batch)
	}
	l.close(t)
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// bulkTessera is bulk for Tessera, which takes entries while others are under way.
func bulkTessera(t testing.TB, dir string, batches, together int, published bool) float64 {
	w := sumdbtest.New(t)
	l := openTessera(t, dir)
	defer l.close(t)
	var all [][]byte
	for i := range batches * batchSize {
		all = append(all, leaf(t, w, 3_000_000+i, false))
	}
	began := time.Now()
	for len(all) > 0 {
		n := min(len(all), together*batchSize)
		l.add(t, all[:n], published)
		all = all[n:]
	}
	return float64(batches*batchSize) / time.Since(began).Seconds()
}
