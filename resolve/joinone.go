package resolve

import (
	"cmp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/solver"
)

// joinAll tries to bring the versions of each package together, what is built
// from source and has the most versions first.
func (j *joiner) joinAll() (changed bool, err error) {
	type split struct {
		name string
		w    weight
	}
	var list []split
	seen := map[string]bool{}
	for _, l := range j.lanes {
		for name := range l.now {
			if w := j.weighName(name); !seen[name] && w.versions > 0 {
				list = append(list, split{name, w})
			}
			seen[name] = true
		}
	}
	slices.SortFunc(list, func(a, b split) int {
		return cmp.Or(b.w.builds-a.w.builds, b.w.versions-a.w.versions, strings.Compare(a.name, b.name))
	})
	for _, s := range list {
		j.askCommon(s.name)
	}
	for _, s := range list {
		ok, err := j.joinName(s.name)
		if err != nil {
			return changed, err
		}
		changed = changed || ok
	}
	return changed, j.tidy()
}

// joinName tries one version for all lanes that have the package, then for the
// lanes of each two versions.
func (j *joiner) joinName(name string) (changed bool, err error) {
	groups := j.groups(name)
	if len(groups) < 2 {
		return false, nil
	}
	var all []*lane
	for _, g := range groups {
		all = append(all, g...)
	}
	if ok, err := j.joinLanes(name, all); err != nil || ok || len(groups) == 2 {
		return ok, err
	}
	pairs := 0
	for a := 0; a < len(groups); a++ {
		for b := a + 1; b < len(groups) && pairs < joinPairs; b++ {
			pairs++
			ok, err := j.joinLanes(name, append(slices.Clone(groups[a]), groups[b]...))
			if err != nil {
				return changed, err
			}
			if ok {
				changed = true
				groups = j.groups(name)
				a, b = -1, len(groups) // begin anew
			}
		}
	}
	return changed, nil
}

// groups are the lanes that have a package, by version, the oldest first.
func (j *joiner) groups(name string) [][]*lane {
	by := map[int][]*lane{}
	var versions []int
	for _, l := range j.lanes {
		if i, ok := l.now[name]; ok {
			if by[i] == nil {
				versions = append(versions, i)
			}
			by[i] = append(by[i], l)
		}
	}
	slices.Sort(versions)
	var groups [][]*lane
	for _, i := range versions {
		groups = append(groups, by[i])
	}
	return groups
}

// joinLanes takes the best version that all of these lanes can have and that
// makes the whole cost less.
func (j *joiner) joinLanes(name string, lanes []*lane) (bool, error) {
	common := j.common(name, lanes)
	j.askFirst(name, lanes, common)
	ok, coupled, err := j.takeFirst(name, lanes, common)
	if err != nil || ok {
		return ok, err
	}
	// What somebody has already is the most likely to go with the rest.
	slices.SortStableFunc(coupled, func(a, b int) int { return j.having(name, b) - j.having(name, a) })
	for _, i := range coupled[:min(len(coupled), joinSolves)] {
		if j.tries >= joinTries {
			break
		}
		j.tries++
		ok, err := j.accept(lanes, func(l *lane) (map[string]int, bool, error) {
			if l.now[name] == i && j.settled(l) {
				return l.now, true, nil
			}
			prefer := j.others(l, j.lanes, nil)
			for n, at := range l.now {
				prefer[n] = append([]int{at}, prefer[n]...)
			}
			return j.solve(l, aim{only: map[string]int{name: i}, prefer: prefer, admit: j.admits(l)})
		})
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// askCommon begins to read what joinLanes will read, for all packages before the
// first is judged: each would cost a round trip.
func (j *joiner) askCommon(name string) {
	lanes := slices.Concat(j.groups(name)...)
	j.askFirst(name, lanes, j.common(name, lanes))
}

// askFirst begins to read the versions of a list that allFit would read, as far
// as they are judged.
func (j *joiner) askFirst(name string, lanes []*lane, list []int) {
	left := joinFacts
	for _, i := range list {
		if left == 0 {
			break
		}
		asked := false
		for _, l := range lanes {
			if l.now[name] == i {
				continue
			}
			if !j.forced(l, name, i) {
				break
			}
			j.ask(l, name, i)
			asked = true
		}
		if asked {
			left--
		}
	}
}

// settled reports whether the solver would give a lane what it has: that is
// sound, and comes first for each package, nothing locked being before it.
func (j *joiner) settled(l *lane) bool {
	if l.stale || len(l.delicate) > 0 {
		return false
	}
	for name, i := range l.now {
		pv := j.view(l, name)
		if k := l.lockedIndex(pv); k >= 0 && k != i {
			return false
		}
		if f, _, err := l.readFacts(pv, i); err != nil || f.unknown {
			return false // what nobody can read is never preferred
		}
	}
	return true
}

// takeFirst gives the lanes the first version of a list that fits them all as they
// are and makes the whole cost less. coupled are those that other packages stand
// against.
func (j *joiner) takeFirst(name string, lanes []*lane, list []int) (taken bool, coupled []int, err error) {
	read := 0
	for _, i := range list {
		if read == joinFacts {
			break
		}
		fits, asked, err := j.allFit(name, lanes, i)
		if err != nil {
			return false, nil, err
		}
		if asked {
			read++
		}
		if !fits {
			coupled = append(coupled, i)
			continue
		}
		if ok, err := j.replace(name, lanes, i); err != nil || ok {
			return ok, nil, err
		}
	}
	return false, coupled, nil
}

func (j *joiner) having(name string, i int) (n int) {
	for _, l := range j.lanes {
		if at, ok := l.now[name]; ok && at == i {
			n = 1
		}
	}
	return n
}

// common lists the versions that the pages allow all of these lanes, the best
// first.
func (j *joiner) common(name string, lanes []*lane) []int {
	pv := j.view(lanes[0], name)
	full := solver.FullSet(len(pv.releases))
	var list []int
	for i := lanes[0].base.first(name, full); i >= 0 && len(list) < joinVersions; i = lanes[0].base.after(name, full, i) {
		if pv.releases[i].pre && j.having(name, i) == 0 {
			continue
		}
		if !slices.ContainsFunc(lanes, func(l *lane) bool {
			of := j.view(l, name)
			return l.now[name] != i && (!l.plain(of, i) || !j.admits(l)(of, i) || !j.constrained(l, name, i))
		}) {
			list = append(list, i)
		}
	}
	return list
}

func (j *joiner) constrained(l *lane, name string, i int) bool {
	return !slices.ContainsFunc(l.base.constraints[name], func(c *need) bool { return !j.projects[name].setOf(c).Has(i) })
}

// allFit reports whether the version fits each lane as it is; asked: metadata
// had to be read for the answer.
func (j *joiner) allFit(name string, lanes []*lane, i int) (fits, asked bool, err error) {
	for _, l := range lanes {
		if l.now[name] == i {
			continue
		}
		if !j.forced(l, name, i) {
			return false, asked, nil
		}
		asked = true
		if ok, err := j.fits(l, name, i); err != nil || !ok {
			return false, asked, err
		}
	}
	return true, asked, nil
}

// forced reports whether every need in force on a package admits a version.
func (j *joiner) forced(l *lane, name string, i int) bool {
	return !slices.ContainsFunc(l.force[name], func(n *need) bool { return !j.projects[name].setOf(n).Has(i) })
}

// accept moves lanes, and takes it back unless the whole costs less then.
func (j *joiner) accept(lanes []*lane, to func(*lane) (map[string]int, bool, error)) (bool, error) {
	before, was := j.state(), j.weigh()
	for _, l := range lanes {
		now, ok, err := to(l)
		if err == nil && ok {
			ok, err = j.move(l, now)
		}
		if err != nil || !ok {
			j.restore(before)
			return false, err
		}
	}
	if !j.weigh().less(was) {
		j.restore(before)
		return false, nil
	}
	return true, nil
}
