package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

type scenario struct {
	Path string
	Root struct {
		Requires []string
	}
	Environment struct{ Python string }
	Options     struct {
		Universal          bool
		Prereleases        bool
		Resolution         string
		Python             string
		PythonPlatform     string   `json:"python_platform"`
		NoBuild            []string `json:"no_build"`
		NoBinary           []string `json:"no_binary"`
		RequiredEnviroment []string `json:"required_environments"`
	}
	Packages map[string]map[string]struct {
		Requires       []string
		Extras         map[string][]string
		RequiresPython string `json:"requires_python"`
		Sdist          bool
		WheelTags      []string `json:"wheel_tags"`
		Yanked         bool
	}
	Expected struct {
		Satisfiable bool
		Packages    map[string]string
		Targets     []struct {
			Targets     []string
			Satisfiable bool
			Best        []map[string]string
		}
	}
}

func (s *scenario) source(t *testing.T) *memory {
	m := newMemory(t)
	for name, versions := range s.Packages {
		for version, r := range versions {
			var b strings.Builder
			b.WriteString("Metadata-Version: 2.2\nName: " + name + "\nVersion: " + version + "\n")
			if r.RequiresPython != "" {
				b.WriteString("Requires-Python: " + r.RequiresPython + "\n")
			}
			for _, q := range r.Requires {
				b.WriteString("Requires-Dist: " + q + "\n")
			}
			for extra, list := range r.Extras {
				b.WriteString("Provides-Extra: " + extra + "\n")
				for _, q := range list {
					q, marker, ok := strings.Cut(q, ";")
					if ok {
						marker = "(" + strings.TrimSpace(marker) + ") and "
					}
					b.WriteString("Requires-Dist: " + q + " ; " + marker + "extra == '" + extra + "'\n")
				}
			}
			f := index.File{RequiresPython: r.RequiresPython, Yanked: r.Yanked}
			stem := strings.ReplaceAll(name, "-", "_") + "-" + version
			if r.Sdist {
				f.Name = stem + ".tar.gz"
				m.add(name, f, b.String())
			}
			for _, tag := range r.WheelTags {
				f.Name = stem + "-" + tag + ".whl"
				m.add(name, f, b.String())
			}
		}
	}
	return m
}

func (s *scenario) request(t *testing.T, target tags.Target) Request {
	req := Request{Targets: []tags.Target{target}, Requirements: requirements(t, s.Root.Requires...),
		Prereleases: s.Options.Prereleases, OnlyBinary: s.Options.NoBuild, NoBinary: s.Options.NoBinary}
	switch s.Options.Resolution {
	case "lowest":
		req.Strategy = Lowest
	case "lowest-direct":
		req.Strategy = LowestDirect
	}
	return req
}

// scenarioTarget makes a target from its name in the data's table.
func scenarioTargets(t *testing.T, dir string) map[string]tags.Target {
	var table map[string]struct {
		Env  map[string]string
		Desc struct{ Python, Platform string }
	}
	readJSON(t, filepath.Join(dir, "_targets.json"), &table)
	m := map[string]tags.Target{}
	for name, x := range table {
		platform := strings.NewReplacer("glibc ", "manylinux_", "musl ", "musllinux_", "macOS ", "macosx_", ".", "_").Replace(x.Desc.Platform)
		if platform != "win_amd64" {
			platform += "_" + x.Env["platform_machine"]
		}
		m[name] = tags.Target{Name: name, Implementation: "cpython", Python: x.Env["python_version"], FullVersion: x.Desc.Python, Platform: platform}
	}
	return m
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestPackse(t *testing.T) {
	dir := shared(t, "testdata", "packse")
	targets := scenarioTargets(t, dir)
	files, _ := filepath.Glob(filepath.Join(dir, "[a-z]*.json"))
	ran := 0
	for _, file := range files {
		var s scenario
		readJSON(t, file, &s)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			src := s.source(t)
			for _, group := range s.Expected.Targets {
				for _, name := range group.Targets {
					target, ok := targets[name]
					if !ok {
						t.Fatalf("unknown target %s", name)
					}
					ran++
					sol, err := Resolve(context.Background(), src, s.request(t, target))
					var conflict *ConflictError
					switch {
					case errors.As(err, &conflict):
						if group.Satisfiable {
							t.Errorf("%s: %v", name, err)
						}
					case err != nil:
						t.Errorf("%s: %v", name, err)
					case !group.Satisfiable:
						t.Errorf("%s: got %v, but there is no solution", name, versions(sol.Targets[0]))
					default:
						checkBest(t, name, versions(sol.Targets[0]), group.Best)
					}
				}
			}
		})
	}
	if ran < 60 {
		t.Errorf("only %d solves were asked for", ran)
	}
}

func checkBest(t *testing.T, name string, got map[string]string, best []map[string]string) {
	t.Helper()
	for _, b := range best {
		want := map[string]string{}
		for k, v := range b {
			want[k] = pep440.MustParse(v).String()
		}
		if cmp.Equal(got, want) {
			return
		}
	}
	t.Errorf("%s: got %v, want one of %v", name, got, best)
}

// uvDiffers are scenarios whose own answer is not the one that is wanted here.
var uvDiffers = map[string]string{
	"requires_python/python-less-than-current":       "upper bounds of Requires-Python hold",
	"requires_python/python-patch-override-no-patch": "3.9 is the last patch release of 3.9, not 3.9.0",
	"fork/conflict-in-fork":                          "a limit of forking",
	"fork/non-local-fork-marker-transitive":          "a limit of forking",
	"fork/preferences-dependent-forking-conflicting": "a limit of forking",
	"fork/lowest-fork-min-python":                    "its one environment is not where its answer holds",
	"wheels/specific-architecture":                   "uv locks where nothing can be installed",
}

// TestPackseOwnAnswers compares with the scenarios' own answers where those
// are for one environment: these include the pre-release and yank rules.
func TestPackseOwnAnswers(t *testing.T) {
	dir := shared(t, "testdata", "packse")
	files, _ := filepath.Glob(filepath.Join(dir, "[a-z]*.json"))
	for _, file := range files {
		var s scenario
		readJSON(t, file, &s)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			if why := uvDiffers[s.Path]; why != "" {
				t.Skip(why)
			}
			python := s.Environment.Python
			if s.Options.Python != "" {
				python = s.Options.Python
			}
			platform := "manylinux_2_28_x86_64"
			if s.Options.PythonPlatform != "" {
				platform = "manylinux_2_17_x86_64"
			}
			target := tags.Target{Name: "plain", Implementation: "cpython", Python: strings.Join(strings.Split(python, ".")[:2], "."), Platform: platform}
			if strings.Count(python, ".") == 2 {
				target.FullVersion = python
			}
			req := s.request(t, target)
			req.PreferFinal = true
			sol, err := Resolve(context.Background(), s.source(t), req)
			var conflict *ConflictError
			switch {
			case errors.As(err, &conflict):
				if s.Expected.Satisfiable {
					t.Errorf("no solution: %v", err)
				}
			case err != nil:
				t.Error(err)
			case !s.Expected.Satisfiable:
				if !s.Options.Universal {
					t.Errorf("got %v, but there is no solution", versions(sol.Targets[0]))
				}
			default:
				got := versions(sol.Targets[0])
				for name, v := range s.Expected.Packages {
					if g, ok := got[name]; ok && g != pep440.MustParse(v).String() || !ok && !s.Options.Universal {
						t.Errorf("%s: got %q, want %s", name, g, v)
					}
				}
			}
		})
	}
}
