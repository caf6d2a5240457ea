package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/depgraph"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// locked is a project with its lock, as why, tree, outdated and vulns see it.
type locked struct {
	*session
	targets []tags.Target // looked at
	request resolve.Request
	group   string // "": every group
	source  *index.Client
	pages   map[string]*index.Page
	asks    map[string][]pep508.Requirement // by file
}

// openLocked opens the project for verbs that explain its lock. online says
// whether the index may be asked; else only what is cached tells.
func (a *app) openLocked(ctx context.Context, targets []string, online bool) (*locked, error) {
	s, err := a.openForReading()
	if err != nil {
		return nil, err
	}
	if err := s.needLock(); err != nil {
		return nil, err
	}
	l := &locked{session: s, pages: map[string]*index.Page{}, asks: map[string][]pep508.Requirement{}}
	if targets, err = coveredTargets(s.locked, targets); err != nil {
		return nil, err
	}
	for _, t := range s.locked.Targets {
		if len(targets) > 0 && !slices.Contains(targets, t.Name) {
			continue
		}
		got, err := tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
		if err != nil {
			return nil, err
		}
		l.targets = append(l.targets, got)
	}
	if l.request, err = request(s.project, l.targets); err != nil {
		return nil, err
	}
	if s.locked.ExcludeNewer != nil {
		l.request.ExcludeNewer = *s.locked.ExcludeNewer
	}
	was := s.offline
	s.offline = s.offline || !online
	l.source, err = s.client(ctx)
	s.offline = was
	if err != nil && online {
		return nil, err
	}
	return l, nil
}

func targetList(l *lock.Lock) string {
	var names []string
	for _, t := range l.Targets {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// target is one of those looked at.
func (l *locked) target(name string) tags.Target {
	for _, t := range l.targets {
		if t.Name == name {
			return t
		}
	}
	return tags.Target{}
}

func (l *locked) names() []string {
	var out []string
	for _, t := range l.targets {
		out = append(out, t.Name)
	}
	return out
}

// graph is the dependency graph of the lock.
func (l *locked) graph(ctx context.Context) (*depgraph.Graph, error) {
	o := depgraph.Options{
		Targets: l.names(),
		Env:     func(t string) pep508.Environment { return l.target(t).Environment() },
		Ask: func(p *lock.Package, t string) ([]pep508.Requirement, bool) {
			return l.requirementsOf(ctx, p, t)
		},
	}
	if l.group != "" {
		v, err := l.session.locked.VariantOf([]string{l.group})
		if err != nil {
			return nil, err
		}
		o.Variant = v
	}
	return depgraph.New(l.session.locked, l.roots(), o), nil
}

// roots are the project's requirements that hold on some target.
func (l *locked) roots() []depgraph.Root {
	var roots []depgraph.Root
	for _, r := range l.request.Requirements {
		if l.group != "" && r.Group != l.group {
			continue
		}
		root := depgraph.Root{Name: r.Canonical(), Text: r.Requirement.String(), Group: r.Group, Origin: r.Origin}
		for _, t := range l.targets {
			ok := r.Marker == nil
			if !ok {
				ok, _ = r.Marker.Eval(t.Environment())
			}
			if ok {
				root.Targets = append(root.Targets, t.Name)
			}
		}
		roots = append(roots, root)
	}
	return roots
}

// page is the index page of a project; nil where it cannot be had.
func (l *locked) page(ctx context.Context, name string) (*index.Page, error) {
	if p, ok := l.pages[name]; ok {
		return p, nil
	}
	if l.source == nil {
		return nil, nil
	}
	p, err := l.source.Page(ctx, name)
	if err != nil {
		return nil, err
	}
	l.pages[name] = p
	return p, nil
}

// requirementsOf is what a locked package asks for, from the metadata of the
// wheel that the target takes or is published for it, from another wheel of
// the version, or from the configuration.
func (l *locked) requirementsOf(ctx context.Context, p *lock.Package, target string) ([]pep508.Requirement, bool) {
	if m, ok := l.request.UserMetadata[p.Name+"@"+p.Version]; ok {
		return m.RequiresDist, true
	}
	page, err := l.page(ctx, p.Name)
	if err != nil || page == nil {
		return nil, false
	}
	want := map[string]bool{}
	if u := l.session.locked.UpstreamFor(p, target); u != nil {
		want[u.SHA256] = true
	}
	if w := l.session.locked.WheelFor(p, target); w != nil && w.SHA256 != "" {
		want[w.SHA256] = true
	}
	var file, other *index.File
	for i := range page.Files {
		f := &page.Files[i]
		switch {
		case !f.IsWheel():
		case want[f.SHA256]:
			file = f
		case other == nil && wheelOf(f.Name, p.Version):
			other = f
		}
	}
	if file == nil {
		file = other
	}
	if file == nil {
		return nil, false
	}
	if reqs, ok := l.asks[file.Name]; ok {
		return reqs, true
	}
	data, err := l.source.Metadata(ctx, *file)
	if err != nil {
		return nil, false
	}
	m, err := metadata.Parse(data)
	if err != nil {
		return nil, false
	}
	l.asks[file.Name] = m.RequiresDist
	return m.RequiresDist, true
}

// wheelOf reports whether a wheel is of a version.
func wheelOf(file, version string) bool {
	name, err := tags.ParseWheelName(file)
	if err != nil {
		return false
	}
	v, err := pep440.Parse(version)
	return err == nil && name.Version.Equal(v)
}
