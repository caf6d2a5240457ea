package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/solver"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Bounds of the search for what would work: it is a courtesy, not the answer.
const (
	maxTrials       = 48  // solved to find out
	maxRelaxed      = 6   // requirements that are loosened
	maxWorks        = 6   // changes shown
	trialConflicts  = 300 // in one trial
	maxOtherTargets = 8   // other targets that a change is tried on
)

// relax looks for the smallest changes under which each explanation's targets
// have a solution.
func (e *ConflictError) relax(s *store, results []targetResult, roots, constraints []*need) {
	for i, group := range alike(results) {
		r := &relaxer{store: s, group: group, roots: roots, constraints: constraints}
		for k, t := range results {
			if t.conflict == nil && len(r.others) < maxOtherTargets {
				r.others = append(r.others, s.req.Targets[k])
			}
		}
		e.Explanations[i].Works = r.find()
	}
	e.Near = nearNames(e.Missing, roots)
}

type relaxer struct {
	*store
	group              []*explainer  // of the explanation's targets
	others             []tags.Target // that have a solution, and must keep one
	roots, constraints []*need       // of the request
	found              []Relaxation
	tried              int
}

// trial is a changed request.
type trial struct {
	of     *need // takes the place of this one, or is added
	by     *need // nil: it is left out
	req    *Request
	target *tags.Target // in the place of the group's
	apart  string       // the requirements of this group are left out
}

// find tries one kind of change after the other.
func (r *relaxer) find() []Relaxation {
	blamed := r.blamed()
	for _, n := range blamed {
		if !n.spec.IsEmpty() {
			r.loosen(n)
		}
	}
	for _, n := range blamed {
		r.dropExtras(n)
	}
	r.exclusions()
	r.groupsApart(blamed)
	r.overrides()
	small := len(r.found)
	for _, n := range blamed {
		if relaxed := r.relaxed(n); !r.narrow(n) && !relaxed {
			r.drop(n)
		}
	}
	if small == 0 {
		r.overrule()
	}
	if len(r.found) == 0 {
		r.otherTarget(strangers(r.group[0].target))
	}
	return r.found[:min(len(r.found), maxWorks)]
}

// relaxed reports whether a smaller change of n was found.
func (r *relaxer) relaxed(n *need) bool {
	return slices.ContainsFunc(r.found, func(w Relaxation) bool { return strings.HasPrefix(w.Means, r.insteadOf(n)) })
}

func (r *relaxer) add(do, means string) {
	r.found = append(r.found, Relaxation{Do: do, Means: means})
}

// blamed returns the requirements of the user in the proof; those with a bound first.
func (r *relaxer) blamed() []*need {
	var list []*need
	for _, i := range r.group[0].leaves {
		if n, ok := i.Cause.(*need); ok && (n.root || n.constraint) && !n.firm && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b *need) int {
		if a.spec.IsEmpty() != b.spec.IsEmpty() {
			if a.spec.IsEmpty() {
				return 1
			}
			return -1
		}
		return strings.Compare(a.origin, b.origin)
	})
	return list[:min(len(list), maxRelaxed)]
}

// got is what a trial gave: the versions of a name, one a target, each once.
type got map[string][]string

// groupsApart tries to solve two groups of the proof one without the other.
func (r *relaxer) groupsApart(blamed []*need) {
	var groups []string
	for _, n := range blamed {
		if n.root && n.group != "" && !slices.Contains(groups, n.group) {
			groups = append(groups, n.group)
		}
	}
	slices.Sort(groups)
	for i, a := range groups {
		for _, b := range groups[i+1:] {
			if _, ok := r.works(trial{apart: a}); !ok {
				continue
			}
			if _, ok := r.works(trial{apart: b}); ok {
				r.add(fmt.Sprintf("conflicts = [[%q, %q]]", a, b), "in the configuration: the groups are solved apart, and never installed together")
				return
			}
		}
	}
}

// works solves the changed request for the group's targets, then for those
// that had a solution.
func (r *relaxer) works(t trial) (got, bool) {
	s := r.store
	if t.req != nil {
		ctx, cancel := context.WithCancel(s.ctx)
		s = newStore(ctx, s.src, t.req)
		defer s.running.Wait()
		defer cancel()
	}
	targets := []tags.Target{}
	for _, x := range r.group {
		targets = append(targets, x.target)
	}
	if t.target != nil {
		targets = []tags.Target{*t.target}
	}
	all := got{}
	for i, target := range append(targets, r.others...) {
		if t.target != nil && i >= len(targets) {
			break // the others are not touched
		}
		sol, v, ok := r.solve(s, target, t)
		if !ok {
			return nil, false
		}
		for name, k := range sol.Versions {
			p, err := v.project(name)
			if err == nil && i < len(targets) && !slices.Contains(all[name], p.releases[k].text) {
				all[name] = append(all[name], p.releases[k].text)
			}
		}
	}
	return all, true
}

func (r *relaxer) solve(s *store, target tags.Target, t trial) (*solver.Solution, *view, bool) {
	if r.tried++; r.tried > maxTrials*len(r.group) || s.ctx.Err() != nil {
		return nil, nil, false
	}
	roots, constraints := t.change(r.roots), t.change(r.constraints)
	if t.of == nil && t.by != nil {
		roots = append(roots, t.by)
	}
	if len(roots) == 0 {
		return nil, nil, false
	}
	v := newView(s, target)
	p, err := v.provider(roots, constraints)
	if err != nil {
		return nil, nil, false
	}
	sol, err := p.run(solver.Options{MaxConflicts: trialConflicts})
	return sol, v, err == nil && (t.by == nil || v.says(sol, t.by.name))
}

// says reports whether the version that a solution has of a package says what it
// needs: of another nobody knows whether it works.
func (v *view) says(sol *solver.Solution, name string) bool {
	i, has := sol.Versions[name]
	if !has {
		return true
	}
	proj, err := v.project(name)
	if err != nil {
		return false
	}
	f, _, err := v.readFacts(v.of(proj), i)
	return err == nil && !f.unknown
}

func (t trial) change(list []*need) []*need {
	var out []*need
	for _, m := range list {
		switch {
		case t.apart != "" && m.group == t.apart:
		case m != t.of:
			out = append(out, m)
		case t.by != nil:
			out = append(out, t.by)
		}
	}
	return out
}

// like makes a requirement that stands where n stands.
func (n *need) like(q pep508.Requirement) *need {
	m := newNeed(q)
	m.root, m.constraint, m.group, m.origin = n.root, n.constraint, n.group, n.origin
	return m
}

// parsed is what n was made from.
func (n *need) parsed() (pep508.Requirement, error) {
	q, err := pep508.Parse(n.text)
	if err == nil && q.URL != "" {
		err = errors.New("a direct address")
	}
	return q, err
}

// at is where a requirement stands: " (requirements.in:3)", or "".
func at(n *need) string {
	if n.origin == "" {
		return ""
	}
	return " (" + n.origin + ")"
}

// write says how the user puts text in the place of n.
func (r *relaxer) write(n *need, text string) string {
	switch {
	case r.addable(n):
		return addCommand(text, n.group)
	case n.origin == "":
		return "ask for " + text
	}
	return n.origin + ": write " + text
}

// addable reports whether `wheellock add` replaces just n.
func (r *relaxer) addable(n *need) bool {
	same := 0
	for _, m := range r.roots {
		if m.name == n.name && m.group == n.group {
			same++
		}
	}
	return n.root && same <= 1
}

// insteadOf says what a requirement was, and where if write does not.
func (r *relaxer) insteadOf(n *need) string {
	if r.addable(n) {
		return "instead of " + n.text + at(n)
	}
	return "instead of " + n.text
}

func addCommand(text, group string) string {
	if strings.ContainsAny(text, " <>=!~;[](),'\"*") {
		text = "'" + strings.ReplaceAll(text, "'", `"`) + "'"
	}
	if group != "" {
		return "wheellock add --group " + group + " " + text
	}
	return "wheellock add " + text
}

// gives names what came out for a package: "; gives lib 3.1".
func (g got) gives(name string) string {
	if len(g[name]) == 0 {
		return ""
	}
	return "; gives " + name + " " + joinWith(g[name], "or")
}
