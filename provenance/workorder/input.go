package workorder

import (
	"time"

	"github.com/freedomofpress/wheellock/lock"
)

// Input is every fact that an Order is computed from.
type Input struct {
	Lock   *lock.Lock
	Policy Policy
	// Added are the names that the verb at hand added; they lead the table.
	Added   []string
	Elapsed time.Duration
	// Facts about artifacts are keyed by lower-case hex sha256.
	Held      map[string]bool // the wheelhouse holds the file with these bytes
	Signed    map[string]bool // the signed list names it and its signature holds
	Paged     map[string]bool // an index page of ours links it
	HasPages  bool            // the wheelhouse has index pages: they must be in step with the list
	Logged    map[string]bool // a source, upstream or build statement in the proof says it
	Pending   int             // statements not yet in the log
	LockKnown bool            // a lock statement for exactly these bytes is in the proof or pending
	Reviews   map[string]int  // reviews by sha256 of the sdist
	Builders  map[string]int  // distinct builders that agree, by sha256 of the wheel
	// Unbuildable says for a target why this machine cannot build for it.
	Unbuildable map[string]Obstacle
	Seconds     map[string]float64 // how long past builds took, by package name
	Root        string             // none, provisional, adopted
	Witnesses   int                // distinct witnesses on the proof's checkpoint
	// LogEntry gives the log index of the statement about a file, for notes.
	LogEntry map[string]int64
}

// Policy is the part of the configuration that decides what is work.
type Policy struct {
	Wheels    string // build, build-unless-reproducible, upstream
	Mirror    string // all, unreproducible, none
	Append    string // now, pending
	Versions  string // newest, bounded, fewest
	Builders  int
	Reviews   int
	Witnesses int
}

// An Obstacle is why this machine cannot build for a target, and what could be
// done instead. Pure wheels may still be possible when only the libc is in the
// way.
type Obstacle struct {
	Native string   // reason that holds for native code; empty: none
	Pure   string   // reason that holds for every build (no interpreter, no sandbox); empty: none
	Ways   []string // ways out, each a sentence or a command
}
