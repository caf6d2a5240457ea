package index_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// One round reads 100 pages and the metadata of 100 wheels.
func benchmarkRound(b *testing.B, warm bool) {
	var u resolvetest.Universe
	for i := range 100 {
		u.Releases = append(u.Releases, resolvetest.Release{Name: fmt.Sprintf("crowd%d", i), Version: "1.0", Wheels: []string{"py3-none-any"}})
	}
	s := resolvetest.Serve(b, u, resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	dir := b.TempDir()
	for b.Loop() {
		if !warm {
			dir = b.TempDir()
		}
		c := client(b, s.URL, func(o *index.Options) { o.CacheDir = dir })
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				p, err := c.Page(context.Background(), fmt.Sprintf("crowd%d", i))
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := c.Metadata(context.Background(), p.Files[0]); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		c.CloseIdle()
	}
}

func BenchmarkRoundCold(b *testing.B) { benchmarkRound(b, false) }

func BenchmarkRoundWarm(b *testing.B) { benchmarkRound(b, true) }
