package pyproject

import (
	"maps"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// Build is a user's word on how a package is built, [[build]], for what neither its
// source nor its published wheel tells.
type Build struct {
	Name, Version  string // Version "": every version that has no table of its own
	Env            map[string]string
	ConfigSettings map[string][]string // PEP 517
	BuildRequires  []string            // PEP 508: in the place of the source's of that name, or besides
	NormalForm     string              // "": as the policy says; "none" or "1"
}

var buildKeys = []string{"name", "version", "env", "config-settings", "build-requires", "normal-form"}

func (c *configReader) build(nth int) *Build {
	for len(c.c.Builds) <= nth {
		c.c.Builds = append(c.c.Builds, Build{})
	}
	return &c.c.Builds[nth]
}

// buildKey reads one key of a [[build]] table, or one of a table in it.
func (c *configReader) buildKey(nth int, path []string, v any, line int) {
	b := c.build(nth)
	switch key := path[0]; {
	case key == "name" && len(path) == 1:
		c.text(&b.Name, key, v, line)
	case key == "version" && len(path) == 1:
		c.text(&b.Version, key, v, line)
	case key == "build-requires" && len(path) == 1:
		c.list(&b.BuildRequires, key, v, line)
	case key == "normal-form" && len(path) == 1:
		c.choice(&b.NormalForm, key, v, line, "none", "1")
	case key == "env" && len(path) == 2:
		c.buildEnv(b, path[1], v, line)
	case key == "config-settings" && len(path) == 2:
		c.buildSetting(b, path[1], v, line)
	case (key == "env" || key == "config-settings") && len(path) == 1:
		c.fail(line, `write `+key+` = { NAME = "value" }`, "%s of a [[build]] table is not a table", key)
	default:
		c.unknown(strings.Join(path, "."), buildKeys, line)
	}
}

func (c *configReader) buildEnv(b *Build, name string, v any, line int) {
	s, ok := v.(string)
	switch {
	case !ok:
		c.fail(line, "write "+name+` = "..."`, "%s of env is not a string", name)
	case !isEnvName(name):
		c.fail(line, "use letters, digits and underscores", "%q is no name of an environment variable", name)
	case lock.FixedEnv(name):
		c.fail(line, "take it out", "%s is the sandbox's own, and the same for every build", name)
	case strings.ContainsRune(s, 0):
		c.fail(line, "take it out", "%s holds a null character", name)
	default:
		if b.Env == nil {
			b.Env = map[string]string{}
		}
		b.Env[name] = s
	}
}

func isEnvName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func (c *configReader) buildSetting(b *Build, name string, v any, line int) {
	var values []string
	if s, ok := v.(string); ok {
		values = []string{s}
	} else {
		c.list(&values, name, v, line)
	}
	if len(values) == 0 || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		c.fail(line, `write config-settings = { "--build-option" = "..." }`, "config-settings %q has no value, or its name is not printable ASCII", name)
		return
	}
	if b.ConfigSettings == nil {
		b.ConfigSettings = map[string][]string{}
	}
	b.ConfigSettings[name] = values
}

func (c *configReader) finishBuilds() {
	seen := map[[2]string]bool{}
	for _, b := range c.c.Builds {
		key := [2]string{normalize(b.Name), b.Version}
		switch {
		case b.Name == "" || len(b.Env)+len(b.ConfigSettings)+len(b.BuildRequires)+len(b.NormalForm) == 0:
			c.fail(c.lineOfTable("build"), "write name below it, and env, config-settings or build-requires", "a [[build]] table lacks a name, or says nothing")
		case seen[key]:
			c.fail(c.lineOfTable("build"), "make one of them", "[[build]] has %s twice", strings.TrimSpace(b.Name+" "+b.Version))
		}
		seen[key] = true
	}
}

// digestLines are what the digest of the inputs has of a table.
func (b *Build) digestLines(add func(key string, parts ...string)) {
	name := normalize(b.Name)
	for _, k := range slices.Sorted(maps.Keys(b.Env)) {
		add("build", name, b.Version, "env", k, b.Env[k])
	}
	for _, k := range slices.Sorted(maps.Keys(b.ConfigSettings)) {
		add("build", append([]string{name, b.Version, "config-settings", k}, b.ConfigSettings[k]...)...)
	}
	for _, r := range b.BuildRequires {
		add("build", name, b.Version, "build-requires", canonical(r))
	}
	if b.NormalForm != "" {
		add("build", name, b.Version, "normal-form", b.NormalForm)
	}
}
