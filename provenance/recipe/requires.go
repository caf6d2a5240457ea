package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// later are the cut-offs tried after the publisher's own, when nothing that old
// runs on the target's Python; the last one is none.
var later = []time.Duration{180 * day, 365 * day, 2 * 365 * day, 4 * 365 * day, -1}

const day = 24 * time.Hour

// requires resolves the static build requirements for a target. Build tools are
// wheels as published. What the clues pin is let go only where it makes the
// requirements impossible, and then said.
func (pl *planner) requires(ctx context.Context, t tags.Target, sys metadata.BuildSystem, inf inferred) ([]resolve.Pin, []string, error) {
	if len(sys.Requires) > MaxRequires {
		return nil, nil, fmt.Errorf("[build-system] has %d requirements, at most %d are read", len(sys.Requires), MaxRequires)
	}
	static, err := replaced(sys.Requires, inf.own)
	if err != nil {
		return nil, nil, err
	}
	roots, err := forTarget(static, t)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range inf.extra {
		r, err := pep508.Parse(text)
		if err != nil {
			return nil, nil, err
		}
		roots = append(roots, r)
	}
	if len(roots) == 0 {
		return nil, nil, nil // a backend of the source's own that needs nothing
	}
	pins, notes, err := pl.search(ctx, t, roots, inf)
	if err != nil || !usesSetuptools(sys) || has(pins, "wheel") {
		return pins, notes, err
	}
	for _, p := range pins {
		if p.Name == "setuptools" && p.Version.Compare(pep440.MustParse("70.1")) < 0 {
			// Its hook get_requires_for_build_wheel asks for wheel, always.
			return pl.search(ctx, t, append(roots, pep508.Requirement{Name: "wheel"}), inf)
		}
	}
	return pins, notes, nil
}

func has(pins []resolve.Pin, name string) bool {
	return slices.ContainsFunc(pins, func(p resolve.Pin) bool { return p.Name == name })
}

// forTarget keeps the requirements whose markers hold on the target.
func forTarget(rs []pep508.Requirement, t tags.Target) ([]pep508.Requirement, error) {
	env := t.Environment()
	var out []pep508.Requirement
	for _, r := range rs {
		if r.URL != "" {
			return nil, fmt.Errorf("build requirement %s is an address, which cannot be locked", r.String())
		}
		if r.Marker != nil {
			ok, err := r.Marker.Eval(env)
			if err != nil {
				return nil, fmt.Errorf("build requirement %s: %w", r.String(), err)
			}
			if !ok {
				continue
			}
			r.Marker = nil
		}
		out = append(out, r)
	}
	return out, nil
}

// search tries the pins with the publisher's cut-off, then with later ones, then
// the same with the sources' own bounds on a tool that the wheel names let go (a
// front end with a backend built in, as uv, does not ask them), then without pins. One solve without cut-off tells first whether the pins
// are at fault, so that at most one row of tries is made in vain.
func (pl *planner) search(ctx context.Context, t tags.Target, roots []pep508.Requirement, inf inferred) ([]resolve.Pin, []string, error) {
	var first error
	type attempt struct {
		roots []pep508.Requirement
		pins  map[string]string
		notes []string
	}
	tries := []attempt{{roots, inf.pins, nil}}
	if lifted, notes := unbound(roots, inf.pins); notes != nil {
		tries = append(tries, attempt{lifted, inf.pins, notes})
	}
	if len(inf.pins) > 0 {
		tries = append(tries, attempt{roots, nil, dropped(inf, t)})
	}
	for _, a := range tries {
		roots, pins := a.roots, a.pins
		got, err := pl.try(ctx, t, roots, pins, inf.cutoff)
		if err == nil {
			return got, a.notes, nil
		}
		if first == nil {
			first = err
		}
		if !impossible(err) {
			return nil, nil, err
		}
		if inf.cutoff.IsZero() {
			continue
		}
		if _, err := pl.try(ctx, t, roots, pins, time.Time{}); err != nil {
			if !impossible(err) {
				return nil, nil, err
			}
			continue
		}
		for _, d := range later {
			cutoff, text := inf.cutoff.Add(d), fmt.Sprintf("build requirements of up to %d days after the published wheel are allowed: older ones do not resolve", d/day)
			if d < 0 {
				cutoff, text = time.Time{}, "build requirements of any date are allowed: older ones do not resolve"
			}
			if got, err := pl.try(ctx, t, roots, pins, cutoff); err == nil {
				got, err = pl.aged(ctx, t, roots, pins, got, cutoff, inf.cutoff)
				return got, append(slices.Clone(a.notes), text), err
			} else if !impossible(err) {
				return nil, nil, err
			}
		}
	}
	return nil, nil, fmt.Errorf("resolving its build requirements: %w", first)
}

// aged solves once more with all tools but those that are younger of necessity as
// old as the published wheel: one tool that needs a newer version for this Python,
// mostly setuptools, must not make the others newer. Where that is impossible
// the pins stay.
func (pl *planner) aged(ctx context.Context, t tags.Target, roots []pep508.Requirement, pins map[string]string, got []resolve.Pin, cutoff, publisher time.Time) ([]resolve.Pin, error) {
	limit := publisher.Add(orDefault(pl.grace, DefaultGrace))
	older := maps.Clone(pins)
	if older == nil {
		older = map[string]string{}
	}
	changed := false
	for _, p := range got {
		if !p.Wheel.Uploaded.After(limit) || older[p.Name] != "" || p.Name == "setuptools" {
			continue
		}
		page, err := pl.src.Page(ctx, p.Name)
		if err != nil {
			return got, err
		}
		if v, ok := newestUntil(page, limit); ok {
			older[p.Name], changed = "<="+v.String(), true
		}
	}
	if !changed {
		return got, nil
	}
	if better, err := pl.try(ctx, t, roots, older, cutoff); err == nil {
		return better, nil
	} else if !impossible(err) {
		return got, err
	}
	return got, nil
}

// newestUntil is the newest release that had a wheel at an instant.
func newestUntil(page *index.Page, limit time.Time) (best pep440.Version, ok bool) {
	for _, f := range page.Files {
		w, err := tags.ParseWheelName(f.Name)
		if err != nil || !f.IsWheel() || f.Yanked || f.Uploaded.IsZero() || f.Uploaded.After(limit) || w.Version.IsPrerelease() {
			continue
		}
		if !ok || w.Version.Compare(best) > 0 {
			best, ok = w.Version, true
		}
	}
	return best, ok
}

// unbound frees the requirements of tools that are pinned to one version from
// the source's bounds, where that version is outside of them; notes is nil where
// there is none.
func unbound(roots []pep508.Requirement, pins map[string]string) (free []pep508.Requirement, notes []string) {
	free = slices.Clone(roots)
	for i, r := range free {
		version, exact := strings.CutPrefix(pins[pep508.NormalizeName(r.Name)], "==")
		v, err := pep440.Parse(version)
		if !exact || err != nil || r.Specifiers.Contains(v, pep440.PreAllow) {
			continue
		}
		free[i].Specifiers = pep440.Specifiers{}
		notes = append(notes, fmt.Sprintf("the published wheel says it was made with %s %s, which its own build requirements (%s) exclude: the recipe follows the wheel", r.Name, v, r.Specifiers))
	}
	return free, notes
}

// dropped is the note for pins that were let go.
func dropped(inf inferred, t tags.Target) []string {
	text := "what the published wheel says it was made with cannot be had for Python " + t.Python + ":"
	for _, name := range slices.Sorted(maps.Keys(inf.pins)) {
		text += " " + name + inf.pins[name]
	}
	return []string{text}
}

// impossible reports whether the requirements were at fault, not the index.
func impossible(err error) bool {
	var conflict *resolve.ConflictError
	var unknown *resolve.UnknownMetadataError
	return errors.As(err, &conflict) || errors.As(err, &unknown)
}

// try solves once. A cut-off gets the grace and never passes the lock's own.
func (pl *planner) try(ctx context.Context, t tags.Target, roots []pep508.Requirement, pins map[string]string, cutoff time.Time) ([]resolve.Pin, error) {
	req := resolve.Request{Targets: []tags.Target{t}, OnlyBinary: []string{resolve.All}}
	if !cutoff.IsZero() {
		req.ExcludeNewer = cutoff.Add(orDefault(pl.grace, DefaultGrace))
	}
	if pl.cutoff != nil && (cutoff.IsZero() || pl.cutoff.Before(req.ExcludeNewer)) {
		req.ExcludeNewer = *pl.cutoff
	}
	for _, r := range roots {
		req.Requirements = append(req.Requirements, resolve.Requirement{Requirement: r, Origin: "[build-system]"})
	}
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		r, err := pep508.Parse(name + pins[name])
		if err != nil {
			return nil, err
		}
		req.Constraints = append(req.Constraints, resolve.Requirement{Requirement: r, Origin: "published wheel"})
	}
	sol, err := pl.solve(ctx, pl.src, req)
	if err != nil {
		return nil, err
	}
	if len(sol.Targets) != 1 {
		return nil, fmt.Errorf("the resolver answered for %d targets instead of one", len(sol.Targets))
	}
	for _, p := range sol.Targets[0].Pins {
		if p.Wheel == nil || p.Wheel.SHA256 == "" {
			return nil, fmt.Errorf("build requirement %s %s has no published wheel with a SHA-256", p.Name, p.Version)
		}
	}
	return sol.Targets[0].Pins, nil
}
