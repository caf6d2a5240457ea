package recipe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// MaxTries is how many recipes are tried for one wheel, the planned one included.
const MaxTries = 6

// A Search looks for the recipe that gives the published wheel: build, compare,
// next recipe by what was different. It changes no lock until Adopt.
//
//	s, err := NewSearch(ctx, src, l.ExcludeNewer, settings, p, l.Recipe(digest), target)
//	for try := s.First(); try != nil; try, err = s.Next(ctx, seen) {
//		// build try.Recipe with the files of try.Pins, compare: seen
//	}
//	digest, err = s.Best().Adopt(l, digest, target)
type Search struct {
	pl    *planner
	m     *material
	asked []string // by the backend's hook, besides what the source names
	queue []guess
	tried map[string]bool // digests, and keys of guesses
	n     int
	last  *Try
	best  *Try
	rank  int
}

// A Try is one recipe with the files that it builds with.
type Try struct {
	Recipe lock.Recipe
	Pins   []resolve.Pin // of Recipe.BuildRequires; nil for the first, whose files the lock has
	Why    string        // what it assumes that the first does not; "" for the first

	inf inferred
}

// Seen is what came of a try.
type Seen struct {
	Result *compare.Result // with the published wheel
	Newest time.Time       // time in the zip that was built
	Failed bool            // it did not build; Result is nil
}

// guess is a recipe to be tried, before its build requirements are resolved.
type guess struct {
	inf inferred
	why string
}

// NewSearch begins with the recipe r of p, which target builds; cutoff is the
// lock's. The wheel to be reproduced is the one that Plan read.
func NewSearch(ctx context.Context, src Source, cutoff *time.Time, settings Settings, p *lock.Package, r *lock.Recipe, target tags.Target) (*Search, error) {
	pl := &planner{src: src, solve: resolve.Resolve, cutoff: cutoff, settings: settings}
	m, err := pl.gather(ctx, p, target)
	if err != nil {
		return nil, &PackageError{Package: p.Name, Version: p.Version, Target: target.Name, Err: err}
	}
	inf := infer(m.clues, m.sys, m.times, target)
	inf.apply(settings.For(p.Name, p.Version))
	inf.epoch, inf.umask, inf.env = r.Epoch, r.Umask, maps.Clone(r.Env)
	s := &Search{pl: pl, m: m, tried: map[string]bool{r.Digest: true}, n: 1}
	s.last = &Try{Recipe: *r, inf: inf}
	return s, nil
}

// First is the try that the search begins with.
func (s *Search) First() *Try { return s.last }

// Best is the try that came closest, of those that Next was told of; nil before.
func (s *Search) Best() *Try { return s.best }

// Published is the file name of the wheel that is to be reproduced, "" for none.
func (s *Search) Published() string {
	if s.m.clues == nil {
		return ""
	}
	return s.m.clues.file
}

// Next takes what came of the last try and proposes another. It is nil where
// nothing is left to be tried, where the bytes came out, or after [MaxTries].
// Guesses whose build requirements cannot be resolved are passed over; the error
// is one of the index or the context.
func (s *Search) Next(ctx context.Context, seen Seen) (*Try, error) {
	rank := score(seen)
	if rank > 0 && s.last.Recipe.Epoch == nil && s.ticks(seen.Newest) {
		rank++ // the next build will be another one
	}
	better := s.best == nil || rank < s.rank
	if better {
		s.best, s.rank = s.last, rank
	}
	if rank == 0 || s.m.clues == nil {
		return nil, nil
	}
	if better && seen.Result != nil {
		// What differs now matters more than what differed before.
		s.queue = append(s.guesses(s.last, seen), s.queue...)
	}
	for len(s.queue) > 0 && s.n < MaxTries {
		g := s.queue[0]
		s.queue = s.queue[1:]
		try, err := s.make(ctx, g)
		if impossible(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.tried[try.Recipe.Digest] {
			continue
		}
		s.tried[try.Recipe.Digest] = true
		s.n++
		s.last = try
		return try, nil
	}
	return nil, nil
}

// Extend adds what a backend's hook asked for to a try that is being built. The
// search remembers it for the tries that follow.
func (s *Search) Extend(ctx context.Context, try *Try, requirements []string) error {
	for _, text := range requirements {
		if _, err := pep508.Parse(text); err != nil {
			return fmt.Errorf("its hook asks for %q: %w", text, err)
		}
	}
	s.asked = append(s.asked, requirements...)
	if len(s.asked) > MaxRequires {
		return fmt.Errorf("its hook asks for more than %d requirements", MaxRequires)
	}
	more, err := s.make(ctx, guess{try.inf, try.Why})
	if err != nil {
		return err
	}
	*try = *more
	return nil
}

// make resolves a guess into a recipe.
func (s *Search) make(ctx context.Context, g guess) (*Try, error) {
	inf := g.inf
	inf.extra = append(slices.Clone(inf.extra), s.asked...)
	pins, _, err := s.pl.requires(ctx, s.m.target, s.m.sys, inf)
	if err != nil {
		return nil, err
	}
	r := s.m.recipe(inf, pins)
	for _, p := range pins {
		r.BuildRequires = append(r.BuildRequires, lock.BuildRequire{Name: p.Name, Version: p.Version.String(), SHA256: p.Wheel.SHA256})
	}
	slices.SortFunc(r.BuildRequires, func(a, b lock.BuildRequire) int { return strings.Compare(a.Name, b.Name) })
	r.Digest = r.ComputeDigest()
	return &Try{Recipe: r, Pins: pins, Why: g.why, inf: g.inf}, nil
}

// score ranks what came out: 0 the bytes, 1 the content, then by what differs.
func score(seen Seen) int {
	switch {
	case seen.Failed || seen.Result == nil:
		return 1 << 30
	case seen.Result.Verdict == compare.Bytes:
		return 0
	case seen.Result.Verdict == compare.Content:
		return 1
	}
	n := 1
	for _, f := range seen.Result.Facts {
		if !ofContainer(f.Cause) {
			n += 10
		}
	}
	return n + 1
}

// ofContainer reports whether a cause is about the zip only.
func ofContainer(cause string) bool {
	switch cause {
	case compare.ZipTimes, compare.ZipModes, compare.Deflate, compare.RecordOrder:
		return true
	}
	return false
}

// Adopt puts a try into l in the place of the recipe old, whose rows get it, and
// returns its digest.
func (t *Try) Adopt(l *lock.Lock, old string, target tags.Target) (string, error) {
	if t.Recipe.Digest == old {
		return old, nil
	}
	if l.Recipe(old) == nil {
		return "", fmt.Errorf("adopting a recipe: %s is not in the lock", old)
	}
	return replace(l, old, planned{recipe: t.Recipe, pins: t.Pins}, target.Name)
}

// Replace puts r into l in the place of the recipe old, whose rows get it, and
// returns its digest. Its build requirements must be those of the old one.
func Replace(l *lock.Lock, old string, r lock.Recipe) (string, error) {
	was := l.Recipe(old)
	if was == nil || !slices.Equal(was.BuildRequires, r.BuildRequires) {
		return "", fmt.Errorf("replacing a recipe: %s is not in the lock, or has other build requirements", old)
	}
	return replace(l, old, planned{recipe: r}, "")
}

// settings are the config_settings of a guess. The option's name depends on the
// setuptools that reads it: from 64.0 on --global-option goes before the command.
func (inf *inferred) settings(pins []resolve.Pin) map[string][]string {
	var options []string
	if inf.python != "" {
		options = append(options, pythonTag+inf.python)
	}
	if inf.abi3 != "" {
		options = append(options, limitedAPI+inf.abi3)
	}
	if len(options) == 0 {
		return inf.config
	}
	key := "--build-option"
	for _, p := range pins {
		if p.Name == "setuptools" && p.Version.Compare(pep440.MustParse("64.0")) < 0 {
			key = "--global-option"
		}
	}
	config := maps.Clone(inf.config)
	if config == nil {
		config = map[string][]string{}
	}
	if len(config[key]) == 0 { // the user's word stands alone
		config[key] = options
	}
	return config
}

// Build options that are inferred from the published wheel's tag.
const (
	pythonTag  = "--python-tag="
	limitedAPI = "--py-limited-api="
)

// isTagOption reports whether settings are such as are inferred.
func isTagOption(key string, values []string) bool {
	return (key == "--build-option" || key == "--global-option") && !slices.ContainsFunc(values, func(v string) bool {
		return !strings.HasPrefix(v, pythonTag) && !strings.HasPrefix(v, limitedAPI)
	})
}
