package resolve

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// cloud is an index in the manner of a famous pair: app 1.n needs the core of
// its day, and those from 1.20 on need an old http. Between 1.5 and 1.19 they
// need a transfer below 2 and paths below 2; before 1.5 there was no transfer.
func cloud(t testing.TB, n int) *memory {
	m := newMemory(t)
	add := func(name, version string, needs ...string) {
		meta := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"
		for _, q := range needs {
			meta += "Requires-Dist: " + q + "\n"
		}
		m.add(name, index.File{Name: name + "-" + version + "-py3-none-any.whl"}, meta)
	}
	for i := range n {
		switch core := fmt.Sprintf("core==1.%d", i); {
		case i < 5:
			add("app", fmt.Sprintf("1.%d", i), core, "paths<2")
		case i < 20:
			add("app", fmt.Sprintf("1.%d", i), core, "paths<2", "transfer<2")
		default:
			add("app", fmt.Sprintf("1.%d", i), core, "paths", "transfer>=2")
		}
		if i < 20 {
			add("core", fmt.Sprintf("1.%d", i))
		} else {
			add("core", fmt.Sprintf("1.%d", i), "http<2")
		}
	}
	for _, v := range []string{"1.0", "1.5", "2.0", "2.5"} {
		add("http", v)
		add("paths", v)
		add("transfer", v)
		add("other", v)
	}
	return m
}

// TestReadsInBulk: a package that follows another one down, version by version,
// is read ahead although each time only one of its versions is allowed.
func TestReadsInBulk(t *testing.T) {
	const n, delay = 300, 2 * time.Millisecond
	src := &distant{Source: cloud(t, n), delay: delay}
	start := time.Now()
	sol, err := Resolve(context.Background(), src, Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "app", "http>=2")})
	if err != nil {
		t.Fatal(err)
	}
	if got := versions(sol.Targets[0])["app"]; got != "1.19" {
		t.Errorf("app %s", got)
	}
	took, one := time.Since(start), time.Duration(src.asked.Load())*delay
	t.Logf("%d requests in %v, one after the other %v", src.asked.Load(), took, one)
	if took > one/3 || src.asked.Load() > 2*n+50 {
		t.Errorf("%d requests in %v", src.asked.Load(), took)
	}
}
