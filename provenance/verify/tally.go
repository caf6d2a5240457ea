package verify

import (
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/sumdb/proof"
)

// A Count is what a proof's statements say about the files of a lock. All keys
// are hex sha256 of files.
type Count struct {
	Builders  map[string]int   // distinct builders whose build statement backs the locked wheel
	Reviews   map[string]int   // distinct reviewers of the source
	Logged    map[string]bool  // a source, upstream or build statement says it
	LogEntry  map[string]int64 // log index of the newest build statement that gave it
	LockKnown bool             // a lock statement is for exactly this lock
}

// Tally counts. Statements by stolen keys do not count.
func Tally(v *proof.Verified, l *lock.Lock) Count { return Count{} }

// Wants names what a proof of a lock must hold completely.
func Wants(l *lock.Lock) []proof.Want { return nil }
