package pyproject

import (
	"fmt"
	"maps"
	"path"
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

// ownProject takes in what [project] says of the project itself.
func (l *loader) ownProject(d *document) error {
	if v := d.get("project"); v != nil {
		if _, ok := v.(map[string]any); !ok {
			return &Error{d.file, d.lineOf("project"), "project is not a table", "write [project] and its keys below it"}
		}
	}
	x := Local{Dir: path.Dir(d.file), Input: Input{File: d.file, Line: d.lineOf("project")}}
	for _, k := range []struct {
		key string
		dst *string
	}{{"name", &x.Name}, {"version", &x.Version}, {"requires-python", &x.RequiresPython}} {
		v := d.get("project", k.key)
		s, ok := v.(string)
		if v != nil && !ok {
			return &Error{d.file, d.lineOf("project", k.key), "project." + k.key + " is not a string", "write it in quotes"}
		}
		*k.dst = s
		if v != nil && k.key == "requires-python" {
			x.Line = d.lineOf("project", k.key)
		}
	}
	if x.Name != "" {
		x.Name = normalize(x.Name)
		l.Own = append(l.Own, x)
	}
	return nil
}

// Ignored is a table that only another tool reads, and that changes what this
// project needs there.
type Ignored struct {
	File    string
	Line    int
	What    string // "[tool.uv] constraint-dependencies"
	Instead string // where wheellock reads the same
}

func (x Ignored) String() string {
	return fmt.Sprintf("%s:%d: %s is not read here: %s is", x.File, x.Line, x.What, x.Instead)
}

// foreign are the tables of other tools with what wheellock reads instead; "*"
// stands for each key.
var foreign = []struct {
	path    []string
	instead string
}{
	{[]string{"tool", "poetry", "dependencies"}, "dependencies in [project]"},
	{[]string{"tool", "poetry", "dev-dependencies"}, "[dependency-groups]"},
	{[]string{"tool", "poetry", "group", "*", "dependencies"}, "[dependency-groups]"},
	{[]string{"tool", "poetry", "source"}, "[[indexes]] in the configuration"},
	{[]string{"tool", "pdm", "dev-dependencies"}, "[dependency-groups]"},
	{[]string{"tool", "pdm", "source"}, "[[indexes]] in the configuration"},
	{[]string{"tool", "pdm", "resolution", "overrides"}, "overrides in the configuration"},
	{[]string{"tool", "flit", "metadata", "requires"}, "dependencies in [project]"},
	{[]string{"tool", "uv", "dev-dependencies"}, "[dependency-groups]"},
	{[]string{"tool", "uv", "index"}, "[[indexes]] in the configuration"},
	{[]string{"tool", "uv", "index-url"}, "index-url in the configuration"},
	{[]string{"tool", "uv", "extra-index-url"}, "[[indexes]] in the configuration"},
	{[]string{"tool", "uv", "constraint-dependencies"}, "constraints in the configuration"},
	{[]string{"tool", "uv", "override-dependencies"}, "overrides in the configuration"},
	{[]string{"tool", "uv", "conflicts"}, "conflicts in the configuration"},
}

// foreignTables gives those of a pyproject.toml that say something, in the
// order above.
func foreignTables(d *document) []Ignored {
	var list []Ignored
	take := func(path []string, instead string) {
		v := d.get(path...)
		m, isTable := v.(map[string]any)
		if a, isArray := v.([]any); v == nil || isArray && len(a) == 0 || isTable && len(m) == 0 {
			return
		}
		if _, only := m["python"]; only && len(m) == 1 {
			return
		}
		what := "[" + strings.Join(path, ".") + "]"
		if !isTable {
			last := len(path) - 1
			what = "[" + strings.Join(path[:last], ".") + "] " + path[last]
		}
		list = append(list, Ignored{d.file, d.placeOf(path), what, instead})
	}
	for _, f := range foreign {
		i := slices.Index(f.path, "*")
		if i < 0 {
			take(f.path, f.instead)
			continue
		}
		m, _ := d.get(f.path[:i]...).(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			path := slices.Clone(f.path)
			path[i] = k
			take(path, f.instead)
		}
	}
	return list
}

// placeOf is the line of a key, a table, or the first of an array of tables.
func (d *document) placeOf(path []string) int {
	if n := d.lineOf(path...); n > 0 {
		return n
	}
	for _, t := range d.tables {
		if len(t.path) >= len(path) && equal(t.path[:len(path)], path) {
			return lineOf(d.src, t.start)
		}
	}
	return 1
}

// elsewhere refuses a project whose requirements, or the places of them, stand
// only in a table of another tool's, and collects the other such tables. To leave
// them out silently would take a package from the index that the project takes
// from somewhere else, or lock a part of what it needs.
func (l *loader) elsewhere(d *document) error {
	tables := foreignTables(d)
	if d.get("project", "dependencies") == nil && !dynamic(d) && d.get("dependency-groups") == nil {
		if poetry, _ := d.get("tool", "poetry", "dependencies").(map[string]any); len(poetry) > 0 && len(tables) > 0 && tables[0].What == "[tool.poetry.dependencies]" {
			return &Error{d.file, tables[0].Line, "the requirements stand in [tool.poetry.dependencies], which only poetry reads", poetryHint(poetry)}
		}
		for _, x := range tables {
			if strings.Contains(x.Instead, "dependencies in [project]") || strings.Contains(x.Instead, "dependency-groups") && d.get("project") == nil {
				return &Error{d.file, x.Line, "the requirements stand in " + x.What + ", which is another tool's", "move them to " + x.Instead}
			}
		}
	}
	l.Ignored = append(l.Ignored, tables...)
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
