package cli

import (
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// settingsOf are the [[build]] tables of a configuration as recipes take them.
func settingsOf(c pyproject.Config) recipe.Settings {
	var out recipe.Settings
	for _, b := range c.Builds {
		out = append(out, recipe.Setting{
			Name: pep508.NormalizeName(b.Name), Version: b.Version, Env: b.Env, Config: b.ConfigSettings, Requires: b.BuildRequires,
		})
	}
	return out
}
