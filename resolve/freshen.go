package resolve

// freshen lets go what was held back for nothing: a version that several lanes
// share is raised in all of them, or one lane goes to a newer version that
// another has.
func (j *joiner) freshen() (changed bool, err error) {
	for range joinRounds {
		again := false
		for _, name := range j.names() {
			for _, g := range j.groups(name) {
				sets := [][]*lane{g}
				if len(g) > 1 {
					for _, l := range g {
						sets = append(sets, []*lane{l})
					}
				}
				for _, lanes := range sets {
					ok, err := j.raise(name, lanes)
					if err != nil {
						return changed, err
					}
					again = again || ok
				}
			}
		}
		if err := j.tidy(); err != nil || !again {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// raise looks for a version between what these lanes have and what they would
// have alone.
func (j *joiner) raise(name string, lanes []*lane) (bool, error) {
	l := lanes[0]
	at, ok := l.now[name]
	top := -1
	for _, o := range lanes {
		if o.now[name] != at {
			return false, nil // moved since the groups were made
		}
		if i, ok := o.alone[name]; ok && (top < 0 || j.better(l, name, i, top)) {
			top = i
		}
	}
	if !ok || top < 0 || !j.better(l, name, top, at) {
		return false, nil
	}
	read := 0
	for _, i := range j.common(name, lanes) {
		if j.better(l, name, i, top) || !j.better(l, name, i, at) || read == joinFacts {
			continue
		}
		fits, asked, err := j.allFit(name, lanes, i)
		if err != nil {
			return false, err
		}
		if asked {
			read++
		}
		if !fits {
			continue
		}
		if ok, err := j.replace(name, lanes, i); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}
