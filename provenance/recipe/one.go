package recipe

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// planner plans one package after the other or side by side; it has no state of its own.
type planner struct {
	src      Source
	solve    func(context.Context, resolve.Source, resolve.Request) (*resolve.Solution, error)
	grace    time.Duration
	cutoff   *time.Time // the lock's
	settings Settings
}

// one plans the build of one row.
func (pl *planner) one(ctx context.Context, p *lock.Package, n need) (out planned) {
	m, err := pl.gather(ctx, p, n.target)
	if err != nil {
		out.err = err
		return out
	}
	out.notes = m.notes
	inf := infer(m.clues, m.sys, m.times, n.target)
	if env := switched(m); env != nil {
		maps.Copy(inf.env, env)
	}
	inf.abi3 = m.stableABI()
	inf.remember(n.before, m)
	inf.apply(pl.settings.For(p.Name, p.Version))
	out.notes = append(out.notes, inf.notes...)
	pins, notes, err := pl.requires(ctx, n.target, m.sys, inf)
	out.notes = append(out.notes, notes...)
	if err != nil {
		out.err = err
		return out
	}
	out.pins, out.recipe = pins, m.recipe(inf, pins)
	return out
}

// material is what is known of one package before it is built.
type material struct {
	pkg       *lock.Package
	target    tags.Target
	sys       metadata.BuildSystem
	published []index.File // that fit the target, the one to reproduce first
	clues     *clues       // of that one; nil: none, or it tells nothing
	times     map[string]time.Time
	notes     []string
}

// gather reads the source and the published wheel.
func (pl *planner) gather(ctx context.Context, p *lock.Package, t tags.Target) (*material, error) {
	m := &material{pkg: p, target: t}
	if p.Sdist == nil {
		return nil, fmt.Errorf("no source is published")
	}
	page, err := pl.src.Page(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	source, path, err := pl.source(ctx, page, p)
	if err != nil {
		return nil, err
	}
	if m.sys, err = source.BuildSystem(); err != nil {
		return nil, err
	}
	m.published = publishedFor(page, p, t)
	if len(m.published) > 0 {
		if m.clues, err = pl.read(ctx, m.published[0]); err != nil {
			if fatal(ctx, err) {
				return nil, err
			}
			m.notes = append(m.notes, fmt.Sprintf("the published wheel tells nothing: %v", err))
		}
	} else {
		m.notes = append(m.notes, "no published wheel fits: nothing to reproduce, the newest build requirements are used")
	}
	if needsSourceTime(m.clues) { // a whole archive is unpacked for it: seconds where sources are large
		if m.times, err = archive.Times(path); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stableABI is "cp38" where the published wheel is cp38-abi3 and its publisher may have
// asked for that on the command line, as setuptools-rust and cffi leave it to (bcrypt,
// pynacl). Sources that say so themselves say the same.
func (m *material) stableABI() string {
	if len(m.published) == 0 || !usesSetuptools(m.sys) || !names(m.sys, "setuptools-rust") && !names(m.sys, "cffi") {
		return ""
	}
	w, err := tags.ParseWheelName(m.published[0].Name)
	if err != nil || len(w.Tags) == 0 || w.Tags[0].ABI != "abi3" {
		return ""
	}
	return w.Tags[0].Python
}

// recipe is that of a guess, but for its build requirements.
func (m *material) recipe(inf inferred, pins []resolve.Pin) lock.Recipe {
	return lock.Recipe{
		Sdist:       "sha256:" + m.pkg.Sdist.SHA256,
		Backend:     m.sys.Backend,
		BackendPath: m.sys.BackendPath,
		Python:      m.target.PythonTag(),
		Epoch:       inf.epoch,
		Umask:       inf.umask,
		BuildPath:   "/build/" + m.pkg.Name + "-" + m.pkg.Version,
		Env:         inf.env,
		Config:      inf.settings(pins),
		ExpectTags:  ExpectTags(m.published, m.target),
		NormalForm:  inf.normalForm,
	}
}

// source fetches the locked source and reads what it says of its build. The
// index's word is not enough: the hash must be the lock's.
func (pl *planner) source(ctx context.Context, page *index.Page, p *lock.Package) (s metadata.Sdist, path string, err error) {
	f, ok := fileOf(page, p.Sdist.Name)
	if !ok {
		return s, "", fmt.Errorf("%s is gone from the index", p.Sdist.Name)
	}
	if f.SHA256 != "" && f.SHA256 != p.Sdist.SHA256 {
		return s, "", &index.HashError{File: f.Name, Want: p.Sdist.SHA256, Got: f.SHA256}
	}
	f.SHA256 = p.Sdist.SHA256
	if path, err = pl.src.Fetch(ctx, f); err != nil {
		return s, "", err
	}
	name, err := tags.ParseSdistName(f.Name)
	if err != nil {
		return s, "", err
	}
	r, err := os.Open(path)
	if err != nil {
		return s, "", err
	}
	defer r.Close()
	s, err = metadata.ReadSdist(r, name.Ext)
	return s, path, err
}

func fileOf(page *index.Page, name string) (index.File, bool) {
	for _, f := range page.Files {
		if f.Name == name {
			return f, true
		}
	}
	return index.File{}, false
}

// publishedFor lists the wheels of p's version that fit the target, the one that
// the lock compares with first, else the one that an installer would take.
func publishedFor(page *index.Page, p *lock.Package, t tags.Target) []index.File {
	want, err := pep440.Parse(p.Version)
	if err != nil {
		return nil
	}
	var files []index.File
	var names []tags.WheelName
	best := func(a, b tags.WheelName) bool {
		ra, _ := t.Best(a)
		rb, _ := t.Best(b)
		return ra < rb || ra == rb && tags.CompareBuild(a, b) > 0
	}
	for _, f := range page.Files {
		w, err := tags.ParseWheelName(f.Name)
		if !strings.HasSuffix(f.Name, ".whl") || err != nil || w.Version.Compare(want) != 0 || f.Yanked && !locked(p, f.Name) {
			continue
		}
		if _, fits := t.Best(w); !fits {
			continue
		}
		i := 0
		for i < len(files) && !best(w, names[i]) {
			i++
		}
		files = append(files[:i], append([]index.File{f}, files[i:]...)...)
		names = append(names[:i], append([]tags.WheelName{w}, names[i:]...)...)
	}
	for i, f := range files {
		if locked(p, f.Name) {
			copy(files[1:i+1], files[:i])
			files[0] = f
			break
		}
	}
	return files
}

func locked(p *lock.Package, file string) bool {
	for _, u := range p.Upstream {
		if u.Name == file {
			return true
		}
	}
	return false
}

// ExpectTags lists, sorted, the tags that a build for a target may have: each
// tag under which one of the published files fits it, and for a platform of a
// distribution's choosing (manylinux, musllinux) what a build there is called
// before anybody repairs it: linux. Empty when nothing is published: then any
// tag that the target takes will do.
func ExpectTags(published []index.File, t tags.Target) []string {
	seen := map[string]bool{}
	for _, f := range published {
		w, err := tags.ParseWheelName(f.Name)
		if err != nil {
			continue
		}
		for _, tag := range w.Tags {
			if _, fits := t.Rank(tag); !fits {
				continue
			}
			seen[tag.String()] = true
			if strings.HasPrefix(tag.Platform, "manylinux") || strings.HasPrefix(tag.Platform, "musllinux") {
				tag.Platform = "linux_" + t.Arch()
				seen[tag.String()] = true
			}
		}
	}
	return sortedKeys(seen)
}

// Expected reports whether a built wheel of that file name has one of the
// recipe's expected tags; where the recipe names none, one that the target takes.
func Expected(r *lock.Recipe, file string, t tags.Target) bool {
	w, err := tags.ParseWheelName(file)
	if err != nil {
		return false
	}
	for _, tag := range w.Tags {
		for _, e := range r.ExpectTags {
			if e == tag.String() {
				return true
			}
		}
		if _, fits := t.Rank(tag); fits && len(r.ExpectTags) == 0 {
			return true
		}
	}
	return false
}
