package recipe

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// eras of setuptools, by what it writes into METADATA. 57.0 began to name licence
// files, 62.2 left Platform: UNKNOWN and two line feeds at the end out, 70.1 took
// the making of wheels over from the project wheel, with other requirements' text.
var eras = []struct{ specifier, sample, why string }{
	{"<57", "56.2.0", "setuptools before 57.0, which names no licence files"},
	{">=57,<62.2", "62.1.0", "setuptools from 57.0 to 62.1, which writes Platform: UNKNOWN"},
	{">=62.2,<70.1", "70.0.0", "setuptools from 62.2 to 70.0"},
}

// guesses says what else the publisher's environment could have been, the
// likeliest first, judged by what was different.
func (s *Search) guesses(t *Try, seen Seen) (out []guess) {
	causes := map[string]bool{}
	for _, f := range seen.Result.Facts {
		causes[f.Cause] = true
	}
	add := func(why string, change func(*inferred)) {
		inf := t.inf
		inf.pins, inf.env = maps.Clone(inf.pins), maps.Clone(inf.env)
		inf.extra = slices.Clone(inf.extra)
		change(&inf)
		out = append(out, guess{inf, why})
	}
	c := s.m.clues
	if causes[compare.ZipTimes] && t.inf.epoch == nil && s.ticks(seen.Newest) {
		add("a file of the wheel had the hour of the build as its time: the epoch is the source's", func(inf *inferred) {
			inf.epoch = sourceEpoch(s.m.times)
			delete(inf.env, "TZ")
		})
	}
	setuptools := usesSetuptools(s.m.sys)
	if causes[compare.Tag] && setuptools && c.python != "" && t.inf.python == "" {
		add("the publisher made the wheel for "+c.python+" by a build option", func(inf *inferred) { inf.python = c.python })
	}
	about := func(words string) bool {
		return slices.ContainsFunc(seen.Result.Facts, func(f compare.Fact) bool { return strings.Contains(f.Line, words) })
	}
	if setuptools && c.made == "setuptools" && about("Requires-Dist is written otherwise") && !slices.Contains(t.inf.extra, "wheel") {
		add("Requires-Dist is written as wheel before 0.39 did", func(inf *inferred) {
			inf.extra, inf.pins["wheel"] = append(inf.extra, "wheel"), "<0.39"
		})
	}
	if setuptools && c.made == "bdist-wheel" && (causes[compare.MetadataFields] || causes[compare.LicenseFiles]) {
		for _, era := range eras {
			if tooOld(era.sample, s.m.target) || t.uses("setuptools", era.specifier) {
				continue
			}
			add(era.why, func(inf *inferred) { inf.pins["setuptools"] = withFloor(era.specifier, s) })
		}
	}
	if (causes[compare.PreprocessedData] || causes[compare.MetadataFields]) && !c.uploaded.IsZero() && s.loose(t) {
		add("build requirements half a year older than the published wheel", func(inf *inferred) {
			inf.cutoff = c.uploaded.Add(-180 * day)
		})
	}
	return out
}

// ticks reports whether a time in the zip can only be the build's own: later than
// any of the source in any time zone.
func (s *Search) ticks(newest time.Time) bool {
	var last time.Time
	for _, t := range s.m.times {
		if t.After(last) {
			last = t
		}
	}
	return !newest.IsZero() && newest.Sub(last) > 15*time.Hour
}

// uses reports whether a try builds with a version of that range.
func (t *Try) uses(project, specifier string) bool {
	for _, b := range t.Recipe.BuildRequires {
		if v, err := pep440.Parse(b.Version); b.Name == project && err == nil {
			return allows(specifier, v)
		}
	}
	return false
}

func withFloor(specifier string, s *Search) string {
	if floor := setuptoolsFloor(s.m.target); floor != "" {
		return ">=" + floor + "," + specifier
	}
	return specifier
}

// loose reports whether a tool that neither Generator nor a clue tells the version
// of takes part.
func (s *Search) loose(t *Try) bool {
	for _, b := range t.Recipe.BuildRequires {
		if t.inf.pins[b.Name] == "" {
			return true
		}
	}
	return false
}
