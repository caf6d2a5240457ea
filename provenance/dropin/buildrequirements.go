package dropin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock/foreign"
)

// leftOut are packages that their script never writes: Debian gives the first two,
// and the third is for another system.
var leftOut = []string{"pyqt5", "sip", "colorama"}

// Wanted is one name and version that the text must have.
type Wanted struct {
	Name, Version string
	Marker        string   // Strict: to be kept on the line
	Hashes        []string // Strict: that the requirements allow; empty: they have none
}

func (w Wanted) String() string { return w.Name + "==" + w.Version }

// A MissingError names the packages that have no wheel in the list.
type MissingError struct{ Missing []Wanted }

// Error is what their script prints.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("The following dependent wheel(s) are missing:\n")
	for _, w := range e.Missing {
		b.WriteString(w.String() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// BuildRequirements gives the text that the team's script gives; see the package
// comment. Pyproject stands beside a poetry.lock, and is nil for a requirements.txt.
// A package without a wheel is a *MissingError.
func BuildRequirements(file string, requirements, pyproject, sums []byte) ([]byte, error) {
	list, err := ParseList(sums)
	if err != nil {
		return nil, err
	}
	wanted, err := asTheyDo(file, requirements, pyproject)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	var missing []Wanted
	for _, w := range wanted {
		var hashes string
		for _, e := range list {
			name := strings.ToLower(e.Base())
			if strings.HasSuffix(name, ".whl") &&
				(strings.HasPrefix(name, w.Name+"-"+w.Version) || strings.HasPrefix(name, strings.ReplaceAll(w.Name, "-", "_")+"-"+w.Version)) {
				hashes += " --hash=sha256:" + e.SHA256
			}
		}
		if hashes == "" {
			missing = append(missing, w)
			continue
		}
		out.WriteString(w.String() + hashes + "\n")
	}
	if len(missing) > 0 {
		return nil, &MissingError{missing}
	}
	return []byte(out.String()), nil
}

// asTheyDo lists names and versions by their rules.
func asTheyDo(file string, requirements, pyproject []byte) ([]Wanted, error) {
	l, err := foreign.Read(file, requirements)
	if err != nil {
		return nil, err
	}
	var out []Wanted
	switch l.Format {
	case foreign.Requirements:
		for _, p := range l.Packages {
			if p.Version != "" {
				out = append(out, Wanted{Name: p.Name, Version: p.Version})
			}
		}
	case foreign.Poetry:
		from, err := roots(file, pyproject)
		if err != nil {
			return nil, err
		}
		relevant := map[string]bool{}
		for _, d := range from {
			relevant[foreign.Normalize(d.Name)] = true
		}
		// One pass forward, as theirs: what a package needs that becomes relevant
		// when the pass has gone by is lost.
		for _, p := range l.Packages {
			if relevant[foreign.Normalize(p.Name)] {
				for _, d := range p.Needs {
					relevant[foreign.Normalize(d.Name)] = true
				}
			}
		}
		for _, p := range l.Packages {
			if relevant[foreign.Normalize(p.Name)] {
				out = append(out, Wanted{Name: p.Name, Version: p.Version})
			}
		}
	default:
		return nil, &foreign.Error{File: file, Msg: "build-requirements are made from a requirements.txt or a poetry.lock", Hint: "wheellock import " + file}
	}
	return slices.DeleteFunc(out, func(w Wanted) bool { return slices.Contains(leftOut, strings.ToLower(w.Name)) }), nil
}

// roots is what pyproject.toml asks for itself.
func roots(file string, data []byte) ([]foreign.Dependency, error) {
	if data == nil {
		return nil, &foreign.Error{File: file, Msg: "there is no pyproject.toml beside it, which says what of it the application needs", Hint: "put pyproject.toml into the same folder"}
	}
	out, err := foreign.Asked(data)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &foreign.Error{File: "pyproject.toml", Msg: fmt.Sprintf("it names no dependencies, so nothing of %s is needed", file), Hint: "write them into [project] dependencies"}
	}
	return out, nil
}
