package pyproject

import (
	"fmt"
	"slices"
	"strings"
)

// AddRequirement adds a requirement to a group ("" is the default one), or
// replaces the one of the same name there. Where several of that name stand
// there, the one with the same marker is replaced, and without such a one it is
// an error. It goes where the project keeps its requirements: into
// [project.dependencies] or a dependency group of pyproject.toml, keeping the
// order where there is one, or at the end of the requirements file. Without any
// input, requirements.in is made, and wheellock.toml where there is no
// configuration. No edit: it stands there already.
func (p *Project) AddRequirement(req, group string) ([]Edit, error) {
	req, err := Named(req)
	if err != nil {
		return nil, err
	}
	name := nameOf(req)
	switch {
	case name == "":
		return nil, invalidRequirement(req, "a requirement begins with the name of a package")
	case !isPrintable(req):
		return nil, invalidRequirement(req, "a requirement stands on one line")
	}
	if msg, _ := refuse(req); msg != "" {
		return nil, invalidRequirement(req, msg)
	}
	q, err := p.addRequirement(req, name, normalize(group))
	if err != nil {
		return nil, err
	}
	return changed(p, q), nil
}

// Named gives a bare address, as pip takes it, the name that it has in #egg= or
// in its file's name: "name @ address". Any other requirement stays as it is. The
// error is an *Error.
func Named(req string) (string, error) {
	req = strings.TrimSpace(req)
	if !bareURL.MatchString(req) {
		return req, nil
	}
	name, rest, why := nameAddress(req)
	if why != "" {
		return "", invalidRequirement(withoutUser(req), why)
	}
	return name + " @ " + rest, nil
}

func (p *Project) addRequirement(req, name, group string) (*Project, error) {
	var same []entry
	for _, e := range p.entries {
		if e.Group == group && nameOf(e.Requirement) == name {
			same = append(same, e)
		}
	}
	if len(same) > 1 {
		lines := make([]string, len(same))
		var exact []entry
		for i, e := range same {
			lines[i] = e.Origin()
			if markerOf(e.Requirement) == markerOf(req) {
				exact = append(exact, e)
			}
		}
		if len(exact) != 1 {
			return nil, &Error{same[0].File, same[0].Line, fmt.Sprintf("%s stands in several places (%s); which one to replace is not clear", name, strings.Join(lines, ", ")),
				"edit these lines by hand, then run `wheellock lock`"}
		}
		same = exact
	}
	if len(same) == 1 {
		if same[0].Requirement == req {
			return p, nil
		}
		return p.replaceEntry(same[0], req)
	}
	return p.insertEntry(req, group)
}

// markerOf is the text after the semicolon, without its white space. An
// address may hold a semicolon only without a blank before it.
func markerOf(req string) string {
	sep := ";"
	if strings.Contains(req, "@") {
		sep = " ;"
	}
	_, marker, _ := strings.Cut(req, sep)
	return strings.Join(strings.Fields(strings.ReplaceAll(marker, "'", `"`)), " ")
}

// insertEntry puts a new requirement where the project keeps them.
func (p *Project) insertEntry(req, group string) (*Project, error) {
	switch {
	case len(p.sources) == 0 && p.lineOf("requirements") > 0 && group == "":
		return p.insertInto(p.config.file, append(slices.Clone(p.prefix), "requirements"), req)
	case len(p.sources) == 0:
		return p.newInputs(req, group)
	}
	file, group, err := p.home(group)
	switch {
	case err != nil:
		return nil, err
	case !strings.HasSuffix(file, ".toml") && group != "":
		return nil, noGroups(file, group)
	case !strings.HasSuffix(file, ".toml"):
		return p.appendLine(file, req)
	}
	d, err := p.document(file)
	if err != nil {
		return nil, err
	}
	if group == "" {
		switch {
		case d.get("project") == nil:
			return nil, &Error{file, 0, "there is no [project] table for requirements of the default group", "add to a group with --group, or write [project] with name and version"}
		case dynamic(d):
			return nil, &Error{file, d.lineOf("project", "dynamic"), "the project says that its dependencies are dynamic", "name the file that holds them: sources = [\"requirements.in\"] in the configuration"}
		}
		return p.insertInto(file, []string{"project", "dependencies"}, req)
	}
	for _, table := range [][]string{{"dependency-groups"}, {"project", "optional-dependencies"}} {
		keys, err := d.tableKeys(table...)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if normalize(k) == group {
				return p.insertInto(file, append(table, k), req)
			}
		}
	}
	return p.insertInto(file, []string{"dependency-groups", group}, req)
}

func noGroups(file, group string) error {
	return &Error{file, 0, fmt.Sprintf("a requirements file has no groups, so nothing can be added to %q", group), "write a pyproject.toml with [dependency-groups], or leave --group out"}
}

// newInputs makes requirements.in, and a configuration that names it where
// there is none.
func (p *Project) newInputs(req, group string) (*Project, error) {
	if group != "" {
		return nil, noGroups(requirementsFile, group)
	}
	edits := []Edit{{p.path(requirementsFile), []byte(req + "\n")}}
	switch {
	case p.config == nil:
		edits = append(edits, Edit{p.path(configFileName), []byte("sources = [\"" + requirementsFile + "\"]\n")})
	case p.Config.Sources != nil: // sources = []
		q, err := p.With(edits)
		if err != nil {
			return nil, err
		}
		return q.setValue(p.config.file, p.prefix, "sources", "[\""+requirementsFile+"\"]")
	}
	return p.With(edits)
}

// insertInto puts a requirement into an array of a TOML file.
func (p *Project) insertInto(file string, path []string, req string) (*Project, error) {
	d, err := p.document(file)
	if err != nil {
		return nil, err
	}
	l := d.find(path...)
	if l == nil {
		nl := newline(d.src)
		text := "[" + nl + "    " + quoteTOML(req, '"') + "," + nl + "]"
		return p.splice(d, d.insertKey(path[:len(path)-1], path[len(path)-1], text), path, []any{req})
	}
	list, _ := d.get(path...).([]any)
	names := make([]string, len(list))
	for i, x := range list {
		if s, ok := x.(string); ok {
			names[i] = nameOf(s)
		}
	}
	a := newArray(d.src, l.from, l.to)
	if len(a.elems) != len(list) {
		return nil, &Error{file, l.line, "the array cannot be read element by element", "edit it by hand, then run `wheellock lock`"}
	}
	at := place(names, nameOf(req))
	return p.splice(d, a.insert(at, quoteTOML(req, a.style())), path, slices.Insert(slices.Clone(list), at, any(req)))
}

// appendLine puts a requirement at the end of a requirements file.
func (p *Project) appendLine(file, req string) (*Project, error) {
	src := p.files[file]
	nl := newline(src)
	var out []byte
	switch {
	case len(src) == 0 || src[len(src)-1] == '\n':
		out = splice(src, len(src), len(src), req+nl)
	default:
		out = splice(src, len(src), len(src), nl+req)
	}
	return p.spliceLines(file, out, append(texts(src), req))
}

// spliceLines replaces a requirements file after making sure that its logical
// lines are the ones wanted.
func (p *Project) spliceLines(file string, out []byte, want []string) (*Project, error) {
	if !slices.Equal(texts(out), want) {
		return nil, &Error{file, 0, "the lines cannot be edited without damage", "edit the file by hand, then run `wheellock lock`"}
	}
	return p.withFile(file, out)
}

func texts(src []byte) []string {
	var list []string
	for _, l := range logicalLines(src) {
		list = append(list, l.text)
	}
	return list
}

func (p *Project) replaceEntry(e entry, req string) (*Project, error) {
	if e.path != nil {
		d, a, list, err := p.arrayOf(e)
		if err != nil {
			return nil, err
		}
		list[e.index] = req
		return p.splice(d, a.replace(e.index, quoteTOML(req, a.src[a.elems[e.index].from])), e.path, list)
	}
	src := p.files[e.File]
	want := texts(src)
	want[lineIndex(src, e)] = req
	return p.spliceLines(e.File, splice(src, e.body.from, e.body.to, req), want)
}

// lineIndex says which logical line of its file an entry is.
func lineIndex(src []byte, e entry) int {
	return slices.IndexFunc(logicalLines(src), func(l logical) bool { return l.line == e.Line })
}

func (p *Project) arrayOf(e entry) (*document, array, []any, error) {
	d, err := p.document(e.File)
	if err != nil {
		return nil, array{}, nil, err
	}
	l := d.find(e.path...)
	list, _ := d.get(e.path...).([]any)
	if l == nil {
		return nil, array{}, nil, &Error{e.File, e.Line, "the requirement stands within an inline table, which is not edited", "edit it by hand, then run `wheellock lock`"}
	}
	a := newArray(d.src, l.from, l.to)
	if len(a.elems) != len(list) {
		return nil, array{}, nil, &Error{e.File, l.line, "the array cannot be read element by element", "edit it by hand, then run `wheellock lock`"}
	}
	return d, a, slices.Clone(list), nil
}

// RemoveRequirement removes every requirement of a name, in all groups and
// files. Comments on lines of their own stay. The error is a *NotFoundError
// where nothing requires it.
func (p *Project) RemoveRequirement(name string) ([]Edit, error) {
	return p.remove(name, func(string) bool { return true })
}

// RemoveFrom is RemoveRequirement for one group, "" being the default one.
func (p *Project) RemoveFrom(name, group string) ([]Edit, error) {
	return p.remove(name, func(g string) bool { return g == normalize(group) })
}

func (p *Project) remove(name string, in func(group string) bool) ([]Edit, error) {
	q, found := p, false
	for {
		i := slices.IndexFunc(q.entries, func(e entry) bool { return nameOf(e.Requirement) == normalize(name) && in(e.Group) })
		if i < 0 {
			break
		}
		found = true
		next, err := q.removeEntry(q.entries[i])
		if err != nil {
			return nil, err
		}
		q = next
	}
	if !found {
		var names []string
		for _, e := range p.entries {
			names = append(names, nameOf(e.Requirement))
		}
		return nil, &NotFoundError{"requirement", name, lookAlikes(normalize(name), names)}
	}
	return changed(p, q), nil
}

func (p *Project) removeEntry(e entry) (*Project, error) {
	if e.path != nil {
		d, a, list, err := p.arrayOf(e)
		if err != nil {
			return nil, err
		}
		return p.splice(d, a.remove(e.index), e.path, slices.Delete(list, e.index, e.index+1))
	}
	src := p.files[e.File]
	i := lineIndex(src, e)
	from, to := e.whole.from, e.whole.to
	if to == len(src) && src[to-1] != '\n' { // the file keeps ending without one
		for from > 0 && (src[from-1] == '\n' || src[from-1] == '\r') {
			from--
		}
	}
	return p.spliceLines(e.File, splice(src, from, to, ""), slices.Delete(texts(src), i, i+1))
}
