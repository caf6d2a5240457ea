package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
)

// silent are Events that nobody hears.
type silent struct{}

func (silent) Extended(*Job, []string)       {}
func (silent) Begin(*Job)                    {}
func (silent) Done(int, int, *Job, *Outcome) {}

// tools is a lock in which app is built by tool, and tool by core, which builds itself;
// ring-a and ring-b are built by each other.
func tools() *lock.Lock {
	row := func(name string) []lock.Wheel {
		return []lock.Wheel{{Name: name + "-1-py3-none-any.whl", Origin: lock.OriginBuilt, Recipe: "sha256:" + name}}
	}
	rec := func(name string, needs ...string) lock.Recipe {
		r := lock.Recipe{Digest: "sha256:" + name, Python: "cp311"}
		for _, n := range needs {
			r.BuildRequires = append(r.BuildRequires, lock.BuildRequire{Name: n, Version: "1", SHA256: n})
		}
		return r
	}
	l := &lock.Lock{Targets: []lock.Target{{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}}}
	for _, name := range []string{"app", "core", "ring-a", "ring-b", "tool"} {
		p := lock.Package{Name: name, Version: "1", Wheels: row(name)}
		if name != "app" {
			p.Group = lock.GroupBuild
		}
		l.Packages = append(l.Packages, p)
	}
	core := rec("core")
	core.BackendPath = []string{"."}
	l.Recipes = []lock.Recipe{rec("app", "tool", "published"), core, rec("tool", "core"), rec("ring-a", "ring-b"), rec("ring-b", "ring-a")}
	return l
}

func TestPlanOf(t *testing.T) {
	p := PlanOf(tools())
	var got []string
	for i, s := range p.Stages {
		for _, n := range s {
			got = append(got, fmt.Sprint(i+1, " ", n.Package, " ", n.Bootstrap, " ", n.Needs))
		}
	}
	want := "1 core true []\n2 tool false [core 1]\n3 app false [tool 1]\n4 ring-a false [ring-b 1]\n5 ring-b false [ring-a 1]"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if len(p.Cycles) != 1 || len(p.Cycles[0]) != 2 || !slices.Equal(p.Cycles[0][0].Seeds, []string{"ring-b 1"}) {
		t.Errorf("cycles %v, want the ring", p.Cycles)
	}
	if len(p.Seeds) != 1 || p.Seeds[0].Package != "published" || p.Seeds[0].Builds != 1 {
		t.Errorf("seeds %v", p.Seeds)
	}
}

// TestEach: what a job needs comes before it, even in a ring everything comes to its
// end, no more runs at a time than there is memory for, and one failure of the
// environment ends the run.
func TestEach(t *testing.T) {
	l := tools()
	for i := range l.Packages {
		l.Packages[i].Group = lock.GroupBuild
	}
	var jobs []*Job
	for i := range l.Packages {
		jobs = append(jobs, NewJob(&l.Packages[i], 0))
	}
	var mu sync.Mutex
	var order []string
	now, most := 0, 0
	step := func(_ context.Context, j *Job, _ string) (*Outcome, error) {
		mu.Lock()
		order = append(order, j.Package.Name)
		now++
		most = max(most, now)
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		return &Outcome{Job: j}, nil
	}
	r := &Run{Lock: l, Events: silent{}, Jobs: 4, Memory: pureMemory + 1}
	r.stages(jobs)
	if err := r.each(context.Background(), jobs, step); err != nil {
		t.Fatal(err)
	}
	at := func(name string) int { return slices.Index(order, name) }
	if len(order) != 5 || at("core") > at("tool") || at("tool") > at("app") || most != 1 {
		t.Errorf("order %v, %d at a time", order, most)
	}
	down := errors.New("the index is down")
	r = &Run{Lock: l, Events: silent{}, Jobs: 2}
	if err := r.each(context.Background(), jobs, func(context.Context, *Job, string) (*Outcome, error) { return nil, down }); err != down {
		t.Errorf("got %v", err)
	}
}
