package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// upgradeOrigin is who asks for the versions of the command line, in
// explanations.
const upgradeOrigin = "wheellock upgrade"

type upgradeOptions struct {
	security string
	targets  []string
	dry      bool
}

func (a *app) upgradeVerb() *cobra.Command {
	var o upgradeOptions
	cmd := &cobra.Command{
		Use:   "upgrade [NAME | NAME==VERSION | NAME>=VERSION]...",
		Short: "move locked versions forward",
		Long: `upgrade moves the named packages to the newest version that the requirements
allow, or to the one that is asked for; without a name, everything. Of the other
packages only those move that have to, and none to an older version. The
requirements stay as they are: where one forbids the version, upgrade says which
and how to change it. A cooldown is counted from now.

With --security the package moves to the nearest version that the advisory does
not name, on every target that can reach one; the others are shown with the
reason and the ways out, and the exit code is 1. The advisories are those of the
configuration (advisories = ["folder", "file.zip", "https://..."], OSV format);
without them say what fixes it: wheellock upgrade 'NAME>=VERSION' --security ID.
A fix that is younger than exclude-newer is taken, and said.`,
		Example: "  wheellock upgrade urllib3\n  wheellock upgrade 'urllib3==2.5.0' --target bookworm\n  wheellock upgrade urllib3 --security CVE-2025-50181",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.upgrade(cmd.Context(), args, o)
		},
	}
	cmd.Flags().StringVar(&o.security, "security", "", "move what the advisory `ID` is about, as far as it takes")
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "on `TARGET` only; may be repeated")
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "say what would move and write nothing")
	return cmd
}

func (a *app) upgrade(ctx context.Context, args []string, o upgradeOptions) error {
	var asked []pep508.Requirement
	for _, arg := range args {
		r, err := pep508.Parse(arg)
		if err != nil {
			return requirementError("", err)
		}
		if len(r.Extras) > 0 || r.URL != "" || r.Marker != nil {
			return invalid("wheellock add '"+arg+"'", "upgrade takes NAME, NAME==VERSION or NAME>=VERSION, not %q: what is required is changed by add", arg)
		}
		asked = append(asked, r)
	}
	open := a.openForWriting
	if o.dry {
		open = func(context.Context) (*session, error) { return a.openForReading() }
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.areLocked(asked); err != nil {
		return err
	}
	if o.targets, err = coveredTargets(s.locked, o.targets); err != nil {
		return err
	}
	if o.security != "" {
		return s.upgradeSecurity(ctx, asked, o)
	}
	c := change{all: len(asked) == 0 && o.targets == nil, fresh: true, forward: len(asked) > 0}
	c.ask, c.upgrade = bounds(asked, o.targets, upgradeOrigin)
	if len(asked) == 0 && o.targets != nil {
		c.upgrade = s.installed()
	}
	if o.targets != nil {
		c.on = map[string][]string{}
		for _, n := range c.upgrade {
			c.on[n] = o.targets
		}
	}
	r, err := s.relock(ctx, s.project, c)
	if err != nil {
		return s.forbidden(err, asked)
	}
	u := upgraded(s.locked, r, c.upgrade)
	return s.finishUpgrade(ctx, r, u, o.dry)
}

// forbidden adds to a conflict which requirement of the inputs would have to be
// another one.
func (s *session) forbidden(err error, asked []pep508.Requirement) error {
	var conflict *resolve.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	e := &Error{Code: Finding, Msg: err.Error(), Hint: conflict.Hint(), Err: err}
	for _, r := range asked {
		for _, in := range requirementsOn(s.project, r.Canonical()) {
			if own, err := pep508.Parse(in.Requirement); err != nil || !excludes(own.Specifiers, r.Specifiers) {
				continue // what forbids it is something else
			}
			if strings.Contains(e.Msg, in.Origin()+" asks for") {
				e.Hint = fmt.Sprintf("%s asks for %s: to allow more, wheellock add '%s'", in.Origin(), in.Requirement, r.Canonical()+atLeast(r.Specifiers))
			}
		}
	}
	return e
}

// excludes reports whether own forbids the versions that asked names, so far as
// the bounds show it.
func excludes(own, asked pep440.Specifiers) bool {
	for _, c := range asked.Clauses() {
		v, err := pep440.Parse(strings.TrimSuffix(c.Version, ".*"))
		if err == nil && !own.Contains(v, pep440.PreAllow) {
			return true
		}
	}
	return false
}

// atLeast is the requirement that asks for what an upgrade asked for, without
// pinning it.
func atLeast(s pep440.Specifiers) string {
	if c := s.Clauses(); len(c) == 1 && c[0].Op == "==" && !strings.Contains(c[0].Version, "*") {
		return ">=" + c[0].Version
	}
	return s.String()
}

// bounds are the versions asked for on the command line, as requirements, and
// the names.
func bounds(asked []pep508.Requirement, targets []string, origin string) (ask []resolve.Requirement, names []string) {
	for _, r := range asked {
		names = append(names, r.Canonical())
		if len(r.Specifiers.Clauses()) > 0 {
			ask = append(ask, resolve.Requirement{Requirement: r, Origin: origin, Targets: targets, Firm: true})
		}
	}
	slices.Sort(names)
	return ask, slices.Compact(names)
}

// installed are all locked names but those of build requirements.
func (s *session) installed() []string {
	var names []string
	for i := range s.locked.Packages {
		if p := &s.locked.Packages[i]; p.Group != lock.GroupBuild {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// areLocked refuses names that upgrade cannot move.
func (s *session) areLocked(asked []pep508.Requirement) error {
	installed := s.installed()
	for _, r := range asked {
		name := r.Canonical()
		if slices.Contains(installed, name) {
			continue
		}
		if slices.ContainsFunc(s.locked.Packages, func(p lock.Package) bool { return p.Name == name }) {
			return invalid("build tools follow the published wheel and the source: they are chosen anew when the version they build moves",
				"%s is locked only to build others, not to be installed", name)
		}
		hint := "wheellock add '" + r.String() + "'"
		if near := s.locked.Near(name); len(near) > 0 {
			hint = "did you mean: " + strings.Join(near[:min(3, len(near))], ", ")
		}
		return invalid(hint, "%s is not locked", name)
	}
	return nil
}

// upgraded says what moved and what did not. names: what was to move; nil:
// everything.
func upgraded(old *lock.Lock, r *relocked, names []string) *report.Upgrade {
	d := lock.Diff(old, r.lock)
	u := &report.Upgrade{Moved: report.PinMoves(r.lock, d.Versions), Coverage: report.Coverages(r.lock, d.Coverage),
		Added: report.Refs(d.Added), Removed: report.Refs(d.Removed), Kept: []report.Kept{}}
	for _, t := range r.solution.Targets {
		for i := range t.Pins {
			pin := &t.Pins[i]
			if names != nil && !slices.Contains(names, pin.Name) {
				continue
			}
			if n := pin.Newer; n != nil {
				u.Keep(pin.Name, pin.Version.String(), n.Version.String(), n.Reason, t.Target.Name)
			} else if b := pin.Blocked; b != nil {
				by := slices.DeleteFunc(b.By, func(s string) bool {
					return strings.HasPrefix(s, upgradeOrigin) || strings.HasPrefix(s, lock.FileName)
				})
				if len(by) > 0 {
					u.Keep(pin.Name, pin.Version.String(), b.Version.String(), strings.Join(by, "; "), t.Target.Name)
				}
			}
		}
	}
	return u
}

// finishUpgrade writes the lock where something moved, and prints.
func (s *session) finishUpgrade(ctx context.Context, r *relocked, u *report.Upgrade, dry bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := lock.Diff(s.locked, r.lock)
	// The clock alone is no reason to write: the cut-off would move, and nothing
	// with it.
	d.Cutoff = nil
	u.Changed, u.Written = !d.Empty(), !d.Empty() && !dry
	if u.Written {
		if _, err := s.write(nil, r.lock); err != nil {
			return err
		}
		s.notes(r.notes)
		o, err := s.order(ctx, u.Names(), r.took)
		if err != nil {
			return err
		}
		r.align(o)
		u.Order = o
	}
	if s.json {
		return s.printJSON(u)
	}
	report.WriteUpgrade(s.Out, u, s.style)
	return nil
}

// requirementsOn are the inputs that name a package.
func requirementsOn(p *pyproject.Project, name string) []pyproject.Input {
	var list []pyproject.Input
	for _, in := range slices.Concat(p.Inputs, p.Constraints) {
		if r, err := pep508.Parse(in.Requirement); err == nil && r.Canonical() == name {
			list = append(list, in)
		}
	}
	return list
}
