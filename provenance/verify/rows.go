package verify

import (
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// rows holds every file of the lock against the statements, and counts what is
// still open.
func (c *checker) rows() {
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		r := &row{checker: c, p: p, id: p.Name + " " + p.Version, mine: c.selected(c.lock.TargetsOf(p))}
		r.sdist()
		r.compared()
		for k := range p.Wheels {
			r.wheel(&p.Wheels[k])
		}
		if r.unstated > 0 {
			c.open += r.unstated
			if r.mine && c.haveProof() {
				c.add("not-stated", r.id, "%s of %s not in the proof yet", plural(r.unstated, "file"), verb(r.unstated))
			}
		}
	}
	if c.unproved != "" && c.in.Proof == nil {
		c.add("proof-missing", proofName, "there is none, but the lock has hashes of built wheels, %s among them: whoever built them stated them", c.unproved)
	}
}

func verb(n int) string {
	if n == 1 {
		return "the package is"
	}
	return "the package are"
}

// A row is one block of the lock while it is checked.
type row struct {
	*checker
	p        *lock.Package
	id       string
	mine     bool // one of the targets that were asked for needs it
	unstated int
}

// judge turns what the statements say about a file into findings.
func (r *row) judge(file string, k backing) {
	switch k.answer {
	case unknown:
		r.unstated++
	case contradicted:
		r.hashNotStated(file, k.why)
	case voided:
		r.add("stolen-key", file, "only a key that was stolen has stated it for %s", r.id)
	case backed:
		if k.best() == inTail {
			// Another project has stated it since: this one's proof has to be
			// made again, which is part of what is left to do.
			r.unstated++
		}
	}
}

func (r *row) hashNotStated(file, why string) {
	if !r.haveProof() && !r.havePending {
		return // proof-missing, or the finding about the proof, says it once
	}
	r.add("hash-not-stated", file, "%s is not the file that was stated for %s: %s", file, r.id, why)
}

func (r *row) sdist() {
	s := r.p.Sdist
	if s == nil {
		return
	}
	r.judge(s.Name, r.book.file(record.KindSource, r.p, s.Name, s.SHA256, s.Size))
	r.taken(s.Name, s.SHA256, nil)
	if n := len(r.book.reviews[s.SHA256]); r.p.Group != lock.GroupBuild && r.mine && n < r.in.Policy.Reviews {
		r.addFor("too-few-reviews", "wheellock review "+r.p.Name, s.Name,
			"%s has %s, the policy asks for %d", s.Name, plural(n, "review"), r.in.Policy.Reviews)
	}
}

// compared checks the published files that ours were compared with: their
// verdicts decide what the mirror has to carry.
func (r *row) compared() {
	for i := range r.p.Upstream {
		u := &r.p.Upstream[i]
		r.judge(u.Name, r.book.file(record.KindUpstream, r.p, u.Name, u.SHA256, u.Size))
		if u.Verdict == lock.VerdictUntried || !r.haveProof() && !r.havePending {
			continue
		}
		said := false
		for _, f := range r.book.compared[u.SHA256] {
			said = said || !f.void && f.name == r.p.Name && f.version == r.p.Version && f.says(u)
		}
		if !said {
			r.add("verdict-not-stated", u.Name, "the lock says of %s %q, no builder did", u.Name, strings.Join(append([]string{u.Verdict}, u.Causes...), " "))
		}
	}
}

func (r *row) wheel(w *lock.Wheel) {
	targets := r.lock.WheelTargets(r.p, w)
	mine := r.selected(targets)
	if w.Missing() {
		r.missing++
		if mine {
			command := cmdBuild
			if w.Recipe == "" {
				command = cmdLock
			}
			r.addFor("wheel-to-build", command, r.id, "%s for %s is still to be built or proven", w.Name, strings.Join(targets, ", "))
		}
		return
	}
	if r.p.Group != lock.GroupBuild {
		r.checked.Wheels++
	}
	r.taken(w.Name, w.SHA256, targets)
	builds := r.book.builds(r.lock, r.p, w)
	if w.Origin == lock.OriginBuilt {
		r.builtWheel(w, builds)
	} else {
		r.judge(w.Name, r.book.file(record.KindUpstream, r.p, w.Name, w.SHA256, w.Size))
		if mine && builds.answer != backed && r.mustProve() {
			r.notProven(w, builds)
		}
	}
	if builds.answer == backed {
		r.newest(w, builds)
		if n := builds.builders(pending); mine && n < r.in.Policy.Builders {
			r.addFor("too-few-builders", cmdAgree+" "+r.p.Name, w.Name, "%s %s of %s, the policy asks for %d", plural(n, "builder"), agree(n), w.Name, r.in.Policy.Builders)
		}
	}
}

func agree(n int) string {
	if n == 1 {
		return "has stated the bytes"
	}
	return "have stated the bytes"
}

// builtWheel: a hash of a built wheel comes from a builder, who always states
// it. So there is no such thing as one that is not stated yet.
func (r *row) builtWheel(w *lock.Wheel, k backing) {
	switch {
	case k.answer == backed && k.best() != inTail:
	case k.answer == backed && r.haveProof():
		r.behind("%s is stated in the log, but not in the proof", w.Name)
	case k.answer == voided:
		r.judge(w.Name, k)
	case k.answer == backed || !r.haveProof() && !r.havePending:
		r.unproved = w.Name
	case r.uncovered[r.p.Name]:
		r.behind("it was made for another lock, and does not tell of %s", r.id)
	case k.answer == unknown:
		r.add("hash-not-stated", w.Name, "the lock has a hash for %s of %s, no builder stated any", w.Name, r.id)
	default:
		r.hashNotStated(w.Name, k.why)
	}
}

// mustProve reports whether the policy takes a published wheel only when ours
// equals it. Build tools are held to build-requirements instead.
func (r *row) mustProve() bool {
	if r.p.Group == lock.GroupBuild {
		return r.in.Policy.BuildRequirements == "build"
	}
	return r.in.Policy.Wheels != "upstream"
}

func (r *row) notProven(w *lock.Wheel, k backing) {
	switch {
	case k.answer == voided:
		r.add("stolen-key", w.Name, "only a key that was stolen has stated that a build of %s equals it", r.id)
	case r.p.Sdist == nil:
		r.addFor("not-proven", cmdLock+" (after policy.wheels = \"upstream\", or without the package)", w.Name,
			"no source of %s is published, so nobody can prove its wheel", r.id)
	case k.answer == contradicted:
		r.add("differs-in-use", w.Name, "the published wheel of %s is in use, but %s", r.id, k.why)
	case r.haveProof() || r.havePending:
		r.add("not-proven", w.Name, "no builder stated that a build of %s equals the published wheel in use", r.id)
	}
}

// taken looks for withdrawals of a file.
func (r *row) taken(file, hash string, targets []string) {
	for _, w := range r.book.withdrawn[hash] {
		if w.target != "" && len(targets) > 0 && !contains(targets, w.target) {
			continue
		}
		r.addFor("withdrawn", "wheellock add '"+r.p.Name+"!="+r.p.Version+"'", file, "%s was taken back (%s): %s", file, w.place(), w.reason)
	}
}

// newest checks that what backs a wheel is still the newest word about it, and
// that builders who used the same recipe say the same.
func (r *row) newest(w *lock.Wheel, k backing) {
	good := func(f *fact) bool { return f.file.SHA256 == w.SHA256 }
	if w.Origin == lock.OriginUpstream {
		good = func(f *fact) bool { return f.proves(w.SHA256) }
	}
	mine := map[string]bool{}
	seen := map[string]bool{}
	for _, f := range k.by {
		mine[f.key] = true
	}
	for _, f := range k.by {
		if at := f.file.Name + " " + f.build.Target; f.where != pending && !seen[at] {
			seen[at] = true
			r.newestOf(w, f, mine, good)
		}
	}
}

func (r *row) newestOf(w *lock.Wheel, f *fact, mine map[string]bool, good func(*fact) bool) {
	var last *fact
	byKey := map[string]*fact{} // the last word of each builder by the same recipe
	var keys []string
	for _, g := range r.book.built[f.file.Name] {
		if g.void || g.build.Target != f.build.Target && !pure(f.file.Name) {
			continue
		}
		if g.build.Target == f.build.Target && g.where != pending {
			last = g
		}
		// A pure wheel serves every target, whichever it was built for.
		if g.build.Recipe == f.build.Recipe && g.build.Source == f.build.Source {
			if byKey[g.key] == nil {
				keys = append(keys, g.key)
			}
			byKey[g.key] = g
		}
	}
	for _, key := range keys {
		if g := byKey[key]; !good(g) && !mine[key] {
			r.addFor("builders-disagree", cmdAgree+" "+r.p.Name+" (a third builder); then wheellock keys revoke whoever is wrong", f.file.Name,
				"by the same recipe for %s, %s (%s) has sha256 %s and %s (%s) has %s",
				f.build.Target, f.who, f.place(), short(f.file.SHA256), g.who, g.place(), short(g.file.SHA256))
			return
		}
	}
	if !good(last) {
		r.addFor("superseded", cmdBuild, w.Name, "%s, a newer build of %s for %s, has sha256 %s%s",
			last.place(), last.file.Name, last.build.Target, short(last.file.SHA256), because(last.build.Reason))
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// whole checks that a statement is for exactly these bytes of the lock.
func (c *checker) whole() {
	where, stated := c.book.locks[c.lockHash]
	switch {
	case stated && where == inTail && c.haveProof():
		c.behind("the lock is stated in the log, but not in the proof")
	case stated || !c.haveProof() && !c.havePending:
	case c.missing > 0 || c.open > 0:
		c.add("lock-not-logged", lock.FileName, "it is not stated in the log yet")
	case c.otherInputs():
		c.add("lock-not-logged", lock.FileName, "its inputs changed after it was last signed, and it is not stated in the log yet")
	default:
		c.add("lock-changed", lock.FileName, "all its files are stated, but these bytes (sha256 %s) are not: it was edited after it was last signed", short(c.lockHash))
	}
}

// otherInputs reports whether no stated lock was made for the inputs that there
// are now: then this one is new, as after a merge or a removal, and not one that
// somebody edited. Where a stated lock's bytes are not here, nobody can tell.
func (c *checker) otherInputs() bool {
	if c.in.House.Dir == "" || c.in.ReadOnlyHouse {
		return false
	}
	for hash := range c.book.locks {
		data, err := c.read(mirror.LockCopy(hash), lock.MaxSize)
		if err != nil || hashOf(data) != hash {
			return false
		}
		l, err := lock.Parse(lock.FileName, data)
		if err != nil || l.RequiresDigest == c.lock.RequiresDigest {
			return false
		}
	}
	return len(c.book.locks) > 0
}

// behind says once that the proof is older than the lock.
func (c *checker) behind(format string, args ...any) {
	if !c.saidBehind {
		c.saidBehind = true
		c.add("proof-behind", proofName, "%s", fmt.Sprintf(format, args...))
	}
}
