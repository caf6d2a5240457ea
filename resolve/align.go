package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// align chooses for all targets together, from what each has alone.
func align(s *store, c Choice, alone *Solution, results []targetResult) (*Solution, error) {
	j, err := newJoiner(s, c, results)
	if err != nil {
		return nil, err
	}
	sol := &Solution{Targets: slices.Clone(alone.Targets)}
	sol.Alignment.Alone = j.tally()
	if err := j.takeReady(); err != nil {
		return nil, err
	}
	if len(j.lanes) > 1 && (c.Versions == VersionsBounded || c.Versions == VersionsFewest) {
		if err := j.share(); err != nil {
			return nil, err
		}
	}
	for i, l := range j.lanes {
		if l.same(results[i].chosen.Versions) {
			continue
		}
		p, chosen, err := j.confirm(l)
		if err != nil {
			return nil, err
		}
		if sol.Targets[i], _, err = l.pins(p, chosen); err != nil {
			return nil, err
		}
	}
	sol.Alignment.Together = j.tally()
	sol.Alignment.Held = j.held(results)
	return sol, nil
}

// confirm lets the solver find the target's solution with every version given:
// nothing is handed out that it did not find sound.
func (j *joiner) confirm(l *lane) (*provider, *solver.Solution, error) {
	p := l.toward(aim{only: l.now})
	sol, err := p.run(solver.Options{})
	if err == nil && !l.same(sol.Versions) {
		err = fmt.Errorf("the solver found other packages")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("aligning the versions for %s: %w", l.target.Name, err)
	}
	return p, sol, nil
}

// held compares with what each target would have alone.
func (j *joiner) held(results []targetResult) []Held {
	var list []Held
	for i, l := range j.lanes {
		for name, at := range l.now {
			first, ok := results[i].chosen.Versions[name]
			if !ok || first == at || j.better(l, name, at, first) {
				continue
			}
			h := Held{Target: l.target.Name, Name: name, Why: HeldToShare, Behind: j.apart(l, name, first, at)}
			if l.alone[name] == at {
				h.Why = HeldForReady
			}
			h.Alone, h.Version = j.view(l, name).releases[first].version, j.view(l, name).releases[at].version
			list = append(list, h)
		}
	}
	order := map[string]int{}
	for i, l := range j.lanes {
		order[l.target.Name] = i
	}
	slices.SortFunc(list, func(a, b Held) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return order[a.Target] - order[b.Target]
	})
	return list
}
