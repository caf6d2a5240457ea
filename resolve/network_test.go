package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// TestNetwork compares with pip itself, on the index that pip uses, for the
// interpreter of this machine.
func TestNetwork(t *testing.T) {
	if os.Getenv("WHEELLOCK_NETWORK") != "1" {
		t.Skip("set WHEELLOCK_NETWORK=1 to ask the real index")
	}
	ctx := context.Background()
	run := func(ctx context.Context, name string, args ...string) ([]byte, error) {
		return exec.CommandContext(ctx, name, args...).Output()
	}
	out, err := run(ctx, "python3", "-I", "-c", tags.ProbeScript)
	if err != nil {
		t.Skipf("no python3: %v", err)
	}
	var probe tags.Probe
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	target, err := tags.FromInterpreter(probe)
	if err != nil {
		t.Fatal(err)
	}
	url, err := index.DefaultURL(ctx, index.Env{Getenv: os.Getenv, Home: os.Getenv("HOME"), Run: run})
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	for _, ask := range []string{"requests", "flask", "boto3", "cryptography", "requests[socks]<2.30 urllib3<2", "black==22.1.0"} {
		t.Run(ask, func(t *testing.T) {
			client, err := index.New(index.Options{URL: url, CacheDir: cache})
			if err != nil {
				t.Fatal(err)
			}
			req := Request{Targets: []tags.Target{target}, Requirements: requirements(t, strings.Fields(ask)...)}
			start := time.Now()
			sol, err := Resolve(ctx, client, req)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d packages in %v", len(sol.Targets[0].Pins), time.Since(start))
			want := pipsAnswer(t, strings.Fields(ask))
			if d := cmp.Diff(want, versions(sol.Targets[0])); d != "" {
				t.Errorf("pip (-) and we (+) differ:\n%s", d)
			}
		})
	}
}

func pipsAnswer(t *testing.T, ask []string) map[string]string {
	t.Helper()
	args := append([]string{"-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--disable-pip-version-check", "--report", "-"}, ask...)
	out, err := exec.Command("python3", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("pip: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var report struct {
		Install []struct {
			Metadata struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, i := range report.Install {
		m[pep508.NormalizeName(i.Metadata.Name)] = pep440.MustParse(i.Metadata.Version).String()
	}
	return m
}
