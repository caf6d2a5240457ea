package resolve

import "slices"

// freshen lets go what was held back for nothing: a version that several lanes
// share is raised in all of them, or one lane goes to a newer version that
// another has.
func (j *joiner) freshen() (changed bool, err error) {
	for range joinRounds {
		for _, name := range j.names() {
			for _, lanes := range j.sets(name) {
				// Each would cost a round trip if raise were the first to ask.
				j.askFirst(name, lanes, j.between(name, lanes))
			}
		}
		again := false
		for _, name := range j.names() {
			for _, lanes := range j.sets(name) {
				ok, err := j.raise(name, lanes)
				if err != nil {
					return changed, err
				}
				again = again || ok
			}
		}
		if err := j.tidy(); err != nil || !again {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// sets are the lanes that might be raised together: those that share a version,
// and each of them alone.
func (j *joiner) sets(name string) (sets [][]*lane) {
	for _, g := range j.groups(name) {
		sets = append(sets, g)
		for _, l := range g {
			if len(g) > 1 {
				sets = append(sets, []*lane{l})
			}
		}
	}
	return sets
}

// raise looks for a version between what these lanes have and what they would
// have alone.
func (j *joiner) raise(name string, lanes []*lane) (bool, error) {
	ok, _, err := j.takeFirst(name, lanes, j.between(name, lanes))
	return ok, err
}

// between lists the versions better than what these lanes have and no better
// than what one of them would have alone, the best first. There are none where
// the lanes have no longer the same.
func (j *joiner) between(name string, lanes []*lane) []int {
	l := lanes[0]
	at, ok := l.now[name]
	top := -1
	for _, o := range lanes {
		if o.now[name] != at {
			return nil // moved since the sets were made
		}
		if i, ok := o.alone[name]; ok && (top < 0 || j.better(l, name, i, top)) {
			top = i
		}
	}
	if !ok || top < 0 || !j.better(l, name, top, at) {
		return nil
	}
	return slices.DeleteFunc(j.common(name, lanes), func(i int) bool {
		return j.better(l, name, i, top) || !j.better(l, name, i, at)
	})
}
