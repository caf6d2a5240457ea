package assemble

import (
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
)

// gathered is a solution by package and version.
type gathered struct {
	order    []key
	spots    map[key][]spot              // one for each target
	variants map[key]map[string][]string // target -> the variants that install it
}

// gather joins the main solution and its variants. What several variants
// install on a target is one spot: they see the same files there, and differ at
// most in the extras that are asked for.
func gather(sol *resolve.Solution) *gathered {
	g := &gathered{spots: map[key][]spot{}, variants: map[key]map[string][]string{}}
	g.add("", sol.Targets)
	for _, v := range sol.Variants {
		g.add(v.Name, v.Targets)
	}
	return g
}

func (g *gathered) add(variant string, targets []resolve.TargetSolution) {
	for _, ts := range targets {
		for i := range ts.Pins {
			pin := &ts.Pins[i]
			k := key{pin.Name, pin.Version.String()}
			if g.spots[k] == nil {
				g.order = append(g.order, k)
				g.variants[k] = map[string][]string{}
			}
			name := ts.Target.Name
			g.variants[k][name] = append(g.variants[k][name], variant)
			at := slices.IndexFunc(g.spots[k], func(s spot) bool { return s.target.Name == name })
			if at < 0 {
				g.spots[k] = append(g.spots[k], spot{ts.Target, pin})
				continue
			}
			both := *g.spots[k][at].pin
			both.Groups = slices.Concat(both.Groups, pin.Groups)
			both.Dependencies = slices.Concat(both.Dependencies, pin.Dependencies)
			g.spots[k][at].pin = &both
		}
	}
}

// RequestVariants gives the variants of a project's conflicts for
// resolve.Request.Variants, with what the previous lock, if there is one, had
// for each of them and not for the main one. Errors are
// *lock.TooManyVariantsError.
func RequestVariants(conflicts [][]string, prev *lock.Lock) ([]resolve.Variant, error) {
	if len(conflicts) == 0 {
		return nil, nil
	}
	list, err := lock.Variants(conflicts)
	if err != nil {
		return nil, err
	}
	var out []resolve.Variant
	for _, v := range list {
		x := resolve.Variant{Name: v.Name}
		for _, c := range conflicts {
			for _, g := range c {
				if !slices.Contains(v.Groups, g) {
					x.Without = append(x.Without, g)
				}
			}
		}
		slices.Sort(x.Without)
		x.Without = slices.Compact(x.Without)
		if prev != nil && v.Name != "" {
			x.Locked = own(prev, v)
		}
		out = append(out, x)
	}
	return out, nil
}

// own is what a lock installs for a variant and not for the main one. The
// groups of the variant count, not its name: that changes when a set grows.
func own(prev *lock.Lock, v lock.Variant) map[string]map[string]string {
	name, err := prev.VariantOf(v.Groups)
	if err != nil || name == "" {
		return nil
	}
	m := map[string]map[string]string{}
	for i := range prev.Packages {
		p := &prev.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for _, t := range prev.TargetsOf(p) {
			if !prev.In(p, t, name) || prev.In(p, t, "") {
				continue
			}
			if m[t] == nil {
				m[t] = map[string]string{}
			}
			m[t][p.Name] = p.Version
		}
	}
	return m
}
