package verify

import (
	"fmt"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// Where a statement stands.
const (
	inProof = iota // in the log, as the proof has it
	inTail         // in the log, after the proof's checkpoint
	pending        // signed, not in the log
)

// A fact is a statement whose signature was checked.
type fact struct {
	where   int
	number  int64  // log index; -1 when pending
	key     string // what signs, see trust.Material
	who     string // the key by name and hash
	void    bool   // its key was stolen by then
	kind    string
	name    string // package
	version string
	file    record.File
	build   *record.Build
}

// place names a fact in sentences.
func (f *fact) place() string {
	if f.where == pending {
		return "a pending statement"
	}
	return fmt.Sprintf("statement %d", f.number)
}

// A book holds the facts by what they are looked up by. Lists ascend by number.
type book struct {
	given     map[string][]*fact // source and upstream, by file name
	givenHash map[string][]*fact
	built     map[string][]*fact // successful builds, by file name
	builtHash map[string][]*fact
	compared  map[string][]*fact // builds, by sha256 of the published file
	reviews   map[string]map[string]bool
	locks     map[string]int // hash of a lock -> the best place that states it
	published map[string]int64
	withdrawn map[string][]withdrawal

	asked *File // statements about it are kept, whatever their kind
	about []about
}

type withdrawal struct {
	*fact
	target, reason string
}

func newBook(asked *File) *book {
	return &book{
		asked: asked,
		given: map[string][]*fact{}, givenHash: map[string][]*fact{}, built: map[string][]*fact{},
		builtHash: map[string][]*fact{}, compared: map[string][]*fact{}, reviews: map[string]map[string]bool{},
		locks: map[string]int{}, published: map[string]int64{}, withdrawn: map[string][]withdrawal{},
	}
}

func (b *book) addProof(v *proof.Verified) {
	for i := range v.Statements {
		st := &v.Statements[i]
		b.add(inProof, st.Number, st.Key, st.Void, st.Signed)
	}
}

// add takes a statement in. Void ones are kept where it matters that somebody
// stated something, and count nowhere.
func (b *book) add(where int, number int64, key string, void bool, s *record.Signed) {
	key = trust.Material(key) // two names for one key are one builder
	f := &fact{where: where, number: number, key: key, who: attest.KeyID(s.Signer, s.Hash), void: void, kind: s.Kind()}
	f.name, f.version = s.Package()
	b.watch(f, s)
	switch s.Kind() {
	case record.KindSource, record.KindUpstream:
		f.file = s.Files()[0]
		b.given[f.file.Name] = append(b.given[f.file.Name], f)
		b.givenHash[f.file.SHA256] = append(b.givenHash[f.file.SHA256], f)
	case record.KindBuild:
		x, err := s.AsBuild()
		if err != nil || x.Failed != "" {
			return
		}
		f.file, f.build = x.File, &x
		b.built[f.file.Name] = append(b.built[f.file.Name], f)
		b.builtHash[f.file.SHA256] = append(b.builtHash[f.file.SHA256], f)
		for _, c := range x.Upstream {
			b.compared[c.SHA256] = append(b.compared[c.SHA256], f)
		}
	case record.KindWithdraw:
		if x, err := s.AsWithdraw(); err == nil && !void {
			f.file = x.File
			b.withdrawn[x.File.SHA256] = append(b.withdrawn[x.File.SHA256], withdrawal{f, x.Target, x.Reason})
		}
	case record.KindReview:
		if x, err := s.AsReview(); err == nil && !void && where != pending {
			if b.reviews[x.Source] == nil {
				b.reviews[x.Source] = map[string]bool{}
			}
			b.reviews[x.Source][key] = true
		}
	case record.KindLock:
		if x, err := s.AsLock(); err == nil && !void {
			if have, ok := b.locks[x.Lock]; !ok || where < have {
				b.locks[x.Lock] = where
			}
		}
	case record.KindPublish:
		if x, err := s.AsPublish(); err == nil && !void {
			// The newest: another publisher may have signed the same list since.
			if have, ok := b.published[x.File.SHA256]; !ok || number > have {
				b.published[x.File.SHA256] = number
			}
		}
	}
}

// The answers to the question whether a locked file is stated.
type answer int

const (
	unknown      answer = iota // nothing is stated about its name or hash
	backed                     // by at least one statement that counts
	voided                     // only by stolen keys
	contradicted               // its name or hash is stated otherwise
)

// A backing is what the statements say about one locked file.
type backing struct {
	answer answer
	why    string  // of contradicted
	by     []*fact // of backed: the statements that count
}

// best is the best place among the statements that back.
func (k backing) best() int {
	best := pending
	for _, f := range k.by {
		best = min(best, f.where)
	}
	return best
}

// builders counts the distinct keys that back, up to a place.
func (k backing) builders(where int) int {
	keys := map[string]bool{}
	for _, f := range k.by {
		if f.where <= where {
			keys[f.key] = true
		}
	}
	return len(keys)
}

// file says whether the index gave a file, by its statements. kind is source or
// upstream; size 0 is not compared, since some indexes do not tell it.
func (b *book) file(kind string, p *lock.Package, name, sha256 string, size int64) backing {
	var k backing
	for _, f := range b.given[name] {
		switch {
		case f.file.SHA256 != sha256:
			k.contradict("%s says that its sha256 is %s", f, short(f.file.SHA256))
		case size != 0 && f.file.Size != size:
			k.contradict("%s says that it has %d bytes, not %d", f, f.file.Size, size)
		case f.kind != kind || f.name != p.Name || f.version != p.Version:
			k.contradict("%s has it as %s of %s %s", f, f.kind, f.name, f.version)
		default:
			k.count(f)
		}
	}
	if k.answer == unknown {
		for _, f := range b.givenHash[sha256] {
			k.contradict("%s has these bytes under the name %s", f, f.file.Name)
		}
	}
	return k
}

// count takes a statement that fits. One that fits outweighs those that do not:
// a built file's hash may change over time, and a newest one is asked for
// elsewhere.
func (k *backing) count(f *fact) {
	switch {
	case !f.void:
		k.by = append(k.by, f)
		k.answer = backed
	case k.answer != backed:
		k.answer = voided
	}
}

func (k *backing) contradict(format string, f *fact, args ...any) {
	if k.answer == unknown {
		k.answer, k.why = contradicted, fmt.Sprintf(format, append([]any{f.place()}, args...)...)
	} else if k.answer == contradicted && k.why == "" {
		k.why = fmt.Sprintf(format, append([]any{f.place()}, args...)...)
	}
}

// wheel says whether builders stated a built wheel as it is locked.
func (b *book) wheel(l *lock.Lock, p *lock.Package, w *lock.Wheel) backing {
	var k backing
	targets := l.WheelTargets(p, w)
	for _, f := range b.built[w.Name] {
		switch {
		case f.file.SHA256 != w.SHA256:
			k.contradict("%s says that its sha256 is %s", f, short(f.file.SHA256))
		case f.file.Size != w.Size:
			k.contradict("%s says that it has %d bytes, not %d", f, f.file.Size, w.Size)
		case f.build.Content != w.Content:
			k.contradict("%s says that its content is %s", f, short(f.build.Content))
		case !b.fits(f, p, w, targets):
			k.contradict("%s is of another package, source, recipe or target", f)
		default:
			k.count(f)
		}
	}
	if k.answer == unknown {
		for _, f := range b.builtHash[w.SHA256] {
			k.contradict("%s has these bytes under the name %s", f, f.file.Name)
		}
	}
	return k
}

// fits reports whether a build was one of this package by the recipe of the
// row, for a target that the row serves. A pure wheel serves every target,
// whichever built it: that target may have left the lock since.
func (b *book) fits(f *fact, p *lock.Package, w *lock.Wheel, targets []string) bool {
	if f.name != p.Name || f.version != p.Version || p.Sdist == nil || f.build.Source != p.Sdist.SHA256 {
		return false
	}
	if w.Recipe != "" && "sha256:"+f.build.Recipe != w.Recipe {
		return false
	}
	return pure(w.Name) || contains(targets, f.build.Target)
}

// proven says whether builders stated that their build equals a published wheel
// in use.
func (b *book) proven(l *lock.Lock, p *lock.Package, w *lock.Wheel) backing {
	var k backing
	targets := l.WheelTargets(p, w)
	for _, f := range b.compared[w.SHA256] {
		switch {
		case !b.fits(f, p, w, targets):
			k.contradict("%s is of another package, source, recipe or target", f)
		case !f.proves(w.SHA256):
			k.contradict("%s says that our build differs from it", f)
		case w.Content != "" && f.build.Content != w.Content:
			k.contradict("%s says that its content is %s", f, short(f.build.Content))
		default:
			k.count(f)
		}
	}
	return k
}

// proves reports whether the build was found equal to a published file.
func (f *fact) proves(sha256 string) bool {
	for _, c := range f.build.Upstream {
		if c.SHA256 == sha256 && (c.Verdict == lock.VerdictBytes || c.Verdict == lock.VerdictContent) {
			return true
		}
	}
	return false
}

// says reports whether the build was compared with the published file with this
// verdict and these causes.
func (f *fact) says(u *lock.Upstream) bool {
	for _, c := range f.build.Upstream {
		if c.SHA256 == u.SHA256 && c.Verdict == u.Verdict && equal(c.Causes, u.Causes) {
			return true
		}
	}
	return false
}
