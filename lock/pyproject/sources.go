package pyproject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Source is a file with requirements. Where Group is set, what the file asks for
// is that group, and a group or extra "dev" of it is "GROUP-dev": so one lock
// holds several applications, each a group.
type Source struct {
	File  string
	Group string // normalised; "": the file's groups are the project's
}

// sourceFiles reads sources = ["file", { file = "...", group = "..." }].
func (c *configReader) sourceFiles(v any, line int) {
	const hint = "write sources = [\"requirements.in\", { file = \"apps/shop/pyproject.toml\", group = \"shop\" }]"
	list, ok := v.([]any)
	if !ok {
		c.fail(line, hint, "sources is not a list")
		return
	}
	c.c.Sources = []Source{}
	for _, x := range list {
		var s Source
		switch x := x.(type) {
		case string:
			s.File = x
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				switch k {
				case "file":
					c.text(&s.File, k, x[k], line)
				case "group":
					c.text(&s.Group, k, x[k], line)
				default:
					c.fail(line, hint, "a source has the unknown key %q", k)
				}
			}
			if name := normalize(s.Group); s.Group != "" && nameOf(s.Group) == name {
				s.Group = name
			} else {
				c.fail(line, hint, "the source %s has the group %q, expected a name", s.File, s.Group)
			}
		}
		if s.File == "" {
			c.fail(line, hint, "sources has a member that is neither the name of a file nor a file with its group")
			return
		}
		if slices.ContainsFunc(c.c.Sources, func(o Source) bool { return o.File == s.File }) {
			c.fail(line, "take one of them out", "sources names %s twice", s.File)
		}
		c.c.Sources = append(c.c.Sources, s)
	}
}

// into gives what was read since a mark to a source's group.
func (l *loader) into(group string, inputs, entries, groups int) {
	if group == "" {
		return
	}
	for i := range l.Inputs[inputs:] {
		l.Inputs[inputs+i].Group = below(group, l.Inputs[inputs+i].Group)
	}
	for i := range l.entries[entries:] {
		l.entries[entries+i].Group = below(group, l.entries[entries+i].Group)
	}
	for i := range l.groups[groups:] {
		l.groups[groups+i] = below(group, l.groups[groups+i])
	}
	l.groups = append(l.groups, group)
}

func below(group, own string) string {
	if own == "" {
		return group
	}
	return group + "-" + own
}

// home finds the file to which a group's new requirement goes, and the group's
// name there.
func (p *Project) home(group string) (file, own string, err error) {
	var names []string
	for _, s := range p.sources {
		switch rest, below := strings.CutPrefix(group, s.Group+"-"); {
		case s.Group == "":
		case s.Group == group:
			return s.File, "", nil
		case below && slices.Contains(p.groups, group):
			return s.File, rest, nil
		}
		names = append(names, s.Group)
	}
	for _, s := range p.sources {
		if s.Group == "" {
			return s.File, group, nil
		}
	}
	return "", "", &Error{p.Config.File, p.lineOf("sources"), fmt.Sprintf("no source of the project is that of group %q", group),
		"name one of its groups with --group: " + strings.Join(names, ", ")}
}
