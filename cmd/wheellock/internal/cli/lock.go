package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

func (a *app) lockVerb() *cobra.Command {
	var check bool
	var newer string
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "make wheels.lock from the inputs, or check that it is up to date",
		Long: `lock resolves the inputs for every target. Versions that are locked already are
kept where they are still allowed. With --check it compares the lock with the
inputs and changes nothing; that needs no network.

--exclude-newer hides what was uploaded at that instant or later, in this call:
an instant, a date, or a cooldown ("7 days"). The lock stores the instant, and
it holds until the inputs change or upgrade is run; exclude-newer in the
configuration holds for good. An instant before the lock's takes back what is
younger; a cooldown takes nothing back that is locked.`,
		Example: "  wheellock lock\n  wheellock lock --check\n  wheellock lock --exclude-newer 2026-11-15",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check {
				if newer != "" {
					return invalid("leave --exclude-newer out", "--check uses the instant that the lock stores")
				}
				return a.lockCheck()
			}
			a.mayMerge = true
			s, err := a.openForWriting(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			p := s.project
			if len(p.Inputs) == 0 {
				return nothingToLock(p)
			}
			if _, _, err := (pyproject.Config{ExcludeNewer: newer}).Cutoff(s.Now()); err != nil {
				return invalid(`write an instant such as 2026-11-15T00:00:00Z, a date, or a cooldown such as "7 days"`, "--exclude-newer %q is neither an instant nor a cooldown", newer)
			}
			r, err := s.relockAndWrite(cmd.Context(), p, change{cutoff: newer})
			if err != nil {
				return err
			}
			o, err := s.order(cmd.Context(), nil, r.took)
			if err != nil {
				return err
			}
			r.align(o)
			return s.show(o)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 when the lock is out of date")
	cmd.Flags().StringVar(&newer, "exclude-newer", "", "see nothing that was uploaded at `TIME` or later")
	return cmd
}

func (a *app) lockCheck() error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if s.locked == nil {
		return finding("wheellock lock", "there is no %s", lock.FileName)
	}
	reasons, err := s.stale()
	if err != nil {
		return err
	}
	if a.json {
		err := a.printJSON(map[string]any{"up_to_date": len(reasons) == 0, "reasons": reasons})
		if err == nil && len(reasons) > 0 {
			return &Error{Code: Finding, Shown: true}
		}
		return err
	}
	if len(reasons) > 0 {
		return finding("wheellock lock", "%s is out of date:\n  %s", lock.FileName, strings.Join(reasons, "\n  "))
	}
	a.say("%s is up to date", lock.FileName)
	return nil
}

// maxReasons bounds what is said about a lock that is out of date.
const maxReasons = 10

// stale says in what the lock does not fit the inputs: by their digest, and by
// what is locked, which a merge or an editor may have changed below it.
func (s *session) stale() ([]string, error) {
	same := s.locked.RequiresDigest == s.project.RequiresDigest()
	reasons := []string{}
	if !same {
		reasons = append(reasons, s.staleTargets()...)
	}
	more, err := s.staleInputs(same)
	if err != nil {
		return nil, err
	}
	reasons = append(reasons, more...)
	if !same {
		reasons = append(reasons, s.unasked()...)
	}
	if !same && len(reasons) == 0 {
		where := s.project.Config.File
		if where == "" {
			where = "the inputs"
		}
		reasons = append(reasons, fmt.Sprintf("the requirements, targets or policy in %s have changed since it was made", where))
	}
	if n := len(reasons) - maxReasons; n > 0 {
		reasons = append(reasons[:maxReasons], fmt.Sprintf("and %d more", n))
	}
	return reasons, nil
}

func (s *session) staleTargets() []string {
	var list []string
	targets, err := targetsOf(s.project.Config)
	if err != nil {
		return nil
	}
	declared := map[string]bool{}
	for _, t := range targets {
		declared[t.Name] = true
		switch was := s.locked.Target(t.Name); {
		case was == nil:
			list = append(list, fmt.Sprintf("%s: target %s is not locked", s.project.Config.File, t.Name))
		case was.Python != t.Python || was.Platform != t.Platform:
			list = append(list, fmt.Sprintf("%s: target %s is Python %s on %s, locked is %s on %s", s.project.Config.File, t.Name, t.Python, t.Platform, was.Python, was.Platform))
		}
	}
	for _, t := range s.locked.Targets {
		if !declared[t.Name] {
			list = append(list, fmt.Sprintf("target %s is locked and no longer declared", t.Name))
		}
	}
	return list
}

// staleInputs compares each requirement with what is locked. With the digest of
// the inputs unchanged a name that is missing has a reason that only the resolver
// knows (a local project, a group apart).
func (s *session) staleInputs(same bool) ([]string, error) {
	targets, err := targetsOf(s.project.Config)
	if err != nil {
		return nil, err
	}
	overridden := map[string]bool{}
	for _, in := range s.project.Overrides {
		if r, err := pep508.Parse(in.Requirement); err == nil {
			overridden[r.Canonical()] = true
		}
	}
	apart := len(s.project.Config.Conflicts) > 0
	var list []string
	for i, in := range slices.Concat(s.project.Inputs, s.project.Constraints) {
		r, err := pep508.Parse(in.Requirement)
		if err != nil {
			return nil, requirementError(in.Origin(), err)
		}
		if overridden[r.Canonical()] {
			continue
		}
		var missing, wrong []string
		has := ""
		for _, t := range targets {
			if s.locked.Target(t.Name) == nil {
				continue
			}
			if r.Marker != nil {
				if holds, err := r.Marker.Eval(t.Environment()); err != nil || !holds {
					continue
				}
			}
			p := s.locked.Find(r.Canonical(), t.Name)
			if p == nil {
				missing = append(missing, t.Name)
				continue
			}
			if v, err := pep440.Parse(p.Version); !apart && (err != nil || !r.Specifiers.Contains(v, pep440.PreAllow)) {
				wrong, has = append(wrong, t.Name), p.Version
			}
		}
		if len(missing) > 0 && !same && i < len(s.project.Inputs) {
			list = append(list, fmt.Sprintf("%s asks for %s, which is not locked on %s", in.Origin(), in.Requirement, strings.Join(missing, ", ")))
		}
		if len(wrong) > 0 {
			list = append(list, fmt.Sprintf("%s asks for %s, locked is %s on %s", in.Origin(), in.Requirement, has, strings.Join(wrong, ", ")))
		}
	}
	return list, nil
}

// unasked lists what is locked although nothing leads to it any more.
func (s *session) unasked() []string {
	needed := map[string]bool{}
	for _, in := range s.project.Inputs {
		if r, err := pep508.Parse(in.Requirement); err == nil {
			needed[r.Canonical()] = true
		}
	}
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		for _, t := range s.locked.TargetsOf(p) {
			for _, d := range p.DependenciesOn(t) {
				needed[d] = true
			}
		}
	}
	var list []string
	for _, n := range s.installed() {
		if !needed[n] {
			list = append(list, fmt.Sprintf("%s is locked, and nothing asks for it any more", n))
		}
	}
	return list
}
