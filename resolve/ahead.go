package resolve

import "github.com/freedomofpress/wheellock/resolve/solver"

// Reading ahead: the search asks for one thing at a time, and on a network
// each answer takes a round trip. So whenever a need becomes known, its page
// is asked for, then the metadata of the version that will probably be taken,
// then the same for what that needs. What comes back lies in the store when the
// search gets there; a wrong guess costs a request and changes nothing.

// maxAhead bounds how many needs are followed for one target.
const maxAhead = 20000

// follow reads ahead from a need.
func (v *view) follow(n *need) {
	if v.ctx.Err() != nil || v.over.Load() {
		return
	}
	v.mu.Lock()
	seen := v.asked[n] || len(v.asked) >= maxAhead
	v.asked[n] = true
	v.mu.Unlock()
	if seen {
		return
	}
	page := v.askProject(n.name)
	v.running.Add(1)
	go func() {
		defer v.running.Done()
		p, err := wait(v.ctx, page)
		if err != nil || p.missing {
			return
		}
		pv := v.of(p)
		i := v.guess(pv, p.setOf(n))
		if i < 0 || v.over.Load() || !v.cheap(pv, i) {
			return
		}
		f, err := wait(v.ctx, v.askFacts(pv, i))
		if err != nil || f.unknown || f.refused != "" {
			return
		}
		for _, e := range append([]string{""}, n.extras...) {
			for _, next := range v.needsOf(f, e) {
				v.follow(next)
			}
		}
	}()
}

// guess is the version that will be taken if nothing else is in the way.
func (v *view) guess(p *projectView, among solver.Set) int {
	if i := v.lockedIndex(p); i >= 0 && among.Has(i) {
		return i
	}
	last := -1
	for i := among.Newest(); i >= 0; i = among.Below(i) {
		if c := v.candidate(p, i); !c.usable() || c.yanked {
			continue
		}
		if !p.releases[i].pre || v.req.Prereleases {
			return i
		}
		if last < 0 {
			last = i
		}
	}
	return last
}

// cheap reports whether metadata comes without a whole sdist.
func (v *view) cheap(p *projectView, i int) bool {
	return v.candidate(p, i).wheel != nil || v.stand(p, p.releases[i]) != nil
}

// maxBurst bounds how many versions are asked for at once. It grows with what
// was tried, so that little is read in vain.
const maxBurst = 256

// burst asks for the metadata of the next k candidates below i: the search goes
// down version by version. Where fewer are allowed, the rest is taken from what
// is not: a package that follows another one down (botocore, of which each boto3
// wants the one of its day) is allowed one version at a time.
func (p *provider) burst(pv *projectView, allowed solver.Set, i, k int) {
	last := i
	for i = allowed.Below(i); i >= 0 && k > 0; i = allowed.Below(i) {
		if p.askAhead(pv, i) {
			k--
		}
		last = i
	}
	for i = last - 1; i >= 0 && k > 0; i-- {
		if p.askAhead(pv, i) {
			k--
		}
	}
}

// askAhead begins to read what a version says about itself, if that is cheap.
func (p *provider) askAhead(pv *projectView, i int) bool {
	asked := p.bursts[pv.name]
	if asked == nil {
		asked = solver.NewSet(len(pv.releases))
		p.bursts[pv.name] = asked
	}
	if asked.Has(i) {
		return true
	}
	c := p.candidate(pv, i)
	if !c.usable() || !p.cheap(pv, i) {
		return false
	}
	asked.Add(i)
	p.askFacts(pv, i)
	return true
}
