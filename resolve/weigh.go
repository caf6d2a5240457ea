package resolve

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// weight is what the answers for all targets cost, most important first. Only
// what comes on top of one version of each package counts: to go back to a
// version that needs fewer packages is not sharing.
type weight struct {
	builds, versions int
	behind           time.Duration // summed over the pins
	steps            int           // releases that lie between, summed over the pins
}

func (w weight) less(v weight) bool {
	return cmp.Or(cmp.Compare(w.builds, v.builds), cmp.Compare(w.versions, v.versions),
		cmp.Compare(w.behind, v.behind), cmp.Compare(w.steps, v.steps)) < 0
}

func (w weight) add(v weight) weight {
	return weight{w.builds + v.builds, w.versions + v.versions, w.behind + v.behind, w.steps + v.steps}
}

// weigh weighs what the lanes have now.
func (j *joiner) weigh() weight {
	var w weight
	for _, name := range j.names() {
		w = w.add(j.weighName(name))
	}
	return w
}

// tally counts what the lanes have now.
func (j *joiner) tally() Tally {
	var t Tally
	for _, name := range j.names() {
		builds, versions := j.count(name)
		t.Builds, t.Versions = t.Builds+builds, t.Versions+versions
	}
	return t
}

// names are those of all packages in use, sorted.
func (j *joiner) names() []string {
	var list []string
	for _, l := range j.lanes {
		for name := range l.now {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// weighName weighs one package over all lanes.
func (j *joiner) weighName(name string) weight {
	builds, versions := j.count(name)
	w := weight{builds: max(0, builds-1), versions: max(0, versions-1)}
	for _, l := range j.lanes {
		i, ok := l.now[name]
		if at, had := l.alone[name]; ok && had && at != i && !j.better(l, name, i, at) {
			w.behind += j.apart(l, name, at, i)
			w.steps += max(at-i, i-at)
		}
	}
	return w
}

// count gives the versions of a package over all lanes, each of which is a
// review, and the wheels that have to be made of them.
func (j *joiner) count(name string) (builds, versions int) {
	seen, pure := map[int]bool{}, map[int]bool{}
	for _, l := range j.lanes {
		i, ok := l.now[name]
		if !ok {
			continue
		}
		if !seen[i] {
			seen[i] = true
			versions++
		}
		if build, once := j.build(l, name, i); build && !(once && pure[i]) {
			pure[i] = pure[i] || once
			builds++
		}
	}
	return builds, versions
}

// build reports whether a version has to be built for the lane's target, and
// whether one build serves every target: it does where all that is published is
// for any platform.
func (j *joiner) build(l *lane, name string, i int) (build, once bool) {
	pv := j.view(l, name)
	c, r := l.candidate(pv, i), pv.releases[i]
	if c.sdist == nil || c.wheel != nil && !j.choice.BuildAll {
		return false, false
	}
	if j.choice.Ready[l.target.Name][name][r.text].Built {
		return false, false
	}
	once = len(r.wheels) > 0
	for _, w := range r.wheels {
		once = once && strings.HasSuffix(w.tags, "-none-any")
	}
	return true, once
}

// better reports whether the target would rather have version a than b.
func (j *joiner) better(l *lane, name string, a, b int) bool {
	if l.base.lowest(name) {
		return a < b
	}
	return a > b
}

// apart is by how much the worse of two versions lies behind in upload time;
// 0 where that is not known, or a fix of an old series came later.
func (j *joiner) apart(l *lane, name string, better, worse int) time.Duration {
	p := j.projects[name]
	a, b := j.uploaded(p, better), j.uploaded(p, worse)
	if a.IsZero() || b.IsZero() {
		return 0
	}
	if l.base.lowest(name) {
		a, b = b, a
	}
	return max(0, a.Sub(b))
}

// uploaded is when the first file of a version appeared: wheels for a new
// Python may be added years later. Zero: the index does not say.
func (j *joiner) uploaded(p *project, i int) time.Time {
	key := place{p.name, i}
	if t, ok := j.uploads[key]; ok {
		return t
	}
	var first time.Time
	take := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, w := range p.releases[i].wheels {
		take(w.file.Uploaded)
	}
	for _, s := range p.releases[i].sdists {
		take(s.file.Uploaded)
	}
	j.uploads[key] = first
	return first
}
