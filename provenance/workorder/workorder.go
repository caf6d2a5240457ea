// Package workorder computes what is still to be done before a lock is
// releasable: for each package and target what is had and what is missing, why,
// who may do it and with which command.
//
// Compute is pure. Its Input carries every fact (the lock, the policy, what the
// wheelhouse holds, what the log says, what this machine can build), so the same
// facts give the same order on any machine and tests need neither files nor keys.
//
// A wheel passes through six states, and an Order names for every locked wheel
// the ones that are missing:
//
//	build    the lock has no hash for it yet
//	prove    an upstream wheel is locked whose rebuild was never compared
//	review   its source has fewer reviews than the policy asks for
//	sign     no signed list names it
//	mirror   the policy wants our mirror to carry it, and no page does
//	log      its statements are pending, or missing
//
// Steps gathers them into commands in the order in which they have to be run.
package workorder

// The kinds of missing work, in the order in which they are done.
const (
	Build  = "build"
	Prove  = "prove"
	Review = "review"
	Sign   = "sign"
	Mirror = "mirror"
	Log    = "log"
	Check  = "check"
)

// An Order is the work that is left for one lock. Its JSON form is described by
// the schema "status".
type Order struct {
	Headline   string     `json:"headline"`              // one line: what is locked
	Elapsed    float64    `json:"elapsed_seconds"`       // of the resolution; 0 when nothing was resolved
	Releasable bool       `json:"releasable"`            // no step is outstanding; says nothing of the root
	Summary    Summary    `json:"summary"`               //
	Targets    []Target   `json:"targets"`               // oldest Python first
	Packages   []Package  `json:"packages"`              // new ones first, then by name
	Notes      []Note     `json:"notes,omitempty"`       // why something is as it is
	Alignment  *Alignment `json:"alignment,omitempty"`   // absent: nothing was held back by the last resolution
	Coverage   []Coverage `json:"coverage,omitempty"`    // absent: the last resolution lost no target
	Steps      []Step     `json:"steps"`                 // in the order in which they are to be done
	Next       string     `json:"next"`                  // the one command to run now; empty when there is none
	NextWhy    string     `json:"next_reason,omitempty"` // set when Next is empty or needs a word
	Trust      Trust      `json:"trust"`
}

// Summary counts what the headline says in words.
type Summary struct {
	Packages int      `json:"packages"` // distinct name and version pairs
	Sources  int      `json:"sources"`  // sdists locked
	Wheels   int      `json:"wheels"`   // wheels locked, whether they have a hash or not
	Todo     int      `json:"todo"`     // wheels to build or prove
	Roles    []string `json:"roles"`    // who has to act, besides the developer
}

// A Target is one column of the table.
type Target struct {
	Name   string `json:"name"`
	Python string `json:"python"`
}

// A Package is one row: one name over all targets.
type Package struct {
	Name     string            `json:"name"`
	New      bool              `json:"new,omitempty"`
	Versions map[string]string `json:"versions"` // target name to version; absent: the target does not need it
	Build    Work              `json:"build"`
	Upstream string            `json:"upstream"` // worst verdict over its wheels: bytes, content, differs, untried, none
	Causes   []string          `json:"causes,omitempty"`
	Mark     string            `json:"mark,omitempty"` // of the note that explains the causes
	Mirror   string            `json:"mirror"`         // done, yes, no, if differs
	Wheels   []Wheel           `json:"wheels"`
}

// Work says how many wheels of a package have to be made and how many are.
type Work struct {
	Kind string `json:"kind"` // pure, native, unknown (before its first build), upstream (nothing is built)
	Need int    `json:"need"`
	Done int    `json:"done"`
}

// A Wheel is one locked file with what it lacks.
type Wheel struct {
	File    string    `json:"file"`
	Version string    `json:"version"`
	Origin  string    `json:"origin"` // built or upstream
	Targets []string  `json:"targets"`
	SHA256  string    `json:"sha256,omitempty"`
	Missing []Missing `json:"missing,omitempty"`
}

// Missing is one thing that a wheel lacks.
type Missing struct {
	What    string `json:"what"` // build, prove, review, sign, mirror or log
	Why     string `json:"why"`
	Role    string `json:"role"` // developer, builder, reviewer, publisher, CI
	Command string `json:"command"`
}

// Coverage is a new version that fewer targets can take as it is published than
// the version that was locked before.
type Coverage struct {
	Name   string   `json:"name"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	Source []string `json:"source"` // targets that have to build it now
	Behind []string `json:"behind"` // targets that stay at the old version
}

// A Note is a sentence below the table. Mark, when set, is the sign in the table
// that it explains.
type Note struct {
	Mark string `json:"mark,omitempty"`
	Text string `json:"text"`
}

// A Step is one command of the order.
type Step struct {
	N       int      `json:"step"`
	Action  string   `json:"action"`
	Count   int      `json:"count"` // wheels, sources or statements that it is about
	Who     string   `json:"who"`   // "-" when nobody has to
	Command string   `json:"command"`
	State   string   `json:"state"` // ready, done, after 1, ...
	Done    bool     `json:"done"`
	Why     []string `json:"why,omitempty"`
	Ways    []string `json:"ways_out,omitempty"` // when it cannot be done here
}

// Trust is the last line of every order and of every verification: a green with
// one laptop's word is not a green with three.
type Trust struct {
	Builders  int    `json:"builders"`
	Reviews   int    `json:"reviews"`
	Witnesses int    `json:"witnesses"`
	Root      string `json:"root"` // none, provisional or adopted
}

// Outstanding reports whether a step is left to do.
func (o *Order) Outstanding() bool { return !o.Releasable }
