package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/sumdb/proof"
)

// Caps on how much of a log is read.
const (
	MaxFsck = 65_536 // statements of a log that is checked whole
	MaxTail = 4_096  // statements after the proof's that are looked through
)

// Input is everything that is verified, and what it is verified against.
type Input struct {
	Dir            string     // the project's folder, for paths in findings
	Lock           *lock.Lock // parsed from LockBytes; nil: Verify parses them
	LockBytes      []byte     // of wheels.lock
	RequiresDigest string     // of the inputs as they are now, see pyproject.Project.RequiresDigest
	Proof          []byte     // of wheels.lock.proof; nil: there is none
	Pins           proof.Pins // of the configuration
	Policy         pyproject.Policy
	House          mirror.Wheelhouse // the wheelhouse's folder; Dir "" where none is configured
	ReadOnlyHouse  bool              // it is an address: no local files are checked
	Targets        []string          // what is left to do counts for these only; nil: all
	WheelsDir      string            // a folder that must hold the locked wheels of Targets and nothing else; "": none
	// Wanted says what WheelsDir must hold on a target, nil: everything. Other
	// locked wheels of it may lie there too.
	Wanted     func(p *lock.Package, target string) bool
	ForRelease bool
	// File asks what the log says about a file beside all else; nil: about none.
	File    *File
	Project string // the project's name as its artifact statements have it
	// Fresh asks also whether this is a recent view of the log, at most MaxAge old
	// (zero: DefaultMaxAge), and what runs out soon.
	Fresh  bool
	MaxAge time.Duration
	Now    time.Time // zero: expiry is not looked at
	Jobs   int       // files hashed at once; 0: as many as processors

	fsck int64 // in tests, in place of MaxFsck
}

// Report is the outcome. Its JSON form is described by the schema "verify".
type Report struct {
	Class      Class           `json:"class"`
	Findings   []Finding       `json:"findings"` // worst first, then by id, subject and text
	Checked    Checked         `json:"checked"`
	Trust      workorder.Trust `json:"trust"`
	ForRelease bool            `json:"for_release"`
	File       *FileReport     `json:"file,omitempty"` // the one that was asked about
}

// Checked counts what was looked at, so that a green says how much it stands on.
type Checked struct {
	Wheels     int   `json:"wheels"`     // locked wheels with a hash
	Files      int   `json:"files"`      // files hashed
	Statements int   `json:"statements"` // whose place and signature the proof proves
	LogSize    int64 `json:"log_size"`   // of the proof's checkpoint
	Roots      int   `json:"roots"`
}

// Exit is the exit code: 0 for OK, and for INCOMPLETE unless it is for a release; else 1.
func (r *Report) Exit() int {
	if r.Class == OK || r.Class == Incomplete && !r.ForRelease {
		return 0
	}
	return 1
}

// Verify checks a project. What is wrong with it is in the report; an error is
// about the environment only (a file that cannot be read, a context that ended,
// a target that the lock does not have).
func Verify(ctx context.Context, in Input) (*Report, error) {
	c := newChecker(in)
	if c.lock == nil {
		l, err := lock.Parse(lock.FileName, in.LockBytes)
		if err != nil {
			f := LockFinding(err)
			return &Report{Class: f.Class, Findings: []Finding{f}, Trust: workorder.Trust{Root: "none"}, ForRelease: in.ForRelease}, nil
		}
		c.lock = l
	}
	for _, t := range in.Targets {
		if c.lock.Target(t) == nil {
			return nil, fmt.Errorf("verifying: the lock has no target %s", t)
		}
	}
	if err := c.run(ctx); err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	return c.report(), nil
}
