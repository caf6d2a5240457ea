package resolve

import (
	"cmp"
	"strings"
	"time"
)

// weight is what the answers for all targets cost, most important first.
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

func (w weight) tally() Tally { return Tally{Versions: w.versions, Builds: w.builds} }

// weigh weighs what the lanes have now.
func (j *joiner) weigh() weight {
	var w weight
	done := map[string]bool{}
	for _, l := range j.lanes {
		for name := range l.now {
			if !done[name] {
				done[name] = true
				w = w.add(j.weighName(name))
			}
		}
	}
	return w
}

// weighName weighs one package over all lanes: a review for each version, a
// build for each wheel that has to be made, and how far the pins are behind.
func (j *joiner) weighName(name string) weight {
	var w weight
	seen := map[int]bool{}
	pure := map[int]bool{}
	for _, l := range j.lanes {
		i, ok := l.now[name]
		if !ok {
			continue
		}
		if !seen[i] {
			seen[i] = true
			w.versions++
		}
		if build, once := j.build(l, name, i); build && !(once && pure[i]) {
			pure[i] = pure[i] || once
			w.builds++
		}
		if at, ok := l.alone[name]; ok && at != i && !j.better(l, name, i, at) {
			w.behind += j.apart(l, name, at, i)
			w.steps += max(at-i, i-at)
		}
	}
	return w
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
