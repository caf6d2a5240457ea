package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

func (a *app) targetReplaceVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "replace OLD NEW",
		Short: "move from one target to another, keeping the locked versions",
		Long: `replace declares NEW where OLD was, keeping comments and layout, and locks for it.
The versions that are locked for OLD stay wherever NEW can use them; what moves
is listed with the reason.`,
		Example: "  wheellock target replace bullseye bookworm",
		Args:    usageArgs(cobra.ExactArgs(2)),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.declaredNames(), cobra.ShellCompDirectiveNoFileComp
			}
			return knownNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openForWriting(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			return s.replaceTarget(cmd, declaredName(s.project.Config, args[0]), args[1])
		},
	}
}

// replaced is what target replace --json prints.
type replaced struct {
	Old   string           `json:"old"`
	New   string           `json:"new"`
	Kept  int              `json:"kept"`
	Moves []report.Move    `json:"moves"`
	Order *workorder.Order `json:"order"`
}

func (s *session) replaceTarget(cmd *cobra.Command, old, name string) error {
	ctx := cmd.Context()
	t, err := s.declared(ctx, name)
	if err != nil {
		return err
	}
	edits, err := s.project.ReplaceTarget(old, t)
	if err != nil {
		return err
	}
	p, err := s.project.With(edits)
	if err != nil {
		return err
	}
	targets, err := targetsOf(p.Config)
	if err != nil {
		return err
	}
	if s.locked == nil {
		return s.relockTargets(cmd, p)
	}
	before := s.locked
	now := targets[slices.IndexFunc(targets, func(x tags.Target) bool { return x.Name == t.Name })]
	r, err := s.relockAndWrite(ctx, p, change{heirs: map[string]string{now.Name: lockedName(before, old)}})
	if err != nil {
		return err
	}
	res := replaced{Old: old, New: now.Name}
	res.Kept, res.Moves = moves(before, r.lock, lockedName(before, old), now)
	if res.Order, err = s.order(ctx, nil, r.took); err != nil {
		return err
	}
	r.align(res.Order)
	if s.json {
		return s.printJSON(res)
	}
	report.Moves(s.Out, res.Old, res.New, res.Kept, res.Moves)
	return s.show(res.Order)
}

// lockedName is the lock's name of a declared target: a lock holds the one
// spelling, a configuration whatever somebody wrote.
func lockedName(l *lock.Lock, declared string) string {
	if t, err := tags.Lookup(declared); err == nil && l.Target(declared) == nil {
		return t.Name
	}
	return declared
}

// moves compares what is installed on two targets of two locks.
func moves(before, after *lock.Lock, old string, now tags.Target) (kept int, list []report.Move) {
	was, is := installed(before, old), installed(after, now.Name)
	list = []report.Move{}
	for name, p := range was {
		q := is[name]
		switch {
		case q == nil:
			list = append(list, report.Move{Name: name, From: p.Version, Why: "needed on " + old + " only" + users(was, name, old)})
		case q.Version != p.Version:
			list = append(list, report.Move{Name: name, From: p.Version, To: q.Version, Why: whyMoved(p, now)})
		default:
			kept++
		}
	}
	for name, q := range is {
		if was[name] == nil {
			list = append(list, report.Move{Name: name, To: q.Version, Why: "needed on " + now.Name + " only" + users(is, name, now.Name)})
		}
	}
	slices.SortFunc(list, func(x, y report.Move) int { return strings.Compare(x.Name, y.Name) })
	return kept, list
}

// installed are the packages of a target by name; of several variants any.
func installed(l *lock.Lock, target string) map[string]*lock.Package {
	out := map[string]*lock.Package{}
	if l.Target(target) == nil {
		return out
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group != lock.GroupBuild && p.Covers(target) {
			out[p.Name] = cmp.Or(out[p.Name], p)
		}
	}
	return out
}

// users names who needs a package on a target: ", by requests".
func users(all map[string]*lock.Package, name, target string) string {
	var by []string
	for _, p := range all {
		if slices.Contains(p.DependenciesOn(target), name) {
			by = append(by, p.Name)
		}
	}
	if len(by) == 0 {
		return ""
	}
	slices.Sort(by)
	if len(by) > 3 {
		by = append(by[:3], fmt.Sprintf("%d more", len(by)-3))
	}
	return ", by " + strings.Join(by, ", ")
}

// whyMoved says what keeps a locked version from the target.
func whyMoved(p *lock.Package, t tags.Target) string {
	if set, err := pep440.ParseSpecifiers(p.RequiresPython); err == nil && !set.Contains(t.Version(), pep440.PreAllow) {
		return fmt.Sprintf("%s needs Python %s", p.Version, p.RequiresPython)
	}
	if p.Sdist == nil {
		reason, nearest := "", 0
		for _, u := range p.Upstream {
			if w, err := tags.ParseWheelName(u.Name); err == nil {
				if why, away := t.Misfit(w); why != "" && (reason == "" || away < nearest) {
					reason, nearest = why, away
				}
			}
		}
		if reason != "" {
			return fmt.Sprintf("%s has no source, and its wheel %s", p.Version, reason)
		}
	}
	return "other requirements hold there"
}
