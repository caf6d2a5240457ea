package cli

import (
	"context"
	"errors"
	"os"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// bothKeys are the log's keys by either of two chains.
type bothKeys [2]note.Verifiers

func (b bothKeys) Verifier(name string, hash uint32) (note.Verifier, error) {
	if v, err := b[0].Verifier(name, hash); err == nil {
		return v, nil
	}
	return b[1].Verifier(name, hash)
}

// logKeys may have signed checkpoints. While a root comes into force that calls
// the log's key stolen, the checkpoint in the folder is still by that key: whoever
// states the root signs it anew, so the old key counts for this one time.
func (l *ledger) logKeys() note.Verifiers {
	if l.before == nil {
		return l.chain.LogKeys()
	}
	return bothKeys{l.chain.LogKeys(), l.before.LogKeys()}
}

// adoptRoot brings a signed root into the wheelhouse, and into force if the log's
// key is here: document, statement, proof, pins. stated is false where the root
// waits for whoever has that key.
func (l *ledger) adoptRoot(ctx context.Context, signed trust.Signed) (stated bool, err error) {
	n := l.chain.Len()
	next, err := l.placedAfter(signed)
	if err != nil {
		return false, err
	}
	here, err := l.mayState(next)
	if err != nil {
		return false, err
	}
	if err := l.writeRoot(n, signed); err != nil || !here {
		return false, err
	}
	if err := l.putInForce(ctx, next); err != nil {
		// The log did not take it, so it is not in force: nothing may be left of it,
		// unless an append was begun that the next verb completes.
		if !errors.Is(err, log.ErrUnfinished) {
			path := l.s.rootPath(n)
			os.Remove(path)
			os.Remove(path + ".asc")
		}
		return false, err
	}
	// What lies in pending is not in force yet.
	return !l.leavesPending(), l.refresh(ctx)
}

// refresh makes proof and pins anew after a change of the root. It states nothing,
// since whoever changes the root need not be a builder.
func (l *ledger) refresh(ctx context.Context) error {
	before, err := l.proofEdit(ctx, l.s.locked)
	if err != nil {
		return err
	}
	_, err = l.s.write(l.pins, l.s.locked, before...)
	return err
}

// placedAfter is the chain with one root more, which has the place that its
// statement will have.
func (l *ledger) placedAfter(signed trust.Signed) (*trust.Chain, error) {
	next, err := l.chain.Extend(signed)
	if err != nil {
		return nil, err
	}
	at := l.size() + int64(len(l.leaves))
	var places []int64
	for i := range l.chain.Len() {
		p := l.chain.Position(i)
		if p < 0 || len(places) > 0 && p <= places[len(places)-1] {
			return next, nil // one waits in pending: its place is not known
		}
		places = append(places, p)
	}
	if at <= places[len(places)-1] {
		return next, nil
	}
	return next, next.Place(append(places, at))
}

func (l *ledger) size() int64 {
	if l.view == nil {
		return 0
	}
	return l.view.Checkpoint.Size
}

// mayState reports whether this machine states a root now: it has the log's key by
// that root. Under append = "pending" the root waits as a document, since its pins
// must not come before it is in force; but for a log that is still empty, whose
// every statement waits.
func (l *ledger) mayState(next *trust.Chain) (bool, error) {
	if l.leavesPending() && l.view != nil {
		return false, nil
	}
	held, err := l.keys.Holding(next, l.size()+int64(len(l.leaves)), trust.RoleLog)
	return len(held) > 0, err
}

// leavesPending reports whether this verb may only leave pending statements.
func (l *ledger) leavesPending() bool {
	return l.s.project.Config.Policy.Append == "pending" && !l.forced
}

// putInForce states the last root of next. The file is there already.
func (l *ledger) putInForce(ctx context.Context, next *trust.Chain) error {
	before := l.chain
	l.before, l.chain = before, next
	err := l.stateRoot(next.Len() - 1)
	if err == nil {
		err = l.append(ctx)
	}
	l.before = nil
	if err != nil {
		l.chain = before
		return err
	}
	return l.pin(next)
}

// takeWaiting states the roots that wait for the log's key, where it is here, and
// gives their number. They are signed by their quorum, so nothing is left to decide.
func (l *ledger) takeWaiting(ctx context.Context, force bool) (int, error) {
	taken := 0
	if l.leavesPending() && !force {
		return 0, nil
	}
	for len(l.waiting) > 0 {
		next, err := l.placedAfter(l.waiting[0])
		if err != nil {
			return taken, err
		}
		held, err := l.keys.Holding(next, l.size(), trust.RoleLog)
		if err != nil || len(held) == 0 {
			return taken, err
		}
		w := l.forced
		l.forced = w || force
		err = l.putInForce(ctx, next)
		l.forced = w
		if err != nil {
			return taken, err
		}
		l.waiting = l.waiting[1:]
		taken++
	}
	return taken, nil
}

// noWaiting is the error where a root waits that this machine cannot state: the
// next one would take its number.
func (l *ledger) noWaiting(ctx context.Context) error {
	n, err := l.takeWaiting(ctx, false)
	if err == nil && n > 0 {
		err = l.refresh(ctx)
	}
	if err != nil || len(l.waiting) == 0 {
		return err
	}
	return finding("where the log's key is: wheellock log append --pending; to give it up: remove the two files",
		"%s/root/%d.toml is signed, and waits for the log to state it", mirror.LogFolder, l.chain.Len())
}

// expired is the error where a role, or the root, takes no new statements.
func (l *ledger) expired(role string) error {
	r := l.chain.Newest()
	at := r.Expires
	for _, k := range r.Roles {
		if k.Name == role && k.Expires.Before(at) {
			at = k.Expires
		}
	}
	return finding("whoever holds the root runs: wheellock keys renew",
		"the role %s of %s expired on %s: nothing new is signed; what was signed stays valid", role, l.origin, at.Format("2006-01-02"))
}

// counts is false for what a stolen key signed: another key has to state it again.
func (l *ledger) counts(e log.Entry) bool {
	if e.Index < 0 {
		return true
	}
	_, err := l.chain.Holder(e.Index, e.Signer, e.Hash)
	return !errors.Is(err, trust.ErrStolen)
}
