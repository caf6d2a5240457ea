package resolve

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

var readSnapshot = sync.OnceValues(func() (*resolvetest.Snapshot, error) {
	return resolvetest.ReadSnapshot(snapshotDir)
})

var snapshotDir string

func snapshot(t testing.TB) *resolvetest.Snapshot {
	t.Helper()
	snapshotDir = shared(t, "index-snapshot")
	s, err := readSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func inputs(t testing.TB, name string) []string {
	b, err := os.ReadFile(shared(t, "index-snapshot", "requirements", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

var debian12 = tags.Target{Name: "bookworm", Implementation: "cpython", Python: "3.11", FullVersion: "3.11.2", Platform: "manylinux_2_36_x86_64"}

// TestSnapshot expects the sizes that uv 0.13 and pip agree on for this one
// target. (The recording's own 42 and 260 count all platforms together.)
func TestSnapshot(t *testing.T) {
	src := snapshot(t)
	for _, c := range []struct {
		file string
		want int
	}{{"small.in", 5}, {"server.in", 41}, {"large.in", 247}} {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, inputs(t, c.file)...)}
		start := time.Now()
		sol, err := Resolve(context.Background(), src, req)
		took := time.Since(start)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		t.Logf("%s: %d packages in %v", c.file, len(sol.Targets[0].Pins), took)
		if got := len(sol.Targets[0].Pins); got != c.want {
			t.Errorf("%s: got %d packages, want %d", c.file, got, c.want)
		}
	}
}

// TestSnapshotDeep pins something old beside boto3, so that most of 1,870
// versions of it and of botocore have to be ruled out.
func TestSnapshotDeep(t *testing.T) {
	src := snapshot(t)
	for _, lines := range [][]string{
		{"boto3", "urllib3<1.25"},
		{"boto3", "botocore==1.20.0"},
		{"boto3", "botocore<1.15"},
		{"boto3", "jmespath<0.9"},
		{"apache-airflow", "boto3", "urllib3<1.25.4"},
		{"boto3", "s3transfer<0.2"},
		{"boto3", "python-dateutil<2.1"},
	} {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, lines...)}
		start := time.Now()
		sol, err := Resolve(context.Background(), src, req)
		took := time.Since(start)
		var conflict *ConflictError
		switch {
		case errors.As(err, &conflict):
			t.Logf("%v: %v\n%v", lines, took, err)
		case err != nil:
			t.Errorf("%v: %v", lines, err)
		default:
			got := versions(sol.Targets[0])
			t.Logf("%v: boto3 %s, botocore %s, urllib3 %s in %v", lines, got["boto3"], got["botocore"], got["urllib3"], took)
		}
		if took > 10*time.Second {
			t.Errorf("%v: took %v", lines, took)
		}
	}
}

func BenchmarkSnapshotLarge(b *testing.B) {
	src := snapshot(b)
	lines := inputs(b, "large.in")
	for b.Loop() {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(b, lines...)}
		if _, err := Resolve(context.Background(), src, req); err != nil {
			b.Fatal(err)
		}
	}
}
