package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/advisory"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// maxRounds is how often an upgrade for an advisory is solved while targets
// give up one way out after the other.
const maxRounds = 40

// escape is the search for a way out of an advisory, for all targets at once.
type escape struct {
	*session
	id      string
	records []*advisory.Advisory
	asked   map[string]pep440.Specifiers // versions that the user says are good
	client  *index.Client
	cells   []*cell
	early   map[string]bool // packages for which the cut-off was passed
}

// cell is one package on one affected target.
type cell struct {
	name, target string
	locked       pep440.Version
	ways         []string // bounds that lead out, the nearest first
	at           int      // the one that is tried
	why          []string // what the first way failed on
	row          *report.SecurityTarget
}

func (s *session) upgradeSecurity(ctx context.Context, asked []pep508.Requirement, o upgradeOptions) error {
	e := &escape{session: s, id: o.security, asked: map[string]pep440.Specifiers{}, early: map[string]bool{}}
	for _, r := range asked {
		if len(r.Specifiers.Clauses()) > 0 {
			e.asked[r.Canonical()] = r.Specifiers
		}
	}
	db, err := s.advisories(ctx)
	if err != nil {
		return err
	}
	e.records = db.Find(o.security)
	names, err := e.names(asked, db)
	if err != nil {
		return err
	}
	sec := &report.Security{ID: o.security, Known: []string{}}
	for _, r := range e.records {
		sec.Known = append(sec.Known, r.ID)
		if sec.Summary == "" {
			sec.Summary = r.Summary
		}
		if !r.Withdrawn.IsZero() {
			s.notes([]string{fmt.Sprintf("%s was withdrawn on %s", r.ID, r.Withdrawn.Format("2006-01-02"))})
		}
	}
	for _, n := range names {
		sec.Rows = append(sec.Rows, e.rows(n, o.targets)...)
	}
	for i := range sec.Rows {
		if sec.Rows[i].State == report.Affected {
			e.add(&sec.Rows[i])
		}
	}
	c, err := e.search(ctx)
	if err != nil {
		return err
	}
	u := &report.Upgrade{Security: sec, Moved: []report.PinMove{}, Added: []report.Ref{}, Removed: []report.Ref{}, Kept: []report.Kept{}, Coverage: []workorder.Coverage{}}
	r := &relocked{lock: s.locked}
	if len(c.upgrade) > 0 {
		if r, err = s.relock(ctx, s.project, c); err != nil {
			return err
		}
		security := u.Security
		u = upgraded(s.locked, r, []string{})
		u.Security = security
	}
	for i := range sec.Rows {
		e.finish(&sec.Rows[i], r)
	}
	if err := e.waysOut(ctx); err != nil {
		return err
	}
	if err := s.finishUpgrade(ctx, r, u, o.dry); err != nil {
		return err
	}
	if sec.Stuck() {
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}

// names are the packages that the advisory and the command line are both about.
func (e *escape) names(asked []pep508.Requirement, db *advisory.Database) ([]string, error) {
	var names, about []string
	for _, r := range e.records {
		about = append(about, r.Names()...)
	}
	for _, r := range asked {
		name := r.Canonical()
		if _, told := e.asked[name]; !told && !slices.Contains(about, name) {
			why := "no advisories are configured"
			if db.Len() > 0 {
				why = "the configured advisories say nothing of it"
				if len(e.records) > 0 {
					why = e.id + " is about " + strings.Join(about, ", ")
				}
			}
			return nil, invalid(fmt.Sprintf("say what fixes it: wheellock upgrade '%s>=VERSION' --security %s", name, e.id), "nothing is known of %s in %s: %s", e.id, name, why)
		}
		names = append(names, name)
	}
	if len(asked) == 0 {
		if len(e.records) == 0 {
			return nil, invalid("say what fixes it: wheellock upgrade 'NAME>=VERSION' --security "+e.id, "no configured advisory is called %s", e.id)
		}
		installed := e.installed()
		names = slices.DeleteFunc(about, func(n string) bool { return !slices.Contains(installed, n) })
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// bad reports whether a version is one to get away from.
func (e *escape) bad(name string, v pep440.Version) bool {
	if spec, told := e.asked[name]; told && !spec.Contains(v, pep440.PreAllow) {
		return true
	}
	return slices.ContainsFunc(e.records, func(r *advisory.Advisory) bool { return r.Affects(name, v) })
}

// rows judges what is locked.
func (e *escape) rows(name string, targets []string) []report.SecurityTarget {
	var list []report.SecurityTarget
	for _, t := range e.locked.Targets {
		p := e.locked.Find(name, t.Name)
		if p == nil || targets != nil && !slices.Contains(targets, t.Name) {
			continue
		}
		row := report.SecurityTarget{Name: name, Target: t.Name, Locked: p.Version, Now: p.Version, State: report.Unaffected, Fixed: []string{}, Why: []string{}, WaysOut: []string{}}
		if v, err := pep440.Parse(p.Version); err != nil || e.bad(name, v) {
			row.State = report.Affected
		}
		list = append(list, row)
	}
	return list
}

// add works out by which bounds a row could get out.
func (e *escape) add(row *report.SecurityTarget) {
	v, err := pep440.Parse(row.Locked)
	if err != nil {
		return
	}
	c := &cell{name: row.Name, target: row.Target, locked: v, row: row}
	for _, f := range e.fixed(row.Name) {
		row.Fixed = append(row.Fixed, f.String())
		if f.Compare(v) > 0 {
			c.ways = append(c.ways, ">="+f.String())
		}
	}
	if spec, told := e.asked[row.Name]; told {
		c.ways = []string{spec.String()}
		row.Fixed = []string{spec.String()}
	} else if len(c.ways) == 0 {
		c.ways = e.beyond(row.Name, v)
	}
	e.cells = append(e.cells, c)
}

// fixed are the good versions that the records name, sorted.
func (e *escape) fixed(name string) []pep440.Version {
	var list []pep440.Version
	for _, r := range e.records {
		for _, f := range r.Fixed(name) {
			if !e.bad(name, f) {
				list = append(list, f)
			}
		}
	}
	slices.SortFunc(list, pep440.Version.Compare)
	return slices.CompactFunc(list, func(a, b pep440.Version) bool { return a.Compare(b) == 0 })
}

// beyond is the way out where no version is named as fixed: past the last
// affected one, or past each that is listed.
func (e *escape) beyond(name string, v pep440.Version) []string {
	last := pep440.Version{}
	for _, r := range e.records {
		for _, x := range r.Affected {
			for _, g := range x.Ranges {
				if x.Name == name && g.Last.String() != "" && g.Last.Compare(v) >= 0 && g.Last.Compare(last) > 0 {
					last = g.Last
				}
			}
			for _, g := range x.Versions {
				if x.Name == name && len(x.Ranges) == 0 && g.Compare(v) >= 0 && g.Compare(last) > 0 {
					last = g
				}
			}
		}
	}
	if last.String() == "" {
		return nil
	}
	return []string{">" + last.String()}
}

// search finds for each cell the nearest way that works: all are tried at once,
// and a target on which there is no solution goes on to its next way. What finds
// none is tried again without the cut-off, and then stays as it is.
func (e *escape) search(ctx context.Context) (change, error) {
	var err error
	if len(e.cells) == 0 {
		return change{}, nil
	}
	if e.client, err = e.session.client(ctx); err != nil {
		return change{}, err
	}
	cut := false
	for range maxRounds {
		c := e.change()
		if len(c.upgrade) == 0 {
			if cut || !e.pass(ctx) {
				return c, nil
			}
			cut = true
			continue
		}
		sol, err := e.solve(ctx, c)
		var conflict *resolve.ConflictError
		switch {
		case errors.As(err, &conflict):
			e.giveUp(conflict)
		case err != nil:
			return change{}, err
		case !e.stillBad(sol):
			if cut || !e.pass(ctx) {
				return c, nil
			}
			cut = true
		}
	}
	return change{}, finding("name the version: wheellock upgrade 'NAME==VERSION' --security "+e.id, "no way out of %s was found in %d tries", e.id, maxRounds)
}

// change is what the cells ask for now.
func (e *escape) change() change {
	c := change{on: map[string][]string{}, forward: true}
	for _, x := range e.cells {
		if x.at >= len(x.ways) {
			continue
		}
		r, err := pep508.Parse(x.name + x.ways[x.at])
		if err != nil {
			x.at = len(x.ways)
			continue
		}
		c.on[x.name] = append(c.on[x.name], x.target)
		c.ask = append(c.ask, resolve.Requirement{Requirement: r, Origin: e.origin(), Targets: []string{x.target}, Firm: true})
		if !slices.Contains(c.upgrade, x.name) {
			c.upgrade, c.nearest = append(c.upgrade, x.name), append(c.nearest, x.name)
		}
		if e.early[x.name] && !slices.Contains(c.early, x.name) {
			c.early = append(c.early, x.name)
		}
	}
	return c
}

func (e *escape) origin() string { return "the fix of " + e.id }

func (e *escape) solve(ctx context.Context, c change) (*resolve.Solution, error) {
	req, _, err := e.question(e.project, c)
	if err != nil {
		return nil, err
	}
	sol, _, err := e.session.resolve(ctx, e.client, req)
	return sol, err
}

// giveUp moves the targets of a conflict to their next way and keeps what the
// first failed on. A target with several packages gives up all of theirs: which
// one it was, the explanation tells a person.
func (e *escape) giveUp(conflict *resolve.ConflictError) {
	for _, x := range conflict.Explanations {
		for _, c := range e.cells {
			if c.at >= len(c.ways) || !slices.Contains(x.Targets, c.target) {
				continue
			}
			if c.why == nil {
				c.why = e.reasons(c.name, x)
			}
			c.at++
		}
	}
	if len(conflict.Explanations) == 0 {
		for _, c := range e.cells {
			c.at = len(c.ways)
		}
	}
}

// reasons are the facts of an explanation but for what we asked ourselves.
func (e *escape) reasons(name string, x resolve.Explanation) []string {
	var list []string
	for _, f := range x.Facts {
		// That no file of the fix fits says it all.
		if strings.HasPrefix(f, name+" ") && strings.Contains(f, " cannot be used") {
			return []string{strings.TrimSuffix(f, ".")}
		}
		if !strings.HasPrefix(f, e.origin()) && !strings.HasPrefix(f, lock.FileName) {
			list = append(list, strings.TrimSuffix(f, "."))
		}
	}
	return list
}

// stillBad moves cells whose solution is affected after all (another branch, a
// listed version) to their next way, and reports whether there were any.
func (e *escape) stillBad(sol *resolve.Solution) bool {
	found := false
	for _, c := range e.cells {
		if c.at >= len(c.ways) {
			continue
		}
		for _, t := range sol.Targets {
			for i := range t.Pins {
				if p := &t.Pins[i]; t.Target.Name == c.target && p.Name == c.name && e.bad(c.name, p.Version) {
					c.at++
					found = true
				}
			}
		}
	}
	return found
}

// pass lifts the cut-off for packages that found no way, and reports whether
// that is worth another try.
func (e *escape) pass(ctx context.Context) bool {
	at, err := (&change{}).instant(e.project, e.locked, e.Now())
	if err != nil || at == nil || ctx.Err() != nil {
		return false
	}
	again := false
	for _, c := range e.cells {
		if c.at >= len(c.ways) && len(c.ways) > 0 {
			c.at, again = 0, true
			e.early[c.name] = true
		}
	}
	return again
}

// young reports whether a pin is one that the cut-off would have hidden.
func (e *escape) young(name, target string, sol *resolve.Solution) bool {
	at, err := (&change{}).instant(e.project, e.locked, e.Now())
	if err != nil || at == nil || !e.early[name] || sol == nil {
		return false
	}
	for _, t := range sol.Targets {
		for i := range t.Pins {
			if p := &t.Pins[i]; t.Target.Name == target && p.Name == name {
				old := func(f *index.File) bool { return f != nil && !f.Uploaded.IsZero() && f.Uploaded.Before(*at) }
				return !old(p.Wheel) && !old(p.Sdist)
			}
		}
	}
	return false
}

// finish says what became of a row.
func (e *escape) finish(row *report.SecurityTarget, r *relocked) {
	p := r.lock.Find(row.Name, row.Target)
	if p == nil {
		row.Now, row.State = "", report.FixedNow
		return
	}
	row.Now = p.Version
	v, err := pep440.Parse(p.Version)
	if row.State == report.Affected && err == nil && !e.bad(row.Name, v) {
		row.State = report.FixedNow
		row.Early = row.Now != row.Locked && e.young(row.Name, row.Target, r.solution)
	}
	for _, c := range e.cells {
		if c.row == row && row.State == report.Affected {
			row.Why = append(row.Why, c.why...)
			if len(c.ways) == 0 {
				row.Why = append(row.Why, "no later version is known to be good")
			}
		}
	}
}

// waysOut looks for what else would help the targets that stay affected: an
// older branch that is fixed, a requirement that could be changed, no target.
func (e *escape) waysOut(ctx context.Context) error {
	for _, c := range e.cells {
		if c.row.State != report.Affected {
			continue
		}
		for _, w := range e.back(c) {
			r, err := pep508.Parse(c.name + w.bound)
			if err != nil {
				continue
			}
			try := change{forward: true, upgrade: []string{c.name}, on: map[string][]string{c.name: {c.target}},
				ask: []resolve.Requirement{{Requirement: r, Origin: e.origin(), Targets: []string{c.target}, Firm: true}}}
			if w.nearest {
				try.nearest = []string{c.name}
			}
			sol, err := e.solve(ctx, try)
			if errors.As(err, new(*resolve.ConflictError)) {
				continue
			}
			if err != nil {
				return err
			}
			if v, ok := pinned(sol, c); ok && !e.bad(c.name, v) {
				c.row.WaysOut = append(c.row.WaysOut, fmt.Sprintf("wheellock upgrade '%s==%s' --target %s (older, and not affected)", c.name, v, c.target))
				break
			}
		}
		fixed := e.fixed(c.name)
		slices.Reverse(fixed)
		for _, in := range requirementsOn(e.project, c.name) {
			if r, err := pep508.Parse(in.Requirement); err == nil && len(fixed) > 0 && !r.Specifiers.Contains(fixed[0], pep440.PreAllow) {
				c.row.WaysOut = append(c.row.WaysOut, fmt.Sprintf("wheellock add '%s>=%s' (instead of %s in %s)", c.name, fixed[0], in.Requirement, in.Origin()))
			}
		}
		if len(e.locked.Targets) > 1 {
			c.row.WaysOut = append(c.row.WaysOut, "wheellock target remove "+c.target)
		}
	}
	return nil
}

// backward is a bound that leads to an older good version.
type backward struct {
	bound   string
	nearest bool // the oldest that it allows is the good one
}

// back lists the branches below a locked version that the records call good, the
// newest first: from a fix of an older branch on, or before the thing began.
func (e *escape) back(c *cell) []backward {
	var list []backward
	fixed := e.fixed(c.name)
	slices.Reverse(fixed)
	for _, f := range fixed {
		if f.Compare(c.locked) < 0 {
			list = append(list, backward{fmt.Sprintf(">=%s,<%s", f, c.locked), true})
		}
	}
	for _, r := range e.records {
		for _, x := range r.Ranges(c.name) {
			if x.From.String() != "" && x.From.Compare(c.locked) <= 0 {
				list = append(list, backward{"<" + x.From.String(), false})
			}
		}
	}
	return list
}

func pinned(sol *resolve.Solution, c *cell) (pep440.Version, bool) {
	for _, t := range sol.Targets {
		for i := range t.Pins {
			if t.Target.Name == c.target && t.Pins[i].Name == c.name {
				return t.Pins[i].Version, true
			}
		}
	}
	return pep440.Version{}, false
}
