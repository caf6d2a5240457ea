package recipe

import (
	"fmt"
	"maps"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// A Setting is a user's word on how a package is built, for what neither its
// source nor its published wheel tells.
type Setting struct {
	Name     string // normalised; "": every package, for NormalForm
	Version  string // "": every version that has no setting of its own
	Env      map[string]string
	Config   map[string][]string // PEP 517 config_settings
	Requires []string            // PEP 508: in the place of the source's requirement of that name, or besides
	// NormalForm of the wheel; "": as for every package, "none": the backend's own bytes.
	NormalForm string
}

// Settings are all that a project has.
type Settings []Setting

// For is the setting for a version; the zero one where there is none.
func (s Settings) For(name, version string) Setting {
	var out Setting
	every := ""
	for _, x := range s {
		if x.Name == "" {
			every = x.NormalForm
		}
		if x.Name == name && (x.Version == version || x.Version == "" && out.Version == "") {
			out = x
		}
	}
	if out.NormalForm == "" {
		out.NormalForm = every
	}
	if out.NormalForm == "none" {
		out.NormalForm = ""
	}
	return out
}

// apply puts a setting over what was inferred.
func (inf *inferred) apply(s Setting) {
	if len(s.Env) > 0 {
		if inf.env == nil {
			inf.env = map[string]string{}
		}
		maps.Copy(inf.env, s.Env)
	}
	inf.config = maps.Clone(s.Config)
	inf.own = s.Requires
	for _, text := range s.Requires {
		if r, err := pep508.Parse(text); err == nil {
			delete(inf.pins, pep508.NormalizeName(r.Name)) // the user's word is the last
		}
	}
	inf.normalForm = s.NormalForm
}

// replaced gives the source's build requirements with the user's in their place.
func replaced(source []pep508.Requirement, own []string) ([]pep508.Requirement, error) {
	var mine []pep508.Requirement
	for _, text := range own {
		r, err := pep508.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("build-requires of the configuration: %q: %w", text, err)
		}
		mine = append(mine, r)
	}
	same := func(r pep508.Requirement) bool {
		return slices.ContainsFunc(mine, func(m pep508.Requirement) bool {
			return pep508.NormalizeName(m.Name) == pep508.NormalizeName(r.Name)
		})
	}
	return append(slices.DeleteFunc(slices.Clone(source), same), mine...), nil
}

// stale reports whether a recipe does not follow a setting, or follows one that is
// gone: what it has beyond what can be inferred must be in the setting.
func (s Setting) stale(r *lock.Recipe) bool {
	if r.NormalForm != s.NormalForm {
		return true
	}
	for k, v := range s.Env {
		if r.Env[k] != v {
			return true
		}
	}
	for k, v := range s.Config {
		if !slices.Equal(r.Config[k], v) {
			return true
		}
	}
	known := switches[s.Name]
	for k := range r.Env {
		_, mine := s.Env[k]
		_, native := known.native[k]
		_, pure := known.pure[k]
		if !mine && !native && !pure && k != "TZ" {
			return true
		}
	}
	for k, v := range r.Config {
		if _, mine := s.Config[k]; !mine && !isTagOption(k, v) {
			return true
		}
	}
	for _, text := range s.Requires {
		q, err := pep508.Parse(text)
		if err != nil {
			return true
		}
		if !slices.ContainsFunc(r.BuildRequires, func(b lock.BuildRequire) bool {
			v, err := pep440.Parse(b.Version)
			return err == nil && b.Name == pep508.NormalizeName(q.Name) && q.Specifiers.Contains(v, pep440.PreAllow)
		}) && q.Marker == nil {
			return true
		}
	}
	return false
}

// followed reports whether the recipe of a row follows the settings of now. Where
// it does not, the row loses it, its hash and what was found about published files:
// it is to be planned and built again.
func (m *merger) followed(p *lock.Package, w *lock.Wheel, s Setting) bool {
	for _, from := range []*lock.Lock{m.l, m.prev} {
		if from == nil {
			continue
		}
		if r := from.Recipe(w.Recipe); r != nil && s.stale(r) {
			m.forget(p, w)
			return false
		}
	}
	return true
}

func (m *merger) forget(p *lock.Package, w *lock.Wheel) {
	w.Recipe, w.Origin = "", lock.OriginBuilt
	w.SHA256, w.Content, w.Size = "", "", 0
	targets := m.l.WheelTargets(p, w)
	for i := range p.Upstream {
		u := &p.Upstream[i]
		if slices.ContainsFunc(m.l.UpstreamTargets(p, u), func(t string) bool { return slices.Contains(targets, t) }) {
			u.Verdict, u.Causes = lock.VerdictUntried, nil
		}
	}
}
