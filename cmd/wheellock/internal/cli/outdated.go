package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

func (a *app) outdatedVerb() *cobra.Command {
	var targets []string
	var code bool
	cmd := &cobra.Command{
		Use:   "outdated",
		Short: "locked packages that have newer versions, and what keeps each target from them",
		Long: `outdated asks the index for what is newer than the lock. COULD BE is what a
wheellock upgrade would lock for the target now, NEWEST what the index has; where they
differ, it says what is in the way: the target, a requirement, or the cut-off.`,
		Example: "  wheellock outdated\n  wheellock outdated --target bookworm --exit-code",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.outdated(cmd.Context(), targets, code) },
	}
	cmd.Flags().StringArrayVar(&targets, "target", nil, "only `TARGET`; may be repeated")
	cmd.Flags().BoolVar(&code, "exit-code", false, "exit with 1 if an upgrade would change something")
	return cmd
}

// outdatedRow is one package on one target.
type outdatedRow struct {
	Name     string `json:"name"`
	Target   string `json:"target"`
	Locked   string `json:"locked"`
	Could    string `json:"could-be"` // "": not known
	Newest   string `json:"newest"`
	Uploaded string `json:"uploaded"` // of the newest; "" where the index does not say
	WhyNot   string `json:"why-not"`

	at time.Time
}

func (a *app) outdated(ctx context.Context, targets []string, code bool) error {
	l, err := a.openLocked(ctx, targets, true)
	if err != nil {
		return err
	}
	cutoff, has, err := l.project.Config.Cutoff(a.Now())
	if err != nil {
		return err
	}
	// As upgrade would, not as the lock was made.
	l.request.ExcludeNewer, l.request.Kept = time.Time{}, files(l.session.locked)
	if has {
		l.request.ExcludeNewer = cutoff
	}
	g, err := l.graph(ctx)
	if err != nil {
		return err
	}
	could, note, err := l.upgraded(ctx)
	if err != nil {
		return err
	}
	if err := l.fetchPages(ctx, sortedNames(g)); err != nil {
		return err
	}
	rows, behind := l.outdatedRows(ctx, g, could)
	if a.json {
		err = a.printJSON(map[string]any{"targets": l.names(), "packages": rows, "note": note})
	} else {
		a.printOutdated(rows, len(l.targets), note)
	}
	if err == nil && code && behind {
		return &Error{Code: Finding, Shown: true, Msg: "the lock is behind what it could be"}
	}
	return err
}

// upgraded is what a lock made anew would have: target -> name -> version.
func (l *locked) upgraded(ctx context.Context) (map[string]map[string]string, string, error) {
	could := map[string]map[string]string{}
	if _, err := l.session.sources(ctx, l.source, &l.request); err != nil {
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		return could, "what an upgrade would give is not known: " + err.Error(), nil
	}
	sol, err := resolve.ResolveApart(ctx, l.source, l.request)
	var unknown *resolve.UnknownMetadataError
	var conflict *resolve.ConflictError
	switch {
	case errors.As(err, &unknown), errors.As(err, &conflict):
		return could, "what an upgrade would give is not known: wheellock upgrade says why", nil
	case err != nil:
		return nil, "", err
	}
	for _, t := range sol.Targets {
		could[t.Target.Name] = map[string]string{}
		for _, p := range t.Pins {
			could[t.Target.Name][p.Name] = p.Version.String()
		}
	}
	return could, "", nil
}

// pagesAtOnce bounds the pages that are asked for side by side.
const pagesAtOnce = 16

// fetchPages asks for many pages side by side. A page that is gone is no error:
// the package is locked all the same.
func (l *locked) fetchPages(ctx context.Context, names []string) error {
	pages := make([]*index.Page, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pagesAtOnce)
	for i, n := range names {
		group.Go(func() error {
			p, err := l.source.Page(ctx, n)
			if errors.As(err, new(*index.NotFoundError)) {
				return nil
			}
			pages[i] = p
			return err
		})
	}
	err := group.Wait()
	for i, n := range names {
		l.pages[n] = pages[i]
	}
	return err
}

func (l *locked) outdatedRows(ctx context.Context, g *depgraph.Graph, could map[string]map[string]string) (rows []outdatedRow, behind bool) {
	rows = []outdatedRow{}
	for _, name := range sortedNames(g) {
		page := l.pages[name]
		if page == nil {
			continue
		}
		for _, t := range l.targets {
			have, err := pep440.Parse(g.Packages[name].Versions[t.Name])
			if err != nil {
				continue
			}
			list := l.obstacles(ctx, g, page, t, have)
			if len(list) == 0 {
				continue
			}
			o := list[0]
			r := outdatedRow{Name: name, Target: t.Name, Locked: have.String(), Could: could[t.Name][name], Newest: o.Version.String(), at: o.Uploaded}
			if !o.Uploaded.IsZero() {
				r.Uploaded = o.Uploaded.UTC().Format(time.RFC3339)
			}
			r.WhyNot = whyNotAll(list, r.Could)
			if v, err := pep440.Parse(r.Could); err == nil && have.Less(v) {
				behind = true
			}
			rows = append(rows, r)
		}
	}
	return rows, behind
}

// whyNotAll joins what is in the way of each.
func whyNotAll(list []obstacle, could string) string {
	var parts []string
	for i, o := range list {
		why := o.Why
		if o.Version.String() == could {
			continue
		}
		if why == "" && could != "" {
			why = "does not go with the newest of what needs it"
		}
		if i > 0 && why != "" {
			why = o.Version.String() + ": " + why
		}
		if why != "" {
			parts = append(parts, why)
		}
	}
	return strings.Join(parts, "; ")
}

func (a *app) printOutdated(rows []outdatedRow, targets int, note string) {
	table := [][]string{{"PACKAGE", "TARGET", "LOCKED", "COULD BE", "NEWEST", "AGE"}}
	why := []string{""}
	last := ""
	merged := mergeOutdated(rows, targets)
	for _, r := range merged {
		name := r.Name
		if name == last {
			name = ""
		}
		last = r.Name
		could := r.Could
		switch could {
		case "":
			could = "?"
		case r.Locked:
			could = "same"
		}
		table = append(table, []string{name, r.Target, r.Locked, could, r.Newest, a.age(r.at)})
		why = append(why, r.WhyNot)
	}
	if len(merged) == 0 {
		fmt.Fprintln(a.Out, "nothing is newer than the lock")
	} else {
		for i := range table[0] {
			table[0][i] = a.style.Paint(term.Heading, table[0][i])
		}
		lines := term.Columns(table, 2)
		if slices.ContainsFunc(lines, func(l string) bool { return term.Len(l) > term.Width }) {
			// Long names of targets go below, each with its reason.
			for i, row := range table {
				if i > 0 {
					why[i] = strings.TrimSuffix(row[1]+": "+why[i], ": ")
				}
				table[i] = slices.Delete(row, 1, 2)
			}
			lines = term.Columns(table, 2)
		}
		for i, line := range lines {
			fmt.Fprintln(a.Out, term.Clean(line))
			for _, w := range term.Wrap(why[i], term.Width-4, "") {
				fmt.Fprintln(a.Out, "    "+a.style.Paint(term.Faint, term.Clean(w)))
			}
		}
	}
	if note != "" {
		fmt.Fprintln(a.Out, note)
	}
}

// mergeOutdated makes one row of targets that have the same of a package.
func mergeOutdated(rows []outdatedRow, targets int) []outdatedRow {
	var out []outdatedRow
	on := map[int]int{}
	for _, r := range rows {
		k := -1
		for i := len(out) - 1; i >= 0 && out[i].Name == r.Name; i-- {
			o := out[i]
			if o.Locked == r.Locked && o.Could == r.Could && o.Newest == r.Newest && o.WhyNot == r.WhyNot {
				k = i
			}
		}
		if k < 0 {
			on[len(out)] = 1
			out = append(out, r)
			continue
		}
		on[k]++
		out[k].Target += ", " + r.Target
	}
	for i := range out {
		if names := strings.Split(out[i].Target, ", "); on[i] == targets && targets > 1 {
			out[i].Target = "all"
		} else if len(names) > 2 {
			out[i].Target = fmt.Sprintf("%s +%d", names[0], len(names)-1)
		}
	}
	return out
}

// age is how long ago something was, roughly: "5 days", "14 months".
func (a *app) age(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	days := int(a.Now().Sub(at).Hours() / 24)
	switch {
	case days < 0:
		return "-"
	case days == 1:
		return "1 day"
	case days < 60:
		return fmt.Sprintf("%d days", days)
	case days < 730:
		return fmt.Sprintf("%d months", days/30)
	}
	return fmt.Sprintf("%d years", days/365)
}
