package pyproject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readSources reads every file that has requirements.
func (l *loader) readSources() error {
	if err := l.choose(); err != nil {
		return err
	}
	for _, source := range l.sources {
		var err error
		name, inputs, entries, groups := source.File, len(l.Inputs), len(l.entries), len(l.groups)
		if strings.HasSuffix(name, ".toml") {
			err = l.readPyproject(name)
		} else {
			err = l.readRequirements(name, false, nil)
		}
		if isNotExist(err) {
			return &Error{l.Config.File, l.lineOf("sources"), fmt.Sprintf("there is no file %s", name), "write it, or take it out of sources"}
		}
		if err != nil {
			return err
		}
		l.into(source.Group, inputs, entries, groups)
	}
	return l.readOwnRequirements()
}

// choose finds the sources where the configuration names none: pyproject.toml
// where it can have requirements, else requirements.in.
func (l *loader) choose() error {
	if l.Config.Sources != nil {
		l.sources = l.Config.Sources
		return nil
	}
	d, err := l.toml(pyprojectFile)
	if err != nil {
		return err
	}
	_, err = l.read(requirementsFile)
	if err != nil && !isNotExist(err) {
		return err
	}
	hasFile := err == nil
	switch {
	case d != nil && holdsRequirements(d) && !(hasFile && (dynamic(d) || d.get("project") == nil && d.get("dependency-groups") == nil)):
		l.sources = []Source{{File: pyprojectFile}}
	case hasFile:
		l.sources = []Source{{File: requirementsFile}}
	}
	return nil
}

// holdsRequirements reports whether a pyproject.toml has a place for them.
func holdsRequirements(d *document) bool {
	return d.get("project") != nil || d.get("dependency-groups") != nil || len(foreignTables(d)) > 0
}

// dynamic reports whether the project lets something else say what it needs,
// which in practice is a requirements file.
func dynamic(d *document) bool {
	list, _ := d.get("project", "dynamic").([]any)
	return slices.Contains(list, any("dependencies"))
}

// readOwnRequirements takes in the configuration's requirements = [...].
func (l *loader) readOwnRequirements() error {
	if l.config == nil {
		return nil
	}
	if err := l.array(l.config, append(slices.Clone(l.prefix), "requirements"), ""); err != nil {
		return err
	}
	if err := l.ownList("constraints", &l.Constraints); err != nil {
		return err
	}
	return l.ownList("overrides", &l.Overrides)
}

func (l *loader) ownList(key string, dst *[]Input) error {
	list, lines, err := l.config.strings(append(slices.Clone(l.prefix), key))
	if err != nil {
		return err
	}
	for i, text := range list {
		*dst = append(*dst, Input{Requirement: text, File: l.config.file, Line: lines[i]})
	}
	return nil
}

// binaryOptions reads a list of packages the way pip does: each word changes
// what the words before it said, and a package is in one of the two lists only.
func (l *loader) binaryOptions(dst, other *[]string, words []string) {
	for _, w := range words {
		switch w {
		case None:
			*dst = nil
			continue
		case All:
			*dst, *other = nil, nil
		default:
			w = normalize(w)
			*other = slices.DeleteFunc(*other, func(s string) bool { return s == w })
		}
		*dst = slices.Compact(slices.Sorted(slices.Values(append(*dst, w))))
	}
}

// array takes in the strings of an array.
func (l *loader) array(d *document, path []string, group string) error {
	list, lines, err := d.strings(path)
	if err != nil {
		return err
	}
	for i, text := range list {
		e := entry{Input: Input{Requirement: text, Group: group, File: d.file, Line: lines[i]}, path: path, index: i}
		done, err := l.own(d, text, lines[i], group, "", nil)
		if done {
			l.entries = append(l.entries, e)
		} else if err == nil {
			err = l.add(e, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// strings gives an array of strings and the line of each; nothing where the
// path leads nowhere.
func (d *document) strings(path []string) (list []string, lines []int, err error) {
	v := d.get(path...)
	if v == nil {
		return nil, nil, nil
	}
	leaf := d.find(path...)
	line := 0
	if leaf != nil {
		line = leaf.line
	}
	array, ok := v.([]any)
	if !ok {
		return nil, nil, &Error{d.file, line, strings.Join(path, ".") + " is not an array", "write " + path[len(path)-1] + " = [\"NAME\"]"}
	}
	var spans []span
	if leaf != nil {
		spans = elements(d.src, leaf.from, leaf.to)
	}
	for i, x := range array {
		at := line
		if i < len(spans) {
			at = lineOf(d.src, spans[i].from)
		}
		s, ok := x.(string)
		if !ok {
			return nil, nil, &Error{d.file, at, fmt.Sprintf("%s has a member that is not a string", strings.Join(path, ".")), "write each requirement in quotes"}
		}
		list, lines = append(list, s), append(lines, at)
	}
	return list, lines, nil
}

// readPyproject reads PEP 621's dependencies and optional-dependencies and PEP
// 735's dependency-groups.
func (l *loader) readPyproject(name string) error {
	d, err := l.toml(name)
	if err != nil {
		return err
	}
	if d == nil {
		_, err := l.read(name)
		return err
	}
	if err := l.ownProject(d); err != nil {
		return err
	}
	if err := l.array(d, []string{"project", "dependencies"}, ""); err != nil {
		return err
	}
	extras, err := d.tableKeys("project", "optional-dependencies")
	if err != nil {
		return err
	}
	for _, x := range extras {
		l.groups = append(l.groups, normalize(x))
	}
	for _, x := range extras {
		if err := l.extra(d, extras, x, normalize(x), nil); err != nil {
			return err
		}
	}
	groups, err := d.tableKeys("dependency-groups")
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, g := range groups {
		if other, twice := seen[normalize(g)]; twice {
			return &Error{name, d.lineOf("dependency-groups", g), fmt.Sprintf("dependency groups %q and %q are the same name", other, g), "keep one of them"}
		}
		seen[normalize(g)] = g
		l.groups = append(l.groups, normalize(g))
	}
	for _, g := range groups {
		if err := l.group(d, seen, g, normalize(g), nil); err != nil {
			return err
		}
	}
	return l.elsewhere(d)
}

// tableKeys gives the sorted keys of a table, nil if it is not there.
func (d *document) tableKeys(path ...string) ([]string, error) {
	v := d.get(path...)
	if v == nil {
		return nil, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &Error{d.file, d.lineOf(path...), strings.Join(path, ".") + " is not a table", "write [" + strings.Join(path, ".") + "] and a list for each group"}
	}
	return slices.Sorted(maps.Keys(m)), nil
}

func (d *document) lineOf(path ...string) int {
	if leaf := d.find(path...); leaf != nil {
		return leaf.line
	}
	for _, t := range d.tables {
		if len(t.path) > 0 && equal(t.path, path) {
			return lineOf(d.src, t.start)
		}
	}
	return 0
}

// extra takes in an extra's requirements under a group. A requirement of the
// project itself with extras, "me[a,b]", stands for theirs.
func (l *loader) extra(d *document, extras []string, x, group string, stack []string) error {
	path := []string{"project", "optional-dependencies", x}
	list, lines, err := d.strings(path)
	if err != nil {
		return err
	}
	for i, text := range list {
		done, err := l.own(d, text, lines[i], group, x, stack)
		if err == nil && !done {
			err = l.addOrDerive(entry{Input: Input{Requirement: text, Group: group, File: d.file, Line: lines[i]}, path: path, index: i}, stack)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addOrDerive takes a requirement in. Where another group brought it, an edit
// of this group cannot reach it.
func (l *loader) addOrDerive(e entry, stack []string) error {
	if len(stack) == 0 {
		return l.add(e, false)
	}
	return l.derive(e.Input)
}

// derive takes in a requirement that no edit reaches.
func (l *loader) derive(in Input) error {
	n := len(l.entries)
	err := l.add(entry{Input: in}, false)
	l.entries = l.entries[:n]
	return err
}

// group takes in a dependency group with those that it includes (PEP 735).
func (l *loader) group(d *document, names map[string]string, g, as string, stack []string) error {
	path := []string{"dependency-groups", g}
	array, ok := d.get(path...).([]any)
	line := d.lineOf(path...)
	if !ok {
		return &Error{d.file, line, fmt.Sprintf("dependency group %q is not an array", g), "write " + g + " = [\"NAME\"]"}
	}
	var spans []span
	if leaf := d.find(path...); leaf != nil {
		spans = elements(d.src, leaf.from, leaf.to)
	}
	for i, x := range array {
		at := line
		if i < len(spans) {
			at = lineOf(d.src, spans[i].from)
		}
		switch v := x.(type) {
		case string:
			e := entry{Input: Input{Requirement: v, Group: as, File: d.file, Line: at}, path: path, index: i}
			done, err := l.own(d, v, at, as, "", nil)
			if done && len(stack) == 0 {
				l.entries = append(l.entries, e)
			} else if err == nil && !done {
				err = l.addOrDerive(e, stack)
			}
			if err != nil {
				return err
			}
		case map[string]any:
			inner, ok := v["include-group"].(string)
			if !ok || len(v) != 1 {
				return &Error{d.file, at, fmt.Sprintf("dependency group %q has a table that is not { include-group = \"NAME\" }", g), "write it so, or as a requirement in quotes"}
			}
			name, ok := names[normalize(inner)]
			switch {
			case !ok:
				return &Error{d.file, at, fmt.Sprintf("dependency group %q includes %q, which is not there", g, inner), "correct its name"}
			case name == g || slices.Contains(stack, name):
				return &Error{d.file, at, fmt.Sprintf("dependency group %q includes itself through %q", g, inner), "take one of the two out"}
			case len(stack) >= maxDepth:
				return &Error{d.file, at, "dependency groups include each other too deep", "write the requirements out"}
			}
			if err := l.group(d, names, name, as, append(stack, g)); err != nil {
				return err
			}
		default:
			return &Error{d.file, at, fmt.Sprintf("dependency group %q has a member that is neither a requirement nor an include", g), "write each requirement in quotes"}
		}
	}
	return nil
}
