package verify

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// A Count is what a proof's statements say about the files of a lock. All keys
// are hex sha256 of files.
type Count struct {
	Builders  map[string]int   // distinct builders whose build backs the locked wheel, or proves it equal
	Reviews   map[string]int   // distinct reviewers of the source
	Logged    map[string]bool  // a source, upstream or build statement backs the locked file
	LogEntry  map[string]int64 // log index of the newest build statement that gave it
	LockKnown bool             // a lock statement is for exactly this lock
}

// Tally counts what backs a lock, by the rules of the package comment. Statements
// by stolen keys do not count. A nil v counts nothing. Of the statements that wait for
// the log those count as a builder's word that it would take; nothing else of them does.
func Tally(v *proof.Verified, l *lock.Lock, waiting ...*record.Signed) Count {
	b := newBook(nil)
	if v == nil {
		return b.tally(l, hashOf(l.Format()))
	}
	b.addProof(v)
	c := b.tally(l, hashOf(l.Format()))
	for _, s := range waiting {
		if key, _ := delegate(v.Chain, s.Role(), s.Signer, s.Hash); key != nil && s.Log() == v.Chain.Newest().Origin && s.Verify(key) {
			b.add(pending, -1, key.String(), false, s)
		}
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		for k := range p.Wheels {
			if w := &p.Wheels[k]; !w.Missing() {
				c.Builders[w.SHA256] = max(c.Builders[w.SHA256], b.builds(l, p, w).builders(pending))
			}
		}
	}
	return c
}

func (b *book) tally(l *lock.Lock, lockHash string) Count {
	c := Count{Builders: map[string]int{}, Reviews: map[string]int{}, Logged: map[string]bool{}, LogEntry: map[string]int64{}}
	where, ok := b.locks[lockHash]
	c.LockKnown = ok && where == inProof
	note := func(hash string, k backing) {
		if k.answer == backed && k.best() == inProof {
			c.Logged[hash] = true
		}
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if s := p.Sdist; s != nil {
			note(s.SHA256, b.file(record.KindSource, p, s.Name, s.SHA256, s.Size))
			c.Reviews[s.SHA256] = len(b.reviews[s.SHA256])
		}
		for k := range p.Upstream {
			u := &p.Upstream[k]
			note(u.SHA256, b.file(record.KindUpstream, p, u.Name, u.SHA256, u.Size))
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Missing() {
				continue
			}
			builds := b.builds(l, p, w)
			c.Builders[w.SHA256] = max(c.Builders[w.SHA256], builds.builders(inProof))
			for _, f := range builds.by {
				if f.where == inProof && f.file.SHA256 == w.SHA256 {
					c.LogEntry[w.SHA256] = f.number
				}
			}
			if w.Origin == lock.OriginUpstream {
				builds = b.file(record.KindUpstream, p, w.Name, w.SHA256, w.Size)
			}
			note(w.SHA256, builds)
		}
	}
	return c
}

// builds gives the build statements that stand behind a wheel in use.
func (b *book) builds(l *lock.Lock, p *lock.Package, w *lock.Wheel) backing {
	if w.Origin == lock.OriginUpstream {
		return b.proven(l, p, w)
	}
	return b.wheel(l, p, w)
}

// Wants names what a proof of a lock must hold completely.
func Wants(l *lock.Lock) []proof.Want {
	var out []proof.Want
	at := map[string]int{}
	for i := range l.Packages {
		p := &l.Packages[i]
		k, ok := at[p.Name]
		if !ok {
			k = len(out)
			at[p.Name] = k
			out = append(out, proof.Want{Name: p.Name})
		}
		if !contains(out[k].Versions, p.Version) {
			out[k].Versions = append(out[k].Versions, p.Version)
		}
	}
	return out
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
