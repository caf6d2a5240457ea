package resolve

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// need is a requirement as the search knows it: one value for each text, so
// that versions which need the same are seen to.
type need struct {
	text     string
	name     string   // normalised
	extras   []string // normalised, sorted
	spec     pep440.Specifiers
	marker   *pep508.Marker
	namesPre bool // a clause names a pre-release
	pinned   bool // a clause is == or === and has no wildcard

	set atomic.Pointer[admitted] // of the project that was asked last

	// Of what the user asked for:
	root       bool
	constraint bool
	group      string
	origin     string
	override   string   // where the user wrote what takes the place of another requirement
	instead    string   // of that requirement
	targets    []string // nil: all
	firm       bool     // no way out
}

func newNeed(r pep508.Requirement) *need { return textedNeed(r, r.String()) }

func textedNeed(r pep508.Requirement, text string) *need {
	n := &need{text: text, name: r.Canonical(), spec: r.Specifiers, marker: r.Marker}
	for _, e := range r.Extras {
		n.extras = append(n.extras, pep508.NormalizeName(e))
	}
	slices.Sort(n.extras)
	n.extras = slices.Compact(n.extras)
	if allowed, said := r.Specifiers.Prereleases(); said && allowed {
		n.namesPre = true
	}
	for _, c := range r.Specifiers.Clauses() {
		if c.Op == "===" || c.Op == "==" && !strings.HasSuffix(c.Version, ".*") {
			n.pinned = true
		}
	}
	return n
}

// intern returns the need for a requirement of some package's metadata.
func (s *store) intern(r pep508.Requirement) *need {
	key := r.String()
	s.mu.Lock()
	n := s.needs[key]
	s.mu.Unlock()
	if n != nil {
		return n
	}
	made := textedNeed(r, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = s.needs[key]; n == nil {
		n = made
		s.needs[key] = n
	}
	return n
}

// wants is the requirement without its marker: "lib[x]>=3".
func (n *need) wants() string {
	s := n.name
	if len(n.extras) > 0 {
		s += "[" + strings.Join(n.extras, ",") + "]"
	}
	return s + n.spec.String()
}
