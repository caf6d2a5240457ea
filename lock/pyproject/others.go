package pyproject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// own takes in a requirement of the project itself with extras, "me[a,b]",
// which stands for theirs, wherever it is written: the index's package of that
// name, if there is one, is somebody else's. done: it was one.
func (l *loader) own(d *document, text string, line int, group, x string, stack []string) (done bool, err error) {
	own, _ := d.get("project", "name").(string)
	name, inner := nameAndExtras(text)
	if own == "" || normalize(name) != normalize(own) {
		return false, nil
	}
	extras, err := d.tableKeys("project", "optional-dependencies")
	if err != nil {
		return true, err
	}
	from := len(l.Inputs)
	for _, y := range inner {
		k := slices.IndexFunc(extras, func(z string) bool { return normalize(z) == normalize(y) })
		switch {
		case k < 0:
			return true, &Error{d.file, line, fmt.Sprintf("%s has no extra %q", own, y), "correct its name"}
		case slices.Contains(stack, extras[k]) || extras[k] == x:
			continue // named already: an extra may name itself in a circle
		case len(stack) >= maxDepth:
			return true, &Error{d.file, line, "extras name each other too deep", "write the requirements out"}
		}
		if err := l.extra(d, extras, extras[k], group, append(slices.Clone(stack), x)); err != nil {
			return true, err
		}
	}
	if _, marker, has := strings.Cut(text, ";"); has {
		for i := range l.Inputs[from:] {
			l.Inputs[from+i].Requirement = withMarker(l.Inputs[from+i].Requirement, strings.TrimSpace(marker))
		}
	}
	return true, nil
}

// elsewhere refuses what other tools read out of tables of their own. To leave
// it out silently would take a package from the index that the project takes
// from somewhere else, or lock a part of what it needs.
func (l *loader) elsewhere(d *document) error {
	poetry, _ := d.get("tool", "poetry", "dependencies").(map[string]any)
	if d.get("project", "dependencies") == nil && len(poetry) > 0 && !dynamic(d) {
		return &Error{d.file, d.lineOf("tool", "poetry", "dependencies"), "the requirements stand in [tool.poetry.dependencies], which only poetry reads",
			"move them to dependencies = [...] in [project]"}
	}
	sources, _ := d.get("tool", "uv", "sources").(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		i := slices.IndexFunc(l.Inputs, func(in Input) bool {
			return in.File == d.file && nameOf(in.Requirement) == normalize(key) && !strings.Contains(in.Requirement, "@")
		})
		if i >= 0 {
			return &Error{d.file, l.Inputs[i].Line, fmt.Sprintf("[tool.uv.sources] says where %s comes from, and only uv reads that", key), uvHint(key, sources[key])}
		}
	}
	return nil
}

// uvHint says an entry of [tool.uv.sources] in words that every tool reads.
func uvHint(name string, entry any) string {
	m, _ := entry.(map[string]any)
	text := func(key string) string { s, _ := m[key].(string); return s }
	switch {
	case text("git") != "":
		rev := text("rev")
		for _, k := range []string{"tag", "branch"} {
			if rev == "" {
				rev = text(k)
			}
		}
		if rev == "" {
			rev = "COMMIT"
		}
		return "write the requirement as " + quoteTOML(name+" @ git+"+withoutUser(text("git"))+"@"+rev, '"')
	case text("url") != "":
		return "write the requirement as " + quoteTOML(name+" @ "+withoutUser(text("url"))+"#sha256=HASH", '"')
	case text("path") != "":
		return "write the requirement as " + quoteTOML(name+" @ file:"+text("path"), '"')
	case m["workspace"] == true:
		return "write the requirement as " + quoteTOML(name+" @ file:FOLDER", '"') + " with the member's folder"
	case text("index") != "":
		return "write [[indexes]] with name, url and packages = [" + quoteTOML(name, '"') + "] into the configuration"
	}
	return "write the requirement as " + quoteTOML(name+" @ ADDRESS", '"')
}
