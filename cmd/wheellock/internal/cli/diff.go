package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

type diffOptions struct {
	format, against string
	code            bool
}

func (a *app) diffVerb() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff [BASE]",
		Short: "what changed in the lock since a git revision, for a reviewer",
		Long: `diff compares wheels.lock with that of a git revision (HEAD without a word;
main... is where this branch left main), the most alarming first: a hash that
changed without a new version, settings that demand less than before, files from
another place; then new names and who needs them, new native code, what is
published as source only, versions, targets, recipes. It needs no network.

The exit code is 0 also where there are differences; with --exit-code it is 1.
--format markdown gives a comment for a pull request.`,
		Example: "  wheellock diff\n  wheellock diff main... --format markdown\n  wheellock diff --against ../other/wheels.lock",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			rev := "HEAD"
			if len(args) > 0 {
				if o.against != "" {
					return usage("diff compares with a revision or with --against a file, not with both")
				}
				rev = args[0]
			}
			return a.diff(cmd.Context(), rev, o)
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "text", "text or markdown")
	cmd.Flags().StringVar(&o.against, "against", "", "compare with the lock in `FILE`")
	cmd.Flags().BoolVar(&o.code, "exit-code", false, "exit with 1 when there are differences")
	return cmd
}

func (a *app) diff(ctx context.Context, rev string, o diffOptions) error {
	if o.format != "text" && o.format != "markdown" {
		return usage("--format %q is neither text nor markdown", o.format)
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if err := s.needLock(); err != nil {
		return err
	}
	d := &report.Diff{Base: rev}
	in := report.DiffInput{New: s.locked, Roots: s.roots()}
	if o.against != "" {
		d.Base = o.against
		data, err := readCapped(a.path(o.against), lock.MaxSize)
		if errors.Is(err, os.ErrNotExist) {
			return invalid("name a wheels.lock", "there is no %s", o.against)
		}
		if err != nil {
			return err
		}
		if in.Old, err = lock.Parse(o.against, data); err != nil {
			return err
		}
	} else if err := s.diffGit(ctx, rev, d, &in); err != nil {
		return err
	}
	d.New = in.Old == nil
	d.Sections = report.DiffOf(in)
	if d.Sections == nil {
		d.Sections = []report.Section{}
	}
	d.Equal = len(d.Sections) == 0
	switch {
	case a.json:
		err = a.printJSON(d)
	case o.format == "markdown":
		report.MarkdownDiff(a.Out, d, len(s.locked.Targets))
	default:
		report.WriteDiff(a.Out, d, len(s.locked.Targets), a.style)
	}
	if err == nil && o.code && !d.Equal {
		return &Error{Code: Finding, Shown: true}
	}
	return err
}

// diffGit reads lock and configuration of a revision.
func (s *session) diffGit(ctx context.Context, rev string, d *report.Diff, in *report.DiffInput) error {
	b, err := s.gitBase(ctx, rev)
	if err != nil {
		return err
	}
	d.Commit = b.commit
	if in.Old, err = b.lock(ctx); err != nil {
		return err
	}
	if in.Old == nil {
		return nil
	}
	temp, err := os.MkdirTemp("", "wheellock-diff-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	config := s.config
	if filepath.IsAbs(config) {
		config = "" // it is not the revision's
	}
	p, err := b.project(ctx, config, temp)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.notes([]string{fmt.Sprintf("the configuration of %s cannot be read, so changes of it are not shown: %v", rev, err)})
		return nil
	}
	in.Config = configChanges(p.Config, s.project.Config)
	return nil
}

// roots are the names that the inputs ask for, each with its first place.
func (s *session) roots() map[string]string {
	m := map[string]string{}
	for _, in := range s.project.Inputs {
		if r, err := pep508.Parse(in.Requirement); err == nil && m[r.Canonical()] == "" {
			m[r.Canonical()] = in.Origin()
		}
	}
	return m
}

// strength orders the words of a policy from the weakest to the strongest.
var strength = map[string][]string{
	"policy.wheels":             {"upstream", "build-unless-reproducible", "build"},
	"policy.mirror":             {"none", "unreproducible", "all"},
	"policy.build-requirements": {"upstream", "build"},
}

// configChanges compares what two configurations demand and where they look,
// in a fixed order, the weakened first.
func configChanges(old, now pyproject.Config) []report.ConfigChange {
	var list []report.ConfigChange
	say := func(key, a, b string, weaker bool) {
		if a != b {
			list = append(list, report.ConfigChange{Key: key, Old: a, New: b, Weaker: weaker})
		}
	}
	words := func(key, a, b string) {
		say(key, a, b, slices.Index(strength[key], b) < slices.Index(strength[key], a))
	}
	number := func(key string, a, b int) { say(key, fmt.Sprint(a), fmt.Sprint(b), b < a) }
	list2 := func(key string, a, b []string, weaker bool) {
		a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
		say(key, strings.Join(a, " "), strings.Join(b, " "), weaker)
	}
	// Whom the project trusts: a pin that appears is no weakening, one that
	// goes or turns into another is.
	list2("root", old.Root, now.Root, len(old.Root) > 0)
	number("root-threshold", old.RootThreshold, now.RootThreshold)
	list2("release-keys", old.ReleaseKeys, now.ReleaseKeys, missing(now.ReleaseKeys, old.ReleaseKeys))
	say("log", old.Log, now.Log, old.Log != "")
	words("policy.wheels", old.Policy.Wheels, now.Policy.Wheels)
	words("policy.mirror", old.Policy.Mirror, now.Policy.Mirror)
	words("policy.build-requirements", old.Policy.BuildRequirements, now.Policy.BuildRequirements)
	number("policy.builders", old.Policy.Builders, now.Policy.Builders)
	number("policy.reviews", old.Policy.Reviews, now.Policy.Reviews)
	number("policy.witnesses", old.Policy.Witnesses, now.Policy.Witnesses)
	list2("policy.ceremony", old.Policy.Ceremony, now.Policy.Ceremony, missing(old.Policy.Ceremony, now.Policy.Ceremony))
	say("policy.append", old.Policy.Append, now.Policy.Append, false)
	list2("private", old.Private, now.Private, missing(old.Private, now.Private))
	say("exclude-newer", old.ExcludeNewer, now.ExcludeNewer, now.ExcludeNewer == "")
	list2("advisories", old.Advisories, now.Advisories, missing(old.Advisories, now.Advisories))
	say("index-url", hostOnly(old.IndexURL), hostOnly(now.IndexURL), false)
	say("indexes", indexText(old), indexText(now), false)
	list2("find-links", old.FindLinks, now.FindLinks, false)
	list2("constraints", old.Constraints, now.Constraints, false)
	list2("overrides", old.Overrides, now.Overrides, false)
	list2("no-binary", old.NoBinary, now.NoBinary, false)
	list2("only-binary", old.OnlyBinary, now.OnlyBinary, false)
	say("wheelhouse", old.Wheelhouse, now.Wheelhouse, false)
	say("versions", old.Versions, now.Versions, false)
	say("prefer", old.Prefer, now.Prefer, false)
	slices.SortStableFunc(list, func(a, b report.ConfigChange) int {
		switch {
		case a.Weaker == b.Weaker:
			return 0
		case a.Weaker:
			return -1
		}
		return 1
	})
	return list
}

func missing(old, now []string) bool {
	return slices.ContainsFunc(old, func(s string) bool { return !slices.Contains(now, s) })
}

// indexText names the indexes and what they answer for.
func indexText(c pyproject.Config) string {
	var parts []string
	for _, x := range c.Indexes {
		s := x.Name + " " + hostOnly(x.URL)
		if len(x.Packages) > 0 {
			s += " for " + strings.Join(x.Packages, " ")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// hostOnly takes the user part out of an address: a page for reviewers is no
// place for it.
func hostOnly(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	return scheme + "://" + host + "/" + path
}
