package resolve

import (
	"context"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// locks gives what one random solution of the index has, as a lock would.
func (w *invented) locks(r *rand.Rand) map[string]string {
	var all []map[string]string
	w.solutions(debian12.Environment(), func(m map[string]string) bool {
		all = append(all, m)
		return len(all) < 200
	})
	if len(all) == 0 {
		return nil
	}
	return all[r.Intn(len(all))]
}

// keeps reports whether every locked name of a solution, but for some, stays.
func keeps(sol, locked map[string]string, names func(string) bool) bool {
	for name, v := range sol {
		if was, ok := locked[name]; ok && names(name) && was != v {
			return false
		}
	}
	return true
}

func (w *invented) ask(t *testing.T, locked map[string]string, upgrade ...string) map[string]string {
	t.Helper()
	prefer := map[string]string{}
	for n, v := range locked {
		if !slices.Contains(upgrade, n) {
			prefer[n] = v
		}
	}
	sol, err := Resolve(context.Background(), w.source, Request{
		Targets: []tags.Target{debian12}, Requirements: requirements(t, w.roots...), Constraints: requirements(t, w.constraints...),
		Locked: map[string]map[string]string{debian12.Name: prefer}, Upgrade: upgrade})
	if err != nil {
		return nil
	}
	return versions(sol.Targets[0])
}

// older reports whether a is before b.
func older(a, b string) bool { return pep440.MustParse(a).Compare(pep440.MustParse(b)) < 0 }

// back lists what a solution has older than it is locked, but for what the
// request itself does not allow there.
func (w *invented) back(sol, locked map[string]string) (names []string) {
	for n, v := range sol {
		if was, ok := locked[n]; ok && older(v, was) && w.allows(n, was) {
			names = append(names, n)
		}
	}
	return names
}

// allows: the request itself is no reason to move.
func (w *invented) allows(name, version string) bool {
	for _, list := range [][]string{w.roots, w.constraints} {
		for _, text := range list {
			if q := pep508.MustParse(text); q.Canonical() == name && !q.Specifiers.Contains(pep440.MustParse(version), pep440.PreAllow) {
				return false
			}
		}
	}
	return true
}

// noFurther reports whether nothing of m is further back than in got.
func noFurther(m, got, locked map[string]string) bool {
	for n, v := range m {
		if was, ok := locked[n]; ok && older(v, was) && (got[n] == "" || older(v, got[n])) {
			return false
		}
	}
	return true
}

// TestNothingGoesBackWithoutNeed compares with every solution there is: nothing
// goes back where there is one without that, nothing is older than it would be
// without a lock, and nothing that moved could have stayed where it was, or as
// new, without taking another further back.
func TestNothingGoesBackWithoutNeed(t *testing.T) {
	wentBack := 0
	for seed := range int64(5000) {
		r := rand.New(rand.NewSource(seed))
		w := invent(t, r, false)
		locked := w.locks(r)
		if r.Intn(2) == 0 {
			locked = w.ask(t, nil)
		}
		if len(locked) == 0 {
			continue
		}
		names := slices.Sorted(maps.Keys(locked))
		n := names[r.Intn(len(names))]
		w.roots = append(w.roots, n+"=="+w.versions[n][r.Intn(len(w.versions[n]))])
		got, fresh := w.ask(t, locked), w.ask(t, nil)
		if got == nil || len(w.back(got, locked)) == 0 {
			continue
		}
		wentBack++
		for _, n := range w.back(got, locked) {
			if fresh[n] != "" && older(got[n], fresh[n]) {
				t.Errorf("seed %d: %s %s, without a lock it would be %s", seed, n, got[n], fresh[n])
			}
		}
		w.solutions(debian12.Environment(), func(m map[string]string) bool {
			if len(w.back(m, locked)) == 0 {
				t.Errorf("seed %d: %v took %v back, but %v takes nothing back of %v", seed, got, w.back(got, locked), m, locked)
				return false
			}
			if !noFurther(m, got, locked) {
				return true
			}
			kept := keeps(m, locked, func(k string) bool { return got[k] == locked[k] || got[k] == "" })
			for n, v := range got {
				was, ok := locked[n]
				if ok && v != was && m[n] == was && kept || ok && older(v, was) && m[n] != "" && !older(m[n], was) {
					t.Errorf("seed %d: %v has %s, but %v was possible, locked %v", seed, got, n, m, locked)
					return false
				}
			}
			return true
		})
	}
	if wentBack < 40 {
		t.Errorf("the generator is lopsided: %d", wentBack)
	}
}

// TestWhatMustGoBack: a package goes back no further than a new lock would take
// it; what it used then comes along, and the rest stays.
func TestWhatMustGoBack(t *testing.T) {
	was := map[string]string{"app": "1.299", "core": "1.299", "http": "1.5", "paths": "2.5", "transfer": "2.5", "other": "1.0"}
	sol, err := Resolve(context.Background(), cloud(t, 300), Request{
		Targets: []tags.Target{debian12}, Requirements: requirements(t, "app", "other", "http>=2"),
		Locked: map[string]map[string]string{debian12.Name: was}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"app": "1.19", "core": "1.19", "http": "2.5", "paths": "1.5", "transfer": "1.5", "other": "1.0"}
	if d := cmp.Diff(want, versions(sol.Targets[0])); d != "" {
		t.Error(d)
	}
	why := map[string]string{}
	for _, p := range sol.Targets[0].Pins {
		if p.Back != nil {
			why[p.Name] = p.Back.From.String() + ": " + p.Back.Why
		}
	}
	if d := cmp.Diff(map[string]string{
		"app": "1.299: app 1.299 needs core==1.299, and that is 1.19 now", "core": "1.299: core 1.299 needs http<2, and that is 2.5 now",
		"paths": "2.5: app 1.19 needs paths<2", "transfer": "2.5: app 1.19 needs transfer<2",
	}, why); d != "" {
		t.Error(d)
	}
}

// TestRather: what is asked for makes room for what is locked, and says what it
// could be.
func TestRather(t *testing.T) {
	ask := func(names ...string) Pin {
		t.Helper()
		sol, err := Resolve(context.Background(), cloud(t, 50), Request{
			Targets: []tags.Target{debian12}, Requirements: requirements(t, names...),
			Locked: map[string]map[string]string{debian12.Name: {"http": "2.0", "other": "1.0"}}})
		if err != nil {
			t.Fatal(err)
		}
		return sol.Targets[0].Pins[0]
	}
	app := ask("http", "other", "app")
	if app.Version.String() != "1.19" || app.Rather == nil || app.Rather.Version.String() != "1.49" || !slices.Equal(app.Rather.Moves, []string{"http from 2.0 to 1.5"}) {
		t.Errorf("app %s, rather %v", app.Version, app.Rather)
	}
	if app := ask("http>=2", "other", "app"); app.Rather != nil {
		t.Errorf("the user's own bound stands in the way, not the lock: %v", app.Rather)
	}
}

// TestNothingMovesWithoutNeed locks a random solution, asks for something more,
// and compares with every solution there is.
func TestNothingMovesWithoutNeed(t *testing.T) {
	kept, forced := 0, 0
	for seed := range int64(1500) {
		r := rand.New(rand.NewSource(seed))
		w := invent(t, r, false)
		locked := w.locks(r)
		if len(locked) == 0 {
			continue
		}
		w.roots = append(w.roots, string("abcd"[r.Intn(4)])+[]string{"", ">=1.1", ">=2.0", "<2.0", "!=1.0"}[r.Intn(5)])
		got := w.ask(t, locked)
		if got == nil {
			continue
		}
		var moved []string
		for n, v := range got {
			if was, ok := locked[n]; ok && was != v {
				moved = append(moved, n)
			}
		}
		stays := func(n string) bool { return got[n] == locked[n] }
		w.solutions(debian12.Environment(), func(m map[string]string) bool {
			if len(moved) > 0 && keeps(m, locked, func(string) bool { return true }) {
				t.Errorf("seed %d: %v moved, but %v moves nothing of %v", seed, got, m, locked)
				return false
			}
			for _, n := range moved {
				if noFurther(m, got, locked) && keeps(m, locked, func(k string) bool { return k == n || stays(k) || got[k] == "" }) {
					t.Errorf("seed %d: %v moved %s, but %v keeps it and all that stayed of %v", seed, got, n, m, locked)
					return false
				}
			}
			return true
		})
		if len(moved) == 0 {
			kept++
		} else {
			forced++
		}
	}
	if kept < 300 || forced < 20 {
		t.Errorf("the generator is lopsided: %d kept, %d had to move", kept, forced)
	}
}

// TestUpgradeGoesAllTheWay: no solution has a newer version of what is upgraded,
// and none with that version moves less.
func TestUpgradeGoesAllTheWay(t *testing.T) {
	up := 0
	for seed := range int64(1000) {
		r := rand.New(rand.NewSource(seed))
		w := invent(t, r, false)
		locked := w.locks(r)
		if len(locked) == 0 {
			continue
		}
		var names []string
		for n := range locked {
			names = append(names, n)
		}
		slices.Sort(names)
		name := names[r.Intn(len(names))]
		got := w.ask(t, locked, name)
		v, ok := got[name]
		if !ok {
			continue
		}
		still := keeps(got, locked, func(n string) bool { return n != name })
		w.solutions(debian12.Environment(), func(m map[string]string) bool {
			switch x := m[name]; {
			case x == "":
			case pep440.MustParse(x).Compare(pep440.MustParse(v)) > 0:
				t.Errorf("seed %d: %s is at %s, but %v", seed, name, v, m)
				return false
			case x == v && !still && keeps(m, locked, func(n string) bool { return n != name }):
				t.Errorf("seed %d: %v moved more than %v, locked %v", seed, got, m, locked)
				return false
			}
			return true
		})
		if v != locked[name] {
			up++
		}
	}
	if up < 90 {
		t.Errorf("the generator is lopsided: %d upgrades", up)
	}
}

// TestCutoff: what is locked stays seen, by file; a package may be let through;
// and what has no time is named.
func TestCutoff(t *testing.T) {
	src := newMemory(t)
	old, young := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	add := func(file string, at time.Time) {
		name, version, _ := strings.Cut(strings.TrimSuffix(file, "-py3-none-any.whl"), "-")
		src.add(name, index.File{Name: file, Uploaded: at}, "Metadata-Version: 2.1\nName: "+name+"\nVersion: "+version+"\n")
	}
	add("lib-1.0-py3-none-any.whl", old)
	add("lib-2.0-py3-none-any.whl", young)
	add("lib-3.0-py3-none-any.whl", young)
	add("bare-1.0-py3-none-any.whl", old)
	add("bare-2.0-py3-none-any.whl", time.Time{})
	ask := func(edit func(*Request)) (string, []string) {
		t.Helper()
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "lib", "bare"), ExcludeNewer: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		edit(&req)
		sol, err := Resolve(context.Background(), src, req)
		if err != nil {
			t.Fatal(err)
		}
		return versions(sol.Targets[0])["lib"], sol.Targets[0].Warnings
	}
	locked := map[string]map[string]string{debian12.Name: {"lib": "2.0"}}
	kept := map[string]bool{"lib-2.0-py3-none-any.whl": true}
	v, warnings := ask(func(*Request) {})
	if v != "1.0" || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "bare 2.0 is left out") {
		t.Errorf("lib %s, warnings %q", v, warnings)
	}
	if v, _ := ask(func(r *Request) { r.Locked = locked }); v != "1.0" {
		t.Errorf("a locked version whose file is not kept: %s", v)
	}
	if v, _ := ask(func(r *Request) { r.Locked, r.Kept = locked, kept }); v != "2.0" {
		t.Errorf("a locked version whose file is kept: %s", v)
	}
	if v, _ := ask(func(r *Request) { r.Upgrade, r.Kept = []string{"lib"}, kept }); v != "2.0" {
		t.Errorf("an upgrade went below what is locked: %s", v)
	}
	if v, _ := ask(func(r *Request) { r.Upgrade, r.Early = []string{"lib"}, []string{"lib"} }); v != "3.0" {
		t.Errorf("a package that the cut-off does not bind: %s", v)
	}
	if v, _ := ask(func(r *Request) { r.Upgrade, r.Early, r.Nearest = []string{"lib"}, []string{"lib"}, []string{"lib"} }); v != "1.0" {
		t.Errorf("the nearest: %s", v)
	}
}
