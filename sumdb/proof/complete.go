package proof

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// base64Of turns the hex of a statement into what tlog.ParseHash reads.
func base64Of(hexHash string) string {
	b, err := hex.DecodeString(hexHash)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(b)
}

// required reports whether the statement of an entry's line must be carried.
func required(l index.Line, versions []string) bool {
	return l.Kind == record.KindWithdraw || l.Version == index.NoVersion || slices.Contains(versions, l.Version)
}

// merge gives each wanted name once, with all its versions, and the root.
func merge(want []Want) map[string][]string {
	m := map[string][]string{rootName: nil}
	for _, w := range want {
		m[w.Name] = append(m[w.Name], w.Versions...)
	}
	return m
}

// complete checks that nothing about the root and the wanted packages is left
// out of what the index has, and that the index has left out nothing that the
// proof shows.
func (s *verifier) complete(want []Want) error {
	wanted := merge(want)
	if s.index < 0 {
		for name := range wanted {
			s.v.lines[name] = s.linesOf(name, 0)
		}
		return nil
	}
	at := s.v.Statements[s.index].Number
	parsed := make([]index.Entry, len(s.p.Entries))
	err := each(len(parsed), func(i int) error {
		e, err := index.ParseEntry(s.p.Entries[i].Data)
		if err != nil || e.Lines[len(e.Lines)-1].Number >= at {
			return fail(fmt.Sprintf("index entry %d", s.p.Entries[i].Number), ErrMalformed, "is not an entry of that index")
		}
		parsed[i] = e
		return nil
	})
	if err != nil {
		return err
	}
	byName := map[string]int{}
	for i, e := range parsed {
		if i > 0 && parsed[i-1].Name >= e.Name {
			return fail(fmt.Sprintf("index entry %d", s.p.Entries[i].Number), ErrTampered, "the entries are not sorted by name")
		}
		byName[e.Name] = i
	}
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	slices.Sort(names) // one error for one proof
	for _, name := range names {
		i, found := byName[name]
		if !found {
			if err := s.absent(name, parsed); err != nil {
				return err
			}
			s.v.lines[name] = s.linesOf(name, at)
			continue
		}
		if err := s.whole(parsed[i], wanted[name], at); err != nil {
			return err
		}
		s.v.lines[name] = append(parsed[i].Lines, s.linesOf(name, at)...)
	}
	return nil
}

// linesOf gives the carried statements about a name from a log index on.
func (s *verifier) linesOf(name string, from int64) []index.Line {
	var list []index.Line
	for _, i := range s.v.byName[name] {
		if st := s.v.Statements[i]; st.Number >= from {
			_, version := nameOf(st.Signed)
			list = append(list, index.Line{Number: st.Number, Kind: st.Kind(), Version: version})
		}
	}
	return list
}

// whole checks the carried statements against an entry, both ways.
func (s *verifier) whole(e index.Entry, versions []string, at int64) error {
	carried := map[int64]index.Line{}
	for _, l := range s.linesOf(e.Name, 0) {
		if l.Number < at {
			carried[l.Number] = l
		}
	}
	for _, l := range e.Lines {
		c, ok := carried[l.Number]
		if !ok && required(l, versions) {
			return fail(fmt.Sprintf("statement %d", l.Number), ErrIncomplete, "is about %s %s, and is left out", e.Name, l.Version)
		}
		if ok && c != l {
			return fail("index entry "+e.Name, ErrTampered, "it has statement %d otherwise than the log", l.Number)
		}
		delete(carried, l.Number)
	}
	for n := range carried {
		return fail("index entry "+e.Name, ErrTampered, "it leaves out statement %d", n)
	}
	return nil
}

// absent checks that the list has no entry for a name: the entries before and
// after the place where it would stand are neighbours.
func (s *verifier) absent(name string, parsed []index.Entry) error {
	st, err := s.v.Statements[s.index].AsIndex()
	if err != nil {
		return fail("index entries", ErrMalformed, "the index statement cannot be read")
	}
	i, _ := slices.BinarySearchFunc(parsed, name, func(e index.Entry, n string) int {
		if e.Name < n {
			return -1
		}
		return 1
	})
	before, after := int64(-1), st.Entries
	if i > 0 {
		before = s.p.Entries[i-1].Number
	}
	if i < len(parsed) {
		after = s.p.Entries[i].Number
	}
	if before+1 != after {
		return fail("index entries", ErrUnwanted, "the entry of %s is left out, and its absence not shown", name)
	}
	for _, l := range s.linesOf(name, 0) {
		if l.Number < s.v.Statements[s.index].Number {
			return fail("index entries", ErrTampered, "the index has no entry of %s, which statement %d is about", name, l.Number)
		}
	}
	return nil
}
