package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// maxAsked is how many rounds of asking backends one resolution may take: each
// answer may lead to another source that has to be asked.
const maxAsked = 50

// resolve resolves, and where the answer rests on sdists that only their backend
// can read, asks that in the sandbox and resolves again.
func (s *session) resolve(ctx context.Context, client *index.Client, req resolve.Request) (sol *resolve.Solution, notes []string, err error) {
	notes, err = s.asking(ctx, client, req, func(req resolve.Request) (err error) {
		sol, err = resolve.ResolveApart(ctx, client, req)
		return err
	})
	return sol, notes, err
}

// asking solves with try until nothing has to be asked any more.
func (s *session) asking(ctx context.Context, client *index.Client, req resolve.Request, try func(resolve.Request) error) ([]string, error) {
	var notes []string
	direct := func(r resolve.Requirement) bool { return r.URL != "" }
	if len(req.Direct) == 0 && slices.ContainsFunc(req.Requirements, direct) {
		if _, err := s.sources(ctx, client, &req); err != nil {
			return nil, err
		}
	}
	for n := 0; ; n++ {
		err := try(req)
		var conflict *resolve.ConflictError
		if errors.As(err, &conflict) && len(conflict.Missing) > 0 && client.AskAgain() {
			continue // it may have been published since the index was asked
		}
		var unknown *resolve.UnknownMetadataError
		if !errors.As(err, &unknown) || n == maxAsked {
			return notes, err
		}
		for _, v := range unknown.Versions {
			m, note, err := s.askBackend(ctx, client, req.Targets, v)
			if err != nil {
				return nil, unknownMetadata(ctx, s.project, v, err)
			}
			req.UserMetadata[v.Name+"@"+v.Version] = m
			notes = append(notes, note)
		}
	}
}

// unknownMetadata says why a backend could not be asked. What stops the whole run
// stays as it is.
func unknownMetadata(ctx context.Context, p *pyproject.Project, v resolve.UnknownMetadata, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code := Finding
	var sandbox *build.SandboxError
	var place *build.NoPlaceError
	if errors.As(err, &sandbox) || errors.As(err, &place) {
		code = Environment
	}
	if c := classify(err); c.Code != Finding {
		code = c.Code
	}
	return &Error{
		Code: code, Hint: metadataTable(p, v), Err: err,
		Msg: fmt.Sprintf("%s %s says what it needs only when it is built (%s): %v", v.Name, v.Version, v.File, err),
	}
}

// metadataTable is what to write for a version that cannot be asked.
func metadataTable(p *pyproject.Project, v resolve.UnknownMetadata) string {
	file, table := "wheellock.toml", "metadata"
	if p.Config.File != "" {
		file = p.Config.File
	} else if slices.Contains(p.Files(), "pyproject.toml") {
		file = "pyproject.toml"
	}
	if path.Base(file) == "pyproject.toml" {
		table = "tool.wheellock.metadata"
	}
	if v.Version == "VERSION" {
		return fmt.Sprintf("write its version and what it requires into %s:\n\n[[%s]]\nname = %q\nversion = \"...\"    # as a tag of the repository has it\nrequires = []\n", file, table, v.Name)
	}
	return fmt.Sprintf("take another version, or write what it requires into %s:\n\n[[%s]]\nname = %q\nversion = %q\nrequires = []    # such as [\"idna>=3\"]\n", file, table, v.Name, v.Version)
}

// askBackend runs the backend's metadata hook for each target that needs the
// version. Where the answers differ, each holds for its target's Python only.
func (s *session) askBackend(ctx context.Context, client *index.Client, targets []tags.Target, v resolve.UnknownMetadata) (metadata.Metadata, string, error) {
	page, err := client.Page(ctx, v.Name)
	if err != nil {
		return metadata.Metadata{}, "", err
	}
	i := slices.IndexFunc(page.Files, func(f index.File) bool { return f.Name == v.File })
	if i < 0 {
		return metadata.Metadata{}, "", fmt.Errorf("%s is no longer on the index", v.File)
	}
	var all []metadata.Metadata
	var asked []tags.Target
	var first error
	for _, t := range targets {
		if !slices.Contains(v.Targets, t.Name) {
			continue
		}
		m, err := s.askFor(ctx, client, page.Files[i], v, t)
		if err != nil {
			var place *build.NoPlaceError
			if first == nil {
				first = err
			}
			if errors.As(err, &place) {
				continue // another target's Python may be here
			}
			return metadata.Metadata{}, "", err
		}
		all, asked = append(all, m), append(asked, t)
	}
	if len(all) == 0 {
		return metadata.Metadata{}, "", first
	}
	note := fmt.Sprintf("%s %s: its backend was asked what it needs, in the sandbox", v.Name, v.Version)
	if first != nil {
		note += fmt.Sprintf("; %v, so the answer of Python %s stands for all", first, asked[0].Python)
	}
	return mergeMetadata(all, asked), note, nil
}

// merge puts the answers for several targets into one, whose requirements carry a
// marker where the targets do not agree.
func mergeMetadata(all []metadata.Metadata, targets []tags.Target) metadata.Metadata {
	out := all[0]
	same := !slices.ContainsFunc(all, func(m metadata.Metadata) bool { return requires(m) != requires(out) })
	if same {
		return out
	}
	out.RequiresDist = nil
	for i, m := range all {
		marker := pep508.MustParseMarker(fmt.Sprintf("python_version == %q", minor(targets[i].FullVersion)))
		for _, r := range m.RequiresDist {
			r.Marker = r.Marker.And(marker)
			out.RequiresDist = append(out.RequiresDist, r)
		}
	}
	return out
}

func requires(m metadata.Metadata) string {
	var list []string
	for _, r := range m.RequiresDist {
		list = append(list, r.String())
	}
	slices.Sort(list)
	return m.RequiresPython + "\n" + strings.Join(list, "\n")
}

func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// askFor asks for one target, or takes the answer of an earlier run.
func (s *session) askFor(ctx context.Context, client *index.Client, f index.File, v resolve.UnknownMetadata, t tags.Target) (metadata.Metadata, error) {
	cache, err := s.cache()
	if err != nil {
		return metadata.Metadata{}, err
	}
	kept := filepath.Join(cache, "metadata", f.SHA256+"-"+t.PythonTag())
	if b, err := os.ReadFile(kept); err == nil && f.SHA256 != "" {
		// Whatever does not parse as this version's is asked for again.
		if m, err := metadata.Parse(b); err == nil && pep508.NormalizeName(m.Name) == v.Name && m.Version.String() == v.Version {
			return m, nil
		}
	}
	b, err := s.runMetadata(ctx, client, f, v, t)
	if err != nil {
		return metadata.Metadata{}, err
	}
	m, err := metadata.Parse(b)
	if err != nil {
		return m, err
	}
	if pep508.NormalizeName(m.Name) != v.Name || m.Version.String() != v.Version {
		return m, fmt.Errorf("its metadata is that of %s %s", m.Name, m.Version)
	}
	if err := m.Err(); err != nil {
		return m, err
	}
	if durable.MkdirAll(filepath.Dir(kept), 0o700) == nil {
		_ = durable.WriteFile(kept, b, 0o600) // a cache that is not written costs a second
	}
	return m, nil
}

// runMetadata plans a build of one version alone and asks its backend.
func (s *session) runMetadata(ctx context.Context, client *index.Client, f index.File, v resolve.UnknownMetadata, t tags.Target) ([]byte, error) {
	if err := s.builder().CheckSandbox(ctx); err != nil {
		return nil, err
	}
	if err := s.builder().CanBuild(ctx, t, t.PythonTag(), false); err != nil {
		return nil, err
	}
	one := &lock.Lock{
		Version: lock.Version, CreatedBy: lock.CreatedBy,
		Targets: []lock.Target{{Name: t.Name, Python: t.Python, Platform: t.Platform}},
		Packages: []lock.Package{{
			Name: v.Name, Version: v.Version, Sdist: &lock.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256},
			Wheels: []lock.Wheel{{Name: strings.ReplaceAll(v.Name, "-", "_") + "-" + v.Version + "-py3-none-any.whl", Origin: lock.OriginBuilt}},
		}},
	}
	if err := recipe.Plan(ctx, client, one, []tags.Target{t}, recipe.Options{Jobs: s.jobs, Settings: settingsOf(s.project.Config)}); err != nil {
		return nil, err
	}
	run := s.buildRun(ctx, one)
	for i := range one.Packages {
		p := &one.Packages[i]
		if p.Name != v.Name || p.Group == lock.GroupBuild {
			continue
		}
		dir, done, err := build.WorkDir(s.builder().Cache, ".metadata-")
		if err != nil {
			return nil, err
		}
		defer done()
		return run.Metadata(ctx, rebuild.NewJob(p, 0), t, dir)
	}
	return nil, fmt.Errorf("no recipe could be planned for %s", v.Name)
}
