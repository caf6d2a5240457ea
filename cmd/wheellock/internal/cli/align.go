package cli

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// maxLocks is how many locks of other projects in a wheelhouse are read for
// what they have ready.
const maxLocks = 256

// choose puts into the request how the project chooses versions.
func (s *session) choose(ctx context.Context, req *resolve.Request, c pyproject.Config) error {
	req.Versions, req.BoundedBy, req.BuildAll = c.Versions, c.Bound(), c.Policy.Wheels != "upstream"
	switch c.Prefer {
	case "lowest":
		req.Strategy = resolve.Lowest
	case "least-work":
		var err error
		req.Ready, err = s.ready(ctx, req.Targets)
		return err
	}
	return nil
}

type readyMap = map[string]map[string]map[string]resolve.Ready

// alignment is what the choice cost, for people.
func alignment(versions string, a resolve.Alignment) workorder.Alignment {
	out := workorder.Alignment{Versions: versions, Distinct: a.Together.Versions, Alone: a.Alone.Versions, Held: []workorder.Held{}}
	for _, h := range a.Held {
		out.Held = append(out.Held, workorder.Held{Package: h.Name, Target: h.Target, Version: h.Version.String(),
			Alone: h.Alone.String(), Days: int(h.Behind / (24 * time.Hour)), Why: h.Why})
	}
	return out
}

// align puts what choosing cost into the order, and which targets a new version
// lost.
func (r *relocked) align(o *workorder.Order) {
	o.Coverage = r.coverage
	o.SetAlignment(alignment(r.project.Config.Versions, r.solution.Alignment))
}

// ready is what work is done already, in this project and in the others that
// share its wheelhouse.
func (s *session) ready(ctx context.Context, targets []tags.Target) (readyMap, error) {
	out := readyMap{}
	var led *ledger
	if s.project.Config.Policy.Reviews > 0 && !s.readOnly() {
		// Without a log nothing has been reviewed, which is no error here.
		led, _ = s.ledger(ctx, false)
	}
	for _, l := range s.locks() {
		for _, t := range targets {
			if had := l.Target(t.Name); had == nil || !sameTarget(had, t) {
				continue
			}
			if out[t.Name] == nil {
				out[t.Name] = map[string]map[string]resolve.Ready{}
			}
			for i := range l.Packages {
				p := &l.Packages[i]
				if p.Group == lock.GroupBuild || !p.Covers(t.Name) {
					continue
				}
				r := s.readyOne(ctx, led, l, p, t.Name)
				if r == (resolve.Ready{}) {
					continue
				}
				if out[t.Name][p.Name] == nil {
					out[t.Name][p.Name] = map[string]resolve.Ready{}
				}
				was := out[t.Name][p.Name][p.Version]
				out[t.Name][p.Name][p.Version] = resolve.Ready{Reviewed: was.Reviewed || r.Reviewed, Built: was.Built || r.Built, Mirrored: was.Mirrored || r.Mirrored}
			}
		}
	}
	return out, ctx.Err()
}

// locks are the project's own and those that the wheelhouse keeps. A copy that
// cannot be read is verify's business.
func (s *session) locks() []*lock.Lock {
	var list []*lock.Lock
	if s.locked != nil {
		list = append(list, s.locked)
	}
	if s.readOnly() {
		return list
	}
	entries, err := os.ReadDir(s.house().Path("locks"))
	if err != nil {
		return list
	}
	for _, e := range entries[:min(len(entries), maxLocks)] {
		data, err := readCapped(s.house().Path(mirror.LockCopy(e.Name())), lock.MaxSize)
		if err != nil || hashOf(data) != e.Name() {
			continue
		}
		if l, err := lock.Parse(e.Name(), data); err == nil {
			list = append(list, l)
		}
	}
	return list
}

// sameTarget: a wheel for the same name on another libc is not ready for ours.
func sameTarget(l *lock.Target, t tags.Target) bool {
	implementation := l.Implementation
	if implementation == "" {
		implementation = "cpython"
	}
	return l.Python == t.Python && l.Platform == t.Platform && implementation == t.Implementation && l.ABI == t.ABI
}

func (s *session) readyOne(ctx context.Context, led *ledger, l *lock.Lock, p *lock.Package, target string) resolve.Ready {
	var r resolve.Ready
	w := l.WheelFor(p, target)
	if w == nil {
		return r
	}
	if !w.Missing() {
		// An upstream wheel is work that is done only where the policy takes it.
		r.Built = w.Origin == lock.OriginBuilt || w.Recipe != "" || s.project.Config.Policy.Wheels == "upstream"
		r.Mirrored = !s.readOnly() && s.house().Has(mirror.Wheel(w.Name, target), w.Size)
	}
	if p.Sdist != nil && led != nil {
		r.Reviewed = led.reviews(ctx, p.Name, p.Sdist.SHA256) >= s.project.Config.Policy.Reviews
	}
	return r
}

// reviews counts who reviewed a source.
func (l *ledger) reviews(ctx context.Context, name, source string) int {
	past, err := l.known(ctx, name)
	if err != nil {
		return 0
	}
	var who []string
	for _, e := range past {
		if r, err := e.AsReview(); err == nil && r.Source == source && !slices.Contains(who, e.Signer) {
			who = append(who, e.Signer)
		}
	}
	return len(who)
}
