package archive

import (
	"fmt"
	"regexp"
	"strings"
)

// EntryPoint is one line of entry_points.txt: a name and the object it runs.
type EntryPoint struct {
	Group, Name, Module, Attr string
}

// The object reference of the entry points specification: a dotted module, a
// dotted attribute, and extras that installers ignore. Both go into a script,
// so nothing else may stand there.
var entryValue = regexp.MustCompile(`^([A-Za-z_][\w.]*)\s*(?::\s*([A-Za-z_][\w.]*))?\s*(?:\[[^\]]*\])?$`)

// A script's name becomes a file name.
var scriptName = regexp.MustCompile(`^[A-Za-z0-9_][\w.+ -]*$`)

// parseEntryPoints reads the groups console_scripts and gui_scripts of
// entry_points.txt, an INI file with "=" as its only delimiter.
func parseEntryPoints(b []byte) ([]EntryPoint, error) {
	var points []EntryPoint
	group := ""
	seen := map[string]bool{}
	for n, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			group = line[1 : len(line)-1]
			continue
		}
		if group != "console_scripts" && group != "gui_scripts" {
			continue // plugins; nothing that an installer acts on
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		m := entryValue.FindStringSubmatch(value)
		if !ok || m == nil || m[2] == "" {
			return nil, fmt.Errorf("line %d is not of the form name = module:object", n+1)
		}
		if !scriptName.MatchString(name) {
			return nil, fmt.Errorf("line %d: %q is no name for a script", n+1, name)
		}
		if seen[name] {
			return nil, fmt.Errorf("line %d: %q a second time", n+1, name)
		}
		seen[name] = true
		points = append(points, EntryPoint{Group: group, Name: name, Module: m[1], Attr: m[2]})
	}
	return points, nil
}

// Scripts are the wheel's console and graphical scripts.
func (w *Wheel) Scripts() ([]EntryPoint, error) {
	name := w.DistInfo + "/entry_points.txt"
	if w.Lookup(name) == nil {
		return nil, nil
	}
	b, err := w.ReadFile(name, MaxText)
	if err != nil {
		return nil, err
	}
	points, err := parseEntryPoints(b)
	if err != nil {
		return nil, w.zip.refuse(name, BadField, "%v", err)
	}
	return points, nil
}

// entryPoints writes one script for each.
func (in *installer) entryPoints() error {
	points, err := in.w.Scripts()
	if err != nil {
		return err
	}
	for _, p := range points {
		first, _, _ := strings.Cut(p.Attr, ".")
		text := fmt.Sprintf("#!%s\nimport sys\nfrom %s import %s\nif __name__ == \"__main__\":\n    sys.exit(%s())\n",
			in.s.Interpreter, p.Module, first, p.Attr)
		if in.s.Scripts == "" {
			return in.w.zip.refuse("", BadField, "no place for its scripts")
		}
		if err := in.write(in.s.Scripts, p.Name, 0o755, in.text([]byte(text))); err != nil {
			return err
		}
	}
	return nil
}
