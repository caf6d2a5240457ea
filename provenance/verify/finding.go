package verify

import (
	"cmp"
	"slices"
)

// A Class says how bad a finding is.
type Class string

// The classes, best first.
const (
	OK         Class = "OK"
	Incomplete Class = "INCOMPLETE"
	Stale      Class = "STALE"
	Expired    Class = "EXPIRED"
	Tampered   Class = "TAMPERED"
)

var classes = []Class{OK, Incomplete, Stale, Expired, Tampered}

// Worse reports whether c is worse than d.
func (c Class) Worse(d Class) bool { return slices.Index(classes, c) > slices.Index(classes, d) }

// A Finding is one thing that is not as it should be.
type Finding struct {
	ID      string `json:"id"` // stable, of the table in kinds.go
	Class   Class  `json:"class"`
	Subject string `json:"subject"` // file or package
	What    string `json:"what"`    // a sentence without its full stop
	Stop    bool   `json:"stop"`    // install and ship nothing of this until it is settled
	Who     string `json:"who"`     // developer, publisher, builder, reviewer, CI or security team
	Command string `json:"command"` // what they do next
}

// LockFinding is the finding for a wheels.lock that does not parse.
func LockFinding(err error) Finding {
	return kinds["lock-malformed"].finding("lock-malformed", "wheels.lock", err.Error())
}

func sortFindings(list []Finding) {
	slices.SortFunc(list, func(a, b Finding) int {
		if a.Class != b.Class {
			return slices.Index(classes, b.Class) - slices.Index(classes, a.Class)
		}
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.What, b.What), cmp.Compare(a.Command, b.Command))
	})
}
