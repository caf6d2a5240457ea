package index_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// realIndex is the index that this machine's pip uses.
func realIndex(t *testing.T) string {
	t.Helper()
	if os.Getenv("WHEELLOCK_NETWORK") != "1" {
		t.Skip("needs a package index: set WHEELLOCK_NETWORK=1")
	}
	home, _ := os.UserHomeDir()
	url, err := index.DefaultURL(context.Background(), index.Env{
		Getenv: os.Getenv, Home: home,
		Run: func(ctx context.Context, name string, args ...string) ([]byte, error) {
			return exec.CommandContext(ctx, name, args...).Output()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestRealIndex(t *testing.T) {
	ctx := context.Background()
	c := client(t, realIndex(t))
	p := page(t, c, "requests")
	var f index.File
	for _, file := range p.Files {
		if strings.HasPrefix(file.Name, "requests-2.32.3-py3") {
			f = file
		}
	}
	if len(p.Files) < 200 || f.SHA256 == "" {
		t.Fatalf("%d files, wheel %+v", len(p.Files), f)
	}
	m, err := c.MetadataOf(ctx, f)
	if err != nil || !strings.Contains(string(m.Bytes), "\nRequires-Dist: urllib3 <3,>=1.21.1\n") && !strings.Contains(string(m.Bytes), "\nRequires-Dist: urllib3<3,>=1.21.1\n") {
		t.Fatalf("metadata %q, %v", m.Bytes, err)
	}
	t.Logf("metadata came by %q, verified %v", m.How, m.Verified)
	path, err := c.Fetch(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || f.Size != 0 && info.Size() != f.Size {
		t.Errorf("%v, %v", info, err)
	}
	if left := c.Unverified(); len(left) != 0 {
		t.Errorf("unverified after Fetch: %v", left)
	}
	if _, err := c.Page(ctx, "wheellock-no-such-project-7f3a"); kind(err) != "not found" {
		t.Errorf("unknown project: %v", err)
	}
	bad := f
	bad.SHA256 = strings.Repeat("0", 64)
	if _, err := c.Fetch(ctx, bad); kind(err) != "hash file" {
		t.Errorf("wrong hash: %v", err)
	}
}

// The metadata of many wheels, which is what a cold run waits for.
func TestRealIndexMetadata(t *testing.T) {
	ctx := context.Background()
	var mu sync.Mutex
	requests, bytes := 0, int64(0)
	c := client(t, realIndex(t), func(o *index.Options) {
		o.Progress = func(e index.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Op == "metadata" && !e.Cached {
				requests++
				bytes += e.Bytes
			}
		}
	})
	projects := []string{"requests", "urllib3", "idna", "certifi", "charset-normalizer", "cryptography", "cffi", "pillow", "numpy", "django"}
	start := time.Now()
	var wg sync.WaitGroup
	for _, name := range projects {
		wg.Go(func() {
			if _, err := c.Page(ctx, name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d pages in %v", len(projects), time.Since(start))
	start = time.Now()
	how, n := map[string]int{}, 0
	for _, name := range projects {
		var wheels []index.File
		for _, f := range page(t, c, name).Files {
			if f.IsWheel() {
				wheels = append(wheels, f)
			}
		}
		for i := range min(8, len(wheels)) {
			f := wheels[len(wheels)-1-i*len(wheels)/8]
			n++
			wg.Go(func() {
				m, err := c.MetadataOf(ctx, f)
				if err != nil || !strings.Contains(string(m.Bytes), "Metadata-Version:") {
					t.Errorf("%s: %v", f.Name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				how[fmt.Sprintf("%s, listed %v, verified %v", m.How, f.HasMetadata, m.Verified)]++
			})
		}
	}
	wg.Wait()
	t.Logf("%d metadata in %v, %d answers with %d bytes: %v", n, time.Since(start), requests, bytes, how)
}
