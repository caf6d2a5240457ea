package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/assemble"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// relocked is what a change of the inputs leads to, before anything is written.
type relocked struct {
	project *pyproject.Project // with the edits
	targets []tags.Target
	lock    *lock.Lock
	notes   []string
	took    time.Duration

	solution *resolve.Solution
	coverage []workorder.Coverage // what the change lost, once it is written
}

// relock resolves the project as p has it and plans the builds. It writes
// nothing.
func (s *session) relock(ctx context.Context, p *pyproject.Project, c change) (*relocked, error) {
	start := s.Now()
	req, cutoff, err := s.question(p, c)
	if err != nil {
		return nil, err
	}
	if err := s.choose(ctx, &req, p.Config); err != nil {
		return nil, err
	}
	targets := req.Targets
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	src, err := s.sources(ctx, client, &req)
	if err != nil {
		return nil, err
	}
	sol, asked, err := s.resolve(ctx, client, req)
	if err != nil {
		return nil, err
	}
	unhashed, err := s.hashFiles(ctx, client, sol)
	if err != nil {
		return nil, err
	}
	asked = append(asked, unhashed...)
	prev := src.prevWithout(s.locked)
	opt := assemble.Options{Prev: prev, Wheels: p.Config.Policy.Wheels, RequiresDigest: p.RequiresDigest(), ExcludeNewer: cutoff, Conflicts: p.Config.Conflicts}
	l, err := assemble.Assemble(sol, opt)
	if err != nil {
		return nil, err
	}
	src.mark(l)
	asked = append(asked, src.notes...)
	asked = append(asked, unused(p, l)...)
	asked = append(asked, aside(p, targets)...)
	r := &relocked{project: p, targets: targets, lock: l, notes: append(asked, warnings(sol)...), solution: sol}
	var notes []recipe.Note
	err = recipe.Plan(ctx, client, l, targets, recipe.Options{Prev: prev, Jobs: s.jobs, Notes: &notes, Settings: settingsOf(p.Config),
		BuildTools: p.Config.Policy.BuildRequirements == "build"})
	var some *recipe.IncompleteError
	if err != nil && !errors.As(err, &some) {
		return nil, err
	}
	for _, n := range notes {
		r.notes = append(r.notes, fmt.Sprintf("%s %s: %s", n.Package, n.Version, n.Text))
	}
	r.notes = slices.Compact(r.notes) // one source, two targets
	if some != nil {
		// A package that cannot be planned is work left to do, not a reason to
		// lock nothing: the order says so, and the next lock tries again.
		r.notes = append(r.notes, unplannedNotes(l, some)...)
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	r.took = s.Now().Sub(start)
	return r, nil
}

// question is what to ask the resolver, and the cut-off for the lock.
func (s *session) question(p *pyproject.Project, c change) (resolve.Request, *time.Time, error) {
	targets, err := targetsOf(p.Config)
	if err != nil {
		return resolve.Request{}, nil, err
	}
	if len(targets) == 0 {
		return resolve.Request{}, nil, invalid("wheellock target add bookworm", "no target is declared")
	}
	req, err := request(p, targets)
	if err != nil {
		return req, nil, err
	}
	cutoff, err := c.apply(&req, p, s.locked, s.Now())
	if err != nil {
		return req, nil, err
	}
	req.Variants, err = assemble.RequestVariants(p.Config.Conflicts, s.locked)
	return req, cutoff, err
}

// warnings are what the resolver wants to be known, once for all targets.
func warnings(sol *resolve.Solution) []string {
	var list []string
	for _, t := range sol.Targets {
		list = append(list, t.Warnings...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// request parses the inputs, so that a bad one is named with its file and line.
func request(p *pyproject.Project, targets []tags.Target) (resolve.Request, error) {
	req := resolve.Request{Targets: targets}
	var err error
	if req.Requirements, err = parseInputs(p.Inputs); err != nil {
		return req, err
	}
	if req.Constraints, err = parseInputs(p.Constraints); err != nil {
		return req, err
	}
	if req.Overrides, err = parseInputs(p.Overrides); err != nil {
		return req, err
	}
	req.NoBinary, req.OnlyBinary, req.Prereleases = p.NoBinary, p.OnlyBinary, p.Prereleases
	req.Hashes = allowed(p)
	if err := locals(p, &req); err != nil {
		return req, err
	}
	if err := own(p, &req); err != nil {
		return req, err
	}
	req.UserMetadata, err = userMetadata(p.Config)
	return req, err
}

// allowed are the files that requirements name by hash.
func allowed(p *pyproject.Project) map[string]resolve.Allowed {
	out := map[string]resolve.Allowed{}
	for _, in := range slices.Concat(p.Inputs, p.Constraints) {
		r, err := pep508.Parse(in.Requirement)
		if err != nil || len(in.Hashes) == 0 {
			continue
		}
		a := out[r.Canonical()]
		if a.Origin != "" {
			a.Origin += ", "
		}
		out[r.Canonical()] = resolve.Allowed{SHA256: append(a.SHA256, in.Hashes...), Origin: a.Origin + in.Origin()}
	}
	return out
}

// locals puts the projects of the user's own tree into the request.
func locals(p *pyproject.Project, req *resolve.Request) error {
	for _, x := range p.Locals {
		if req.Direct == nil {
			req.Direct = map[string]resolve.Direct{}
		}
		req.Direct[x.Name] = resolve.Direct{Local: x.Dir, Version: x.Version, RequiresPython: x.RequiresPython}
		r := resolve.Requirement{Requirement: pep508.Requirement{Name: x.Name}, Group: x.Group, Origin: x.Origin()}
		if _, marker, has := strings.Cut(x.Requirement, ";"); has {
			var err error
			if r.Marker, err = pep508.ParseMarker(marker); err != nil {
				return requirementError(x.Origin(), err)
			}
		}
		req.Requirements = append(req.Requirements, r)
	}
	return nil
}

// own puts the projects that are locked for into the request: what requires one
// of them by name means it, not the index's package of that name. What they say
// of Python is checked here.
func own(p *pyproject.Project, req *resolve.Request) error {
	for _, x := range p.Own {
		if _, err := pep440.ParseSpecifiers(x.RequiresPython); err != nil {
			return invalid("write requires-python = \">=3.11\"", "%s: requires-python: %v", x.Origin(), err)
		}
		if _, named := req.Direct[x.Name]; named {
			continue
		}
		if req.Direct == nil {
			req.Direct = map[string]resolve.Direct{}
		}
		req.Direct[x.Name] = resolve.Direct{Local: x.Dir, Version: x.Version}
	}
	return nil
}

// aside says what of the inputs is left aside: tables of other tools, and
// targets that the project itself says it does not run on.
func aside(p *pyproject.Project, targets []tags.Target) (notes []string) {
	for _, x := range p.Ignored {
		notes = append(notes, x.String())
	}
	for _, x := range p.Own {
		set, err := pep440.ParseSpecifiers(x.RequiresPython)
		for _, t := range targets {
			if err == nil && !set.Contains(t.Version(), pep440.PreAllow) {
				notes = append(notes, fmt.Sprintf("%s: requires-python is %s, and the target %s has Python %s", x.Origin(), x.RequiresPython, t.Name, t.Version()))
			}
		}
	}
	return notes
}

// unused says which words of the user about metadata no longer concern anything.
func unused(p *pyproject.Project, l *lock.Lock) (notes []string) {
	for _, m := range p.Config.Metadata {
		used := slices.ContainsFunc(l.Packages, func(k lock.Package) bool {
			v, err := pep440.Parse(m.Version)
			return k.Name == pep508.NormalizeName(m.Name) && (m.Version == "" || err == nil && v.String() == k.Version)
		})
		if !used {
			notes = append(notes, strings.TrimSpace(fmt.Sprintf("%s: [[metadata]] of %s %s", p.Config.File, m.Name, m.Version))+" is used by nothing that is locked")
		}
	}
	return notes
}

// userMetadata is what the configuration says about packages that do not say it
// themselves.
func userMetadata(c pyproject.Config) (map[string]metadata.Metadata, error) {
	out := map[string]metadata.Metadata{}
	for _, m := range c.Metadata {
		got := metadata.Metadata{Name: m.Name, RequiresPython: m.RequiresPython}
		key := pep508.NormalizeName(m.Name) + "@" // every version
		if m.Version != "" {
			v, err := pep440.Parse(m.Version)
			if err != nil {
				return nil, invalid("write a version such as 1.0, or leave it out for every version", "%s: [[metadata]] of %s: %v", c.File, m.Name, err)
			}
			got.Version = v
			key += v.String()
		}
		for _, text := range m.RequiresDist {
			r, err := pep508.Parse(text)
			if err != nil {
				return nil, requirementError(c.File+": [[metadata]] of "+m.Name, err)
			}
			got.RequiresDist = append(got.RequiresDist, r)
		}
		out[key] = got
	}
	return out, nil
}

func parseInputs(inputs []pyproject.Input) ([]resolve.Requirement, error) {
	var out []resolve.Requirement
	for _, in := range inputs {
		r, err := pep508.Parse(in.Requirement)
		if err != nil {
			return nil, requirementError(in.Origin(), err)
		}
		out = append(out, resolve.Requirement{Requirement: r, Group: in.Group, Origin: in.Origin()})
	}
	return out, nil
}

// requirementError shows where a requirement goes wrong.
func requirementError(origin string, err error) error {
	e := &Error{Code: Usage, Msg: err.Error(), Hint: "a requirement looks like: requests>=2.31", Err: err}
	if origin != "" {
		e.Msg = origin + ": " + e.Msg
	}
	var syntax *pep508.SyntaxError
	if errors.As(err, &syntax) {
		e.Msg += "\n" + syntax.Caret()
	}
	return e
}

// write replaces inputs and lock in one transaction, the lock last: it is what
// others read, so all it rests on is there first.
func (s *session) write(edits []pyproject.Edit, l *lock.Lock, before ...pyproject.Edit) (changed bool, err error) {
	data := l.Format()
	tx, err := durable.Begin(filepath.Join(s.dir, stateFolder))
	if err != nil {
		return false, err
	}
	for _, e := range before {
		if err := tx.Write(s.inside(e.Path), e.Data, 0o644); err != nil {
			return false, err
		}
	}
	for _, e := range edits {
		if err := tx.Write(s.inside(e.Path), e.Data, 0o644); err != nil {
			return false, err
		}
	}
	changed = !bytes.Equal(data, s.raw)
	path := filepath.Join(s.dir, lock.FileName)
	switch alone := len(edits) == 0 && len(before) == 0; {
	case alone && !changed:
		return false, nil
	case alone: // one file needs no journal, which costs three times the fsyncs
		if err := durable.WriteFile(path, data, 0o644); err != nil {
			return false, err
		}
	default:
		if changed {
			if err := tx.Write(path, data, 0o644); err != nil {
				return false, err
			}
		}
		if err := tx.Commit(); err != nil {
			return false, err
		}
	}
	s.locked, s.raw = l, data
	return changed, nil
}

func (s *session) inside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}

// writeFiles replaces files in one transaction.
func (s *session) writeFiles(edits []pyproject.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	tx, err := durable.Begin(filepath.Join(s.dir, stateFolder))
	if err != nil {
		return err
	}
	for _, e := range edits {
		if err := tx.Write(s.inside(e.Path), e.Data, 0o644); err != nil {
			return err
		}
	}
	return tx.Commit()
}
