package rebuild_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// goldenLeast is how many of SecureDrop's published wheels came out bit for bit
// when their makers' own recipe was measured.
const goldenLeast = 42

// TestGolden rebuilds wheels whose hashes the Freedom of the Press Foundation
// published and signed, each by the set of tools that gave it: all of them in the
// environment, one epoch for everything.
func TestGolden(t *testing.T) {
	if os.Getenv("WHEELLOCK_GOLDEN") == "" {
		t.Skip("WHEELLOCK_GOLDEN is not set: 42 builds with files from the index")
	}
	var data struct {
		Recipes map[string]string
		Wheels  []struct {
			Name, Version, Sdist, Wheel string
			SdistSHA256                 string `json:"sdist_sha256"`
			Published                   string `json:"wheel_sha256_published"`
			Recipe                      *string
		}
	}
	b, err := os.ReadFile(filepath.Join(sharedFolder(), "testdata", "rebuild", "fpf.json"))
	if err != nil {
		t.Skipf("the measured data are not here: %v", err)
	}
	if err := json.Unmarshal(b, &data); err != nil {
		t.Fatal(err)
	}
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("bubblewrap is not installed")
	}
	builder := &build.Builder{Cache: t.TempDir(), Bwrap: bwrap, Interpreters: &build.Interpreters{Search: []string{"/usr/bin", "/usr/local/bin"}}}
	if builder.Interpreters.Find(context.Background(), "cp311", false) == nil {
		t.Skip("no Python 3.11 in /usr/bin")
	}
	g := &golden{builder: builder, client: network(t), tools: map[string][]build.Requirement{}}
	same := 0
	for _, w := range data.Wheels {
		if w.Recipe == nil {
			continue
		}
		got, err := g.build(t, w.Name, w.Version, w.Sdist, w.SdistSHA256, *w.Recipe, data.Recipes[*w.Recipe])
		if err != nil {
			t.Errorf("%s %s: %v", w.Name, w.Version, err)
			continue
		}
		if got != w.Published {
			t.Logf("%s by %s: %s, published %s", w.Wheel, *w.Recipe, got, w.Published)
			continue
		}
		same++
	}
	t.Logf("%d of %d published wheels came out bit for bit", same, len(data.Wheels))
	if same < goldenLeast {
		t.Errorf("%d wheels came out bit for bit, want at least %d", same, goldenLeast)
	}
}

type golden struct {
	builder *build.Builder
	client  *index.Client
	tools   map[string][]build.Requirement
}

// fetch gets one file by a condition on it.
func (g *golden) fetch(name string, want func(index.File) bool) (string, index.File, error) {
	ctx := context.Background()
	page, err := g.client.Page(ctx, name)
	if err != nil {
		return "", index.File{}, err
	}
	for _, f := range page.Files {
		if want(f) {
			path, err := g.client.Fetch(ctx, f)
			return path, f, err
		}
	}
	return "", index.File{}, fmt.Errorf("the index does not have it")
}

// set fetches the wheels of a tool set, "setuptools 79.0.0, wheel 0.38.1".
func (g *golden) set(key, text string, target tags.Target) ([]build.Requirement, error) {
	if reqs := g.tools[key]; reqs != nil {
		return reqs, nil
	}
	var reqs []build.Requirement
	for _, tool := range strings.Split(text, ", ") {
		name, version, _ := strings.Cut(tool, " ")
		want := pep440.MustParse(version)
		path, f, err := g.fetch(pep508.NormalizeName(name), func(f index.File) bool {
			w, err := tags.ParseWheelName(f.Name)
			_, fits := target.Best(w)
			return err == nil && fits && w.Version.Compare(want) == 0
		})
		if err != nil {
			return nil, fmt.Errorf("tool %s: %w", tool, err)
		}
		reqs = append(reqs, build.Requirement{Name: pep508.NormalizeName(name), Version: version, SHA256: f.SHA256, Path: path})
	}
	g.tools[key] = reqs
	return reqs, nil
}

func (g *golden) build(t *testing.T, name, version, sdist, sum, key, tools string) (string, error) {
	target, err := tags.Lookup("bookworm")
	if err != nil {
		return "", err
	}
	path, _, err := g.fetch(name, func(f index.File) bool { return f.SHA256 == sum })
	if err != nil {
		return "", fmt.Errorf("%s: %w", sdist, err)
	}
	reqs, err := g.set(key, tools, target)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	parsed, err := tags.ParseSdistName(sdist)
	if err != nil {
		return "", err
	}
	source, err := metadata.ReadSdist(f, parsed.Ext)
	if err != nil {
		return "", err
	}
	sys, err := source.BuildSystem()
	if err != nil {
		return "", err
	}
	res, err := g.builder.Build(context.Background(), build.Job{
		Name: name, Version: version, Sdist: path, Requires: reqs, Target: target, Into: t.TempDir(),
		Recipe: &lock.Recipe{Sdist: "sha256:" + sum, Backend: sys.Backend, BackendPath: sys.BackendPath, Python: "cp311",
			Epoch: &lock.Epoch{Value: 1309379017, From: "project"}, Umask: "022", BuildPath: "/build/" + name + "-" + version},
	})
	if err != nil {
		return "", err
	}
	wheel, err := os.ReadFile(res.Path)
	return fmt.Sprintf("%x", sha256.Sum256(wheel)), err
}

// sharedFolder is where measured data of other projects lie, beside the repository.
func sharedFolder() string {
	if dir := os.Getenv("WHEELLOCK_SHARED"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared")
}

// network is the index that pip uses here.
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
