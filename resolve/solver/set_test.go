package solver

import (
	"math/rand"
	"testing"
)

// TestSet compares every operation with the same on a slice of bools, across
// word boundaries.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, n := range []int{0, 1, 5, 63, 64, 65, 128, 200} {
		for range 50 {
			a, b := randomSet(r, n), randomSet(r, n)
			count, disjoint, subset, newest, oldest := 0, true, true, -1, -1
			for i := range n {
				x, y := a.Has(i), b.Has(i)
				if a.And(b).Has(i) != (x && y) || a.Or(b).Has(i) != (x || y) || a.AndNot(b).Has(i) != (x && !y) {
					t.Fatalf("n %d, version %d: wrong", n, i)
				}
				if x {
					count++
					newest = i
					if oldest < 0 {
						oldest = i
					}
				}
				disjoint = disjoint && !(x && y)
				subset = subset && (!x || y)
			}
			if a.Count() != count || a.Newest() != newest || a.Oldest() != oldest || a.IsEmpty() != (count == 0) ||
				a.Disjoint(b) != disjoint || a.SubsetOf(b) != subset || !a.Or(b).AndNot(b).Equal(a.AndNot(b)) {
				t.Fatalf("n %d: %b %b", n, a, b)
			}
			down, up := 0, 0
			for i := a.Newest(); i >= 0; i = a.Below(i) {
				down++
			}
			for i := a.Oldest(); i >= 0; i = a.Above(i) {
				up++
			}
			if down != count || up != count {
				t.Fatalf("n %d: %d down, %d up, want %d", n, down, up, count)
			}
		}
		if FullSet(n).Count() != n || !NewSet(n).IsEmpty() {
			t.Errorf("n %d: full or empty set is wrong", n)
		}
	}
}

// TestTerms checks the algebra of terms against what they say of each version
// and of "not selected".
func TestTerms(t *testing.T) {
	const n = 5
	holds := func(u Term, v int) bool { // v == n: not selected
		if v == n {
			return !u.Positive
		}
		return u.Set.Has(v) == u.Positive
	}
	r := rand.New(rand.NewSource(2))
	for range 2000 {
		a := Term{Positive: r.Intn(2) == 0, Set: randomSet(r, n)}
		b := Term{Positive: r.Intn(2) == 0, Set: randomSet(r, n)}
		always, never := true, true
		for v := 0; v <= n; v++ {
			x, y := holds(a, v), holds(b, v)
			if holds(a.both(b), v) != (x && y) || holds(a.either(b), v) != (x || y) || holds(a.negate(), v) == x {
				t.Fatalf("%v %v at %d", a, b, v)
			}
			always, never = always && x, never && !x
		}
		if a.always() != always || a.never() != never {
			t.Fatalf("%v: always %v, never %v", a, a.always(), a.never())
		}
	}
}
