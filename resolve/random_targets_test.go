package resolve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

var universes = flag.Int64("universes", 500, "random universes with several targets")
var firstSeed = flag.Int64("seed", 0, "the first of them")

// multiverse is an index as several targets see it: what is needed is the same,
// what can be used is not.
type multiverse struct {
	targets []tags.Target
	views   []*invented // by target
	request Request
}

var three = []string{"focal", "bookworm", "windows"}

// inventMultiverse makes an index with markers, extras, bounds on Python and
// wheels for some platforms, and a request with constraints and overrides.
func inventMultiverse(t testing.TB, r *rand.Rand) *multiverse {
	s := &multiverse{}
	for _, name := range three[:1+r.Intn(3)] {
		target, err := tags.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		s.targets = append(s.targets, target)
	}
	source := newMemory(t)
	needs := map[string][]string{}
	for range s.targets {
		s.views = append(s.views, &invented{source: source, versions: map[string][]string{}, needs: needs})
	}
	names := []string{"a", "b", "c", "d", "e"}[:2+r.Intn(4)]
	all := []string{"1.0", "1.1", "2.0", "2.1", "3.0"}
	pick := func(list []string) string { return list[r.Intn(len(list))] }
	spec := func() string {
		return pick([]string{"", "", "==" + pick(all), ">=" + pick(all[:3]), "<" + pick(all[1:]), "!=" + pick(all), "~=2.0", "==1.*", ">1.0,<3"})
	}
	req := func() string {
		n := pick(names)
		if r.Intn(4) == 0 {
			n += "[" + pick([]string{"x", "y", "x,y"}) + "]"
		}
		return n + spec() + pick([]string{"", "", "", "; python_version < '3.9'", "; python_version >= '3.10'", "; sys_platform == 'win32'", "; sys_platform != 'win32'"})
	}
	for _, n := range names {
		for _, v := range all {
			if r.Intn(4) == 0 {
				continue
			}
			s.release(r, n, v)
			var b strings.Builder
			fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\nProvides-Extra: x\nProvides-Extra: y\n", n, v)
			for range r.Intn(4) {
				q := req()
				if r.Intn(4) == 0 {
					left, marker, ok := strings.Cut(q, ";")
					q = left + "; extra == '" + pick([]string{"x", "y"}) + "'"
					if ok {
						q += " and" + marker
					}
				}
				needs[n+" "+v] = append(needs[n+" "+v], q)
				b.WriteString("Requires-Dist: " + q + "\n")
			}
			for name := range source.metadata {
				if strings.HasPrefix(name, n+"-"+v+"-") {
					source.metadata[name] = []byte(b.String())
				}
			}
		}
	}
	var roots, constraints, overrides []string
	for range 1 + r.Intn(3) {
		roots = append(roots, req())
	}
	if r.Intn(3) == 0 {
		constraints = append(constraints, pick(names)+spec())
	}
	if r.Intn(4) == 0 {
		overrides = append(overrides, pick(names)+spec()+pick([]string{"", "; python_version < '3.9'"}))
	}
	for _, w := range s.views {
		w.roots, w.constraints, w.overrides = roots, constraints, overrides
	}
	s.request = Request{Targets: s.targets, Requirements: requirements(t, roots...),
		Constraints: requirements(t, constraints...), Overrides: requirements(t, overrides...)}
	for i := range s.request.Constraints {
		s.request.Constraints[i].Origin = fmt.Sprintf("constraints.txt:%d", i+1)
	}
	for i := range s.request.Overrides {
		s.request.Overrides[i].Origin = fmt.Sprintf("wheellock.toml:%d", i+1)
	}
	return s
}

// release adds the files of a version and notes which targets can use it.
func (s *multiverse) release(r *rand.Rand, n, v string) {
	python, platform := "", []string{"py3-none-any"}
	switch r.Intn(10) {
	case 0:
		python = ">=3.9"
	case 1:
		python = "<3.12"
	case 2:
		platform = []string{"cp38-abi3-manylinux_2_34_x86_64"}
	case 3:
		platform = []string{"cp313-cp313-win_amd64", "cp311-cp311-manylinux_2_17_x86_64"}
	}
	for _, p := range platform {
		s.views[0].source.add(n, index.File{Name: n + "-" + v + "-" + p + ".whl", RequiresPython: python}, "")
	}
	for i, t := range s.targets {
		old, windows := t.Name == "focal", t.Name == "windows"
		ok := true
		switch {
		case python == ">=3.9":
			ok = !old
		case python == "<3.12":
			ok = !windows
		case platform[0] == "cp38-abi3-manylinux_2_34_x86_64":
			ok = !old && !windows
		case len(platform) == 2:
			ok = !old
		}
		if ok {
			s.views[i].versions[n] = append(s.views[i].versions[n], v)
		}
	}
}

// TestSeveralTargets compares resolutions for several targets with exhaustive
// search on each: the verdict, the targets that it names, that the answer is a
// solution and the best of its names; that what is locked together stays; and
// that what an explanation offers works.
func TestSeveralTargets(t *testing.T) {
	solved, refuted, offered, kept := 0, 0, 0, 0
	for seed := *firstSeed; seed < *firstSeed+*universes; seed++ {
		r := rand.New(rand.NewSource(seed))
		s := inventMultiverse(t, r)
		src := s.views[0].source
		took := resolvetest.Stopwatch()
		sol, err := Resolve(context.Background(), src, s.request)
		if d := took(); d > time.Second {
			t.Errorf("seed %d: took %v", seed, d)
		}
		var conflict *ConflictError
		if err != nil && !errors.As(err, &conflict) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var failed []string
		locked := map[string]map[string]string{}
		for i, target := range s.targets {
			var got map[string]string
			if sol != nil {
				got = versions(sol.Targets[i])
			}
			exists, same, n := false, false, 0
			s.views[i].solutions(target.Environment(), func(m map[string]string) bool {
				exists = true
				same = same || sameVersions(m, got)
				if sol != nil && higher(m, got) {
					t.Errorf("seed %d on %s: got %v, but %v is better", seed, target.Name, got, m)
					return false
				}
				if n++; r.Intn(n) == 0 {
					locked[target.Name] = m
				}
				return n < 200_000
			})
			if !exists {
				failed = append(failed, target.Name)
			}
			if sol != nil && !same {
				t.Errorf("seed %d on %s: %v is no solution\n%s", seed, target.Name, got, s.views[i])
			}
		}
		if conflict == nil {
			if len(failed) > 0 {
				t.Fatalf("seed %d: solved, but %v have no solution\n%s", seed, failed, s.views[0])
			}
			solved++
			kept += s.staysLocked(t, seed, locked)
			continue
		}
		refuted++
		var told []string
		for _, x := range conflict.Explanations {
			told = append(told, x.Targets...)
			for _, w := range x.Works {
				offered += s.works(t, seed, x.Targets, w)
			}
		}
		slices.Sort(told)
		slices.Sort(failed)
		if !slices.Equal(told, failed) {
			t.Fatalf("seed %d: no solution is said of %v, exhaustive search says %v\n%s\n%v", seed, told, failed, s.views[0], err)
		}
	}
	t.Logf("%d solved, %d refuted, %d changes offered and tried, %d locks kept", solved, refuted, offered, kept)
	if min(solved, refuted, offered, kept) < int(*universes)/8 {
		t.Errorf("the generator is lopsided")
	}
}

// staysLocked locks some solution and expects it back.
func (s *multiverse) staysLocked(t *testing.T, seed int64, locked map[string]map[string]string) int {
	req := s.request
	req.Locked = locked
	sol, err := Resolve(context.Background(), s.views[0].source, req)
	if err != nil {
		t.Fatalf("seed %d: with %v locked: %v", seed, locked, err)
	}
	for _, target := range sol.Targets {
		if got := versions(target); !sameVersions(got, locked[target.Target.Name]) {
			t.Errorf("seed %d on %s: %v is locked and allowed, but %v was taken\n%s", seed, target.Target.Name, locked[target.Target.Name], got, s.views[0])
		}
	}
	return 1
}

var (
	offersAdd      = regexp.MustCompile(`^wheellock add '?([^']+)'?$`)
	offersRemove   = regexp.MustCompile(`^wheellock remove (\S+)$`)
	offersLine     = regexp.MustCompile(`^(\S+:\d+): write (.+)$`)
	offersOverride = regexp.MustCompile(`^overrides = \["(.+)"\]$`)
	offersTarget   = regexp.MustCompile(`^wheellock target replace (\S+) (\S+)$`)
)

// works does what an explanation offers, as far as it can be read, and expects
// a solution for the targets that had none.
func (s *multiverse) works(t *testing.T, seed int64, names []string, w Relaxation) int {
	req := s.request
	req.Requirements = slices.Clone(req.Requirements)
	req.Targets = slices.DeleteFunc(slices.Clone(s.targets), func(x tags.Target) bool { return !slices.Contains(names, x.Name) })
	at := func(ok func(Requirement) bool) int { return slices.IndexFunc(req.Requirements, ok) }
	put := func(k int, text string) {
		req.Requirements[k].Requirement = pep508.MustParse(text)
	}
	if m := offersAdd.FindStringSubmatch(w.Do); m != nil {
		name := pep508.MustParse(m[1]).Canonical()
		put(at(func(q Requirement) bool { return q.Canonical() == name }), m[1])
	} else if m := offersRemove.FindStringSubmatch(w.Do); m != nil {
		req.Requirements = slices.DeleteFunc(req.Requirements, func(q Requirement) bool { return q.Canonical() == m[1] })
	} else if m := offersLine.FindStringSubmatch(w.Do); m != nil && strings.Contains(w.Means, "instead of") {
		req.Constraints = slices.Clone(req.Constraints)
		for _, list := range [][]Requirement{req.Requirements, req.Constraints} {
			for k := range list {
				if list[k].Origin == m[1] {
					list[k].Requirement = pep508.MustParse(m[2])
				}
			}
		}
	} else if m := offersOverride.FindStringSubmatch(w.Do); m != nil {
		req.Overrides = append(slices.Clone(req.Overrides), Requirement{Requirement: pep508.MustParse(m[1])})
	} else if m := offersTarget.FindStringSubmatch(w.Do); m != nil {
		target, err := tags.Lookup(m[2])
		if err != nil {
			t.Errorf("seed %d: %s: %v", seed, w.Do, err)
		}
		req.Targets = []tags.Target{target}
	} else {
		return 0
	}
	if _, err := Resolve(context.Background(), s.views[0].source, req); err != nil {
		t.Errorf("seed %d: %s (%s) does not work for %v: %v\n%s", seed, w.Do, w.Means, names, err, s.views[0])
	}
	return 1
}

// String is the index and what is asked of it.
func (w *invented) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(w.needs)) {
		fmt.Fprintf(&b, "%s needs %q\n", key, w.needs[key])
	}
	for _, name := range slices.Sorted(maps.Keys(w.source.pages)) {
		for _, f := range w.source.pages[name].Files {
			fmt.Fprintf(&b, "%s %s\n", f.Name, f.RequiresPython)
		}
	}
	fmt.Fprintf(&b, "asks %q, constraints %q, overrides %q", w.roots, w.constraints, w.overrides)
	return b.String()
}
