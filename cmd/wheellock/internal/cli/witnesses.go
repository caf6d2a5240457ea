package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/trust"
	"github.com/freedomofpress/wheellock/sumdb/witness"
)

// policyName is the file of the log's folder that says who its witnesses are.
const policyName = "policy"

// policy is the witness policy that the newest root names; nil where it names
// none.
func (l *ledger) policy() (*policy.Policy, error) {
	digest := l.chain.Newest().Policy
	if digest == "" {
		return nil, nil
	}
	text, err := l.policyText(digest)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, finding("wheellock log policy FILE puts another one into force", "log/%s: %v", policyName, err)
	}
	return p, nil
}

// policyText reads a policy by its hash: log/policy, or the copy in evidence,
// where one waits whose root is still being signed elsewhere.
func (l *ledger) policyText(digest string) ([]byte, error) {
	path := l.s.house().Path(mirror.LogFolder + "/" + policyName)
	text, err := readCapped(path, policy.MaxSize)
	if err == nil && trust.Digest(text) == digest {
		return text, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	hash := strings.TrimPrefix(digest, "sha256:")
	if text, err := readCapped(l.s.house().Path(mirror.Evidence(hash)), policy.MaxSize); err == nil && trust.Digest(text) == digest {
		return text, l.s.house().Write(mirror.LogFolder+"/"+policyName, text)
	}
	return nil, finding("restore log/policy from a copy (git log -- log/policy)", "log/%s is not the file that root %d names", policyName, l.chain.Newest().Number)
}

// cosigning is log.Options.Witness of this log; nil without a policy. tell is
// told of witnesses that did not sign although the quorum did.
func (l *ledger) cosigning(tell func(failed []error)) (func(context.Context, int64, []byte, *store.Tree) ([]byte, error), error) {
	p, err := l.policy()
	if err != nil || p == nil || len(p.Witnesses) == 0 {
		return nil, err
	}
	return func(ctx context.Context, old int64, msg []byte, tree *store.Tree) ([]byte, error) {
		if l.s.offline && p.Needs() > 0 {
			return nil, environment("run it again without --offline", "the log's witnesses have to be asked, and --offline forbids it")
		}
		cosigned, failed, err := witness.Gather(ctx, p, old, msg, tree, l.s.app.Now())
		if err == nil {
			tell(failed)
		}
		return cosigned, err
	}, nil
}

// noteWitnesses names the witnesses that did not sign although the quorum did,
// and remembers a fork: the verb ends with it, whatever else it did.
func (a *app) noteWitnesses(failed []error) {
	for _, f := range failed {
		if witness.IsFork(f) {
			a.late = forked(f)
			continue
		}
		a.say("note: %s", term.Clean(f.Error()))
	}
}

// forked is the loudest error there is: somebody has seen another history.
func forked(err error) error {
	return finding("stop: find out who else signs with the log's key (another clone or backup of it), before anything else is released",
		"fork: %v", err)
}

// witnessError tells of a quorum that was not reached.
func witnessError(err error, e *Error) bool {
	var missing *witness.MissingError
	if !errors.As(err, &missing) {
		return false
	}
	if witness.IsFork(err) {
		*e = *forked(err).(*Error)
		return true
	}
	e.Code = Environment
	if !errors.Is(err, log.ErrUnfinished) {
		e.Msg = fmt.Sprintf("too few witnesses cosigned; the checkpoint stays as it was: %v", missing)
		e.Hint = "run the same command again once they answer, or name others with wheellock log policy"
		return true
	}
	e.Msg = fmt.Sprintf("too few witnesses cosigned; nothing is published: %v", missing)
	e.Hint = "what was stated is kept and goes first at the next try: wheellock log append --pending, once they answer (or wheellock log policy names others)"
	return true
}

// logCosign asks the witnesses to sign the published checkpoint again.
func (a *app) logCosign(ctx context.Context) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	if p, err := led.policy(); err != nil || p == nil || len(p.Witnesses) == 0 {
		if err == nil {
			err = invalid("wheellock log policy --witness 'VKEY URL'", "the log %s has no witnesses", led.origin)
		}
		return err
	}
	w, err := led.writer(ctx, true)
	if err != nil {
		return err
	}
	if w == nil {
		return environment("run it where the log's key is", "this machine does not hold the key of the log %s", led.origin)
	}
	if _, err := w.Cosign(ctx); err != nil {
		return err
	}
	if err := led.openLog(ctx); err != nil {
		return err
	}
	before, err := led.proofEdit(ctx, s.locked)
	if err != nil {
		return err
	}
	_, err = s.write(led.pins, s.locked, before...)
	return err
}
