// Package pyproject reads and edits the user's files.
package pyproject

import (
	"errors"
	"time"
)

var errUnwritten = errors.New("unwritten")

// Project is a folder with its configuration and inputs.
type Project struct {
	Dir         string
	Config      Config
	Inputs      []Input // requirements, in the order of the files
	Constraints []Input

	overlay map[string][]byte
}

// Open reads the project in dir. configFile overrides the configuration's place.
func Open(dir, configFile string) (*Project, error) { return nil, errUnwritten }

// With gives the project as it will be once the edits are written.
func (p *Project) With(edits []Edit) (*Project, error) { return nil, errUnwritten }

// Edits gives all that With laid over the files so far, sorted by path.
func (p *Project) Edits() []Edit { return nil }

// AddRequirement adds or replaces a requirement in a group ("" the default).
func (p *Project) AddRequirement(req, group string) ([]Edit, error) { return nil, errUnwritten }

// RemoveRequirement removes a name from every group.
func (p *Project) RemoveRequirement(name string) ([]Edit, error) { return nil, errUnwritten }

// AddTarget declares a target; declaring the same again changes nothing.
func (p *Project) AddTarget(t Target) ([]Edit, error) { return nil, errUnwritten }

// RemoveTarget takes a target's declaration away.
func (p *Project) RemoveTarget(name string) ([]Edit, error) { return nil, errUnwritten }

// SetPins writes the pinned root fingerprints and the log's verifier key.
func (p *Project) SetPins(root []string, log string) ([]Edit, error) { return nil, errUnwritten }

// SetWheelhouse writes where the wheelhouse is.
func (p *Project) SetWheelhouse(place string) ([]Edit, error) { return nil, errUnwritten }

// Init writes the settings of a preset.
func (p *Project) Init(preset string) ([]Edit, error) { return nil, errUnwritten }

// RequiresDigest is "sha256:HEX" of RequiresText.
func (p *Project) RequiresDigest() string { return "" }

// RequiresText is the canonical text of all that the lock's content hangs on.
func (p *Project) RequiresText() string { return "" }

// Presets lists the presets' names.
func Presets() []string { return nil }

// Preset gives a preset's settings over the defaults.
func Preset(name string) (Config, error) { return Config{}, errUnwritten }

// Cutoff gives the instant that exclude-newer means at now; ok is false where none is set.
func (c Config) Cutoff(now time.Time) (at time.Time, ok bool, err error) {
	return time.Time{}, false, errUnwritten
}
