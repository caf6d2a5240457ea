package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// target is what everything is built for: Python 3.11, as the measured data were.
const target = "bookworm"

// bench is an index and a builder.
type bench struct {
	client  *index.Client
	builder *build.Builder
	dir     string
	temp    bool
}

func newBench(ctx context.Context, dir string) (*bench, error) {
	b := &bench{dir: dir}
	var err error
	if dir == "" {
		b.temp = true
		if b.dir, err = os.MkdirTemp("", "reach-"); err != nil {
			return nil, err
		}
	}
	home, _ := os.UserHomeDir()
	url, err := index.DefaultURL(ctx, index.Env{Getenv: os.Getenv, Home: home,
		Run: func(ctx context.Context, name string, args ...string) ([]byte, error) {
			return exec.CommandContext(ctx, name, args...).Output()
		}})
	if err != nil {
		return nil, err
	}
	if b.client, err = index.New(index.Options{URL: url, CacheDir: filepath.Join(b.dir, "index")}); err != nil {
		return nil, err
	}
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, err
	}
	b.builder = &build.Builder{Cache: filepath.Join(b.dir, "build"), Bwrap: bwrap,
		Interpreters: &build.Interpreters{Search: append([]string{"/usr/bin"}, filepath.SplitList(os.Getenv("PATH"))...)}}
	return b, os.MkdirAll(b.builder.Cache, 0o755)
}

func (b *bench) close() {
	if b.temp {
		os.RemoveAll(b.dir)
	}
}

// counted counts builds.
type counted struct {
	*build.Builder
	n atomic.Int64
}

func (c *counted) Build(ctx context.Context, j build.Job) (*build.Result, error) {
	c.n.Add(1)
	return c.Builder.Build(ctx, j)
}

// files takes everything from the index.
type files struct{ *index.Client }

func (f files) Source() (recipe.Source, error) { return f.Client, nil }

func (f files) Get(ctx context.Context, project, file, sha256 string, _ ...string) (string, error) {
	page, err := f.Page(ctx, project)
	if err != nil {
		return "", err
	}
	for _, x := range page.Files {
		if x.SHA256 == sha256 {
			return f.Fetch(ctx, x)
		}
	}
	return "", fmt.Errorf("the index has no %s with sha256 %s", file, sha256)
}

// silent hears of nothing.
type silent struct{}

func (silent) Begin(*rebuild.Job)                            {}
func (silent) Extended(*rebuild.Job, []string)               {}
func (silent) Done(int, int, *rebuild.Job, *rebuild.Outcome) {}

// one plans, builds and compares one package in a lock of its own.
func (b *bench) one(ctx context.Context, r *row) error {
	t, err := tags.Lookup(target)
	if err != nil {
		return err
	}
	l, err := b.lock(ctx, r, t)
	if err != nil {
		return err
	}
	if err := recipe.Plan(ctx, b.client, l, []tags.Target{t}, recipe.Options{}); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.builder.Cache, ".reach-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	builder := &counted{Builder: b.builder}
	run := &rebuild.Run{Builder: builder, Files: files{b.client}, Events: silent{}, Lock: l, Dir: dir, Check: 1, Jobs: 1,
		Finding: func(error) (string, bool) { return "", true }}
	jobs, _ := rebuild.Select(l, rebuild.Selection{})
	if err := run.Build(ctx, jobs); err != nil {
		return err
	}
	r.Builds = int(builder.n.Load())
	if len(run.Failures) > 0 {
		return errors.New(run.Failures[0].Why)
	}
	o := run.Outcomes[0]
	r.Why, r.Env = o.Why, o.Recipe.Env
	for _, x := range o.Recipe.BuildRequires {
		r.Tools = append(r.Tools, x.Name+" "+x.Version)
	}
	for _, c := range o.Compared {
		if c.Upstream.Name != r.wheel {
			continue
		}
		r.Class, r.Causes, r.Lines = string(c.Result.Verdict), c.Result.Causes, c.Result.Lines
		if r.Class == lock.VerdictBytes {
			r.Class = "environment"
			if o.Recipe.Container != "" {
				r.Class = "container"
			}
		}
	}
	return nil
}

// dependencies are the names that a wheel requires: what it is built of must not
// need others.
func (b *bench) dependencies(ctx context.Context, f index.File) (names []string, err error) {
	text, err := b.client.Metadata(ctx, f)
	if err != nil {
		return nil, err
	}
	m, err := metadata.Parse(text)
	for _, q := range m.RequiresDist {
		names = append(names, q.Canonical())
	}
	return names, err
}

// lock makes a lock of one version, whose wheel is to be built.
func (b *bench) lock(ctx context.Context, r *row, t tags.Target) (*lock.Lock, error) {
	want, err := pep440.Parse(r.Version)
	if err != nil {
		return nil, err
	}
	page, err := b.client.Page(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	p := lock.Package{Name: r.Name, Version: want.String()}
	for _, f := range page.Files {
		if n, err := tags.ParseSdistName(f.Name); err == nil && n.Version.Compare(want) == 0 && (p.Sdist == nil || strings.HasSuffix(f.Name, ".gz")) {
			p.Sdist = &lock.File{Name: f.Name, SHA256: f.SHA256}
		}
		n, err := tags.ParseWheelName(f.Name)
		if err != nil || n.Version.Compare(want) != 0 || !strings.HasSuffix(f.Name, "-none-any.whl") {
			continue
		}
		if _, fits := t.Best(n); fits {
			if p.Dependencies, err = b.dependencies(ctx, f); err != nil {
				return nil, err
			}
			r.wheel = f.Name
			p.Upstream = []lock.Upstream{{Name: f.Name, SHA256: f.SHA256, Verdict: lock.VerdictUntried}}
			p.Wheels = []lock.Wheel{{Name: f.Name, Origin: lock.OriginBuilt}}
		}
	}
	if p.Sdist == nil || p.Wheels == nil {
		return nil, errors.New("no sdist, or no pure wheel")
	}
	return &lock.Lock{Version: lock.Version, CreatedBy: lock.CreatedBy, RequiresDigest: "sha256:" + strings.Repeat("0", 64),
		Targets:  []lock.Target{{Name: t.Name, Python: t.Python, Platform: t.Platform}},
		Packages: []lock.Package{p}}, nil
}
