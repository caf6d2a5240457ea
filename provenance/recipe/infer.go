package recipe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// inferred is what the clues come to.
type inferred struct {
	epoch      *lock.Epoch // nil: none is set
	umask      string
	env        map[string]string
	python     string // "py2.py3" where the wheel is to be tagged so by a build option
	abi3       string // "cp38" where the wheel is to be for the stable ABI from there on by a build option
	config     map[string][]string
	own        []string          // requirements of the user's, see Setting
	normalForm string            // that the user asks for
	cutoff     time.Time         // of build requirements; zero: none
	pins       map[string]string // project -> specifiers, that hold if it is needed anyway
	extra      []string          // requirements that the publisher's environment had besides
	notes      []string
}

// infer makes the first guess. times are those of the source's members, nil where
// they do not matter.
func infer(c *clues, sys metadata.BuildSystem, times map[string]time.Time, t tags.Target) inferred {
	inf := inferred{umask: "022", pins: map[string]string{}, env: map[string]string{}}
	inf.epoch = sourceEpoch(times)
	if c == nil {
		return inf
	}
	inf.cutoff = c.uploaded
	inf.epoch = c.epoch(inf.epoch)
	inf.umask = c.umask()
	if inf.epoch == nil && strings.HasPrefix(c.made, "flit") {
		if tz := zone(c.fileTime, times); tz != "" {
			inf.env["TZ"] = tz
			inf.notes = append(inf.notes, "the published wheel has its files' times in the zone "+tz)
		}
	}
	inf.backend(c, sys, t)
	return inf
}

// sourceEpoch is the newest time in the source, nil where there is none.
func sourceEpoch(times map[string]time.Time) *lock.Epoch {
	var newest time.Time
	for _, t := range times {
		if t.After(newest) {
			newest = t
		}
	}
	if newest.IsZero() || newest.Unix() < 0 {
		return nil
	}
	return &lock.Epoch{Value: newest.Unix(), From: "sdist"}
}

// needsSourceTime reports whether the times of the sdist matter, because there is
// no published wheel, or none that tells, or because the backend keeps them.
func needsSourceTime(c *clues) bool {
	probe := &lock.Epoch{}
	if c == nil {
		return true
	}
	e := c.epoch(probe)
	return e == probe || e == nil
}

// epoch reads SOURCE_DATE_EPOCH off the zip; fallback is the sdist's.
//
// Equal times are taken even where they are a backend's constant (hatchling's
// 2020-02-02, maturin's 1980-01-01): setting the constant gives the same bytes,
// and whatever else reads a clock during the build gets a fixed one too.
func (c *clues) epoch(fallback *lock.Epoch) *lock.Epoch {
	if len(c.times) == 1 && !c.times[0].IsZero() {
		return &lock.Epoch{Value: c.times[0].Unix(), From: "upstream-zip"}
	}
	constant := func(file string) bool {
		t := c.distTime[file]
		return t.Equal(constant2016) || t.Equal(constant1980)
	}
	switch {
	case strings.HasPrefix(c.made, "flit") && constant("WHEEL"):
		// Without an epoch flit gives its own files a constant and the others
		// the times that they have in the sdist.
		return nil
	case strings.HasPrefix(c.made, "poetry") && constant("RECORD") && !before(c.version, "2.0"):
		// Two constants, which poetry-core from 2.0 replaces by the epoch; older
		// ones ignore it, so the sdist's time does no harm and fixes the clock.
		return nil
	}
	return fallback
}

var (
	constant1980 = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	constant2016 = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
)

// umask tells the publisher's umask from the mode of WHEEL, which is a new file
// in any build. RECORD is no witness: setuptools and wheel write 0664 always.
// Nor are the package's files, which have the modes of the publisher's checkout.
func (c *clues) umask() string {
	if !c.wheel.Unix() {
		return "022"
	}
	switch c.wheel.Mode & 0o777 {
	case 0o664:
		return "002"
	case 0o666:
		return "000"
	case 0o640:
		return "027"
	case 0o660:
		return "007"
	case 0o600:
		return "077"
	}
	return "022"
}

// projects maps a Generator's name to the projects whose version it tells, the
// likeliest first, where it is not the name of the project itself.
var projects = map[string][]string{
	"bdist-wheel": {"wheel"},
	"flit":        {"flit-core", "flit"},
	"poetry":      {"poetry-core", "poetry"},
	"uv":          {"uv-build", "uv"},
}

// Floors under setuptools for an interpreter: older ones do not start on it.
// 66.1 is the first for Python 3.12 (pkgutil.ImpImporter is gone); 54.0 is known
// to build on 3.10 and 3.11.
func setuptoolsFloor(t tags.Target) string {
	v := t.Version()
	switch {
	case v.Compare(pep440.MustParse("3.12")) >= 0:
		return "66.1"
	case v.Compare(pep440.MustParse("3.10")) >= 0:
		return "54.0"
	}
	return ""
}

// backend pins what Generator and METADATA tell of the publisher's environment.
func (inf *inferred) backend(c *clues, sys metadata.BuildSystem, t tags.Target) {
	if usesSetuptools(sys) {
		if floor := setuptoolsFloor(t); floor != "" {
			inf.pins["setuptools"] = ">=" + floor
		}
	}
	v, err := pep440.Parse(c.version)
	if c.made != "" && err == nil {
		project := c.made
		if ps := projects[c.made]; ps != nil {
			project = ps[0]
			for _, p := range ps {
				if names(sys, p) {
					project = p
					break
				}
			}
		}
		if project == "setuptools" && tooOld(c.version, t) {
			inf.notes = append(inf.notes, fmt.Sprintf("setuptools %s does not run on Python %s", v, t.Python))
		} else {
			inf.pins[project] = "==" + v.String()
		}
	}
	if !usesSetuptools(sys) {
		return
	}
	if c.made == "bdist-wheel" && !c.uploaded.IsZero() && c.uploaded.Before(setuptools57) && !tooOld("56.2.0", t) {
		// Where its Python needs a newer setuptools than the publisher had, the
		// oldest way of writing METADATA is the likeliest.
		inf.also("setuptools", "<57")
	}
	if c.platform && !tooOld("62.1", t) {
		inf.also("setuptools", "<62.2")
		inf.notes = append(inf.notes, "METADATA has Platform: UNKNOWN: setuptools before 62.2 was used")
	}
	switch {
	case c.made == "bdist-wheel" && err == nil:
		// setuptools before 70.1 asks for wheel in its hook; it stands in no file.
		inf.extra = append(inf.extra, "wheel")
	case c.made == "setuptools" && c.parens:
		inf.extra = append(inf.extra, "wheel")
		inf.pins["wheel"] = "<0.39"
		inf.notes = append(inf.notes, "Requires-Dist has parentheses: wheel before 0.39 was installed")
	}
	if c.made == "bdist-wheel" && c.license && !c.declared && !tooOld("56.2.0", t) {
		inf.also("setuptools", "<=56.2.0")
		inf.notes = append(inf.notes, "METADATA has no License-File: setuptools up to 56.2.0 was used")
	} else if c.made == "bdist-wheel" && err == nil {
		// From 70.1 on setuptools makes the wheel itself and writes its own name.
		inf.also("setuptools", "<70.1")
	}
}

// setuptools57 is when setuptools 57.0.0 was published, the first that names
// licence files in METADATA.
var setuptools57 = time.Date(2021, 5, 22, 0, 0, 0, 0, time.UTC)

// also adds a specifier to a project's pin.
func (inf *inferred) also(project, specifier string) {
	if old := inf.pins[project]; old != "" && old != specifier {
		specifier = old + "," + specifier
	}
	inf.pins[project] = specifier
}

func tooOld(version string, t tags.Target) bool {
	floor := setuptoolsFloor(t)
	return floor != "" && before(version, floor)
}

// usesSetuptools reports whether setuptools makes the wheel, be it by its own
// backend or by one in the source tree that wraps it.
func usesSetuptools(sys metadata.BuildSystem) bool {
	return strings.HasPrefix(sys.Backend, "setuptools.") || len(sys.BackendPath) > 0 && names(sys, "setuptools")
}

func names(sys metadata.BuildSystem, project string) bool {
	return slices.ContainsFunc(sys.Requires, func(r pep508.Requirement) bool { return pep508.NormalizeName(r.Name) == project })
}

// before compares versions; one that cannot be read is before none.
func before(a, b string) bool {
	v, err := pep440.Parse(a)
	return err == nil && v.Compare(pep440.MustParse(b)) < 0
}
