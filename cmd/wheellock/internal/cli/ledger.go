package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/verify"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// proofFile is the name of the proof beside the lock.
const proofFile = "wheels.lock.proof"

// maxProof caps what is read of it.
const maxProof = 256 << 20

// A ledger is the log of a project as a verb that states something sees it.
type ledger struct {
	s      *session
	dir    string // of the log
	keys   *trust.Store
	origin string
	chain  *trust.Chain
	view   *log.View // nil: nothing is in the log yet
	fresh  bool      // the root has been made by this verb
	pins   []pyproject.Edit
	leaves [][]byte // signed, in order, not yet in the log
	past   map[string][]log.Entry

	waiting []trust.Signed // signed roots that the log has not stated yet
	before  *trust.Chain   // while a new root comes into force: the roots until then
	forced  bool           // append even where the policy says pending: log append does
	// unwitnessed appends without asking witnesses: only to get past those that
	// the next root replaces.
	unwitnessed bool
	tell        func(failed []error) // of witnesses that did not sign; nil: noteWitnesses
}

// ledger opens the project's log. With make set, what is missing is made: keys,
// a provisional root and the pins in the configuration.
func (s *session) ledger(ctx context.Context, make bool) (*ledger, error) {
	if !make {
		// Pins that are only planned are nobody's yet: a verb that looks before it
		// makes would take them for those of a log whose statements are lost.
		defer func(p *pyproject.Project) { s.project = p }(s.project)
	}
	dir, err := s.keyFolder()
	if err != nil {
		return nil, err
	}
	keys, err := trust.OpenStore(dir)
	if err != nil {
		return nil, err
	}
	keys.Ask(s.keyPassphrase)
	l := &ledger{s: s, dir: s.house().Path(mirror.LogFolder), keys: keys, past: map[string][]log.Entry{}}
	roots, err := s.readRoots()
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		if s.project.Config.Log != "" {
			return nil, finding("fetch the wheelhouse (git lfs pull, or a copy of it), or take log and root out of the configuration to begin a new log",
				"the configuration pins the log %s, but %s holds no root of it", originOf(s.project.Config.Log), s.wheelhouse())
		}
		if !make {
			return nil, invalid("wheellock build --missing --check 2", "there is no log yet")
		}
		return l, l.setup()
	}
	if err := l.openRoots(roots); err != nil {
		return nil, err
	}
	if make {
		if err := l.recover(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.openLog(ctx); err != nil {
		return nil, err
	}
	return l, l.dropUnstated(ctx, roots, make)
}

// recover completes an append that was interrupted, so that what is read next is
// what was signed for. Where this machine has not the log's key there is nothing
// that it could have begun.
func (l *ledger) recover(ctx context.Context) error {
	if !exists(filepath.Join(l.dir, ".state", "journal")) {
		return nil
	}
	w, err := l.writer(ctx, true)
	if err != nil || w == nil {
		return err
	}
	return w.Recover(ctx)
}

// dropUnstated sets root documents aside that no statement puts into force: the
// log's key is elsewhere and has to state them, or a verb was stopped between
// writing one and stating it.
func (l *ledger) dropUnstated(ctx context.Context, roots []trust.Signed, make bool) error {
	stated, err := l.known(ctx, "_"+record.KindRoot)
	if err != nil {
		return err
	}
	if len(stated) == 0 && !make {
		return nil
	}
	if len(stated) == 0 && len(l.pins) == 0 {
		// The pins are written after the first statement: there was a log, and to
		// begin at 0 again with its key would be a second history.
		return environment("bring the whole wheelhouse here (git pull), or take the log from a copy: wheellock log recover --from DIR",
			"the configuration pins the log %s, but none of its statements are here", l.origin)
	}
	if len(stated) == 0 {
		// Not even the first was stated: the verb that made it was stopped.
		l.fresh = true
		return l.stateRoot(0)
	}
	if len(stated) < len(roots) {
		if err := l.openRoots(roots[:len(stated)]); err != nil {
			return err
		}
		l.waiting = roots[len(stated):]
	}
	// From which statement on each root says who may sign.
	var at []int64
	for _, e := range stated {
		if e.Index >= 0 {
			at = append(at, e.Index)
		}
	}
	if len(at) == 0 {
		return nil
	}
	return l.chain.Place(at)
}

// originOf is the log's name in a verifier key.
func originOf(vkey string) string { name, _, _ := strings.Cut(vkey, "+"); return name }

// readRoots reads log/root/N.toml and their signatures, from 0 on.
func (s *session) readRoots() ([]trust.Signed, error) {
	var out []trust.Signed
	for n := 0; n < trust.MaxRoots; n++ {
		doc, err := readCapped(s.rootPath(n), trust.MaxRootSize)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		sig, err := readCapped(s.rootPath(n)+".asc", trust.MaxSignaturesSize)
		if err != nil {
			return nil, fmt.Errorf("root/%d.toml has no signature file: %w", n, err)
		}
		out = append(out, trust.Signed{Document: doc, Signatures: sig})
	}
	return out, nil
}

func (s *session) rootPath(n int) string {
	return s.house().Path(fmt.Sprintf("%s/root/%d.toml", mirror.LogFolder, n))
}

// rootPins are the fingerprints of the configuration, and how many must sign.
func (s *session) rootPins() trust.Pins {
	return trust.Pins{Fingerprints: s.project.Config.Root, Threshold: s.project.Config.RootThreshold}
}

// setup makes keys and the provisional root of a new log.
func (l *ledger) setup() error {
	l.origin = newOrigin(projectName(l.s))
	signed, err := trust.Setup(l.keys, trust.SetupOptions{Origin: l.origin, Now: l.s.Now()})
	if err != nil {
		return err
	}
	if err := l.writeRoot(0, signed); err != nil {
		return err
	}
	if err := l.openRoots([]trust.Signed{signed}); err != nil {
		return err
	}
	l.fresh = true
	if err := l.stateRoot(0); err != nil {
		return err
	}
	l.s.say("made keys for a new log, %s,\nin %s; its root is provisional until wheellock keys adopt", l.origin, l.keys.Dir())
	return nil
}

// writeRoot writes a document and its signatures, both or none: one without the
// other would stop every reader.
func (l *ledger) writeRoot(n int, signed trust.Signed) error {
	path := l.s.rootPath(n)
	return l.s.writeFiles([]pyproject.Edit{{Path: path + ".asc", Data: signed.Signatures}, {Path: path, Data: signed.Document}})
}

// newOrigin names a log. It has to be unique: statements of one log must not be
// taken by another.
func newOrigin(project string) string {
	b := make([]byte, 4)
	rand.Read(b)
	return fmt.Sprintf("%s.%s.wheels", project, hex.EncodeToString(b))
}

// projectName is the project as statements name it: one word.
func projectName(s *session) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(filepath.Base(s.dir)))
	if clean = strings.Trim(clean, "-"); clean == "" {
		return "project"
	}
	if len(clean) > 60 {
		clean = clean[:60]
	}
	return clean
}

// openRoots verifies the roots. Where the configuration pins none, they are
// taken only if this machine's own keys made them.
func (l *ledger) openRoots(roots []trust.Signed) error {
	root, err := trust.ParseRoot(roots[0].Document)
	if err != nil {
		return err
	}
	l.origin = root.Origin
	pins := l.s.rootPins()
	config := l.s.project.Config
	if config.Log != "" && originOf(config.Log) != l.origin {
		return finding("check log in the configuration", "the wheelhouse holds the log %s, the configuration pins %s", l.origin, originOf(config.Log))
	}
	unpinned := len(pins.Fingerprints) == 0
	if unpinned {
		mine, err := l.keys.OpenPGP(l.origin)
		if err != nil {
			return err
		}
		for _, m := range mine {
			pins.Fingerprints = append(pins.Fingerprints, m.Fingerprint())
		}
		if len(mine) == 0 {
			return invalid(fmt.Sprintf("if you trust it, write root = [%q] into the configuration", root.OpenPGP[0].Fingerprint),
				"the wheelhouse holds the log %s, but the configuration pins no root and this machine has no key of it", l.origin)
		}
	}
	chain, err := trust.VerifyChain(l.origin, roots, pins)
	if err != nil {
		return err
	}
	l.chain = chain
	if unpinned || config.Log == "" || config.Wheelhouse == "" {
		return l.pin(chain)
	}
	return nil
}

// pin plans to write the log's key and the newest root's fingerprints into the
// configuration.
func (l *ledger) pin(chain *trust.Chain) error {
	root := chain.Newest()
	var prints []string
	for _, k := range root.OpenPGP {
		prints = append(prints, k.Fingerprint)
	}
	p := l.s.project
	if p.Config.Wheelhouse == "" {
		edits, err := p.SetWheelhouse(defaultWheelhouse)
		if err != nil {
			return err
		}
		if p, err = p.With(edits); err != nil {
			return err
		}
	}
	edits, err := p.SetPins(prints, root.Threshold, logKey(root))
	if err != nil {
		return err
	}
	if p, err = p.With(edits); err != nil {
		return err
	}
	l.pins = p.Edits()
	l.s.project = p
	return nil
}

func logKey(r *trust.Root) string {
	for _, role := range r.Roles {
		if role.Name == trust.RoleLog && len(role.Keys) > 0 {
			return role.Keys[0]
		}
	}
	return ""
}

// openLog reads the log as its checkpoint has it.
func (l *ledger) openLog(ctx context.Context) error {
	if !exists(filepath.Join(l.dir, store.CheckpointPath)) {
		return nil
	}
	var err error
	l.view, err = log.Read(ctx, store.Folder(l.dir), l.origin, l.logKeys())
	return err
}

// head is what every statement of this verb has.
func (l *ledger) head() record.Head {
	return record.Head{Log: l.origin, Time: l.s.Now().UTC().Truncate(time.Second)}
}

// state signs a statement by the key of its role, to be appended by finish.
func (l *ledger) state(st *record.Statement, err error) error {
	if err != nil {
		return err
	}
	signer, err := l.signer(st.Role())
	if err != nil {
		return err
	}
	leaf, err := record.Sign(st, signer)
	if err != nil {
		return err
	}
	l.leaves = append(l.leaves, leaf)
	return nil
}

// signer is this machine's key for a role.
func (l *ledger) signer(role string) (note.Signer, error) {
	size := int64(0)
	if l.view != nil {
		size = l.view.Checkpoint.Size
	}
	held, err := l.keys.Holding(l.chain, size, role)
	if err != nil {
		return nil, err
	}
	if len(held) == 0 {
		return nil, l.undelegated(role)
	}
	// Asked now, not when the statement is ready: a build takes long.
	if _, err := l.chain.MayAppend(size, l.s.Now(), held[0].Name(), held[0].KeyHash()); errors.Is(err, trust.ErrExpired) {
		return nil, l.expired(role)
	}
	return held[0], held[0].Unlock()
}

// maySign returns an error where a log exists in which this machine's keys do
// not hold the role.
func (s *session) maySign(ctx context.Context, role string) error {
	if roots, err := s.readRoots(); err != nil || len(roots) == 0 && s.project.Config.Log == "" {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	_, err = led.signer(role)
	return err
}

// undelegated is the error where this machine has no key that may sign. It makes
// one, so that the message can hold the whole command for whoever holds the root.
func (l *ledger) undelegated(role string) error {
	if role == trust.RoleLog {
		return environment("run it where the log's key is", "this machine does not hold the key of the log %s", l.origin)
	}
	// Never one that was replaced or revoked: that cannot come back.
	key, err := l.successor(role, "")
	if err != nil {
		return err
	}
	return environment(fmt.Sprintf("whoever holds the root runs: wheellock keys delegate %s %s", role, key),
		"the root of %s does not delegate the role %s to this machine's key", l.origin, role)
}

// stateRoot states that root n is in force.
func (l *ledger) stateRoot(n int) error {
	signed := l.chain.Signed(n)
	st := record.Root{
		Head: l.head(), Number: int64(n),
		Document: hexOf(trust.Digest(signed.Document)), Signature: hexOf(trust.Digest(signed.Signatures)),
	}
	return l.state(st.Statement())
}

// stateAll states every file of a lock as the index gave it, the build
// requirements too: they are not shipped, but they made what is.
func (l *ledger) stateAll(ctx context.Context, lib *library, lk *lock.Lock) error {
	for i := range lk.Packages {
		if err := l.stateFiles(ctx, lib, &lk.Packages[i]); err != nil {
			return err
		}
	}
	return nil
}

// stateFiles states the sdist and the published wheels of a package as the index
// gave them, unless the log says so already.
func (l *ledger) stateFiles(ctx context.Context, lib *library, p *lock.Package) error {
	past, err := l.known(ctx, p.Name)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range past {
		if l.counts(e) && (e.Kind() == record.KindSource || e.Kind() == record.KindUpstream) {
			for _, f := range e.Files() {
				known[f.SHA256] = true
			}
		}
	}
	add := func(file, hash string, size int64, source bool) error {
		if known[hash] {
			return nil
		}
		known[hash] = true
		var at time.Time
		if f, err := lib.find(ctx, p.Name, file, hash); err == nil {
			at = f.Uploaded.UTC().Truncate(time.Second)
			if size == 0 {
				size = f.Size
			}
		}
		if size == 0 {
			path, err := lib.get(ctx, p.Name, file, hash, mirror.Sdist(file))
			if err != nil {
				return err
			}
			if size, err = fileSize(path); err != nil {
				return err
			}
		}
		f := record.File{Name: file, SHA256: hash, Size: size}
		if source {
			return l.state(record.Source{Head: l.head(), Name: p.Name, Version: p.Version, File: f, Uploaded: at}.Statement())
		}
		return l.state(record.Upstream{Head: l.head(), Name: p.Name, Version: p.Version, File: f, Uploaded: at}.Statement())
	}
	if p.Sdist != nil {
		if err := add(p.Sdist.Name, p.Sdist.SHA256, p.Sdist.Size, true); err != nil {
			return err
		}
	}
	for _, u := range p.Upstream {
		if err := add(u.Name, u.SHA256, u.Size, false); err != nil {
			return err
		}
	}
	for _, w := range p.Wheels {
		if w.Origin == lock.OriginUpstream {
			if err := add(w.Name, w.SHA256, w.Size, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// stateBuild states a build. Where the newest build of the same file for the
// same target had other bytes, the new one says which it supersedes and why; one
// that still waits in pending is taken back, since it never was in the log. Again is
// set for a second builder's word on what another has built, who takes back only his own.
func (l *ledger) stateBuild(ctx context.Context, b record.Build, again bool) error {
	past, err := l.known(ctx, b.Name)
	if err != nil {
		return err
	}
	for k := len(past) - 1; k >= 0 && b.Failed == ""; k-- {
		old, err := past[k].AsBuild()
		if err != nil || old.Failed != "" || old.File.Name != b.File.Name || old.Target != b.Target {
			continue
		}
		if old.File.SHA256 != b.File.SHA256 {
			if past[k].Index < 0 && again && !l.own(past[k]) {
				return finding("wheellock log append --pending (where the log is written), then build again",
					"%s came out with sha256 %s, and the statement of %s that it has %s is not in the log yet", b.File.Name, b.File.SHA256, past[k].Signer, old.File.SHA256)
			}
			if past[k].Index < 0 {
				if err := os.Remove(filepath.Join(l.pendingDir(), hashOf(past[k].Leaf))); err != nil {
					return err
				}
				continue
			}
			b.Supersedes = past[k].Index
			switch {
			case b.Reason != "":
			case old.Recipe != b.Recipe:
				b.Reason = "the recipe has changed"
			case again:
				b.Reason = "another builder has other bytes by the same recipe"
			default:
				b.Reason = "rebuilt by the same recipe with other bytes"
			}
		}
		break
	}
	if b.Supersedes == record.NoIndex && b.Failed == "" {
		b.Reason = ""
	}
	return l.state(b.Statement())
}

// own reports whether this machine's builder has signed a statement.
func (l *ledger) own(e log.Entry) bool {
	k, err := l.signer(trust.RoleBuilder)
	return err == nil && e.Signer == k.Name() && e.Hash == k.KeyHash()
}

// known is history with what waits in pending, at index -1.
func (l *ledger) known(ctx context.Context, name string) ([]log.Entry, error) {
	past, err := l.history(ctx, name)
	if err != nil {
		return nil, err
	}
	list, _, err := log.ListPending(l.pendingDir())
	if err != nil {
		return nil, err
	}
	past = slices.Clone(past)
	for _, p := range list {
		if e := (log.Entry{Index: -1, Signed: p.Signed}); e.About(name) {
			past = append(past, e)
		}
	}
	return past, nil
}

// history is everything in the log about a package, oldest first.
func (l *ledger) history(ctx context.Context, name string) ([]log.Entry, error) {
	if l.view == nil {
		return nil, nil
	}
	if got, ok := l.past[name]; ok {
		return got, nil
	}
	got, err := l.view.History(ctx, l.dir, name, l.counts)
	l.past[name] = got
	return got, err
}

// writer opens the log for appending, or returns nil where this verb may only
// leave pending statements: the log has one writer.
func (l *ledger) writer(ctx context.Context, force bool) (*log.Log, error) {
	if l.s.project.Config.Policy.Append == "pending" && !force {
		return nil, nil
	}
	size := int64(0)
	if l.view != nil {
		size = l.view.Checkpoint.Size
	}
	held, err := l.keys.Holding(l.chain, size, trust.RoleLog)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	if err := held[0].Unlock(); err != nil {
		return nil, err
	}
	if err := l.continuesProof(ctx); err != nil {
		return nil, err
	}
	o := log.Options{
		Dir: l.dir, Origin: l.origin, Signer: held[0], LogKeys: l.logKeys(), Keys: l.chain.Keys(),
		KeyDir: l.keys.Dir(), Create: l.view == nil, Now: l.s.Now,
	}
	if !l.unwitnessed {
		tell := l.tell
		if tell == nil {
			tell = l.s.app.noteWitnesses
		}
		if o.Witness, err = l.cosigning(tell); err != nil {
			return nil, err
		}
	}
	return log.Open(o)
}

// finish appends what was stated, refreshes the proof and writes proof, inputs
// and lock, in this order.
func (l *ledger) finish(ctx context.Context, lk *lock.Lock) error {
	data := lk.Format()
	if err := l.stateLock(ctx, data); err != nil {
		return err
	}
	if err := l.append(ctx); err != nil {
		return err
	}
	before, err := l.proofEdit(ctx, lk)
	if err != nil {
		return err
	}
	_, err = l.s.write(l.pins, lk, before...)
	return err
}

// stateLock states the lock as it will be written, unless the log has it.
func (l *ledger) stateLock(ctx context.Context, data []byte) error {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if err := l.s.house().Write(mirror.LockCopy(hash), data); err != nil {
		return err
	}
	past, err := l.known(ctx, "_"+record.KindLock)
	if err != nil {
		return err
	}
	for _, e := range past {
		if x, err := e.AsLock(); err == nil && x.Lock == hash && l.counts(e) {
			return nil
		}
	}
	return l.state(record.Lock{Head: l.head(), Lock: hash, Project: projectName(l.s)}.Statement())
}

func (l *ledger) pendingDir() string { return l.s.house().Path("pending") }

// append puts the signed statements into the log, or where this verb may not,
// into pending.
func (l *ledger) append(ctx context.Context) error {
	if len(l.leaves) == 0 {
		return nil
	}
	w, err := l.writer(ctx, l.forced)
	if err != nil {
		return err
	}
	if w == nil {
		for _, leaf := range l.leaves {
			if _, err := log.WritePending(l.pendingDir(), leaf); err != nil {
				return err
			}
		}
		l.leaves = nil
		return nil
	}
	if err := durable.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	if _, err := w.AppendMissing(ctx, l.leaves...); err != nil {
		return err
	}
	l.leaves, l.past = nil, map[string][]log.Entry{}
	return l.openLog(ctx)
}

// proofEdit makes the proof of a lock from the log as it is now.
func (l *ledger) proofEdit(ctx context.Context, lk *lock.Lock) ([]pyproject.Edit, error) {
	if l.view == nil {
		return nil, nil
	}
	extra, err := l.extra(ctx, lk)
	if err != nil {
		return nil, err
	}
	src, err := proof.Folder(ctx, l.dir)
	if err != nil {
		return nil, err
	}
	data, err := proof.Build(src, verify.Wants(lk), extra)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(l.s.dir, proofFile)
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil, nil
	}
	return []pyproject.Edit{{Path: proofFile, Data: data}}, nil
}

// extra are the statements about the lock, what was built with it, and the signed
// list, which belong to no package.
func (l *ledger) extra(ctx context.Context, lk *lock.Lock) ([]int64, error) {
	sum := sha256.Sum256(lk.Format())
	locked := hex.EncodeToString(sum[:])
	want := map[string]bool{locked: true}
	if _, list, err := l.s.house().ReadList(); err == nil {
		s := sha256.Sum256(list)
		want[hex.EncodeToString(s[:])] = true
	}
	var out []int64
	for _, kind := range []string{record.KindLock, record.KindPublish, record.KindArtifact} {
		past, err := l.history(ctx, "_"+kind)
		if err != nil {
			return nil, err
		}
		for _, e := range past {
			if x, err := e.AsLock(); err == nil && want[x.Lock] {
				out = append(out, e.Index)
			}
			if x, err := e.AsPublish(); err == nil && want[x.File.SHA256] {
				out = append(out, e.Index)
			}
			if x, err := e.AsArtifact(); err == nil && x.Lock == locked {
				out = append(out, e.Index)
			}
		}
	}
	return out, nil
}
