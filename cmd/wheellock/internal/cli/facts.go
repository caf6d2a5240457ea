package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/verify"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// facts gathers what the work order is computed from. It believes the proof, not
// the log: the proof is what everybody else will have. What is wrong with files
// that are there is for verify to say; here they only do not count.
func (s *session) facts(ctx context.Context) (workorder.Input, error) {
	c := s.project.Config
	in := workorder.Input{
		Lock: s.locked,
		Policy: workorder.Policy{
			Wheels: c.Policy.Wheels, Mirror: c.Policy.Mirror, Append: c.Policy.Append, Versions: c.Versions,
			Builders: c.Policy.Builders, Reviews: c.Policy.Reviews, Witnesses: c.Policy.Witnesses,
		},
		Held: map[string]bool{}, Signed: map[string]bool{}, Paged: map[string]bool{}, Logged: map[string]bool{},
		Reviews: map[string]int{}, Builders: map[string]int{}, Seconds: map[string]float64{},
		LogEntry: map[string]int64{}, Unbuildable: map[string]workorder.Obstacle{}, Root: "none",
	}
	v, err := s.readProof()
	if err != nil {
		s.say("warning: %s: %v; run wheellock verify", proofFile, err)
	}
	var chain *trust.Chain
	size := int64(1)
	if v != nil {
		chain, size = v.Chain, v.Size
		in.Witnesses = len(v.Cosigned)
		s.logFacts(&in, v)
	} else if roots, err := s.readRoots(); err == nil && len(roots) > 0 {
		// Before the first append the roots of the wheelhouse are all there is.
		chain, _ = trust.VerifyChain(originOf(c.Log), roots, s.rootPins())
	}
	if chain != nil {
		in.Root = "adopted"
		if chain.Provisional() {
			in.Root = "provisional"
		}
		s.signedFacts(&in, chain, size)
	}
	if err := s.pendingFacts(&in); err != nil {
		return in, err
	}
	s.fileFacts(&in)
	s.placeFacts(ctx, &in)
	return in, nil
}

// readProof reads and verifies the project's proof; nil when there is none.
func (s *session) readProof() (*proof.Verified, error) {
	data, err := readCapped(filepath.Join(s.dir, proofFile), maxProof)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return proof.Verify(data, proof.Pins{Root: s.rootPins(), Log: s.project.Config.Log}, verify.Wants(s.locked))
}

// logFacts takes over what the proof's statements say about the locked files.
func (s *session) logFacts(in *workorder.Input, v *proof.Verified) {
	var waiting []*record.Signed
	if list, _, err := log.ListPending(s.house().Path("pending")); err == nil {
		for _, p := range list {
			waiting = append(waiting, p.Signed)
		}
	}
	c := verify.Tally(v, s.locked, waiting...)
	in.Logged, in.LogEntry, in.Builders, in.Reviews = c.Logged, c.LogEntry, c.Builders, c.Reviews
	in.LockKnown = c.LockKnown
}

func hashOf(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

// signedFacts: a file is signed when the list that names it has the note
// signature of a publisher.
func (s *session) signedFacts(in *workorder.Input, chain *trust.Chain, size int64) {
	list, err := s.signedList(chain, size)
	if err != nil {
		return
	}
	for _, l := range list {
		in.Signed[l.SHA256] = true
	}
}

// signedList reads sha256sums.txt and checks its note signature by a key that
// holds the role publisher at a size of the log.
func (s *session) signedList(chain *trust.Chain, size int64) ([]mirror.Listed, error) {
	list, data, err := s.house().ReadList()
	if err != nil {
		return nil, err
	}
	msg, err := readCapped(s.house().Path(mirror.SignFile), 1<<16)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for _, h := range chain.Holders(max(size-1, 0), trust.RolePublisher) {
		keys = append(keys, h.Verifier)
	}
	opened, err := note.Open(msg, note.List(keys...))
	if err != nil {
		return nil, err
	}
	if opened.Text != mirror.ListNote(chain.Root(0).Origin, data) {
		return nil, errors.New("the signature is for another list")
	}
	return list, nil
}

// pendingFacts counts the statements that wait to be appended.
func (s *session) pendingFacts(in *workorder.Input) error {
	list, _, err := log.ListPending(s.house().Path("pending"))
	if err != nil {
		return err
	}
	in.Pending = len(list)
	lockHash := hashOf(s.raw)
	for _, p := range list {
		if l, err := p.AsLock(); err == nil && l.Lock == lockHash {
			in.LockKnown = true
		}
	}
	return nil
}

// fileFacts looks which files the wheelhouse holds and which pages link them.
func (s *session) fileFacts(in *workorder.Input) {
	if s.readOnly() {
		return
	}
	house := s.house()
	in.HasPages = exists(house.Path("simple"))
	if !in.HasPages && !exists(house.Path("wheels")) {
		return
	}
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.SHA256 == "" {
				continue
			}
			held, paged := true, true
			for _, t := range s.locked.WheelTargets(p, w) {
				held = held && house.Has(mirror.Wheel(w.Name, t), w.Size)
				page, err := os.ReadFile(house.Path("simple/" + t + "/" + p.Name + "/index.html"))
				paged = paged && err == nil && strings.Contains(string(page), w.SHA256)
			}
			in.Held[w.SHA256], in.Paged[w.SHA256] = held, paged
		}
	}
}

// placeFacts asks for each target with something to build whether this machine
// can.
func (s *session) placeFacts(ctx context.Context, in *workorder.Input) {
	var sandbox *build.SandboxError
	asked := false
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		for k := range p.Wheels {
			w := &p.Wheels[k]
			rec := s.locked.Recipe(w.Recipe)
			if p.Group == lock.GroupBuild || !w.Missing() || rec == nil {
				continue
			}
			if !asked {
				asked = true
				errors.As(s.builder().CheckSandbox(ctx), &sandbox)
			}
			for _, t := range s.locked.WheelTargets(p, w) {
				s.placeFact(ctx, in, t, rec.Python, sandbox, p.KindOf(w))
			}
		}
	}
}

func (s *session) placeFact(ctx context.Context, in *workorder.Input, name, tag string, sandbox *build.SandboxError, kind lock.Kind) {
	target, err := s.target(name)
	if err != nil || kind == lock.Pure && target.PythonTag() != tag {
		// A pure wheel is built with another of its targets' Python; whether
		// that is here says nothing about this target.
		return
	}
	o := in.Unbuildable[name]
	var no *build.NoPlaceError
	if sandbox != nil {
		o.Pure, o.Ways = sandbox.Error(), []string{sandbox.Fix}
	} else if errors.As(s.builder().CanBuild(ctx, target, tag, false), &no) {
		o.Pure, o.Ways = no.Why, no.Ways
	} else if errors.As(s.builder().CanBuild(ctx, target, tag, true), &no) {
		o.Native, o.Ways = no.Why, no.Ways
	}
	if o.Pure != "" || o.Native != "" {
		in.Unbuildable[name] = o
	}
}
