package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/convert"
	"github.com/freedomofpress/wheellock/provenance/verify"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// groupOptions say which dependency groups a verb is asked for.
type groupOptions struct {
	groups, only []string
	all          bool
}

const groupHelp = `Without a word on groups it is the default group alone, as pip installs it;
--group adds a dependency group or an extra of the project, --only-group takes
groups without the default one, --all-groups everything. Groups that conflict
cannot be taken together.`

func (o *groupOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.groups, "group", nil, "also dependency group or extra `GROUP`; may be repeated")
	cmd.Flags().StringArrayVar(&o.only, "only-group", nil, "`GROUP` without the default group; may be repeated")
	cmd.Flags().BoolVar(&o.all, "all-groups", false, "the default group and all others")
}

// selection finds what the groups need on a target: the variant that holds them,
// and in it all that their requirements lead to. The inputs must be those of the
// lock. Where groups cannot be taken together the error is a
// *lock.ConflictError.
func (s *session) selection(target string, o groupOptions) (convert.Selection, error) {
	known := s.project.Groups()
	if len(o.groups) > 0 && len(o.only) > 0 || o.all && len(o.groups)+len(o.only) > 0 {
		return convert.Selection{}, usage("--group, --only-group and --all-groups exclude each other")
	}
	groups := append([]string{""}, normalized(o.groups)...)
	switch {
	case len(o.only) > 0:
		groups = normalized(o.only)
	case o.all:
		groups = append([]string{""}, known...)
	}
	for _, g := range groups {
		if g != "" && !slices.Contains(known, g) {
			return convert.Selection{}, unknownGroup(g, known)
		}
	}
	variant, err := s.locked.VariantOf(groups)
	if err != nil {
		return convert.Selection{}, err
	}
	sel := convert.Selection{Variant: variant}
	if o.all {
		return sel, nil
	}
	roots, err := s.rootsOf(groups, target)
	if err != nil {
		return sel, err
	}
	if len(roots) == 0 && len(o.groups)+len(o.only) == 0 && len(known) > 0 {
		return sel, invalid("name groups with --group, or take --all-groups", "the default group asks for nothing on %s; the groups are %s", target, strings.Join(known, ", "))
	}
	sel.Names = reachable(s.locked, target, variant, roots)
	return sel, nil
}

func normalized(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, pep508.NormalizeName(n))
	}
	return out
}

func unknownGroup(name string, known []string) error {
	if len(known) == 0 {
		return invalid("write it into [dependency-groups], or add to it: wheellock add NAME --group "+name, "there is no group %q: the project has only the default one", name)
	}
	return invalid("the groups are "+strings.Join(known, ", "), "there is no group %q", name)
}

// wanted says which wheels a folder must hold; nil: all. A lock that cannot be
// read, or is not that of the inputs, is named by verify itself.
func (s *session) wanted(in verify.Input, o verifyOptions) (func(*lock.Package, string) bool, error) {
	l, err := lock.Parse(lock.FileName, in.LockBytes)
	if err != nil || l.RequiresDigest != in.RequiresDigest || len(s.project.Groups()) == 0 && len(o.groups.groups)+len(o.groups.only) == 0 {
		return nil, nil
	}
	s.locked = l
	by := map[string]map[string]bool{}
	for _, t := range targetNames(l) {
		if len(o.targets) > 0 && !slices.Contains(o.targets, t) {
			continue
		}
		sel, err := s.selection(t, o.groups)
		if err != nil {
			return nil, err
		}
		by[t] = map[string]bool{}
		for _, p := range sel.Packages(l, t) {
			by[t][p.Name+" "+p.Version] = true
		}
	}
	return func(p *lock.Package, target string) bool { return by[target][p.Name+" "+p.Version] }, nil
}

// rootsOf gives the names that groups ask for on a target.
func (s *session) rootsOf(groups []string, target string) ([]string, error) {
	targets, err := targetsOf(s.project.Config)
	if err != nil {
		return nil, err
	}
	inputs, err := parseInputs(s.project.Inputs)
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, t := range targets {
		if t.Name != target {
			continue
		}
		env := t.Environment()
		for _, r := range inputs {
			if !slices.Contains(groups, r.Group) {
				continue
			}
			holds := true
			if r.Marker != nil {
				if holds, err = r.Marker.Eval(env); err != nil {
					return nil, requirementError(r.Origin, err)
				}
			}
			if holds {
				roots = append(roots, r.Canonical())
			}
		}
	}
	return roots, nil
}

// reachable walks the dependencies of a variant on a target.
func reachable(l *lock.Lock, target, variant string, roots []string) map[string]bool {
	byName := map[string]*lock.Package{}
	for i := range l.Packages {
		if p := &l.Packages[i]; p.Group != lock.GroupBuild && l.In(p, target, variant) {
			byName[p.Name] = p
		}
	}
	seen := map[string]bool{}
	for len(roots) > 0 {
		name := roots[len(roots)-1]
		roots = roots[:len(roots)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		if p := byName[name]; p != nil {
			roots = append(roots, p.DependenciesOn(target)...)
		}
	}
	return seen
}
