package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/advisory"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

func (a *app) vulnsVerb() *cobra.Command {
	var targets, dbs []string
	cmd := &cobra.Command{
		Use:   "vulns",
		Short: "locked versions that security advisories name, and which targets can reach a fix",
		Long: `vulns compares the lock, build requirements too, with security advisories in the
OSV format: folders, JSON files, zips or addresses of such, from the
configuration (advisories = ["..."]) or --db. Versions are compared here: nobody
is told what is locked. The exit code is 1 if something is affected.`,
		Example: "  wheellock vulns\n  wheellock vulns --db ./advisories --target focal",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.vulns(cmd.Context(), targets, dbs) },
	}
	cmd.Flags().StringArrayVar(&targets, "target", nil, "only `TARGET`; may be repeated")
	cmd.Flags().StringArrayVar(&dbs, "db", nil, "a folder, file or address with OSV records instead of the configured ones; may be repeated")
	return cmd
}

// vulnJSON is one advisory that names a locked version.
type vulnJSON struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Build    bool      `json:"build"` // a build requirement: it is not installed
	Builds   []string  `json:"builds,omitempty"`
	Targets  []string  `json:"targets"`
	ID       string    `json:"id"`
	Aliases  []string  `json:"aliases"`
	Summary  string    `json:"summary"`
	Severity string    `json:"severity"`
	URL      string    `json:"url"`
	Affected []string  `json:"affected"` // ranges, ">=2.0,<2.5.0"
	Fixed    []string  `json:"fixed"`
	Fixes    []fixJSON `json:"fixes"` // by target, for what is installed
	Command  string    `json:"command,omitempty"`
}

// fixJSON is what a target can do about it.
type fixJSON struct {
	Target  string `json:"target"`
	Version string `json:"version"` // the nearest that is not affected; "": none that the target can take
	WhyNot  string `json:"why-not"` // what is in the way of it
}

func (a *app) vulns(ctx context.Context, targets, dbs []string) error {
	l, err := a.openLocked(ctx, targets, true)
	if err != nil {
		return err
	}
	if len(dbs) > 0 {
		l.project.Config.Advisories = nil
		for _, d := range dbs {
			if !strings.Contains(d, "://") {
				d = a.path(d)
			}
			l.project.Config.Advisories = append(l.project.Config.Advisories, d)
		}
	}
	if len(l.project.Config.Advisories) == 0 {
		return invalid(`download the OSV export of the Python packages (a zip) or a checkout of an advisory database, then: wheellock vulns --db PATH, or advisories = ["PATH"] in the configuration`,
			"no database of security advisories is configured")
	}
	db, err := l.advisories(ctx)
	if err != nil {
		return err
	}
	if db.Len() == 0 {
		return invalid("check the path: a database has one JSON record for each advisory", "there is no advisory in %s", strings.Join(l.project.Config.Advisories, ", "))
	}
	g, err := l.graph(ctx)
	if err != nil {
		return err
	}
	found, note := l.affected(ctx, g, db)
	if a.json {
		err = a.printJSON(map[string]any{"targets": l.names(), "advisories": db.Len(), "found": found, "note": note})
	} else {
		a.printVulns(l, db.Len(), found, note)
	}
	if err == nil && len(found) > 0 {
		return &Error{Code: Finding, Shown: true, Msg: "locked versions have known vulnerabilities"}
	}
	return err
}

// affected is every advisory in force for what is locked.
func (l *locked) affected(ctx context.Context, g *depgraph.Graph, db *advisory.Database) (found []vulnJSON, note string) {
	found = []vulnJSON{}
	add := func(v vulnJSON) {
		version, err := pep440.Parse(v.Version)
		if err != nil {
			return
		}
		for _, adv := range db.For(v.Name) {
			if !adv.Withdrawn.IsZero() || !adv.Affects(v.Name, version) {
				continue
			}
			w := v
			w.ID, w.Aliases, w.Summary, w.Severity, w.URL = adv.ID, append([]string{}, adv.Aliases...), adv.Summary, adv.Severity, adv.URL
			w.Affected, w.Fixed, w.Fixes = []string{}, []string{}, []fixJSON{}
			for _, r := range adv.Ranges(v.Name) {
				w.Affected = append(w.Affected, r.String())
			}
			for _, f := range adv.Fixed(v.Name) {
				if version.Less(f) {
					w.Fixed = append(w.Fixed, f.String())
				}
			}
			found = append(found, w)
		}
	}
	for i := range l.session.locked.Packages {
		p := &l.session.locked.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		on := slices.DeleteFunc(l.names(), func(t string) bool { return !p.Covers(t) })
		if len(on) > 0 {
			add(vulnJSON{Name: p.Name, Version: p.Version, Targets: on})
		}
	}
	for _, t := range g.Tools {
		add(vulnJSON{Name: t.Name, Version: t.Version, Build: true, Builds: t.Builds, Targets: []string{}})
	}
	for i := range found {
		if v := &found[i]; !v.Build && !l.fixes(ctx, g, db, v) {
			note = "what the targets can take is not known for all: the index could not be asked"
		}
	}
	return found, note
}

// fixes finds for each target the nearest version above that no advisory
// names; it reports whether the index told.
func (l *locked) fixes(ctx context.Context, g *depgraph.Graph, db *advisory.Database, v *vulnJSON) bool {
	page, err := l.page(ctx, v.Name)
	if err != nil || page == nil {
		return false
	}
	for _, name := range v.Targets {
		f := l.fix(ctx, g, db, v, name, resolve.Look(page, l.target(name), l.request))
		if f.Version != "" && v.Command == "" {
			v.Command = fmt.Sprintf("wheellock upgrade %s --security %s", v.Name, v.ID)
		}
		v.Fixes = append(v.Fixes, f)
	}
	return true
}

const noFix = "the index has no version that is not affected"

func (l *locked) fix(ctx context.Context, g *depgraph.Graph, db *advisory.Database, v *vulnJSON, target string, list []resolve.Outlook) fixJSON {
	have := pep440.MustParse(v.Version)
	safe := func(o resolve.Outlook) bool {
		return !slices.ContainsFunc(db.For(v.Name), func(adv *advisory.Advisory) bool {
			return adv.Withdrawn.IsZero() && adv.Affects(v.Name, o.Version)
		})
	}
	f := fixJSON{Target: target, WhyNot: noFix}
	for i := len(list) - 1; i >= 0; i-- { // the oldest first: the least to change
		o := list[i]
		if !have.Less(o.Version) || o.Pre || o.Yanked || !safe(o) {
			continue
		}
		why := l.whyNot(ctx, g, v.Name, l.target(target), o)
		switch {
		case o.Refused == "":
			return fixJSON{target, o.Version.String(), why}
		case o.Late && f.Version == "":
			// An upgrade for an advisory passes the cut-off where it has to.
			f.Version, f.WhyNot = o.Version.String(), why
		case f.WhyNot == noFix:
			f.WhyNot = o.Version.String() + ": " + why
		}
	}
	return f
}

func (a *app) printVulns(l *locked, size int, found []vulnJSON, note string) {
	if len(found) == 0 {
		fmt.Fprintf(a.Out, "nothing that is locked is named by any of %s\n", advisories(size))
		return
	}
	line := func(indent, kind, text string) {
		for _, s := range term.Wrap(strings.Join(strings.Fields(text), " "), term.Width-len(indent), "") {
			fmt.Fprintln(a.Out, indent+a.style.Paint(kind, term.Clean(s)))
		}
	}
	last := ""
	for _, v := range found {
		title := v.Name + " " + v.Version
		switch {
		case v.Build:
			title += ", a build requirement of " + strings.Join(v.Builds, ", ")
		case len(v.Targets) < len(l.targets):
			title += " on " + strings.Join(v.Targets, ", ")
		}
		if title != last {
			line("", term.Heading, title)
		}
		last = title
		id := v.ID
		if len(v.Aliases) > 0 {
			id += " (" + strings.Join(v.Aliases, ", ") + ")"
		}
		line("  ", term.Bad, strings.TrimSpace(id+" "+v.Severity))
		line("    ", "", v.Summary)
		line("    ", "", fixText(v))
		if v.Command != "" {
			line("    ", term.Command, v.Command)
		}
	}
	if note != "" {
		fmt.Fprintln(a.Out, note)
	}
	names, ids := map[string]bool{}, map[string]bool{}
	for _, v := range found {
		names[v.Name+" "+v.Version], ids[v.ID] = true, true
	}
	fmt.Fprintf(a.Out, "%s for %s\n", advisories(len(ids)), report.Plural(len(names), "locked version"))
}

func advisories(n int) string {
	if n == 1 {
		return "1 advisory"
	}
	return fmt.Sprint(n) + " advisories"
}

// fixText says what there is to be done: "fixed in 2.5.0; focal cannot take
// 2.5.0: needs Python 3.10".
func fixText(v vulnJSON) string {
	text := "no fixed version is named"
	if len(v.Fixed) > 0 {
		text = "fixed in " + strings.Join(v.Fixed, ", ")
	}
	var order []string
	on := map[string][]string{}
	for _, f := range v.Fixes {
		s := "cannot take " + f.WhyNot
		switch {
		case f.WhyNot == noFix:
			s = noFix
		case f.Version != "" && f.WhyNot == "":
			s = "can take " + f.Version
		case f.Version != "":
			s = "could take " + f.Version + ", but " + f.WhyNot
		}
		if on[s] == nil {
			order = append(order, s)
		}
		on[s] = append(on[s], f.Target)
	}
	for _, s := range order {
		if s != noFix {
			s = strings.Join(on[s], " and ") + " " + s
		}
		text += "; " + s
	}
	return text
}
