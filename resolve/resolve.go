package resolve

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Resolve solves the request for each of its targets. Its errors are
// *ConflictError, *UnknownMetadataError, *RequestError, the source's own
// (wrapped), and the context's.
func Resolve(ctx context.Context, src Source, req Request) (*Solution, error) {
	all, err := ResolveEach(ctx, src, req, []Choice{req.Choice})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ResolveEach gives the answer of Resolve for each choice, in their order,
// instead of the request's own. Everything is read once.
func ResolveEach(ctx context.Context, src Source, req Request, choices []Choice) ([]*Solution, error) {
	for _, c := range choices {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	roots, constraints, err := readRequest(&req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := newStore(ctx, src, &req)
	// Nothing that was begun may outlive the call.
	defer s.running.Wait()
	defer cancel()

	results := make([]targetResult, len(req.Targets))
	var all sync.WaitGroup
	for i, t := range req.Targets {
		all.Add(1)
		go func() {
			defer all.Done()
			results[i] = newView(s, t).solve(roots, constraints)
		}()
	}
	all.Wait()
	alone, err := combine(&req, results)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		conflict.relax(s, results, roots, constraints)
	}
	if err != nil {
		return nil, err
	}
	var answers []*Solution
	for _, c := range choices {
		sol, err := align(s, c, alone, results)
		if err != nil {
			return nil, err
		}
		answers = append(answers, sol)
	}
	s.settleAhead()
	return answers, nil
}

// targetResult is what came out for one target.
type targetResult struct {
	solution TargetSolution
	provider *provider        // that found it
	chosen   *solver.Solution // what it found
	unknown  []UnknownMetadata
	conflict *explainer // nil: there is a solution, or none was sought
	err      error
}

// readRequest checks the request, and returns its requirements in an order
// that does not depend on the order in which they were given.
func readRequest(req *Request) (roots, constraints []*need, err error) {
	for _, t := range req.Targets {
		if err := t.Check(); err != nil {
			return nil, nil, err
		}
	}
	if roots, err = readNeeds(req, req.Requirements, false); err != nil {
		return nil, nil, err
	}
	if constraints, err = readNeeds(req, req.Constraints, true); err != nil {
		return nil, nil, err
	}
	_, err = readNeeds(req, req.Overrides, false)
	return roots, constraints, err
}

func readNeeds(req *Request, list []Requirement, constraint bool) ([]*need, error) {
	var needs []*need
	for _, r := range list {
		text := r.Requirement.String()
		switch {
		case !pep508.ValidName(r.Name):
			return nil, &RequestError{r.Origin, text, "not the name of a package"}
		case constraint && len(r.Extras) > 0:
			return nil, &RequestError{r.Origin, text, "a constraint cannot ask for extras"}
		}
		if r.URL != "" {
			var why string
			if r.Specifiers, why = req.at(r.Requirement); why != "" {
				return nil, &RequestError{r.Origin, text, "nothing is known of the file at this address"}
			}
			r.URL = ""
		}
		n := newNeed(r.Requirement)
		n.root, n.constraint, n.group, n.origin = !constraint, constraint, r.Group, r.Origin
		n.targets, n.firm = r.Targets, r.Firm
		needs = append(needs, n)
	}
	slices.SortStableFunc(needs, func(a, b *need) int {
		for _, c := range []int{strings.Compare(a.name, b.name), strings.Compare(a.text, b.text),
			strings.Compare(a.group, b.group), strings.Compare(a.origin, b.origin)} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return needs, nil
}

// solve answers for one target.
func (v *view) solve(roots, constraints []*need) (r targetResult) {
	p, err := v.provider(roots, constraints)
	if err != nil {
		return targetResult{err: err}
	}
	found, sol, err := v.settle(p)
	var no *solver.NoSolution
	switch {
	case errors.As(err, &no):
		return targetResult{conflict: v.explain(p, no.Proof), err: v.ctx.Err()}
	case err != nil:
		return targetResult{err: err}
	}
	p = found
	r.provider, r.chosen = p, sol
	r.solution, r.unknown, r.err = v.pins(p, sol)
	return r
}

// provider is what answers the solver about the target, for these requirements.
func (v *view) provider(roots, constraints []*need) (*provider, error) {
	roots, err := v.holding(roots)
	if err != nil {
		return nil, err
	}
	if constraints, err = v.holding(constraints); err != nil {
		return nil, err
	}
	return newProvider(v, roots, constraints), nil
}

// holding returns the requirements whose markers are true on the target.
func (v *view) holding(needs []*need) ([]*need, error) {
	var list []*need
	for _, n := range needs {
		if n.targets != nil && !slices.Contains(n.targets, v.target.Name) {
			continue
		}
		h, err := v.hold(n, "")
		if err != nil {
			return nil, &RequestError{n.origin, n.text, err.Error()}
		}
		if h {
			list = append(list, n)
		}
	}
	return list, nil
}

// maxLenient bounds how many unlawful solutions are looked at for a lawful one.
const maxLenient = 64

// run searches. What is permitted of a package (pre-releases, yanked releases)
// depends on the needs in force on it, which change during the search, and a
// version that was ruled out for that may be permitted elsewhere. So where no
// solution is found that way, some are sought without the rule, and the first
// that keeps it after all is taken.
func (p *provider) run(o solver.Options) (*solver.Solution, error) {
	deps, err := p.dependencies(p.roots)
	if err != nil {
		return nil, err
	}
	sol, err := solver.Solve(p.ctx, p, deps, o)
	var no *solver.NoSolution
	if !errors.As(err, &no) || !p.forbade {
		return sol, err
	}
	q := newProvider(p.view, p.roots, nil)
	q.constraints, q.aim, q.limits, q.fresh, q.lenient = p.constraints, p.aim, p.limits, p.fresh, true
	for range maxLenient {
		sol, again := solver.Solve(q.ctx, q, deps, o)
		if again != nil {
			break
		}
		if q.permitted(sol) {
			return sol, nil
		}
		o.Forbidden = append(o.Forbidden, sol.Versions)
	}
	return nil, err
}

// permitted reports whether a solution of a lenient search keeps the rules.
func (p *provider) permitted(sol *solver.Solution) bool {
	for name, i := range sol.Versions {
		proj, err := p.project(name)
		if err != nil {
			return false
		}
		pv := p.of(proj)
		if class, _ := p.class(pv, p.permit(pv, sol.Needs[name]), i); class > 1 && p.preferred(pv) != i {
			return false
		}
	}
	return true
}

// combine puts the targets' results together; an error of the environment
// comes before a conflict, since the conflict may be due to it.
func combine(req *Request, results []targetResult) (*Solution, error) {
	for _, r := range results {
		if r.err != nil {
			return nil, r.err
		}
	}
	conflict := &ConflictError{}
	unknown := &UnknownMetadataError{}
	sol := &Solution{}
	for i, r := range results {
		name := req.Targets[i].Name
		sol.Targets = append(sol.Targets, r.solution)
		if r.conflict != nil {
			conflict.Missing = append(conflict.Missing, r.conflict.missing...)
		}
		for _, u := range r.unknown {
			unknown.add(name, u)
		}
	}
	slices.Sort(conflict.Missing)
	conflict.Missing = slices.Compact(conflict.Missing)
	switch {
	case slices.ContainsFunc(results, func(r targetResult) bool { return r.conflict != nil }):
		conflict.merge(results)
		return nil, conflict
	case len(unknown.Versions) > 0:
		slices.SortStableFunc(unknown.Versions, func(a, b UnknownMetadata) int { return strings.Compare(a.Name, b.Name) })
		return nil, unknown
	}
	return sol, nil
}

func (e *UnknownMetadataError) add(target string, u UnknownMetadata) {
	for i, w := range e.Versions {
		if w.Name == u.Name && w.Version == u.Version {
			e.Versions[i].Targets = append(w.Targets, target)
			return
		}
	}
	u.Targets = []string{target}
	e.Versions = append(e.Versions, u)
}
