package resolve

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Bounds of the join pass. They count what is tried, not seconds, so that the
// same request has the same answer on a slow machine.
const (
	joinRounds    = 4   // over all packages with several versions
	joinVersions  = 32  // common versions looked at for one set of targets
	joinFacts     = 8   // of them, whose metadata is read
	joinSolves    = 4   // of them, for which the solver is asked
	joinTries     = 24  // of those, over all packages
	joinConflicts = 200 // in one search
	joinPairs     = 28  // pairs of versions of one package that are brought together
)

// joiner looks for versions that several targets can share.
type joiner struct {
	*store
	choice   Choice
	lanes    []*lane
	tries    int
	uploads  map[place]time.Time
	projects map[string]*project
}

type place struct {
	name string
	i    int
}

// lane is one target in the join pass.
type lane struct {
	*view
	base   *provider
	alone  map[string]int  // what the target has if no other is looked at
	fixed  map[string]bool // locked, and to stay as it is
	now    map[string]int
	force  map[string][]*need  // on each package of now
	extras map[string][]string // in use, of each package of now

	delicate []string       // pre-releases and yanked releases in now, there by somebody's leave
	stale    bool           // something in now and force may not be needed any more
	sound    map[string]int // now, before it was stale
}

func newJoiner(s *store, c Choice, results []targetResult) (*joiner, error) {
	j := &joiner{store: s, choice: c, uploads: map[place]time.Time{}, projects: map[string]*project{}}
	for _, r := range results {
		l := &lane{view: r.provider.view, base: r.provider, alone: r.chosen.Versions, fixed: map[string]bool{}}
		for name, i := range r.chosen.Versions {
			proj, err := s.project(name)
			if err != nil {
				return nil, err
			}
			j.projects[name] = proj
			text, locked := l.locked[name]
			l.fixed[name] = locked && proj.index(text) == i
		}
		l.now = l.alone
		j.lanes = append(j.lanes, l)
	}
	return j, nil
}

func (l *lane) same(versions map[string]int) bool { return maps.Equal(l.now, versions) }

func (j *joiner) view(l *lane, name string) *projectView { return l.of(j.projects[name]) }

// toward answers for the lane's target as its base did, with another aim.
func (l *lane) toward(a aim) *provider {
	p := newProvider(l.view, l.base.roots, nil)
	p.constraints, p.refused, p.aim = l.base.constraints, l.base.refused, a
	return p
}

// admits is the rule for what sharing may do to a target: a locked version
// stays, nothing gets older than the bound, and a version with a wheel that
// fits is not left for one without (nobody says that it can be built there).
func (j *joiner) admits(l *lane) func(pv *projectView, i int) bool {
	return func(pv *projectView, i int) bool {
		at, ok := l.alone[pv.name]
		switch {
		case !ok || at == i:
			return true
		case l.fixed[pv.name] || l.candidate(pv, at).wheel != nil && l.candidate(pv, i).wheel == nil:
			return false
		case j.choice.Versions != VersionsBounded:
			return true
		}
		return j.inBound(l, pv, at, i)
	}
}

// inBound: what was uploaded at an unknown time may be any age.
func (j *joiner) inBound(l *lane, pv *projectView, at, i int) bool {
	if j.better(l, pv.name, i, at) {
		return true
	}
	if j.uploaded(pv.project, at).IsZero() || j.uploaded(pv.project, i).IsZero() {
		return false
	}
	return j.apart(l, pv.name, at, i) <= j.choice.BoundedBy
}

// solve searches for the lane with an aim; ok is false where nothing was found.
func (j *joiner) solve(l *lane, a aim) (now map[string]int, ok bool, err error) {
	p := l.toward(a)
	deps, err := p.dependencies(p.roots)
	if err != nil {
		return nil, false, err
	}
	sol, err := solver.Solve(p.ctx, p, deps, solver.Options{MaxConflicts: joinConflicts})
	var none *solver.NoSolution
	var limit *solver.LimitError
	switch {
	case errors.As(err, &none) || errors.As(err, &limit):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	for name := range sol.Versions {
		if j.projects[name] == nil {
			if j.projects[name], err = j.project(name); err != nil {
				return nil, false, err
			}
		}
	}
	return sol.Versions, true, nil
}

// takeReady solves each target anew with the versions in front on which work is
// done. From then on that is what the target has alone.
func (j *joiner) takeReady() error {
	for _, l := range j.lanes {
		ready := j.choice.Ready[l.target.Name]
		if len(ready) == 0 {
			continue
		}
		prefer, err := j.readyFirst(l, ready)
		if err != nil {
			return err
		}
		locked := func(pv *projectView, i int) bool { return !l.fixed[pv.name] || l.alone[pv.name] == i }
		now, ok, err := j.solve(l, aim{prefer: prefer, admit: locked})
		if err != nil {
			return err
		}
		if ok {
			before := l.now
			if sound, err := j.move(l, now); err != nil || !sound {
				l.now = before
				if err != nil {
					return err
				}
			}
			l.alone = l.now
		}
	}
	return nil
}

// readyFirst lists the versions with work done, the most first.
func (j *joiner) readyFirst(l *lane, ready map[string]map[string]Ready) (map[string][]int, error) {
	prefer := map[string][]int{}
	for name, versions := range ready {
		proj, err := j.project(name)
		if err != nil {
			return nil, err
		}
		score := map[int]int{}
		for text, r := range versions {
			if i := proj.index(text); i >= 0 && r.score() > 0 {
				score[i] = max(score[i], r.score())
			}
		}
		prefer[name] = slices.SortedFunc(maps.Keys(score), func(a, b int) int {
			return cmp.Or(score[b]-score[a], b-a)
		})
	}
	return prefer, nil
}

// share brings the targets together: first each is solved with the versions of
// those before it in front, then package by package, then what was held back
// for nothing is let go.
func (j *joiner) share() error {
	for _, l := range j.lanes {
		if sound, err := j.move(l, l.now); err != nil || !sound {
			// The answer needs leave that only a whole search can give.
			return err
		}
	}
	j.readAhead()
	if err := j.inTurn(); err != nil {
		return err
	}
	for range joinRounds {
		joined, err := j.joinAll()
		if err != nil {
			return err
		}
		freed, err := j.freshen()
		if err != nil {
			return err
		}
		if !joined && !freed {
			break
		}
	}
	return nil
}

// readAhead begins to read what the targets may take over from one another: the
// search would ask for one after the other.
func (j *joiner) readAhead() {
	for _, name := range j.names() {
		for _, g := range j.groups(name) {
			for _, l := range j.lanes {
				if i, ok := l.now[name]; ok && i != g[0].now[name] {
					j.ask(l, name, g[0].now[name])
				}
			}
		}
	}
}

// ask begins to read what a version needs, where the target could take it.
func (j *joiner) ask(l *lane, name string, i int) {
	pv := j.view(l, name)
	if l.plain(pv, i) && j.admits(l)(pv, i) && l.cheap(pv, i) {
		l.askFacts(pv, i)
	}
}

// inTurn solves one target after the other, the oldest Python first since it
// has the least to choose from, each with the versions of those before it in
// front; and once more the other way round.
func (j *joiner) inTurn() error {
	order := slices.Clone(j.lanes)
	slices.SortStableFunc(order, func(a, b *lane) int { return a.python.Compare(b.python) })
	first := j.state()
	best, least := first, j.weigh()
	for range 2 {
		j.restore(first)
		for k, l := range order {
			now, ok, err := j.solve(l, aim{prefer: j.others(l, order[:k], l.alone), admit: j.admits(l)})
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if _, err := j.move(l, now); err != nil {
				return err
			}
		}
		if w := j.weigh(); w.less(least) {
			best, least = j.state(), w
		}
		slices.Reverse(order)
	}
	j.restore(best)
	return nil
}

// others lists for each package the versions of other lanes, what most of them
// have first, then those of last.
func (j *joiner) others(l *lane, lanes []*lane, last map[string]int) map[string][]int {
	count := map[place]int{}
	prefer := map[string][]int{}
	for _, o := range lanes {
		for name, i := range o.now {
			if count[place{name, i}]++; count[place{name, i}] == 1 {
				prefer[name] = append(prefer[name], i)
			}
		}
	}
	for name, list := range prefer {
		slices.SortFunc(list, func(a, b int) int {
			if c := count[place{name, b}] - count[place{name, a}]; c != 0 {
				return c
			}
			if j.better(l, name, a, b) {
				return -1
			}
			return 1
		})
	}
	for name, i := range last {
		if !slices.Contains(prefer[name], i) {
			prefer[name] = append(prefer[name], i)
		}
	}
	return prefer
}
