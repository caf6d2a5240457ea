// Package monitor looks at a log from outside, again and again, and says what
// is new and what is wrong since the last time.
//
// It believes the pinned OpenPGP fingerprints and its own memory, and nothing
// else. One look:
//
//   - verifies the roots and the checkpoint's signature;
//   - proves that the log continues the checkpoint that was seen last: another
//     history, or a shorter one, is kept as evidence, with both signed checkpoints;
//   - compares it with what was seen of it at other addresses;
//   - makes every tile, the package index and every decision of the log's door
//     again from the statements (package fsck), on a copy of its own where the log
//     is behind an address;
//   - lists the statements that are new;
//   - asks by the policy that the root names who has cosigned the checkpoint, and
//     when: a view that nobody has cosigned for long may be a frozen one;
//   - warns of what runs out within 30 days.
//
// # Memory
//
//	FOLDER/lock              flock: one look at a time
//	FOLDER/checkpoint        the newest checkpoint seen, signed
//	FOLDER/log/...           the copy of a log behind an address
//	FOLDER/fork-HEX          two checkpoints that cannot both be, one below the other
//
// The checkpoint is replaced only by a log in which nothing was found that
// speaks against its own past.
package monitor

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const (
	// DefaultMaxAge is how old the quorum's cosignatures may be.
	DefaultMaxAge = 7 * 24 * time.Hour
	// ExpiryWarning is how long before a root or role runs out it is said.
	ExpiryWarning = 30 * 24 * time.Hour
	// MaxNew is how many new statements one look lists.
	MaxNew  = 1000
	maxSkew = 10 * time.Minute
)

// Options say what to look at, and what is known of it.
type Options struct {
	Log    store.Reader
	Dir    string   // of the log where it is a folder here; "" makes a copy below State
	State  string   // the monitor's memory of this log
	Others []string // folders with the memory of the same log behind other addresses; those of other logs are passed over
	Pins   proof.Pins
	MaxAge time.Duration // zero: DefaultMaxAge
	Now    time.Time
}

// A Finding is something that is wrong, or soon will be.
type Finding struct {
	ID      string `json:"id"` // forked, rolled-back, another-log, damaged, not-fresh, age-unknown, quorum-missing, expired, expires-soon
	What    string `json:"what"`
	Warning bool   `json:"warning"` // not wrong yet
}

// A New is a statement that was not there the last time.
type New struct {
	Index   int64  `json:"index"`
	Kind    string `json:"kind"`
	Package string `json:"package,omitempty"` // with its version
	Signer  string `json:"signer"`
	Time    string `json:"time"`
}

// A Report is one look.
type Report struct {
	Log      string    `json:"log"`
	Size     int64     `json:"size"`
	Last     int64     `json:"last"` // size seen the last time; -1: this is the first
	Cosigned string    `json:"cosigned,omitempty"`
	New      []New     `json:"new"` // at most MaxNew, the newest
	Findings []Finding `json:"findings"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Warning })
}

func (r *Report) find(id, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{ID: id, What: fmt.Sprintf(format, args...), Warning: id == "expires-soon"})
}

// Look looks once. An error says that there was nothing to judge: the log is not
// reached, or is not what the pins say; what is wrong with it is in the report.
func Look(ctx context.Context, o Options) (*Report, error) {
	l := &look{Options: o, rep: &Report{Last: -1, New: []New{}, Findings: []Finding{}}}
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	// Two looks at once would take each other's copy away.
	unlock, err := durable.Lock(filepath.Join(l.State, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.read(ctx); err != nil {
		return nil, err
	}
	if ok, err := l.continues(ctx); err != nil || !ok {
		return l.rep, err
	}
	if ok, err := l.agrees(ctx); err != nil || !ok {
		return l.rep, err
	}
	sound, err := l.check(ctx)
	if err != nil {
		return nil, err
	}
	l.age(ctx)
	l.expiry()
	if !sound {
		return l.rep, nil
	}
	if err := l.news(ctx); err != nil {
		return nil, err
	}
	return l.rep, durable.WriteFile(filepath.Join(l.State, "checkpoint"), l.note, 0o600)
}

type look struct {
	Options
	rep   *Report
	chain *trust.Chain
	c     tile.Checkpoint
	note  []byte
	tree  *store.Tree
}

// open verifies the roots against the pins.
func (l *look) open(ctx context.Context) error {
	roots, err := proof.Roots(ctx, l.Log)
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return fmt.Errorf("there is no log: root/0.toml: %w", fs.ErrNotExist)
	}
	first, err := trust.ParseRoot(roots[0].Document)
	if err != nil {
		return err
	}
	if l.chain, err = trust.VerifyChain(first.Origin, roots, l.Pins.Root); err != nil {
		return err
	}
	l.rep.Log = first.Origin
	if err := proof.CheckLogPin(l.chain, l.Pins.Log); err != nil {
		return err
	}
	return durable.MkdirAll(l.State, 0o700)
}

func (l *look) read(ctx context.Context) (err error) {
	l.c, l.note, err = store.Checkpoint(ctx, l.Log, l.rep.Log, l.chain.LogKeys())
	l.rep.Size = l.c.Size
	l.tree = store.NewTree(l.Log, l.c.Size, l.c.Root)
	return err
}

// continues compares the log with what was seen last.
func (l *look) continues(ctx context.Context) (bool, error) {
	msg, err := os.ReadFile(filepath.Join(l.State, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	last, err := remembered(msg)
	if err != nil {
		return false, &MemoryError{filepath.Join(l.State, "checkpoint"), err}
	}
	if last.Origin != l.rep.Log {
		l.rep.find("another-log", "it was the log %s the last time: its memory is in %s", last.Origin, l.State)
		return false, l.evidence(msg)
	}
	l.rep.Last = last.Size
	if l.c.Size < last.Size {
		l.rep.find("rolled-back", "it has %d statements, and had %d the last time", l.c.Size, last.Size)
		return false, l.evidence(msg)
	}
	root, err := l.tree.RootAt(ctx, last.Size)
	var damaged *store.DamagedError
	if errors.As(err, &damaged) || errors.Is(err, fs.ErrNotExist) {
		l.rep.find("damaged", "its tiles do not give the tree that its checkpoint signs: %v", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if root != last.Root {
		l.rep.find("forked", "its first %d statements are not those of the last time: the log has signed two histories", last.Size)
		return false, l.evidence(msg)
	}
	return true, nil
}

// A MemoryError says that what was seen last cannot be read.
type MemoryError struct {
	Path string
	Err  error
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("reading what was seen last (%s): %v", e.Path, e.Err)
}

func (e *MemoryError) Unwrap() error { return e.Err }

// remembered reads a checkpoint of the monitor's own memory. Its signature was
// checked when it was put there, and is not asked again: the key may have been
// replaced since, and reported stolen, but what was seen was seen.
func remembered(msg []byte) (tile.Checkpoint, error) {
	n, err := note.Parse(msg)
	if err != nil {
		return tile.Checkpoint{}, err
	}
	return tile.ParseCheckpoint(n.Text)
}

// agrees compares the log with what it said at other addresses: who shows two
// people two histories may show us two, at a mirror and at home. One that is
// behind the other is no finding: mirrors are.
func (l *look) agrees(ctx context.Context) (bool, error) {
	for _, dir := range l.Others {
		msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if err != nil {
			continue
		}
		there, err := remembered(msg)
		if err != nil || there.Origin != l.rep.Log {
			continue
		}
		long, short := store.NewTree(store.Folder(filepath.Join(dir, "log")), there.Size, there.Root), l.c
		if there.Size <= l.c.Size {
			long, short = l.tree, there
		}
		root, err := long.RootAt(ctx, short.Size)
		if err != nil {
			continue // no copy of it is here; what is wrong with our own tiles comes next
		}
		if root != short.Root {
			l.rep.find("forked", "its tree of %d and the one of %d that was seen at another address are not of one history", l.c.Size, there.Size)
			return false, l.evidence(msg)
		}
	}
	return true, nil
}

// evidence keeps two checkpoints that contradict one another: both are signed,
// so they convince anybody.
func (l *look) evidence(last []byte) error {
	both := append(append(slices.Clone(last), '\n'), l.note...)
	name := fmt.Sprintf("fork-%x", sha256.Sum256(both))
	return durable.WriteFile(filepath.Join(l.State, name[:21]), both, 0o600)
}

// check makes everything again that follows from the statements.
func (l *look) check(ctx context.Context) (sound bool, err error) {
	dir := l.Dir
	if dir == "" {
		dir = filepath.Join(l.State, "log")
		if err := l.copy(ctx, dir); err != nil {
			var damaged *store.DamagedError
			if errors.As(err, &damaged) || errors.Is(err, fs.ErrNotExist) {
				l.rep.find("damaged", "%v", err)
				return false, nil
			}
			return false, err
		}
	}
	rep, err := fsck.Check(ctx, dir, fsck.Options{Origin: l.rep.Log, LogKeys: l.chain.LogKeys(), Keys: l.chain.Keys()})
	if err != nil {
		return false, err
	}
	if l.Dir == "" && !rep.OK() {
		// Perhaps only what came over the wire this time: the next look fetches anew.
		if err := os.RemoveAll(dir); err != nil {
			return false, err
		}
	}
	const most = 10
	for i, p := range rep.Problems {
		if p.Ahead {
			continue // an append is under way; its checkpoint is not published yet
		}
		if i == most {
			l.rep.find("damaged", "and %d more", len(rep.Problems)-most)
			return false, nil
		}
		l.rep.find("damaged", "%s", p)
	}
	return len(l.rep.Findings) == 0, nil
}

// news lists what was not there the last time.
func (l *look) news(ctx context.Context) error {
	v := &log.View{Checkpoint: l.c, Note: l.note, Tree: l.tree}
	from := max(l.rep.Last, 0)
	for e, err := range v.Statements(ctx, max(from, l.c.Size-MaxNew), l.c.Size) {
		if err != nil {
			return err
		}
		if e.Kind() == record.KindIndex {
			continue // made by the log itself, and checked
		}
		name, version := e.Package()
		if version != "" {
			name += " " + version
		}
		l.rep.New = append(l.rep.New, New{e.Index, e.Kind(), name, fmt.Sprintf("%s+%08x", e.Signer, e.Hash), e.Time().UTC().Format(time.RFC3339)})
	}
	return nil
}

// age asks the witnesses' signatures how old this view is.
func (l *look) age(ctx context.Context) {
	p := &policy.Policy{}
	if digest := l.chain.Newest().Policy; digest != "" {
		text, err := l.Log.ReadFile(ctx, "policy", policy.MaxSize)
		if err != nil || trust.Digest(text) != digest {
			l.rep.find("damaged", "policy is not the file that root %d names", l.chain.Newest().Number)
			return
		}
		if p, err = policy.Parse(text); err != nil {
			l.rep.find("damaged", "%v", err)
			return
		}
	}
	if p.Needs() == 0 {
		l.rep.find("age-unknown", "the log's policy asks for no witness: nobody says that this is its newest view")
		return
	}
	_, seen, err := p.CheckCosignatures(l.note)
	var short *policy.QuorumError
	if errors.As(err, &short) {
		l.rep.find("quorum-missing", "%v", err)
		return
	}
	if err != nil {
		l.rep.find("damaged", "%v", err)
		return
	}
	seen = slices.DeleteFunc(seen, func(s policy.Seen) bool { return time.Unix(s.Time, 0).After(l.Now.Add(maxSkew)) })
	since, ok := p.Fresh(seen)
	if !ok {
		l.rep.find("age-unknown", "its cosignatures bear times that have not come yet")
		return
	}
	at := time.Unix(since, 0).UTC()
	l.rep.Cosigned = at.Format(time.RFC3339)
	if age, most := l.Now.Sub(at), cmp.Or(l.MaxAge, DefaultMaxAge); age > most {
		l.rep.find("not-fresh", "its witnesses cosigned it last on %s, %.1f days ago: this may be a frozen view", at.Format("2006-01-02 15:04"), age.Hours()/24)
	}
}

func (l *look) expiry() {
	root := l.chain.Newest()
	say := func(what string, at time.Time) {
		switch left := at.Sub(l.Now); {
		case left <= 0:
			l.rep.find("expired", "%s ran out on %s", what, at.Format("2006-01-02"))
		case left <= ExpiryWarning:
			l.rep.find("expires-soon", "%s runs out on %s, in %.0f days", what, at.Format("2006-01-02"), left.Hours()/24)
		}
	}
	say(fmt.Sprintf("root %d", root.Number), root.Expires)
	for _, k := range root.Roles {
		if !k.Expires.Equal(root.Expires) {
			say("the role "+k.Name, k.Expires)
		}
	}
}
