package lock

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// recipeKeys says what is different between two recipes, a line a key, in the
// order of the block.
func recipeKeys(was, now *Recipe) []string {
	if was == nil || now == nil {
		return nil
	}
	var list []string
	say := func(key, old, new string) {
		if old != new {
			list = append(list, fmt.Sprintf("%s %s -> %s", key, orNone(old), orNone(new)))
		}
	}
	say("backend", was.Backend, now.Backend)
	say("backend-path", strings.Join(was.BackendPath, " "), strings.Join(now.BackendPath, " "))
	list = append(list, toolKeys(was.BuildRequires, now.BuildRequires)...)
	say("python", was.Python, now.Python)
	say("epoch", epochText(was.Epoch), epochText(now.Epoch))
	say("umask", was.Umask, now.Umask)
	say("build-path", was.BuildPath, now.BuildPath)
	for _, k := range slices.Sorted(maps.Keys(merged(was.Env, now.Env))) {
		say("env "+k, was.Env[k], now.Env[k])
	}
	for _, k := range slices.Sorted(maps.Keys(merged(was.Config, now.Config))) {
		say("config-settings "+k, strings.Join(was.Config[k], " "), strings.Join(now.Config[k], " "))
	}
	say("toolchain", strings.Join(was.Toolchain, ", "), strings.Join(now.Toolchain, ", "))
	say("vendored", short(strings.TrimPrefix(was.Vendored, "sha256:")), short(strings.TrimPrefix(now.Vendored, "sha256:")))
	say("container", short(strings.TrimPrefix(was.Container, "sha256:")), short(strings.TrimPrefix(now.Container, "sha256:")))
	say("expect-tags", strings.Join(was.ExpectTags, " "), strings.Join(now.ExpectTags, " "))
	say("normal-form", was.NormalForm, now.NormalForm)
	return list
}

func toolKeys(was, now []BuildRequire) []string {
	old, new := map[string]BuildRequire{}, map[string]BuildRequire{}
	for _, b := range was {
		old[b.Name] = b
	}
	for _, b := range now {
		new[b.Name] = b
	}
	var list []string
	for _, n := range slices.Sorted(maps.Keys(merged(old, new))) {
		a, b := old[n], new[n]
		switch {
		case a == b:
		case a.Version == b.Version:
			list = append(list, fmt.Sprintf("%s %s: another file, %s -> %s", n, a.Version, short(a.SHA256), short(b.SHA256)))
		default:
			list = append(list, fmt.Sprintf("%s %s -> %s", n, orNone(a.Version), orNone(b.Version)))
		}
	}
	return list
}

func epochText(e *Epoch) string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("%d from %s", e.Value, e.From)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
