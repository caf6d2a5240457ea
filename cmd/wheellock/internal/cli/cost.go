package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/assemble"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

type costOptions struct {
	targets []string
	group   string
}

func (a *app) costVerb() *cobra.Command {
	var o costOptions
	cmd := &cobra.Command{
		Use:   "cost [REQUIREMENT...] [--target TARGET]...",
		Short: "what a change would cost under each way to choose versions",
		Long: `cost resolves without changing anything, and shows for each value of versions
(newest, bounded, fewest) and for prefer = least-work what the change would
bring: new packages, sources to review, wheels to build, how many distinct
versions there would be and how many pins would be older than need be.

With requirements: what adding them would cost; locked versions stay. Of a name
alone that is locked already: what choosing it anew would cost, with what it
needs. With --target: what another target would cost. Without either: the whole
project chosen anew.`,
		Example: "  wheellock cost requests\n  wheellock cost --target focal\n  wheellock cost",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.cost(cmd, args, o)
		},
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "as if `TARGET` were added; may be repeated")
	cmd.Flags().StringVar(&o.group, "group", "", "as if they were added to dependency group `GROUP`")
	return cmd
}

func (a *app) cost(cmd *cobra.Command, args []string, o costOptions) error {
	ctx := cmd.Context()
	for _, arg := range args {
		if _, err := pep508.Parse(arg); err != nil {
			return requirementError("", err)
		}
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	before := s.project.Config.Targets
	p, err := s.withTargets(cmd, s.project, o.targets)
	if err != nil {
		return err
	}
	var again []string // names of which nothing is asked that is not locked
	for _, arg := range args {
		q, name := p, askedName(arg)
		if !s.bareAndLocked(arg) {
			if q, err = edited(p, []string{arg}, func(p *pyproject.Project, arg string) ([]pyproject.Edit, error) {
				return p.AddRequirement(arg, o.group)
			}); err != nil {
				return err
			}
		}
		if s.locked != nil && q.RequiresDigest() == p.RequiresDigest() {
			again = append(again, name)
		}
		p = q
	}
	if len(p.Inputs) == 0 {
		return invalid("wheellock cost NAME", "there are no requirements here")
	}
	c := report.Cost{Requirements: append([]string{}, args...), AddedTargets: []string{}, Freed: []string{}, Notes: []string{}}
	for _, t := range p.Config.Targets {
		c.Targets = append(c.Targets, t.Name)
		if !slices.ContainsFunc(before, func(b pyproject.Target) bool { return b.Name == t.Name }) {
			c.AddedTargets = append(c.AddedTargets, t.Name)
		}
	}
	if s.locked != nil {
		c.LockedVersions = distinctVersions(s.locked)
	}
	if err := s.costs(ctx, p, again, &c, len(args)+len(o.targets) > 0); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(c)
	}
	report.WriteCost(a.Out, c, a.style, a.verbose)
	return nil
}

// costs resolves under every choice and counts. With keep, what is locked stays.
func (s *session) costs(ctx context.Context, p *pyproject.Project, again []string, c *report.Cost, keep bool) error {
	ch := change{all: !keep}
	if keep && s.locked != nil {
		ch.upgrade = s.freed(again)
		c.Freed = append(c.Freed, ch.upgrade...)
	}
	c.KeepsLock = keep && s.locked != nil
	req, cutoff, err := s.question(p, ch)
	if err != nil {
		return err
	}
	// upgrade moves as far as it can; here the names are only free.
	req.Upgrade = nil
	names, choices, err := s.costChoices(ctx, &req, p.Config)
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	sols, notes, err := s.resolveEach(ctx, client, req, choices)
	if err != nil {
		return err
	}
	c.Notes = append(c.Notes, notes...)
	for i, sol := range sols {
		l, err := assemble.Assemble(sol, assemble.Options{Prev: s.locked, Wheels: p.Config.Policy.Wheels, RequiresDigest: p.RequiresDigest(), ExcludeNewer: cutoff, Conflicts: p.Config.Conflicts})
		if err != nil {
			return err
		}
		row := costRow(names[i], s.locked, l)
		row.Configured = names[i] == configuredChoice(p.Config)
		a := alignment(choices[i].Versions, sol.Alignment)
		row.Held, row.Median = a.Held, a.Median()
		for _, h := range a.Held {
			row.Worst = max(row.Worst, h.Days)
		}
		ready := func(h resolve.Held) bool { return h.Why == resolve.HeldForReady }
		if row.Choice == "least-work" && !row.Configured && !slices.ContainsFunc(sol.Alignment.Held, ready) {
			continue // as without it
		}
		c.Choices = append(c.Choices, row)
	}
	return nil
}

// askedName is the normalised name of a requirement that has been parsed before.
func askedName(arg string) string {
	r, _ := pep508.Parse(arg)
	return pep508.NormalizeName(r.Name)
}

// bareAndLocked: a name alone that is locked is no wish to replace what the
// inputs ask of it.
func (s *session) bareAndLocked(arg string) bool {
	return s.locked != nil && pep508.NormalizeName(arg) == askedName(arg) &&
		slices.ContainsFunc(s.locked.Packages, func(p lock.Package) bool {
			return p.Group != lock.GroupBuild && p.Name == askedName(arg)
		})
}

// freed are the names whose versions are chosen anew because somebody asks what
// they cost although they are locked: these, and all that they lead to.
func (s *session) freed(again []string) []string {
	var free []string
	var walk func(name string)
	walk = func(name string) {
		if slices.Contains(free, name) {
			return
		}
		for i := range s.locked.Packages {
			p := &s.locked.Packages[i]
			if p.Name != name || p.Group == lock.GroupBuild {
				continue
			}
			if !slices.Contains(free, name) {
				free = append(free, name)
			}
			for _, t := range s.locked.TargetsOf(p) {
				for _, d := range p.DependenciesOn(t) {
					walk(d)
				}
			}
		}
	}
	for _, name := range again {
		walk(name)
	}
	slices.Sort(free)
	return free
}

// costChoices lists what is compared: the values of versions, and least-work
// where work is done already.
func (s *session) costChoices(ctx context.Context, req *resolve.Request, c pyproject.Config) (names []string, choices []resolve.Choice, err error) {
	if err := s.choose(ctx, req, c); err != nil {
		return nil, nil, err
	}
	base := req.Choice
	for _, v := range []string{resolve.VersionsNewest, resolve.VersionsBounded, resolve.VersionsFewest} {
		one := base
		one.Versions, one.Ready = v, nil
		names, choices = append(names, v), append(choices, one)
	}
	if c.Prefer == "lowest" {
		return names, choices, nil
	}
	ready := base.Ready
	if ready == nil {
		if ready, err = s.ready(ctx, req.Targets); err != nil {
			return nil, nil, err
		}
	}
	if len(ready) > 0 {
		one := base
		one.Ready = ready
		names, choices = append(names, "least-work"), append(choices, one)
	}
	return names, choices, nil
}

func configuredChoice(c pyproject.Config) string {
	if c.Prefer == "least-work" {
		return c.Prefer
	}
	return c.Versions
}

// costRow compares a lock as it would be with the one that is.
func costRow(name string, had, l *lock.Lock) report.CostChoice {
	row := report.CostChoice{Choice: name, New: []string{}, Gone: []string{}, Sources: []report.CostSource{}}
	was, is, known := map[string]bool{}, map[string]bool{}, map[string]bool{}
	if had != nil {
		for i := range had.Packages {
			p := &had.Packages[i]
			if p.Group != lock.GroupBuild {
				was[p.Name] = true
				if p.Sdist != nil {
					known[p.Sdist.SHA256] = true
				}
			}
		}
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		is[p.Name] = true
		row.Versions++
		if p.Sdist != nil && !known[p.Sdist.SHA256] {
			known[p.Sdist.SHA256] = true
			row.Sources = append(row.Sources, report.CostSource{Package: p.Name, Version: p.Version, File: p.Sdist.Name, Size: p.Sdist.Size})
			row.SourceBytes += p.Sdist.Size
		}
		for k := range p.Wheels {
			switch w := &p.Wheels[k]; {
			case !w.Missing() || planned(had, l, p, w):
			case p.KindOf(w) == lock.Pure:
				row.Builds.Pure++
			default:
				row.Builds.Native++
			}
		}
	}
	row.New, row.Gone, row.Moved = less(is, was), less(was, is), moved(had, l)
	return row
}

// planned reports whether the lock that is has the row already, built or not.
func planned(had, l *lock.Lock, p *lock.Package, w *lock.Wheel) bool {
	if had == nil {
		return false
	}
	same := func(old *lock.Package, target string) bool {
		return slices.ContainsFunc(old.Wheels, func(x lock.Wheel) bool {
			return x.Name == w.Name && (p.KindOf(w) == lock.Pure || slices.Contains(had.WheelTargets(old, &x), target))
		})
	}
	return !slices.ContainsFunc(l.WheelTargets(p, w), func(target string) bool {
		return !slices.ContainsFunc(had.Packages, func(old lock.Package) bool {
			return old.Group != lock.GroupBuild && old.Name == p.Name && old.Version == p.Version && same(&old, target)
		})
	})
}

// moved are the packages that have another version than is locked for a target.
func moved(had, l *lock.Lock) []string {
	names := map[string]bool{}
	now := assemble.RequestLocked(l)
	for target, pins := range assemble.RequestLocked(had) {
		for name, version := range pins {
			if v, ok := now[target][name]; ok && v != version {
				names[name] = true
			}
		}
	}
	return less(names, nil)
}

// less lists what is in a and not in b, sorted.
func less(a, b map[string]bool) []string {
	out := []string{}
	for n := range a {
		if !b[n] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func distinctVersions(l *lock.Lock) int {
	n := 0
	for i := range l.Packages {
		if l.Packages[i].Group != lock.GroupBuild {
			n++
		}
	}
	return n
}

// resolveEach is resolve for several choices at once.
func (s *session) resolveEach(ctx context.Context, client *index.Client, req resolve.Request, choices []resolve.Choice) (sols []*resolve.Solution, notes []string, err error) {
	notes, err = s.asking(ctx, client, req, func(req resolve.Request) error {
		sols = nil
		if len(req.Variants) == 0 {
			sols, err = resolve.ResolveEach(ctx, client, req, choices)
			return err
		}
		for _, c := range choices {
			req.Choice = c
			sol, err := resolve.ResolveApart(ctx, client, req)
			if err != nil {
				return err
			}
			sols = append(sols, sol)
		}
		return nil
	})
	return sols, notes, err
}
