package lock

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hints, the next thing to try.
const (
	hintRestore = "restore the file from version control, then repeat the change with wheellock; a lock is not edited by hand"
	hintMerge   = "run `wheellock lock`: it keeps what both sides agree on and resolves the rest again; wheellock merge-driver --install spares most of that"
	hintCRLF    = "add the line `wheels.lock -text` to .gitattributes and check the file out again"
	hintNewer   = "use the wheellock release that wrote this file, or a newer one"
)

// The keys of each table, in their order. Only error messages read them.
var (
	keysLock    = []string{"lock-version", "created-by", "requires-digest", "exclude-newer", "conflicts"}
	keysTarget  = []string{"name", "python", "platform", "implementation", "abi"}
	keysPackage = []string{"name", "version", "group", "groups", "requires-python", "only-with", "not-with", "targets", "dependencies",
		"target-dependencies", "target-only-with", "target-not-with"}
	keysArchive  = []string{"name", "url"}
	keysVCS      = []string{"type", "url", "commit-id", "subdirectory"}
	keysSdist    = []string{"name", "size", "hashes"}
	keysWheel    = []string{"name", "origin", "targets", "recipe", "size", "hashes"}
	keysUpstream = []string{"name", "targets", "size", "hashes", "verdict", "causes"}
	keysRecipe   = []string{"digest", "sdist", "backend", "backend-path", "build-requires", "python", "epoch", "umask",
		"build-path", "env", "toolchain", "vendored", "container", "expect-tags", "normal-form"}
)

// Parse reads a lock strictly: canonical bytes only, and Check must pass. Every
// error is an *Error with the line. file is its name in messages.
func Parse(file string, b []byte) (*Lock, error) {
	if err := precheck(b); err != nil {
		err.File = file
		return nil, err
	}
	p := &parser{rest: string(b), lines: make(map[place]int, 64)}
	p.advance()
	l := &Lock{}
	p.lock(l)
	if p.err == nil {
		// The rules first: their messages say more than "not canonical".
		if bad := check(l); bad != nil {
			p.err = &Error{Line: p.lines[bad.at], Msg: bad.Msg, Hint: bad.Hint}
		}
	}
	if p.err == nil {
		p.err = p.canonical(l, b)
	}
	if p.err != nil {
		p.err.File = file
		return nil, p.err
	}
	return l, nil
}

// ParseDraft reads the grammar of a lock and judges nothing else: a text that was
// put together from two locks breaks the rules of Check. It is for reading what
// is then written anew; nothing may be installed by it.
func ParseDraft(file string, b []byte) (*Lock, error) {
	if err := precheck(b); err != nil {
		err.File = file
		return nil, err
	}
	p := &parser{rest: string(b), lines: make(map[place]int, 64)}
	p.advance()
	l := &Lock{}
	if p.lock(l); p.err != nil {
		p.err.File = file
		return nil, p.err
	}
	l.Sort()
	return l, nil
}

// precheck tells the mistakes that would make every other message confusing.
func precheck(b []byte) *Error {
	lineOf := func(i int) int { return 1 + bytes.Count(b[:i], []byte("\n")) }
	if len(b) > MaxSize {
		return &Error{Msg: fmt.Sprintf("the file has %d bytes, at most %d are read", len(b), MaxSize), Hint: hintRestore}
	}
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return &Error{Line: 1, Msg: "the file begins with a byte order mark", Hint: "save it without one"}
	}
	for i, c := range b {
		switch {
		case c == '\r':
			return &Error{Line: lineOf(i), Msg: "a carriage return; lines end in one line feed", Hint: hintCRLF}
		case c != '\n' && (c < 0x20 || c > 0x7e):
			return &Error{Line: lineOf(i), Msg: fmt.Sprintf("byte 0x%02x is not printable ASCII", c), Hint: hintRestore}
		}
	}
	if len(b) == 0 {
		return &Error{Msg: "the file is empty", Hint: hintRestore}
	}
	if b[len(b)-1] != '\n' {
		return &Error{Line: lineOf(len(b)), Msg: "the last line has no line feed; the file may be cut short", Hint: hintRestore}
	}
	return nil
}

// parser walks over lines. After the first error every method does nothing,
// so the code that reads a table stays a list of its keys.
type parser struct {
	rest  string // after the current line
	cur   string // the current line
	n     int    // its number
	eof   bool
	err   *Error
	lines map[place]int // where each block begins
}

func (p *parser) advance() {
	p.n++
	if p.rest == "" {
		p.cur, p.eof = "", true
		return
	}
	p.cur, p.rest, _ = strings.Cut(p.rest, "\n")
}

func (p *parser) fail(hint, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{Line: p.n, Msg: fmt.Sprintf(format, args...), Hint: hint}
	}
}

func (p *parser) lock(l *Lock) {
	p.str("lock-version", &l.Version)
	if p.err == nil && l.Version != "" && l.Version != Version {
		p.n--
		p.fail(hintNewer, "lock-version is %q, this wheellock reads %q", l.Version, Version)
	}
	p.str("created-by", &l.CreatedBy)
	p.str("requires-digest", &l.RequiresDigest)
	p.time("exclude-newer", &l.ExcludeNewer)
	p.sets("conflicts", &l.Conflicts)
	p.end(keysLock, "[[targets]]", "[[packages]]", "[[recipes]]")
	for p.block("[[targets]]", place{"targets", len(l.Targets), 0}, MaxTargets) {
		l.Targets = append(l.Targets, Target{})
		p.target(&l.Targets[len(l.Targets)-1])
		p.end(keysTarget, "[[targets]]", "[[packages]]", "[[recipes]]")
	}
	for p.block("[[packages]]", place{"packages", len(l.Packages), 0}, MaxPackages) {
		l.Packages = append(l.Packages, Package{})
		p.pkg(len(l.Packages)-1, &l.Packages[len(l.Packages)-1])
	}
	for p.block("[[recipes]]", place{"recipes", len(l.Recipes), 0}, MaxPackages) {
		l.Recipes = append(l.Recipes, Recipe{})
		p.recipe(&l.Recipes[len(l.Recipes)-1])
		p.end(keysRecipe, "[[recipes]]")
	}
	if p.err == nil && !p.eof {
		p.unexpected(nil, []string{"[[recipes]]"})
	}
}

func (p *parser) target(t *Target) {
	p.str("name", &t.Name)
	p.str("python", &t.Python)
	p.str("platform", &t.Platform)
	p.str("implementation", &t.Implementation)
	p.str("abi", &t.ABI)
}

func (p *parser) pkg(i int, k *Package) {
	p.str("name", &k.Name)
	p.str("version", &k.Version)
	p.str("group", &k.Group)
	p.list("groups", &k.Groups)
	p.str("requires-python", &k.RequiresPython)
	p.list("only-with", &k.OnlyWith)
	p.list("not-with", &k.NotWith)
	p.list("targets", &k.Targets)
	p.list("dependencies", &k.Dependencies)
	p.lists("target-dependencies", &k.TargetDependencies)
	p.lists("target-only-with", &k.TargetOnlyWith)
	p.lists("target-not-with", &k.TargetNotWith)
	subs := []string{"[packages.sdist]", "[[packages.wheels]]", "[[packages.upstream]]"}
	p.end(keysPackage, append(subs, "[[packages.archive]]", "[packages.vcs]", "[[packages]]", "[[recipes]]")...)
	for p.header("[[packages.archive]]", place{"archive", i, len(k.Archives)}) {
		a := Archive{}
		p.str("name", &a.Name)
		p.str("url", &a.URL)
		k.Archives = append(k.Archives, a)
		p.end(keysArchive, append(subs, "[[packages.archive]]", "[[packages]]", "[[recipes]]")...)
	}
	if p.header("[packages.vcs]", place{"vcs", i, 0}) {
		k.VCS = &VCS{}
		p.str("type", &k.VCS.Type)
		p.str("url", &k.VCS.URL)
		p.str("commit-id", &k.VCS.CommitID)
		p.str("subdirectory", &k.VCS.Subdirectory)
		p.end(keysVCS, append(subs, "[[packages]]", "[[recipes]]")...)
	}
	if p.header("[packages.sdist]", place{"sdist", i, 0}) {
		k.Sdist = &File{}
		p.str("name", &k.Sdist.Name)
		p.num("size", &k.Sdist.Size)
		p.hashes(&k.Sdist.SHA256, nil)
		p.end(keysSdist, append(subs[1:], "[[packages]]", "[[recipes]]")...)
	}
	for p.header("[[packages.wheels]]", place{"wheels", i, len(k.Wheels)}) {
		k.Wheels = append(k.Wheels, Wheel{})
		p.wheel(&k.Wheels[len(k.Wheels)-1])
		p.end(keysWheel, append(subs[1:], "[[packages]]", "[[recipes]]")...)
	}
	for p.header("[[packages.upstream]]", place{"upstream", i, len(k.Upstream)}) {
		k.Upstream = append(k.Upstream, Upstream{})
		p.upstream(&k.Upstream[len(k.Upstream)-1])
		p.end(keysUpstream, append(subs[2:], "[[packages]]", "[[recipes]]")...)
	}
}

func (p *parser) wheel(w *Wheel) {
	p.str("name", &w.Name)
	p.str("origin", &w.Origin)
	p.list("targets", &w.Targets)
	p.str("recipe", &w.Recipe)
	p.num("size", &w.Size)
	p.hashes(&w.SHA256, &w.Content)
}

func (p *parser) upstream(u *Upstream) {
	p.str("name", &u.Name)
	p.list("targets", &u.Targets)
	p.num("size", &u.Size)
	p.hashes(&u.SHA256, &u.Content)
	p.str("verdict", &u.Verdict)
	p.list("causes", &u.Causes)
}

func (p *parser) recipe(r *Recipe) {
	p.str("digest", &r.Digest)
	p.str("sdist", &r.Sdist)
	p.str("backend", &r.Backend)
	p.list("backend-path", &r.BackendPath)
	p.buildRequires("build-requires", &r.BuildRequires)
	p.str("python", &r.Python)
	p.epoch("epoch", &r.Epoch)
	p.str("umask", &r.Umask)
	p.str("build-path", &r.BuildPath)
	p.table("env", &r.Env)
	p.lists("config-settings", &r.Config)
	p.list("toolchain", &r.Toolchain)
	p.str("vendored", &r.Vendored)
	p.str("container", &r.Container)
	p.list("expect-tags", &r.ExpectTags)
	p.str("normal-form", &r.NormalForm)
}

// block takes an empty line and the header after it.
func (p *parser) block(header string, at place, max int) bool {
	if p.err != nil || p.eof || p.cur != "" || !strings.HasPrefix(p.rest, header+"\n") {
		return false
	}
	p.advance()
	if at.i >= max {
		p.fail(hintRestore, "more than %d tables %s", max, header)
		return false
	}
	return p.header(header, at)
}

func (p *parser) header(header string, at place) bool {
	if p.err != nil || p.eof || p.cur != header {
		return false
	}
	p.lines[at] = p.n
	p.advance()
	return true
}

// end sees to it that a table's last key was read: what follows must be the end
// of the file, an empty line before a block, or one of the headers.
func (p *parser) end(keys []string, headers ...string) {
	if p.err != nil || p.eof {
		return
	}
	if p.cur == "" {
		next, _, _ := strings.Cut(p.rest, "\n")
		if slices.Contains(headers, next) && !strings.HasPrefix(next, "[[packages.") && !strings.HasPrefix(next, "[packages.") {
			return
		}
		p.advance()
		if p.cur == "" {
			p.fail(hintRestore, "an empty line too many")
			return
		}
		p.unexpected(nil, headers)
		return
	}
	if slices.Contains(headers, p.cur) && (strings.HasPrefix(p.cur, "[[packages.") || strings.HasPrefix(p.cur, "[packages.")) {
		return
	}
	p.unexpected(keys, headers)
}

// unexpected makes the message for a line that fits nowhere.
func (p *parser) unexpected(keys, headers []string) {
	switch {
	case p.err != nil:
	case strings.HasPrefix(p.cur, "<<<<<<<"), strings.HasPrefix(p.cur, "======="), strings.HasPrefix(p.cur, ">>>>>>>"), strings.HasPrefix(p.cur, "|||||||"):
		p.fail(hintMerge, "an unresolved merge conflict")
	case strings.HasPrefix(strings.TrimLeft(p.cur, " "), "#"):
		p.fail(hintRestore, "a comment; a lock has none")
	case strings.HasPrefix(p.cur, "["):
		p.fail(hintRestore, "table %s is unknown or out of place here; expected %s", clip(p.cur), strings.Join(headers, ", "))
	default:
		p.badKey(keys, headers)
	}
}

func (p *parser) badKey(keys, headers []string) {
	key, _, ok := strings.Cut(p.cur, " = ")
	switch {
	case !ok:
		p.fail(hintRestore, "expected `key = value`, found %q", clip(p.cur))
	case len(keys) == 0:
		p.fail(hintRestore, "expected %s, found %q", strings.Join(headers, ", "), clip(p.cur))
	case slices.Contains(keys, key):
		p.fail(hintRestore, "key %q is out of order, repeated or malformed; the order is %s", key, strings.Join(keys, ", "))
	default:
		p.fail(hintRestore, "unknown key %q%s", clip(key), didYouMean(key, keys))
	}
}

// canonical compares the bytes with what the writer makes of the meaning and
// names the first line that differs.
func (p *parser) canonical(l *Lock, b []byte) *Error {
	want := l.format(len(b) + 64)
	if bytes.Equal(want, b) {
		return nil
	}
	a, w := string(b), string(want)
	for n := 1; ; n++ {
		var la, lw string
		var okA, okW bool
		la, a, okA = strings.Cut(a, "\n")
		lw, w, okW = strings.Cut(w, "\n")
		if la != lw || okA != okW {
			return &Error{Line: n, Msg: fmt.Sprintf("not in canonical form: expected %q, found %q", clip(lw), clip(la)), Hint: hintRestore}
		}
		if !okA {
			return nil // unreachable: the bytes differ
		}
	}
}

// clip shortens what a message quotes.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(timeFormat, s)
	return t, err == nil && t.Format(timeFormat) == s // Parse lets fractions pass
}
