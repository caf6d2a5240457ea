package resolve

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// facts is what a file says about its version.
type facts struct {
	refused        string // why it cannot be believed
	unknown        bool   // it does not say what the version needs
	requiresPython string
	python         pep440.Specifiers
	extras         []string
	needs          []*need
}

// newFacts checks that m is about what the page listed it under (a file that
// says otherwise is broken or lies), and keeps what the search reads.
func (s *store) newFacts(m metadata.Metadata, p *project, r *release) *facts {
	f := &facts{requiresPython: m.RequiresPython, extras: m.ProvidesExtra}
	f.python, _ = m.PythonSpecifiers()
	switch {
	case pep508.NormalizeName(m.Name) != p.name:
		f.refused = fmt.Sprintf("its metadata is of another package, %q", m.Name)
	case !m.Version.Equal(r.version):
		f.refused = fmt.Sprintf("its metadata is of another version, %s", m.Version)
	case m.Err() != nil:
		f.refused = fmt.Sprintf("its metadata is broken: %v", m.Err())
	}
	for _, q := range m.RequiresDist {
		if q.URL != "" {
			var why string
			if q.Specifiers, why = s.req.at(q); why != "" {
				f.refused = fmt.Sprintf("it needs %s %s", q.Name, why)
			}
			q.URL = ""
		}
		f.needs = append(f.needs, s.intern(q))
	}
	slices.SortStableFunc(f.needs, func(a, b *need) int { return strings.Compare(a.text, b.text) })
	f.needs = slices.Compact(f.needs)
	return f
}

func fileKey(f *index.File) string { return f.Name + " " + f.SHA256 + " " + f.URL }

// askWheel begins to read a wheel's metadata.
func (s *store) askWheel(p *project, r *release, w *wheel) *future[*facts] {
	return begin(s, s.facts, fileKey(w.file), func() (*facts, error) {
		if p.local != "" {
			return s.newFacts(metadata.Metadata{Name: p.name, Version: r.version, RequiresPython: w.file.RequiresPython}, p, r), nil
		}
		b, err := s.src.Metadata(s.ctx, *w.file)
		if err != nil {
			return nil, err
		}
		m, err := metadata.Parse(b)
		if err != nil {
			return &facts{refused: fmt.Sprintf("its metadata is broken: %v", err)}, nil
		}
		return s.newFacts(m, p, r), nil
	})
}

// askSdist begins to find out what an sdist says about itself without being
// built; after that, what the user says about it.
func (s *store) askSdist(p *project, r *release, d *sdist) *future[*facts] {
	return begin(s, s.facts, fileKey(d.file), func() (*facts, error) {
		path, err := s.src.Fetch(s.ctx, *d.file)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", d.file.Name, err)
		}
		src, err := metadata.ReadSdist(bytes.NewReader(data), d.ext)
		if err != nil {
			return &facts{refused: fmt.Sprintf("its sdist cannot be read: %v", err)}, nil
		}
		if m, ok := src.Static(); ok {
			if !m.Version.IsValid() {
				m.Version = r.version // [project] may leave the version to the backend
			}
			return s.newFacts(m, p, r), nil
		}
		if m, ok := s.userMetadata(p, r); ok {
			return s.newFacts(m, p, r), nil
		}
		return &facts{unknown: true}, nil
	})
}

func (s *store) userMetadata(p *project, r *release) (metadata.Metadata, bool) {
	m, ok := s.req.UserMetadata[p.name+"@"+r.text]
	if !ok {
		m, ok = s.req.UserMetadata[p.name+"@"]
	}
	if !ok {
		return m, false
	}
	if m.Name == "" {
		m.Name = p.name
	}
	if !m.Version.IsValid() {
		m.Version = r.version
	}
	return m, true
}
