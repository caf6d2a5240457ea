package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/normalize"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/provenance/vcs"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// maxHookRounds is how often a backend may ask for more.
const maxHookRounds = 3

// tarball makes the tarball of the tag's commit and returns where it lies. It
// depends on the commit, on the tools and on nothing else.
func (r *releaser) tarball(ctx context.Context) (string, error) {
	tree, err := r.checkout.Tree(ctx, r.tag.Commit)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", invalid("git fsck; a clone that fetches files only when they are asked for has to have them: git clone without --filter",
			"reading commit %s: %v", r.tag.Commit, err)
	}
	r.out.Epoch = tree.Time.Unix()
	skip, err := r.checkout.Ignored(ctx, r.tag.Commit, tree)
	if err != nil {
		return "", err
	}
	for _, s := range tree.Submodules {
		if !skip[s] {
			return "", finding(fmt.Sprintf("copy its files into the repository, or leave it out: echo '%s export-ignore' >> .gitattributes", s),
				"%s is a submodule: its files are not in the commit", s)
		}
	}
	raw := ""
	if r.o.format == formatGit || r.o.format == formatAuto && !hasBackend(tree) {
		r.out.Format = formatGit
		raw, err = r.gitTarball(tree, skip)
	} else {
		r.out.Format = formatSdist
		raw, err = r.sdist(ctx, tree)
	}
	if err != nil {
		return "", err
	}
	return r.normal(raw)
}

// gitTarball packs the commit's files.
func (r *releaser) gitTarball(tree *vcs.Tree, skip map[string]bool) (string, error) {
	name := r.o.name
	if name == "" {
		// Never the folder's name: everybody's clone lies elsewhere.
		name = staticName(tree)
	}
	if !projectWord.MatchString(name) {
		return "", usage("what is released has no name: --name NAME, or name in [project] of pyproject.toml")
	}
	if r.version == "" {
		r.version = r.tag.Name
	}
	if !versionWord.MatchString(r.version) {
		return "", usage("tag %s: its name tells no version that can be a file's name", r.tag.Name)
	}
	if text := staticVersion(tree); text != "" && !sameVersion(text, r.version) {
		r.out.Name, r.out.Version = name, text
		return "", r.agrees()
	}
	r.out.Name, r.out.Version = name, r.version
	r.out.File = name + "-" + r.version + ".tar.gz"
	data, err := tree.Archive(name+"-"+r.version, skip)
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.temp, "raw", r.out.File)
	return path, writeNew(path, data)
}

func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// staticName and staticVersion are what [project] of the commit says; "" where it
// does not.
func staticName(tree *vcs.Tree) string {
	m, _, err := metadata.ParseProject(tree.Find("pyproject.toml"))
	if err != nil {
		return ""
	}
	return m.Name
}

func staticVersion(tree *vcs.Tree) string {
	m, _, err := metadata.ParseProject(tree.Find("pyproject.toml"))
	if err != nil || m.Name == "" || slices.Contains(m.Dynamic, "version") {
		return ""
	}
	return m.Version.String()
}

// hasBackend reports whether the commit can be asked for a source archive. A
// pyproject.toml may be there for other tools only.
func hasBackend(tree *vcs.Tree) bool {
	sys, err := metadata.ParseBuildSystem(tree.Find("pyproject.toml"))
	return err != nil || tree.Find("setup.py") != nil || tree.Find("setup.cfg") != nil || staticName(tree) != "" || sys.Backend != legacyBackend
}

// legacyBackend stands in where no [build-system] names one (PEP 517).
const legacyBackend = "setuptools.build_meta:__legacy__"

// sdist lets the project's backend make a source archive of the tree.
func (r *releaser) sdist(ctx context.Context, tree *vcs.Tree) (string, error) {
	if err := r.builder().CheckSandbox(ctx); err != nil {
		return "", err
	}
	data, err := tree.Archive("source", nil)
	if err != nil {
		return "", err
	}
	source := filepath.Join(r.temp, "source.tar.gz")
	if err := writeNew(source, data); err != nil {
		return "", err
	}
	sys, err := metadata.ParseBuildSystem(tree.Find("pyproject.toml"))
	if err != nil {
		return "", invalid("mend [build-system] in pyproject.toml", "%v", err)
	}
	t, err := r.buildTarget(ctx)
	if err != nil {
		return "", err
	}
	name := staticName(tree)
	if name == "" {
		name = "source"
	}
	job := build.Job{Name: name, Version: r.tag.Name, Sdist: source, Target: t, Into: filepath.Join(r.temp, "raw"), Recipe: &lock.Recipe{
		Backend: sys.Backend, BackendPath: sys.BackendPath, Python: t.PythonTag(), Umask: "022", BuildPath: "/build/" + pep508.NormalizeName(name),
		Epoch: &lock.Epoch{Value: r.out.Epoch, From: "project"}, Env: pretend(r.version),
	}}
	if err := os.MkdirAll(job.Into, 0o700); err != nil {
		return "", err
	}
	r.out.Python = t.PythonTag()
	return r.runBackend(ctx, job, sys, tree)
}

// pretend tells backends that ask git for the version what git would say: there is
// no repository in the sandbox.
func pretend(version string) map[string]string {
	if _, err := pep440.Parse(version); err != nil {
		return nil
	}
	return map[string]string{"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PDM_BUILD_SCM_VERSION": version, "POETRY_DYNAMIC_VERSIONING_BYPASS": version}
}

// runBackend pins what the backend needs, and runs it until it needs no more.
func (r *releaser) runBackend(ctx context.Context, job build.Job, sys metadata.BuildSystem, tree *vcs.Tree) (string, error) {
	var asked []string
	for n := 0; ; n++ {
		pins, err := r.tools(ctx, job.Target, sys, asked, tree)
		if err != nil {
			return "", err
		}
		job.Requires, r.out.Tools = nil, nil
		for _, p := range pins {
			path, err := r.library(ctx).get(ctx, p.Name, p.Wheel.Name, p.Wheel.SHA256)
			if err != nil {
				return "", fmt.Errorf("fetching build requirement %s %s: %w", p.Name, p.Version, err)
			}
			job.Requires = append(job.Requires, build.Requirement{Name: p.Name, Version: p.Version.String(), SHA256: p.Wheel.SHA256, Path: path})
			r.out.Tools = append(r.out.Tools, tool{p.Name, p.Version.String(), p.Wheel.SHA256})
		}
		slices.SortFunc(r.out.Tools, func(a, b tool) int { return strings.Compare(a.Name, b.Name) })
		res, err := r.builder().Sdist(ctx, job)
		var more *build.RequiresError
		if errors.As(err, &more) && n < maxHookRounds {
			asked = append(asked, more.Requires...)
			continue
		}
		var bad *build.Error
		if errors.As(err, &bad) {
			return "", &Error{Code: Finding, Err: err, Msg: fmt.Sprintf("the project's backend made no source archive: %v", err),
				Hint: "mend it, or --format git, which packs the commit's files without a backend"}
		}
		if err != nil {
			return "", err
		}
		return res.Path, nil
	}
}

// tools are the build requirements: in the lock's versions where it has them, else
// the newest of the commit's time, so that another day changes nothing.
func (r *releaser) tools(ctx context.Context, t tags.Target, sys metadata.BuildSystem, asked []string, tree *vcs.Tree) ([]resolve.Pin, error) {
	if len(sys.Requires) == 0 && len(asked) == 0 {
		return nil, nil
	}
	client, err := r.client(ctx)
	if err != nil {
		return nil, err
	}
	return recipe.ProjectTools(ctx, client, r.locked, t, sys, asked, tree.Time)
}

// buildTarget is the locked target with the newest Python that this machine can
// build for; without a lock this machine's own Python.
func (r *releaser) buildTarget(ctx context.Context) (tags.Target, error) {
	var best tags.Target
	var first error
	if r.locked != nil {
		for _, lt := range r.locked.Targets {
			t, err := rebuild.Target(r.locked, lt.Name)
			if err != nil {
				return best, err
			}
			if err := r.builder().CanBuild(ctx, t, t.PythonTag(), false); err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			v, err := pep440.Parse(t.Python)
			if b, err2 := pep440.Parse(best.Python); err == nil && (err2 != nil || v.Compare(b) > 0) {
				best = t
			}
		}
		if best.Name == "" {
			return best, first
		}
		return best, nil
	}
	own, err := r.ownPython(ctx)
	return own.Target, err
}

// normal puts the tarball into normal form and checks what came out.
func (r *releaser) normal(raw string) (string, error) {
	r.out.File = filepath.Base(raw)
	path := filepath.Join(r.temp, r.out.File)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	res, err := normalize.File(f, raw, normalize.Options{Epoch: r.out.Epoch})
	var bad *archive.Error
	if errors.As(err, &bad) {
		return "", finding("take it out of the repository, or out of what the backend packs", "the tarball cannot be released: %v", err)
	}
	if err != nil {
		return "", err
	}
	r.out.SHA256, r.out.Size, r.out.NormalForm = res.SHA256, res.Size, normalize.Version
	if err := noPointers(path); err != nil {
		return "", err
	}
	if r.out.Format == formatSdist {
		return path, r.named(path)
	}
	return path, nil
}

// named reads name and version off the archive's own metadata.
func (r *releaser) named(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := metadata.ReadSdist(f, ".tar.gz")
	if err != nil {
		return finding("--format git packs the commit's files without a backend", "the backend's source archive: %v", err)
	}
	m, err := metadata.Parse(s.PKGInfo)
	if err != nil {
		return finding("--format git packs the commit's files without a backend", "the backend's source archive has no PKG-INFO that can be read: %v", err)
	}
	r.out.Name, r.out.Version = pep508.NormalizeName(m.Name), m.Version.String()
	if n, err := tags.ParseSdistNameOf(r.out.File, m.Name); err != nil || n.Version.Compare(m.Version) != 0 {
		return finding("mend the backend: tools take name and version from the file's name", "the backend wrote %s, whose PKG-INFO is that of %s %s", r.out.File, m.Name, m.Version)
	}
	return nil
}

// noPointers refuses what Git LFS left in the place of a file: those who unpack the
// tarball would have the pointer.
func noPointers(path string) error {
	return archive.EachMember(path, func(m archive.TarMember, data io.Reader) error {
		if m.Kind != 'f' || m.Size >= 1024 {
			return nil
		}
		b, err := io.ReadAll(data)
		if err != nil || !vcs.IsPointer(b) {
			return err
		}
		_, name, _ := strings.Cut(m.Name, "/")
		return finding(fmt.Sprintf("leave it out of the tarball (echo '%s export-ignore' >> .gitattributes, or the backend's own list), or commit the file itself", name),
			"%s is a pointer of Git LFS: its content is not in the commit", name)
	})
}
