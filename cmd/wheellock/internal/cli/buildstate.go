package cli

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// state keeps the evidence of an outcome and states its build. What came out is
// attested; what did not has its log as evidence.
func (r *buildRun) state(ctx context.Context, led *ledger, o *rebuild.Outcome, b record.Build) (err error) {
	if o.Failure != nil {
		if b.Evidence, err = r.house().Keep(o.Evidence()); err != nil {
			return err
		}
		return led.stateBuild(ctx, b, r.second)
	}
	signer, err := led.signer(trust.RoleBuilder)
	if err != nil {
		return err
	}
	if said, err := led.said(ctx, b, o.Times, signer); err != nil || said {
		return err
	}
	if b.Evidence, err = r.attest(led, o, signer); err != nil {
		return err
	}
	return led.stateBuild(ctx, b, r.second)
}

// attest writes an outcome's attestation, with its log and comparison, into the
// wheelhouse, and returns its hash.
func (r *buildRun) attest(led *ledger, o *rebuild.Outcome, signer note.Signer) (string, error) {
	buildLog, err := r.house().Keep(o.Result.Log)
	if err != nil {
		return "", err
	}
	comparison, err := r.house().Keep(o.Comparison())
	if err != nil {
		return "", err
	}
	for _, list := range []string{o.Result.PlaceList, string(o.Vendored)} {
		if list == "" {
			continue
		}
		if _, err := r.house().Keep([]byte(list)); err != nil {
			return "", err
		}
	}
	p := o.Provenance(buildLog, comparison)
	p.Log, p.Builder, p.Wheellock = led.origin, attest.KeyID(signer.Name(), signer.KeyHash()), strings.ReplaceAll(version(), " ", "-")
	data, err := attest.Seal(p, signer)
	if err != nil {
		return "", err
	}
	return r.house().Keep(data)
}

// said reports whether the newest word of a builder about a file and target is just
// this, and its attestation, of at least as many builds, is at hand: to say it again
// would say nothing. Another builder's word of other bytes since is a reason to repeat
// one's own.
func (l *ledger) said(ctx context.Context, b record.Build, times int, signer note.Signer) (bool, error) {
	past, err := l.known(ctx, b.Name)
	if err != nil {
		return false, err
	}
	for k := len(past) - 1; k >= 0; k-- {
		old, err := past[k].AsBuild()
		if err != nil || old.Failed != "" || old.File.Name != b.File.Name || old.Target != b.Target {
			continue
		}
		if past[k].Signer != signer.Name() || past[k].Hash != signer.KeyHash() {
			if old.File.SHA256 != b.File.SHA256 {
				return false, nil
			}
			continue
		}
		if !l.counts(past[k]) || claim(old, b) != claim(b, b) {
			return false, nil
		}
		_, p, err := l.attestation(past[k], &old)
		return err == nil && p.Times >= times, nil
	}
	return false, nil
}

// claim is a build statement but for when and with what evidence it was made, and what
// it took the place of.
func claim(b, like record.Build) string {
	b.Head, b.Evidence, b.Reason, b.Supersedes = like.Head, "", "", record.NoIndex
	st, err := b.Statement()
	if err != nil {
		return err.Error()
	}
	return string(st.Text())
}

// attestation reads the attestation of a build statement, with its bytes, and holds it
// against the statement; its log and comparison have to be there, too.
func (l *ledger) attestation(e log.Entry, b *record.Build) ([]byte, *attest.Provenance, error) {
	data, err := readCapped(l.s.house().Path(mirror.Evidence(b.Evidence)), attest.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	at := e.Index
	if at < 0 {
		at = l.size()
	}
	h, err := l.chain.Holder(at, e.Signer, e.Hash)
	if err != nil {
		return nil, nil, err
	}
	p, err := attest.Check(data, b, attest.KeyID(e.Signer, e.Hash), ed25519.PublicKey(trust.Material(h.Key)))
	if err != nil {
		return nil, nil, err
	}
	for _, hash := range []string{p.BuildLog, p.Comparison} {
		if sum, err := l.s.house().Hash(mirror.Evidence(hash)); err != nil || sum != hash {
			return nil, nil, fmt.Errorf("evidence %s is not here", hash)
		}
	}
	return data, p, nil
}
