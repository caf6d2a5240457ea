package resolve

import (
	"maps"
	"slices"
)

// move gives a lane other versions, if they are a solution: everything that is
// required of each package in them is met by them. It drops what nothing needs
// any more. The lane stays as it is where they are none.
func (j *joiner) move(l *lane, versions map[string]int) (sound bool, err error) {
	w := &walk{joiner: j, lane: l, versions: versions, now: map[string]int{}, force: map[string][]*need{}, extras: map[string][]string{}}
	queue := slices.Clone(l.base.roots)
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		next, ok, err := w.follow(n)
		if err != nil || !ok {
			return false, err
		}
		queue = append(queue, next...)
	}
	for name, i := range w.now {
		if ok, err := w.lawful(name, i); err != nil || !ok {
			return false, err
		}
	}
	l.now, l.force, l.extras, l.delicate, l.stale = w.now, w.force, w.extras, w.delicate, false
	return true, nil
}

// replace gives lanes that it fits another version of one package, if the whole
// costs less then. What came with the old version is only forgotten by tidy:
// until then there are more needs in force than have to be, which is safe.
func (j *joiner) replace(name string, lanes []*lane, i int) (bool, error) {
	for _, l := range lanes {
		if j.projects[name].releases[i].pre || j.mayRevoke(l, name) {
			return j.accept(lanes, func(l *lane) (map[string]int, bool, error) { return l.with(name, i), true, nil })
		}
	}
	was := j.weighName(name)
	old := make([]int, len(lanes))
	for k, l := range lanes {
		if !l.stale {
			l.sound, l.now, l.stale = l.now, maps.Clone(l.now), true
		}
		old[k], l.now[name] = l.now[name], i
	}
	if !j.weighName(name).less(was) {
		for k, l := range lanes {
			l.now[name] = old[k]
		}
		return false, nil
	}
	for k, l := range lanes {
		if old[k] == i {
			continue
		}
		f, _, err := l.readFacts(j.view(l, name), i)
		if err != nil {
			return false, err
		}
		for _, e := range append([]string{""}, l.extras[name]...) {
			for _, n := range l.needsOf(f, e) {
				l.force[n.name] = append(l.force[n.name], n)
			}
		}
	}
	return true, nil
}

// mayRevoke reports whether a pre-release or a yanked release in the lane may
// be there by leave of what the package needs now.
func (j *joiner) mayRevoke(l *lane, name string) bool {
	if len(l.delicate) == 0 {
		return false
	}
	f, _, err := l.readFacts(j.view(l, name), l.now[name])
	return err != nil || slices.ContainsFunc(f.needs, func(n *need) bool { return slices.Contains(l.delicate, n.name) })
}

// tidy forgets what nothing needs any more. Where a pre-release was there by
// leave of just that, the lane goes back to what it had.
func (j *joiner) tidy() error {
	for _, l := range j.lanes {
		if !l.stale {
			continue
		}
		sound, err := j.move(l, l.now)
		if err == nil && !sound {
			_, err = j.move(l, l.sound)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walk visits everything that is needed of some versions.
type walk struct {
	*joiner
	lane     *lane
	versions map[string]int
	now      map[string]int
	force    map[string][]*need
	extras   map[string][]string
	delicate []string
}

// follow meets one need, and returns the needs that come with it.
func (w *walk) follow(n *need) (next []*need, ok bool, err error) {
	i, ok := w.versions[n.name]
	if !ok {
		return nil, false, nil
	}
	proj := w.projects[n.name]
	if !proj.setOf(n).Has(i) {
		return nil, false, nil
	}
	w.force[n.name] = append(w.force[n.name], n)
	_, known := w.now[n.name]
	fresh := slices.DeleteFunc(slices.Clone(n.extras), func(e string) bool { return slices.Contains(w.extras[n.name], e) })
	if known && len(fresh) == 0 {
		return nil, true, nil
	}
	f, refused, err := w.lane.readFacts(w.lane.of(proj), i)
	if err != nil || refused != "" || f.unknown && w.lane.alone[n.name] != i {
		return nil, false, err
	}
	if !known {
		w.now[n.name] = i
		next = append(next, w.lane.needsOf(f, "")...)
	}
	for _, e := range fresh {
		w.extras[n.name] = append(w.extras[n.name], e)
		next = append(next, w.lane.needsOf(f, e)...)
	}
	return next, true, nil
}

// lawful applies the constraints, and the rule for pre-releases and yanks.
func (w *walk) lawful(name string, i int) (bool, error) {
	l := w.lane
	pv := l.of(w.projects[name])
	for _, c := range l.base.constraints[name] {
		if !pv.setOf(c).Has(i) {
			return false, nil
		}
	}
	if !l.candidate(pv, i).usable() {
		return false, nil
	}
	if !pv.releases[i].pre && !l.candidate(pv, i).yanked {
		return true, nil
	}
	w.delicate = append(w.delicate, name)
	var labels []any
	for _, n := range w.force[name] {
		labels = append(labels, n)
	}
	class, _ := l.base.class(pv, l.base.permit(pv, labels), i)
	return class <= 1, nil
}

// fits reports whether one package can be another version in what the lane has
// now, with everything else as it is. It reads metadata only where the page
// does not rule the version out.
func (j *joiner) fits(l *lane, name string, i int) (bool, error) {
	proj := j.projects[name]
	pv := l.of(proj)
	if !l.plain(pv, i) || !j.admits(l)(pv, i) || !j.forced(l, name, i) || !j.constrained(l, name, i) {
		return false, nil
	}
	f, refused, err := l.readFacts(pv, i)
	if err != nil || refused != "" || f.unknown {
		return false, err
	}
	for _, e := range append([]string{""}, l.extras[name]...) {
		for _, n := range l.needsOf(f, e) {
			if n.name == name {
				continue
			}
			at, ok := l.now[n.name]
			if !ok || !j.projects[n.name].setOf(n).Has(at) || slices.ContainsFunc(n.extras, func(e string) bool { return !slices.Contains(l.extras[n.name], e) }) {
				return false, nil
			}
		}
	}
	return true, nil
}

// state is what every lane has, so that a try can be taken back.
type state []lane

func (j *joiner) state() state {
	var st state
	for _, l := range j.lanes {
		st = append(st, *l)
	}
	return st
}

func (j *joiner) restore(st state) {
	for k, l := range j.lanes {
		*l = st[k]
	}
}

// with is now with one version changed.
func (l *lane) with(name string, i int) map[string]int {
	m := maps.Clone(l.now)
	m[name] = i
	return m
}
