package verify

import (
	"context"
	"crypto/ed25519"
	"errors"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// attested reads the attestation of every build statement that stands behind the
// lock. That one is not here says nothing about the lock, which its proof proves; that
// one speaks of another build than its statement means that somebody lies.
func (c *checker) attested(ctx context.Context) error {
	here := map[string]*scanned{}
	for i := range c.files {
		here[c.files[i].rel] = &c.files[i]
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	seen := map[*fact]bool{}
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Missing() || !c.selected(c.lock.WheelTargets(p, w)) {
				continue
			}
			c.recipeEvidence(p, w, here)
			for _, f := range c.book.builds(c.lock, p, w).by {
				if seen[f] {
					continue
				}
				seen[f] = true
				g.Go(func() error {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					return c.attestation(f, here)
				})
			}
		}
	}
	return g.Wait()
}

// attestation holds the evidence of one build statement against it.
func (c *checker) attestation(f *fact, here map[string]*scanned) error {
	id := f.name + " " + f.version
	again := "wheellock build --agree " + f.name
	if f.build.Evidence == "" {
		c.addFor("attestation-missing", again, id, "%s by %s names no evidence of how it was built", f.place(), f.who)
		return nil
	}
	rel := mirror.Evidence(f.build.Evidence)
	if !c.evidence(f, here, "attestation", rel) {
		return nil
	}
	data, err := c.read(rel, attest.MaxSize)
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	if len(data) == 0 || data[0] != '{' {
		c.addFor("attestation-missing", again, id, "the evidence of %s by %s is no attestation (%s)", f.place(), f.who, rel)
		return nil
	}
	p, err := attest.Check(data, f.build, f.who, ed25519.PublicKey(f.key))
	switch {
	case errors.Is(err, attest.ErrForged):
		c.add("attestation-forged", c.show(rel), "%s of %s names it as evidence: %v", f.place(), id, err)
	case errors.Is(err, attest.ErrDiffers):
		c.add("attestation-differs", c.show(rel), "%s of %s names it as evidence: %v", f.place(), id, err)
	case err != nil:
		c.add("attestation-malformed", c.show(rel), "%s of %s names it as evidence: %v", f.place(), id, err)
	default:
		c.evidence(f, here, "build log", mirror.Evidence(p.BuildLog))
		c.evidence(f, here, "comparison", mirror.Evidence(p.Comparison))
	}
	return nil
}

// recipeEvidence says which files the recipe of a wheel names that are not here: nobody
// could build by it again.
func (c *checker) recipeEvidence(p *lock.Package, w *lock.Wheel, here map[string]*scanned) {
	rec := c.lock.Recipe(w.Recipe)
	if rec == nil {
		return
	}
	for _, e := range [][2]string{{"container", rec.Container}, {"list of vendored files", rec.Vendored}} {
		if rel := mirror.Evidence(strings.TrimPrefix(e[1], "sha256:")); e[1] != "" && here[rel] == nil {
			c.add("evidence-missing", c.show(rel), "the %s of the recipe of %s %s is not here", e[0], p.Name, p.Version)
		}
	}
}

// evidence reports whether a file of evidence is here with its bytes. Where it is here
// with others, or not fetched, that is said of the file itself.
func (c *checker) evidence(f *fact, here map[string]*scanned, what, rel string) bool {
	at := here[rel]
	if at == nil {
		c.add("evidence-missing", c.show(rel), "the %s of %s %s by %s (%s) is not here", what, f.name, f.version, f.who, f.place())
		return false
	}
	return mirror.Evidence(at.hash) == rel && !at.pointer
}
