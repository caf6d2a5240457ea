package lock

import (
	"fmt"
	"slices"
	"strings"
)

// place says which block of a lock an error is about.
type place struct {
	table string // "", targets, packages, archive, vcs, sdist, wheels, upstream, recipes
	i, j  int
}

// finding is a broken rule and where.
type finding struct {
	at        place
	Msg, Hint string
}

// Check tests the rules beyond the grammar: known targets, names and versions
// in normal form, files that belong to their package, exactly one wheel row for
// each package and target, recipes that exist, are used and have the digest of
// their content, build requirements that are locked, and canonical order. The
// error is an *Error without file and line; Parse adds them.
func (l *Lock) Check() error {
	if bad := check(l); bad != nil {
		return &Error{Msg: bad.Msg, Hint: bad.Hint}
	}
	return nil
}

func check(l *Lock) *finding {
	c := &checker{l: l, all: l.targetNames(), recipes: map[string]*Recipe{}, used: map[string]bool{},
		builds: map[BuildRequire]bool{}, installed: map[[3]string]string{}}
	c.header()
	c.conflicts()
	c.targets()
	c.index()
	c.packages()
	c.recipeBlocks()
	return c.bad
}

// checker keeps the first finding and the indexes that the rules need.
type checker struct {
	l         *Lock
	all       []string
	bad       *finding
	recipes   map[string]*Recipe
	used      map[string]bool       // recipes that a wheel row names
	builds    map[BuildRequire]bool // wheels locked for group build
	installed map[[3]string]string  // target, variant and name -> version
	variants  []Variant
}

func (c *checker) fail(at place, hint, format string, args ...any) {
	if c.bad == nil {
		c.bad = &finding{at, fmt.Sprintf(format, args...), hint}
	}
}

// No verb mends what it cannot read, so none is promised to.
const (
	hintLock  = "restore the file from version control; without one, move it away: `wheellock lock` then writes it anew"
	hintBuild = "a recipe is not edited by hand (the configuration has [[build]]): " + hintLock
)

func (c *checker) header() {
	at := place{}
	if c.l.Version != Version {
		c.fail(at, hintNewer, "lock-version is %q, expected %q", c.l.Version, Version)
	}
	if c.l.CreatedBy != CreatedBy {
		c.fail(at, hintRestore, "created-by is %q, expected %q", clip(c.l.CreatedBy), CreatedBy)
	}
	if !isDigest(c.l.RequiresDigest) {
		c.fail(at, hintLock, "requires-digest is %q, expected sha256: and 64 lower-case hexadecimal digits", clip(c.l.RequiresDigest))
	}
	if t := c.l.ExcludeNewer; t != nil && (t.Year() < 1 || t.Year() > 9999) {
		c.fail(at, hintLock, "exclude-newer is in the year %d", t.Year())
	}
}

func (c *checker) targets() {
	if len(c.l.Targets) == 0 {
		c.fail(place{}, hintLock, "no [[targets]]: a lock covers at least one")
	}
	for i, t := range c.l.Targets {
		at := place{"targets", i, 0}
		switch {
		case !isTargetName(t.Name):
			c.fail(at, "rename the target", "target name %q: expected a letter or digit, then letters, digits and . _ @ - (not the word any)", clip(t.Name))
		case t.Python == "" || !isWord(t.Python):
			c.fail(at, hintLock, "target %s: python is %q, expected a version such as \"3.11\"", t.Name, clip(t.Python))
		case t.Platform == "" || !isWord(t.Platform):
			c.fail(at, hintLock, "target %s: platform is %q, expected a platform tag such as \"manylinux_2_36_x86_64\"", t.Name, clip(t.Platform))
		case i > 0 && c.l.Targets[i-1].Name >= t.Name:
			c.fail(at, hintLock, "target %s stands twice or out of order", t.Name)
		case t.Implementation == "cpython":
			c.fail(at, hintLock, "target %s: implementation \"cpython\" is the default and left out", t.Name)
		case !isWordOrEmpty(t.Implementation) || !isWordOrEmpty(t.ABI):
			c.fail(at, hintLock, "target %s: implementation %q, abi %q: expected words", t.Name, clip(t.Implementation), clip(t.ABI))
		}
	}
}

// index fills the tables before the packages are judged.
func (c *checker) index() {
	for i := range c.l.Recipes {
		c.recipes[c.l.Recipes[i].Digest] = &c.l.Recipes[i]
	}
	for i := range c.l.Packages {
		p := &c.l.Packages[i]
		if p.Group != GroupBuild {
			continue
		}
		for _, w := range p.Wheels {
			if !w.Missing() {
				c.builds[BuildRequire{p.Name, p.Version, w.SHA256}] = true
			}
		}
	}
}

func (c *checker) packages() {
	for i := range c.l.Packages {
		p := &c.l.Packages[i]
		at := place{"packages", i, 0}
		c.variant(at, p)
		c.identity(at, p)
		if i > 0 && c.bad == nil && comparePackages(c.l.Packages[i-1], *p) >= 0 {
			c.fail(at, hintLock, "package %s stands twice or out of order", p.id())
		}
		c.dependencies(at, p)
		c.direct(i, p)
		c.sdist(i, p)
		c.wheels(i, p)
		c.upstream(i, p)
		if c.bad != nil {
			return
		}
	}
}

// id names a package in messages.
func (p *Package) id() string {
	s := p.Name + " " + p.Version
	if p.Group != "" {
		s += " (" + p.Group + ")"
	}
	return s
}

// subject names a file of a package in messages; it costs nothing until then.
type subject struct {
	p          *Package
	kind, file string
}

func (s subject) String() string { return s.p.id() + ": " + s.kind + " " + clip(s.file) }

func (c *checker) identity(at place, p *Package) {
	switch {
	case !isName(p.Name):
		c.fail(at, hintLock, "package name %q is not in normal form (PEP 503: lower case, single hyphens)", clip(p.Name))
	case !isVersion(p.Version):
		c.fail(at, hintLock, "package %s: version %q is not in the normal form of PEP 440", p.Name, clip(p.Version))
	case p.Group != "" && p.Group != GroupBuild:
		c.fail(at, hintLock, "package %s: group is %q, expected \"build\" or no group; dependency groups stand in groups", p.Name, clip(p.Group))
	case p.Group != "" && len(p.Groups) > 0:
		c.fail(at, hintLock, "package %s: a build requirement belongs to no dependency group", p.id())
	case !allOf(p.Groups, isName):
		c.fail(at, hintLock, "package %s: groups %q: expected sorted names in normal form", p.id(), p.Groups)
	case !isText(p.RequiresPython):
		c.fail(at, hintLock, "package %s: requires-python has characters outside of printable ASCII", p.id())
	case !subset(p.Targets, c.all):
		c.fail(at, hintLock, "package %s: targets %q: expected sorted names of [[targets]], and no list where it would name all", p.id(), p.Targets)
	}
	if p.Group == GroupBuild {
		return
	}
	for _, t := range c.mine(p) {
		for _, v := range c.variants {
			if !c.l.In(p, t, v.Name) {
				continue
			}
			key := [3]string{t, v.Name, p.Name}
			if other, twice := c.installed[key]; twice {
				c.fail(at, hintLock, "target %s gets two versions of %s, %s and %s", t, p.Name, other, p.Version)
			}
			c.installed[key] = p.Version
		}
	}
}

func (c *checker) mine(p *Package) []string {
	if len(p.Targets) > 0 {
		return p.Targets
	}
	return c.all
}

func (c *checker) dependencies(at place, p *Package) {
	if !allOf(p.Dependencies, isName) {
		c.fail(at, hintLock, "package %s: dependencies %q: expected sorted names in normal form", p.id(), p.Dependencies)
	}
	mine := c.mine(p)
	for t, ds := range p.TargetDependencies {
		if !slices.Contains(mine, t) || len(ds) == 0 || !allOf(ds, isName) {
			c.fail(at, hintLock, "package %s: target-dependencies of %q: expected sorted names for a target of the package", p.id(), clip(t))
		}
	}
	if len(p.TargetDependencies) == 0 || c.bad != nil {
		return
	}
	q := Package{Dependencies: p.Dependencies, TargetDependencies: p.TargetDependencies}
	q.sortDependencies(mine)
	if !slices.Equal(q.Dependencies, p.Dependencies) || len(q.TargetDependencies) != len(p.TargetDependencies) {
		c.fail(at, hintLock, "package %s: what every target needs stands in dependencies alone", p.id())
	}
}

func (c *checker) sdist(i int, p *Package) {
	if p.Sdist == nil {
		return
	}
	at := place{"sdist", i, 0}
	switch {
	case !isFileName(p.Sdist.Name) || !sdistOf(p.Sdist.Name, p.Name, p.Version):
		c.fail(at, hintLock, "package %s: %q is not the name of a source of it", p.id(), clip(p.Sdist.Name))
	case !isHex(p.Sdist.SHA256):
		c.fail(at, hintLock, "package %s: source %s needs a sha256 of 64 lower-case hexadecimal digits", p.id(), p.Sdist.Name)
	case p.Sdist.Size < 0:
		c.fail(at, hintLock, "package %s: source %s has size %d", p.id(), p.Sdist.Name, p.Sdist.Size)
	}
}

func (c *checker) wheels(i int, p *Package) {
	mine := c.mine(p)
	served := make([]int, len(mine))
	for j := range p.Wheels {
		w := &p.Wheels[j]
		at := place{"wheels", i, j}
		c.wheel(at, p, w)
		if !subset(w.Targets, mine) {
			c.fail(at, hintLock, "package %s: wheel targets %q: expected sorted targets of the package, and no list where it would name all", p.id(), w.Targets)
		}
		if j > 0 && compareWheels(p.Wheels[j-1], *w) >= 0 {
			c.fail(at, hintLock, "package %s: wheel %s stands twice or out of order", p.id(), w.Name)
		}
		for k, t := range mine {
			if serves(w.Targets, t) {
				served[k]++
			}
		}
	}
	for k, n := range served {
		if n != 1 {
			c.fail(place{"packages", i, 0}, hintLock, "package %s has %d wheels to install on %s, expected exactly one", p.id(), n, mine[k])
		}
	}
}

func (c *checker) wheel(at place, p *Package, w *Wheel) {
	id := subject{p, "wheel", w.Name}
	switch {
	case !isFileName(w.Name) || !wheelOf(w.Name, p.Name, p.Version):
		c.fail(at, hintLock, "package %s: %q is not the name of a wheel of it", p.id(), clip(w.Name))
	case w.Origin != OriginBuilt && w.Origin != OriginUpstream:
		c.fail(at, hintLock, "package %s: origin is %q, expected \"built\" or \"upstream\"", id, clip(w.Origin))
	case w.Missing() && w.Origin == OriginUpstream:
		c.fail(at, hintLock, "package %s: an upstream wheel needs its sha256", id)
	case w.Missing() && (w.Size != 0 || w.Content != ""):
		c.fail(at, hintBuild, "package %s: a wheel still to be built has neither size nor hashes", id)
	case !w.Missing() && !isHex(w.SHA256) || w.Content != "" && !isHex(w.Content):
		c.fail(at, hintLock, "package %s: hashes are 64 lower-case hexadecimal digits", id)
	case w.Size < 0 || w.Size == 0 && !w.Missing() && w.Origin == OriginBuilt:
		c.fail(at, hintBuild, "package %s: size is %d, expected a positive number", id, w.Size)
	case w.Origin == OriginBuilt && p.Sdist == nil:
		c.fail(at, hintLock, "package %s: built from no source: the package has no [packages.sdist]", id)
	case w.Origin == OriginBuilt && !w.Missing() && w.Recipe == "":
		c.fail(at, hintBuild, "package %s: built by no recipe", id)
	}
	if w.Recipe == "" || c.bad != nil {
		return
	}
	c.used[w.Recipe] = true
	r := c.recipes[w.Recipe]
	switch {
	case r == nil:
		c.fail(at, hintBuild, "package %s: recipe %s is not in this lock", id, clip(w.Recipe))
	case p.Sdist == nil || r.Sdist != "sha256:"+p.Sdist.SHA256:
		c.fail(at, hintBuild, "package %s: recipe %s is for another source", id, w.Recipe)
	}
}

func (c *checker) upstream(i int, p *Package) {
	mine := c.mine(p)
	for j := range p.Upstream {
		u := &p.Upstream[j]
		at := place{"upstream", i, j}
		id := subject{p, "upstream", u.Name}
		switch {
		case !isFileName(u.Name) || !wheelOf(u.Name, p.Name, p.Version):
			c.fail(at, hintLock, "package %s: %q is not the name of a wheel of it", p.id(), clip(u.Name))
		case !isHex(u.SHA256) || u.Content != "" && !isHex(u.Content):
			c.fail(at, hintLock, "package %s: hashes are 64 lower-case hexadecimal digits", id)
		case u.Size < 0:
			c.fail(at, hintLock, "package %s: size is %d", id, u.Size)
		case !slices.Contains([]string{VerdictBytes, VerdictContent, VerdictDiffers, VerdictUntried}, u.Verdict):
			c.fail(at, hintLock, "package %s: verdict is %q, expected bytes, content, differs or untried", id, clip(u.Verdict))
		case len(u.Causes) > 0 && (u.Verdict == VerdictBytes || u.Verdict == VerdictUntried):
			c.fail(at, hintLock, "package %s: causes of a difference with the verdict %q", id, u.Verdict)
		case !allOf(u.Causes, isName):
			c.fail(at, hintLock, "package %s: causes %q: expected sorted words of lower-case letters, digits and hyphens", id, u.Causes)
		case !subset(u.Targets, mine):
			c.fail(at, hintLock, "package %s: targets %q: expected sorted targets of the package, and no list where it would name all", id, u.Targets)
		case j > 0 && p.Upstream[j-1].Name >= u.Name:
			c.fail(at, hintLock, "package %s stands twice or out of order", id)
		}
		for _, w := range p.Wheels {
			if w.Origin == OriginUpstream && w.Name == u.Name && w.SHA256 != u.SHA256 {
				c.fail(at, hintLock, "package %s: the wheel to install has this name and another hash", id)
			}
		}
	}
}

func (c *checker) recipeBlocks() {
	for i := range c.l.Recipes {
		if c.bad != nil {
			return
		}
		r := &c.l.Recipes[i]
		at := place{"recipes", i, 0}
		c.recipe(at, r)
		if i > 0 && c.l.Recipes[i-1].Digest >= r.Digest {
			c.fail(at, hintLock, "recipe %s stands twice or out of order", r.Digest)
		}
	}
}

func (c *checker) recipe(at place, r *Recipe) {
	switch {
	case !isDigest(r.Digest):
		c.fail(at, hintBuild, "recipe digest is %q, expected sha256: and 64 lower-case hexadecimal digits", clip(r.Digest))
	case !c.used[r.Digest]:
		c.fail(at, hintLock, "recipe %s is used by no wheel", r.Digest)
	case !isDigest(r.Sdist):
		c.fail(at, hintBuild, "recipe %s: sdist is %q, expected sha256: and 64 lower-case hexadecimal digits", r.Digest, clip(r.Sdist))
	case r.Backend == "" || !isWord(r.Backend):
		c.fail(at, hintBuild, "recipe %s: backend is %q, expected MODULE or MODULE:OBJECT", r.Digest, clip(r.Backend))
	case !isPythonTag(r.Python):
		c.fail(at, hintBuild, "recipe %s: python is %q, expected an interpreter tag such as \"cp311\"", r.Digest, clip(r.Python))
	case len(r.Umask) != 3 || strings.Trim(r.Umask, "01234567") != "":
		c.fail(at, hintBuild, "recipe %s: umask is %q, expected three octal digits such as \"022\"", r.Digest, clip(r.Umask))
	case !isBuildPath(r.BuildPath):
		c.fail(at, hintBuild, "recipe %s: build-path is %q, expected an absolute path without . and ..", r.Digest, clip(r.BuildPath))
	case r.Epoch != nil && (r.Epoch.Value < 0 || !slices.Contains([]string{"upstream-zip", "sdist", "project"}, r.Epoch.From)):
		c.fail(at, hintBuild, "recipe %s: epoch is %d from %q, expected seconds from upstream-zip, sdist or project", r.Digest, r.Epoch.Value, clip(r.Epoch.From))
	case r.Vendored != "" && !isDigest(r.Vendored):
		c.fail(at, hintBuild, "recipe %s: vendored is %q, expected sha256: and 64 lower-case hexadecimal digits", r.Digest, clip(r.Vendored))
	case r.Container != "" && r.NormalForm != "":
		c.fail(at, hintBuild, "recipe %s has a container and a normal-form, of which it can have one", r.Digest)
	case r.Container != "" && !isDigest(r.Container):
		c.fail(at, hintBuild, "recipe %s: container is %q, expected sha256: and 64 lower-case hexadecimal digits", r.Digest, clip(r.Container))
	case !isWordOrEmpty(r.NormalForm):
		c.fail(at, hintBuild, "recipe %s: normal-form is %q, expected a number", r.Digest, clip(r.NormalForm))
	case !allOf(r.Toolchain, isText) || !allOf(r.ExpectTags, isWord):
		c.fail(at, hintBuild, "recipe %s: toolchain or expect-tags is not a sorted list of printable ASCII", r.Digest)
	}
	for _, b := range r.BackendPath {
		if b == "" || strings.HasPrefix(b, "/") || slices.Contains(strings.Split(b, "/"), "..") {
			c.fail(at, hintBuild, "recipe %s: backend-path %q leaves the source", r.Digest, clip(b))
		}
	}
	for k, v := range r.Env {
		switch {
		case !isEnvName(k):
			c.fail(at, hintBuild, "recipe %s: %q is no name of an environment variable", r.Digest, clip(k))
		case FixedEnv(k):
			c.fail(at, hintBuild, "recipe %s: env sets %s, which is the sandbox's own, and the same for every build", r.Digest, k)
		case strings.ContainsRune(v, 0):
			c.fail(at, hintBuild, "recipe %s: env %s holds a null character", r.Digest, k)
		}
	}
	for k, values := range r.Config {
		if k == "" || !isText(k) || len(values) == 0 {
			c.fail(at, hintBuild, "recipe %s: config-settings %q: expected a name of printable ASCII with at least one value", r.Digest, clip(k))
		}
	}
	c.requires(at, r)
	if c.bad == nil && r.ComputeDigest() != r.Digest {
		c.fail(at, hintBuild, "recipe %s: its content has the digest %s", r.Digest, r.ComputeDigest())
	}
}

func (c *checker) requires(at place, r *Recipe) {
	for i, b := range r.BuildRequires {
		switch {
		case !isName(b.Name) || !isVersion(b.Version) || !isHex(b.SHA256):
			c.fail(at, hintBuild, "recipe %s: build requirement %s %s: expected a name and version in normal form and a sha256", r.Digest, clip(b.Name), clip(b.Version))
		case i > 0 && r.BuildRequires[i-1].Name >= b.Name:
			c.fail(at, hintBuild, "recipe %s: build requirement %s stands twice or out of order", r.Digest, b.Name)
		case !c.builds[b]:
			c.fail(at, hintBuild, "recipe %s: build requirement %s %s is not locked with this hash in group build", r.Digest, b.Name, b.Version)
		}
	}
}
