package record

import (
	"errors"
	"fmt"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// Limits of the rule about clocks.
const (
	// MaxFuture is how far a statement's time may lie after the log's own clock.
	MaxFuture = 10 * time.Minute
	// MaxPast is how far it may lie before the time of the statement before it
	// in the log. It allows for a branch that was open for a year, and whoever
	// replays the log can check it without knowing when anything was appended.
	MaxPast = 366 * 24 * time.Hour
)

// A Rule is one of the rules at the log's door.
type Rule string

// The rules, in the order in which the door applies them.
const (
	RuleOrigin Rule = "origin" // the statement is for another log
	RuleClock  Rule = "clock"  // its time is in the future or absurdly old
	RuleHeld   Rule = "held"   // the log holds the same claim already
	RuleRoot   Rule = "root"   // the first statement is root 0, and roots count up by one
	RuleSigner Rule = "signer" // the signer does not hold the role now, or did not sign this
	RuleSource Rule = "source" // a file that the index gave has another hash than before
	RuleBuilt  Rule = "built"  // a built file has another hash, and does not supersede
	RuleIndex  Rule = "index"  // not what the index of the statements before it is
)

// A DoorError says by which rule the log does not take a statement.
type DoorError struct {
	Rule  Rule
	Index int64 // the statement that stands against it, or -1
	Msg   string
	Err   error // may be nil
}

func (e *DoorError) Error() string {
	s := "refused by the rule " + string(e.Rule) + ": " + e.Msg
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *DoorError) Unwrap() error { return e.Err }

// ErrNoRole is what a [Keys] answers about a key that does not hold the role.
var ErrNoRole = errors.New("key does not hold the role")

// A Placed is a root statement and its place in the log.
type Placed struct {
	At   int64
	Root Root
}

// Keys says who may sign what. Package trust has the real one.
type Keys interface {
	// Place tells of all root statements so far, ascending by place. It is
	// called again, with one more, when a new root comes, before that
	// statement's own signature is asked about: a root holds from its own
	// place on. Documents that no statement names yet are not in force.
	Place(roots []Placed) error
	// Verifier returns the key of that name and hash if it holds the role for
	// a statement at log index at. With now not zero the statement is a new
	// one, and expired keys are refused too. An error that wraps ErrNoRole is a
	// refusal.
	Verifier(role, name string, hash uint32, at int64, now time.Time) (note.Verifier, error)
}

// Facts is what the door has to know of the statements before. A lookup that
// cannot be answered is an error, never "no".
type Facts interface {
	// Held returns the index of the statement with this identity.
	Held(id ID) (index int64, ok bool, err error)
	// Given returns the first source or upstream statement about a file name.
	Given(file string) (f File, index int64, ok bool, err error)
	// Built returns the newest successful build statement about a file name and target.
	Built(file, target string) (f File, index int64, ok bool, err error)
	// Statement returns the statement at an index below the current one.
	Statement(index int64) (*Signed, error)
	// Roots returns all root statements so far, ascending.
	Roots() ([]Placed, error)
}

// State is the log as a statement finds it at the door.
type State struct {
	Origin string
	Index  int64     // the index that the statement would get
	Now    time.Time // the log's clock; zero when an old log is replayed
	Last   time.Time // time of the statement before; zero if there is none
	Keys   Keys
	Facts  Facts
}

// Door decides whether the log may take a statement. A refusal is a
// [*DoorError]; any other error says that the question could not be decided.
func Door(s *Signed, st State) error {
	for _, rule := range []func(*Signed, State) error{
		checkOrigin, checkClock, checkHeld, checkRoot, checkSigner, checkGiven, checkBuilt,
	} {
		if err := rule(s, st); err != nil {
			return err
		}
	}
	return nil
}

func refuse(rule Rule, index int64, format string, args ...any) error {
	return &DoorError{Rule: rule, Index: index, Msg: fmt.Sprintf(format, args...)}
}

func checkOrigin(s *Signed, st State) error {
	if s.Log() != st.Origin {
		return refuse(RuleOrigin, -1, "it is for the log %s, this is %s", s.Log(), st.Origin)
	}
	return nil
}

func checkClock(s *Signed, st State) error {
	t := s.Time()
	if !st.Now.IsZero() && t.After(st.Now.Add(MaxFuture)) {
		return refuse(RuleClock, -1, "its time %s is in the future", s.Get("time"))
	}
	if !st.Last.IsZero() && t.Before(st.Last.Add(-MaxPast)) {
		return refuse(RuleClock, st.Index-1, "its time %s is more than a year before the statement before it", s.Get("time"))
	}
	return nil
}

func checkRoot(s *Signed, st State) error {
	if s.Kind() != KindRoot {
		if st.Index == 0 {
			return refuse(RuleRoot, -1, "the first statement of a log is its first root")
		}
		return nil
	}
	r, err := s.AsRoot()
	if err != nil {
		return err
	}
	roots, err := st.Facts.Roots()
	if err != nil {
		return err
	}
	if r.Number != int64(len(roots)) {
		return refuse(RuleRoot, -1, "it is root %d, the next is root %d", r.Number, len(roots))
	}
	if err := st.Keys.Place(append(roots[:len(roots):len(roots)], Placed{st.Index, r})); err != nil {
		return &DoorError{RuleRoot, -1, fmt.Sprintf("root %d", r.Number), err}
	}
	return nil
}

func checkSigner(s *Signed, st State) error {
	v, err := st.Keys.Verifier(s.Role(), s.Signer, s.Hash, st.Index, st.Now)
	if err != nil {
		return &DoorError{RuleSigner, -1, fmt.Sprintf("%s+%08x as %s", s.Signer, s.Hash, s.Role()), err}
	}
	if !s.Verify(v) {
		return refuse(RuleSigner, -1, "the signature of %s+%08x is wrong", s.Signer, s.Hash)
	}
	return nil
}

// checkHeld comes before the rules about roots and signers, so that a claim that
// the log took long ago is "held" whatever has happened to its key since.
func checkHeld(s *Signed, st State) error {
	i, held, err := st.Facts.Held(s.ID())
	if err != nil {
		return err
	}
	if held {
		return refuse(RuleHeld, i, "the log holds it already, at %d", i)
	}
	return nil
}

// checkGiven: what an index gave under a name stays what it is for ever. A
// publisher cannot replace a file in place, so another hash is an attack or a
// broken mirror.
func checkGiven(s *Signed, st State) error {
	if s.Kind() != KindSource && s.Kind() != KindUpstream {
		return nil
	}
	f := s.file()
	old, i, ok, err := st.Facts.Given(f.Name)
	if err != nil {
		return err
	}
	if ok && (old.SHA256 != f.SHA256 || old.Size != f.Size) {
		return refuse(RuleSource, i, "%s had sha256 %s and %d bytes at %d", f.Name, old.SHA256, old.Size, i)
	}
	return nil
}

// checkBuilt: a toolchain may change what a source builds to, but never silently.
func checkBuilt(s *Signed, st State) error {
	if s.Kind() != KindBuild || s.Get("file") == "" {
		return nil
	}
	b, err := s.AsBuild()
	if err != nil {
		return err
	}
	old, i, ok, err := st.Facts.Built(b.File.Name, b.Target)
	if err != nil {
		return err
	}
	same := ok && old.SHA256 == b.File.SHA256 && old.Size == b.File.Size
	if b.Supersedes == NoIndex {
		if ok && !same {
			return refuse(RuleBuilt, i, "%s for %s had sha256 %s at %d, and it names nothing that it supersedes", b.File.Name, b.Target, old.SHA256, i)
		}
		return nil
	}
	if !ok || same {
		return refuse(RuleBuilt, i, "there is no other hash of %s for %s to supersede", b.File.Name, b.Target)
	}
	return checkSuperseded(b, old, st)
}

// checkSuperseded: the statement named must be one that gave the present hash,
// so that two that supersede the same one cannot both come in.
func checkSuperseded(b Build, old File, st State) error {
	if b.Supersedes >= st.Index {
		return refuse(RuleBuilt, -1, "it supersedes statement %d, which is not yet there", b.Supersedes)
	}
	named, err := st.Facts.Statement(b.Supersedes)
	if err != nil {
		return err
	}
	if n, err := named.AsBuild(); err != nil || n.File != old || n.Target != b.Target {
		return refuse(RuleBuilt, b.Supersedes, "statement %d is not a build that gave the present %s for %s", b.Supersedes, b.File.Name, b.Target)
	}
	return nil
}
