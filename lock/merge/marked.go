package merge

import (
	"bytes"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// Git's conflict markers, at its default length.
const (
	markOurs   = "<<<<<<< ours"
	markMiddle = "======="
	markTheirs = ">>>>>>> theirs"
)

// build stands behind the name of a build requirement in merger.why.
const build = " (build)"

// conflicting puts two texts between markers; "" is no line at all.
func conflicting(ours, theirs string) string {
	lines := []string{markOurs, ours, markMiddle, theirs, markTheirs}
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}

// Whole is the conflict of two files of which nothing can be merged.
func Whole(ours, theirs []byte) []byte {
	trim := func(b []byte) string { return string(bytes.TrimRight(b, "\n")) }
	return []byte(conflicting(trim(ours), trim(theirs)) + "\n")
}

// sections are the blocks of a lock's text, without empty lines at their ends.
type sections struct {
	head                       string
	targets, packages, recipes []string
}

func split(l *lock.Lock) sections {
	var s sections
	for i, b := range strings.Split(strings.TrimSuffix(string(l.Format()), "\n"), "\n\n") {
		switch {
		case i == 0:
			s.head = b
		case strings.HasPrefix(b, "[[targets]]"):
			s.targets = append(s.targets, b)
		case strings.HasPrefix(b, "[[packages]]"):
			s.packages = append(s.packages, b)
		default:
			s.recipes = append(s.recipes, b)
		}
	}
	return s
}

// marked is the text of a merge with conflicts.
func (m *merger) marked() []byte {
	s := split(&m.out)
	if m.why[headConflicts] != "" {
		rest, _ := cutLine(s.head, "conflicts = ")
		_, ours := cutLine(split(m.ours.lock).head, "conflicts = ")
		_, theirs := cutLine(split(m.theirs.lock).head, "conflicts = ")
		s.head = rest + "\n" + conflicting(ours, theirs)
	}
	if m.why[headTargets] != "" {
		one := func(x *side) string { return strings.Join(split(x.lock).targets, "\n\n") }
		s.targets = []string{conflicting(one(m.ours), one(m.theirs))}
	}
	for n := range m.why {
		if !strings.HasPrefix(n, "#") {
			s.packages = append(s.packages, conflicting(m.blocksOf(m.ours, n), m.blocksOf(m.theirs, n)))
		}
	}
	slices.SortStableFunc(s.packages, func(a, b string) int { return strings.Compare(nameIn(a)+a, nameIn(b)+b) })
	out := slices.Concat([]string{s.head}, s.targets, s.packages, s.recipes)
	return []byte(strings.Join(out, "\n\n") + "\n")
}

// blocksOf writes what one side has of a name, for the merged targets.
func (m *merger) blocksOf(s *side, name string) string {
	group := ""
	if tool, ok := strings.CutSuffix(name, build); ok {
		name, group = tool, lock.GroupBuild
	}
	l := &lock.Lock{Targets: m.out.Targets, Conflicts: s.lock.Conflicts}
	for i := range s.lock.Packages {
		p := s.lock.Packages[i]
		if p.Name != name || p.Group != group {
			continue
		}
		// The texts must mean what they meant: with another set of targets "all"
		// is another word.
		b, targets := s.blocks[idOf(&p)], s.lock.TargetsOf(&p)
		q := b.assemble(targets)
		in := map[string][]string{}
		for _, t := range targets {
			for _, v := range l.Variants() {
				if s.lock.In(&p, t, v.Name) {
					in[t] = append(in[t], v.Name)
				}
			}
		}
		if group == "" {
			l.SetVariants(&q, in)
		}
		l.Packages = append(l.Packages, q)
	}
	return strings.Join(split(l).packages, "\n\n")
}

// nameIn gives the name of the first package in a text.
func nameIn(text string) string {
	_, line := cutLine(text, "name = ")
	return line
}

// cutLine takes the first line with a prefix out of a text.
func cutLine(text, prefix string) (rest, line string) {
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, prefix) })
	if i < 0 {
		return text, ""
	}
	line = lines[i]
	return strings.Join(slices.Delete(lines, i, i+1), "\n"), line
}
