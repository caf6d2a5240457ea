package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A File is one that somebody holds and asks about: a Debian package, an archive, a wheel.
type File struct {
	Name   string // without folders
	SHA256 string // hex
	Size   int64
}

// FileReport is what the statements say about a file.
type FileReport struct {
	Name       string          `json:"name"`
	SHA256     string          `json:"sha256"`
	Size       int64           `json:"size"`
	Statements []FileStatement `json:"statements"` // ascending; pending ones last
}

// FileStatement is one statement that names exactly this file.
type FileStatement struct {
	Index    int64  `json:"index"` // -1: pending
	Kind     string `json:"kind"`
	Key      string `json:"key"`               // name and hash of the signer's
	As       string `json:"as,omitempty"`      // the name that it gives the file, where that is another
	Project  string `json:"project,omitempty"` // or package
	Version  string `json:"version,omitempty"`
	Lock     string `json:"lock,omitempty"`     // sha256 of the wheels.lock that went in
	Evidence string `json:"evidence,omitempty"` // sha256 of a file in evidence/
}

// mentions reports whether a statement has a file of this hash, or an output of this
// name.
func (f *File) mentions(s *record.Signed) bool {
	return f != nil && slices.ContainsFunc(s.Files(), func(x record.File) bool {
		return x.SHA256 == f.SHA256 || x.Name == f.Name && (s.Kind() == record.KindArtifact || s.Kind() == record.KindRelease)
	})
}

// watch keeps a statement that mentions the file asked for.
func (b *book) watch(f *fact, s *record.Signed) {
	if b.asked.mentions(s) && !slices.ContainsFunc(b.about, func(x about) bool { return x.where != pending && x.number == f.number }) {
		b.about = append(b.about, about{f, s})
	}
}

// about is a statement about the file asked for.
type about struct {
	*fact
	signed *record.Signed
}

// fileInLog looks for what the log says about the file before the proof's end: the
// proof itself carries only what the lock rests on. A small log is read; of
// another the index tells where outputs and withdrawals stand.
func (c *checker) fileInLog(ctx context.Context, tree *store.Tree) error {
	if c.in.File == nil || c.v == nil {
		return nil // without a proof the tail is the whole log
	}
	if tree.Size() <= c.mostRead() {
		return c.takeLeaves(ctx, tree, 0, c.v.Size)
	}
	// Where the index is torn, missing or a lie, nothing rests on it.
	snap, err := log.Index(ctx, c.in.House.Path(mirror.LogFolder), tree, c.believed)
	if err != nil {
		return c.takeLeaves(ctx, tree, 0, c.v.Size)
	}
	for _, name := range []string{"_" + record.KindArtifact, "_" + record.KindRelease, c.in.Project} {
		text, err := snap.Lookup(name)
		if err != nil {
			return c.takeLeaves(ctx, tree, 0, c.v.Size)
		}
		if text == nil {
			continue
		}
		entry, err := index.ParseEntry(text)
		if err != nil {
			return c.takeLeaves(ctx, tree, 0, c.v.Size)
		}
		for _, l := range entry.Lines {
			if err := c.takeLeaves(ctx, tree, l.Number, l.Number+1); err != nil {
				return err
			}
		}
	}
	return c.takeLeaves(ctx, tree, min(snap.Statement()+1, c.v.Size), c.v.Size)
}

// believed is false for an index that a stolen key has stated.
func (c *checker) believed(e log.Entry) bool {
	_, err := c.v.Chain.Holder(e.Index, e.Signer, e.Hash)
	return !errors.Is(err, trust.ErrStolen)
}

// takeLeaves takes in what some statements of the log say about the file.
func (c *checker) takeLeaves(ctx context.Context, tree *store.Tree, from, to int64) error {
	for leaf, err := range tree.Leaves(ctx, from, to) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.add("log-changed", c.show(mirror.LogFolder), "%v", err)
			return nil
		}
		if !bytes.Contains(leaf.Data, []byte(c.in.File.SHA256)) && !bytes.Contains(leaf.Data, []byte(c.in.File.Name)) {
			continue
		}
		s, err := record.ParseLeaf(leaf.Data)
		if err != nil {
			c.add("log-changed", c.show(mirror.LogFolder), "statement %d cannot be read", leaf.Index)
			return nil
		}
		if !c.in.File.mentions(s) {
			continue
		}
		key, void, ok := c.signedBy(leaf.Index, s)
		if !ok {
			c.add("log-changed", c.show(mirror.LogFolder), "statement %d is not signed by a %s", leaf.Index, s.Role())
			continue
		}
		c.book.watch(&fact{where: inTail, number: leaf.Index, key: key, void: void, kind: s.Kind()}, s)
	}
	return nil
}

// signedBy judges a statement of the log by where it stands.
func (c *checker) signedBy(number int64, s *record.Signed) (key string, void, ok bool) {
	h, err := c.roots().Holder(number, s.Signer, s.Hash)
	void = errors.Is(err, trust.ErrStolen)
	return h.Key, void, (err == nil || void) && h.Role == s.Role() && s.Verify(h.Verifier)
}

// file says what is known about the file asked for.
func (c *checker) file() *FileReport {
	f := c.in.File
	if f == nil {
		return nil
	}
	rep := &FileReport{Name: f.Name, SHA256: f.SHA256, Size: f.Size, Statements: []FileStatement{}}
	slices.SortStableFunc(c.book.about, func(a, b about) int { return place(a.number) - place(b.number) })
	best, stolen, other := unknownPlace, false, ""
	for _, a := range c.book.about {
		for _, x := range a.signed.Files() {
			switch {
			case a.kind == record.KindWithdraw && x.SHA256 == f.SHA256 && !a.void:
				c.addFor("artifact-withdrawn", "", f.Name, "it was taken back by %s: %s", a.place(), a.signed.Get("reason"))
			case a.kind == record.KindWithdraw || a.kind == record.KindPrune:
			case x.SHA256 != f.SHA256:
				other = fmt.Sprintf("%s has a file of this name with sha256 %s", a.place(), short(x.SHA256))
			case a.void:
				stolen = true
			default:
				st := statementOf(a)
				if x.Name != f.Name { // an old release by the name of a new one
					st.As = x.Name
				}
				rep.Statements = append(rep.Statements, st)
				best = min(best, a.where)
			}
		}
	}
	switch {
	case best == pending:
		c.add("artifact-pending", f.Name, "it is stated, but not in the log yet")
	case best != unknownPlace:
	case stolen:
		c.addFor("stolen-key", "wheellock repro --record -- COMMAND", f.Name, "only a key that was stolen has stated it")
	case other != "":
		c.add("artifact-changed", f.Name, "no statement names its bytes (sha256 %s): %s", short(f.SHA256), other)
	default:
		c.add("artifact-unknown", f.Name, "no statement names it (sha256 %s)", short(f.SHA256))
	}
	return rep
}

// unknownPlace is worse than every place of a fact.
const unknownPlace = pending + 1

// place sorts pending statements last.
func place(number int64) int {
	if number < 0 {
		return int(^uint(0) >> 1)
	}
	return int(number)
}

func statementOf(a about) FileStatement {
	s := FileStatement{Index: a.number, Kind: a.kind, Key: fmt.Sprintf("%s+%08x", a.signed.Signer, a.signed.Hash)}
	if x, err := a.signed.AsArtifact(); err == nil {
		s.Project, s.Version, s.Lock, s.Evidence = x.Project, x.Version, x.Lock, x.Evidence
	} else if x, err := a.signed.AsRelease(); err == nil {
		s.Project, s.Version = x.Project, x.Version
	} else {
		s.Project, s.Version = a.signed.Package()
		if b, err := a.signed.AsBuild(); err == nil {
			s.Evidence = b.Evidence
		}
	}
	return s
}
