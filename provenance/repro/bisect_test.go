package repro

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/freedomofpress/wheellock/provenance/build"
	"pgregory.net/rapid"
)

// oracle differs where one of the causes is varied as a whole.
func oracle(causes []build.Variations, asked *int) Differs {
	return func(_ context.Context, set build.Variations) (bool, error) {
		*asked++
		return slices.ContainsFunc(causes, set.Has), nil
	}
}

func TestBisect(t *testing.T) {
	all := build.AllVariations
	for _, one := range all.Each() {
		asked := 0
		got, err := Bisect(t.Context(), all, oracle([]build.Variations{one}, &asked))
		if err != nil || got != one || asked > 5 {
			t.Errorf("%s: got %s, %v, asked %d times", one, got, err, asked)
		}
		for _, other := range all.Each() {
			pair := one | other
			got, err := Bisect(t.Context(), all, oracle([]build.Variations{pair}, &asked))
			if err != nil || got != pair {
				t.Errorf("%s: got %s, %v", pair, got, err)
			}
		}
	}
	down := errors.New("no sandbox")
	if _, err := Bisect(t.Context(), all, func(context.Context, build.Variations) (bool, error) { return false, down }); err != down {
		t.Errorf("an error is lost: %v", err)
	}
}

// TestCauses: whatever the causes, each found one differs, none of it can be left
// out, and with one of each taken away nothing differs any more.
func TestCauses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Map(rapid.Uint16Range(1, uint16(build.AllVariations)), func(n uint16) build.Variations { return build.Variations(n) })
		// Causes of at most three, among all.
		causes := rapid.SliceOfN(rapid.Map(some, func(v build.Variations) build.Variations {
			return union(v.Each()[:min(3, len(v.Each()))])
		}), 0, 3).Draw(t, "causes")
		asked := 0
		differs := oracle(causes, &asked)
		got, err := Causes(context.Background(), build.AllVariations, differs)
		if err != nil {
			t.Fatal(err)
		}
		left := build.AllVariations
		for _, c := range got {
			if yes, _ := differs(context.Background(), c); !yes {
				t.Fatalf("%s makes no difference", c)
			}
			for _, one := range c.Each() {
				if yes, _ := differs(context.Background(), c&^one); yes {
					t.Fatalf("%s is not needed in %s", one, c)
				}
			}
			left &^= c.Each()[0]
		}
		if yes, _ := differs(context.Background(), left); yes {
			t.Fatalf("found %v, and %s still differs", got, left)
		}
	})
}
