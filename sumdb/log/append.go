package log

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// Append takes leaves (see record.Sign) into the log, all or none, and returns
// when the published checkpoint covers them. A leaf that the door refuses gives
// a [*RefusedError] and changes nothing; so does one that the log holds already.
// Between them the log puts index statements of its own where they are due.
func (l *Log) Append(ctx context.Context, leaves ...[]byte) (*Result, error) {
	return l.append(ctx, leaves, false)
}

// AppendMissing is Append, but a leaf that the log holds already is answered
// with its index. With it an append that was interrupted can be repeated.
func (l *Log) AppendMissing(ctx context.Context, leaves ...[]byte) (*Result, error) {
	return l.append(ctx, leaves, true)
}

func (l *Log) append(ctx context.Context, leaves [][]byte, missing bool) (*Result, error) {
	s, err := l.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	indexes := make([]int64, len(leaves))
	admit := s.admitter(leaves)
	for i := range leaves {
		indexes[i], err = admit(i)
		var refused *record.DoorError
		if missing && errors.As(err, &refused) && refused.Rule == record.RuleHeld {
			indexes[i], err = refused.Index, nil
		}
		if err != nil {
			return nil, refusal(i, err)
		}
	}
	return s.commit(indexes)
}

// refusal wraps what is the leaf's fault, and passes on what is not.
func refusal(i int, err error) error {
	var door *record.DoorError
	if errors.As(err, &door) || errors.Is(err, record.ErrMalformed) {
		return &RefusedError{i, err}
	}
	return err
}

// admitter returns what admits leaf i of a batch. What can be done side by side
// begins here: signatures are checked, what the door will ask is read, and so is the
// package index where the batch will need it.
func (s *session) admitter(leaves [][]byte) func(i int) (int64, error) {
	parsed, errs := parse(leaves)
	var good []*record.Signed
	var keys []uint64
	for i, err := range errs {
		if err == nil {
			good = append(good, parsed[i].Signed)
			keys = append(keys, parsed[i].keys...)
		}
	}
	if s.index == nil && s.next()+int64(len(leaves))-s.facts.lastIndex() > index.Interval {
		s.indexAhead(good)
	}
	fetched := make(chan struct{})
	go func() {
		defer close(fetched)
		s.facts.prefetch(keys)
	}()
	record.Preverify(good, s.l.o.Keys, s.next(), s.now)
	<-fetched
	return func(i int) (int64, error) {
		if errs[i] != nil {
			return 0, errs[i]
		}
		return s.admit(parsed[i])
	}
}

// A parsed leaf comes with what can be worked out of it alone.
type parsed struct {
	*record.Signed
	hash tlog.Hash
	keys []uint64   // see keysOf
	item index.Item // see index.ItemOf
}

func parseLeaf(leaf []byte) (*parsed, error) {
	signed, err := record.ParseLeaf(leaf)
	if err != nil {
		return nil, err
	}
	item, err := index.ItemOf(leaf)
	return &parsed{signed, tlog.RecordHash(leaf), keysOf(signed), item}, err
}

// parse reads leaves on all processors.
func parse(leaves [][]byte) ([]*parsed, []error) {
	all, errs := make([]*parsed, len(leaves)), make([]error, len(leaves))
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for w := range min(n, len(leaves)) {
		wg.Go(func() {
			for i := w; i < len(leaves); i += n {
				all[i], errs[i] = parseLeaf(leaves[i])
			}
		})
	}
	wg.Wait()
	return all, errs
}

// admit asks the door, and takes the leaf into the batch. Where an index
// statement is due it comes first.
func (s *session) admit(p *parsed) (int64, error) {
	signed := p.Signed
	if signed.Kind() == record.KindIndex {
		return 0, &record.DoorError{Rule: record.RuleIndex, Index: -1, Msg: "index statements are made by the log's writer alone"}
	}
	// Asked first at the place that the statement would have without an index
	// statement: a refused leaf must not leave one behind.
	if err := s.ask(signed); err != nil {
		return 0, err
	}
	due, err := s.indexDue()
	if err != nil {
		return 0, err
	}
	if due {
		// A root that was asked about is not there yet.
		if err := s.place(); err != nil {
			return 0, err
		}
		if err := s.addIndex(); err != nil {
			return 0, fmt.Errorf("making an index statement: %w", err)
		}
		if err := s.ask(signed); err != nil {
			return 0, err
		}
	}
	return s.take(p)
}

func (s *session) next() int64 { return s.old.Size + int64(len(s.leaves)) }

// ask puts a statement before the door. When the facts turn out to be damaged
// they are made again, and the question asked again.
func (s *session) ask(signed *record.Signed) error {
	err := s.door(signed)
	if errors.Is(err, errFacts) {
		s.facts.reset()
		if err := s.facts.follow(s.ctx, s.tree); err != nil {
			return err
		}
		err = s.door(signed)
	}
	if err != nil && signed.Kind() == record.KindRoot {
		// The door has told the keys of a root that now does not come.
		if perr := s.place(); perr != nil {
			return errors.Join(err, perr)
		}
	}
	return err
}

func (s *session) door(signed *record.Signed) error {
	return record.Door(signed, record.State{
		Origin: s.l.o.Origin, Index: s.next(), Now: s.now, Last: s.last, Keys: s.l.o.Keys, Facts: s.facts,
	})
}

func (s *session) take(p *parsed) (int64, error) {
	s.bytes += int64(len(p.Leaf))
	if len(s.leaves) == MaxBatch || s.bytes > MaxBatchBytes {
		return 0, fmt.Errorf("appending: more than %d statements or %d bytes at once", MaxBatch, MaxBatchBytes)
	}
	i := s.next()
	s.grow(p.Leaf, p.hash)
	s.facts.add(p.Signed, p.keys)
	s.last = p.Time()
	if s.index != nil {
		if err := s.index.add(i, p.item); err != nil {
			return 0, err
		}
	}
	return i, nil
}

// grow puts a leaf at the end of the tree.
func (s *session) grow(leaf []byte, hash tlog.Hash) {
	s.leaves = append(s.leaves, leaf)
	s.full = append(s.full, s.edge.Add(hash)...)
}

// commit signs the new tree and publishes it.
func (s *session) commit(indexes []int64) (*Result, error) {
	if len(s.leaves) == 0 {
		_, msg, err := s.l.publishedNote(s.ctx)
		return &Result{indexes, s.old, msg}, err
	}
	if err := s.closingIndex(); err != nil {
		return nil, err
	}
	c := tile.Checkpoint{Origin: s.l.o.Origin, Size: s.edge.Size(), Root: s.edge.Root()}
	msg, err := note.Sign(c.Text(), s.l.o.Signer)
	if err != nil {
		return nil, fmt.Errorf("signing the checkpoint: %w", err)
	}
	// A checkpoint that our own readers would refuse must not get out.
	if _, _, err := tile.OpenCheckpoint(msg, s.l.o.Origin, s.l.o.LogKeys); err != nil {
		return nil, fmt.Errorf("signing the checkpoint: the signer is not a key of this log: %w", err)
	}
	j := &journal{s.l.o.Origin, s.old.Size, s.old.Root, msg, s.leaves}
	data, err := j.format()
	if err != nil {
		return nil, err
	}
	// The journal comes before the mark: if the mark were raised first and we
	// died, the folder would be below it for ever, with nothing to complete.
	// From here on the batch will happen, whatever we return.
	if err := s.l.write("journal", s.l.statePath("journal"), data); err != nil {
		if j, rerr := s.l.readJournal(); j == nil && rerr == nil {
			return nil, fmt.Errorf("appending: %w", err) // not there: nothing has happened
		}
		return nil, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	published, err := s.publish(c, msg)
	if err != nil {
		return nil, err
	}
	s.remember(c)
	s.l.prune(s.old.Size, c.Size, s.now)
	return &Result{indexes, c, published}, nil
}

// publish does what follows the journal. Replay does the same again from the
// start: every step may be repeated.
func (s *session) publish(c tile.Checkpoint, msg []byte) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("%w: %w", ErrUnfinished, err) }
	// The mark comes before anything public: once a tile or checkpoint can be
	// seen, no backup or branch of this folder may be signed in its stead.
	if err := s.l.step("mark", "mark", func() error {
		return durable.WriteFile(markPath(s.l.o.KeyDir, s.l.o.Origin), msg, 0o600)
	}); err != nil {
		return fail(err)
	}
	// Tiles come before the checkpoint, which promises that they are there.
	// They have new names: nothing that the old checkpoint needs is touched.
	bundles, err := s.bundles()
	if err != nil {
		return fail(err)
	}
	if err := s.writeTiles(slices.Concat(bundles, s.tiles())); err != nil {
		return fail(err)
	}
	// Witnesses check consistency against the tiles, and the published
	// checkpoint should carry what they sign.
	if s.l.o.Witness != nil {
		if msg, err = s.cosign(c, msg); err != nil {
			return fail(err)
		}
	}
	// Now everything that it stands for is durable.
	if err := s.l.write("checkpoint", filepath.Join(s.l.o.Dir, "checkpoint"), msg); err != nil {
		return fail(err)
	}
	// Only now: a crash before this line is completed by replay.
	if err := s.l.dropJournal(); err != nil {
		return fail(err)
	}
	return msg, nil
}

// writeTiles makes all tiles durable. Their order is of no matter: nothing refers
// to them before the checkpoint.
func (s *session) writeTiles(tiles []tile.File) error {
	var group durable.Group
	defer group.Discard()
	for _, t := range tiles {
		path := filepath.Join(s.l.o.Dir, filepath.FromSlash(t.Tile.Path()))
		if err := s.l.step("tile", path, func() error { return group.Write(path, t.Data, 0o644, 0o777) }); err != nil {
			return err
		}
	}
	return s.l.step("tiles", s.l.o.Dir, group.Commit)
}

// bundles returns the entry bundles that are new or have grown.
func (s *session) bundles() ([]tile.File, error) {
	var files []tile.File
	data := append([]byte(nil), s.bundle...)
	size := s.old.Size
	for i, leaf := range s.leaves {
		var err error
		if data, err = tile.AppendEntry(data, leaf); err != nil {
			return nil, err
		}
		size++
		if size%tile.Width == 0 || i == len(s.leaves)-1 {
			files = append(files, tile.File{Tile: tile.LastBundle(size), Data: data})
			data = nil
		}
	}
	return files, nil
}

// tiles returns the tiles of hashes that the new tree has and the old one has
// not: the full ones first.
func (s *session) tiles() []tile.File {
	files := s.full
	for _, f := range s.edge.Partials() {
		if !slices.Contains(tile.Edge(s.old.Size), f.Tile) {
			files = append(files, f)
		}
	}
	return files
}

// remember brings facts and index up to date. They can be made again from the
// log, so nothing that goes wrong here is an error of the append.
func (s *session) remember(c tile.Checkpoint) {
	warm := &warmState{checkpoint: c, facts: s.facts}
	if s.warm != nil {
		warm.wrote, warm.behind = s.warm.wrote, s.warm.behind
	}
	err := s.l.step("facts", s.facts.path(factsName), func() error { return s.facts.commit(c.Size, c.Root) })
	switch {
	case s.index == nil:
	case len(s.leaves) > index.Interval && time.Since(warm.wrote) < putOff:
		warm.index, warm.behind = s.index, true
		s.l.flushLater()
	case s.l.step("index", "index", s.index.commit) == nil:
		warm.index, warm.behind, warm.wrote = s.index, false, time.Now()
	}
	if err == nil {
		s.l.warm = warm
	}
}

func (l *Log) publishedNote(ctx context.Context) (tile.Checkpoint, []byte, error) {
	v, err := Read(ctx, l.reader(), l.o.Origin, l.o.LogKeys)
	if err != nil {
		return tile.Checkpoint{}, nil, err
	}
	return v.Checkpoint, v.Note, nil
}

// cosign asks the witnesses. What comes back must be our checkpoint still.
func (s *session) cosign(c tile.Checkpoint, msg []byte) ([]byte, error) {
	tree := newTree(s.l.reader(), c)
	cosigned, err := s.l.o.Witness(s.ctx, s.old.Size, msg, tree)
	if err != nil {
		return nil, fmt.Errorf("asking the witnesses: %w", err)
	}
	back, _, err := tile.OpenCheckpoint(cosigned, s.l.o.Origin, s.l.o.LogKeys)
	if err != nil || back.Text() != c.Text() {
		return nil, errors.New("asking the witnesses: what came back is not our checkpoint")
	}
	return cosigned, nil
}

// stamp is the time that the log's own statements carry: never before the
// statement that they follow, whose clock may be a little ahead of ours.
func (s *session) stamp() time.Time {
	if s.last.After(s.now) {
		return s.last
	}
	return s.now
}
