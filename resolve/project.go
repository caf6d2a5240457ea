package resolve

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/solver"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// project is a page, sorted into releases, oldest first. Version i of the
// solver is releases[i], on every target.
type project struct {
	name       string
	missing    bool   // the index has no such page
	lacks      string // then: who does not have it
	local      string // the folder of a project in the user's own tree; "": none
	anyVersion bool   // of a local project whose version its backend makes
	releases   []*release

	mu   sync.Mutex
	sets map[string]solver.Set // by specifiers as written
}

// release is one version and its files.
type release struct {
	version pep440.Version
	text    string // of version
	raw     string // as the first file name spells it
	pre     bool
	wheels  []*wheel // by name
	sdists  []*sdist // best first
}

type wheel struct {
	file  *index.File
	tags  string // "py3-none-any", compressed as written
	build string
	late  string // why it is not seen, or ""
}

type sdist struct {
	file *index.File
	ext  string
	late string
}

func newProject(name string, page *index.Page, req *Request) *project {
	p := &project{name: name, missing: page == nil, sets: map[string]solver.Set{}}
	if page == nil {
		return p
	}
	b := pageReader{spelled: make(map[string]*release, len(page.Files)/8)}
	wheels := make([]wheel, len(page.Files))
	early := slices.Contains(req.Early, name)
	for i := range page.Files {
		f := &page.Files[i]
		late := tooLate(f, req.ExcludeNewer)
		if late != "" && (early || req.Kept[f.Name]) {
			late = ""
		}
		if why := req.Hashes[name].forbids(f); why != "" {
			late = why
		}
		if w, version, ok := splitWheel(f.Name); ok {
			if r := b.release(version, true); r != nil {
				w.file, w.late = f, late
				wheels[i] = w
				r.wheels = append(r.wheels, &wheels[i])
			}
		} else if version, ext, ok := tags.CutSdistNameOf(f.Name, name); ok {
			if r := b.release(version, false); r != nil {
				r.sdists = append(r.sdists, &sdist{file: f, ext: ext, late: late})
			}
		}
	}
	p.releases = b.sorted()
	return p
}

// pageReader finds the releases of a page's files.
type pageReader struct {
	spelled map[string]*release // by version as written; nil: it is none
	list    []*release
	last    string // version of the file before: pages list a release's files together
	latest  *release
}

// release is the one of a version as a file name spells it; nil: it is no version.
func (b *pageReader) release(version string, wheel bool) *release {
	if version == b.last && version != "" {
		return b.latest
	}
	r, ok := b.spelled[version]
	if !ok {
		if v, err := pep440.Parse(version); err == nil {
			r = &release{version: v, text: v.String(), raw: version, pre: v.IsPrerelease()}
			if !wheel { // a dash in it may have been meant otherwise
				r.raw = r.text
			}
			b.list = append(b.list, r)
		}
		b.spelled[version] = r
	}
	b.last, b.latest = version, r
	return r
}

// sorted is the releases, oldest first; those that are spelled in several ways
// are one, the first.
func (b *pageReader) sorted() []*release {
	slices.SortStableFunc(b.list, func(a, b *release) int { return a.version.Compare(b.version) })
	out := b.list[:0]
	for _, r := range b.list {
		if k := len(out) - 1; k >= 0 && out[k].version.Equal(r.version) {
			out[k].wheels = append(out[k].wheels, r.wheels...)
			out[k].sdists = append(out[k].sdists, r.sdists...)
			continue
		}
		out = append(out, r)
	}
	for _, r := range out {
		r.sort()
	}
	return out
}

// sort makes the result independent of the order of the page.
func (r *release) sort() {
	slices.SortFunc(r.wheels, func(a, b *wheel) int { return strings.Compare(a.file.Name, b.file.Name) })
	rank := func(s *sdist) int {
		if i := slices.Index([]string{".tar.gz", ".zip"}, s.ext); i >= 0 {
			return i
		}
		return 2
	}
	slices.SortFunc(r.sdists, func(a, b *sdist) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.file.Name, b.file.Name)
	})
}

// splitWheel cuts a wheel's file name without judging its tags, which are
// looked at only where the version is a candidate: pages have thousands.
func splitWheel(file string) (w wheel, version string, ok bool) {
	stem, ok := strings.CutSuffix(file, ".whl")
	if !ok {
		return w, "", false
	}
	_, rest, _ := strings.Cut(stem, "-")
	version, rest, _ = strings.Cut(rest, "-")
	switch strings.Count(rest, "-") {
	case 2:
	case 3:
		w.build, rest, _ = strings.Cut(rest, "-")
		if w.build == "" || w.build[0] < '0' || w.build[0] > '9' {
			return w, "", false
		}
	default:
		return w, "", false
	}
	w.tags = rest
	return w, version, true
}

func tooLate(f *index.File, limit time.Time) string {
	switch {
	case limit.IsZero():
		return ""
	case f.Uploaded.IsZero():
		return "has no upload time, so exclude-newer cannot be checked"
	case !f.Uploaded.Before(limit):
		return fmt.Sprintf("uploaded %s, not before the cut-off %s",
			f.Uploaded.UTC().Format(time.DateOnly), limit.UTC().Format(time.RFC3339))
	}
	return ""
}

// admitted is what a need admits of a project.
type admitted struct {
	project *project
	set     solver.Set
}

// setOf is set for a need. Its answer is remembered there: a search asks for it
// again and again, and to spell specifiers takes longer than to look.
func (p *project) setOf(n *need) solver.Set {
	if a := n.set.Load(); a != nil && a.project == p {
		return a.set
	}
	s := p.set(n.spec)
	n.set.Store(&admitted{p, s})
	return s
}

// set returns the releases that specifiers admit, pre-releases included.
func (p *project) set(spec pep440.Specifiers) solver.Set {
	if s, any := p.localSet(); any {
		return s
	}
	key := spec.String()
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.sets[key]; ok {
		return s
	}
	var s solver.Set
	if spec.IsEmpty() {
		s = solver.FullSet(len(p.releases))
	} else {
		s = solver.NewSet(len(p.releases))
		arbitrary := strings.Contains(key, "===")
		versions := spec.Set()
		for i, r := range p.releases {
			in := false
			if arbitrary {
				in = spec.ContainsString(r.raw, pep440.PreAllow) || spec.ContainsString(r.text, pep440.PreAllow)
			} else {
				in = versions.Contains(r.version)
			}
			if in {
				s.Add(i)
			}
		}
	}
	p.sets[key] = s
	return s
}
