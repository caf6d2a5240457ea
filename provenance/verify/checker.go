package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// proofName is the proof's file name, beside the lock.
const proofName = lock.FileName + ".proof"

// A checker carries what has been found so far.
type checker struct {
	in       Input
	lock     *lock.Lock
	lockHash string
	book     *book
	v        *proof.Verified // nil: no proof, or a bad one
	chain    *trust.Chain    // the proof's, else the folder's; nil: none that the pins allow
	log      logFacts

	uncovered   map[string]bool // packages of which the proof does not tell all
	havePending bool            // a pending statement was taken in
	missing     int             // wheels still to be built
	open        int             // locked files that are not stated yet
	unproved    string          // a built wheel that nothing backs, where there is no proof
	saidBehind  bool
	files       []scanned
	checked     Checked

	mu       sync.Mutex
	findings []Finding
}

func newChecker(in Input) *checker {
	return &checker{in: in, lock: in.Lock, lockHash: hashOf(in.LockBytes), book: newBook(in.File), uncovered: map[string]bool{}}
}

func (c *checker) haveProof() bool { return c.v != nil }

// local reports whether there is a folder to look at.
func (c *checker) local() bool { return c.in.House.Dir != "" && !c.in.ReadOnlyHouse }

// add adds a finding with its kind's command.
func (c *checker) add(id, subject, format string, args ...any) {
	c.addFor(id, "", subject, format, args...)
}

// addFor adds a finding with a command of its own.
func (c *checker) addFor(id, command, subject, format string, args ...any) {
	k, ok := kinds[id]
	if !ok {
		panic("no kind of finding " + id)
	}
	f := k.finding(id, subject, fmt.Sprintf(format, args...))
	if command != "" {
		f.Command = command
	}
	if f.Command == "" {
		f.Command = cmdHistory + shellPath(subject)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, f)
}

// shellPath is a path as it can stand in a command that people copy into a shell.
// Whoever chose the name of a file must not choose what that command does: where
// quotes do not make it safe, its folder has to do.
func shellPath(p string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_+=:,@%-"
	for ; p != "." && p != "/"; p = path.Dir(p) {
		if strings.Trim(p, plain) == "" {
			return p
		}
		if !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' }) {
			return "'" + p + "'"
		}
	}
	return p
}

// show is a path of the wheelhouse as the user would type it in the project.
func (c *checker) show(rel string) string {
	path := c.in.House.Path(rel)
	if short, err := filepath.Rel(c.in.Dir, path); err == nil && c.in.Dir != "" && !strings.HasPrefix(short, "..") {
		path = short
	}
	return filepath.ToSlash(path)
}

// selected reports whether one of these targets was asked for.
func (c *checker) selected(targets []string) bool {
	if len(c.in.Targets) == 0 {
		return true
	}
	for _, t := range targets {
		if contains(c.in.Targets, t) {
			return true
		}
	}
	return false
}

// carry reports whether our mirror must hold a wheel of the lock.
func (c *checker) carry(w *lock.Wheel) bool {
	switch c.in.Policy.Mirror {
	case "none":
		return false
	case "all":
		return true
	}
	return w.Origin == lock.OriginBuilt
}

func (c *checker) run(ctx context.Context) error {
	scan := c.startScan(ctx)
	c.readProof()
	if err := c.readLog(ctx); err != nil {
		scan()
		return err
	}
	if err := c.readPending(); err != nil {
		scan()
		return err
	}
	if c.in.RequiresDigest != c.lock.RequiresDigest {
		c.add("lock-out-of-date", lock.FileName, "it was made for other requirements, targets or policy than the project has now")
	}
	if c.in.Proof == nil {
		c.add("no-proof", proofName, "there is none yet: nothing is in the log")
	}
	if c.v != nil || c.in.Proof == nil {
		c.rows()
		c.whole()
	}
	if err := errors.Join(c.witnesses(), c.fresh(c.log.note)); err != nil {
		return err
	}
	if c.chain != nil {
		c.checked.Roots = c.chain.Len()
	}
	if err := scan(); err != nil {
		return err
	}
	if err := c.house(ctx); err != nil {
		return err
	}
	return c.wheelsDir(ctx)
}

// report makes the report of what was found.
func (c *checker) report() *Report {
	t := c.trust()
	r := &Report{Class: OK, Checked: c.checked, Trust: t, ForRelease: c.in.ForRelease, File: c.file()}
	if c.in.ForRelease && r.Trust.Root == "provisional" {
		c.add("root-provisional", "root", "it was made on the spot by wheellock; a release needs the organisation's OpenPGP key")
	}
	r.Findings = c.findings
	sortFindings(r.Findings)
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	if len(r.Findings) > 0 {
		r.Class = r.Findings[0].Class
	}
	return r
}

// trust is the last line of every report: the weakest wheel and the least
// reviewed source decide.
func (c *checker) trust() workorder.Trust {
	t := workorder.Trust{Root: "none"}
	if c.chain != nil {
		t.Root = "adopted"
		if c.chain.Provisional() {
			t.Root = "provisional"
		}
	}
	if c.v == nil {
		return t
	}
	t.Witnesses = len(c.v.Cosigned)
	n := c.book.tally(c.lock, c.lockHash)
	first := true
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		reviews := 0
		if p.Sdist != nil {
			reviews = n.Reviews[p.Sdist.SHA256]
		}
		for _, w := range p.Wheels {
			b := n.Builders[w.SHA256]
			if first || b < t.Builders {
				t.Builders = b
			}
			if first || reviews < t.Reviews {
				t.Reviews = reviews
			}
			first = false
		}
	}
	return t
}

// wheelPath is where the wheelhouse holds a wheel of the lock for a target.
func wheelPath(w *lock.Wheel, target string) string { return mirror.Wheel(w.Name, target) }
