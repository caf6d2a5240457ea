package resolve

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// view is the index as one target sees it.
type view struct {
	*store
	target tags.Target
	python pep440.Version
	env    pep508.Environment
	locked map[string]string

	mu       sync.Mutex
	seen     map[string]*projectView
	tagRanks map[string]int // by compressed tags; -1: none fits
	misfits  map[string]misfit
	pythons  map[string]bool
	holds    map[holdKey]bool
	needed   map[needsKey][]*need
	asked    map[*need]bool
	replaced map[*need][]*need // see overridesOf
}

type holdKey struct {
	need  *need
	extra string
}

type needsKey struct {
	facts *facts
	extra string
}

func newView(s *store, t tags.Target) *view {
	return &view{store: s, target: t, python: t.Version(), env: t.Environment(), locked: s.req.Locked[t.Name],
		seen: map[string]*projectView{}, tagRanks: map[string]int{}, misfits: map[string]misfit{}, pythons: map[string]bool{},
		holds: map[holdKey]bool{}, needed: map[needsKey][]*need{}, asked: map[*need]bool{}, replaced: map[*need][]*need{}}
}

// projectView is a project as one target sees it.
type projectView struct {
	*project
	noBinary, onlyBinary bool
	candidates           []atomic.Pointer[candidate]
}

func (v *view) of(p *project) *projectView {
	v.mu.Lock()
	defer v.mu.Unlock()
	pv := v.seen[p.name]
	if pv == nil {
		pv = &projectView{project: p, candidates: make([]atomic.Pointer[candidate], len(p.releases))}
		if p.local == "" {
			pv.noBinary, pv.onlyBinary = named(v.req.NoBinary, v.req.OnlyBinary, p.name), named(v.req.OnlyBinary, v.req.NoBinary, p.name)
		}
		v.seen[p.name] = pv
	}
	return pv
}

// named reports whether a list of packages holds for a name: one that either
// list names goes before All.
func named(list, other []string, name string) bool {
	is := func(s string) bool { return pep508.NormalizeName(s) == name }
	return slices.ContainsFunc(list, is) || slices.Contains(list, All) && !slices.ContainsFunc(other, is)
}

// candidate is a release as one target sees it: the file that would be installed.
type candidate struct {
	wheel  *wheel
	sdist  *sdist
	yanked bool // every usable file is

	// What askFacts and readFacts found: a search asks for it again and again.
	asked atomic.Pointer[future[*facts]]
	read  atomic.Pointer[judged]
}

// judged is what a version says about itself, and why it cannot be used if so.
type judged struct {
	facts   *facts
	refused string
}

func (c *candidate) usable() bool { return c.wheel != nil || c.sdist != nil }

// candidate says what of release i the target can use.
func (v *view) candidate(p *projectView, i int) *candidate {
	if c := p.candidates[i].Load(); c != nil {
		return c
	}
	c := v.look(p, p.releases[i], false)
	if !c.usable() {
		if c = v.look(p, p.releases[i], true); c.usable() {
			c.yanked = true
		}
	}
	p.candidates[i].Store(c)
	return c
}

// look finds the best wheel (by tags, then build tag, then name, as pip) and
// the best sdist, without yanked files or with them.
func (v *view) look(p *projectView, r *release, yanked bool) *candidate {
	c := &candidate{}
	best := 0
	for _, w := range r.wheels {
		if p.noBinary || w.late != "" || w.file.Yanked && !yanked || !v.pythonFits(w.file.RequiresPython) {
			continue
		}
		rank := v.rank(w.tags)
		if rank < 0 {
			continue
		}
		if c.wheel == nil || rank < best || rank == best && compareBuild(w.build, c.wheel.build) > 0 {
			c.wheel, best = w, rank
		}
	}
	for _, d := range r.sdists {
		if c.sdist == nil && !p.onlyBinary && d.late == "" && (yanked || !d.file.Yanked) && v.pythonFits(d.file.RequiresPython) {
			c.sdist = d
		}
	}
	return c
}

func compareBuild(a, b string) int {
	return tags.CompareBuild(tags.WheelName{Build: a}, tags.WheelName{Build: b})
}

// rank is the place of the best of compressed tags among the target's; -1 if none fits.
func (v *view) rank(compressed string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	rank, ok := v.tagRanks[compressed]
	if ok {
		return rank
	}
	rank = -1
	list, err := tags.ParseTags(compressed)
	if err == nil {
		for _, t := range list {
			if k, ok := v.target.Rank(t); ok && (rank < 0 || k < rank) {
				rank = k
			}
		}
	}
	v.tagRanks[compressed] = rank
	return rank
}

// pythonFits judges a Requires-Python; one that cannot be read admits any
// Python, as in pip.
func (v *view) pythonFits(spec string) bool {
	if spec == "" {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	fits, ok := v.pythons[spec]
	if !ok {
		s, err := pep440.ParseSpecifiers(spec)
		fits = err != nil || s.Contains(v.python, pep440.PreAllow)
		v.pythons[spec] = fits
	}
	return fits
}

// askFacts begins to find out what release i needs on the target; nil if
// nothing tells.
func (v *view) askFacts(p *projectView, i int) *future[*facts] {
	r, c := p.releases[i], v.candidate(p, i)
	if f := c.asked.Load(); f != nil {
		return f
	}
	var f *future[*facts]
	if c.wheel != nil {
		f = v.askWheel(p.project, r, c.wheel)
	} else if w := v.stand(p, r); w != nil {
		f = v.askWheel(p.project, r, w)
	} else if c.sdist != nil {
		f = v.askSdist(p.project, r, c.sdist)
	}
	c.asked.Store(f)
	return f
}

// stand is the wheel whose metadata stands for a version of which only the
// sdist can be used: the one for the most similar platform.
func (v *view) stand(p *projectView, r *release) *wheel {
	var best *wheel
	score := -1
	for _, w := range r.wheels {
		if w.late != "" {
			continue
		}
		n := 0
		if v.rank(w.tags) >= 0 {
			n += 8
		}
		if strings.Contains(w.tags, v.target.PythonTag()+"-") {
			n += 4
		}
		if a := v.target.Arch(); a != "" && strings.HasSuffix(w.tags, a) {
			n++
		}
		if strings.Contains(w.tags, "linux") == strings.Contains(v.target.Platform, "linux") {
			n += 2
		}
		if n > score {
			best, score = w, n
		}
	}
	return best
}

// readFacts waits for what release i needs, and says why it cannot be used if so.
func (v *view) readFacts(p *projectView, i int) (f *facts, refused string, err error) {
	c := v.candidate(p, i)
	if j := c.read.Load(); j != nil {
		return j.facts, j.refused, nil
	}
	future := v.askFacts(p, i)
	if f, err = wait(v.ctx, future); err != nil {
		return nil, "", fmt.Errorf("resolving %s: %w", p.name, err)
	}
	refused = v.judge(f)
	c.read.Store(&judged{f, refused})
	return f, refused, nil
}

// judge says why a version cannot be used that says this of itself; "": it can.
func (v *view) judge(f *facts) string {
	switch {
	case f.refused != "":
		return f.refused
	case !f.unknown && !f.python.IsEmpty() && !f.python.Contains(v.python, pep440.PreAllow):
		return pythonReason(f.requiresPython, v.python)
	}
	for _, n := range f.needs {
		if n.marker == nil {
			continue
		}
		if _, err := v.hold(n, ""); err != nil {
			return fmt.Sprintf("the marker of %q cannot be judged: %v", n.text, err)
		}
	}
	return ""
}

// hold reports whether the marker of n is true on the target, for an extra or none.
func (v *view) hold(n *need, extra string) (bool, error) {
	if n.marker == nil {
		return true, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key := holdKey{n, extra}
	if h, ok := v.holds[key]; ok {
		return h, nil
	}
	var h bool
	var err error
	if extra == "" {
		h, err = n.marker.Eval(v.env)
	} else {
		h, err = n.marker.Eval(v.env, extra)
	}
	if err != nil {
		return false, err
	}
	v.holds[key] = h
	return h, nil
}

// needsOf is what a version needs, or what an extra adds to that.
func (v *view) needsOf(f *facts, extra string) []*need {
	key := needsKey{f, extra}
	v.mu.Lock()
	list, ok := v.needed[key]
	v.mu.Unlock()
	if !ok {
		list = slices.Clip(v.holdingNeeds(f, extra)) // so that who appends to it copies it
		v.mu.Lock()
		v.needed[key] = list
		v.mu.Unlock()
	}
	return list
}

func (v *view) holdingNeeds(f *facts, extra string) []*need {
	if extra != "" && !slices.Contains(f.extras, extra) {
		return nil // as pip: an extra that is not provided is a warning
	}
	var list []*need
	for _, n := range f.needs {
		base, err := v.hold(n, "")
		if err != nil {
			continue
		}
		if extra == "" {
			if base {
				list = append(list, n)
			}
			continue
		}
		if with, err := v.hold(n, extra); err == nil && with && !base {
			list = append(list, n)
		}
	}
	return list
}
