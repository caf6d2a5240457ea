package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// invented is a random index with an exhaustive search beside it, which knows
// nothing of the solver's sets.
type invented struct {
	source      *memory
	versions    map[string][]string // usable on the target, oldest first
	needs       map[string][]string // "name version" -> requirements
	yanked      map[string]bool     // "name version"
	roots       []string
	constraints []string
	overrides   []string
}

// invent makes an index of finals; reluctant adds pre-releases and yanks.
func invent(t testing.TB, r *rand.Rand, reluctant bool) *invented {
	w := &invented{source: newMemory(t), versions: map[string][]string{}, needs: map[string][]string{}, yanked: map[string]bool{}}
	names := []string{"a", "b", "c", "d", "e", "f"}[:2+r.Intn(5)]
	all := []string{"1.0", "1.1", "1.1.post1", "2.0", "2.0+local", "3.0"}
	if reluctant {
		all = []string{"1.0", "1.1", "1.5a1", "2.0.dev1", "2.0", "3.0rc1"}
	}
	spec := func() string {
		switch r.Intn(7) {
		case 0:
			return "==" + all[r.Intn(len(all))]
		case 1:
			return ">=" + all[r.Intn(4)]
		case 2:
			return "<" + all[r.Intn(4)]
		case 3:
			return "!=" + all[r.Intn(len(all))]
		case 4:
			return "~=1.0"
		case 5:
			return "==2.*"
		}
		return ""
	}
	req := func() string {
		n := names[r.Intn(len(names))]
		if r.Intn(20) == 0 {
			n = "nowhere"
		}
		if r.Intn(5) == 0 {
			n += "[x]"
		}
		q := n + spec()
		switch r.Intn(10) {
		case 0:
			q += "; python_version < '3'"
		case 1:
			q += "; extra == 'x'"
		case 2:
			q += "; extra == 'x' and sys_platform == 'linux'"
		}
		return q
	}
	for _, n := range names {
		for _, v := range all {
			if r.Intn(3) == 0 {
				continue
			}
			f := index.File{Name: n + "-" + v + "-py3-none-any.whl"}
			usable := true
			switch r.Intn(12) {
			case 0:
				f.RequiresPython, usable = "<3.9", false
			case 1:
				f.RequiresPython = ">=3.6,<3.12"
			case 2:
				f.Name, usable = n+"-"+v+"-cp311-cp311-win_amd64.whl", false
			}
			if reluctant && r.Intn(5) == 0 {
				f.Yanked, w.yanked[n+" "+v] = true, true
			}
			var b strings.Builder
			fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\nProvides-Extra: x\n", n, v)
			for range r.Intn(4) {
				q := req()
				w.needs[n+" "+v] = append(w.needs[n+" "+v], q)
				b.WriteString("Requires-Dist: " + q + "\n")
			}
			w.source.add(n, f, b.String())
			if usable {
				w.versions[n] = append(w.versions[n], v)
			}
		}
	}
	for range 1 + r.Intn(3) {
		w.roots = append(w.roots, strings.Split(req(), ";")[0])
	}
	if r.Intn(3) == 0 {
		w.constraints = append(w.constraints, names[r.Intn(len(names))]+spec())
	}
	return w
}

type goal struct {
	req    pep508.Requirement
	extras []string
}

// overridden is a requirement with the bounds of the overrides on its name.
func (w *invented) overridden(env pep508.Environment, q pep508.Requirement) pep508.Requirement {
	var spec pep440.Specifiers
	found := false
	for _, o := range w.overrides {
		r := pep508.MustParse(o)
		if r.Canonical() != q.Canonical() {
			continue
		}
		if r.Marker != nil {
			if ok, _ := r.Marker.Eval(env); !ok {
				continue
			}
		}
		spec, found = spec.And(r.Specifiers), true
	}
	if found {
		q.Specifiers = spec
	}
	return q
}

// solutions calls yield with every set of versions that satisfies everything
// and holds nothing that is not needed.
func (w *invented) solutions(env pep508.Environment, yield func(map[string]string) bool) {
	bounds := map[string][]pep440.Specifiers{}
	for _, c := range w.constraints {
		q := pep508.MustParse(c)
		bounds[q.Canonical()] = append(bounds[q.Canonical()], q.Specifiers)
	}
	var walk func(sol map[string]string, done map[string]bool, goals []goal) bool
	walk = func(sol map[string]string, done map[string]bool, goals []goal) bool {
		for len(goals) > 0 {
			g := goals[0]
			goals = goals[1:]
			if g.req.Marker != nil {
				if ok, _ := g.req.Marker.Eval(env, g.extras...); !ok {
					continue
				}
			}
			g.req = w.overridden(env, g.req)
			name := g.req.Canonical()
			version, chosen := sol[name]
			if !chosen {
				for _, v := range w.versions[name] {
					next := map[string]string{name: v}
					for k, v := range sol {
						next[k] = v
					}
					if !walk(next, done, append([]goal{g}, goals...)) {
						return false
					}
				}
				return true
			}
			ok := g.req.Specifiers.Contains(pep440.MustParse(version), pep440.PreAllow)
			for _, s := range bounds[name] {
				ok = ok && s.Contains(pep440.MustParse(version), pep440.PreAllow)
			}
			if !ok {
				return true
			}
			key := name + strings.Join(g.req.Extras, ",")
			if done[key] {
				continue
			}
			marked := map[string]bool{key: true}
			for k := range done {
				marked[k] = true
			}
			done = marked
			for _, q := range w.needs[name+" "+version] {
				goals = append(slices.Clone(goals), goal{pep508.MustParse(q), nil})
				if len(g.req.Extras) > 0 {
					goals = append(goals, goal{pep508.MustParse(q), g.req.Extras})
				}
			}
		}
		return yield(sol)
	}
	var goals []goal
	for _, q := range w.roots {
		goals = append(goals, goal{pep508.MustParse(q), nil})
	}
	walk(map[string]string{}, map[string]bool{}, goals)
}

// TestAgainstExhaustiveSearch compares whole resolutions of random indexes.
func TestAgainstExhaustiveSearch(t *testing.T) {
	solved, refuted := 0, 0
	for seed := range int64(600) {
		w := invent(t, rand.New(rand.NewSource(seed)), false)
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, w.roots...), Constraints: requirements(t, w.constraints...)}
		took := resolvetest.Stopwatch()
		sol, err := Resolve(context.Background(), w.source, req)
		if d := took(); d > time.Second {
			t.Errorf("seed %d: took %v", seed, d)
		}
		var conflict *ConflictError
		if err != nil && !errors.As(err, &conflict) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var got map[string]string
		if sol != nil {
			got = versions(sol.Targets[0])
		}
		exists, same := false, false
		w.solutions(debian12.Environment(), func(m map[string]string) bool {
			exists = true
			if got == nil {
				return false
			}
			same = same || sameVersions(m, got)
			if higher(m, got) {
				t.Errorf("seed %d: got %v, but %v is better", seed, got, m)
				return false
			}
			return true
		})
		switch {
		case exists != (err == nil):
			t.Fatalf("seed %d: got %v, %v; exhaustive search says %v\nroots %q constraints %q", seed, got, err, exists, w.roots, w.constraints)
		case exists && !same:
			t.Fatalf("seed %d: %v is no solution", seed, got)
		case exists:
			solved++
		default:
			refuted++
		}
	}
	if solved < 120 || refuted < 120 {
		t.Errorf("the generator is lopsided: %d solved, %d refuted", solved, refuted)
	}
}

func sameVersions(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func higher(m, than map[string]string) bool {
	if len(m) != len(than) {
		return false
	}
	above := false
	for k, v := range m {
		u, ok := than[k]
		if !ok {
			return false
		}
		switch c := pep440.MustParse(v).Compare(pep440.MustParse(u)); {
		case c < 0:
			return false
		case c > 0:
			above = true
		}
	}
	return above
}

// lawful judges a set of versions by the rule for pre-releases and yanks, as
// pip applies it to all requirements in force on a package together. With
// founded, what permits a version must not be needed by that version alone:
// pip never gets so far as to read it.
func (w *invented) lawful(env pep508.Environment, sol map[string]string, founded bool) bool {
	for name, v := range sol {
		if !w.permits(w.joint(env, sol, name, ""), name, v) || founded && !w.permits(w.joint(env, sol, name, name), name, v) {
			return false
		}
	}
	return true
}

// joint is everything that is asked of a package, but for what only leads
// there through the package but.
func (w *invented) joint(env pep508.Environment, sol map[string]string, of, but string) (joint pep440.Specifiers) {
	seen := map[string]bool{}
	var read func(q pep508.Requirement, extras []string)
	read = func(q pep508.Requirement, extras []string) {
		if q.Marker != nil {
			if ok, _ := q.Marker.Eval(env, extras...); !ok {
				return
			}
		}
		name := q.Canonical()
		if name == of {
			joint = joint.And(q.Specifiers)
		}
		key := name + strings.Join(q.Extras, ",")
		if seen[key] || name == but {
			return
		}
		seen[key] = true
		for _, d := range w.needs[name+" "+sol[name]] {
			read(pep508.MustParse(d), nil)
			if len(q.Extras) > 0 {
				read(pep508.MustParse(d), q.Extras)
			}
		}
	}
	for _, q := range w.roots {
		read(pep508.MustParse(q), nil)
	}
	for _, c := range w.constraints {
		if q := pep508.MustParse(c); q.Canonical() == of {
			joint = joint.And(q.Specifiers)
		}
	}
	return joint
}

func (w *invented) permits(joint pep440.Specifiers, name, v string) bool {
	keep := joint.Filter(w.versions[name], pep440.PreAuto)
	pinned := false
	for _, c := range joint.Clauses() {
		pinned = pinned || c.Op == "==" && !strings.HasSuffix(c.Version, ".*")
	}
	all := !slices.ContainsFunc(keep, func(v string) bool { return !w.yanked[name+" "+v] })
	return slices.Contains(keep, v) && (!w.yanked[name+" "+v] || pinned && all)
}

// TestReluctant does the same where pre-releases and yanks decide.
func TestReluctant(t *testing.T) {
	solved, refuted, reluctant := 0, 0, 0
	for seed := range int64(900) {
		w := invent(t, rand.New(rand.NewSource(seed)), true)
		env := debian12.Environment()
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, w.roots...), Constraints: requirements(t, w.constraints...)}
		sol, err := Resolve(context.Background(), w.source, req)
		var conflict *ConflictError
		if err != nil && !errors.As(err, &conflict) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var legal map[string]string
		w.solutions(env, func(m map[string]string) bool {
			if w.lawful(env, m, true) {
				legal = m
			}
			return legal == nil
		})
		switch {
		case sol == nil && legal == nil:
			refuted++
		case sol == nil:
			t.Errorf("seed %d: no solution found, but there is %v\nroots %q constraints %q\n%v", seed, legal, w.roots, w.constraints, err)
		case !w.lawful(env, versions(sol.Targets[0]), false):
			t.Errorf("seed %d: %v breaks the rule\nroots %q constraints %q", seed, versions(sol.Targets[0]), w.roots, w.constraints)
		default:
			solved++
			for name, v := range versions(sol.Targets[0]) {
				if pep440.MustParse(v).IsPrerelease() || w.yanked[name+" "+v] {
					reluctant++
					break
				}
			}
		}
	}
	t.Logf("%d solved (%d with a pre-release or a yanked release), %d refuted", solved, reluctant, refuted)
}
