package solver

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// world is a universe written down: package -> version -> what it needs.
type world struct {
	n        map[string]int
	deps     map[string][]Dependency // "p/v" or "p[e]/v"
	unusable map[string]Set
	asked    int
}

func newWorld() *world {
	return &world{n: map[string]int{}, deps: map[string][]Dependency{}, unusable: map[string]Set{}}
}

func (w *world) need(from string, v int, on Name, versions ...int) {
	set := SetOf(w.n[on.Package], versions...)
	key := fmt.Sprintf("%s/%d", from, v)
	w.deps[key] = append(w.deps[key], Dependency{Name: Name{Package: on.Package}, Set: set, Label: on.Package})
	if on.Extra != "" {
		w.deps[key] = append(w.deps[key], Dependency{Name: on, Set: set, Label: on.String()})
	}
}

func (w *world) Versions(_ context.Context, p string) (Universe, error) {
	return Universe{N: w.n[p], Rank: len(p)}, nil
}

func (w *world) Choose(_ context.Context, p string, allowed Set, _ []any) (Choice, error) {
	w.asked++
	bad := w.unusable[p]
	if bad == nil {
		return Choice{Version: allowed.Newest()}, nil
	}
	if ok := allowed.AndNot(bad); !ok.IsEmpty() {
		return Choice{Version: ok.Newest()}, nil
	}
	return Choice{Version: -1, Exclusions: []Exclusion{{Set: bad, Cause: "unusable"}}}, nil
}

func (w *world) Dependencies(_ context.Context, n Name, v int) ([]Dependency, error) {
	return w.deps[fmt.Sprintf("%s/%d", n, v)], nil
}

// valid reports whether what was selected is complete and consistent.
func (w *world) valid(root []Dependency, sol map[string]int, extras map[string]bool) bool {
	holds := func(deps []Dependency) bool {
		for _, d := range deps {
			v, ok := sol[d.Name.Package]
			if !ok || d.Name.Extra == "" && !d.Set.Has(v) || d.Name.Extra != "" && !extras[d.Name.String()] {
				return false
			}
		}
		return true
	}
	if !holds(root) {
		return false
	}
	for p, v := range sol {
		if !holds(w.deps[fmt.Sprintf("%s/%d", p, v)]) || w.unusable[p] != nil && w.unusable[p].Has(v) {
			return false
		}
	}
	for x := range extras {
		p, _, _ := strings.Cut(x, "[")
		if !holds(w.deps[fmt.Sprintf("%s/%d", x, sol[p])]) {
			return false
		}
	}
	return true
}

// brute calls yield with every minimal valid selection: those reached from the root only.
func (w *world) brute(root []Dependency, yield func(map[string]int) bool) {
	var walk func(sol map[string]int, extras map[string]bool, open []Dependency) bool
	walk = func(sol map[string]int, extras map[string]bool, open []Dependency) bool {
		for len(open) > 0 {
			d := open[0]
			open = open[1:]
			p := d.Name.Package
			v, ok := sol[p]
			switch {
			case d.Name.Extra != "" && ok:
				if !extras[d.Name.String()] {
					extras = with(extras, d.Name.String(), true)
					open = append(append([]Dependency{}, open...), w.deps[fmt.Sprintf("%s/%d", d.Name, v)]...)
				}
			case ok && !d.Set.Has(v):
				return true
			case ok:
			default:
				for v := range w.n[p] {
					if !d.Set.Has(v) || w.unusable[p] != nil && w.unusable[p].Has(v) {
						continue
					}
					next := append(append([]Dependency{d}, open...), w.deps[fmt.Sprintf("%s/%d", p, v)]...)
					if !walk(with(sol, p, v), extras, next) {
						return false
					}
				}
				return true
			}
		}
		return yield(sol)
	}
	walk(map[string]int{}, map[string]bool{}, root)
}

func with[V any](m map[string]V, k string, v V) map[string]V {
	r := map[string]V{k: v}
	for k, v := range m {
		r[k] = v
	}
	return r
}

func random(r *rand.Rand) (*world, []Dependency) {
	w := newWorld()
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}[:3+r.Intn(6)]
	for _, p := range names {
		w.n[p] = 1 + r.Intn(4)
		if r.Intn(12) == 0 {
			w.n[p] = 0
		}
		if r.Intn(4) == 0 {
			w.unusable[p] = randomSet(r, w.n[p])
		}
	}
	pick := func() Name {
		n := Name{Package: names[r.Intn(len(names))]}
		if r.Intn(4) == 0 {
			n.Extra = []string{"x", "y"}[r.Intn(2)]
		}
		return n
	}
	for _, p := range names {
		for v := range w.n[p] {
			for range r.Intn(3) {
				w.needSet(p, v, pick(), r)
			}
			for _, e := range []string{"[x]", "[y]"} {
				if r.Intn(2) == 0 {
					w.needSet(p+e, v, pick(), r)
				}
			}
		}
	}
	for range 1 + r.Intn(3) {
		w.needSet("", 0, pick(), r)
	}
	return w, w.deps["/0"]
}

func (w *world) needSet(from string, v int, on Name, r *rand.Rand) {
	var list []int
	for i := range w.n[on.Package] {
		if r.Intn(3) > 0 {
			list = append(list, i)
		}
	}
	w.need(from, v, on, list...)
}

func randomSet(r *rand.Rand, n int) Set {
	s := NewSet(n)
	for i := range n {
		if r.Intn(2) == 0 {
			s.Add(i)
		}
	}
	return s
}

// TestAgainstBruteForce compares verdicts on small universes with exhaustive
// search, checks that a solution is valid and minimal, that none with the same
// packages is better, and that a proof is one.
func TestAgainstBruteForce(t *testing.T) {
	solved, refuted := 0, 0
	for seed := range int64(3000) {
		r := rand.New(rand.NewSource(seed))
		w, root := random(r)
		took := resolvetest.Stopwatch()
		sol, err := Solve(context.Background(), w, root, Options{})
		if d := took(); d > time.Second {
			t.Errorf("seed %d: took %v", seed, d)
		}
		var no *NoSolution
		if err != nil && !errors.As(err, &no) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		found := false
		w.brute(root, func(m map[string]int) bool {
			found = true
			if sol == nil {
				return false
			}
			if better(m, sol.Versions) {
				t.Errorf("seed %d: got %v, but %v is better", seed, sol.Versions, m)
				return false
			}
			return true
		})
		if found != (err == nil) {
			t.Fatalf("seed %d: solver says %v, brute force says %v", seed, err == nil, found)
		}
		if err != nil {
			refuted++
			checkProof(t, no.Proof, map[*Incompatibility]bool{})
			continue
		}
		solved++
		extras := map[string]bool{}
		for p, list := range sol.Extras {
			for _, e := range list {
				extras[Name{p, e}.String()] = true
			}
		}
		if !w.valid(root, sol.Versions, extras) {
			t.Fatalf("seed %d: %v %v is not valid", seed, sol.Versions, sol.Extras)
		}
	}
	if solved < 500 || refuted < 500 {
		t.Errorf("the generator is lopsided: %d solved, %d refuted", solved, refuted)
	}
}

func better(m, than map[string]int) bool {
	if len(m) != len(than) {
		return false
	}
	higher := false
	for p, v := range m {
		u, ok := than[p]
		if !ok || v < u {
			return false
		}
		higher = higher || v > u
	}
	return higher
}

// checkProof repeats every step of a derivation.
func checkProof(t *testing.T, i *Incompatibility, seen map[*Incompatibility]bool) {
	t.Helper()
	if seen[i] {
		return
	}
	seen[i] = true
	if !i.Derived() {
		return
	}
	checkProof(t, i.Left, seen)
	checkProof(t, i.Right, seen)
	// Each term must be implied by what the causes say of its package.
	for _, term := range i.Terms {
		if term.always() {
			t.Fatalf("a term that says nothing: %v", term)
		}
		_, a := i.Left.Term(term.Name)
		_, b := i.Right.Term(term.Name)
		if !a && !b {
			t.Fatalf("a term out of nowhere: %v", term)
		}
	}
}

// TestDeepBacktracking pins the old end of a chain of packages with many
// versions, so that all newer ones have to be ruled out.
func TestDeepBacktracking(t *testing.T) {
	const n = 1870
	w := newWorld()
	w.n["boto"], w.n["core"], w.n["lib"], w.n["tool"] = n, n, 40, 300
	for v := range n {
		var same []int
		for c := v; c < n && c < v+30; c++ {
			same = append(same, c)
		}
		w.need("boto", v, Name{Package: "core"}, same...)
		lib := v * 40 / n
		w.need("core", v, Name{Package: "lib"}, lib, min(lib+1, 39))
	}
	for v := range 300 {
		w.need("tool", v, Name{Package: "lib"}, 0, 1, 2)
	}
	w.need("", 0, Name{Package: "boto"}, seq(n)...)
	w.need("", 0, Name{Package: "tool"}, seq(300)...)
	start := time.Now()
	sol, err := Solve(context.Background(), w, w.deps["/0"], Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %d conflicts, %d choices, %v", sol.Versions, sol.Conflicts, w.asked, time.Since(start))
	if sol.Versions["tool"] != 299 || sol.Versions["lib"] != 2 || sol.Versions["core"] != 140 || sol.Versions["boto"] != 140 {
		t.Errorf("got %v", sol.Versions)
	}
	if sol.Conflicts > 10_000 {
		t.Errorf("%d conflicts: the search does not learn", sol.Conflicts)
	}
}

func seq(n int) []int {
	r := make([]int, n)
	for i := range r {
		r[i] = i
	}
	return r
}

// TestLimit has a known hard case for search by learning alone (pigeons and holes): it ends at the limit.
func TestLimit(t *testing.T) {
	w := newWorld()
	w.n["hole"] = 1
	for i := range 9 {
		w.n[fmt.Sprintf("p%d", i)] = 8
	}
	for i := range 9 {
		for j := range i {
			for h := range 8 {
				p, q := fmt.Sprintf("p%d", i), fmt.Sprintf("p%d", j)
				var other []int
				for k := range 8 {
					if k != h {
						other = append(other, k)
					}
				}
				w.need(p, h, Name{Package: q}, other...)
			}
		}
		w.need("", 0, Name{Package: fmt.Sprintf("p%d", i)}, seq(8)...)
	}
	_, err := Solve(context.Background(), w, w.deps["/0"], Options{MaxConflicts: 500})
	var limit *LimitError
	if !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newWorld()
	w.n["a"] = 1
	w.need("", 0, Name{Package: "a"}, 0)
	if _, err := Solve(ctx, w, w.deps["/0"], Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
