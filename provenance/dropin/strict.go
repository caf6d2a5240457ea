package dropin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock/foreign"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// ErrUnfit is wrapped by a StrictError.
var ErrUnfit = errors.New("not fit for a strict build-requirements.txt")

// A StrictError lists all that keeps Strict from giving a text.
type StrictError struct{ Reasons []string }

func (e *StrictError) Error() string { return strings.Join(e.Reasons, "\n") }
func (e *StrictError) Unwrap() error { return ErrUnfit }

// Text is what Strict gives.
type Text struct {
	Content []byte
	Notes   []string // what was left out or could not be checked, and why
}

// Strict gives a text by the rules of BuildRequirements, mended as the package
// comment says. Target is nil for one that serves all targets. Errors are
// *MissingError, *StrictError, or about the input.
func Strict(file string, requirements, pyproject, sums []byte, target *tags.Target) (*Text, error) {
	list, err := ParseList(sums)
	if err != nil {
		return nil, err
	}
	l, err := foreign.Read(file, requirements)
	if err != nil {
		return nil, err
	}
	s := &strict{list: list, target: target}
	wanted, err := s.wanted(file, l, pyproject)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	var missing []Wanted
	for _, w := range wanted {
		e, none := s.wheel(w)
		if none {
			missing = append(missing, w)
			continue
		}
		s.source(w)
		marker := ""
		if w.Marker != "" {
			marker = " ; " + w.Marker
		}
		fmt.Fprintf(&out, "%s%s --hash=sha256:%s\n", w, marker, e.SHA256)
	}
	switch {
	case len(s.reasons) > 0:
		for _, m := range missing {
			s.refuse("%s has no wheel in the list", m)
		}
		return nil, &StrictError{s.reasons}
	case len(missing) > 0:
		return nil, &MissingError{missing}
	}
	return &Text{[]byte(out.String()), s.notes}, nil
}

type strict struct {
	list           []Entry
	target         *tags.Target
	reasons, notes []string
}

func (s *strict) refuse(format string, args ...any) {
	s.reasons = append(s.reasons, fmt.Sprintf(format, args...))
}

func (s *strict) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// wanted lists what must be there, in file order.
func (s *strict) wanted(file string, l *foreign.Lock, pyproject []byte) ([]Wanted, error) {
	var needed map[string]bool
	switch l.Format {
	case foreign.Requirements:
	case foreign.Poetry:
		from, err := roots(file, pyproject)
		if err != nil {
			return nil, err
		}
		needed = s.closure(l, from)
	default:
		return nil, &foreign.Error{File: file, Msg: "build-requirements are made from a requirements.txt or a poetry.lock", Hint: "wheellock import " + file}
	}
	var out []Wanted
	have := map[string]string{}
	for _, p := range l.Packages {
		name := foreign.Normalize(p.Name)
		where := file
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", file, p.Line)
		}
		if needed != nil && !needed[name] {
			continue
		}
		if p.Direct != "" || p.Version == "" {
			s.refuse("%s: %s is no NAME==VERSION: no wheel in the list can be known to be it", where, p.Name)
			continue
		}
		w := Wanted{Name: p.Name, Version: p.Version, Marker: p.Marker, Hashes: p.Hashes()}
		holds, err := s.holds(w.Marker)
		if err != nil {
			s.refuse("%s: %s: %v", where, p.Name, err)
			continue
		}
		if slices.Contains(leftOut, name) {
			s.note("%s is left out, as always", w)
			continue
		}
		if !holds {
			s.note("%s is left out: on %s, %s does not hold", w, s.target.Name, w.Marker)
			continue
		}
		if s.target != nil {
			w.Marker = ""
		}
		if old, twice := have[name]; twice && (w.Marker == "" || old == "") {
			s.refuse("%s: %s is there twice; say with --target which is meant", where, p.Name)
			continue
		}
		have[name] = w.Marker
		out = append(out, w)
	}
	return out, nil
}

// closure is what the roots need, and what that needs, wherever it stands. A
// dependency counts if its marker may hold; one of an extra does not.
func (s *strict) closure(l *foreign.Lock, from []foreign.Dependency) map[string]bool {
	needed := map[string]bool{}
	var next []string
	follow := func(list []foreign.Dependency) {
		for _, d := range list {
			if holds, err := s.holds(d.Marker); !d.Optional && (err != nil || holds) {
				next = append(next, foreign.Normalize(d.Name))
			}
		}
	}
	follow(from)
	byName := map[string][]foreign.Package{}
	for _, p := range l.Packages {
		n := foreign.Normalize(p.Name)
		byName[n] = append(byName[n], p)
	}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		if needed[name] {
			continue
		}
		needed[name] = true
		for _, p := range byName[name] {
			if holds, err := s.holds(p.Marker); err == nil && !holds {
				continue
			}
			follow(p.Needs)
		}
	}
	return needed
}

// holds reports whether a marker holds on the target; without one it may.
func (s *strict) holds(marker string) (bool, error) {
	if marker == "" {
		return true, nil
	}
	m, err := pep508.ParseMarker(marker)
	if err != nil {
		return false, fmt.Errorf("the marker %q: %w", marker, err)
	}
	if s.target == nil {
		return true, nil
	}
	return m.Eval(s.target.Environment())
}

// wheel finds the one wheel of a package; none: there is none.
func (s *strict) wheel(w Wanted) (found Entry, none bool) {
	v, err := pep440.Parse(w.Version)
	if err != nil {
		s.refuse("%s: %v", w, err)
		return found, false
	}
	var fit []Entry
	best := -1
	for _, e := range s.list {
		if !strings.HasSuffix(strings.ToLower(e.Base()), ".whl") {
			continue
		}
		name, err := tags.ParseWheelName(e.Base())
		if err != nil || foreign.Normalize(name.Name) != foreign.Normalize(w.Name) || !name.Version.Equal(v) {
			continue
		}
		rank := 0
		if s.target != nil {
			var ok bool
			if rank, ok = s.target.Best(name); !ok {
				continue
			}
		}
		if best >= 0 && rank > best {
			continue
		}
		if best >= 0 && rank < best {
			fit = nil
		}
		best = rank
		if !slices.ContainsFunc(fit, func(o Entry) bool { return o.SHA256 == e.SHA256 }) {
			fit = append(fit, e)
		}
	}
	switch len(fit) {
	case 0:
		return found, true
	case 1:
		return fit[0], false
	}
	var names []string
	for _, e := range fit {
		names = append(names, fmt.Sprintf("%s (line %d)", e.Name, e.Line))
	}
	advice := "; take all but one out of the list"
	if s.target == nil {
		advice = "; say with --target for which it is, or take all but one out of the list"
	}
	s.refuse("%s would authorise %d wheels: %s%s", w, len(fit), strings.Join(names, ", "), advice)
	return found, false
}

// source asks whether the list's source archive is the one that was locked.
func (s *strict) source(w Wanted) {
	v, err := pep440.Parse(w.Version)
	if err != nil {
		return
	}
	var found []Entry
	for _, e := range s.list {
		version, _, ok := tags.CutSdistNameOf(e.Base(), foreign.Normalize(w.Name))
		if !ok {
			continue
		}
		if got, err := pep440.Parse(version); err == nil && got.Equal(v) {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		s.note("%s: the list has no source archive that its wheel could have been built from", w)
	case len(w.Hashes) == 0:
	case !slices.ContainsFunc(found, func(e Entry) bool { return slices.Contains(w.Hashes, e.SHA256) }):
		s.refuse("%s: %s (line %d of the list) is not the source that is locked: its hash is none of the %d there", w, found[0].Name, found[0].Line, len(w.Hashes))
	}
}
