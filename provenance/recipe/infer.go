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
	epoch  *lock.Epoch // nil: none is set
	umask  string
	cutoff time.Time         // of build requirements; zero: none
	pins   map[string]string // project -> specifiers, that hold if it is needed anyway
	extra  []string          // requirements that the publisher's environment had besides
	notes  []string
}

func infer(c *clues, sys metadata.BuildSystem, newest time.Time, t tags.Target) inferred {
	inf := inferred{umask: "022", pins: map[string]string{}}
	if !newest.IsZero() && newest.Unix() >= 0 {
		inf.epoch = &lock.Epoch{Value: newest.Unix(), From: "sdist"}
	}
	if c == nil {
		return inf
	}
	inf.cutoff = c.uploaded
	inf.epoch = c.epoch(inf.epoch)
	inf.umask = c.umask()
	inf.backend(c, sys, t)
	return inf
}

// needsSourceTime reports whether the epoch has to come from the sdist, because
// there is no published wheel or none that tells.
func needsSourceTime(c *clues) bool {
	probe := &lock.Epoch{}
	return c == nil || c.epoch(probe) == probe
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
		inf.pins["setuptools"] = "<=56.2.0," + orDefault(inf.pins["setuptools"], ">=0")
		inf.notes = append(inf.notes, "METADATA has no License-File: setuptools up to 56.2.0 was used")
	} else if c.made == "bdist-wheel" && err == nil {
		// From 70.1 on setuptools makes the wheel itself and writes its own name.
		inf.pins["setuptools"] = strings.TrimPrefix(inf.pins["setuptools"]+",<70.1", ",")
	}
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
