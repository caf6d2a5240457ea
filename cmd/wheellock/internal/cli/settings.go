package cli

import (
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// settingsOf are the [[build]] tables of a configuration as recipes take them, and
// the normal form that the policy asks for.
func settingsOf(c pyproject.Config) recipe.Settings {
	var out recipe.Settings
	if form := c.Policy.NormalForm; form != "" {
		out = append(out, recipe.Setting{NormalForm: form})
	}
	for _, b := range c.Builds {
		out = append(out, recipe.Setting{
			Name: pep508.NormalizeName(b.Name), Version: b.Version, Env: b.Env, Config: b.ConfigSettings, Requires: b.BuildRequires, NormalForm: b.NormalForm,
		})
	}
	return out
}
