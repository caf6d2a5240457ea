package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// shared finds a folder of measured data beside the repository.
func shared(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		root, _ := os.Getwd()
		for ; root != "/"; root = filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
		}
		dir = filepath.Join(root, "..", "shared")
	}
	file := filepath.Join(dir, path)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the measured data are not here: %v", err)
	}
	return file
}

type measured struct {
	Name, Version, Class string
	Sdist, Wheel         *struct{ Filename, SHA256 string }
	Better               []string `json:"better_build_env"`
	Recipe               struct {
		Epoch int64 `json:"source_date_epoch"`
		Umask string
		Env   []string `json:"build_env"`
	}
}

// TestMeasured plans for real packages that somebody rebuilt, and holds the
// inferred recipes against those that were found to give the published bytes.
func TestMeasured(t *testing.T) {
	if os.Getenv("WHEELLOCK_NETWORK") == "" {
		t.Skip("WHEELLOCK_NETWORK is not set")
	}
	b, err := os.ReadFile(shared(t, "testdata/rebuild/packages.json"))
	if err != nil {
		t.Fatal(err)
	}
	var data struct{ Packages []measured }
	if err := json.Unmarshal(b, &data); err != nil {
		t.Fatal(err)
	}
	src := network(t)
	bookworm, err := tags.Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	l := &lock.Lock{Version: lock.Version, CreatedBy: lock.CreatedBy, RequiresDigest: "sha256:" + strings.Repeat("0", 64),
		Targets: []lock.Target{{Name: bookworm.Name, Python: bookworm.Python, Platform: bookworm.Platform}}}
	for _, m := range data.Packages {
		l.Packages = append(l.Packages, m.pkg())
	}
	var notes []Note
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	err = Plan(ctx, src, l, []tags.Target{bookworm}, Options{Notes: &notes})
	var incomplete *IncompleteError
	if err != nil && !errors.As(err, &incomplete) {
		t.Fatal(err)
	}
	if err != nil {
		t.Error(err)
	}
	for _, n := range notes {
		t.Logf("%s %s: %s", n.Package, n.Version, n.Text)
	}
	if err := l.Check(); err != nil {
		t.Errorf("the lock is unsound: %v", err)
	}
	agree := 0
	for _, m := range data.Packages {
		p := l.Find(pep508.NormalizeName(m.Name), "bookworm")
		r := l.Recipe(p.Wheels[0].Recipe)
		if r == nil {
			continue
		}
		diff := m.against(r)
		if diff == "" {
			agree++
		}
		t.Logf("%-20s %-18s %s", m.Name, m.Class, orDefault(diff, "agrees"))
		if diff != "" && m.Class == "identical" {
			t.Errorf("%s %s came out identical by another recipe: %s", m.Name, m.Version, diff)
		}
	}
	t.Logf("%d of %d recipes agree", agree, len(data.Packages))
	// arrow differs on purpose: measured with an epoch it is not identical, and
	// the measurement says itself that without one it is.
	if agree < len(data.Packages)-2 {
		t.Errorf("only %d of %d recipes agree", agree, len(data.Packages))
	}
}

func (m measured) pkg() lock.Package {
	name := pep508.NormalizeName(m.Name)
	p := lock.Package{Name: name, Version: m.Version, Sdist: &lock.File{Name: m.Sdist.Filename, SHA256: m.Sdist.SHA256}}
	file := strings.ReplaceAll(name, "-", "_") + "-" + m.Version + "-py3-none-any.whl"
	if m.Wheel != nil {
		file = m.Wheel.Filename
		p.Upstream = []lock.Upstream{{Name: file, SHA256: m.Wheel.SHA256, Verdict: lock.VerdictUntried}}
	}
	p.Wheels = []lock.Wheel{{Name: file, Origin: lock.OriginBuilt}}
	return p
}

// against says how a recipe differs from the measured one, "" when it does not.
func (m measured) against(r *lock.Recipe) string {
	var diff []string
	if r.Epoch == nil || r.Epoch.Value != m.Recipe.Epoch {
		diff = append(diff, fmt.Sprintf("epoch %v, measured %d", r.Epoch, m.Recipe.Epoch))
	}
	if r.Umask != m.Recipe.Umask {
		diff = append(diff, fmt.Sprintf("umask %s, measured %s", r.Umask, m.Recipe.Umask))
	}
	env := m.Recipe.Env
	if m.Better != nil {
		env = m.Better
	}
	var have []string
	for _, b := range r.BuildRequires {
		have = append(have, b.Name+"=="+b.Version)
	}
	slices.Sort(have)
	if !slices.Equal(have, slices.Sorted(slices.Values(env))) {
		diff = append(diff, fmt.Sprintf("environment %v, measured %v", have, env))
	}
	return strings.Join(diff, "; ")
}

func network(t *testing.T) *index.Client {
	t.Helper()
	home, _ := os.UserHomeDir()
	url, err := index.DefaultURL(context.Background(), index.Env{Getenv: os.Getenv, Home: home,
		Run: func(ctx context.Context, name string, args ...string) ([]byte, error) {
			return exec.CommandContext(ctx, name, args...).Output()
		}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := index.New(index.Options{URL: url, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
