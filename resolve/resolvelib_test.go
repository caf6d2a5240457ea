package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

type libIndex struct {
	Cases []struct {
		Name       string
		Requested  []string
		Resolved   map[string]json.RawMessage
		Conflicted map[string]any
	}
	Packages map[string]struct {
		Deps     []json.RawMessage // a list; {} for none
		Versions map[string]int
	}
}

var extraInMarker = regexp.MustCompile(`extra\s*==\s*['"]([^'"]+)['"]`)

func (l *libIndex) source(t *testing.T) *memory {
	m := newMemory(t)
	for name, p := range l.Packages {
		m.page(name)
		for version, k := range p.Versions {
			var b strings.Builder
			b.WriteString("Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n")
			var deps []string
			_ = json.Unmarshal(p.Deps[k], &deps)
			for _, d := range deps {
				if _, err := pep508.Parse(d); err != nil {
					continue // what resolvelib's snapshot of 2020 could read and PEP 508 does not allow
				}
				b.WriteString("Requires-Dist: " + d + "\n")
				for _, x := range extraInMarker.FindAllStringSubmatch(d, -1) {
					b.WriteString("Provides-Extra: " + x[1] + "\n")
				}
			}
			m.add(name, index.File{Name: strings.ReplaceAll(name, "-", "_") + "-" + version + "-py3-none-any.whl"}, b.String())
		}
	}
	return m
}

func TestResolvelib(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(shared(t, "testdata", "resolvelib"), "*.json"))
	target := tags.Target{Name: "py38", Implementation: "cpython", Python: "3.8", FullVersion: "3.8.10", Platform: "manylinux_2_31_x86_64"}
	for _, file := range files {
		var l libIndex
		readJSON(t, file, &l)
		src := l.source(t)
		for _, c := range l.Cases {
			t.Run(c.Name, func(t *testing.T) {
				reqs := requirements(t, c.Requested...)
				took := resolvetest.Stopwatch()
				sol, err := Resolve(context.Background(), src, Request{Targets: []tags.Target{target}, Requirements: reqs})
				if d := took(); d > 5*time.Second {
					t.Errorf("took %v", d)
				}
				var conflict *ConflictError
				switch {
				case errors.As(err, &conflict):
					for name := range c.Conflicted {
						if !strings.Contains(err.Error(), name) {
							t.Errorf("the explanation does not name %s:\n%v", name, err)
						}
					}
					if c.Conflicted == nil {
						t.Errorf("no solution found:\n%v", err)
					}
				case err != nil:
					t.Error(err)
				case c.Conflicted != nil:
					t.Errorf("got %v, but there is no solution", versions(sol.Targets[0]))
				default:
					checkValid(t, src, target, reqs, sol.Targets[0])
					for name, raw := range c.Resolved {
						var v struct{ Version string }
						if json.Unmarshal(raw, &v.Version) != nil && json.Unmarshal(raw, &v) != nil {
							t.Fatal(string(raw))
						}
						if got := versions(sol.Targets[0])[name]; got == "" || pep440.MustParse(got).Compare(pep440.MustParse(v.Version)) < 0 {
							t.Logf("%s: got %q, resolvelib has %s", name, got, v.Version)
						}
					}
				}
			})
		}
	}
}

// checkValid checks an answer against the metadata itself, without the search:
// everything needed is there, in a version that is allowed, and nothing else is.
func checkValid(t *testing.T, src Source, target tags.Target, reqs []Requirement, sol TargetSolution) {
	t.Helper()
	pins := map[string]Pin{}
	for _, p := range sol.Pins {
		pins[p.Name] = p
	}
	reached := map[string]bool{}
	var need func(from string, r pep508.Requirement, extras ...string)
	need = func(from string, r pep508.Requirement, extras ...string) {
		if r.Marker != nil {
			if ok, err := r.Marker.Eval(target.Environment(), extras...); err != nil || !ok {
				return
			}
		}
		p, ok := pins[r.Canonical()]
		if !ok || !r.Specifiers.Contains(p.Version, pep440.PreAllow) {
			t.Errorf("%s needs %s, but got %q", from, r, p.Version)
			return
		}
		key := r.Canonical() + "[" + strings.Join(r.Extras, ",") + "]"
		if reached[key] {
			return
		}
		reached[key], reached[p.Name] = true, true
		b, err := src.Metadata(context.Background(), *p.Wheel)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if d, ok := strings.CutPrefix(line, "Requires-Dist: "); ok {
				q, err := pep508.Parse(d)
				if err != nil {
					t.Fatal(err)
				}
				need(p.Name, q)
				for _, e := range r.Extras {
					need(p.Name, q, e)
				}
			}
		}
	}
	for _, r := range reqs {
		need(r.Origin, r.Requirement)
	}
	for name := range pins {
		if !reached[name] {
			t.Errorf("%s is there, but nothing needs it", name)
		}
	}
}
