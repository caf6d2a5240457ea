package repro

import (
	"context"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// A Differs runs something with a set varied and says whether what it made differs
// from what the plain run made.
type Differs func(ctx context.Context, set build.Variations) (bool, error)

// remember asks for each set once.
func (d Differs) remember() Differs {
	known := map[build.Variations]bool{0: false}
	return func(ctx context.Context, set build.Variations) (bool, error) {
		if yes, ok := known[set]; ok {
			return yes, nil
		}
		yes, err := d(ctx, set)
		if err == nil {
			known[set] = yes
		}
		return yes, err
	}
}

// Bisect finds the one variation of set that causes a difference, or where it takes
// several together, a set of which none can be left out. It knows that the whole
// set differs, and that nothing varied does not. It asks about 2·log2 of the
// set's size for each one found: 5 times for one of twelve.
func Bisect(ctx context.Context, set build.Variations, differs Differs) (build.Variations, error) {
	differs = differs.remember()
	return bisect(ctx, set, differs)
}

func bisect(ctx context.Context, set build.Variations, differs Differs) (found build.Variations, err error) {
	rest := set.Each()
	for len(rest) > 0 {
		// The shortest beginning of rest that, with what is found, makes the difference:
		// its last one is needed.
		none, all := 0, len(rest)
		for all-none > 1 {
			middle := (none + all) / 2
			yes, err := differs(ctx, found|union(rest[:middle]))
			if err != nil {
				return 0, err
			}
			if yes {
				all = middle
			} else {
				none = middle
			}
		}
		found |= rest[all-1]
		rest = rest[:all-1]
		if len(rest) == 0 {
			break
		}
		if yes, err := differs(ctx, found); yes || err != nil {
			return found, err
		}
	}
	return found, nil
}

// Causes finds every cause of set on its own: what is found is taken out, and the
// rest is tried again.
func Causes(ctx context.Context, set build.Variations, differs Differs) ([]build.Variations, error) {
	differs = differs.remember()
	var out []build.Variations
	for set != 0 {
		yes, err := differs(ctx, set)
		if err != nil || !yes {
			return out, err
		}
		cause, err := bisect(ctx, set, differs)
		if err != nil {
			return out, err
		}
		out = append(out, cause)
		// Of several that only count together one is enough: the others may also be part
		// of another cause.
		set &^= cause.Each()[0]
	}
	return out, nil
}

func union(list []build.Variations) build.Variations {
	var v build.Variations
	for _, one := range list {
		v |= one
	}
	return v
}
