package pyproject

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
)

// Local is a project in the user's own tree that an input names by its path.
// Its bytes are the repository's, so it is not locked; what it requires is
// among the inputs, and its name and version satisfy others' requirements.
type Local struct {
	Name           string // normalised
	Version        string // "" where its backend makes it
	RequiresPython string
	Dir            string // relative to the project's folder, "." is that itself
	Input                 // where it is named; Requirement is what stands there
}

// isPath reports whether a requirement as text is a path, perhaps with extras
// and a marker behind it.
func isPath(text string) bool {
	return strings.HasPrefix(text, ".") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") || strings.HasPrefix(text, "file:")
}

// editable reads what follows -e: a project in a folder, or in a repository,
// which is then locked like any other: a lock installs wheels.
func (l *loader) editable(file string, line logical, value string) error {
	if value == "" {
		return &Error{file, line.line, "-e names nothing", "write the folder of the project after it: -e ./libs/NAME"}
	}
	line.text = value
	if bareURL.MatchString(value) && !strings.HasPrefix(value, "file:") || strings.Contains(value, "@") {
		return l.requirementLine(file, line, false)
	}
	return l.localLine(file, line, value)
}

// localLine reads "PATH[EXTRAS] ; MARKER" of a requirements file.
func (l *loader) localLine(file string, line logical, text string) error {
	where, marker, _ := strings.Cut(text, ";")
	e := entry{Input: Input{Requirement: text, File: file, Line: line.line}, whole: span{line.from, line.to}, body: line.body}
	name, err := l.local(e.Input, "", strings.TrimSpace(where), strings.TrimSpace(marker))
	if err == nil {
		e.Requirement = name // by which `remove` finds it
		l.entries = append(l.entries, e)
	}
	return err
}

// localReference gives the path in "NAME @ file:PATH"; "": it is none.
func localReference(req string) (where, marker string) {
	name, _ := nameAndExtras(req)
	rest := strings.TrimSpace(strings.TrimSpace(req)[len(name):])
	if strings.HasPrefix(rest, "[") {
		_, rest, _ = strings.Cut(rest, "]")
	}
	where, ok := strings.CutPrefix(strings.TrimSpace(rest), "@")
	if !ok {
		return "", ""
	}
	where, marker, _ = strings.Cut(where, " ;")
	where = strings.TrimSpace(where)
	if !isPath(where) {
		return "", ""
	}
	return where, strings.TrimSpace(marker)
}

// local takes in the project in a folder. Paths are relative to the project's
// folder, as pip, run there, has them, whichever file names them.
func (l *loader) local(in Input, name, where, marker string) (string, error) {
	fail := func(hint, format string, args ...any) (string, error) {
		return "", &Error{in.File, in.Line, fmt.Sprintf(format, args...), hint}
	}
	var extras []string
	if name != "" {
		_, extras = nameAndExtras(in.Requirement)
	} else if at := strings.IndexByte(where, '['); at > 0 && strings.HasSuffix(where, "]") {
		extras = strings.Split(where[at+1:len(where)-1], ",")
		where = where[:at]
	}
	dir, why := localPath(where)
	if why != "" {
		return fail("write the folder of the project: ./libs/NAME", "%s: %s", where, why)
	}
	for _, ext := range []string{".whl", ".tar.gz", ".zip"} {
		if strings.HasSuffix(dir, ext) {
			return fail("put the file into a folder, name the folder in find-links and require it by name", "%q is a file, not the folder of a project", where)
		}
	}
	if info, err := os.Stat(l.path(dir)); err != nil || !info.IsDir() {
		return fail("correct the path, which starts from the folder of the project", "there is no folder %s", where)
	}
	d, err := l.toml(path.Join(dir, pyprojectFile))
	if err != nil {
		return "", err
	}
	if d == nil || d.get("project") == nil {
		hint := "write [project] with name, version and dependencies into it, or name its requirements with -r"
		if d != nil {
			if poetry, _ := d.get("tool", "poetry", "dependencies").(map[string]any); len(poetry) > 0 {
				hint = poetryHint(poetry)
			}
		}
		return fail(hint, "%s has no pyproject.toml with a [project] table, so what it requires cannot be read", where)
	}
	own, _ := d.get("project", "name").(string)
	if normalize(own) == "" || name != "" && normalize(own) != normalize(name) {
		return fail("correct the name", "the project in %s is named %q", where, own)
	}
	list, _ := d.get("project", "dynamic").([]any)
	for _, key := range []string{"dependencies", "optional-dependencies"} {
		if slices.Contains(list, any(key)) {
			return "", &Error{d.file, d.lineOf("project", "dynamic"), fmt.Sprintf("%s are dynamic, so what %s requires cannot be read (%s)", key, own, in.Origin()),
				dynamicHint(d, key, dir)}
		}
	}
	x := Local{Name: normalize(own), Dir: dir, Input: in}
	x.Version, _ = d.get("project", "version").(string)
	x.RequiresPython, _ = d.get("project", "requires-python").(string)
	if slices.ContainsFunc(l.Locals, func(y Local) bool { return y.Name == x.Name && y.Dir != x.Dir }) {
		return fail("keep one of them", "%s is named in two folders", own)
	}
	first := !slices.ContainsFunc(l.Locals, func(y Local) bool {
		return y.Name == x.Name && y.Group == x.Group && markerOf(y.Requirement) == markerOf(in.Requirement)
	})
	l.Locals = append(l.Locals, x)
	if err := l.localRequires(d, in, extras, marker, first); err != nil {
		return "", err
	}
	return x.Name, l.elsewhere(d)
}

// dynamicHint says where the requirements of a project are that does not write
// them into [project]. Its backend is not asked: it would have to be run, with
// its own requirements, on every check of the lock.
func dynamicHint(d *document, key, dir string) string {
	var files []string
	switch x := d.get("tool", "setuptools", "dynamic", key, "file").(type) {
	case string:
		files = []string{x}
	case []any:
		for _, f := range x {
			files = append(files, fmt.Sprint(f))
		}
	}
	if len(files) == 0 {
		return "write them into [project], or name the file that holds them with -r in place of the folder"
	}
	for i, f := range files {
		files[i] = "-r " + path.Join(dir, f)
	}
	return "in place of the folder write " + strings.Join(files, " and ") + " into a requirements file, or the requirements into [project]"
}

// localRequires takes in what a local project requires, under the group and
// marker of whoever names it.
func (l *loader) localRequires(d *document, in Input, extras []string, marker string, first bool) error {
	from, locals := len(l.Inputs), len(l.Locals)
	if first {
		list, lines, err := d.strings([]string{"project", "dependencies"})
		if err != nil {
			return err
		}
		for i, text := range list {
			if err := l.derive(Input{Requirement: text, Group: in.Group, File: d.file, Line: lines[i]}); err != nil {
				return err
			}
		}
	}
	known, err := d.tableKeys("project", "optional-dependencies")
	if err != nil {
		return err
	}
	for _, x := range extras {
		k := slices.IndexFunc(known, func(y string) bool { return normalize(y) == normalize(x) })
		if k < 0 {
			return &Error{in.File, in.Line, fmt.Sprintf("%s has no extra %q", d.get("project", "name"), strings.TrimSpace(x)), "its extras are " + strings.Join(known, ", ")}
		}
		// Of a depth above zero: an edit of this project does not reach them.
		if err := l.extra(d, known, known[k], in.Group, []string{""}); err != nil {
			return err
		}
	}
	if marker == "" {
		return nil
	}
	if len(l.Locals) > locals {
		return &Error{in.File, in.Line, "a local project with a marker requires another local project", "name that one in your own inputs, with the marker"}
	}
	for i := range l.Inputs[from:] {
		l.Inputs[from+i].Requirement = withMarker(l.Inputs[from+i].Requirement, marker)
	}
	return nil
}

// withMarker adds a marker to a requirement as text.
func withMarker(req, marker string) string {
	sep := ";"
	if strings.Contains(req, "@") {
		sep = " ;"
	}
	head, own, has := strings.Cut(req, sep)
	if !has {
		return strings.TrimSpace(req) + " ; " + marker
	}
	return strings.TrimSpace(head) + " ; (" + strings.TrimSpace(own) + ") and (" + marker + ")"
}

// localPath cleans a path or a file: address.
func localPath(where string) (dir, why string) {
	if rest, ok := strings.CutPrefix(where, "file:"); ok {
		where = rest
		if rest, ok := strings.CutPrefix(where, "//"); ok {
			where = strings.TrimPrefix(rest, "localhost")
			if !strings.HasPrefix(where, "/") {
				return "", "the address is on another machine, or not absolute"
			}
		}
		unescaped, err := url.PathUnescape(where)
		if err != nil {
			return "", "the address cannot be read"
		}
		where = unescaped
	}
	if where == "" || strings.HasPrefix(where, "~") {
		return "", "no path that means the same on every machine"
	}
	return path.Clean(where), ""
}
