package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// obstacle is a release that is newer than what a target has, and what is in
// the way of it; Why is "" where nothing is.
type obstacle struct {
	resolve.Outlook
	Why string
}

// obstacles are the newest release that anybody could want (a final one that
// is not yanked, or a pre-release where there is nothing else) and, where the
// target cannot use that, the newest that it can: both only if they are above
// have.
func (l *locked) obstacles(ctx context.Context, g *depgraph.Graph, page *index.Page, t tags.Target, have pep440.Version) []obstacle {
	list := resolve.Look(page, t, l.request)
	finals := slices.ContainsFunc(list, func(o resolve.Outlook) bool { return !o.Pre && !o.Yanked })
	var out []obstacle
	for _, o := range list {
		if !have.Less(o.Version) {
			break
		}
		if o.Yanked || finals && o.Pre || len(out) > 0 && o.Refused != "" || len(out) == 0 && o.Refused != "" && allYanked(page, o.Version) {
			continue
		}
		out = append(out, obstacle{o, l.whyNot(ctx, g, page.Name, t, o)})
		if o.Refused == "" {
			break
		}
	}
	return out
}

// allYanked reports whether every file of a version is yanked, whatever target
// it is for.
func allYanked(page *index.Page, v pep440.Version) bool {
	any, all := false, true
	for _, f := range page.Files {
		var got pep440.Version
		if name, err := tags.ParseWheelName(f.Name); err == nil {
			got = name.Version
		} else if name, err := tags.ParseSdistNameOf(f.Name, page.Name); err == nil {
			got = name.Version
		}
		if got.IsValid() && got.Equal(v) {
			any, all = true, all && f.Yanked
		}
	}
	return any && all
}

// whyNot says what keeps a target from a release: the release itself, the
// cut-off, or who asks for another version; "" where nothing does.
func (l *locked) whyNot(ctx context.Context, g *depgraph.Graph, name string, t tags.Target, o resolve.Outlook) string {
	switch {
	case o.Late:
		return "the cut-off " + l.request.ExcludeNewer.UTC().Format(time.DateOnly) + " hides it"
	case o.Refused != "":
		return o.Refused
	}
	for _, c := range []struct {
		list []resolve.Requirement
		verb string
	}{{l.request.Requirements, "asks"}, {l.request.Constraints, "allows"}} {
		for _, r := range c.list {
			if r.Canonical() == name && holdsOn(r.Requirement, t) && !r.Specifiers.Contains(o.Version, pep440.PreAllow) {
				return fmt.Sprintf("%s %s %s%s", r.Origin, c.verb, name, r.Specifiers)
			}
		}
	}
	for _, from := range sortedNames(g) {
		p := l.session.locked.Find(from, t.Name)
		if p == nil || !needs(g, from, name, t.Name) {
			continue
		}
		reqs, _ := l.requirementsOf(ctx, p, t.Name)
		for _, r := range reqs {
			if r.Canonical() == name && holdsOn(r, t) && !r.Specifiers.Contains(o.Version, pep440.PreAllow) {
				return fmt.Sprintf("%s %s asks %s%s", from, p.Version, name, r.Specifiers)
			}
		}
	}
	return ""
}

func needs(g *depgraph.Graph, from, to, target string) bool {
	for _, e := range g.Edges[from] {
		if e.To == to {
			for _, t := range e.Targets {
				if t == target {
					return true
				}
			}
		}
	}
	return false
}

// holdsOn reports whether a requirement holds on a target, be it for an extra.
func holdsOn(r pep508.Requirement, t tags.Target) bool {
	if r.Marker == nil {
		return true
	}
	if ok, err := r.Marker.Eval(t.Environment()); err == nil && ok {
		return true
	}
	return false
}
