package build

import (
	"slices"
	"strings"
)

// linking makes modules free of the interpreter's own place. A Python that somebody
// compiled into a folder of theirs (pyenv does) links every module with a search path
// (RUNPATH) into that folder: elsewhere the module would look for libraries wherever that
// path leads, and two machines would make two wheels. Distributions' have none.
func (i *Interpreter) linking(vars []string) []string {
	out := slices.Clone(vars)
	for name, command := range i.linkers {
		clean := withoutPaths(command, i.Prefix)
		if clean == command || clean == "" || slices.ContainsFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
			continue
		}
		out = append(out, name+"="+clean)
	}
	slices.Sort(out)
	return out
}

// withoutPaths takes the library and search paths below prefix out of a command.
func withoutPaths(command, prefix string) string {
	words := strings.Fields(command)
	words = slices.DeleteFunc(words, func(w string) bool {
		for _, option := range []string{"-L", "-Wl,-rpath,", "-Wl,-rpath=", "-Wl,-R", "-R"} {
			if path, ok := strings.CutPrefix(w, option); ok && (path == prefix || strings.HasPrefix(path, prefix+"/")) {
				return true
			}
		}
		return false
	})
	return strings.Join(words, " ")
}
